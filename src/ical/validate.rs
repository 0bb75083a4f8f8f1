//! What is accepted (RFC 4791 sections 5.2.2, 5.3.2.1 and 7.8): objects that have a reading, and time zones
//! that are one.
//!
//! Refused is only what says nothing: a value that is none of its kind where a reading hangs on it. What programs write
//! against a rule and everybody understands all the same is taken. What is stored already is served as it is, and the
//! check lists what of it would be refused today.

use std::collections::HashSet;

use jiff::tz::{TimeZone, offset};

use super::object::{Component, Invalid, MAX_ATTENDEES, Object, Property, parse};
use super::recur::overriding;
use super::rule::Rule;
use super::time::{Clock, Length, When};
use super::zone::{Zone, Zones};
use crate::model::condition::Condition;
use crate::model::error::Reason;
use crate::model::id::Timestamp;

/// So much of a line is quoted.
const MAX_QUOTED: usize = 200;
/// A calendar that far from UTC, hours, shows no floating time as UTC does.
const FAR_OFF: i8 = 11;

/// Reads what a client stores, and refuses what has no reading.
pub fn validate(bytes: &[u8]) -> Result<Object, Reason> {
    let object = read(bytes)?;
    sound(&object)?;
    Ok(object)
}

/// Reads it, and judges no value yet.
pub fn read(bytes: &[u8]) -> Result<Object, Reason> {
    let object = Object::parse(bytes).map_err(reason)?;
    if !object.is_known() {
        return Err(Reason::of(Condition::SupportedCalendarComponent, "invalid-component", &object.component));
    }
    Ok(object)
}

/// Why a text is not a calendar object.
#[must_use]
pub fn reason(invalid: Invalid) -> Reason {
    let (condition, key, of) = match invalid {
        Invalid::Encoding => (Condition::ValidCalendarData, "invalid-encoding", String::new()),
        Invalid::Utf16 => (Condition::ValidCalendarData, "invalid-utf-16", String::new()),
        Invalid::LineEnds => (Condition::ValidCalendarData, "invalid-line-ends", String::new()),
        Invalid::Version => (Condition::SupportedCalendarData, "invalid-version", String::new()),
        Invalid::Control => (Condition::ValidCalendarData, "invalid-control", String::new()),
        Invalid::Line(line) => (Condition::ValidCalendarData, "invalid-line", line.to_string()),
        Invalid::Nesting(line) => (Condition::ValidCalendarData, "invalid-nesting", line.to_string()),
        Invalid::NotOneCalendar => (Condition::ValidCalendarData, "invalid-calendar", String::new()),
        Invalid::TooMuch => (Condition::ValidCalendarData, "invalid-size", String::new()),
        Invalid::Time => (Condition::ValidCalendarData, "invalid-start", String::new()),
        Invalid::Json => (Condition::ValidCalendarData, "invalid-jcal", String::new()),
        Invalid::Attendees => (Condition::MaxAttendeesPerInstance, "invalid-attendees", MAX_ATTENDEES.to_string()),
        Invalid::Method => (Condition::ValidCalendarObjectResource, "invalid-method", String::new()),
        Invalid::Components => (Condition::ValidCalendarObjectResource, "invalid-kinds", String::new()),
        Invalid::Uid => (Condition::ValidCalendarObjectResource, "invalid-uid", String::new()),
        Invalid::Twice => (Condition::ValidCalendarObjectResource, "invalid-instance-twice", String::new()),
    };
    Reason::of(condition, key, &of)
}

/// Is a value one of its kind?
type ValueCheck = fn(&Property) -> bool;

/// Properties on which a reading hangs, what their value has to be, and the key of the sentence that says so.
static VALUES: [(&[&str], ValueCheck, &str); 6] = [
    (&["DTEND", "DUE"], is_time, "invalid-end"),
    (&["DURATION"], |line| Length::read(line.value()).is_some(), "invalid-duration"),
    (&["RECURRENCE-ID"], is_time, "invalid-recurrence-id"),
    (&["EXDATE", "RDATE"], are_times, "invalid-dates"),
    (&["TRIGGER"], |line| is_time(line) || Length::read(line.value()).is_some(), "invalid-trigger"),
    (&["ACKNOWLEDGED"], |line| When::of(line).is_some_and(|at| at.clock == Clock::Utc), "invalid-acknowledged"),
];

