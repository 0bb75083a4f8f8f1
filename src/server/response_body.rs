//! An answer's body as the HTTP library takes it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Version;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::connection_slot::ActiveRequest;
use crate::exchange::Body;
use crate::model::budget::Budget;
use crate::model::error::Failure;
use crate::model::node::ContentStream;

/// The most that a stream of HTTP/2 is given at a time: it keeps two such pieces that the client does not take, and
/// with each the whole block that it is of.
const PIECE_BYTES: usize = 32 * 1024;

/// A body on its way out, with what is left of its request: it is under way until this is dropped.
pub struct Outgoing {
    source: BodySource,
    /// What has been taken from the source and not been given, and how much is given at a time.
    rest: Bytes,
    piece: usize,
    span: tracing::Span,
    active: ActiveRequest,
}

/// Bytes that count in a budget until the library has sent them.
struct BudgetedBytes {
    bytes: Bytes,
    _budget: Budget,
}

impl AsRef<[u8]> for BudgetedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

enum BodySource {
    Empty,
    Full(Bytes),
    /// And how many bytes are left, if that is known.
    Blocks(ContentStream, Option<u64>),
}

impl Outgoing {
    /// Takes over an answer's body.
    pub fn new(body: Body, span: tracing::Span, active: ActiveRequest, version: Version) -> Self {
        let source = match body {
            Body::Empty => BodySource::Empty,
            Body::Full(bytes) => BodySource::Full(bytes),
            Body::Blocks(blocks, length) => BodySource::Blocks(blocks, length),
        };
        let piece = if version >= Version::HTTP_2 { PIECE_BYTES } else { usize::MAX };
        Self { source, rest: Bytes::new(), piece, span, active }
    }

    /// The next bytes of the source; `None` at its end.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match &mut self.source {
            BodySource::Empty => Poll::Ready(None),
            BodySource::Full(bytes) => {
                let bytes = BudgetedBytes { bytes: std::mem::take(bytes), _budget: self.active.budget().clone() };
                self.source = BodySource::Empty;
                Poll::Ready(Some(Ok(Bytes::from_owner(bytes))))
            }
            BodySource::Blocks(blocks, left) => match ready!(blocks.as_mut().poll_next(cx)) {
                Some(Ok(bytes)) => {
                    *left = left.map(|left| left.saturating_sub(bytes.len() as u64));
                    Poll::Ready(Some(Ok(bytes)))
                }
                None if left.is_some_and(|left| left > 0) => {
                    Poll::Ready(Some(Err(Failure::new("reading a document", "it is shorter than recorded"))))
                }
                ended => Poll::Ready(ended),
            },
        }
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            this.rest = match ready!(this.poll_source(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(bytes)) => bytes,
                Some(Err(failure)) => {
                    this.span.in_scope(|| tracing::error!(%failure, "an answer was cut off"));
                    return Poll::Ready(Some(Err(failure)));
                }
            };
        }
        let bytes = this.rest.split_to(this.rest.len().min(this.piece));
        if !this.is_end_stream() {
            this.active.moved();
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, BodySource::Empty) && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let given = self.rest.len() as u64;
        match &self.source {
            BodySource::Empty => SizeHint::with_exact(given),
            BodySource::Full(bytes) => SizeHint::with_exact(given + bytes.len() as u64),
            BodySource::Blocks(_, left) => {
                left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(given + left))
            }
        }
    }
}
