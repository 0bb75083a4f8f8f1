//! A calendar object: content lines in components, within limits that are checked before anything is built.

use std::borrow::Cow;
use std::collections::HashSet;

pub use super::line::{Property, fold_into};
use super::text_format::{BYTE_ORDER_MARK, TextFormat};
use super::time::When;
use crate::model::calendar::COMPONENTS;

/// The largest object, bytes (`CALDAV:max-resource-size`).
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// The most attendees of one component (`CALDAV:max-attendees-per-instance`).
pub const MAX_ATTENDEES: usize = 1000;
const MAX_DEPTH: usize = 8;
const MAX_LINES: usize = 200_000;
const MAX_COMPONENTS: usize = 20_000;
/// The most rules of one component.
pub(super) const MAX_RULES: usize = 16;

/// Why a text is not a calendar object, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Invalid {
    /// It is not UTF-8.
    Encoding,
    /// It is UTF-16.
    Utf16,
    /// Its lines end with a carriage return alone.
    LineEnds,
    /// It is of another version of the format than 2.0, such as vCalendar.
    Version,
    /// A carriage return without line feed, or a control character.
    Control,
    /// A line that is no content line; its number, from 1.
    Line(usize),
    /// Components are not closed in the order in which they were opened; line.
    Nesting(usize),
    /// It is not exactly one VCALENDAR.
    NotOneCalendar,
    /// Too large, too deep, too many lines, components or rules.
    TooMuch,
    /// More than [`MAX_ATTENDEES`].
    Attendees,
    /// It bears a METHOD: what is stored is no message (RFC 4791 section 4.1).
    Method,
    /// No component, or several kinds of them (RFC 4791 section 4.1).
    Components,
    /// A component without UID, or several UIDs.
    Uid,
    /// Two components for the same instance.
    Twice,
    /// No DTSTART where one is needed, or a time that cannot be read.
    Time,
    /// It is said to be jCal and is not (RFC 7265).
    Json,
}

/// Do the lines before the first component name no version but this one? Who names none means it.
fn says_this_version(lines: impl Iterator<Item = Property>) -> bool {
    let begins = |line: &Property| line.name == "BEGIN" && !line.value().trim().eq_ignore_ascii_case("VCALENDAR");
    lines.take_while(|line| !begins(line)).filter(|line| line.name == "VERSION").all(|line| line.is_this_version())
}

/// A component: VCALENDAR, VEVENT, ...
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Component {
    /// Its name, in capitals.
    pub name: String,
    /// Its lines in their order.
    pub properties: Vec<Property>,
    /// The components in it.
    pub components: Vec<Component>,
}

impl Component {
    /// The first property of a name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// All properties of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    /// The value of the first property of a name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.property(name).map(Property::value)
    }

    /// Writes it, line by line as it stands.
    pub fn write(&self, out: &mut String) {
        fold_into(out, &format!("BEGIN:{}", self.name));
        self.properties.iter().for_each(|property| fold_into(out, property.raw()));
        self.components.iter().for_each(|part| part.write(out));
        fold_into(out, &format!("END:{}", self.name));
    }

    /// The TZIDs that it speaks of.
    pub(super) fn zones(&self) -> HashSet<String> {
        let mut zones: HashSet<String> = self.components.iter().flat_map(Self::zones).collect();
        let named = self.properties.iter().filter_map(|line| line.parameter("TZID"));
        zones.extend(named.map(|id| id.trim().to_owned()));
        zones
    }

    /// The instance of a series that it is about, as it spells it: one time by two clocks may be two. `None`: it is the
    /// master. An error: the spelling is no time.
    pub fn instance(&self) -> Result<Option<When>, Invalid> {
        self.property("RECURRENCE-ID").map(|line| When::of(line).ok_or(Invalid::Time)).transpose()
    }
}

