//! What is taken at the door (RFC 4791 sections 5.2.2, 5.3.2.1 and 7.8): objects that have a reading, and time zones that are one.
//!
//! Refused is only what says nothing: a value that is none of its kind where a reading hangs on it. What programs write against a
//! rule and everybody understands all the same is taken. What is stored already is served as it is, and the check tells what of it
//! would be refused today.

use jiff::tz::TimeZone;

use super::object::{Component, Invalid, MAX_ATTENDEES, Object, Property, parse};
use super::recur::overrides;
use super::rule::Rule;
use super::time::{Clock, Length, When};
use super::zone::{Zone, Zones};
use crate::model::condition::Condition;
use crate::model::error::Reason;

/// So much of a line is told of it.
const MAX_TOLD: usize = 200;

/// Reads what a client stores, and refuses what has no reading.
pub fn judge(bytes: &[u8]) -> Result<Object, Reason> {
    let object = Object::parse(bytes).map_err(reason)?;
    if !object.is_known() {
        return Err(Reason::of(Condition::SupportedCalendarComponent, "invalid-component", &object.component));
    }
    sound(&object)?;
    Ok(object)
}

/// Why a text is not a calendar object.
#[must_use]
pub fn reason(invalid: Invalid) -> Reason {
    let (condition, key, of) = match invalid {
        Invalid::Encoding => (Condition::ValidCalendarData, "invalid-encoding", String::new()),
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
type Holds = fn(&Property) -> bool;

/// Properties on which a reading hangs, what their value has to be, and the key of the sentence that says so.
static VALUES: [(&[&str], Holds, &str); 6] = [
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
        return Err(told("invalid-scale", line));
    }
    object.parts().try_for_each(component)?;
    once(object)
}

/// Two components for one instance, however they spell its time, say no one thing of it (RFC 4791 section 4.1). What floats
/// may be another instant in each calendar: it is not compared.
fn once(object: &Object) -> Result<(), Reason> {
    let named = object.parts().filter(|part| part.property("RECURRENCE-ID").is_some()).count();
    let floats = |master: &Component| {
        master.property("DTSTART").and_then(When::of).is_none_or(|start| start.clock == Clock::Floating)
    };
    if named < 2 || object.master().is_none_or(floats) {
        return Ok(());
    }
    let zones = Zones::new(&object.calendar, Zone::Known(TimeZone::UTC));
    let instances = overrides(object, &zones).len();
    if instances < named && !zones.is_cut() { Err(reason(Invalid::Twice)) } else { Ok(()) }
}

fn component(part: &Component) -> Result<(), Reason> {
    for line in &part.properties {
        let mut rows = VALUES.iter().filter(|(names, ..)| names.contains(&line.name.as_str()));
        if let Some((.., key)) = rows.find(|(_, holds, _)| !holds(line)) {
            return Err(told(key, line));
        }
        // One that is empty is no rule.
        if matches!(line.name.as_str(), "RRULE" | "EXRULE")
            && !line.value().trim().is_empty()
            && let Err(fault) = Rule::read(line.value())
        {
            return Err(told(&format!("invalid-rule-{}", fault.key()), line));
        }
    }
    part.components.iter().try_for_each(component)
}

fn told(key: &str, line: &Property) -> Reason {
    Reason::of(Condition::ValidCalendarData, key, &line.raw().chars().take(MAX_TOLD).collect::<String>())
}

fn is_time(line: &Property) -> bool {
    When::of(line).is_some()
}

/// A list of times, or of periods; an empty one names none.
fn are_times(line: &Property) -> bool {
    let written = line.value().split(',').filter(|text| !text.trim().is_empty());
    written.count() == When::all_of(line).count()
}

/// Is a text an iCalendar object that holds exactly one VTIMEZONE (RFC 4791 sections 5.2.2 and 9.8), of a zone whose time can be told?
#[must_use]
pub fn is_zone(text: &str) -> bool {
    let one = parse(text.as_bytes())
        .is_ok_and(|calendar| matches!(calendar.components.as_slice(), [zone] if zone.name == "VTIMEZONE"));
    one && Zone::of_text(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::{is_zone, judge, reason};
    use crate::ical::object::Invalid;
    use crate::ical::rule::Fault;

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
            let refused = judge(event(lines).as_bytes()).expect_err(lines);
            assert_eq!(refused.code(), code, "{lines}");
            assert!(refused.of.is_empty() || lines.starts_with(&refused.of), "{lines}: {}", refused.of);
        }
        for (lines, code) in [
            ("TRIGGER:soon", "trigger"),
            ("TRIGGER:-PT15M\nACKNOWLEDGED:20260105T084500", "acknowledged"),
            ("TRIGGER:-PT15M\nACKNOWLEDGED;TZID=Europe/Paris:20260105T084500", "acknowledged"),
            ("TRIGGER:-PT15M\nACKNOWLEDGED:20260105", "acknowledged"),
        ] {
            assert_eq!(judge(event(&alarm(lines)).as_bytes()).expect_err(lines).code(), code, "{lines}");
        }
        let hebrew = event("X-A:b").replace("VERSION:2.0", "VERSION:2.0\nCALSCALE:HEBREW");
        assert_eq!(judge(hebrew.as_bytes()).expect_err("a scale").code(), "scale");
        // One instance, spelled in two ways; and two, of which one spelling looks like the other's.
        let series = "DTSTART;TZID=Europe/Paris:20260105T090000\nRRULE:FREQ=DAILY";
        let twice = |one: &str, other: &str| {
            let moved = [one, other]
                .map(|id| format!("\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\nDTSTART:20260301T100000Z\nRECURRENCE-ID{id}"));
            judge(event(&format!("{series}{}{}", moved[0], moved[1])).as_bytes()).map(|_| ())
        };
        for other in
            [":20260106T080000Z", ":20260106T090000", ";VALUE=DATE:20260106", ";TZID=Asia/Tokyo:20260106T170000"]
        {
            let refused = twice(";TZID=Europe/Paris:20260106T090000", other).expect_err(other);
            assert_eq!(refused.code(), "instance-twice", "{other}");
        }
        assert_eq!(twice(":20260106T080000Z", ":20260106T080000"), Ok(()));
        // A line is told, not all of it.
        let long = format!("EXDATE:{}", "never,".repeat(10_000));
        assert!(judge(event(&long).as_bytes()).expect_err("a long line").of.len() < 1000);
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
            assert_eq!(judge(event(lines).as_bytes()).map(|_| ()), Ok(()), "{lines}");
        }
        let task = event("DUE:20260105T090000Z\nRRULE:FREQ=WEEKLY").replace("VEVENT", "VTODO");
        assert!(judge(task.replace("DTSTART:20260105T090000Z\n", "").as_bytes()).is_ok());
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
            Invalid::Control,
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
            Fault::TooLong,
            Fault::UnknownPart,
            Fault::Twice,
            Fault::NoFrequency,
            Fault::UnknownFrequency,
            Fault::NoValue,
            Fault::OutOfRange,
            Fault::CountWithUntil,
            Fault::PositionAlone,
            Fault::WeeksNotYearly,
            Fault::OrdinalInWeeks,
            Fault::YearDaysBelowYear,
            Fault::MonthDaysInWeeks,
            Fault::SkipWithoutScale,
            Fault::UnknownScale,
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
            assert_eq!(is_zone(&text), one, "{text}");
        }
    }
}
