//! An answer's body as the HTTP library takes it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::exchange::Body;
use crate::model::budget::Budget;
use crate::model::error::Failure;
use crate::model::node::Blocks;

/// A body on its way out, with the span and the budget of its request.
pub struct Outgoing {
    source: Source,
    span: tracing::Span,
    budget: Budget,
}

/// Bytes that count in a budget until the library has sent them.
struct Counted {
    bytes: Bytes,
    _budget: Budget,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

enum Source {
    Empty,
    Full(Bytes),
    /// And how many bytes are left, if that is known.
    Blocks(Blocks, Option<u64>),
}

impl Outgoing {
    /// Takes over an answer's body.
    pub fn new(body: Body, span: tracing::Span, budget: Budget) -> Self {
        let source = match body {
            Body::Empty => Source::Empty,
            Body::Full(bytes) => Source::Full(bytes),
            Body::Blocks(blocks, length) => Source::Blocks(blocks, length),
        };
        Self { source, span, budget }
    }

    fn failed(&self, failure: Failure) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.span.in_scope(|| tracing::error!(%failure, "an answer was cut off"));
        Poll::Ready(Some(Err(failure)))
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = self.get_mut();
        match &mut this.source {
            Source::Empty => Poll::Ready(None),
            Source::Full(bytes) => {
                let bytes = Counted { bytes: std::mem::take(bytes), _budget: this.budget.clone() };
                this.source = Source::Empty;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(bytes)))))
            }
            Source::Blocks(blocks, left) => match ready!(blocks.as_mut().poll_next(cx)) {
                Some(Ok(bytes)) => {
                    *left = left.map(|left| left.saturating_sub(bytes.len() as u64));
                    Poll::Ready(Some(Ok(Frame::data(bytes))))
                }
                Some(Err(failure)) => this.failed(failure),
                None if left.is_some_and(|left| left > 0) => {
                    this.failed(Failure::new("reading a document", "it is shorter than recorded"))
                }
                None => Poll::Ready(None),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Blocks(_, left) => left.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
