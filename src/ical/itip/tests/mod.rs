//! The rows of the tables that meetings are made after, and what holds after any sequence of changes and messages.

mod attendee_rows;
mod convergence;
mod counter_rows;
mod crossing_rows;
mod examples;
mod organizer_rows;
mod private_rows;
mod recurrence_rows;
mod rfc5546;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::address::{Addresses, CalendarUserAddress};
use super::attendee::{AttendeeChange, AttendeeContext, attendee_diff};
use super::context::{SchedulingContext, Violation};
use super::copy::{CopyContext, apply_cancel, apply_request};
use super::deliveries::{DeliveryKind, SchedulingDelivery};
use super::ledger::{ReplyLedger, sequence_of};
use super::message::{SchedulingMessage, SchedulingMethod};
use super::occurrence::{Occurrence, OccurrenceSet};
use super::organizer::{OrganizerChange, OrganizerContext, organizer_diff};
use super::people::CalendarUser;
use super::reply::{ReplyContext, ReplyOutcome, apply_reply};
use super::view::{invited, view};
use crate::ical::object::{Component, Object};
use crate::ical::time::write_utc;
use crate::ical::zone::Zone;
use crate::model::budget::Budget;
use crate::model::id::Timestamp;

/// 2 January 2026, noon: before all that the examples are about.
pub(super) const NOW: Timestamp = 1_767_355_200;

/// A weekly meeting of the organizer, A, who comes, and B, who does not.
pub(super) const SERIES: &str = "\
DTSTART;TZID=Europe/Paris:20260106T090000
DTEND;TZID=Europe/Paris:20260106T100000
RRULE:FREQ=WEEKLY;COUNT=10
SEQUENCE:1
SUMMARY:Point
LOCATION:Salle
DESCRIPTION:Texte
ORGANIZER;CN=Orga:mailto:o@v.fr
ATTENDEE;PARTSTAT=ACCEPTED:mailto:o@v.fr
ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@v.fr
ATTENDEE;PARTSTAT=DECLINED:mailto:b@v.fr
";

/// The second occurrence an hour later, in another room.
pub(super) const MOVED: &str = "\
RECURRENCE-ID;TZID=Europe/Paris:20260113T090000
DTSTART;TZID=Europe/Paris:20260113T100000
DTEND;TZID=Europe/Paris:20260113T110000
SEQUENCE:2
SUMMARY:Point
LOCATION:Salle 2
DESCRIPTION:Texte
ORGANIZER;CN=Orga:mailto:o@v.fr
ATTENDEE;PARTSTAT=ACCEPTED:mailto:o@v.fr
ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@v.fr
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:b@v.fr
";

/// The times by which the second and the third occurrence are called, in UTC.
pub(super) const SECOND: &str = "20260113T080000Z";
/// See [`SECOND`].
pub(super) const THIRD: &str = "20260120T080000Z";

pub(super) fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\n{lines}END:VEVENT\n")
}

pub(super) fn object(parts: &[&str]) -> Object {
    let parts: String = parts.iter().map(|lines| event(lines)).collect();
    read(&format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{parts}END:VCALENDAR\n"))
}

pub(super) fn read(text: &str) -> Object {
    Object::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{why:?}: {text}"))
}

pub(super) fn text(object: &Object) -> String {
    let mut out = String::new();
    object.calendar.write(&mut out);
    out.replace("\r\n ", "").replace("\r\n", "\n")
}

/// What the functions are given beside objects.
pub(super) struct Bench {
    zone: Zone,
    budget: Budget,
    pub ledger: ReplyLedger,
    pub now: Timestamp,
    pub keeps_answers: bool,
    pub highest_sent: Option<u64>,
    pub write_as: Option<&'static str>,
    /// When the whole was called off for whom.
    pub called_off: BTreeMap<String, Timestamp>,
    organizer: Addresses,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            zone: Zone::from(&TimeZone::get("Europe/Paris").unwrap()),
            budget: Budget::default(),
            ledger: ReplyLedger::default(),
            now: NOW,
            keeps_answers: false,
            highest_sent: None,
            write_as: None,
            called_off: BTreeMap::new(),
            organizer: Addresses::of(["mailto:o@v.fr", "mailto:o2@v.fr"]),
        }
    }
}

