//! What carries a connection, and how much of it is read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// What may arrive from one row to the next: a larger row is not read to its end.
pub(super) const MAX_ROW_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes that may still arrive.
#[derive(Clone)]
pub(super) struct Budget(pub(super) Arc<AtomicU64>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(MAX_ROW_BYTES)))
    }
}

/// The way that bytes take.
pub(super) enum Wire {
    /// Over a network.
    Tcp(TcpStream),
    /// On this machine.
    Unix(UnixStream),
}

/// A connection that stops where more comes than is read, or where what comes is not PostgreSQL's.
pub(super) struct Metered {
    /// What carries it.
    pub(super) wire: Wire,
    /// What may still arrive.
    pub(super) budget: Budget,
    /// Whether the first byte has come.
    pub(super) begun: bool,
    /// Whether TLS is asked for first.
    pub(super) secured: bool,
}

impl Metered {
    /// The first byte of a server's answer: to a request for TLS, or to the sign-in.
    fn begins_well(&mut self, first: Option<&u8>) -> bool {
        let Some(first) = first.filter(|_| !self.begun) else {
            return true;
        };
        self.begun = true;
        if self.secured {
            b"SNE".contains(first)
        } else {
            b"RENv".contains(first)
        }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = match &mut self.wire {
            Wire::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Wire::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if !matches!(read, Poll::Ready(Ok(()))) {
            return read;
        }
        let came = &buf.filled()[before..];
        if !self.begins_well(came.first()) {
            let not_ours = "the answer is not PostgreSQL's";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, not_ours)));
        }
        let came = came.len() as u64;
        let left = self.budget.0.load(Ordering::Relaxed).saturating_sub(came);
        self.budget.0.store(left, Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::Error::other("a row is larger than is read")));
        }
        read
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.wire {
            Wire::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Wire::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire {
            Wire::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire {
            Wire::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
