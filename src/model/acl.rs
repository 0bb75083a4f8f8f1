//! Access control lists as values (RFC 3744 section 5.5). Each entry gives a principal a role, and none denies any.

use super::id::Id;
use super::name::QName;
use super::path::Path;
use super::privilege::Role;

/// To whom an entry of a list applies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AcePrincipal {
    /// Whose home it is.
    Owner,
    /// All persons.
    Authenticated,
    /// A person or group of this name, with all who are in it.
    Named(String),
}

/// An entry of an access control list, as it is in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ace {
    /// Who that is.
    pub holder: Id,
    /// To whom it applies.
    pub principal: AcePrincipal,
    /// What it grants.
    pub role: Role,
    /// Is it not for ACL to change?
    pub protected: bool,
    /// The resource whose entry it is; `None`: it is one of the resource itself.
    pub inherited: Option<Path>,
}

/// To whom an entry that a client sends is to apply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestedPrincipal {
    /// The principal at this address; `None`: it is no address of ours.
    At(Option<Path>),
    /// All who have logged in.
    Authenticated,
    /// Whom the property `DAV:owner` names.
    Owner,
    /// Another way to say it, such as all, or whom another property names.
    Other,
}

/// An entry of an access control list, as a client sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestedAce {
    /// To whom it is to apply.
    pub principal: RequestedPrincipal,
    /// Or to all others?
    pub inverted: bool,
    /// Does it deny instead of grant?
    pub denies: bool,
    /// Which privileges.
    pub privileges: Vec<QName>,
    /// Does it repeat one that is protected?
    pub protected: bool,
    /// The resource that it repeats an entry of; `Some(None)`: that is no address of ours.
    pub inherited: Option<Option<Path>>,
}
