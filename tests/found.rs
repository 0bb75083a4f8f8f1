//! Whoever asks at the very instant that an expansion lists finds the object, however it is asked; and the table of RFC
//! 4791 section 9.9, row by row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;

use beffroi::ical::filter::matches;
use beffroi::ical::freebusy::periods;
use beffroi::ical::object::Object;
use beffroi::ical::outlook::{Audience, Profile, Published};
use beffroi::ical::recur::{bounds, instances};
use beffroi::ical::select::select;
use beffroi::ical::span::{FoundSpans, SpanBlock, SpanCache, SpanQuery};
use beffroi::ical::time::write_utc;
use beffroi::ical::zone::Zones;
use beffroi::model::budget::Budget;
use beffroi::model::calendar::{CalendarDataSelection, ComponentFilter, FeedDetail, TimeRange};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select as one_of;

/// Keeps no instances.
struct Nothing;

impl SpanCache for Nothing {
    fn get(&self, _: SpanBlock<'_>) -> Option<FoundSpans> {
        None
    }

    fn put(&self, _: SpanBlock<'_>, _: &FoundSpans) {}
}

/// The last days of the year 9999 end, somewhere, when iCalendar can express no time.
const LAST: i64 = 253_402_041_600;
const DAY: i64 = 86_400;
/// What floats may lie so far off where UTC puts it.
const FLOAT: i64 = 16 * 3600;

fn object(parts: &str) -> Object {
    let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//EN\n{parts}END:VCALENDAR\n");
    Object::stored(text.as_bytes()).unwrap_or_else(|why| panic!("{why:?} {text}"))
}

fn part(name: &str, lines: &str) -> String {
    let lines: String = lines.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    format!("BEGIN:{name}\nUID:u\nDTSTAMP:20260101T000000Z\n{lines}END:{name}\n")
}

/// Does an object take place, by a query for its component?
fn is_found(object: &Object, calendar: &TimeZone, range: TimeRange) -> bool {
    let inner = ComponentFilter { name: object.component.clone(), range: Some(range), ..ComponentFilter::default() };
    queried(object, calendar, inner)
}

fn queried(object: &Object, calendar: &TimeZone, inner: ComponentFilter) -> bool {
    let filter =
        ComponentFilter { name: "VCALENDAR".to_owned(), components: vec![inner], ..ComponentFilter::default() };
    matches(&filter, object, &Zones::new(&object.calendar, calendar))
}

/// The instances of an object.
fn reported(object: &Object, calendar: &TimeZone, range: TimeRange) -> Option<Vec<(i64, i64)>> {
    let found = instances(object, &Zones::new(&object.calendar, calendar), range);
    (!found.cut).then(|| found.instances.iter().map(|one| (one.start, one.end.min(LAST))).collect())
}

/// A year with a time in it, the clock that it is read by, and how an exception is spelled on the day after so many.
#[derive(Clone, Debug)]
struct Start {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    /// `Z`, nothing, or a TZID; whole days.
    clock: &'static str,
}

impl Start {
    fn value(&self, days: i64, hours: i64) -> String {
        let civil = jiff::civil::date(self.year, self.month, self.day).at(self.hour, 30, 0, 0);
        let civil = civil.saturating_add(jiff::SignedDuration::from_hours(24 * days + hours));
        let time = civil.strftime("%Y%m%dT%H%M%S");
        match self.clock {
            "day" => format!(";VALUE=DATE:{}", civil.strftime("%Y%m%d")),
            "odd" => format!(";VALUE=DATE:{time}"),
            "Z" => format!(":{time}Z"),
            "" => format!(":{time}"),
            zone => format!(";TZID={zone}:{time}"),
        }
    }

