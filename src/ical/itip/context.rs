//! What the functions of this folder are given beside objects, and why they refuse.

use super::super::steps::Steps;
use super::super::zone::Zone;
use crate::model::budget::{Budget, Exhausted};
use crate::model::id::Timestamp;

/// The moment, the zone in which floating times are read, and what the work may cost.
#[derive(Clone, Copy)]
pub struct SchedulingContext<'a> {
    /// When it is: messages bear it as DTSTAMP, and what is over needs no answer.
    pub now: Timestamp,
    /// The zone of the calendar.
    pub floating: &'a Zone,
    /// Of the request.
    pub budget: &'a Budget,
}

/// Why a change, or a message, is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Violation {
    /// Components name different organizers (RFC 6638 section 3.2.4.2).
    SameOrganizer,
    /// The organizer is gone or another one, or the series has no master any more (RFC 6638 section 3.2.4.3).
    OrganizerChange,
    /// An attendee changed what is the organizer's (RFC 6638 section 3.2.4.4).
    AttendeeChange,
    /// Two components are for one occurrence (RFC 4791 section 4.1).
    DuplicateOccurrence,
    /// A message about an object that has another organizer, or none: it is somebody else's, or personal.
    OtherOrganizer,
    /// A message that says nothing that could be applied.
    Unreadable,
    /// It takes more work than an object may ask for.
    TooMuch,
    /// People elsewhere are invited to a series that their programs do not show, and that has too many occurrences to
    /// be sent one by one.
    Unmailable,
}

impl From<Exhausted> for Violation {
    fn from(_: Exhausted) -> Self {
        Self::TooMuch
    }
}

/// Refuses what was cut short: a comparison of a part would be wrong.
pub(super) fn complete(steps: &Steps) -> Result<(), Violation> {
    if steps.is_cut() { Err(Violation::TooMuch) } else { Ok(()) }
}
