//! When calendar objects take place: exceptions on the clock of DTSTART, lengths, the ends of the calendar.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use beffroi::ical::object::Object;
use beffroi::ical::recur::instances;
use beffroi::ical::select::select;
use beffroi::ical::time::{When, write_utc};
use beffroi::ical::zone::Zones;
use beffroi::model::calendar::{CalendarDataSelection, TimeRange};
use jiff::tz::TimeZone;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> i64 {
    let calendar = beffroi::ical::object::Component::default();
    Zones::new(&calendar, &TimeZone::UTC).instant(&When::read(text, None).unwrap())
}

fn range(from: &str, to: &str) -> TimeRange {
    TimeRange { start: at(from), end: at(to) }
}

/// A component of one UID.
fn part(name: &str, lines: &str) -> String {
    format!("BEGIN:{name}\r\nUID:u\r\nDTSTAMP:20260101T000000Z\r\n{}\r\nEND:{name}\r\n", lines.replace('\n', "\r\n"))
}

fn object(parts: &str) -> Object {
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n{parts}END:VCALENDAR\r\n");
    Object::stored(text.as_bytes()).unwrap()
}

/// The instances of an event and its overrides, each with its seconds, in a calendar of a time zone.
fn reported(parts: &[&str], calendar: &str, range: TimeRange) -> Vec<String> {
    let object = object(&parts.iter().map(|lines| part("VEVENT", lines)).collect::<String>());
    let found = instances(&object, &Zones::new(&object.calendar, &zone(calendar)), range);
    assert!(!found.cut);
    found.instances.iter().map(|one| format!("{}+{}", write_utc(one.start), one.end - one.start)).collect()
}

const CALENDARS: [&str; 4] = ["UTC", "Europe/Paris", "Asia/Tokyo", "America/New_York"];

/// However an instance of a series with a time is spelled, it is the same, whatever the zone of the calendar.
#[test]
fn exceptions_are_read_on_the_clock_of_dtstart() {
    // 9 o'clock in New York is 14:00 UTC and 15:00 in Paris.
    let spellings = [
        ":20260106T090000",
        ";VALUE=DATE:20260106",
        ":20260106",
        ":20260106T140000Z",
        ";TZID=America/New_York:20260106T090000",
        ";TZID=Eastern Standard Time:20260106T090000",
        ";TZID=Europe/Paris:20260106T150000",
        ";TZID=Nowhere/At All:20260106T090000",
        ";VALUE=DATE:20260106T000000",
    ];
    let starts = ["DTSTART;TZID=America/New_York:20260105T090000", "DTSTART:20260105T140000Z"];
    for calendar in CALENDARS {
        for start in starts {
            // What names no clock is reported by that of DTSTART.
            let spelled = |spelling: &str| {
                if start.contains("TZID") || spelling.contains("TZID=E") || spelling.contains("TZID=A") {
                    return spelling.to_owned();
                }
                spelling.replace("T090000", "T140000")
            };
            let days = |days: &[&str]| days.iter().map(|day| format!("202601{day}T140000Z+3600")).collect::<Vec<_>>();
            for spelling in spellings.map(spelled) {
                let series = format!("{start}\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4");
                let january = range("20260101", "20260201");
                let excluded = reported(&[&format!("{series}\nEXDATE{spelling}")], calendar, january);
                assert_eq!(excluded, days(&["05", "07", "08"]), "EXDATE {spelling} {start} {calendar}");
                let moved = format!("RECURRENCE-ID{spelling}\nDTSTART:20260106T160000Z\nDURATION:PT2H");
                let moved = reported(&[&series, &moved], calendar, january);
                let mut expected = days(&["05", "07", "08"]);
                expected.insert(1, "20260106T160000Z+7200".to_owned());
                assert_eq!(moved, expected, "RECURRENCE-ID {spelling} {start} {calendar}");
                let added = reported(&[&format!("{start}\nDURATION:PT1H\nRDATE{spelling}")], calendar, january);
                assert_eq!(added, days(&["05", "06"]), "RDATE {spelling} {start} {calendar}");
                // The same instance in two spellings is one.
                let twice = format!("{series}\nRDATE{spelling}\nRDATE:20260106T140000Z");
                assert_eq!(reported(&[&twice], calendar, january), days(&["05", "06", "07", "08"]), "{spelling}");
            }
        }
    }
}

