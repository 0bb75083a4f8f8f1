//! A connection's bytes, on their way between the system and the HTTP library.
//!
//! What comes is followed and, where the library is more lenient than we may be, refused (`http1`, `http2`). Of HTTP/1
//! the next request is held back while one is under way, and so is the end of what the client sends: a client that has
//! ended its sending side waits for its answer still, and one that has gone looks the same. A write that the client
//! does not take has an end. And a connection that ends with unread bytes is closed in two steps, so that the client
//! can read the answer before it sees the end.

use std::future::Future as _;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::connection_slot::ConnectionSlot;
use super::http1::{Followed, MAX_HEAD, Messages};
use super::http2::Frames;

/// How much unread input is taken and thrown away at the end, and for how long.
const LINGER_BYTES: usize = 256 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(20);
/// Bytes read at a time where they are followed.
const READ_BYTES: usize = 16 * 1024;
/// How long work goes on that may be for nobody: the client sends nothing more, and its answer has not begun.
const DOUBT: Duration = Duration::from_secs(1);

/// How what comes is followed.
enum Protocol {
    Http1(Messages),
    Http2(Frames),
    /// The library refuses it.
    Unknown,
    /// Something was refused: nothing after it is read.
    Refused,
}

/// A watched connection.
pub struct Socket<S> {
    inner: S,
    slot: Arc<ConnectionSlot>,
    protocol: Protocol,
    /// Bytes that were read and not followed yet.
    held: Vec<u8>,
    /// Bytes that may go to the library, and how many of them it has.
    passed: Vec<u8>,
    given: usize,
    /// The client sends nothing more.
    ended: bool,
    /// How long a request that may be for nobody goes on.
    doubt: Option<Pin<Box<Sleep>>>,
    /// The library got `Pending` although something is held for it.
    waits: bool,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
    /// How long a client may leave an answer untaken, and since when it does.
    idle: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Socket<S> {
    /// Watches the connection of a place.
    pub fn new(inner: S, slot: Arc<ConnectionSlot>, idle: Duration) -> Self {
        Self {
            inner,
            slot,
            protocol: Protocol::Http1(Messages::default()),
            held: Vec::new(),
            passed: Vec::new(),
            given: 0,
            ended: false,
            doubt: None,
            waits: false,
            lingering: None,
            idle,
            stalled: None,
        }
    }

    /// Gives a write that waits its time, and no more.
    fn bounded<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.stalled.take().is_some() {
                self.slot.wait_for_client(false);
            }
            return written;
        }
        let deadline = self.stalled.get_or_insert_with(|| {
            self.slot.wait_for_client(true);
            Box::pin(tokio::time::sleep(self.idle))
        });
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Is one message over, and its answer not taken yet?
    fn is_answering(&self) -> bool {
        let between = matches!(&self.protocol, Protocol::Http1(messages) if messages.is_between());
        between && (self.slot.is_busy() || self.stalled.is_some())
    }

    /// Follows what is held.
    fn follow(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        if let Protocol::Http1(messages) = &mut self.protocol {
            match messages.follow(&held, &mut self.passed) {
                Followed::Taken(taken) => drop(held.drain(..taken)),
                Followed::Unknown(taken) => {
                    held.drain(..taken);
                    self.protocol = Protocol::Unknown;
                }
                Followed::Refused => self.protocol = Protocol::Refused,
                Followed::Http2 => {
                    held = messages.unfinished();
                    self.protocol = Protocol::Http2(Frames::default());
                }
            }
        }
        match &mut self.protocol {
            Protocol::Http1(_) => self.held = held,
            Protocol::Http2(frames) => {
                if !frames.follow(&held, &mut self.passed) {
                    self.protocol = Protocol::Refused;
                }
            }
            Protocol::Unknown => self.passed.append(&mut held),
            Protocol::Refused => {}
        }
    }