/// Unfolds lines (RFC 5545 section 3.1): on bytes, for a fold may cut a character. What must not be there is a fault of
/// what a client stores; of what is stored already it is left out or replaced.
fn unfolded(bytes: &[u8], stored: bool) -> Result<String, Invalid> {
    if bytes.len() > MAX_BYTES {
        return Err(Invalid::TooMuch);
    }
    match TextFormat::of(bytes) {
        TextFormat::Utf16Le | TextFormat::Utf16Be if !stored => return Err(Invalid::Utf16),
        TextFormat::CarriageReturns if !stored => return Err(Invalid::LineEnds),
        _ => {}
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match rest {
            [b'\r', b'\n', b' ' | b'\t', tail @ ..] | [b'\n', b' ' | b'\t', tail @ ..] => rest = tail,
            [b'\r', b'\n', tail @ ..] | [b'\n', tail @ ..] => {
                out.push(b'\n');
                rest = tail;
            }
            [b'\t', tail @ ..] => {
                out.push(b'\t');
                rest = tail;
            }
            [byte, tail @ ..] if *byte < 0x20 || *byte == 0x7f => {
                if !stored {
                    return Err(Invalid::Control);
                }
                rest = tail;
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
            [] => break,
        }
    }
    match String::from_utf8(out) {
        Err(damaged) if stored => Ok(String::from_utf8_lossy(damaged.as_bytes()).into_owned()),
        text => text.map_err(|_| Invalid::Encoding),
    }
}

/// A text that is stored, as characters. Where its bytes are none, for a fold cuts one or they are damaged, its lines
/// are folded again.
#[must_use]
pub fn readable(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let Ok(text) = unfolded(bytes, true) else { return String::from_utf8_lossy(bytes) };
    let mut out = String::with_capacity(bytes.len());
    text.split_terminator('\n').for_each(|line| fold_into(&mut out, line));
    Cow::Owned(out)
}

/// Reads one VCALENDAR, within the limits.
pub fn parse(bytes: &[u8]) -> Result<Component, Invalid> {
    read(&unfolded(bytes, false)?)
}

fn read(text: &str) -> Result<Component, Invalid> {
    let mut open: Vec<Component> = Vec::new();
    let mut whole: Option<Component> = None;
    let mut components = 0;
    for (at, line) in text.split('\n').enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if at >= MAX_LINES || whole.is_some() {
            return Err(if whole.is_some() { Invalid::NotOneCalendar } else { Invalid::TooMuch });
        }
        let property = Property::parse(line).ok_or(Invalid::Line(at + 1))?;
        match property.name.as_str() {
            "BEGIN" => {
                components += 1;
                if open.len() >= MAX_DEPTH || components > MAX_COMPONENTS {
                    return Err(Invalid::TooMuch);
                }
                let name = property.value().trim().to_ascii_uppercase();
                if open.is_empty() && name != "VCALENDAR" {
                    return Err(Invalid::NotOneCalendar);
                }
                open.push(Component { name, ..Component::default() });
            }
            "END" => {
                let closed = open.pop().ok_or(Invalid::Nesting(at + 1))?;
                if !closed.name.eq_ignore_ascii_case(property.value().trim()) {
                    return Err(Invalid::Nesting(at + 1));
                }
                match open.last_mut() {
                    Some(parent) => parent.components.push(closed),
                    None => whole = Some(closed),
                }
            }
            _ => open.last_mut().ok_or(Invalid::NotOneCalendar)?.properties.push(property),
        }
    }
    whole.ok_or(if open.is_empty() { Invalid::NotOneCalendar } else { Invalid::Nesting(text.lines().count()) })
}

/// A calendar object resource (RFC 4791 section 4.1): all components of one UID.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// The whole.
    pub calendar: Component,
    /// VEVENT, VTODO, VJOURNAL, or VFREEBUSY.
    pub component: String,
    /// Its UID.
    pub uid: String,
}

