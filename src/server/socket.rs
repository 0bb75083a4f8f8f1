//! A connection's bytes, watched where the HTTP library is more lenient than we may be.
//!
//! Heads of HTTP/1 requests are held back until they are whole and judged: `Content-Length` beside `Transfer-Encoding`
//! (request smuggling) and a fragment in the address (a client that did not encode `#` would have another resource
//! deleted than it meant) are turned into a head that is refused with 400. And a connection that ends with unread bytes
//! is closed in two steps, so that the client can read the answer before it sees the end.

use std::future::Future as _;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// The largest head watched; the HTTP library refuses larger ones.
const MAX_HEAD: usize = 64 * 1024;
/// How much unread input is taken and thrown away at the end, and for how long.
const LINGER_BYTES: usize = 256 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(20);
/// How HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2";
/// Bytes read at a time where they are judged.
const READ_BYTES: usize = 16 * 1024;
/// A head that no server takes: no method begins with a bracket.
const REFUSED: &[u8] = b"[ / HTTP/1.1\r\n\r\n";

/// Where in its sequence of requests the input stands.
enum Input {
    /// Collecting a head.
    Head(Vec<u8>),
    /// Inside a body of known length.
    Length(u64),
    /// Inside a chunked body.
    Chunked(Chunk),
    /// Not HTTP/1, or refused: nothing more is watched.
    Unwatched,
}

/// Where in a chunked body.
#[derive(Clone, Copy)]
enum Chunk {
    /// In a size line, with the size read so far, and whether its digits have ended.
    Size(u64, bool),
    /// In data, this much left, then a line end.
    Data(u64),
    /// In the line end after data.
    DataEnd,
    /// In the trailer; is the present line empty so far?
    Trailer(bool),
}

/// A watched connection.
pub struct Socket<S> {
    inner: S,
    input: Input,
    /// Judged bytes that the library has not taken yet, and how many of them it has.
    judged: Vec<u8>,
    given: usize,
    /// A head was refused: nothing after it is read.
    refused: bool,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
    /// How long a client may leave an answer untaken, and since when it does.
    idle: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Socket<S> {
    /// Watches a connection; `http1`: is it HTTP/1 for sure or by default (ALPN did not choose HTTP/2)?
    pub fn new(inner: S, http1: bool, idle: Duration) -> Self {
        let input = if http1 { Input::Head(Vec::new()) } else { Input::Unwatched };
        Self { inner, input, judged: Vec::new(), given: 0, refused: false, lingering: None, idle, stalled: None }
    }

    /// Gives a write that waits its time, and no more.
    fn bounded<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let idle = self.idle;
        let deadline = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Follows bytes that were read, and passes on what may be: bodies at once, heads when they are whole and good.
    fn judge(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.refused {
            match &mut self.input {
                Input::Unwatched => {
                    self.judged.extend_from_slice(bytes);
                    return;
                }
                Input::Length(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    let (body, rest) = bytes.split_at(taken);
                    self.judged.extend_from_slice(body);
                    bytes = rest;
                    *left -= taken as u64;
                    if *left == 0 {
                        self.input = Input::Head(Vec::new());
                    }
                }
                Input::Chunked(state) => {
                    let (next, rest) = chunked(*state, bytes);
                    self.judged.extend_from_slice(bytes.get(..bytes.len() - rest.len()).unwrap_or_default());
                    bytes = rest;
                    self.input = next.map_or_else(|| Input::Head(Vec::new()), Input::Chunked);
                }
                Input::Head(head) => {
                    let before = head.len();
                    head.extend_from_slice(bytes);
                    if head.starts_with(PREFACE) {
                        self.judged.append(head);
                        self.input = Input::Unwatched;
                        return;
                    }
                    let Some(end) = head_end(head, before) else {
                        if head.len() > MAX_HEAD {
                            self.refuse();
                        }
                        return;
                    };
                    bytes = bytes.get(end - before..).unwrap_or_default();
                    head.truncate(end);
                    let next = match framing(head) {
                        Framing::Refused => return self.refuse(),
                        Framing::Length(0) => Input::Head(Vec::new()),
                        Framing::Length(length) => Input::Length(length),
                        Framing::Chunked => Input::Chunked(Chunk::Size(0, false)),
                        Framing::Unknown => Input::Unwatched,
                    };
                    self.judged.append(head);
                    self.input = next;
                }
            }
        }
    }

    fn refuse(&mut self) {
        self.judged.extend_from_slice(REFUSED);
        self.refused = true;
    }
}

/// Position after the empty line that ends a head, looked for near what was added after `before`.
fn head_end(head: &[u8], before: usize) -> Option<usize> {
    let from = before.saturating_sub(3);
    let tail = head.get(from..)?;
    tail.iter().enumerate().filter(|(_, byte)| **byte == b'\n').find_map(|(at, _)| {
        // Mixed line ends are taken by the library, so they are known here, too.
        match tail.get(at + 1..)? {
            [b'\n', ..] => Some(from + at + 2),
            [b'\r', b'\n', ..] => Some(from + at + 3),
            _ => None,
        }
    })
}

enum Framing {
    Refused,
    Length(u64),
    Chunked,
    Unknown,
}

/// How the body after this head is framed (RFC 9112 section 6).
fn framing(head: &[u8]) -> Framing {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r')).skip_while(|line| line.is_empty());
    let request = lines.next().unwrap_or_default();
    if request.contains('#') {
        return Framing::Refused;
    }
    let mut length = None;
    let mut chunked = false;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<u64>());
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = true;
        }
    }
    match (length, chunked) {
        (Some(_), true) => Framing::Refused,
        (None, true) => Framing::Chunked,
        (Some(Ok(length)), false) => Framing::Length(length),
        // The library refuses a length that is no number.
        (Some(Err(_)), false) => Framing::Unknown,
        (None, false) => Framing::Length(0),
    }
}