    /// The client sends nothing more: does the library hear of it now?
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_answering() {
            self.doubt = None;
            return Poll::Ready(());
        }
        self.waits = true;
        if !self.slot.is_droppable() {
            return Poll::Pending;
        }
        self.doubt.get_or_insert_with(|| Box::pin(tokio::time::sleep(DOUBT))).as_mut().poll(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let waiting = this.passed.get(this.given..).unwrap_or_default();
            if !waiting.is_empty() {
                let taken = waiting.len().min(buf.remaining());
                buf.put_slice(waiting.get(..taken).unwrap_or_default());
                this.given += taken;
                if this.given == this.passed.len() {
                    this.passed.clear();
                    this.given = 0;
                }
                return Poll::Ready(Ok(()));
            }
            let answering = this.is_answering();
            if !answering && !this.held.is_empty() {
                this.follow();
                continue;
            }
            if this.ended {
                return this.poll_end(cx).map(Ok);
            }
            match &mut this.protocol {
                Protocol::Refused => return Poll::Ready(Ok(())),
                Protocol::Unknown => return Pin::new(&mut this.inner).poll_read(cx, buf),
                // The long way of a large body: straight into the library's buffer, never past the body's end.
                Protocol::Http1(messages @ Messages::Length(_)) => {
                    let Messages::Length(left) = messages else { continue };
                    let room = usize::try_from(*left).unwrap_or(usize::MAX).min(buf.remaining());
                    let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
                    ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
                    let read = part.filled().len();
                    buf.advance(read);
                    *left -= read as u64;
                    if *left == 0 {
                        *messages = Messages::default();
                    }
                    return Poll::Ready(Ok(()));
                }
                // It sends one request after the other, without waiting: more than a head of them is not taken.
                Protocol::Http1(_) if answering && this.held.len() >= MAX_HEAD => {
                    this.waits = true;
                    return Poll::Pending;
                }
                Protocol::Http1(_) | Protocol::Http2(_) => {
                    let mut space = [MaybeUninit::uninit(); READ_BYTES];
                    let mut part = ReadBuf::uninit(&mut space);
                    let read = Pin::new(&mut this.inner).poll_read(cx, &mut part);
                    this.waits |= read.is_pending() && !this.held.is_empty();
                    ready!(read)?;
                    this.ended = part.filled().is_empty();
                    this.held.extend_from_slice(part.filled());
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.bounded(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        ready!(this.bounded(cx, flushed))?;
        // The library does not ask again by itself for what it got `Pending` for.
        if this.waits && !this.is_answering() {
            this.waits = false;
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.bounded(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// Closes our side, then takes what the client is still sending, within bounds: a close with unread input would
    /// reset the connection and the client would never read the answer.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            let shut = Pin::new(&mut this.inner).poll_shutdown(cx);
            ready!(this.bounded(cx, shut))?;
            this.lingering = Some((Box::pin(tokio::time::sleep_until(Instant::now() + LINGER)), 0));
        }
        let Some((deadline, taken)) = this.lingering.as_mut().filter(|_| !this.ended) else {
            return Poll::Ready(Ok(()));
        };
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        loop {
            let mut buf = ReadBuf::uninit(&mut space);
            let over = deadline.as_mut().poll(cx).is_ready() || *taken > LINGER_BYTES;
            if over {
                return Poll::Ready(Ok(()));
            }
            match Pin::new(&mut this.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if buf.filled().is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => *taken += buf.filled().len(),
                Poll::Ready(Err(_)) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionSlot, DOUBT, Duration, Socket};
    use crate::model::budget::Budget;
    use std::sync::Arc;
    use std::time::Instant;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

    /// A connection on which a client has sent a request, and said so much more, and no more.
    async fn asked(more: &[u8]) -> (Arc<ConnectionSlot>, Socket<DuplexStream>, DuplexStream) {
        let (mut client, inner) = duplex(1024);
        let slot = Arc::new(ConnectionSlot::new(None, Instant::now()));
        let mut socket = Socket::new(inner, Arc::clone(&slot), Duration::from_secs(10));
        client.write_all(&[GET, more].concat()).await.expect("sent");
        client.shutdown().await.expect("ended");
        let mut head = [0; 1024];
        assert_eq!(socket.read(&mut head).await.expect("a head"), GET.len());
        (slot, socket, client)
    }

    async fn read(socket: &mut Socket<DuplexStream>, within: Duration) -> Option<usize> {
        let mut space = [0; 1024];
        tokio::time::timeout(within, socket.read(&mut space)).await.ok().map(|read| read.expect("bytes or an end"))
    }

    #[tokio::test]
    async fn a_question_is_given_up_when_it_may_be_for_nobody() {
        let (slot, mut socket, _client) = asked(b"").await;
        let active = slot.begin(Budget::default());
        let begun = Instant::now();
        assert_eq!(read(&mut socket, 3 * DOUBT).await, Some(0));
        assert!(begun.elapsed() >= DOUBT);
        drop(active);
    }

    #[tokio::test]
    async fn changes_and_answers_are_not() {
        for answers in [false, true] {
            let (slot, mut socket, _client) = asked(GET).await;
            let active = slot.begin(Budget::default());
            if answers {
                active.answer()
            } else {
                active.keep()
            }
            assert_eq!(read(&mut socket, DOUBT * 3 / 2).await, None);
            drop(active);
            // What was requested after it comes then, and after that the end.
            assert_eq!(read(&mut socket, DOUBT / 2).await, Some(GET.len()));
            assert_eq!(read(&mut socket, DOUBT / 2).await, Some(0));
        }
    }
}
