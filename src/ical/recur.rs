//! Recurrence: the instances of an object in a range of time.
//!
//! Rules are expanded on the time that the clock of DTSTART shows, so that nine o'clock stays nine o'clock; each result is
//! then turned into an instant. Work is bounded: a rule is entered near the range asked for, by whole periods, and each
//! object and each request has so many steps and no more, its time zones among them.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::{Date, DateTime};

use super::object::{Component, Object};
use super::rule::Rule;
use super::time::{Clock, Length, When};
use super::zone::{Zone, Zones};
use crate::model::calendar::TimeRange;
use crate::model::id::Timestamp;

/// Instances of one object that are told at most.
const INSTANCES: usize = 10_000;
/// No instance is sought after this: the end of the year 2200.
const END_OF_TIME: Timestamp = 7_289_654_399;

/// One instance of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance<'a> {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends; for what has no length the beginning.
    pub end: Timestamp,
    /// The component that describes it: the master, or an override.
    pub component: &'a Component,
    /// The time by which the series calls it, by the clock of its DTSTART; `None`: it is not one of a series.
    pub id: Option<When>,
    /// When it begins, by the clock of its DTSTART.
    pub local: When,
}

/// Instances, and whether there might have been more had there been time to seek them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expansion<'a> {
    /// In the order of their beginning.
    pub instances: Vec<Instance<'a>>,
    /// Was the search cut short?
    pub cut: bool,
}

/// How long a component takes, from its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extent {
    /// So many seconds exactly (DTEND, DUE; RFC 5545 section 3.8.5.3).
    Exact(i64),
    /// So long by the calendar (DURATION).
    Nominal(Length),
}

impl Extent {
    fn of(component: &Component, start: &When, zones: &Zones<'_>) -> Self {
        let end = component.property("DTEND").or_else(|| component.property("DUE")).and_then(When::of);
        if let Some(end) = end {
            if start.is_day() && end.is_day() {
                let days = i64::from(start.local.date().until(end.local.date()).map_or(0, |span| span.get_days()));
                return Self::Nominal(Length { days: days.max(0), seconds: 0 });
            }
            return Self::Exact((zones.instant(&end) - zones.instant(start)).max(0));
        }
        match component.value("DURATION").and_then(Length::read) {
            Some(length) if length.as_seconds() > 0 => Self::Nominal(length),
            _ if start.is_day() && component.name != "VTODO" => Self::Nominal(Length { days: 1, seconds: 0 }),
            _ => Self::Exact(0),
        }
    }

    fn end(self, start: Timestamp, local: DateTime, zone: &Zone) -> Timestamp {
        match self {
            Self::Exact(seconds) => start.saturating_add(seconds),
            Self::Nominal(Length { days, seconds }) => {
                zone.instant(Length { days, seconds: 0 }.after(local)).saturating_add(seconds)
            }
        }
    }

    fn most_seconds(self) -> i64 {
        match self {
            Self::Exact(seconds) => seconds,
            Self::Nominal(length) => length.as_seconds().saturating_add(7200),
        }
    }
}

/// Does a component recur?
#[must_use]
pub fn recurs(component: &Component) -> bool {
    component.property("RRULE").is_some() || component.property("RDATE").is_some()
}

/// The instances of an object that overlap a range.
#[must_use]
pub fn instances<'a>(object: &'a Object, zones: &Zones<'_>, range: TimeRange) -> Expansion<'a> {
    let range = TimeRange { end: range.end.min(END_OF_TIME), ..range };
    let mut found = Expansion::default();
    let mut overrides: BTreeMap<Timestamp, (&Component, When, bool)> = BTreeMap::new();
    let whole_days = object.master().and_then(start_of).is_some_and(|start| start.is_day());
    for part in object.parts().take_while(|_| zones.step(1)) {
        if let Some(id) = part.property("RECURRENCE-ID")
            && let Some(when) = When::of(id)
        {
            // Outlook names the days of a series by midnight in some zone.
            let by_day = whole_days && !when.is_day();
            let when = if by_day { When { local: when.local.date().at(0, 0, 0, 0), clock: Clock::Day } } else { when };
            let future = id.parameter("RANGE").is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"));
            overrides.insert(zones.instant(&when), (part, when, future));
        }
    }
    if let Some(master) = object.master()
        && let Some(start) = start_of(master)
    {
        series(master, &start, &overrides, zones, range, &mut found);
    }
    for (part, id, _) in overrides.values() {
        let Some(local) = start_of(part) else { continue };
        push(&mut found, part, Some(id.clone()), local, Extent::of, zones, range);
    }
    found.cut |= zones.is_cut();
    found.instances.sort_by_key(|instance| (instance.start, instance.end));
    found
}

