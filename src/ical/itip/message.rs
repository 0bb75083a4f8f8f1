//! Messages between organizer and attendees (RFC 5546): what came in, read leniently, and what goes out, made of stored
//! lines.

use std::collections::HashSet;

use super::super::object::{Component, Invalid, MAX_ATTENDEES, Object, Property};
use super::super::time::write_utc;
use super::super::tzid;
use super::fields::{is_sent, set_line};
use super::ledger::ComponentRevision;
use crate::model::id::Timestamp;

/// What is written as the program that made a message.
const PRODUCT: &str = "-//Beffroi//Beffroi//EN";
/// What the server and a client say to each other about sending, and to nobody else.
const OF_SCHEDULING: [&str; 3] = ["SCHEDULE-AGENT", "SCHEDULE-FORCE-SEND", "SCHEDULE-STATUS"];

/// What a message wants (RFC 5546 section 1.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SchedulingMethod {
    /// What the organizer publishes without asking anybody.
    Publish,
    /// An invitation, or a new state of one.
    Request,
    /// An answer.
    Reply,
    /// More occurrences.
    Add,
    /// Called off, or the recipient is not invited any more.
    Cancel,
    /// An attendee asks for the present state.
    Refresh,
    /// An attendee proposes another time.
    Counter,
    /// The organizer refuses that.
    DeclineCounter,
}

const METHODS: [(&str, SchedulingMethod); 8] = [
    ("PUBLISH", SchedulingMethod::Publish),
    ("REQUEST", SchedulingMethod::Request),
    ("REPLY", SchedulingMethod::Reply),
    ("ADD", SchedulingMethod::Add),
    ("CANCEL", SchedulingMethod::Cancel),
    ("REFRESH", SchedulingMethod::Refresh),
    ("COUNTER", SchedulingMethod::Counter),
    ("DECLINECOUNTER", SchedulingMethod::DeclineCounter),
];

impl SchedulingMethod {
    /// Reads a METHOD, in whatever case.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let known = METHODS.iter().find(|(name, _)| text.trim().eq_ignore_ascii_case(name));
        known.map(|(_, method)| *method)
    }

    /// As METHOD writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        METHODS.iter().find(|(_, method)| *method == self).map_or("", |(name, _)| name)
    }
}

/// A message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SchedulingMessage {
    /// What it wants.
    pub method: SchedulingMethod,
    /// What it is about, METHOD among its lines.
    pub object: Object,
    /// Does it say all that its recipient is to know of the object, and not only of some occurrences?
    pub is_whole: bool,
}

impl SchedulingMessage {
    /// Reads what came in. METHOD may be in small letters, or stand in the component.
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        let object = Object::stored(bytes)?;
        let inside = || object.parts().find_map(|part| part.value("METHOD"));
        let method = object.calendar.value("METHOD").or_else(inside).and_then(SchedulingMethod::read);
        let method = method.ok_or(Invalid::Method)?;
        if object.uid.trim().is_empty() || object.parts().any(|part| part.value("UID") != Some(object.uid.as_str())) {
            return Err(Invalid::Uid);
        }
        if object.parts().any(|part| part.name != object.component) {
            return Err(Invalid::Components);
        }
        if object.parts().any(|part| part.all("ATTENDEE").count() > MAX_ATTENDEES) {
            return Err(Invalid::Attendees);
        }
        let is_whole = object.master().is_some();
        Ok(Self { method, object, is_whole })
    }

    /// When it was made: the latest DTSTAMP in it.
    #[must_use]
    pub fn stamp(&self) -> Timestamp {
        let stamps = self.object.parts().map(|part| ComponentRevision::of(part).stamp);
        stamps.max().unwrap_or(Timestamp::MIN)
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.object.calendar.write(&mut out);
        out
    }
}

