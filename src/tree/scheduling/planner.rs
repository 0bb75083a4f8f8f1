//! What a change of a meeting is judged by: the moment, who makes it, and the meeting as it was read. What follows from
//! the change is said beside: by `organizer`, `attendee` and, for rooms, `booking`.

use bytes::Bytes;

use super::meeting::Meeting;
use super::plan::SchedulePlan;
use crate::ical::itip::address::Addresses;
use crate::ical::itip::context::SchedulingContext;
use crate::ical::itip::message::SchedulingMessage;
use crate::ical::itip::organizer::OrganizerContext;
use crate::ical::itip::people::CalendarUser as Line;
use crate::ical::object::Object;
use crate::ical::zone::Zone;
use crate::model::budget::Budget;
use crate::model::id::Timestamp;
use crate::model::mailbox::Mailbox;
use crate::model::principal::PrincipalKind;
use crate::tree::calendar::{blob, index};
use crate::tree::edit::content::{FileContent, InboxItem};
use crate::tree::target::zone;

/// How a message fared, as SCHEDULE-STATUS says it (RFC 6638 section 3.2.9).
pub(super) mod status {
    /// It waits for the next server to take it.
    pub const QUEUED: &str = "1.0";
    /// It is in the recipient's calendar.
    pub const DELIVERED: &str = "1.2";
    /// The recipient has answered.
    pub const ANSWERED: &str = "2.0";
    /// There is nobody of that address.
    pub const NO_SUCH_USER: &str = "3.7";
    /// Of a group only the first people could be invited.
    pub const NOT_ALL: &str = "5.1";
    /// There is no way to whoever has that address.
    pub const NO_WAY: &str = "5.2";
}

/// What a change is judged by.
pub struct SchedulePlanner {
    /// When it is.
    pub now: Timestamp,
    /// The zone of what floats.
    pub floating: Zone,
    /// What it may cost.
    pub budget: Budget,
    /// The address that a project writes as ORGANIZER.
    pub organizer_address: String,
    /// The addresses of who makes the change.
    pub writer: Addresses,
    /// Who that is, for mail about it.
    pub planner: Option<Mailbox>,
    /// Who that is, where somebody acts for the person whose home it is.
    pub sent_by: Option<String>,
    /// Did the client know the schedule tag?
    pub keeps_answers: bool,
    /// May an answer be sent?
    pub replies: bool,
    /// The meeting.
    pub meeting: Meeting,
}

impl SchedulePlanner {
    /// For a change that the server makes of itself.
    pub fn of(meeting: Meeting, now: Timestamp, budget: &Budget) -> Self {
        Self {
            now,
            floating: Zone::Known(zone()),
            budget: budget.clone(),
            organizer_address: match &meeting.mailed_address {
                Some(address) => address.clone(),
                None => meeting.book.address_of(&meeting.owner),
            },
            writer: Addresses::default(),
            planner: None,
            sent_by: None,
            keeps_answers: true,
            replies: true,
            meeting,
        }
    }

    pub(super) fn at(&self) -> SchedulingContext<'_> {
        SchedulingContext { now: self.now, floating: &self.floating, budget: &self.budget }
    }

    /// The same for an answer that is given here and now: it is later than what the same person has answered, whatever
    /// the clock of another program said that that was.
    pub(super) fn at_answer(&self, by: &Addresses) -> SchedulingContext<'_> {
        let last = by.iter().map(|address| self.meeting.ledger.last_answer(address)).max();
        let last = last.filter(|last| *last > self.now);
        SchedulingContext { now: last.map_or(self.now, |last| last.saturating_add(1)), ..self.at() }
    }

    pub(super) fn is_project(&self) -> bool {
        self.meeting.owner.kind == PrincipalKind::Project
    }

    /// A plan in which nothing happens yet.
    pub(super) fn empty_plan(&self) -> SchedulePlan {
        let Meeting { uid, homes, seen, .. } = &self.meeting;
        let (uid, seen_in, seen, home) = (uid.clone(), homes.clone(), seen.clone(), self.meeting.home);
        let mut plan = SchedulePlan { uid, home, seen_in, seen, ..SchedulePlan::default() };
        for (home, room) in &self.meeting.rooms {
            plan.ask_room(*home, room.seq, &room.name);
        }
        plan
    }

    /// What an organizer's change is judged by.
    pub(super) fn organizer(&self) -> OrganizerContext<'_> {
        OrganizerContext {
            at: self.at(),
            organizer: &self.meeting.addresses,
            writer: &self.writer,
            write_as: self.is_project().then_some(self.organizer_address.as_str()),
            keeps_answers: self.keeps_answers,
            highest_sent: self.meeting.highest_sent,
            ledger: &self.meeting.ledger,
        }
    }

    /// Notifies someone of a message, unless all that it is about is over.
    pub(super) fn notify(
        &self,
        home: &str,
        message: &SchedulingMessage,
        from_organizer: bool,
        plan: &mut SchedulePlan,
    ) {
        if let Some(item) = self.item(message, from_organizer) {
            plan.notify(home, item);
        }
    }

    /// What stands in inboxes of a message. `None`: all that it is about is over.
    pub(super) fn item(&self, message: &SchedulingMessage, from_organizer: bool) -> Option<InboxItem> {
        let last_at = index(&message.object).last_at;
        let item = || {
            let blob = blob(Bytes::from(message.text()));
            let mut attendees = message.object.parts().flat_map(Line::attendees).map(Line::address);
            let uid = match attendees.next().filter(|_| !from_organizer) {
                Some(attendee) => InboxItem::answer(attendee.as_str(), &message.object.uid),
                None => message.object.uid.clone(),
            };
            InboxItem { blob, uid, from_organizer, last_at }
        };
        (last_at >= self.now).then(item)
    }
}

/// The copy of someone who is in a meeting; `kept`: as of [`content_of`].
pub(super) fn copy_of(object: &Object, kept: Option<String>) -> FileContent {
    FileContent { received: true, ..content_of(object, kept) }
}

/// The content of an object; `kept`: the schedule tag is that of before.
pub(super) fn content_of(object: &Object, kept: Option<String>) -> FileContent {
    let mut text = String::new();
    object.calendar.write(&mut text);
    FileContent { schedule_hash: kept, ..FileContent::object(blob(Bytes::from(text)), index(object)) }
}
