//! What a front end takes and gives: requests with streamed bodies, answers with streamed bodies.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::io::AsyncRead;

use crate::model::error::Failure;
use crate::model::principal::Actor;

/// A request's body as it arrives.
pub type Incoming = UnsyncBoxBody<Bytes, Failure>;

/// A request of someone who has logged in.
pub struct Exchange {
    /// Method, address, headers.
    pub head: http::request::Parts,
    /// The body; nothing of it was taken yet.
    pub body: Incoming,
    /// Who asks.
    pub actor: Actor,
    /// Hosts by which we are known: from our settings, a trusted proxy, the request.
    pub authorities: Vec<String>,
    /// Language of what people read.
    pub language: crate::message::Language,
}

/// An answer in blocks.
pub type Blocks = Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>;

/// An answer's body.
pub enum Body {
    /// None.
    Empty,
    /// All of it.
    Full(Bytes),
    /// Bytes from a file, so many.
    Reader(Pin<Box<dyn AsyncRead + Send>>, u64),
    /// Blocks, made as they are taken; an error cuts the connection.
    Blocks(Blocks),
}

/// An answer.
pub type Response = http::Response<Body>;