/// When a component begins; a task without DTSTART when it is due.
fn start_of(component: &Component) -> Option<When> {
    component.property("DTSTART").or_else(|| component.property("DUE")).and_then(When::of)
}

fn push<'a>(
    found: &mut Expansion<'a>,
    component: &'a Component,
    id: Option<When>,
    local: When,
    extent: impl Fn(&Component, &When, &Zones<'_>) -> Extent,
    zones: &Zones<'_>,
    range: TimeRange,
) {
    let zone = zones.of(&local.clock);
    let start = zone.instant(local.local);
    let end = extent(component, &local, zones).end(start, local.local, &zone);
    if range.overlaps(start, end) {
        found.instances.push(Instance { start, end, component, id, local });
    }
}

/// The instances of a master, but for those that overrides take the place of.
fn series<'a>(
    master: &'a Component,
    start: &When,
    overrides: &BTreeMap<Timestamp, (&'a Component, When, bool)>,
    zones: &Zones<'_>,
    range: TimeRange,
    found: &mut Expansion<'a>,
) {
    let zone = zones.of(&start.clock);
    let extent = Extent::of(master, start, zones);
    let series = recurs(master);
    let excluded: HashSet<Timestamp> =
        excluded(master, start, zones).into_iter().map(|local| zone.instant(local)).collect();
    // What overrides move by, from an instant on (RANGE=THISANDFUTURE): by the clock, and how long it then takes.
    let shifts: Vec<(Timestamp, &'a Component, i64, Extent)> = overrides
        .iter()
        .filter(|(_, (_, _, future))| *future)
        .filter_map(|(at, (part, _, _))| {
            let moved = start_of(part)?;
            Some((*at, *part, zones.instant(&moved) - at, Extent::of(part, &moved, zones)))
        })
        .collect();
    let longest = shifts.iter().map(|(_, _, _, extent)| extent.most_seconds()).max().unwrap_or(0);
    let reach = extent.most_seconds().max(longest);
    let shift = shifts.iter().map(|(_, _, by, _)| by.abs()).max().unwrap_or(0);
    let wanted = TimeRange {
        start: range.start.saturating_sub(reach).saturating_sub(shift),
        end: range.end.saturating_add(shift),
    };
    let mut seen = HashSet::new();
    let mut tell = |local: DateTime, found: &mut Expansion<'a>| {
        let at = zone.instant(local);
        if !seen.insert(at) || excluded.contains(&at) || overrides.contains_key(&at) {
            return;
        }
        let id = series.then(|| When { local, clock: start.clock.clone() });
        let shift = shifts.partition_point(|(from, ..)| *from <= at).checked_sub(1).and_then(|last| shifts.get(last));
        match shift {
            Some((_, part, by, extent)) => {
                let local = zone.local(at.saturating_add(*by));
                let when = When { local, clock: start.clock.clone() };
                push(found, part, id, when, |_, _, _| *extent, zones, range);
            }
            None => push(found, master, id, When { local, clock: start.clock.clone() }, |_, _, _| extent, zones, range),
        }
    };
    tell(start.local, found);
    let range = (zone.local(wanted.start.max(-62_000_000_000)), zone.local(wanted.end));
    for rule in master.all("RRULE") {
        let Some(rule) = Rule::as_far_as_it_says(rule.value()) else { continue };
        rule.follow(start, &zone, range, zones, |local| {
            tell(local, found);
            found.cut |= found.instances.len() > INSTANCES;
            !found.cut
        });
    }
    for when in master.all("RDATE").flat_map(When::all_of).take_while(|_| zones.step(1)) {
        let local = if when.clock == start.clock { when.local } else { zone.local(zones.instant(&when)) };
        tell(local, found);
    }
}

/// The day of the week as rules write it.
pub(super) fn weekday(date: Date) -> &'static str {
    const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
    NAMES.get(day).copied().unwrap_or("MO")
}

/// When a component ends that begins at a time.
pub(super) fn end_of(component: &Component, start: &When, zones: &Zones<'_>) -> Timestamp {
    let zone = zones.of(&start.clock);
    Extent::of(component, start, zones).end(zone.instant(start.local), start.local, &zone)
}

/// The times that a series leaves out, by the clock of its beginning.
pub(super) fn excluded(master: &Component, start: &When, zones: &Zones<'_>) -> Vec<DateTime> {
    let zone = zones.of(&start.clock);
    let local = |when: When| {
        if when.is_day() && !start.is_day() {
            // A day excludes the instance of that day, whatever its hour (Evolution writes so).
            when.local.date().to_datetime(start.local.time())
        } else if when.clock == start.clock || when.is_day() {
            when.local
        } else {
            zone.local(zones.instant(&when))
        }
    };
    master.all("EXDATE").flat_map(When::all_of).take_while(|_| zones.step(1)).map(local).collect()
}

