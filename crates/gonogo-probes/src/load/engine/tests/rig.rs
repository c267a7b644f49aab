//! What the tests are built from: a scripted server, a sink that keeps everything, and the usual load.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crate::load::engine::*;

/// A server on loopback that runs a script on each connection. Ends, with its threads, when dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) connections: Arc<AtomicU64>,
    ending: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn scripted(script: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicU64::new(0));
        let ending = Arc::new(AtomicBool::new(false));
        let script = Arc::new(script);
        let (counted, over) = (Arc::clone(&connections), Arc::clone(&ending));
        let accepting = std::thread::spawn(move || {
            let mut serving = Vec::new();
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let (stream, script) = (stream.unwrap(), Arc::clone(&script));
                serving.push(std::thread::spawn(move || script(stream)));
            }
            // The engine has left by then, so every script finds the end of its stream.
            for thread in serving {
                let _ended = thread.join();
            }
        });
        Self {
            address,
            connections,
            ending,
            accepting: Some(accepting),
        }
    }

    /// Answers every request so, and closes the connection after each where asked to.
    pub(super) fn answering(answer: impl Into<Vec<u8>>, close: bool) -> Self {
        let answer = answer.into();
        Self::scripted(move |mut stream| {
            while read_request(&mut stream) {
                if stream.write_all(&answer).is_err() || close {
                    break;
                }
            }
            let _closed = stream.shutdown(Shutdown::Both);
        })
    }

    /// Takes requests and never answers.
    pub(super) fn silent() -> Self {
        Self::scripted(|mut stream| while read_request(&mut stream) {})
    }

    pub(super) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let _woken = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ended = accepting.join();
        }
    }
}

/// Reads a request without a body; false at the end of the stream.
pub(super) fn read_request(stream: &mut impl Read) -> bool {
    let mut last = [0u8; 4];
    let mut byte = [0u8; 1];
    while last != *b"\r\n\r\n" {
        match stream.read(&mut byte) {
            Ok(1) => {
                last.rotate_left(1);
                last[3] = byte[0];
            }
            Ok(_) | Err(_) => return false,
        }
    }
    true
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Keeps every sample, checks what holds for all, and asks a closure whether to go on.
pub(super) struct Kept<F> {
    pub(super) samples: Vec<Sample>,
    last: Progress,
    proceed: F,
}

impl<F: FnMut(&Progress) -> Proceed> Kept<F> {
    pub(super) fn asking(proceed: F) -> Self {
        let last = Progress {
            elapsed: std::time::Duration::ZERO,
            due: 0,
            done: 0,
        };
        Self {
            samples: Vec::new(),
            last,
            proceed,
        }
    }
}

impl<F: FnMut(&Progress) -> Proceed + Send> Sink for Kept<F> {
    fn sample(&mut self, sample: &Sample) {
        assert_eq!(sample.done_ns.is_none(), sample.end == End::NeverSent);
        if let (Some(sent), Some(done)) = (sample.sent_ns, sample.done_ns) {
            assert!(sample.due_ns <= sent && sent <= done);
        }
        self.samples.push(*sample);
    }

    fn proceed(&mut self, progress: &Progress) -> Proceed {
        assert!(progress.done <= progress.due);
        assert!(progress.done >= self.last.done);
        assert_eq!(progress.done, self.samples.len() as u64);
        self.last = *progress;
        (self.proceed)(progress)
    }
}

pub(super) fn closed(users: u32) -> Model {
    Model::Closed { users, pace: None }
}

pub(super) fn open(rate: f64) -> Model {
    Model::Open {
        rate,
        arrivals: Arrivals::Constant,
    }
}

/// A load of so many requests.
pub(super) fn load(address: SocketAddr, model: Model, requests: u64) -> Config {
    let host = address.to_string();
    let request = Request::new("GET", "/", &host, &[], b"").unwrap();
    let mut config = Config::new(address, request, model);
    config.requests = Some(requests);
    // Long enough for any machine: whoever means to time out says so.
    config.timeout = std::time::Duration::from_mins(10);
    config
}

/// Runs a load to its end, and checks that its samples and its summary tell the same.
pub(super) fn samples(config: &Config) -> (Vec<Sample>, Summary) {
    samples_while(config, |_| Proceed::Continue)
}

pub(super) fn samples_while(
    config: &Config,
    proceed: impl FnMut(&Progress) -> Proceed + Send,
) -> (Vec<Sample>, Summary) {
    let mut kept = Kept::asking(proceed);
    let summary = run(config, &mut kept, &AtomicBool::new(false)).unwrap();
    check(&mut kept.samples, &summary);
    (kept.samples, summary)
}

/// Every scheduled request gave exactly one sample, and the summary counts them.
pub(super) fn check(samples: &mut [Sample], summary: &Summary) {
    samples.sort_by_key(|sample| sample.index);
    assert_eq!(samples.len() as u64, summary.scheduled);
    assert!(samples.iter().zip(0..).all(|(s, index)| s.index == index));
    for end in End::ALL {
        let count = samples.iter().filter(|s| s.end == end).count() as u64;
        assert_eq!(summary.count(end), count, "{end:?}");
    }
    let sent = samples.iter().filter(|s| s.sent_ns.is_some()).count() as u64;
    assert_eq!(summary.sent, sent);
    assert_eq!(
        summary.bytes,
        samples.iter().map(|sample| sample.bytes).sum::<u64>()
    );
}

/// All requests of a load ended so.
#[track_caller]
pub(super) fn all_end(config: &Config, end: End) -> Summary {
    let (samples, summary) = samples(config);
    assert_eq!(summary.ended, Ended::Completed);
    for sample in samples {
        assert_eq!(sample.end, end);
    }
    summary
}