/// Has each value a reading on which one hangs?
pub fn sound(object: &Object) -> Result<(), Reason> {
    let scale = object.calendar.property("CALSCALE");
    if let Some(line) = scale.filter(|line| !line.value().trim().eq_ignore_ascii_case("GREGORIAN")) {
        return Err(quoting(Condition::ValidCalendarData, "invalid-scale", line));
    }
    object.parts().try_for_each(component)?;
    once(object)
}

/// Two components for one instance, however they spell its time, say no one thing of it (RFC 4791 section 4.1). What
/// floats may be another instant in each calendar: it is the same as another time only if it is so wherever the
/// calendar is.
fn once(object: &Object) -> Result<(), Reason> {
    if object.parts().filter(|part| part.property("RECURRENCE-ID").is_some()).count() < 2 {
        return Ok(());
    }
    let [here, there] = [0, FAR_OFF].map(|hours| {
        let zones = Zones::new(&object.calendar, Zone::Known(TimeZone::fixed(offset(hours))));
        let instances: Vec<Timestamp> = overriding(object, &zones).iter().map(|moved| moved.id.at).collect();
        if zones.steps.is_cut() { Vec::new() } else { instances }
    });
    let mut seen = HashSet::new();
    let all_differ = here.into_iter().zip(there).all(|instance| seen.insert(instance));
    if all_differ { Ok(()) } else { Err(reason(Invalid::Twice)) }
}

fn component(part: &Component) -> Result<(), Reason> {
    for line in &part.properties {
        let mut rows = VALUES.iter().filter(|(names, ..)| names.contains(&line.name.as_str()));
        if let Some((.., key)) = rows.find(|(_, holds, _)| !holds(line)) {
            return Err(quoting(Condition::ValidCalendarData, key, line));
        }
        // One that is empty is no rule.
        if matches!(line.name.as_str(), "RRULE" | "EXRULE")
            && !line.value().trim().is_empty()
            && let Err(fault) = Rule::read(line.value())
        {
            return Err(quoting(fault.condition(), &format!("invalid-rule-{}", fault.key()), line));
        }
    }
    part.components.iter().try_for_each(component)
}

fn quoting(condition: Condition, key: &str, line: &Property) -> Reason {
    Reason::of(condition, key, &line.raw().chars().take(MAX_QUOTED).collect::<String>())
}

fn is_time(line: &Property) -> bool {
    When::of(line).is_some()
}

/// A list of times, or of periods; an empty one names none.
fn are_times(line: &Property) -> bool {
    let written = line.value().split(',').filter(|text| !text.trim().is_empty());
    written.count() == When::all_of(line).count()
}

/// Is a text an iCalendar object that holds exactly one VTIMEZONE (RFC 4791 sections 5.2.2 and 9.8)? Whether the time
/// of that zone can be known is another question: [`Zone::of_text`].
#[must_use]
pub fn is_one_zone(text: &str) -> bool {
    parse(text.as_bytes())
        .is_ok_and(|calendar| matches!(calendar.components.as_slice(), [zone] if zone.name == "VTIMEZONE"))
}

#[cfg(test)]
mod tests {
    use super::{Zone, is_one_zone, reason, validate};
    use crate::ical::object::Invalid;
    use crate::ical::rule::InvalidRule;
    use crate::model::condition::Condition;

    fn event(lines: &str) -> String {
        let start = if lines.contains("DTSTART") { "" } else { "DTSTART:20260105T090000Z\n" };
        format!("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\n{start}{lines}\nEND:VEVENT\nEND:VCALENDAR\n")
    }

