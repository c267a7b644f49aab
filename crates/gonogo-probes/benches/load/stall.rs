//! A server that does nothing at all in the first 200 ms of each second, as in a long garbage collection, and answers
//! at once otherwise. One thread, so that what waited is answered within a millisecond of the stall's end.
#![expect(
    clippy::disallowed_methods,
    reason = "its whole point is what it does when"
)]

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::net::{RecvFlags, SendFlags};

const EACH: Duration = Duration::from_secs(1);
const STALL: Duration = Duration::from_millis(200);
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// Names the listener among the events.
const LISTENER: u64 = u64::MAX;

/// Serves on a free port of loopback for so long, and says which.
pub(crate) fn serve(length: Duration, bound: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &epoll,
        &listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    bound(listener.local_addr()?);
    let mut connections: Vec<Option<OwnedFd>> = Vec::new();
    let mut events: Vec<Event> = Vec::with_capacity(1024);
    let began = Instant::now();
    while began.elapsed() < length {
        let until_stall = EACH.as_nanos() - began.elapsed().as_nanos() % EACH.as_nanos();
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: (until_stall as i64).min(999_999_999),
        };
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), Some(&wait))?;
        let into = began.elapsed().as_nanos() % EACH.as_nanos();
        if into < STALL.as_nanos() {
            let left = STALL.as_nanos() - into;
            std::thread::sleep(Duration::from_nanos(left as u64));
        }
        for event in &events {
            let data = event.data;
            if data.u64() == LISTENER {
                accept(&listener, &epoll, &mut connections)?;
            } else {
                answer(&mut connections[data.u64() as usize]);
            }
        }
    }
    Ok(())
}

fn accept(
    listener: &TcpListener,
    epoll: &OwnedFd,
    connections: &mut Vec<Option<OwnedFd>>,
) -> io::Result<()> {
    while let Ok((stream, _)) = listener.accept() {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let data = EventData::new_u64(connections.len() as u64);
        epoll::add(epoll, &stream, data, EventFlags::IN)?;
        connections.push(Some(OwnedFd::from(stream)));
    }
    Ok(())
}

/// Answers the request that came. The clients that are measured here send one at a time, in one piece.
fn answer(connection: &mut Option<OwnedFd>) {
    let Some(socket) = connection else {
        return;
    };
    let mut request = [0u8; 4096];
    match rustix::net::recv(&*socket, &mut request, RecvFlags::empty()) {
        Ok((1.., _)) => {
            let _sent = rustix::net::send(&*socket, ANSWER, SendFlags::NOSIGNAL);
        }
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
        Ok(_) | Err(_) => *connection = None,
    }
}
