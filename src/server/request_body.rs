//! A request's body on its way in: in which codings it comes, and what becomes of the rest when the answer is there
//! before it.
//!
//! Over HTTP/1 an answer must not end the connection without a word (RFC 9112 section 9.6): a small rest is read on, so
//! that the connection lives (Windows, Office and .NET count on it), and before a large one is given up the answer says
//! so. Over HTTP/2 it is the stream that ends, and not before the client could read the answer: with the reset the one
//! would go that came before.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CONTENT_ENCODING, EXPECT, HeaderName, TRANSFER_ENCODING};
use http::{HeaderMap, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body, Frame, SizeHint};

use crate::exchange::Incoming;
use crate::model::condition::Condition;
use crate::model::error::Failure;

/// The largest rest that is read on, and for how long.
const READ_ON_BYTES: u64 = 1024 * 1024;
const READ_ON: Duration = Duration::from_secs(60);
/// How long a larger rest is left unread on a stream of HTTP/2 before it is reset.
const LEFT: Duration = Duration::from_secs(2);

/// What is known of a request's body when its answer is there.
#[derive(Clone, Default)]
pub struct BodyRemainder(Option<Arc<AtomicBool>>);

impl BodyRemainder {
    /// Does the connection end with this answer, because more of the body would come than is read on?
    pub fn ends_connection(&self) -> bool {
        self.0.as_ref().is_some_and(|kept| !kept.load(Ordering::Relaxed))
    }
}

/// A body, for who takes it and for who answers; and why it cannot be taken.
pub fn take(
    body: hyper::body::Incoming,
    version: Version,
    headers: &HeaderMap,
) -> (Incoming, BodyRemainder, Option<Condition>) {
    if body.is_end_stream() {
        return (
            Empty::new().map_err(|never: std::convert::Infallible| match never {}).boxed_unsync(),
            BodyRemainder::default(),
            None,
        );
    }
    let stream = version >= Version::HTTP_2;
    let kept = Arc::new(AtomicBool::new(stream));
    let rest = BodyRemainder(Some(Arc::clone(&kept)));
    let unasked = headers.contains_key(EXPECT);
    (IncomingBody { body: Some(body), unasked, stream, kept }.boxed_unsync(), rest, unknown_coding(headers))
}

/// A coding that is not undone here, and that nobody would know of afterwards (RFC 9110 section 8.4, RFC 9112 section
/// 6.1).
fn unknown_coding(headers: &HeaderMap) -> Option<Condition> {
    let codings = |name: HeaderName| {
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?"));
        lines.flat_map(|line| line.split(',').map(str::trim))
    };
    let mut transfer = codings(TRANSFER_ENCODING);
    if transfer.next().is_some_and(|first| !first.eq_ignore_ascii_case("chunked") || transfer.next().is_some()) {
        return Some(Condition::TransferCoding);
    }
    let coded = codings(CONTENT_ENCODING).any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    coded.then_some(Condition::ContentCoding)
}

/// A body whose end is looked after when whoever took it has had enough.
struct IncomingBody {
    body: Option<hyper::body::Incoming>,
    /// The client waits for our word before it sends, and nothing was asked of it yet.
    unasked: bool,
    /// It is a stream of HTTP/2.
    stream: bool,
    /// The body ends, or will end, within the connection.
    kept: Arc<AtomicBool>,
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = self.get_mut();
        this.unasked = false;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(|error| Failure::new("taking a body", error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take() else { return };
        if self.unasked && !self.stream {
            return;
        }
        // What is here already is taken, up to a bound.
        let mut taken = 0;
        while !body.is_end_stream() && taken <= READ_ON_BYTES {
            match body.frame().now_or_never() {
                Some(Some(Ok(frame))) => taken += frame.data_ref().map_or(0, |bytes| bytes.len() as u64),
                Some(Some(Err(_))) => return,
                Some(None) => return self.kept.store(true, Ordering::Relaxed),
                None => break,
            }
        }
        let small = body.size_hint().upper().is_some_and(|left| left <= READ_ON_BYTES);
        if !small && !self.stream {
            return;
        }
        self.kept.store(true, Ordering::Relaxed);
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !body.is_end_stream()
        {
            runtime.spawn(async move {
                if small {
                    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
                    let _ = tokio::time::timeout(READ_ON, rest).await;
                } else {
                    tokio::time::sleep(LEFT).await;
                    drop(body);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unknown_coding;
    use crate::model::condition::Condition;
    use http::{HeaderMap, HeaderName, HeaderValue};

    #[test]
    fn codings_are_undone_or_refused() {
        let (content, transfer) = (Some(Condition::ContentCoding), Some(Condition::TransferCoding));
        for (lines, refused) in [
            (&[][..], None),
            (&[("content-encoding", "identity")], None),
            (&[("content-encoding", "Identity, identity")], None),
            (&[("content-encoding", "gzip")], content),
            (&[("content-encoding", "identity, br")], content),
            (&[("content-encoding", "identity"), ("content-encoding", "zstd")], content),
            (&[("content-encoding", "\u{e9}")], content),
            (&[("transfer-encoding", "Chunked")], None),
            (&[("transfer-encoding", "gzip, chunked")], transfer),
            (&[("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")], transfer),
            (&[("transfer-encoding", "chunked, chunked")], transfer),
            (&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], transfer),
            (&[("transfer-encoding", "identity, chunked"), ("content-encoding", "gzip")], transfer),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                let value = HeaderValue::from_str(value).expect("a header");
                headers.append(HeaderName::from_static(name), value);
            }
            assert_eq!(unknown_coding(&headers), refused, "{lines:?}");
        }
    }
}
