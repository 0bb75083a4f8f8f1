//! The ledger of answers as rows, and rows as the ledger.

use crate::ical::itip::address::CalendarUserAddress;
use crate::ical::itip::ledger::{ComponentRevision, LedgerRow, ReplyLedger};
use crate::ical::itip::occurrence::Occurrence;
use crate::model::id::Id;
use crate::store::scheduling::{AnswerRow, StoredRevision};

/// What rows say.
#[must_use]
pub fn ledger_of(rows: Vec<AnswerRow>) -> ReplyLedger {
    let read = |stored: StoredRevision| ComponentRevision {
        sequence: u64::try_from(stored.sequence).unwrap_or_default(),
        stamp: stored.stamp,
    };
    let mut ledger = ReplyLedger::default();
    for row in rows {
        let occurrence = row.occurrence.map_or(Occurrence::Series, Occurrence::At);
        let reply = row.reply.map(|(revision, answer)| (read(revision), answer));
        *ledger.row_mut(&CalendarUserAddress::new(&row.attendee), occurrence) =
            LedgerRow { reset: row.reset.map(read), reply };
    }
    ledger
}

/// The rows about some answers, in the home of the organizer.
pub fn rows_of<'a>(
    ledger: &ReplyLedger,
    home: Id,
    of: impl Iterator<Item = (&'a CalendarUserAddress, Occurrence)>,
) -> Vec<AnswerRow> {
    let written = |revision: ComponentRevision| StoredRevision {
        sequence: stored_sequence(revision.sequence),
        stamp: revision.stamp,
    };
    let row = |(attendee, occurrence): (&CalendarUserAddress, Occurrence)| {
        let known = ledger.row(attendee, occurrence)?;
        Some(AnswerRow {
            home,
            attendee: attendee.as_str().to_owned(),
            occurrence: match occurrence {
                Occurrence::Series => None,
                Occurrence::At(at) => Some(at),
            },
            reset: known.reset.map(written),
            reply: known.reply.as_ref().map(|(revision, answer)| (written(*revision), answer.clone())),
        })
    };
    of.filter_map(row).collect()
}

/// A SEQUENCE as it is stored.
#[must_use]
pub fn stored_sequence(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
