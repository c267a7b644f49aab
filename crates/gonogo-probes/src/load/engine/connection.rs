//! One connection: a socket that never blocks, TLS over it where wanted, and the answer that is being read.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto};
use rustls::ClientConnection;

use super::config::Tls;
use super::response::{Answer, Fed, Reader, Rules};
use super::sample::End;
use super::schedule::Due;

/// How many times a connection is read before others get their turn.
const READS_IN_A_ROW: usize = 16;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Until this time it may connect and shake hands.
    Opening { until_ns: u64 },
    /// Ready for a request.
    Idle,
    /// A request is under way.
    Busy { due: Due, sent_ns: u64 },
}

/// One connection to the target.
pub(super) struct Connection {
    socket: OwnedFd,
    tls: Option<Box<ClientConnection>>,
    connected: bool,
    pub(super) phase: Phase,
    /// Bytes of the request that the system did not take yet; 0 almost always.
    unsent: usize,
    /// It has carried an answer before.
    used: bool,
    reader: Reader,
}

/// What reading found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing more for now.
    Nothing,
    /// There is more, but others want their turn.
    More,
    /// A whole answer, and whether the connection can be used again.
    Answer { answer: Answer, reusable: bool },
    /// The request failed so; the connection is of no more use.
    Failed(End),
    /// The peer ended a connection on which nothing was under way, or spoke without being asked.
    Ended,
}

/// Why a call on the transport gave nothing.
enum Halt {
    Wait,
    Failed(End),
}

impl Connection {
    /// Starts to connect.
    pub(super) fn open(address: SocketAddr, tls: Option<&Tls>, until_ns: u64) -> Result<Self, End> {
        let family = if address.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        let socket = rustix::net::socket_with(
            family,
            SocketType::STREAM,
            SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
            Some(ipproto::TCP),
        )
        .map_err(|_| End::Local)?;
        // Without it a request in two segments would wait for an acknowledgement; failing that costs only time.
        let _set = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
            Err(error) => return Err(end_of_connect(error)),
        }
        let tls = match tls {
            None => None,
            Some(tls) => Some(Box::new(
                ClientConnection::new(tls.config.clone(), tls.name.clone())
                    .map_err(|_| End::Tls)?,
            )),
        };
        Ok(Self {
            socket,
            tls,
            connected: false,
            phase: Phase::Opening { until_ns },
            unsent: 0,
            used: false,
            reader: Reader::default(),
        })
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Goes on with opening; says whether the connection is ready.
    pub(super) fn go_on_opening(&mut self) -> Result<bool, End> {
        if !self.connected {
            match rustix::net::sockopt::socket_error(&self.socket) {
                Ok(Ok(())) => {}
                Ok(Err(error)) | Err(error) => return Err(end_of_connect(error)),
            }
            // No error and no peer: an event that came before the connection did.
            if rustix::net::getpeername(&self.socket).is_err() {
                return Ok(false);
            }
            self.connected = true;
        }
        let Some(tls) = &mut self.tls else {
            return Ok(true);
        };
        loop {
            let mut stalled = true;
            if tls.wants_write() {
                match tls.write_tls(&mut Socket(&self.socket)) {
                    Ok(_) => stalled = false,
                    Err(error) => wait_or(&error, End::Tls)?,
                }
            }
            if !tls.is_handshaking() {
                return Ok(!tls.wants_write());
            }
            if tls.wants_read() {
                match tls.read_tls(&mut Socket(&self.socket)) {
                    Ok(0) => return Err(End::Tls),
                    Ok(_) => {
                        stalled = false;
                        process(tls, &self.socket)?;
                    }
                    Err(error) => wait_or(&error, End::Tls)?,
                }
            }
            if stalled {
                return Ok(false);
            }
        }
    }

    /// Sends the request. An error means that none of it left; `stale` that the connection had ended before.
    #[inline]
    pub(super) fn send(&mut self, request: &[u8], due: Due, now_ns: u64) -> Result<(), NotSent> {
        self.reader.reset();
        self.unsent = request.len();
        match self.send_rest(request) {
            Ok(()) => {
                self.phase = Phase::Busy {
                    due,
                    sent_ns: now_ns,
                };
                Ok(())
            }
            Err(end) => Err(NotSent {
                end,
                stale: self.used && self.unsent == request.len(),
            }),
        }
    }

    /// Sends what is left of the request, as far as the system takes it.
    #[inline]
    pub(super) fn send_rest(&mut self, request: &[u8]) -> Result<(), End> {
        if let Some(tls) = &mut self.tls {
            while self.unsent > 0 {
                let rest = &request[request.len() - self.unsent..];
                let taken = tls.writer().write(rest).map_err(|_| End::Tls)?;
                self.unsent -= taken;
                if !flush(tls, &self.socket)? || taken == 0 {
                    break;
                }
            }
            flush(tls, &self.socket)?;
            return Ok(());
        }
        while self.unsent > 0 {
            let rest = &request[request.len() - self.unsent..];
            match rustix::net::send(&self.socket, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => self.unsent -= sent,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(end_of_exchange(error)),
            }
        }
        Ok(())
    }

