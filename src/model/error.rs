//! Errors: a request at fault is [`Refusal`], we at fault is [`Failure`].

use std::io::{self, ErrorKind};

use super::condition::Condition;
use super::filename::NameError;
use super::privilege::Privilege;

/// What any operation on the tree may end in.
pub type Result<T> = std::result::Result<T, Error>;

/// The request is at fault, or we are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Sent to the client with its condition.
    #[error("refused: {0:?}")]
    Refused(Box<Refusal>),
    /// The client sees what the machine lacks, by its [`Cause`]; or else 500 and the id under which it was logged.
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
    /// Why a calendar object has no reading.
    Reason(Reason),
}

/// Why a calendar object is not taken, or would not be today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The condition that it breaks.
    pub condition: Condition,
    /// Which sentence says why.
    pub key: String,
    /// Of what it speaks: a line, or a number.
    pub of: String,
}

impl Reason {
    /// A reason.
    #[must_use]
    pub fn of(condition: Condition, key: &str, of: &str) -> Self {
        Self { condition, key: key.to_owned(), of: of.to_owned() }
    }

    /// Its name for programs.
    #[must_use]
    pub fn code(&self) -> &str {
        self.key.trim_start_matches("invalid-")
    }
}

/// What lies behind a failure, as far as it decides what a client is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A bug, or damage.
    Fault,
    /// The disk is full, or the quota of the file system is reached.
    Full,
    /// For the moment the machine gives no more: files, memory, its disk, or the database, which another process holds.
    Busy,
}

impl Cause {
    /// What a client is answered; `None`: nothing but that we failed.
    #[must_use]
    pub fn condition(self) -> Option<Condition> {
        match self {
            Self::Fault => None,
            Self::Full => Some(Condition::SufficientDiskSpace),
            Self::Busy => Some(Condition::Busy),
        }
    }

    /// What an error says, or the one of the operating system that it arose from.
    fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        fn below<'a>(error: &&'a (dyn std::error::Error + 'static)) -> Option<&'a (dyn std::error::Error + 'static)> {
            match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(wrapped) => Some(wrapped),
                None => error.source(),
            }
        }
        let chain = std::iter::successors(Some(error), below);
        let mut causes = chain.filter_map(|error| error.downcast_ref()).map(Self::of_system);
        causes.find(|cause| *cause != Self::Fault).unwrap_or(Self::Fault)
    }

    fn of_system(error: &io::Error) -> Self {
        /// Too many open files, of the process and of the system; a device that answers no more.
        const NUMBERS: [i32; 3] = [24, 23, 5];
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full,
            ErrorKind::OutOfMemory | ErrorKind::ReadOnlyFilesystem | ErrorKind::StaleNetworkFileHandle => Self::Busy,
            _ if error.raw_os_error().is_some_and(|number| NUMBERS.contains(&number)) => Self::Busy,
            _ => Self::Fault,
        }
    }
}

/// The data directory belongs to a user that we are not.
#[derive(Debug, thiserror::Error)]
#[error("{path} belongs to {owner}")]
pub struct ForeignOwner {
    /// The directory.
    pub path: String,
    /// Name of the user, or the number where there is none.
    pub owner: String,
}

/// Our own fault, or the machine's: a database, a disk, a bug.
#[derive(Debug, thiserror::Error)]
#[error("{context}: {source}")]
pub struct Failure {
    /// What we were about to do.
    pub context: &'static str,
    /// What lies behind it.
    pub cause: Cause,
    /// The cause.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Failure {
    /// A failure of something below.
    pub fn new(context: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self { context, cause: Cause::of(&*source), source }
    }

    /// A failure whose cause is known.
    #[must_use]
    pub fn by(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
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

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::of(reason.condition).because(Detail::Reason(reason))
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Refusal::from(reason).into()
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

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::{Cause, Failure};

    #[test]
    fn what_the_machine_lacks_is_no_fault() {
        let wrapped = |error: Error| Error::other(error);
        for (error, cause) in [
            (Error::from_raw_os_error(28), Cause::Full),
            (Error::from_raw_os_error(122), Cause::Full),
            (wrapped(Error::from_raw_os_error(28)), Cause::Full),
            (Error::from_raw_os_error(24), Cause::Busy),
            (Error::from_raw_os_error(23), Cause::Busy),
            (wrapped(Error::from_raw_os_error(24)), Cause::Busy),
            (ErrorKind::ReadOnlyFilesystem.into(), Cause::Busy),
            (ErrorKind::NotFound.into(), Cause::Fault),
            (Error::other("a bug"), Cause::Fault),
        ] {
            let text = format!("{error:?}");
            assert_eq!(Failure::new("writing", error).cause, cause, "{text}");
        }
        assert_eq!(Failure::new("thinking", "a bug").cause, Cause::Fault);
        assert_eq!(Failure::new("committing", "lost").by(Cause::Full).cause, Cause::Full);
    }
}
