//! ORGANIZER and ATTENDEE lines (RFC 5545 section 3.8.4, RFC 6638 section 7): what they say, and lines that say
//! something else and are otherwise as the client wrote them.

use std::collections::BTreeMap;

use super::super::object::{Component, Object, Property};
use super::address::{Addresses, CalendarUserAddress};

/// The answer that nobody has given yet.
pub const NEEDS_ACTION: &str = "NEEDS-ACTION";
/// The answers that matter to what follows from them.
pub const ACCEPTED: &str = "ACCEPTED";
/// See [`ACCEPTED`].
pub const DECLINED: &str = "DECLINED";

/// Who sends messages to a calendar user (RFC 6638 section 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScheduleAgent {
    /// The server.
    Server,
    /// The client, by its own means: the server keeps its hands off.
    Client,
    /// Nobody.
    Nobody,
}

/// An ORGANIZER or ATTENDEE line.
#[derive(Clone, Copy, Debug)]
pub struct CalendarUser<'a>(&'a Property);

impl<'a> CalendarUser<'a> {
    /// The one of a line.
    #[must_use]
    pub const fn of(line: &'a Property) -> Self {
        Self(line)
    }

    /// The organizer of a component.
    #[must_use]
    pub fn organizer(component: &'a Component) -> Option<Self> {
        component.property("ORGANIZER").map(Self)
    }

    /// The attendees of a component.
    pub fn attendees(component: &'a Component) -> impl Iterator<Item = Self> {
        component.all("ATTENDEE").map(Self)
    }

    /// The first attendee of a component that is meant by one of these addresses.
    #[must_use]
    pub fn attendee(component: &'a Component, of: &Addresses) -> Option<Self> {
        Self::attendees(component).find(|attendee| attendee.is_one_of(of))
    }

    /// The line.
    #[must_use]
    pub const fn line(self) -> &'a Property {
        self.0
    }

    /// The address.
    #[must_use]
    pub fn address(self) -> CalendarUserAddress {
        CalendarUserAddress::new(self.0.value())
    }

    /// Is one of these addresses meant?
    #[must_use]
    pub fn is_one_of(self, addresses: &Addresses) -> bool {
        addresses.means(self.0.value())
    }

    /// A parameter in capitals, or what it is where none is written.
    fn token(self, name: &str, default: &str) -> String {
        let written = self.0.parameter(name).map(|value| value.trim().to_ascii_uppercase());
        written.filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
    }

    /// The answer (PARTSTAT).
    #[must_use]
    pub fn participation(self) -> String {
        self.token("PARTSTAT", NEEDS_ACTION)
    }

    /// How they take part (ROLE).
    #[must_use]
    pub fn role(self) -> String {
        self.token("ROLE", "REQ-PARTICIPANT")
    }

    /// What they are (CUTYPE).
    #[must_use]
    pub fn kind(self) -> String {
        self.token("CUTYPE", "INDIVIDUAL")
    }

    /// Is an answer wanted?
    #[must_use]
    pub fn is_asked(self) -> bool {
        self.token("RSVP", "FALSE") == "TRUE"
    }

    /// Who sends messages to them. One that nobody knows is read as NONE (RFC 6638 section 7.1).
    #[must_use]
    pub fn agent(self) -> ScheduleAgent {
        match self.token("SCHEDULE-AGENT", "SERVER").as_str() {
            "SERVER" => ScheduleAgent::Server,
            "CLIENT" => ScheduleAgent::Client,
            _ => ScheduleAgent::Nobody,
        }
    }

    /// The method that is to be sent in any case: `REQUEST` or `REPLY` (RFC 6638 section 7.2).
    #[must_use]
    pub fn force_send(self) -> Option<String> {
        self.0.parameter("SCHEDULE-FORCE-SEND").map(|method| method.trim().to_ascii_uppercase())
    }

    /// How the last message fared, such as `1.2` (RFC 6638 section 7.3).
    #[must_use]
    pub fn status(self) -> Option<String> {
        self.0.parameter("SCHEDULE-STATUS")
    }

    /// Who acts for them (SENT-BY).
    #[must_use]
    pub fn sent_by(self) -> Option<CalendarUserAddress> {
        self.0.parameter("SENT-BY").map(|address| CalendarUserAddress::new(&address))
    }

    /// The groups by which they are invited (MEMBER).
    #[must_use]
    pub fn groups(self) -> Vec<CalendarUserAddress> {
        self.0.parameter_values("MEMBER").iter().map(|address| CalendarUserAddress::new(address)).collect()
    }

    /// The language that they read (RFC 5545 section 3.2.10), as a tag.
    #[must_use]
    pub fn language(self) -> Option<String> {
        language_of(self.0)
    }

    /// The line with another answer.
    #[must_use]
    pub fn with_participation(self, answer: &str) -> Property {
        if self.participation() == answer { self.0.clone() } else { self.0.with_parameter("PARTSTAT", Some(answer)) }
    }
}

/// The language of a line, as a tag: what is none is not passed on.
pub fn language_of(line: &Property) -> Option<String> {
    /// The longest tag that is worth reading (RFC 5646 section 4.4.1).
    const MAX_TAG_BYTES: usize = 35;
    let is_tag = |tag: &str| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let tag = line.parameter("LANGUAGE")?.trim().to_owned();
    (!tag.is_empty() && tag.len() <= MAX_TAG_BYTES && is_tag(&tag)).then_some(tag)
}

/// Says of an attendee in all components of an object which language they read.
pub fn set_language(calendar: &mut Component, of: &CalendarUserAddress, language: &str) {
    for line in calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut()) {
        let is_theirs = line.name == "ATTENDEE" && CalendarUser::of(line).address() == *of;
        if is_theirs && CalendarUser::of(line).language().as_deref() != Some(language) {
            *line = line.with_parameter("LANGUAGE", Some(language));
        }
    }
}

