//! Whoever asks at the very instant that an expansion tells finds the object, however it is asked; and the table of RFC 4791
//! section 9.9, row by row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use beffroi::ical::filter::matches;
use beffroi::ical::freebusy::periods;
use beffroi::ical::object::Object;
use beffroi::ical::outlook::{Profile, Published};
use beffroi::ical::recur::{bounds, instances};
use beffroi::ical::select::select;
use beffroi::ical::span::Spans;
use beffroi::ical::time::write_utc;
use beffroi::ical::zone::Zones;
use beffroi::model::budget::Budget;
use beffroi::model::calendar::{ComponentFilter, Detail, Selection, TimeRange};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select as one_of;

/// The last moment of the year 9999, beyond which iCalendar tells nothing.
const LAST: i64 = 253_402_300_799;
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
fn told(object: &Object, calendar: &TimeZone, range: TimeRange) -> Option<Vec<(i64, i64)>> {
    let found = instances(object, &Zones::new(&object.calendar, calendar), range);
    (!found.cut).then(|| found.instances.iter().map(|one| (one.start, one.end.min(LAST))).collect())
}

/// A year with a time in it, the clock that it is told in, and how an exception is spelled on the day after so many.
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
            _ => format!(":{}T150000Z", &value[..8]),
        }
    }
}

fn start() -> impl Strategy<Value = Start> {
    let years = one_of(vec![1, 1601, 1850, 1969, 2025, 2026, 2026, 2027, 2250, 4001, 9990, 9990_i16]);
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    /// All readers agree with the expansion, and the expansion of a part with that of the whole.
    #[test]
    fn whoever_asks_at_the_instant_that_is_told_finds_it(
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
        let all = told(&object, &calendar, window).unwrap();
        for (start, end) in picks.iter().filter(|_| !all.is_empty()).map(|pick| *pick.get(&all)) {
            prop_assert!(whole.start <= start && end <= whole.end, "bounds {whole:?} {start} {end}");
            // A task that is only due is asked for until then (the fourth row for tasks).
            let due_alone = object.component == "VTODO" && object.parts().any(|part| part.property("DTSTART").is_none());
            let begin = TimeRange { start: start - i64::from(due_alone), end: start + 1 };
            prop_assert!(is_found(&object, &calendar, begin), "query at {}", write_utc(start));
            // The same instance is told of any range that it lies in.
            let part = TimeRange { start: start + off.min(0), end: start + off.min(0) + length.max(1 - off.min(0)) };
            let inside = |(start, end): &(i64, i64)| part.overlaps(*start, *end) && window.overlaps(*start, *end);
            let of_part: Vec<_> = told(&object, &calendar, part).unwrap().into_iter().filter(inside).collect();
            prop_assert_eq!(of_part, all.iter().copied().filter(inside).collect::<Vec<_>>(), "{:?}", part);
            // What is told of one instance is read as that instance.
            let one = TimeRange { start, end: start + 1 };
            let expand = Selection { expand: Some(one), ..Selection::default() };
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
            let read: Vec<_> = again.parts().flat_map(|part| told(&lone(part), &calendar, one).unwrap()).collect();
            prop_assert!(read.contains(&(start, end)), "{} {:?}", expanded, (start, end));
            if object.component == "VEVENT" {
                let spans = Spans::default().of(&"0".repeat(64), &(&calendar).into(), one, &Budget::default(), || Some(object.clone()));
                prop_assert!(spans.unwrap().iter().any(|span| (span.start, span.end.min(LAST)) == (start, end)));
                let busy = periods(&object, &zones(), one);
                prop_assert!(end == start || busy.iter().any(|busy| busy.start == start), "free-busy");
                let profile = Profile { window: one, detail: Detail::Full, private: false };
                let mut feed = Published::default();
                feed.object(&object, &profile, &zones(), 0).unwrap();
                let zones: String = feed.zones().collect();
                let fed = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zones}{}END:VCALENDAR\r\n", feed.events);
                let fed = Object::stored(fed.as_bytes()).unwrap();
                let single = fed.parts().map(lone).any(|one_event| {
                    told(&one_event, &calendar, one).unwrap().contains(&(start, end))
                });
                let series = told(&fed, &calendar, one).unwrap().contains(&(start, end));
                prop_assert!(single || series, "feed {}", feed.events);
            }
        }
    }
}