/// A day of a series of whole days is the one that is written, in whatever zone; where it is written in UTC, the one
/// that begins then in the zone of the calendar.
#[test]
fn days_are_named_by_their_midnights() {
    let spellings = [
        (";VALUE=DATE:20260303", CALENDARS.as_slice()),
        (":20260303", &CALENDARS),
        (":20260303T000000", &CALENDARS),
        (":20260303T090000", &CALENDARS),
        (":20260303T000000Z", &CALENDARS),
        (":20260303T090000Z", &CALENDARS),
        (";TZID=W. Europe Standard Time:20260303T000000", &CALENDARS),
        (";TZID=Asia/Tokyo:20260303T000000", &CALENDARS),
        (";TZID=Nowhere/At All:20260303T000000", &CALENDARS),
        (":20260302T230000Z", &["Europe/Paris"]),
        (":20260303T050000Z", &["America/New_York"]),
        (":20260302T150000Z", &["Asia/Tokyo"]),
    ];
    for (spelling, calendars) in spellings {
        for calendar in calendars {
            let march = range("20260301", "20260401");
            let reported = |parts: &[&str]| reported(parts, calendar, march);
            let series = "DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY;COUNT=4";
            let all = reported(&[series]);
            let but_one = [&all[..1], &all[2..]].concat();
            assert_eq!(reported(&[&format!("{series}\nEXDATE{spelling}")]), but_one, "EXDATE{spelling} {calendar}");
            let moved = format!("RECURRENCE-ID{spelling}\nDTSTART;VALUE=DATE:20260420");
            assert_eq!(reported(&[series, &moved]), but_one, "RECURRENCE-ID{spelling} {calendar}");
            let added = format!("DTSTART;VALUE=DATE:20260302\nRDATE{spelling}");
            assert_eq!(reported(&[&added]), &all[..2], "RDATE{spelling} {calendar}");
            if !spelling.contains("TZID") {
                let (_, until) = spelling.rsplit_once(':').unwrap();
                let ends = format!("DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY;UNTIL={until}");
                assert_eq!(reported(&[&ends]), &all[..2], "UNTIL={until} {calendar}");
            }
        }
    }
}