    /// Whether part of the request, or of the TLS records, waits for the system to take it.
    #[inline]
    pub(super) fn has_unsent(&self) -> bool {
        self.unsent > 0 || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Bytes of the answer so far.
    pub(super) fn bytes(&self) -> u64 {
        self.reader.answer().bytes
    }

    /// Reads what is there. `hung_up` says that the system reported the end of the stream.
    #[inline]
    pub(super) fn read(&mut self, buffer: &mut [u8], rules: &Rules, hung_up: bool) -> Found {
        for _ in 0..READS_IN_A_ROW {
            let length = match self.receive(buffer) {
                Ok(length) => length,
                Err(Halt::Wait) => return Found::Nothing,
                Err(Halt::Failed(end)) => return self.failed(end),
            };
            if self.phase == Phase::Idle {
                return Found::Ended;
            }
            if length == 0 {
                return match self.reader.end_of_stream() {
                    Ok(()) => Found::Answer {
                        answer: self.reader.answer(),
                        reusable: false,
                    },
                    Err(flaw) => Found::Failed(flaw.end()),
                };
            }
            match self.reader.feed(&buffer[..length], rules) {
                Ok(Fed::Whole(used)) => {
                    self.used = true;
                    let answer = self.reader.answer();
                    // Bytes beyond the answer would be taken for the answer to the next request.
                    let clean = used == length && self.unsent == 0 && !hung_up;
                    return Found::Answer {
                        answer,
                        reusable: clean && answer.keep_alive,
                    };
                }
                Ok(Fed::More) => {}
                Err(flaw) => return Found::Failed(flaw.end()),
            }
            // A read that does not fill the buffer has emptied the socket (epoll(7)).
            if self.tls.is_none() && !hung_up && length < buffer.len() {
                return Found::Nothing;
            }
        }
        Found::More
    }

    fn failed(&self, end: End) -> Found {
        match self.phase {
            Phase::Busy { .. } if end == End::Reset && self.bytes() > 0 => {
                Found::Failed(End::Truncated)
            }
            Phase::Busy { .. } => Found::Failed(end),
            Phase::Idle | Phase::Opening { .. } => Found::Ended,
        }
    }

    /// Receives plain bytes; none means the end of the stream.
    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Halt> {
        let Some(tls) = &mut self.tls else {
            loop {
                return match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
                    Ok((length, _)) => Ok(length),
                    Err(Errno::INTR) => continue,
                    Err(Errno::AGAIN) => Err(Halt::Wait),
                    Err(error) => Err(Halt::Failed(end_of_exchange(error))),
                };
            }
        };
        loop {
            match tls.reader().read(buffer) {
                Ok(length) => return Ok(length),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                // The stream ended without saying so in TLS: whatever was read may have been cut by somebody else.
                Err(_) if self.reader.answer().bytes == 0 => return Err(Halt::Failed(End::Reset)),
                Err(_) => return Err(Halt::Failed(End::Truncated)),
            }
            match tls.read_tls(&mut Socket(&self.socket)) {
                Ok(_) => process(tls, &self.socket).map_err(Halt::Failed)?,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return Err(Halt::Wait);
                }
                Err(_) => return Err(Halt::Failed(End::Reset)),
            }
        }
    }
}

/// A request that did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotSent {
    pub(super) end: End,
    /// The peer had ended the connection after an earlier answer, so that the request can go over another.
    pub(super) stale: bool,
}

/// Handles the records that were read; a failure is told to the peer as far as that goes.
fn process(tls: &mut ClientConnection, socket: &OwnedFd) -> Result<(), End> {
    if tls.process_new_packets().is_err() {
        let _told = tls.write_tls(&mut Socket(socket));
        return Err(End::Tls);
    }
    if tls.wants_write() {
        flush(tls, socket)?;
    }
    Ok(())
}

/// Writes the records that wait; says whether all were taken.
fn flush(tls: &mut ClientConnection, socket: &OwnedFd) -> Result<bool, End> {
    while tls.wants_write() {
        match tls.write_tls(&mut Socket(socket)) {
            Ok(_) => {}
            Err(error) => {
                wait_or(&error, End::Reset)?;
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Waiting is no failure.
fn wait_or(error: &std::io::Error, end: End) -> Result<(), End> {
    if error.kind() == std::io::ErrorKind::WouldBlock {
        Ok(())
    } else {
        Err(end)
    }
}

fn end_of_connect(error: Errno) -> End {
    match error {
        Errno::CONNREFUSED => End::Refused,
        Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED => End::Reset,
        Errno::TIMEDOUT => End::TimedOut,
        Errno::ADDRNOTAVAIL | Errno::ADDRINUSE | Errno::NOBUFS | Errno::NOMEM | Errno::AGAIN => {
            End::Local
        }
        _ => End::Unreachable,
    }
}

fn end_of_exchange(error: Errno) -> End {
    match error {
        Errno::TIMEDOUT => End::TimedOut,
        Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN => End::Unreachable,
        Errno::NOBUFS | Errno::NOMEM => End::Local,
        _ => End::Reset,
    }
}

/// The socket as rustls reads and writes it.
struct Socket<'a>(&'a OwnedFd);

impl std::io::Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match rustix::net::recv(self.0, &mut *buffer, RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                Ok((length, _)) => return Ok(length),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl std::io::Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        loop {
            match rustix::net::send(self.0, bytes, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                other => return other.map_err(Into::into),
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
