//! What a front end takes and gives: requests with streamed bodies, answers with streamed bodies.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

use crate::model::budget::Budget;
use crate::model::error::Failure;
use crate::model::node::ContentStream;
use crate::model::principal::Actor;

/// A request's body as it arrives.
pub type Incoming = UnsyncBoxBody<Bytes, Failure>;

/// What may be taken of one request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest document, bytes.
    pub max_body_bytes: u64,
    /// How long a client may stay silent in the middle of a body, seconds.
    pub body_idle_s: u64,
}

impl Limits {
    /// Whoever answers takes no body.
    pub const NO_BODY: Self = Self { max_body_bytes: 0, body_idle_s: 0 };
}

/// A request of someone who has logged in.
pub struct Exchange {
    /// Method, address, headers.
    pub head: http::request::Parts,
    /// The body; nothing of it was taken yet.
    pub body: Incoming,
    /// Who asks.
    pub actor: Actor,
    /// When the request came.
    pub arrived: Instant,
    /// Hosts by which we are known, where the request names a destination: from our settings, a trusted proxy, the
    /// request.
    pub authorities: Vec<String>,
    /// How this server is reached, as addresses begin (`https://beffroi.ville.fr`); of a POST, else empty.
    pub server: String,
    /// Language of what people read.
    pub language: crate::message::Language,
    /// What may be taken of it.
    pub limits: Limits,
    /// What it may cost.
    pub budget: Budget,
}

/// A request of whoever knows an address: nobody has logged in.
pub struct OpenExchange {
    /// Method, address, headers.
    pub head: http::request::Parts,
    /// The body; nothing of it was taken yet.
    pub body: Incoming,
    /// What it may cost.
    pub budget: Budget,
}

/// An answer's body.
pub enum Body {
    /// None.
    Empty,
    /// All of it.
    Full(Bytes),
    /// Blocks, and how many bytes they are together if that is known; an error cuts the connection.
    Blocks(ContentStream, Option<u64>),
}

/// An answer.
pub type Response = http::Response<Body>;
