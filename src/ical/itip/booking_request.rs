//! A booking that the manager of a room has to decide, as a message to that manager: an invitation by the room, apart
//! from the meeting itself, whose answer is the room's.

use super::super::line::escaped;
use super::super::object::{Component, Object, Property};
use super::super::zone::Zones;
use super::address::Addresses;
use super::context::{SchedulingContext, Violation, complete};
use super::counter::said_of;
use super::fields::set_line;
use super::ledger::ReplyLedger;
use super::message::{SchedulingMessage, SchedulingMethod, compose, sent_part};
use super::occurrence::OccurrenceSet;
use super::people::{ACCEPTED, CalendarUser, DECLINED, set_schedule_status};
use super::reply::{ReplyContext, ReplyOutcome, apply_reply, occurrence_named};
use super::timing::same_stretch;
use crate::model::id::Timestamp;
use crate::model::mailbox::Mailbox;

/// What the UID of a request begins with: the meeting may be in the manager's calendar, too.
const PREFIX: &str = "booking-request/";
/// What a manager says for a room.
const ANSWERS: [&str; 3] = [ACCEPTED, DECLINED, "TENTATIVE"];
/// What of a booking its manager sees, beside its title and who organizes.
const ASKED: [&str; 10] =
    ["RECURRENCE-ID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "STATUS"];

/// The UID of the request about a meeting.
#[must_use]
pub fn request_uid(uid: &str) -> String {
    format!("{PREFIX}{uid}")
}

/// The meeting that a request is about; `None`: it is no request.
#[must_use]
pub fn requested_uid(uid: &str) -> Option<&str> {
    uid.strip_prefix(PREFIX)
}

/// Who asks whom.
#[derive(Clone, Copy, Debug)]
pub struct BookingRequest<'a> {
    /// The name of the room.
    pub room: &'a str,
    /// The address to which the answer comes, as a URI.
    pub address: &'a str,
    /// The manager.
    pub manager: &'a Mailbox,
}

/// Asks a manager about what is in a room's copy.
#[must_use]
pub fn booking_request(copy: &Object, of: BookingRequest<'_>, now: Timestamp) -> SchedulingMessage {
    let uid = request_uid(&copy.uid);
    let part = |part: &Component| {
        let title = part.property("SUMMARY").map(Property::text);
        let title = title.map_or_else(|| of.room.to_owned(), |title| format!("{} : {title}", of.room));
        let organizer = CalendarUser::organizer(part).map(|organizer| {
            let name = organizer.line().parameter("CN").unwrap_or_default();
            format!("{name} {}", organizer.address().mailbox().unwrap_or_default()).trim().to_owned()
        });
        let person = |name, address: &str, shown| Property::new(name, address).with_parameter("CN", Some(shown));
        let manager = person("ATTENDEE", &format!("mailto:{}", of.manager.address), &of.manager.name);
        let mut asked = sent_part(part, now);
        asked.properties.retain(|line| ASKED.contains(&line.name.as_str()));
        asked.components.clear();
        asked.properties.extend([
            Property::new("UID", &uid),
            Property::new("SUMMARY", &escaped(&title)),
            Property::new("LOCATION", &escaped(of.room)),
            Property::new("DESCRIPTION", &escaped(&organizer.unwrap_or_default())),
            Property::new("TRANSP", "TRANSPARENT"),
            person("ORGANIZER", of.address, of.room),
            manager.with_parameter("PARTSTAT", Some("NEEDS-ACTION")).with_parameter("RSVP", Some("TRUE")),
        ]);
        asked
    };
    let parts = copy.parts().map(part).collect();
    let mut message = compose(SchedulingMethod::Request, copy, parts, copy.master().is_some());
    message.object.uid = uid;
    message
}

/// What the answer of a manager makes of the room's copy.
#[derive(Clone, Debug)]
pub struct ManagedBooking {
    /// The copy.
    pub object: Object,
    /// What was taken of the answer.
    pub outcome: ReplyOutcome,
}

/// Who answers for a room.
#[derive(Clone, Copy, Debug)]
pub struct ManagerContext<'a> {
    /// The addresses of the manager.
    pub manager: &'a Addresses,
    /// Those of the room.
    pub room: &'a Addresses,
    /// What was answered by mail before.
    pub ledger: &'a ReplyLedger,
}

/// Takes the answer of a manager. `None`: it says nothing new, or is about another time.
pub fn manager_answer(
    copy: &Object,
    reply: &SchedulingMessage,
    by: ManagerContext<'_>,
    at: SchedulingContext<'_>,
) -> Result<Option<ManagedBooking>, Violation> {
    let Some(room) = copy.parts().find_map(|part| CalendarUser::attendee(part, by.room)) else { return Ok(None) };
    let set = OccurrenceSet::of(copy, at)?;
    let zones = Zones::new(&reply.object.calendar, at.floating).within(at.budget);
    let mut said = reply.clone();
    said.object.uid.clone_from(&copy.uid);
    said.object.calendar.components.retain(|part| {
        let known = occurrence_named(&set, part, &zones).and_then(|occurrence| said_of(&set, occurrence));
        let is_there =
            |known: &Component| part.property("DTSTART").is_none() || same_stretch(known, &set.zones, part, &zones);
        let answer = CalendarUser::attendee(part, by.manager).map(CalendarUser::participation);
        let is_answer = answer.is_some_and(|answer| ANSWERS.contains(&answer.as_str()));
        part.name == "VTIMEZONE" || (is_answer && known.as_ref().is_some_and(is_there))
    });
    for part in said.object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        let answer = CalendarUser::attendee(part, by.manager).map(|user| user.line().with_value(room.line().value()));
        part.properties.retain(|line| !["ATTENDEE", "COMMENT"].contains(&line.name.as_str()));
        part.properties.extend(answer);
        set_line(part, "UID", Some(Property::new("UID", &copy.uid)));
    }
    complete(&set.zones.steps)?;
    complete(&zones.steps)?;
    let outcome = apply_reply(copy, &said, ReplyContext { at, from: Some(by.room), ledger: by.ledger })?;
    if outcome.taken.is_empty() {
        return Ok(None);
    }
    let mut object = outcome.object.clone();
    for address in by.room.iter() {
        set_schedule_status(&mut object.calendar, address, None);
    }
    Ok(Some(ManagedBooking { object, outcome }))
}
