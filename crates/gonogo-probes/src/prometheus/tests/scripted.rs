//! A small server that answers what it is told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is sent for a request line.
pub(super) type Script = dyn Fn(&str) -> Vec<u8> + Send + Sync;

/// The server; gone when dropped.
pub(super) struct Scripted {
    pub(super) port: u16,
    /// Whether it plays a Prometheus.
    pub(super) is_api: bool,
    asked: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Scripted {
    /// A server that sends what the script makes of the request head; nothing at all where that is empty.
    pub(super) async fn start(
        is_api: bool,
        script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, log): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&asked));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                drop(tokio::spawn(answer(stream, script, log)));
            }
        });
        Self {
            port,
            is_api,
            asked,
            accepting,
        }
    }

    /// A service that exposes a text under every path.
    pub(super) async fn exposing(text: &str) -> Self {
        let reply = ok("text/plain; version=0.0.4", text.as_bytes());
        Self::start(false, move |_| reply.clone()).await
    }

    /// A Prometheus that answers by the first of these whose key the request line holds, else with an empty vector.
    pub(super) async fn answering(answers: &[(&'static str, String)]) -> Self {
        let answers = answers.to_vec();
        Self::start(true, move |head| {
            let line = head.lines().next().unwrap_or("");
            let found = answers.iter().find(|(key, _)| line.contains(key));
            let empty = vector("");
            ok(
                "application/json",
                found.map_or(&empty, |(_, body)| body).as_bytes(),
            )
        })
        .await
    }

    /// The request heads so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            // TLS to a plain port: an answer that is none, as plain servers give it.
            Ok(byte) if head.is_empty() && !byte.is_ascii_uppercase() => {
                let _sent = stream
                    .write_all(&reply("400 Bad Request", "text/plain", b""))
                    .await;
                return;
            }
            Ok(byte) if head.len() < 65_536 => head.push(byte),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let reply = script(&head);
    log.lock().unwrap().push(head);
    if reply.is_empty() {
        // Silence until the other side gives up.
        let _end = stream.read_u8().await;
        return;
    }
    let _sent = stream.write_all(&reply).await;
    let _closed = stream.shutdown().await;
}

/// A whole answer of status 200.
pub(super) fn ok(media_type: &str, body: &[u8]) -> Vec<u8> {
    reply("200 OK", media_type, body)
}

/// A whole answer.
pub(super) fn reply(status: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The API's answer with a vector of these samples.
pub(super) fn vector(samples: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{samples}]}}}}"#)
}

/// The API's answer with a scalar.
pub(super) fn scalar(at: f64, value: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[{at},"{value}"]}}}}"#)
}

/// The API's answer with series over time.
pub(super) fn matrix(series: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#)
}
