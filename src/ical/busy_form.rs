//! Private events as those see them who may only know when someone is busy.

use super::object::{Component, Object, Property, fold_into};

/// Is a component private? One that names a class which nobody knows is (RFC 5545 section 3.8.1.3).
#[must_use]
pub fn is_private_part(part: &Component) -> bool {
    part.value("CLASS").is_some_and(|class| !class.trim().eq_ignore_ascii_case("PUBLIC"))
}

/// Is an object private, or one of its exceptions?
#[must_use]
pub fn is_private(object: &Object) -> bool {
    object.parts().any(is_private_part)
}

/// What is shown of events, tasks and notes, and of time zones; nothing of what stands in them otherwise.
const SHOWN: [&str; 15] = [
    "UID",
    "DTSTAMP",
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXRULE",
    "EXDATE",
    "RECURRENCE-ID",
    "TRANSP",
    "STATUS",
    "SEQUENCE",
    "COMPLETED",
];
const SHOWN_OF_ZONES: [&str; 8] =
    ["TZID", "DTSTART", "RRULE", "RDATE", "EXDATE", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME"];
/// Parameters without which a time cannot be read.
const PARAMETERS: [&str; 3] = ["TZID", "VALUE", "RANGE"];
const ZONES: [&str; 3] = ["VTIMEZONE", "STANDARD", "DAYLIGHT"];

/// The object that says when it takes place, and nothing else.
#[must_use]
pub fn busy_form(object: &Object) -> String {
    let mut out = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Beffroi//Beffroi//EN\r\n");
    object.calendar.components.iter().for_each(|part| write(part, &mut out));
    out.push_str("END:VCALENDAR\r\n");
    out
}

fn write(part: &Component, out: &mut String) {
    let zone = ZONES.contains(&part.name.as_str());
    let shown: &[&str] = if zone { &SHOWN_OF_ZONES } else { &SHOWN };
    fold_into(out, &format!("BEGIN:{}", part.name));
    for line in part.properties.iter().filter(|line| shown.contains(&line.name.as_str())) {
        fold_into(out, &plain(line));
    }
    if zone {
        part.components.iter().filter(|inner| ZONES.contains(&inner.name.as_str())).for_each(|inner| write(inner, out));
    } else {
        fold_into(out, "CLASS:PRIVATE");
    }
    fold_into(out, &format!("END:{}", part.name));
}

/// A line without parameters that may say anything.
fn plain(line: &Property) -> String {
    let mut out = line.name.clone();
    for (name, value) in line.written_parameters().filter(|(name, _)| PARAMETERS.contains(&name.as_str())) {
        out.push(';');
        out.push_str(&name);
        out.push('=');
        out.push_str(value);
    }
    out.push(':');
    out.push_str(line.value());
    out
}

#[cfg(test)]
mod tests {
    use super::{busy_form, is_private};
    use crate::ical::object::Object;

    fn object(lines: &str) -> Object {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//secret//x//EN\nX-WR-CALNAME:secret\nBEGIN:VTIMEZONE\nTZID:Ours\n\
             X-LIC-LOCATION:secret\nCOMMENT:secret\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\n\
             TZOFFSETTO:+0100\nX-A:secret\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\n\
             DTSTART;X-P=secret;TZID=\"Ours\":20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY\n\
             EXDATE;TZID=Ours:20260106T090000\n{lines}\nBEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:secret\n\
             TRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        Object::stored(text.as_bytes()).expect("an object")
    }

    #[test]
    fn what_is_not_public_is_private() {
        for (class, private) in [
            ("X-A:1", false),
            ("CLASS:PUBLIC", false),
            ("CLASS: public", false),
            ("CLASS:PRIVATE", true),
            ("class:Confidential", true),
            ("CLASS:X-SECRET", true),
            ("CLASS:", true),
        ] {
            assert_eq!(is_private(&object(class)), private, "{class}");
        }
    }

    #[test]
    fn the_busy_form_says_when_and_nothing_else() {
        let lines = "SUMMARY:secret\nLOCATION:secret\nDESCRIPTION:secret\nATTENDEE;CN=secret:mailto:secret@x\n\
             ORGANIZER:mailto:secret@x\nCATEGORIES:secret\nURL:http://secret\nX-A:secret\nCLASS:CONFIDENTIAL\n\
             STATUS:TENTATIVE\nTRANSP:OPAQUE\nSEQUENCE:2\nCOMMENT:secret\nATTACH:http://secret\nGEO:1;2";
        let form = busy_form(&object(lines));
        assert!(!form.contains("secret"), "{form}");
        for line in [
            "UID:u",
            "DTSTAMP:20260101T000000Z",
            "DTSTART;TZID=\"Ours\":20260105T090000",
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY",
            "EXDATE;TZID=Ours:20260106T090000",
            "STATUS:TENTATIVE",
            "TRANSP:OPAQUE",
            "SEQUENCE:2",
            "CLASS:PRIVATE",
            "TZID:Ours",
            "TZOFFSETTO:+0100",
        ] {
            assert!(form.contains(&format!("\r\n{line}\r\n")), "{line}: {form}");
        }
        let again = Object::parse(form.as_bytes()).expect("an object that is taken");
        assert_eq!((again.uid.as_str(), busy_form(&again)), ("u", form));
    }
}