    #[test]
    fn what_has_no_reading_is_refused() {
        let alarm = |lines: &str| format!("BEGIN:VALARM\nACTION:DISPLAY\n{lines}\nEND:VALARM");
        let table = [
            ("DTSTART:20260230T090000Z", "start"),
            ("DTSTART:", "start"),
            ("DTEND:tomorrow", "end"),
            ("DTEND:", "end"),
            ("DURATION:1H", "duration"),
            ("DURATION:P", "duration"),
            ("RECURRENCE-ID:first", "recurrence-id"),
            ("EXDATE:20260106T090000Z,never", "dates"),
            ("EXDATE;VALUE=DATE:20260230", "dates"),
            ("RDATE;VALUE=PERIOD:20260106T090000Z/often", "dates"),
            ("RRULE:FREQ=FOO", "rule-unknown-frequency"),
            ("RRULE:INTERVAL=2", "rule-no-frequency"),
            ("RRULE:FREQ=MONTHLY;BYDAY=+1", "rule-no-value"),
            ("RRULE:FREQ=DAILY;COUNT=3;UNTIL=20260110T000000Z", "rule-count-with-until"),
            ("RRULE:FREQ=DAILY;UNTIL=soon", "rule-no-value"),
            ("EXRULE:FREQ=FOO", "rule-unknown-frequency"),
            ("RRULE:D1 #0", "rule-unknown-part"),
        ];
        for (lines, code) in table {
            let refused = validate(event(lines).as_bytes()).expect_err(lines);
            assert_eq!(refused.code(), code, "{lines}");
            assert!(refused.of.is_empty() || lines.starts_with(&refused.of), "{lines}: {}", refused.of);
        }
        for (lines, code) in [
            ("TRIGGER:soon", "trigger"),
            ("TRIGGER:-PT15M\nACKNOWLEDGED:20260105T084500", "acknowledged"),
            ("TRIGGER:-PT15M\nACKNOWLEDGED;TZID=Europe/Paris:20260105T084500", "acknowledged"),
            ("TRIGGER:-PT15M\nACKNOWLEDGED:20260105", "acknowledged"),
        ] {
            assert_eq!(validate(event(&alarm(lines)).as_bytes()).expect_err(lines).code(), code, "{lines}");
        }
        // What its format, its characters or its lines keep from being read is reported before anything that would
        // follow from that.
        let plain = event("SUMMARY:a");
        let version = |line: &str| plain.replace("VERSION:2.0\n", line).replace("UID:1\n", "").into_bytes();
        let utf_16 = |bytes: fn(u16) -> [u8; 2], mark: &[u16]| {
            mark.iter().copied().chain(plain.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>()
        };
        for (bytes, condition, code) in [
            (version("VERSION:1.0\n"), Condition::SupportedCalendarData, "version"),
            (version("PRODID:x\nversion;X-A=b: 1.0\n"), Condition::SupportedCalendarData, "version"),
            (version("VERSION:3.0\n"), Condition::SupportedCalendarData, "version"),
            (version("VERSION:2.1;3.0\n"), Condition::SupportedCalendarData, "version"),
            (version("VERSION:\n"), Condition::SupportedCalendarData, "version"),
            (version("VERSION:2.0\nVERSION:1.0\n"), Condition::SupportedCalendarData, "version"),
            (
                plain.replace("END:VCALENDAR", "VERSION:1.0\nEND:VCALENDAR").into_bytes(),
                Condition::SupportedCalendarData,
                "version",
            ),
            (
                version("VERSION:1.0\nNOTE;ENCODING=QUOTED-PRINTABLE:a=\nb\n"),
                Condition::SupportedCalendarData,
                "version",
            ),
            (utf_16(u16::to_le_bytes, &[0xfeff]), Condition::ValidCalendarData, "utf-16"),
            (utf_16(u16::to_be_bytes, &[0xfeff]), Condition::ValidCalendarData, "utf-16"),
            (utf_16(u16::to_le_bytes, &[]), Condition::ValidCalendarData, "utf-16"),
            (utf_16(u16::to_be_bytes, &[]), Condition::ValidCalendarData, "utf-16"),
            (plain.replace('\n', "\r").into_bytes(), Condition::ValidCalendarData, "line-ends"),
            (plain.replacen('\n', "\r", 1).into_bytes(), Condition::ValidCalendarData, "control"),
            (plain.replace("SUMMARY:a", "SUMMARY:a\u{0}").into_bytes(), Condition::ValidCalendarData, "control"),
            (event("RRULE:RSCALE=HEBREW;FREQ=YEARLY").into_bytes(), Condition::SupportedRscale, "rule-unknown-scale"),
            (event("EXRULE:FREQ=YEARLY;RSCALE=CHINESE").into_bytes(), Condition::SupportedRscale, "rule-unknown-scale"),
        ] {
            let refused = validate(&bytes).expect_err(code);
            assert_eq!((refused.condition, refused.code()), (condition, code), "{}", String::from_utf8_lossy(&bytes));
        }
        let hebrew = event("X-A:b").replace("VERSION:2.0", "VERSION:2.0\nCALSCALE:HEBREW");
        assert_eq!(validate(hebrew.as_bytes()).expect_err("a scale").code(), "scale");
        // One instance, spelled in two ways; and two, of which one spelling looks like the other's.
        let series = "DTSTART;TZID=Europe/Paris:20260105T090000\nRRULE:FREQ=DAILY";
        let twice = |one: &str, other: &str| {
            let moved = [one, other]
                .map(|id| format!("\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\nDTSTART:20260301T100000Z\nRECURRENCE-ID{id}"));
            validate(event(&format!("{series}{}{}", moved[0], moved[1])).as_bytes()).map(|_| ())
        };
        for other in
            [":20260106T080000Z", ":20260106T090000", ";VALUE=DATE:20260106", ";TZID=Asia/Tokyo:20260106T170000"]
        {
            let refused = twice(";TZID=Europe/Paris:20260106T090000", other).expect_err(other);
            assert_eq!(refused.code(), "instance-twice", "{other}");
        }
        for (one, other) in [
            (":20260106T080000Z", ":20260106T080000"),
            (";TZID=Europe/Paris:20260106T090000", ";TZID=Europe/London:20260106T090000"),
            (";TZID=Europe/Paris:20260106T090000", ":20260106T090000Z"),
            (";VALUE=DATE:20260107T090000", ":20260106T090000"),
        ] {
            assert_eq!(twice(one, other), Ok(()), "{one} {other}");
        }
        // Whoever has no clock of its own, or none that anybody knows, gives it by that of the series; without a series
        // each by its own.
        let floating =
            |lines: &str| validate(event(&format!("DTSTART:20260105T090000\nRRULE:FREQ=DAILY{lines}")).as_bytes());
        let without =
            |lines: &str| validate(event(lines.trim_start_matches("\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\n")).as_bytes());
        for (one, other, twice) in [
            (";TZID=Here:20260106T090000", ";TZID=There:20260106T090000", true),
            (";VALUE=DATE:20260106", ":20260106T090000", true),
            (";TZID=Europe/Paris:20260106T090000", ":20260106T080000Z", true),
            (";TZID=Europe/Paris:20260106T090000", ":20260106T090000", false),
            (";TZID=Europe/Paris:20260106T090000", ";TZID=Asia/Tokyo:20260106T090000", false),
        ] {
            let moved = [one, other]
                .map(|id| format!("\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\nRECURRENCE-ID{id}\nDTSTART:20260301T090000"));
            for judged in [floating(&moved.concat()), without(&moved.concat())] {
                let code = judged.map(|_| ()).map_err(|reason| reason.code().to_owned());
                assert_eq!(code, if twice { Err("instance-twice".to_owned()) } else { Ok(()) }, "{one} {other}");
            }
        }
        // A line is quoted, not all of it.
        let long = format!("EXDATE:{}", "never,".repeat(10_000));
        assert!(validate(event(&long).as_bytes()).expect_err("a long line").of.len() < 1000);
    }

    #[test]
    fn what_programs_write_against_a_rule_and_all_understand_is_taken() {
        for lines in [
            "DTSTART:20260105",
            "DTSTART;TZID=Nowhere:20260105T090000",
            "DTEND:20260104T090000Z",
            "DTEND;VALUE=DATE:20260105",
            "DTEND:20260105T100000Z\nDURATION:PT0S",
            "DURATION:-PT1H",
            "EXDATE:",
            "EXDATE:20260106T090000Z,",
            "EXDATE:20260106",
            "RRULE:",
            "RDATE;VALUE=PERIOD:20260106T090000Z/PT1H,20260107T090000Z/20260107T100000Z",
            "RRULE:FREQ=DAILY;UNTIL=20260110",
            "RRULE:freq=daily;count=3;",
            "RRULE:FREQ=SECONDLY;INTERVAL=20",
            "DTSTAMP:20260101T000000\nCREATED:00000000T000000Z\nLAST-MODIFIED:yesterday\nCOMPLETED:20260101",
            "STATUS:MAYBE\nTRANSP:SOMEWHAT\nSEQUENCE:new\nPRIORITY:high\nCLASS:SECRET\nGEO:here",
            "BEGIN:VALARM\nEND:VALARM",
            "BEGIN:VALARM\nTRIGGER;VALUE=DATE-TIME:20260105T084500\nREPEAT:often\nEND:VALARM",
            "BEGIN:X-OWN\nX-A:b\nEND:X-OWN",
        ] {
            assert_eq!(validate(event(lines).as_bytes()).map(|_| ()), Ok(()), "{lines}");
        }
        // Many programs say no version; RFC 5545 section 3.7.4 lets one say a range.
        for version in [
            "",
            "VERSION: 2.0\n",
            "VERSION:1.0;2.0\n",
            "VERSION:2.0;2.1\n",
            "Version;X-A=b:2.0\n",
            "VERSION:2.0\nVERSION:2.0\n",
        ] {
            let text = event("X-VERSION:1.0\nBEGIN:VALARM\nVERSION:1.0\nEND:VALARM").replace("VERSION:2.0\n", version);
            assert_eq!(validate(text.as_bytes()).map(|_| ()), Ok(()), "{version}");
            assert_eq!(validate(format!("\u{feff}{text}").as_bytes()).map(|_| ()), Ok(()), "{version}");
        }
        let task = event("DUE:20260105T090000Z\nRRULE:FREQ=WEEKLY").replace("VEVENT", "VTODO");
        assert!(validate(task.replace("DTSTART:20260105T090000Z\n", "").as_bytes()).is_ok());
    }

    #[test]
    fn each_reason_has_its_sentence() {
        let locales = [include_str!("../locales/en/main.ftl"), include_str!("../locales/fr/main.ftl")];
        let said = |key: &str| {
            let known = |text: &str| text.lines().any(|line| line.starts_with(&format!("{key} = ")));
            assert!(locales.into_iter().all(known), "{key}");
        };
        let invalid = [
            Invalid::Encoding,
            Invalid::Utf16,
            Invalid::Control,
            Invalid::LineEnds,
            Invalid::Version,
            Invalid::Line(1),
            Invalid::Nesting(1),
            Invalid::NotOneCalendar,
            Invalid::TooMuch,
            Invalid::Attendees,
            Invalid::Method,
            Invalid::Components,
            Invalid::Uid,
            Invalid::Twice,
            Invalid::Time,
            Invalid::Json,
        ];
        invalid.into_iter().for_each(|invalid| said(&reason(invalid).key));
        super::VALUES.iter().for_each(|(.., key)| said(key));
        let faults = [
            InvalidRule::TooLong,
            InvalidRule::UnknownPart,
            InvalidRule::Twice,
            InvalidRule::NoFrequency,
            InvalidRule::UnknownFrequency,
            InvalidRule::NoValue,
            InvalidRule::OutOfRange,
            InvalidRule::CountWithUntil,
            InvalidRule::PositionAlone,
            InvalidRule::WeeksNotYearly,
            InvalidRule::OrdinalInWeeks,
            InvalidRule::YearDaysBelowYear,
            InvalidRule::MonthDaysInWeeks,
            InvalidRule::SkipWithoutScale,
            InvalidRule::UnknownScale,
        ];
        faults.into_iter().for_each(|fault| said(&format!("invalid-rule-{}", fault.key())));
        ["invalid-component", "invalid-scale"].into_iter().for_each(said);
    }

    #[test]
    fn a_time_zone_is_one() {
        let calendar = |inner: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inner}END:VCALENDAR\r\n");
        let zone = |inner: &str| format!("BEGIN:VTIMEZONE\r\n{inner}END:VTIMEZONE\r\n");
        let (paris, own) =
            (zone("TZID:Europe/Paris\r\n"), "TZID:Ours\r\nBEGIN:STANDARD\r\nTZOFFSETTO:+1\r\nEND:STANDARD\r\n");
        for (text, one) in [
            (calendar(&paris), true),
            (calendar(&zone(own)), true),
            (calendar(&zone("TZID:Ours\r\n")), false),
            (calendar(&zone(&own.replace("+1", ""))), false),
            (calendar(&zone(&own.replace("+1", "+20"))), false),
            (calendar(&zone(&own.replace("+1", "+1\r\nDTSTART:19000101T000000\r\nRRULE:FREQ=HOURLY"))), false),
            (calendar(&zone("TZID: \r\n")), false),
            (calendar(&zone("")), false),
            (calendar(""), false),
            (calendar(&format!("{paris}{paris}")), false),
            (calendar(&format!("{paris}BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n")), false),
            (calendar(&paris.replace("VTIMEZONE", "VEVENT")), false),
            (format!("{}{}", calendar(&paris), calendar(&paris)), false),
            ("Europe/Paris".to_owned(), false),
        ] {
            assert_eq!(is_one_zone(&text) && Zone::of_text(&text).is_some(), one, "{text}");
        }
    }
}
