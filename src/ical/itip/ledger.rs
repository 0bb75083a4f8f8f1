//! What the server remembers beside the texts of a meeting, for clients drop what they do not know: which state of a
//! component is the newer one, when answers were asked for anew, and which answer came last.

use std::collections::{BTreeMap, HashMap};

use super::address::CalendarUserAddress;
use super::occurrence::Occurrence;
pub use super::revision::{ComponentRevision, sequence_of};
use crate::model::id::Timestamp;

/// What is known of an attendee's answer about an occurrence.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LedgerRow {
    /// The state of the component with which they were asked anew.
    pub reset: Option<ComponentRevision>,
    /// SEQUENCE and DTSTAMP of the last reply that was taken, and its answer.
    pub reply: Option<(ComponentRevision, String)>,
}

/// An attendee is asked anew about an occurrence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnswerReset {
    /// Who.
    pub attendee: CalendarUserAddress,
    /// About what.
    pub occurrence: Occurrence,
    /// The state of the component that asks.
    pub revision: ComponentRevision,
}

/// The rows of one object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReplyLedger(HashMap<CalendarUserAddress, BTreeMap<Occurrence, LedgerRow>>);

impl ReplyLedger {
    /// A row.
    #[must_use]
    pub fn row(&self, attendee: &CalendarUserAddress, occurrence: Occurrence) -> Option<&LedgerRow> {
        self.0.get(attendee)?.get(&occurrence)
    }

    /// A row, which is made if it is not there.
    pub fn row_mut(&mut self, attendee: &CalendarUserAddress, occurrence: Occurrence) -> &mut LedgerRow {
        self.0.entry(attendee.clone()).or_default().entry(occurrence).or_default()
    }

    /// Notes that an attendee was asked anew.
    pub fn note_reset(&mut self, reset: &AnswerReset) {
        self.row_mut(&reset.attendee, reset.occurrence).reset = Some(reset.revision);
    }

    /// When an attendee answered last, about whatever, by their own clock.
    #[must_use]
    pub fn last_answer(&self, attendee: &CalendarUserAddress) -> Timestamp {
        let rows = self.0.get(attendee).into_iter().flat_map(BTreeMap::values);
        rows.filter_map(|row| Some(row.reply.as_ref()?.0.stamp)).max().unwrap_or(Timestamp::MIN)
    }
}