    fn spelled(&self, days: i64, how: u8) -> String {
        let same = self.value(days, 0);
        let (_, value) = same.rsplit_once(':').unwrap();
        match how {
            0 => same,
            1 => format!(";VALUE=DATE:{}", &value[..8]),
            2 => format!(":{}", value.trim_end_matches('Z')),
            3 => format!(";TZID=Europe/Paris:{}T000000", &value[..8]),
            _ => format!(":{}T230000Z", &value[..8]),
        }
    }
}

fn start() -> impl Strategy<Value = Start> {
    let years = one_of(vec![1, 1601, 1850, 1969, 2025, 2026, 2026, 2027, 2250, 4001, 9990, 9999_i16]);
    let clocks = one_of(vec![
        "Z",
        "",
        "day",
        "day",
        "odd",
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Romance Standard Time",
        "Pacific/Apia",
    ]);
    let days = one_of(vec![(3, 28), (3, 29), (10, 24), (10, 25), (12, 29), (1, 1), (3, 7), (11, 1_i8)]);
    (years, days, 0_i8..24, clocks).prop_map(|(year, (month, day), hour, clock)| Start {
        year,
        month,
        day,
        hour,
        clock,
    })
}

/// An object of any kind.
fn any_object() -> impl Strategy<Value = String> {
    let ends = (0_u8..9, 0_i64..60);
    let rules = one_of(vec![
        "",
        "",
        "RRULE:FREQ=DAILY;COUNT=40",
        "RRULE:FREQ=DAILY",
        "RRULE:FREQ=WEEKLY;INTERVAL=2",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,SU;UNTIL=99991231T235959Z",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=20",
        "RRULE:FREQ=YEARLY",
        "RRULE:FREQ=HOURLY;INTERVAL=5;COUNT=30",
        "RRULE:FREQ=DAILY;BYHOUR=1,2,14;COUNT=30",
        "RRULE:FREQ=DAILY;COUNT=9\nEXRULE:FREQ=DAILY;INTERVAL=3",
    ]);
    let exceptions = proptest::collection::vec((0_u8..6, 0_i64..12, 0_u8..5, -30_i64..30), 0..4);
    let kinds = one_of(vec!["VEVENT", "VEVENT", "VEVENT", "VTODO", "VJOURNAL"]);
    (kinds, start(), ends, rules, exceptions).prop_map(|(kind, start, (how, hours), rule, exceptions)| {
        let due = if kind == "VTODO" { "DUE" } else { "DTEND" };
        let end = match how {
            0 | 1 => format!("{due}{}", start.value(0, hours)),
            2 => format!("{due}{}", start.value(0, 0)),
            3 if kind == "VEVENT" => format!("{due}{}", start.value(-1, 0)),
            4 => format!("DURATION:PT{hours}H"),
            5 => format!("DURATION:P1DT{hours}H"),
            6 => format!("{due}{}", start.spelled(1, 2)),
            _ => String::new(),
        };
        let mut master = format!("DTSTART{}\n{end}\n{rule}\n", start.value(0, 0));
        if kind == "VTODO" && how == 7 {
            master = format!("DUE{}\n{rule}\n", start.value(0, 0));
        }
        let mut more = String::new();
        for (what, days, spelling, by) in exceptions {
            let named = start.spelled(days, spelling);
            match what {
                0 => master += &format!("EXDATE{named}\n"),
                1 => master += &format!("RDATE{named}\n"),
                2 => master += &format!("RDATE;VALUE=PERIOD:20260110T120000Z/PT{}H\n", days + 1),
                3 | 4 => more += &part(kind, &format!("RECURRENCE-ID{named}\nDTSTART{}\n{end}", start.value(days, by))),
                _ => {
                    let moved =
                        format!("RECURRENCE-ID;RANGE=THISANDFUTURE{named}\nDTSTART{}\n{end}", start.value(days, by));
                    more += &part(kind, &moved);
                }
            }
        }
        part(kind, &master) + &more
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2500) })]

    /// All readers agree with the expansion, and the expansion of a part with that of the whole.
    #[test]
    fn whoever_asks_at_the_instant_that_is_listed_finds_it(
        text in any_object(),
        calendar in one_of(vec!["UTC", "Europe/Paris", "America/New_York", "Pacific/Apia"]),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 4),
        off in -3 * DAY..3 * DAY,
        length in 1..40 * DAY,
    ) {
        let object = object(&text);
        let calendar = TimeZone::get(calendar).unwrap();
        let whole = bounds(&object, &Zones::new(&object.calendar, &TimeZone::UTC));
        // From two years before the first to some years after: of what has no end, part.
        let begins = whole.start.max(-63_000_000_000) - FLOAT;
        let whole = TimeRange { start: whole.start.saturating_sub(FLOAT), end: whole.end.saturating_add(FLOAT) };
        let window = TimeRange { start: begins - 2 * 365 * DAY, end: begins + 3 * 365 * DAY };
        let mut all = reported(&object, &calendar, window).unwrap();
        all.retain(|(start, _)| *start < LAST);
        for (start, end) in picks.iter().filter(|_| !all.is_empty()).map(|pick| *pick.get(&all)) {
            prop_assert!(whole.start <= start && end <= whole.end, "bounds {whole:?} {start} {end}");
            // A task that is only due is asked for until then (the fourth row for tasks).
            let due_alone =
                object.component == "VTODO" && object.parts().any(|part| part.property("DTSTART").is_none());
            let begin = TimeRange { start: start - i64::from(due_alone), end: start + 1 };
            prop_assert!(is_found(&object, &calendar, begin), "query at {}", write_utc(start));
            // The same instance is listed for any range that it lies in.
            let part = TimeRange { start: start + off.min(0), end: start + off.min(0) + length.max(1 - off.min(0)) };
            let inside = |(start, end): &(i64, i64)| {
                *start < LAST && part.overlaps(*start, *end) && window.overlaps(*start, *end)
            };
            let of_part: Vec<_> = reported(&object, &calendar, part).unwrap().into_iter().filter(inside).collect();
            prop_assert_eq!(of_part, all.iter().copied().filter(inside).collect::<Vec<_>>(), "{:?}", part);
            // What is written of one instance is read as that instance.
            let one = TimeRange { start, end: start + 1 };
            let expand = CalendarDataSelection { expand: Some(one), ..CalendarDataSelection::default() };
            let zones = || Zones::new(&object.calendar, &calendar);
            let expanded = select(&object, &expand, &zones()).unwrap();
            for name in ["RRULE", "RDATE", "EXDATE", "EXRULE", "TZID"] {
                prop_assert!(!expanded.contains(name), "{}", expanded);
            }
            let again = Object::stored(expanded.as_bytes()).unwrap();
            let lone = |part: &beffroi::ical::object::Component| {
                let mut part = part.clone();
                part.properties.retain(|line| line.name != "RECURRENCE-ID");
                let calendar = beffroi::ical::object::Component { components: vec![part], ..Default::default() };
                Object { calendar, ..again.clone() }
            };
            let read: Vec<_> = again.parts().flat_map(|part| reported(&lone(part), &calendar, one).unwrap()).collect();
            prop_assert!(read.contains(&(start, end)), "{} {:?}", expanded, (start, end));
            if object.component == "VEVENT" {
                let asked = SpanQuery::ask(Arc::new(Nothing), &(&calendar).into(), one, &Budget::default()).unwrap();
                let spans = asked.instances(&"0".repeat(64), || Some(object.clone())).unwrap();
                prop_assert!(spans.iter().any(|span| (span.start, span.end.min(LAST)) == (start, end)));
                let busy = periods(&object, &zones(), one);
                prop_assert!(end <= start || busy.iter().any(|busy| busy.start == start), "free-busy");
                let audience = Audience::Feed { detail: FeedDetail::Full, private: false };
                let profile = Profile { window: one, audience };
                let mut feed = Published::default();
                feed.object(&object, &profile, &zones(), 0).unwrap();
                let zones: String = feed.zones().collect();
                let fed = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zones}{}END:VCALENDAR\r\n", feed.events);
                let fed = Object::stored(fed.as_bytes()).unwrap();
                let single = fed.parts().map(lone).any(|one_event| {
                    reported(&one_event, &calendar, one).unwrap().contains(&(start, end))
                });
                let series = reported(&fed, &calendar, one).unwrap().contains(&(start, end));
                prop_assert!(single || series, "feed {}", feed.events);
            }
        }
    }
}

