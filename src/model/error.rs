//! Errors: a request at fault is [`Refusal`], we at fault is [`Failure`].

use super::condition::Condition;
use super::filename::NameError;
use super::privilege::Privilege;

/// What any operation on the tree may end in.
pub type Result<T> = std::result::Result<T, Error>;

/// The request is at fault, or we are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Told to the client with its condition.
    #[error("refused: {0:?}")]
    Refused(Box<Refusal>),
    /// Logged under an id; the client sees 500 and the id.
    #[error("failed: {0}")]
    Failed(#[from] Failure),
}

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub condition: Condition,
    /// The resource concerned, where the condition's element names one.
    pub href: Option<String>,
    /// What more there is to say.
    pub detail: Detail,
}

/// What makes a refusal understandable beyond its condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Detail {
    /// Nothing more.
    #[default]
    None,
    /// The privilege that is missing at `href`.
    Privilege(Privilege),
    /// What is wrong with a name.
    Name(NameError),
    /// The name that stands there already, in another spelling.
    Taken(String),
    /// `Allow`, for 405.
    Allow(String),
    /// Whole size in bytes, for `Content-Range` of a 416.
    Size(u64),
    /// A technical sentence in English (what the XML lacks, which header is wrong).
    Text(String),
}

/// Our own fault: a database, a disk, a bug.
#[derive(Debug, thiserror::Error)]
#[error("{context}: {source}")]
pub struct Failure {
    /// What we were about to do.
    pub context: &'static str,
    /// The cause.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Failure {
    /// A failure of something below.
    pub fn new(context: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { context, source: source.into() }
    }
}

impl Refusal {
    /// The condition alone.
    #[must_use]
    pub fn of(condition: Condition) -> Self {
        Self { condition, href: None, detail: Detail::None }
    }

    /// With the resource concerned.
    #[must_use]
    pub fn at(mut self, href: String) -> Self {
        self.href = Some(href);
        self
    }

    /// With more to say.
    #[must_use]
    pub fn because(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// With a technical sentence.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.because(Detail::Text(text.into()))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Condition> for Error {
    fn from(condition: Condition) -> Self {
        Refusal::of(condition).into()
    }
}