/// Follows a chunked body (RFC 9112 section 7.1); `None` when it has ended, and the bytes after it.
fn chunked(mut state: Chunk, mut bytes: &[u8]) -> (Option<Chunk>, &[u8]) {
    while let Some((byte, rest)) = bytes.split_first() {
        if let Chunk::Data(left) = state {
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            bytes = bytes.get(taken..).unwrap_or_default();
            let left = left - taken as u64;
            state = if left == 0 { Chunk::DataEnd } else { Chunk::Data(left) };
            continue;
        }
        bytes = rest;
        state = match (state, byte) {
            (Chunk::Size(0, _), b'\n') => Chunk::Trailer(true),
            (Chunk::Size(size, _), b'\n') => Chunk::Data(size),
            (Chunk::Size(size, false), byte) => match char::from(*byte).to_digit(16) {
                Some(digit) => Chunk::Size(size.saturating_mul(16).saturating_add(u64::from(digit)), false),
                None => Chunk::Size(size, true),
            },
            (Chunk::Size(size, true), _) => Chunk::Size(size, true),
            (Chunk::DataEnd, b'\n') => Chunk::Size(0, false),
            (Chunk::DataEnd, _) => Chunk::DataEnd,
            (Chunk::Trailer(true), b'\n') => return (None, bytes),
            (Chunk::Trailer(_), b'\n') => Chunk::Trailer(true),
            (Chunk::Trailer(empty), b'\r') => Chunk::Trailer(empty),
            (Chunk::Trailer(_) | Chunk::Data(_), _) => Chunk::Trailer(false),
        };
    }
    (Some(state), bytes)
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let waiting = this.judged.get(this.given..).unwrap_or_default();
            if !waiting.is_empty() {
                let taken = waiting.len().min(buf.remaining());
                buf.put_slice(waiting.get(..taken).unwrap_or_default());
                this.given += taken;
                if this.given == this.judged.len() {
                    this.judged.clear();
                    this.given = 0;
                }
                return Poll::Ready(Ok(()));
            }
            if this.refused {
                return Poll::Ready(Ok(()));
            }
            match &mut this.input {
                Input::Unwatched => return Pin::new(&mut this.inner).poll_read(cx, buf),
                // The long way of a large body: straight into the library's buffer, never past the body's end.
                Input::Length(left) => {
                    let room = usize::try_from(*left).unwrap_or(usize::MAX).min(buf.remaining());
                    let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
                    ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
                    let read = part.filled().len();
                    buf.advance(read);
                    *left -= read as u64;
                    if *left == 0 {
                        this.input = Input::Head(Vec::new());
                    }
                    return Poll::Ready(Ok(()));
                }
                Input::Head(_) | Input::Chunked(_) => {
                    let mut space = [MaybeUninit::uninit(); READ_BYTES];
                    let mut part = ReadBuf::uninit(&mut space);
                    ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
                    if part.filled().is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    this.judge(part.filled());
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
        this.bounded(cx, flushed)
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
        let Some((deadline, taken)) = this.lingering.as_mut() else { return Poll::Ready(Ok(())) };
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
    use super::{Duration, MAX_HEAD, REFUSED, Socket};

    /// Feeds a conversation in pieces of `step` bytes: what the library would read.
    fn read(input: &str, step: usize) -> String {
        let mut socket = Socket::new((), true, Duration::ZERO);
        input.as_bytes().chunks(step).for_each(|piece| socket.judge(piece));
        String::from_utf8(socket.judged).expect("text")
    }

    #[test]
    fn smuggling_is_seen_wherever_it_hides() {
        let put = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n";
        let bad = "PUT /a HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        // What looks like a head inside a body is content.
        let quoted = format!("PUT /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n{bad}", bad.len());
        let refused = std::str::from_utf8(REFUSED).expect("text");
        let mixed = "DELETE /a#b HTTP/1.1\nHost: h\n\r\n";
        let upgraded = bad.replace("HTTP/1.1", "HTTP/1.1\r\nUpgrade: x");
        for step in [1, 2, 3, 7, 1000] {
            for good in [put, chunked, &quoted, &format!("{put}{chunked}{quoted}{put}\r\n{put}")] {
                assert_eq!(read(good, step), good, "{step}");
            }
            for before in ["", put, chunked, &quoted] {
                for bad in [bad, mixed, &upgraded, "DELETE /a/#b HTTP/1.1\r\nHost: h\r\n\r\n"] {
                    assert_eq!(read(&format!("{before}{bad}{put}"), step), format!("{before}{refused}"), "{step}");
                }
            }
        }
        let endless = format!("GET /a HTTP/1.1\r\nA: {}", "x".repeat(MAX_HEAD));
        assert_eq!(read(&endless, 1000), refused);
    }
}