/// Hours from the beginning of 2026; a range may be open at one end.
const BASE: i64 = 1_767_225_600;

fn hour(hours: i64) -> i64 {
    BASE + hours * 3600
}

fn utc_at(hours: i64) -> String {
    write_utc(hour(hours))
}

fn ranges() -> impl Strategy<Value = TimeRange> {
    let both =
        (-2_i64..12, 1_i64..6).prop_map(|(from, length)| TimeRange { start: hour(from), end: hour(from + length) });
    prop_oneof![
        6 => both,
        1 => (-2_i64..12).prop_map(|from| TimeRange { start: hour(from), end: i64::MAX }),
        1 => (-2_i64..12).prop_map(|to| TimeRange { start: i64::MIN, end: hour(to) }),
    ]
}

fn line(name: &str, hours: Option<i64>) -> String {
    hours.map_or_else(String::new, |hours| format!("{name}:{}\n", utc_at(hours)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    /// The eight rows for tasks.
    #[test]
    fn tasks_by_the_table(
        range in ranges(),
        start in proptest::option::of(0_i64..8),
        end in 0_u8..3,
        length in 0_i64..4,
        completed in proptest::option::of(0_i64..8),
        created in proptest::option::of(0_i64..8),
    ) {
        let (from, to) = (range.start, range.end);
        let at = |hours: Option<i64>| hours.map(hour);
        let (lines, expected) = match (start, end) {
            (Some(start), 0) => {
                let (begins, ends) = (hour(start), hour(start + length));
                let row = from <= ends && (to > begins || to >= ends);
                (format!("{}DURATION:PT{length}H", line("DTSTART", Some(start))), row)
            }
            (Some(start), 1) => {
                let (begins, due) = (hour(start), hour(start + length));
                let row = (from < due || from <= begins) && (to > begins || to >= due);
                (format!("{}{}", line("DTSTART", Some(start)), line("DUE", Some(start + length))), row)
            }
            (Some(start), _) => (line("DTSTART", Some(start)), from <= hour(start) && to > hour(start)),
            (None, 0 | 1) => (line("DUE", Some(length)), from < hour(length) && to >= hour(length)),
            (None, _) => {
                let row = match (at(completed), at(created)) {
                    (Some(done), Some(made)) => (from <= made || from <= done) && (to >= made || to >= done),
                    (Some(done), None) => from <= done && to >= done,
                    (None, Some(made)) => to > made,
                    (None, None) => true,
                };
                (String::new(), row)
            }
        };
        let more = format!("{}{}", line("COMPLETED", completed), line("CREATED", created));
        let task = object(&part("VTODO", &format!("{lines}\n{more}")));
        prop_assert_eq!(is_found(&task, &TimeZone::UTC, range), expected, "{:?}", task);
    }

    /// The rows for events, journals and busy times, and for what a property says.
    #[test]
    fn events_journals_and_busy_times_by_the_table(
        range in ranges(),
        kind in 0_u8..9,
        start in 0_i64..8,
        length in 0_i64..4,
    ) {
        let (from, to) = (range.start, range.end);
        let (begins, ends) = (hour(start), hour(start + length));
        let stands = |until: i64| from < until && to > begins;
        let instant = from <= begins && to > begins;
        let dtstart = line("DTSTART", Some(start));
        let day = "DTSTART;VALUE=DATE:20260101\n".to_owned();
        let of_day = from < hour(24) && to > hour(0);
        let (name, lines, expected) = match kind {
            // DTEND is later than DTSTART; one that is not is read as a moment.
            0 => (
                "VEVENT",
                format!("{dtstart}{}", line("DTEND", Some(start + length))),
                if length > 0 { stands(ends) } else { instant },
            ),
            1 => ("VEVENT", format!("{dtstart}DURATION:PT{length}H"), if length > 0 { stands(ends) } else { instant }),
            2 => ("VEVENT", dtstart, instant),
            3 => ("VEVENT", day, of_day),
            4 => ("VJOURNAL", dtstart, instant),
            5 => ("VJOURNAL", day, of_day),
            6 => ("VJOURNAL", String::new(), false),
            7 => {
                let end = line("DTEND", Some(start + length));
                ("VFREEBUSY", format!("{dtstart}{end}"), from <= ends && to > begins)
            }
            _ => {
                let period = format!("FREEBUSY;FBTYPE=FREE:{}/{}", utc_at(start), utc_at(start + length + 1));
                ("VFREEBUSY", period, stands(hour(start + length + 1)))
            }
        };
        let one = object(&part(name, &lines));
        prop_assert_eq!(is_found(&one, &TimeZone::UTC, range), expected, "{:?}", one);
        // A property is asked for by its time; an end that a DURATION gives counts as one.
        let asked = |name: &str, property: &str| {
            let property = beffroi::model::calendar::PropertyFilter {
                name: property.to_owned(),
                range: Some(range),
                ..Default::default()
            };
            ComponentFilter { name: name.to_owned(), properties: vec![property], ..ComponentFilter::default() }
        };
        if kind < 2 {
            let at_end = from <= ends && to > ends;
            prop_assert_eq!(queried(&one, &TimeZone::UTC, asked("VEVENT", "DTEND")), at_end);
            prop_assert_eq!(queried(&one, &TimeZone::UTC, asked("VEVENT", "DTSTART")), instant);
        }
    }

    /// Alarms ring at the time that their trigger names, and again.
    #[test]
    fn alarms_by_the_table(
        range in ranges(),
        offset in -3_i64..4,
        at_end in any::<bool>(),
        repeats in 0_i64..4,
        pause in 1_i64..3,
    ) {
        let sign = if offset < 0 { "-" } else { "" };
        let related = if at_end { ";RELATED=END" } else { "" };
        let alarm = format!(
            "BEGIN:VALARM\nTRIGGER{related}:{sign}PT{}H\nREPEAT:{repeats}\nDURATION:PT{pause}H\nEND:VALARM",
            offset.abs()
        );
        let event = object(&part("VEVENT", &format!("{}DURATION:PT2H\n{alarm}", line("DTSTART", Some(3)))));
        let first = 3 + offset + if at_end { 2 } else { 0 };
        let rings = (0..=repeats).map(|again| hour(first + again * pause));
        let expected = rings.into_iter().any(|at| range.start <= at && range.end > at);
        prop_assert_eq!(rings_in(&event, "UTC", range), expected, "{}", alarm);
    }
}

fn rings_in(object: &Object, calendar: &str, range: TimeRange) -> bool {
    let alarm = ComponentFilter { name: "VALARM".to_owned(), range: Some(range), ..ComponentFilter::default() };
    let inner =
        ComponentFilter { name: object.component.clone(), components: vec![alarm], ..ComponentFilter::default() };
    queried(object, &TimeZone::get(calendar).unwrap(), inner)
}

/// A day before ten o'clock is ten o'clock, also where clocks are changed in between; hours are hours.
#[test]
fn alarms_of_days_ring_by_the_clock() {
    let event = "DTSTART;TZID=Europe/Paris:20260329T100000\nDTEND;TZID=Europe/Paris:20260330T090000";
    let table = [
        (event, "TRIGGER:-P1D", "20260328T090000Z"),
        (event, "TRIGGER:-PT24H", "20260328T080000Z"),
        (event, "TRIGGER:-P1DT2H", "20260328T070000Z"),
        (event, "TRIGGER;RELATED=END:-P1D", "20260329T070000Z"),
        (event, "TRIGGER:-P2D\nREPEAT:2\nDURATION:P1D", "20260328T090000Z"),
        (event, "TRIGGER:-P2D\nREPEAT:2\nDURATION:P1D", "20260329T080000Z"),
        (event, "TRIGGER;VALUE=DATE-TIME:20260101T090000Z", "20260101T090000Z"),
        ("DTSTART;VALUE=DATE:20260330", "TRIGGER:-P1D", "20260328T230000Z"),
        ("DTSTART;VALUE=DATE:20260329", "TRIGGER;RELATED=END:PT9H", "20260330T070000Z"),
        ("DTSTART;TZID=Europe/Paris:20260301T100000\nRRULE:FREQ=WEEKLY", "TRIGGER:-P1D", "20260328T090000Z"),
    ];
    for (lines, trigger, rings) in table {
        let object = object(&part("VEVENT", &format!("{lines}\nBEGIN:VALARM\n{trigger}\nEND:VALARM")));
        let at = Zones::new(&object.calendar, &TimeZone::UTC)
            .instant(&beffroi::ical::time::When::read(rings, None).unwrap());
        assert!(rings_in(&object, "Europe/Paris", TimeRange { start: at, end: at + 1 }), "{trigger}");
        assert!(!rings_in(&object, "Europe/Paris", TimeRange { start: at + 1, end: at + 3600 }), "{trigger}");
        assert!(!rings_in(&object, "Europe/Paris", TimeRange { start: at - 3600, end: at }), "{trigger}");
    }
}

/// What cannot be followed to its end is perhaps busy, never surely free, and no expansion lists a part of it as if it
/// were all.
#[test]
fn what_is_cut_short_is_perhaps_busy() {
    let year = TimeRange { start: hour(0), end: hour(365 * 24) };
    let busy = |lines: &str| {
        let object = object(&part("VEVENT", lines));
        let zones = Zones::new(&object.calendar, &TimeZone::UTC);
        let end = periods(&object, &zones, year).iter().map(|period| period.end).max();
        let expand = CalendarDataSelection { expand: Some(year), ..CalendarDataSelection::default() };
        (end, select(&object, &expand, &Zones::new(&object.calendar, &TimeZone::UTC)).is_ok())
    };
    assert_eq!(busy("DTSTART:20250101T000000Z\nDURATION:PT30S\nRRULE:FREQ=MINUTELY"), (Some(year.end), false));
    assert_eq!(
        busy("DTSTART:20250101T000000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY;INTERVAL=2"),
        (Some(year.end - 3600), true)
    );
    assert_eq!(busy("DTSTART:20250101T000000Z\nRRULE:FREQ=MINUTELY"), (None, false));
}

/// Which day a time in UTC names depends on the calendar: two overrides that are one instance here are two elsewhere.
#[test]
fn what_takes_place_in_one_calendar_alone_lies_within_the_bounds() {
    let day = "DTSTART;VALUE=DATE:";
    let object = object(&format!(
        "{}{}{}",
        part("VEVENT", &format!("{day}19690328\nDTEND;VALUE=DATE:19690328")),
        part("VEVENT", &format!("RECURRENCE-ID;VALUE=DATE:19690403\n{day}19690704")),
        part("VEVENT", &format!("RECURRENCE-ID:19690403T230000Z\n{day}19690402")),
    ));
    let whole = bounds(&object, &Zones::new(&object.calendar, &TimeZone::UTC));
    let paris = TimeZone::get("Europe/Paris").unwrap();
    let found =
        reported(&object, &paris, TimeRange { start: whole.start - 400 * DAY, end: whole.end + 400 * DAY }).unwrap();
    assert!(found.iter().all(|(start, end)| whole.start - FLOAT <= *start && *end <= whole.end + FLOAT), "{whole:?}");
}