/// When a part of a VTIMEZONE begins to hold, by the clock before: from 1900 to 2200.
pub(super) fn starts_of_observance(part: &Component, zones: &Zones<'_>) -> Vec<DateTime> {
    let Some(start) = part.property("DTSTART").and_then(When::of) else { return Vec::new() };
    let utc = Zone::Known(jiff::tz::TimeZone::UTC);
    let range = (Date::constant(1900, 1, 1).at(0, 0, 0, 0), Date::constant(2200, 1, 1).at(0, 0, 0, 0));
    let mut starts = vec![start.local];
    // UNTIL of a zone is in UTC, the rule by the clock: an hour more or less meets no other onset.
    for rule in part.all("RRULE").filter_map(|rule| Rule::as_far_as_it_says(rule.value())) {
        rule.follow(&start, &utc, range, zones, |local| {
            starts.push(local);
            true
        });
    }
    let more = part.all("RDATE").flat_map(When::all_of).take_while(|_| zones.step(1));
    starts.extend(more.map(|when| when.local));
    starts
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::object::Object;
    use super::super::time::{When, write_utc};
    use super::super::zone::{Zone, Zones};
    use super::instances;
    use crate::model::calendar::TimeRange;

    fn at(text: &str) -> i64 {
        Zone::Known(TimeZone::UTC).instant(When::read(text, None).unwrap().local)
    }

    fn told(lines: &str, from: &str, to: &str) -> Vec<String> {
        let text = format!("BEGIN:VCALENDAR\n{lines}\nEND:VCALENDAR\n");
        let object = Object::parse(text.as_bytes()).unwrap();
        let zones = Zones::new(&object.calendar, &TimeZone::get("Europe/Paris").unwrap());
        let range = TimeRange { start: at(from), end: at(to) };
        let found = instances(&object, &zones, range);
        found.instances.iter().map(|found| format!("{}+{}", write_utc(found.start), found.end - found.start)).collect()
    }

    fn event(lines: &str) -> String {
        format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT")
    }

    #[test]
    fn nine_stays_nine_when_clocks_change() {
        let weekly = event("DTSTART;TZID=Europe/Paris:20260316T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY");
        let expected = ["20260323T080000Z+3600", "20260330T070000Z+3600"];
        assert_eq!(told(&weekly, "20260320", "20260401"), expected);
        // Far from its beginning, too.
        assert_eq!(told(&weekly, "20990325", "20990401"), ["20990330T070000Z+3600"]);
    }

    #[test]
    fn what_the_clock_skips_moves_forward() {
        let daily = event(
            "DTSTART;TZID=Europe/Paris:20260328T023000\nDTEND;TZID=Europe/Paris:20260328T033000\nRRULE:FREQ=DAILY;COUNT=3",
        );
        let expected = ["20260328T013000Z+3600", "20260329T013000Z+3600", "20260330T003000Z+3600"];
        assert_eq!(told(&daily, "20260301", "20260501"), expected);
    }

    #[test]
    fn days_are_as_long_as_they_are() {
        let day = event("DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330");
        assert_eq!(told(&day, "20260301", "20260501"), ["20260327T230000Z+169200"]);
        let one = event("DTSTART;VALUE=DATE:20260328\nRRULE:FREQ=YEARLY");
        assert_eq!(told(&one, "20300101", "20310101"), ["20300327T230000Z+86400"]);
    }

    #[test]
    fn exceptions_overrides_and_additions() {
        let series = format!(
            "{}\n{}\n{}",
            event(
                "DTSTART:20260101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260106T100000Z\nEXDATE:20260102T100000Z\n\
                 EXDATE;VALUE=DATE:20260103\nRDATE:20260110T100000Z,20260111T100000Z"
            ),
            event("RECURRENCE-ID:20260104T100000Z\nDTSTART:20260104T150000Z\nDURATION:PT2H"),
            event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260106T100000Z\nDTSTART:20260106T110000Z\nDURATION:PT30M")
        );
        let expected = [
            "20260101T100000Z+3600",
            "20260104T150000Z+7200",
            "20260105T100000Z+3600",
            "20260106T110000Z+1800",
            "20260110T110000Z+1800",
            "20260111T110000Z+1800",
        ];
        assert_eq!(told(&series, "20260101", "20260201"), expected);
    }

    #[test]
    fn an_override_may_come_from_outside_the_range() {
        let moved = format!(
            "{}\n{}",
            event("DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=3"),
            event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20270102T100000Z")
        );
        assert_eq!(told(&moved, "20261201", "20280101"), ["20270102T100000Z+0"]);
    }

    #[test]
    fn a_first_instance_off_the_rule_counts() {
        let odd = event("DTSTART:20260101T100000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3");
        let expected = ["20260101T100000Z+0", "20260105T100000Z+0", "20260112T100000Z+0"];
        assert_eq!(told(&odd, "20260101", "20270101"), expected);
    }

    #[test]
    fn rules_are_entered_near_the_range() {
        let table = [
            ("DTSTART:20000131T100000Z\nRRULE:FREQ=MONTHLY", Some(vec!["20260131T100000Z+0", "20260331T100000Z+0"])),
            ("DTSTART:20000229T100000Z\nRRULE:FREQ=YEARLY;INTERVAL=4", Some(vec![])),
            ("DTSTART:20000101T100000Z\nRRULE:FREQ=YEARLY;BYMONTH=3", Some(vec!["20260301T100000Z+0"])),
            ("DTSTART:20000101T100000Z\nRRULE:FREQ=MONTHLY;INTERVAL=4;BYDAY=-1FR", None),
            ("DTSTART:20000104T100000Z\nRRULE:FREQ=WEEKLY;INTERVAL=3", None),
            ("DTSTART:20000103T100000Z\nRRULE:FREQ=DAILY;INTERVAL=7;BYMONTH=2,3", None),
            ("DTSTART:20000101T100000Z\nRRULE:FREQ=YEARLY;BYWEEKNO=7", None),
            ("DTSTART:20000101T100000Z\nRRULE:FREQ=HOURLY;INTERVAL=100", None),
        ];
        for (lines, expected) in table {
            let entered = told(&event(lines), "20260101", "20260401");
            let whole = told(&event(lines), "20000101", "20260401");
            let from_start: Vec<&String> = whole.iter().filter(|told| told.as_str() >= "2026").collect();
            assert_eq!(entered.iter().collect::<Vec<_>>(), from_start, "{lines}");
            if let Some(expected) = expected {
                assert_eq!(entered, expected, "{lines}");
            } else {
                assert!(!entered.is_empty(), "{lines}");
            }
        }
    }

    #[test]
    fn zones_by_windows_name_by_path_and_by_description() {
        for zone in [
            "Romance Standard Time",
            "/freeassociation.sourceforge.net/Tzfile/Europe/Paris",
            "(UTC+01:00) Brussels, Copenhagen, Madrid, Paris",
        ] {
            let lines = event(&format!("DTSTART;TZID=\"{zone}\":20260701T090000"));
            assert_eq!(told(&lines, "20260601", "20260801"), ["20260701T070000Z+0"], "{zone}");
        }
        let own = "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:16011028T030000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0200\n\
                   RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010325T020000\n\
                   TZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
        let lines = format!("{own}{}", event("DTSTART;TZID=Ours:20260301T090000\nRRULE:FREQ=MONTHLY;COUNT=3"));
        let expected = ["20260301T070000Z+0", "20260401T060000Z+0", "20260501T060000Z+0"];
        assert_eq!(told(&lines, "20260101", "20270101"), expected);
    }

    #[test]
    fn a_day_of_a_series_may_be_named_by_its_midnight() {
        let series = "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20260402\nRRULE:FREQ=WEEKLY;COUNT=3\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\n\
                      RECURRENCE-ID;TZID=GMT Standard Time:20260409T000000\nDTSTART;VALUE=DATE:20260410\nEND:VEVENT\n";
        let found = told(series, "20260401", "20260501");
        // Days begin in Paris, where it is two hours later.
        let begins: Vec<&str> = found.iter().map(|told| told.split_once('+').unwrap().0).collect();
        assert_eq!(begins, ["20260401T220000Z", "20260409T220000Z", "20260415T220000Z"]);
    }

    #[test]
    fn what_ends_with_the_calendar_lasts_so_long() {
        let rest = 253_402_300_799 - at("20260105T090000Z");
        for zone in ["DTEND:99991231T235959Z", "DTEND;TZID=Asia/Tokyo:99991231T235959", "DURATION:P9999999W"] {
            let lines = event(&format!("DTSTART:20260105T090000Z\n{zone}"));
            let found = told(&lines, "22000101", "22000102");
            let length = found.first().and_then(|found| found.split_once('+')).map(|(_, length)| length.parse::<i64>());
            assert!(length.unwrap().unwrap() > rest - 86_400, "{zone} {found:?}");
        }
    }

    #[test]
    fn hostile_rules_end() {
        for rule in [
            "FREQ=MINUTELY",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=99999999999999",
            "FREQ=MINUTELY;BYSETPOS=400;BYSECOND=1",
            "FREQ=DAILY;UNTIL=nonsense",
            "nonsense",
            "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=31",
        ] {
            let found = told(&event(&format!("DTSTART:19000101T000000Z\nRRULE:{rule}")), "20260101", "20270101");
            assert!(found.len() <= 20_001, "{rule}");
        }
    }
}
