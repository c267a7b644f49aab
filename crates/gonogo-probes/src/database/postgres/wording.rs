//! In which form the columns of an answer come.
//!
//! The driver asks for all of them in binary form. Some types have none (`aclitem`), and of most beyond the common ones
//! only the server knows how a value is written. So the one message that says which form is wanted (`Bind`) is looked
//! for in what the driver sends, and says for each column what we read: binary, or the server's own text.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// So many bytes may wait for the other end before more are taken.
const MOST_WAITING: usize = 256 * 1024;

/// The forms that the next answer is wanted in.
#[derive(Clone, Default)]
pub(super) struct Forms(Arc<Mutex<Option<Vec<bool>>>>);

impl Forms {
    /// For each column of the next statement whether it is to come as text.
    pub(super) fn want(&self, text: Vec<bool>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// What is wanted; from then on nothing is.
    pub(super) fn take(&self) -> Option<Vec<bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A stream to a server on which the wanted forms are said.
pub(super) struct Worded<S> {
    stream: S,
    forms: Forms,
    /// Whether the first message, the only one without a letter, is through.
    begun: bool,
    /// The beginning of a message.
    part: BytesMut,
    /// Whole messages that were not sent yet.
    ready: BytesMut,
}

impl<S> Worded<S> {
    pub(super) fn new(stream: S, forms: Forms) -> Self {
        Self {
            stream,
            forms,
            begun: false,
            part: BytesMut::new(),
            ready: BytesMut::new(),
        }
    }

    fn look_through(&mut self) {
        loop {
            let head = usize::from(self.begun);
            let Some(Ok(length)) = self.part.get(head..head + 4).map(<[u8; 4]>::try_from) else {
                return;
            };
            let whole = head + (u32::from_be_bytes(length) as usize).max(4);
            if self.part.len() < whole {
                return;
            }
            let mut message = self.part.split_to(whole);
            if self.begun
                && message.first() == Some(&b'B')
                && let Some(text) = self.forms.take()
            {
                reword(&mut message, &text);
            }
            self.begun = true;
            self.ready.extend_from_slice(&message);
        }
    }
}

/// The message ends with the forms of the columns: of the driver's, that one form (1, binary) is meant for all.
fn reword(message: &mut BytesMut, text: &[bool]) {
    const ALL_BINARY: [u8; 4] = [0, 1, 0, 1];
    let Ok(count) = u16::try_from(text.len()) else {
        return;
    };
    if !message.ends_with(&ALL_BINARY) {
        return;
    }
    message.truncate(message.len() - ALL_BINARY.len());
    message.put_u16(count);
    for is_text in text {
        message.put_u16(u16::from(!is_text));
    }
    // The letter does not count.
    let length = u32::try_from(message.len() - 1).unwrap_or(u32::MAX);
    message[1..5].copy_from_slice(&length.to_be_bytes());
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    fn pass_on(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.ready.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.ready))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.ready.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.ready.len() > MOST_WAITING {
            ready!(self.pass_on(cx))?;
        }
        self.part.extend_from_slice(buf);
        self.look_through();
        // What the other end does not take yet is sent with the flush, which follows each message.
        match self.pass_on(cx) {
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            _ => Poll::Ready(Ok(buf.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.pass_on(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.pass_on(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Worded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// The same inside of TLS, where the messages can be read.
pub(super) struct WordedTls<T> {
    inner: T,
    forms: Forms,
}

impl<T> WordedTls<T> {
    pub(super) fn new(inner: T, forms: Forms) -> Self {
        Self { inner, forms }
    }
}

impl<S, T> TlsConnect<S> for WordedTls<T>
where
    T: TlsConnect<S>,
    T::Future: Send + 'static,
{
    type Stream = Worded<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, T::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let forms = self.forms;
        let connecting = self.inner.connect(stream);
        Box::pin(async move { Ok(Worded::new(connecting.await?, forms)) })
    }
}