impl Object {
    /// Reads what a client stores, and checks the rules of RFC 4791 section 4.1.
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        let text = unfolded(bytes, false)?;
        // What another version writes may be no content line here: its own sentence goes first.
        if !says_this_version(text.split('\n').filter_map(Property::parse)) {
            return Err(Invalid::Version);
        }
        let calendar = read(&text)?;
        if !calendar.all("VERSION").all(Property::is_this_version) {
            return Err(Invalid::Version);
        }
        if calendar.property("METHOD").is_some() {
            return Err(Invalid::Method);
        }
        let parts: Vec<&Component> = calendar.components.iter().filter(|part| part.name != "VTIMEZONE").collect();
        let Some(first) = parts.first() else { return Err(Invalid::Components) };
        if parts.iter().any(|part| part.name != first.name) {
            return Err(Invalid::Components);
        }
        // UIDs are compared as they stand, byte by byte.
        let uid = first.value("UID").unwrap_or_default().to_owned();
        if uid.trim().is_empty() || parts.iter().any(|part| part.value("UID") != Some(uid.as_str())) {
            return Err(Invalid::Uid);
        }
        let mut instances = std::collections::HashSet::new();
        for part in &parts {
            // What is no time is refused by its own sentence.
            if part.instance().is_ok_and(|instance| !instances.insert(instance)) {
                return Err(Invalid::Twice);
            }
            if part.all("ATTENDEE").count() > MAX_ATTENDEES {
                return Err(Invalid::Attendees);
            }
            if part.all("RRULE").count() > MAX_RULES {
                return Err(Invalid::TooMuch);
            }
            let start = part.property("DTSTART");
            let readable = start.is_none_or(|start| When::of(start).is_some());
            if !readable || (part.name == "VEVENT" && start.is_none()) {
                return Err(Invalid::Time);
            }
        }
        Ok(Self { component: first.name.clone(), uid, calendar })
    }

    /// Reads what is stored: for questions, not for judgement. An error: nobody can.
    pub fn stored(bytes: &[u8]) -> Result<Self, Invalid> {
        let calendar = read(&unfolded(bytes, true)?)?;
        let first = calendar.components.iter().find(|part| part.name != "VTIMEZONE").ok_or(Invalid::Components)?;
        let uid = first.value("UID").unwrap_or_default().to_owned();
        Ok(Self { component: first.name.clone(), uid, calendar })
    }

    /// Its components but for the time zones.
    pub fn parts(&self) -> impl Iterator<Item = &Component> {
        self.calendar.components.iter().filter(|part| part.name != "VTIMEZONE")
    }

    /// The component that is no override, if there is one.
    #[must_use]
    pub fn master(&self) -> Option<&Component> {
        self.parts().find(|part| part.property("RECURRENCE-ID").is_none())
    }

    /// May a calendar hold it at all?
    #[must_use]
    pub fn is_known(&self) -> bool {
        COMPONENTS.contains(&self.component.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Invalid, Object, Property, fold_into, parse};

    fn event(lines: &str) -> String {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{lines}END:VCALENDAR\r\n")
    }

    const ONE: &str =
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T100000Z\r\nSUMMARY:Réunion \r\n du matin\r\nEND:VEVENT\r\n";

    #[test]
    fn lines_are_unfolded_on_bytes() {
        let mut text = event(ONE).into_bytes();
        let cut = text.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
        text.splice(cut..cut, *b"\r\n ");
        let object = Object::parse(&text).unwrap();
        assert_eq!(object.master().unwrap().property("SUMMARY").unwrap().text(), "Réunion du matin");
        assert_eq!((object.uid.as_str(), object.component.as_str()), ("1", "VEVENT"));
    }

    #[test]
    fn a_zone_with_a_colon_may_stand_without_quotes() {
        for (line, zone, value) in [
            ("DTSTART;TZID=UTC+01:00:20260706T090000", Some("UTC+01:00"), "20260706T090000"),
            (
                "EXDATE;VALUE=DATE-TIME;tzid=(GMT-03:30) St. John\\, ici:20260706T090000,20260707T090000",
                Some("(GMT-03:30) St. John\\, ici"),
                "20260706T090000,20260707T090000",
            ),
            (
                "DTSTART;TZID=tzone://Microsoft/Custom:20260706T090000",
                Some("tzone://Microsoft/Custom"),
                "20260706T090000",
            ),
            ("DTSTART;TZID=\"UTC+01:00\":20260706T090000", Some("UTC+01:00"), "20260706T090000"),
            ("DTSTART;TZID=Europe/Paris:20260706T090000", Some("Europe/Paris"), "20260706T090000"),
            ("DTSTART;TZID=Europe/Paris:soon:later", Some("Europe/Paris"), "soon:later"),
            ("DTSTART;TZID=Europe/Paris;X-A=b:soon:2026", Some("Europe/Paris"), "soon:2026"),
            ("DTSTART;TZID=UTC+01:00;VALUE=DATE-TIME:20260706T090000", Some("UTC+01:00"), "20260706T090000"),
            ("DTSTART;TZID=A:", Some("A"), ""),
            ("SUMMARY:at 10:30:00", None, "at 10:30:00"),
        ] {
            let property = Property::parse(line).unwrap();
            assert_eq!((property.parameter("TZID").as_deref(), property.value()), (zone, value), "{line}");
        }
    }

    #[test]
    fn rules_of_an_object() {
        let two = ONE.replace("UID:1", "UID:2");
        let task = ONE.replace("VEVENT", "VTODO");
        let table = [
            (event(""), Invalid::Components),
            (event(&format!("{ONE}{two}")), Invalid::Uid),
            (event(&format!("{ONE}{}", ONE.replace("UID:1", "UID:1 "))), Invalid::Uid),
            (event(&ONE.replace("UID:1", "UID: ")), Invalid::Uid),
            (event(&format!("{ONE}{task}")), Invalid::Components),
            (event(&format!("{ONE}{ONE}")), Invalid::Twice),
            (event(&format!("METHOD:REQUEST\r\n{ONE}")), Invalid::Method),
            (event(&ONE.replace("UID:1\r\n", "")), Invalid::Uid),
            (event(&ONE.replace("20260101T100000Z", "tomorrow")), Invalid::Time),
            (event(&ONE.replace("SUMMARY:", "no colon here\r\nX:")), Invalid::Line(6)),
            (event(&ONE.replace("END:VEVENT\r\n", "")), Invalid::Nesting(7)),
            (event(ONE).replace("\r\nVERSION", "\rVERSION"), Invalid::Control),
            (format!("{}{}", event(ONE), event(ONE)), Invalid::NotOneCalendar),
            ("BEGIN:VCARD\r\nEND:VCARD\r\n".to_owned(), Invalid::NotOneCalendar),
            (String::new(), Invalid::NotOneCalendar),
            ("BEGIN:VCALENDAR\r\n".repeat(1000), Invalid::TooMuch),
            (
                event(&ONE.replace("SUMMARY:", &format!("{}X:", "ATTENDEE:mailto:a@b\r\n".repeat(1001)))),
                Invalid::Attendees,
            ),
            (event(&ONE.replace("SUMMARY:", &format!("{}X:", "RRULE:FREQ=DAILY\r\n".repeat(17)))), Invalid::TooMuch),
        ];
        for (text, expected) in table {
            assert_eq!(Object::parse(text.as_bytes()), Err(expected), "{text}");
        }
        assert!(parse(b"begin:vcalendar\nend:VCALENDAR\n").is_ok());
    }

    #[test]
    fn parameters_and_texts() {
        let text = event(&ONE.replace(
            "SUMMARY:",
            "ATTENDEE;CN=\"Martin; A^'b\";ROLE=CHAIR:mailto:a@b.example\r\nDESCRIPTION:a\\, b\\nc\\;\\\\\r\nSUMMARY:",
        ));
        let object = Object::parse(text.as_bytes()).unwrap();
        let attendee = object.master().unwrap().property("ATTENDEE").unwrap();
        assert_eq!(attendee.parameter("CN").as_deref(), Some("Martin; A\"b"));
        assert_eq!(attendee.parameter("ROLE").as_deref(), Some("CHAIR"));
        assert_eq!(attendee.value(), "mailto:a@b.example");
        assert_eq!(object.master().unwrap().property("DESCRIPTION").unwrap().text(), "a, b\nc;\\");
    }

    #[test]
    fn folding_cuts_no_character() {
        let line = format!("SUMMARY:{}", "é".repeat(100));
        let mut out = String::new();
        fold_into(&mut out, &line);
        assert!(out.split("\r\n").all(|piece| piece.len() <= 75));
        assert_eq!(out.replace("\r\n ", ""), format!("{line}\r\n"));
    }
}