/// An object without the wish to send a message in any case: it is wanted once, and not stored, whoever sends it (RFC
/// 6638 section 7.2).
#[must_use]
pub fn unforced(mut object: Object) -> Object {
    let lines = object.calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut());
    for line in lines.filter(|line| ["ATTENDEE", "ORGANIZER"].contains(&line.name.as_str())) {
        if CalendarUser::of(line).force_send().is_some() {
            *line = line.with_parameter("SCHEDULE-FORCE-SEND", None);
        }
    }
    object
}

/// Sets the delivery status of an attendee, or of the organizer where their address is given, in all components of an
/// object; `None` takes it away. Is any line another one now?
pub fn set_schedule_status(calendar: &mut Component, of: &CalendarUserAddress, status: Option<&str>) -> bool {
    set_schedule_statuses(calendar, &BTreeMap::from([(of.clone(), status)]))
}

/// The same of many.
pub fn set_schedule_statuses(calendar: &mut Component, statuses: &BTreeMap<CalendarUserAddress, Option<&str>>) -> bool {
    let mut changed = false;
    let lines = calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut());
    for line in lines.filter(|line| ["ATTENDEE", "ORGANIZER"].contains(&line.name.as_str())) {
        let user = CalendarUser::of(line);
        if let Some(status) = statuses.get(&user.address())
            && user.status().as_deref() != *status
        {
            *line = line.with_parameter("SCHEDULE-STATUS", *status);
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::{CalendarUser, ScheduleAgent, set_schedule_status};
    use crate::ical::itip::address::{Addresses, CalendarUserAddress};
    use crate::ical::object::{Object, Property};

    #[test]
    fn what_a_line_says() {
        let line = "ATTENDEE;PARTSTAT=accepted;role=OPT-PARTICIPANT;CUTYPE=ROOM;RSVP=true;SCHEDULE-AGENT=CLIENT;\
                    SCHEDULE-FORCE-SEND=request;SCHEDULE-STATUS=\"1.2\";SENT-BY=\"MAILTO:S@b.fr\";\
                    MEMBER=\"mailto:G1@b.fr\",\"mailto:g2@b.fr\":MAILTO:Marie@b.fr";
        let line = Property::parse(line).unwrap();
        let user = CalendarUser::of(&line);
        assert_eq!(user.address(), CalendarUserAddress::new("marie@b.fr"));
        assert_eq!(
            (user.participation(), user.role(), user.kind()),
            ("ACCEPTED".into(), "OPT-PARTICIPANT".into(), "ROOM".into())
        );
        assert!(user.is_asked());
        assert_eq!(user.agent(), ScheduleAgent::Client);
        assert_eq!((user.force_send().as_deref(), user.status().as_deref()), (Some("REQUEST"), Some("1.2")));
        assert_eq!(user.sent_by(), Some(CalendarUserAddress::new("mailto:s@b.fr")));
        assert_eq!(user.groups(), ["mailto:g1@b.fr", "mailto:g2@b.fr"].map(CalendarUserAddress::new));
    }

    #[test]
    fn what_it_means_where_it_says_nothing() {
        for line in ["ATTENDEE:mailto:a@b.fr", "ATTENDEE;PARTSTAT=;ROLE= ;CUTYPE=\"\";SCHEDULE-AGENT=:mailto:a@b.fr"] {
            let line = Property::parse(line).unwrap();
            let user = CalendarUser::of(&line);
            assert_eq!((user.participation().as_str(), user.role().as_str()), ("NEEDS-ACTION", "REQ-PARTICIPANT"));
            assert_eq!(
                (user.kind().as_str(), user.is_asked(), user.agent()),
                ("INDIVIDUAL", false, ScheduleAgent::Server)
            );
            assert_eq!((user.force_send(), user.status(), user.sent_by()), (None, None, None));
            assert_eq!(user.with_participation("NEEDS-ACTION"), line);
        }
        let odd = Property::parse("ATTENDEE;SCHEDULE-AGENT=X-ROBOT:mailto:a@b.fr").unwrap();
        assert_eq!(CalendarUser::of(&odd).agent(), ScheduleAgent::Nobody);
    }

    #[test]
    fn a_status_is_set_on_all_lines_of_one_address() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nORGANIZER:mailto:o@b.fr\nATTENDEE;CN=\"A, B\":MAILTO:A@b.fr\n\
                    ATTENDEE;SCHEDULE-STATUS=5.1:mailto:c@b.fr\nEND:VEVENT\nEND:VCALENDAR\n";
        let mut object = Object::stored(text.as_bytes()).unwrap();
        let (a, c) = (CalendarUserAddress::new("a@b.fr"), CalendarUserAddress::new("c@b.fr"));
        assert!(set_schedule_status(&mut object.calendar, &a, Some("1.2")));
        assert!(!set_schedule_status(&mut object.calendar, &a, Some("1.2")));
        assert!(set_schedule_status(&mut object.calendar, &c, None));
        let master = object.master().unwrap();
        let lines: Vec<&str> = master.all("ATTENDEE").map(Property::raw).collect();
        assert_eq!(lines, ["ATTENDEE;CN=\"A, B\";SCHEDULE-STATUS=1.2:MAILTO:A@b.fr", "ATTENDEE:mailto:c@b.fr"]);
        let known = CalendarUser::attendee(master, &Addresses::of(["C@b.fr"])).map(CalendarUser::address);
        assert_eq!((known, CalendarUser::organizer(master).and_then(CalendarUser::status)), (Some(c), None));
    }
}