/// A message of components of an object, with the time zones that they speak of.
pub(super) fn compose(
    method: SchedulingMethod,
    source: &Object,
    parts: Vec<Component>,
    is_whole: bool,
) -> SchedulingMessage {
    let lines = [("VERSION", "2.0"), ("PRODID", PRODUCT), ("METHOD", method.name())];
    let mut calendar = Component { name: "VCALENDAR".to_owned(), ..Component::default() };
    calendar.properties.extend(lines.map(|(name, value)| Property::new(name, value)));
    let spoken: HashSet<String> = parts.iter().flat_map(Component::zones).map(|name| tzid::key(&name)).collect();
    let described = source.calendar.components.iter().filter(|part| part.name == "VTIMEZONE");
    let wanted = described.filter(|zone| tzid::name_of(zone).is_some_and(|name| spoken.contains(&tzid::key(&name))));
    calendar.components.extend(wanted.cloned());
    calendar.components.extend(parts);
    let object = Object { calendar, component: source.component.clone(), uid: source.uid.clone() };
    SchedulingMessage { method, object, is_whole }
}

/// A component as others may see it: without alarms, what is its owner's alone, and how messages fared.
pub(super) fn sent_part(part: &Component, now: Timestamp) -> Component {
    let lines = part.properties.iter().filter(|line| is_sent(line));
    let lines = lines.map(|line| match line.name.as_str() {
        "ATTENDEE" | "ORGANIZER" => {
            OF_SCHEDULING.iter().fold(line.clone(), |line, name| line.with_parameter(name, None))
        }
        _ => line.clone(),
    });
    let components = part.components.iter().filter(|inner| inner.name != "VALARM").cloned().collect();
    let mut sent = Component { name: part.name.clone(), properties: lines.collect(), components };
    set_line(&mut sent, "DTSTAMP", Some(Property::new("DTSTAMP", &write_utc(now))));
    sent
}

#[cfg(test)]
mod tests {
    use super::{SchedulingMessage, SchedulingMethod};
    use crate::ical::object::Invalid;

    #[test]
    fn a_message_is_read_as_programs_write_it() {
        let event = |inside: &str| format!("BEGIN:VEVENT\nUID:1\nDTSTART:20260101T100000Z\n{inside}END:VEVENT\n");
        let calendar = |lines: &str| format!("BEGIN:VCALENDAR\nVERSION:2.0\n{lines}END:VCALENDAR\n");
        let once = "RECURRENCE-ID:20260101T100000Z\n";
        for (text, expected) in [
            (calendar(&format!("METHOD:REQUEST\n{}", event(""))), Ok((SchedulingMethod::Request, true))),
            (calendar(&format!("method:reply\n{}", event(once))), Ok((SchedulingMethod::Reply, false))),
            (calendar(&event("METHOD:Cancel\n")), Ok((SchedulingMethod::Cancel, true))),
            (calendar(&format!("METHOD:COUNTER\n{}{}", event(""), event(once))), Ok((SchedulingMethod::Counter, true))),
            (calendar(&event("")), Err(Invalid::Method)),
            (calendar(&format!("METHOD:NONSENSE\n{}", event(""))), Err(Invalid::Method)),
            (calendar("METHOD:REQUEST\n"), Err(Invalid::Components)),
            (calendar("METHOD:REPLY\nBEGIN:VEVENT\nEND:VEVENT\n"), Err(Invalid::Uid)),
            (calendar(&format!("METHOD:REPLY\n{}BEGIN:VEVENT\nUID:2\nEND:VEVENT\n", event(""))), Err(Invalid::Uid)),
            (
                calendar(&format!("METHOD:REPLY\n{}BEGIN:VTODO\nUID:1\nEND:VTODO\n", event(""))),
                Err(Invalid::Components),
            ),
        ] {
            let read = SchedulingMessage::parse(text.as_bytes());
            assert_eq!(read.map(|message| (message.method, message.is_whole)), expected, "{text}");
        }
    }

    #[test]
    fn methods_are_written_as_they_are_read() {
        for (name, method) in super::METHODS {
            assert_eq!((SchedulingMethod::read(name), method.name()), (Some(method), name));
        }
    }
}