impl Bench {
    pub fn at(&self) -> SchedulingContext<'_> {
        SchedulingContext { now: self.now, floating: &self.zone, budget: &self.budget }
    }

    pub fn organizer(&self, old: Option<&Object>, new: Option<&Object>) -> Result<OrganizerChange, Violation> {
        organizer_diff(old, new, self.organizer_context())
    }

    pub fn organizer_context(&self) -> OrganizerContext<'_> {
        OrganizerContext {
            at: self.at(),
            organizer: &self.organizer,
            writer: &self.organizer,
            write_as: self.write_as,
            keeps_answers: self.keeps_answers,
            highest_sent: self.highest_sent,
            ledger: &self.ledger,
        }
    }

    pub fn attendee(&self, me: &str, old: Option<&Object>, new: Option<&Object>) -> Result<AttendeeChange, Violation> {
        let me = Addresses::of([me]);
        attendee_diff(old, new, AttendeeContext { at: self.at(), me: &me, replies: true })
    }

    pub fn reply(&self, object: &Object, reply: &SchedulingMessage) -> Result<ReplyOutcome, Violation> {
        apply_reply(object, reply, ReplyContext { at: self.at(), from: None, ledger: &self.ledger })
    }

    /// The copy of somebody, as this server makes it.
    pub fn copy_of(&self, object: &Object, me: &str) -> Object {
        let set = OccurrenceSet::of(object, self.at()).unwrap();
        let invited = invited(&set, &self.organizer);
        let view = view(&set, &invited[&CalendarUserAddress::new(me)].occurrences, self.now);
        self.receive(me, None, &view).expect("a copy")
    }

    /// Applies a message as it comes by mail.
    pub fn receive(&self, me: &str, copy: Option<&Object>, message: &SchedulingMessage) -> Option<Object> {
        let me = Addresses::of([me]);
        let context = CopyContext { at: self.at(), me: &me, knows_answers: false, called_off_at: None, alarms: &[] };
        let change = match message.method {
            SchedulingMethod::Cancel => apply_cancel(copy, message, context),
            _ => apply_request(copy, message, context),
        };
        change.unwrap().object
    }

    /// Applies a delivery as it comes on this server.
    pub fn deliver(&self, me: &str, copy: Option<&Object>, delivery: &SchedulingDelivery) -> Option<Object> {
        self.deliver_crossing(me, copy, delivery, true)
    }

    /// The same; `knows_answers`: does it know what its recipient has answered, or did it cross an answer?
    pub fn deliver_crossing(
        &self,
        me: &str,
        copy: Option<&Object>,
        delivery: &SchedulingDelivery,
        knows_answers: bool,
    ) -> Option<Object> {
        let called_off_at = self.called_off.get(me).copied();
        let addresses = Addresses::of([me]);
        let context = CopyContext { at: self.at(), me: &addresses, knows_answers, called_off_at, alarms: &[] };
        let change = match &delivery.view {
            Some(view) => apply_request(copy, view, context),
            None => apply_cancel(copy, &delivery.message, context),
        };
        change.unwrap().object
    }
}

/// An occurrence by the time by which it is called.
pub(super) fn named(occurrence: Occurrence) -> String {
    match occurrence {
        Occurrence::Series => "all".to_owned(),
        Occurrence::At(at) => write_utc(at),
    }
}

/// Deliveries, one line for each recipient: who, what, about what, with which SEQUENCE.
pub(super) fn lines(deliveries: &[SchedulingDelivery]) -> Vec<String> {
    let mut all = Vec::new();
    for delivery in deliveries {
        let about: Vec<String> = delivery.occurrences.iter().map(|occurrence| named(*occurrence)).collect();
        let about = if about.first().is_some_and(|first| first == "all") { "all".to_owned() } else { about.join(",") };
        for recipient in &delivery.recipients {
            let who = recipient.address.as_str().trim_start_matches("mailto:").trim_end_matches("@v.fr");
            all.push(match delivery.kind {
                DeliveryKind::Refresh => format!("{who} refresh"),
                DeliveryKind::Notice => {
                    format!("{who} {} {about} {}", delivery.message.method.name(), delivery.sequence)
                }
            });
        }
    }
    all.sort();
    all
}

/// Components, one line each: when, SEQUENCE, and who answers what.
pub(super) fn states(object: &Object) -> Vec<String> {
    let bench = Bench::default();
    let set = OccurrenceSet::of(object, bench.at()).unwrap();
    let mut lines = Vec::new();
    for (occurrence, part) in set.components() {
        lines.push(format!("{} {} {}", named(occurrence), sequence_of(part), answers(part)));
    }
    lines
}

/// Who answers what in a component.
pub(super) fn answers(part: &Component) -> String {
    let short = |user: CalendarUser<'_>| {
        let who = user.address().as_str().trim_start_matches("mailto:").trim_end_matches("@v.fr").to_owned();
        let answer = match user.participation().as_str() {
            "NEEDS-ACTION" => "?",
            "ACCEPTED" => "+",
            "DECLINED" => "-",
            "TENTATIVE" => "~",
            _ => "*",
        };
        format!("{who}{answer}")
    };
    CalendarUser::attendees(part).map(short).collect::<Vec<_>>().join(" ")
}

/// What a reply says about what.
pub(super) fn answered(change: &AttendeeChange) -> BTreeMap<String, String> {
    let answers = change.reply.iter().flat_map(|reply| &reply.answers);
    answers.map(|(occurrence, answer)| (named(*occurrence), answer.clone())).collect()
}

/// A message as it is after it went by mail.
pub(super) fn mailed(message: &SchedulingMessage) -> SchedulingMessage {
    SchedulingMessage::parse(message.text().as_bytes()).unwrap()
}

/// The delivery of a method to somebody.
pub(super) fn to<'a>(who: &str, method: &str, deliveries: &'a [SchedulingDelivery]) -> &'a SchedulingDelivery {
    let address = CalendarUserAddress::new(who);
    let is_it = |delivery: &&SchedulingDelivery| {
        let is_theirs = delivery.recipients.iter().any(|recipient| recipient.address == address);
        is_theirs && delivery.message.method.name() == method
    };
    deliveries.iter().find(is_it).expect("a delivery")
}
