//! Write locks as values, RFC 4918 sections 6 and 7.

use super::id::{Id, Timestamp};

/// The shortest time-out we grant, seconds.
pub const MIN_TIMEOUT_S: i64 = 60;
/// The longest, also for `Infinite`.
pub const MAX_TIMEOUT_S: i64 = 86_400;
/// The time-out of a client that does not ask for one.
pub const DEFAULT_TIMEOUT_S: i64 = 3_600;
/// How long the row of a lapsed lock is kept, so that who gives it back late gets no error, seconds.
pub const LAPSED_S: i64 = 86_400;
/// How many locks may cover one resource (shared ones) before more are refused.
pub const MAX_LOCKS_PER_NODE: usize = 64;
/// How many locks one home may hold: all are looked at where a collection goes, or a role.
pub const MAX_LOCKS_PER_HOME: i64 = 2_500;

/// A lock as it stands on its root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lock {
    /// `urn:uuid:...`
    pub token: String,
    /// The lock root's node.
    pub node_id: Id,
    /// Who made it.
    pub principal_id: Id,
    /// Depth infinity?
    pub deep: bool,
    /// Shared, or exclusive?
    pub shared: bool,
    /// Content of the owner element, kept as given (RFC 4918 section 14.17).
    pub owner_xml: String,
    /// Granted seconds.
    pub timeout_s: i64,
    /// When it lapses.
    pub expires_at: Timestamp,
}

impl Lock {
    /// What who may not read its root learns of a lock: that there is one.
    #[must_use]
    pub fn veiled(&self) -> Self {
        let Self { node_id, deep, shared, expires_at, .. } = *self;
        let (token, owner_xml) = (String::new(), String::new());
        Self { token, owner_xml, node_id, principal_id: Id::default(), deep, shared, timeout_s: 0, expires_at }
    }

    /// Is no more known of it than that it is there?
    #[must_use]
    pub fn is_veiled(&self) -> bool {
        self.token.is_empty()
    }
}

/// A lock asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockRequest {
    /// Shared, or exclusive?
    pub shared: bool,
    /// Depth infinity?
    pub deep: bool,
    /// Serialized content of the owner element; empty when the client gave none.
    pub owner_xml: String,
    /// Granted seconds.
    pub timeout_s: i64,
}

/// Do the locks that cover one resource leave it to somebody to change it? One must be `theirs`: exclusive ones stand
/// alone, of shared ones any will do (RFC 4918 section 7.5).
pub fn admitted<'a>(covering: impl Iterator<Item = &'a Lock>, theirs: impl Fn(&Lock) -> bool) -> bool {
    let mut covering = covering.peekable();
    covering.peek().is_none() || covering.any(theirs)
}

/// Do two locks on one resource exclude each other (RFC 4918 section 6.2)?
#[must_use]
pub fn conflict(one_shared: bool, other_shared: bool) -> bool {
    !(one_shared && other_shared)
}