/// One table: the components of an event, what is asked, and the instances with their seconds, in Paris.
#[test]
fn instances_are_those_that_the_object_has() {
    let weekly =
        "DTSTART;TZID=Europe/Paris:20260321T090000\nDTEND;TZID=Europe/Paris:20260321T100000\nRRULE:FREQ=WEEKLY;COUNT=4";
    let daily = "DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=7";
    let table: &[(&[&str], &[&str])] = &[
        // THISANDFUTURE goes by the clock, over its changes, too.
        (
            &[
                weekly,
                "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Paris:20260328T090000\n\
                 DTSTART;TZID=Europe/Paris:20260330T090000\nDURATION:PT30M",
            ],
            &["20260321T080000Z+3600", "20260330T070000Z+1800", "20260406T070000Z+1800", "20260413T070000Z+1800"],
        ),
        // The same, written in UTC and from another zone on.
        (
            &[
                weekly,
                "RECURRENCE-ID;RANGE=THISANDFUTURE:20260328T080000Z\nDTSTART;TZID=America/New_York:20260328T090000\n\
                 DURATION:PT30M",
            ],
            &["20260321T080000Z+3600", "20260328T130000Z+1800", "20260404T130000Z+1800", "20260411T130000Z+1800"],
        ),
        // From an instance on whole days.
        (
            &[weekly, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260328T090000\nDTSTART;VALUE=DATE:20260329"],
            &["20260321T080000Z+3600", "20260328T230000Z+82800", "20260404T220000Z+86400", "20260411T220000Z+86400"],
        ),
        // Named by its day, and a later one moved by itself.
        (
            &[
                weekly,
                "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260328\nDTSTART;TZID=Europe/Paris:20260328T110000\n\
                 DURATION:PT1H",
                "RECURRENCE-ID;TZID=Europe/Paris:20260404T090000\nDTSTART;TZID=Europe/Paris:20260405T080000\n\
                 DURATION:PT2H",
            ],
            &["20260321T080000Z+3600", "20260328T100000Z+3600", "20260405T060000Z+7200", "20260411T090000Z+3600"],
        ),
        // Periods of RDATE have lengths of their own, also where the rule gives the same instance.
        (
            &["DTSTART:20260324T080000Z\nDURATION:PT1H\n\
                 RDATE;VALUE=PERIOD:20260325T120000Z/PT3H,20260326T120000Z/20260326T180000Z"],
            &["20260324T080000Z+3600", "20260325T120000Z+10800", "20260326T120000Z+21600"],
        ),
        (
            &["DTSTART;TZID=Europe/Paris:20260327T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\n\
                 RDATE;VALUE=PERIOD;TZID=Europe/Paris:20260328T090000/P1D"],
            &["20260327T080000Z+3600", "20260328T080000Z+82800", "20260329T070000Z+3600"],
        ),
        (
            &["DTSTART:20260324T080000Z\nDTEND:20260324T090000Z\nRDATE;VALUE=PERIOD:20260325T080000Z/PT3H\n\
                 EXDATE;VALUE=DATE:20260325"],
            &["20260324T080000Z+3600"],
        ),
        // EXRULE removes, once or every time, from the rule and from RDATE; it does not begin at DTSTART unless it says
        // so.
        (
            &[&format!("{daily}\nEXRULE:FREQ=WEEKLY;BYDAY=SA,SU")],
            &[
                "20260105T090000Z+3600",
                "20260106T090000Z+3600",
                "20260107T090000Z+3600",
                "20260108T090000Z+3600",
                "20260109T090000Z+3600",
            ],
        ),
        (
            &[&format!("{daily}\nEXRULE:FREQ=DAILY;UNTIL=20260110T090000Z\nRDATE:20260115T090000Z")],
            &["20260111T090000Z+3600", "20260115T090000Z+3600"],
        ),
        (&[&format!("{daily}\nEXRULE:FREQ=DAILY;COUNT=5\nEXRULE:FREQ=DAILY;INTERVAL=6")], &["20260110T090000Z+3600"]),
        // An end without a clock is read by that of DTSTART.
        (&["DTSTART;TZID=America/New_York:20260105T090000\nDTEND:20260105T100000"], &["20260105T140000Z+3600"]),
        (&["DTSTART;TZID=America/New_York:20260105T200000\nDTEND;VALUE=DATE:20260106"], &["20260106T010000Z+14400"]),
        // Whole days last their day, at least.
        (&["DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260310"], &["20260309T230000Z+86400"]),
        (&["DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260309"], &["20260309T230000Z+86400"]),
        (&["DTSTART;VALUE=DATE:20260310\nDTEND:20260310"], &["20260309T230000Z+86400"]),
        (&["DTSTART:20260310\nDURATION:P2D"], &["20260309T230000Z+172800"]),
        (&["DTSTART;VALUE=DATE:20260127T000000\nDTEND;VALUE=DATE:20260130T000000"], &["20260126T230000Z+259200"]),
        // Whole days take whole days, however their end is written.
        (&["DTSTART;VALUE=DATE:20260328\nDURATION:PT24H"], &["20260327T230000Z+86400"]),
        (&["DTSTART;VALUE=DATE:20260329\nDURATION:PT24H"], &["20260328T230000Z+82800"]),
        (&["DTSTART;VALUE=DATE:20260310\nDURATION:PT1H"], &["20260309T230000Z+86400"]),
        (&["DTSTART;VALUE=DATE:20260310\nDTEND:20260311T120000"], &["20260309T230000Z+172800"]),
        (&["DTSTART;VALUE=DATE:20260310\nDTEND:20260311T230000Z"], &["20260309T230000Z+172800"]),
        (&["DTSTART;VALUE=DATE:20260310\nDTEND;TZID=Asia/Tokyo:20260312T000000"], &["20260309T230000Z+172800"]),
        (
            &["DTSTART;VALUE=DATE:20260310\nRDATE;VALUE=PERIOD:20260312T000000/20260314T000000,20260316T090000Z/PT1H"],
            &["20260309T230000Z+86400", "20260311T230000Z+172800", "20260315T230000Z+86400"],
        ),
        (&["DTSTART:20260310T100000Z\nDTEND:20260310T090000Z"], &["20260310T100000Z+0"]),
        (&["DTSTART:20260310T220000Z\nDTEND:20260310T240000Z"], &["20260310T220000Z+7200"]),
        // Without a master, each by its own clock.
        (
            &["RECURRENCE-ID:20260106T090000\nDTSTART;TZID=America/New_York:20260106T110000\nDURATION:PT1H"],
            &["20260106T160000Z+3600"],
        ),
    ];
    for (parts, expected) in table {
        assert_eq!(reported(parts, "Europe/Paris", range("20260101", "20270101")), *expected, "{parts:?}");
    }
}

/// Nothing of what lies at the ends of the calendar, or beyond what clocks are known for, becomes 1970 or nothing.
#[test]
fn times_far_away_are_given_as_they_are() {
    let table: &[(&str, (&str, &str), &[&str])] = &[
        ("DTSTART:22500105T090000Z\nDURATION:PT1H", ("22500101", "22510101"), &["22500105T090000Z+3600"]),
        ("DTSTART:40010101T000000Z\nDTEND:40010102T000000Z", ("20260101", "99991231"), &["40010101T000000Z+86400"]),
        ("DTSTART;VALUE=DATE:16010101", ("16001201", "16020101"), &["16001231T235039Z+86400"]),
        ("DTSTART:00010101T000000Z\nDURATION:PT1H", ("00010101", "19700101"), &["00010101T000000Z+3600"]),
        (
            "DTSTART:99991231T220000Z\nDTEND:99991231T235959Z",
            ("99991231", "99991231T235959Z"),
            &["99991231T220000Z+7199"],
        ),
        (
            "DTSTART;TZID=Asia/Tokyo:99991231T233000\nDURATION:PT20M",
            ("99991201", "99991231T235959Z"),
            &["99991231T143000Z+1200"],
        ),
        ("DTSTART:19000101T090000Z\nRRULE:FREQ=YEARLY", ("98760101", "98770101"), &["98760101T090000Z+0"]),
        (
            "DTSTART:20260105T090000Z\nRRULE:FREQ=WEEKLY;UNTIL=99991231T235959Z",
            ("20500101", "20500110"),
            &["20500103T090000Z+0"],
        ),
        (
            "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;UNTIL=99991231",
            ("20500103T120000Z", "20500103T130000Z"),
            &["20500102T230000Z+86400"],
        ),
        (
            "DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;UNTIL=19700101T000000Z",
            ("20260101", "20270101"),
            &["20260105T090000Z+0"],
        ),
        (
            "DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY\nEXDATE:99991231T235959Z,16010101T000000Z",
            ("20260105", "20260106"),
            &["20260105T090000Z+0"],
        ),
    ];
    for (lines, (from, to), expected) in table {
        assert_eq!(reported(&[lines], "Europe/Paris", range(from, to)), *expected, "{lines}");
    }
    for lines in
        ["DTSTART:20260105T090000Z\nDTEND:99991231T235959Z", "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:99991231"]
    {
        assert_eq!(reported(&[lines], "Europe/Paris", range("40000101", "40000102")).len(), 1, "{lines}");
    }
}

/// Of the overrides those are left that matter in a range: now, before they were moved, or for what comes after them
/// (RFC 4791 section 9.6.6), whatever else is selected.
#[test]
fn overrides_are_limited_to_those_that_matter() {
    let zone = "BEGIN:VTIMEZONE\r\nTZID:Own\r\nEND:VTIMEZONE\r\n";
    let series =
        part("VEVENT", "SUMMARY:series\nDTSTART;TZID=Europe/Paris:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY");
    let moved = |summary: &str, id: &str, to: &str| {
        part("VEVENT", &format!("SUMMARY:{summary}\nRECURRENCE-ID{id}\nDTSTART;TZID=Europe/Paris:{to}\nDURATION:PT1H"))
    };
    let parts = [
        zone.to_owned(),
        series,
        moved("outside", ":20260110T090000", "20260110T100000"),
        moved("there", ":20260120T090000", "20260120T110000"),
        moved("from", ";VALUE=DATE:20260121", "20260301T090000"),
        moved("to", ":20260301T080000Z", "20260120T150000"),
        moved("edge", ";TZID=Europe/London:20260119T080000", "20260301T090000"),
        moved("future", ";RANGE=THISANDFUTURE:20260112T090000", "20260112T100000"),
        moved("later", ";RANGE=THISANDFUTURE:20260401T090000", "20260401T100000"),
    ];
    let object = object(&parts.concat());
    for describe_zones in [None, Some(true), Some(false)] {
        let limit_recurrence = Some(range("20260119T083000Z", "20260122"));
        let selection = CalendarDataSelection { limit_recurrence, describe_zones, ..CalendarDataSelection::default() };
        let text = select(&object, &selection, &Zones::new(&object.calendar, &TimeZone::UTC)).unwrap();
        let reported: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("SUMMARY:")).collect();
        assert_eq!(reported, ["series", "there", "from", "to", "edge", "future"], "{describe_zones:?}");
    }
}

/// However many rules an object excludes by, so many are read and no more, and what is not looked at to its end is
/// reported as that.
#[test]
fn exceptions_have_a_budget() {
    let spent = |number: usize| {
        let rules = "EXRULE:FREQ=DAILY;INTERVAL=7;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12\r\n".repeat(number);
        let series = part("VEVENT", "DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY\nX-RULES:1");
        let object = object(&series.replace("X-RULES:1\r\n", &rules));
        let begun = std::time::Instant::now();
        let found = instances(&object, &Zones::new(&object.calendar, &TimeZone::UTC), range("20260101", "20270101"));
        assert!(found.cut);
        begun.elapsed()
    };
    let few = spent(5_000);
    let many = spent(150_000);
    assert!(many < few * 5 + std::time::Duration::from_millis(100), "{few:?} {many:?}");
}
