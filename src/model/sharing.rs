//! Sharing of calendars from clients: invitations, what changes them, and what people are notified of.

use super::id::{Id, Timestamp};
use super::path::Path;
use super::privilege::Role;

/// What became of an invitation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvitationStatus {
    /// It was not answered.
    NoResponse,
    /// It was accepted: the role is in force.
    Accepted,
    /// It was declined.
    Declined,
    /// Nobody who could answer has this address.
    Invalid,
}

impl InvitationStatus {
    const ALL: [Self; 4] = [Self::NoResponse, Self::Accepted, Self::Declined, Self::Invalid];

    /// The status of this code in the database.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|place| Self::ALL.get(place)).copied()
    }
}

/// Someone is invited to a calendar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invitation {
    /// Identifier; clients know it as the UID of the invitation.
    pub id: Id,
    /// Which calendar.
    pub calendar: Id,
    /// By whom.
    pub sharer: Id,
    /// Whom; `None`: nobody has this address.
    pub sharee: Option<Id>,
    /// Address of whom is invited.
    pub address: String,
    /// What the sharer calls them.
    pub common_name: Option<String>,
    /// What the sharer calls the calendar.
    pub summary: Option<String>,
    /// What is offered.
    pub role: Role,
    /// What became of it.
    pub status: InvitationStatus,
}

impl Invitation {
    /// Was it accepted?
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status == InvitationStatus::Accepted
    }
}

/// An address that a client wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareeAddress {
    /// As it was written.
    pub text: String,
    /// The path, where it is one of ours.
    pub path: Option<Path>,
}

/// A change of whom a calendar is shared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareChange {
    /// Whom it is about.
    pub address: ShareeAddress,
    /// What they are invited to; `None`: they are no longer.
    pub terms: Option<ShareTerms>,
}

/// What someone is invited to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareTerms {
    /// What the sharer calls them.
    pub common_name: Option<String>,
    /// What the sharer calls the calendar.
    pub summary: Option<String>,
    /// Reader or member.
    pub role: Role,
}

/// The answer to an invitation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvitationReply {
    /// Which invitation.
    pub id: Option<Id>,
    /// Is it accepted?
    pub accepts: bool,
}

/// What someone is notified of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// The invitation.
    pub invitation: Invitation,
    /// Is it the answer, for the sharer? Else it is the invitation, for the sharee.
    pub is_reply: bool,
    /// Was the invitation taken back?
    pub taken_back: bool,
    /// Address of the calendar.
    pub calendar: Path,
    /// Address and shown name of the sharer.
    pub sharer: (String, String),
}

impl Notice {
    /// Name of the resource that it is: a later one about the same takes its place.
    #[must_use]
    pub fn name(&self) -> String {
        let kind = if self.is_reply { REPLY } else { "invite-" };
        format!("{kind}{}.xml", self.invitation.id)
    }
}

/// What the names of answers begin with.
pub const REPLY: &str = "reply-";
