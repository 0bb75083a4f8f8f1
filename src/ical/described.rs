//! Zones as objects describe them: a VTIMEZONE (RFC 5545 section 3.6.5) as the times at which offsets begin.
//!
//! What is missing or bad in a part takes nothing from what is good in it and in the others.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::ops::RangeInclusive;
use std::sync::{LazyLock, OnceLock};

use jiff::civil::{Date, DateTime};

use super::object::Component;
use super::rule::{Frequency, Rule, rules};
use super::steps::Steps;
use super::time::{Clock, When};
use super::tzid::offset;
use crate::model::civil::{civil_of, seconds_of};
use crate::model::id::Timestamp;

/// Rules that end, or that not each year meets alike, are followed from the first year to the last.
const FIRST_YEAR: i16 = 1900;
const LAST_YEAR: i16 = 2199;
/// A year in which rules meet each year alike is like one of any 28 in a row, if no leap day is left out in these.
const CYCLE_YEARS: i16 = 28;
/// Where rules begin that do not say it: when those of Outlook do.
const OUTSET: DateTime = Date::constant(1601, 1, 1).at(2, 0, 0, 0);

/// When which offset begins, ascending; never empty.
#[derive(Debug)]
pub struct Described {
    onsets: Vec<Onset>,
    cycle: Option<Cycle>,
    fingerprint: OnceLock<u64>,
}

/// Rules that go on for ever, each year alike: of them some years are known, and those of the cycle stand for all the
/// others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Cycle {
    /// The first year that is like another.
    from: i16,
    /// The year after the last of the cycle: where a century begins.
    end: i16,
}

impl Cycle {
    /// The next one after a year up to which all is known.
    const fn after(known: i16) -> Self {
        let from = known.saturating_add(2);
        Self { from, end: (from.saturating_add(CYCLE_YEARS) / 100).saturating_add(1).saturating_mul(100) }
    }

    fn like(self, local: DateTime) -> Option<DateTime> {
        let form = |year: i16| Date::new(year, 1, 1).map(|first| (first.in_leap_year(), first.weekday())).ok();
        let years = self.end.saturating_sub(CYCLE_YEARS)..self.end;
        let like = years.into_iter().find(|year| form(*year) == form(local.year()))?;
        local.with().year(like).build().ok()
    }
}

/// From the beginning of a year to that of another.
fn years(from: i16, to: i16) -> Option<RangeInclusive<DateTime>> {
    let begins = |year| Date::new(year, 1, 1).map(|first| first.at(0, 0, 0, 0)).ok();
    (from < to).then(|| Some(begins(from)?..=begins(to.min(9999))?)).flatten()
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Onset {
    /// By the clock before.
    local: DateTime,
    from_s: i64,
    to_s: i64,
}

impl Onset {
    fn at(&self) -> Timestamp {
        seconds_of(self.local).saturating_sub(self.from_s)
    }
}

/// A part of a VTIMEZONE, as far as it can be read.
#[derive(Clone, Copy)]
struct ObservanceOffsets {
    standard: bool,
    from_s: Option<i64>,
    to_s: Option<i64>,
}

impl ObservanceOffsets {
    fn of(component: &Component) -> Option<Self> {
        let standard = component.name == "STANDARD";
        let seconds = |name| {
            let (seconds, rest) = offset(component.value(name)?.trim())?;
            rest.is_empty().then_some(seconds)
        };
        let part = Self { standard, from_s: seconds("TZOFFSETFROM"), to_s: seconds("TZOFFSETTO") };
        ((standard || component.name == "DAYLIGHT") && part.any().is_some()).then_some(part)
    }

    /// The offset that it states, if it states but one.
    fn any(&self) -> Option<i64> {
        self.to_s.or(self.from_s)
    }
}

/// Does a VTIMEZONE state any offset?
pub(super) fn states_offset(zone: &Component) -> bool {
    zone.components.iter().any(|component| ObservanceOffsets::of(component).is_some())
}

/// When a part begins to hold, by the clock before.
struct ObservanceStarts {
    start: When,
    /// The offset of the clock by which rules end.
    offset_s: i64,
    known: Vec<DateTime>,
    /// Rules that each year meets alike, for ever.
    yearly: Vec<Rule>,
}

impl ObservanceStarts {
    fn of(part: ObservanceOffsets, component: &Component, steps: &Steps) -> Self {
        let stated = component.property("DTSTART").and_then(When::of);
        let start = When { local: stated.as_ref().map_or(OUTSET, |when| when.local), clock: Clock::Floating };
        // UNTIL is in UTC. Whichever of the two offsets a program reckoned it by, it meets no other change of the
        // clock.
        let offset_s = part.from_s.max(part.to_s).unwrap_or(0);
        let mut begins =
            Self { start, offset_s, known: stated.iter().map(|when| when.local).collect(), yearly: Vec::new() };
        for rule in rules(component, "RRULE", steps) {
            let alike = rule.frequency == Frequency::Yearly && rule.interval == 1;
            if alike && rule.count.is_none() && rule.until.is_none() {
                begins.yearly.push(rule);
            } else {
                let found = begins.followed(&rule, years(FIRST_YEAR, LAST_YEAR + 1), steps);
                begins.known.extend(found);
            }
        }
        let more = component.all("RDATE").flat_map(When::all_of).take_while(|_| steps.take(1));
        begins.known.extend(more.map(|(when, _)| when.local));
        begins
    }

    /// The last time of a rule, by the clock before.
    fn until(&self, rule: &Rule) -> Option<DateTime> {
        let until = rule.until.as_ref()?;
        Some(match until.clock {
            Clock::Utc => civil_of(seconds_of(until.local).saturating_add(self.offset_s)),
            Clock::Day => until.local.date().at(23, 59, 59, 0),
            Clock::Floating | Clock::Zone(_) => until.local,
        })
    }

    fn followed(&self, rule: &Rule, range: Option<RangeInclusive<DateTime>>, steps: &Steps) -> Vec<DateTime> {
        let mut found = Vec::new();
        if let Some(range) = range {
            rule.follow(&self.start, self.until(rule), range, steps, |local| {
                found.push(local);
                true
            });
        }
        found
    }

    /// All, those of yearly rules as far as they are needed.
    fn all(mut self, cycle: Option<Cycle>, steps: &Steps) -> Vec<DateTime> {
        let Some(cycle) = cycle else { return self.known };
        for rule in std::mem::take(&mut self.yearly) {
            // The last change of the year before the cycle shows how its first year begins.
            for range in [(FIRST_YEAR, cycle.from), (cycle.end - CYCLE_YEARS - 1, cycle.end)] {
                let found = self.followed(&rule, years(range.0, range.1), steps);
                self.known.extend(found);
            }
        }
        self.known
    }
}

impl Described {
    /// Reads a VTIMEZONE. `None`: no part of it states an offset.
    pub(super) fn read(zone: &Component, steps: &Steps) -> Option<Self> {
        let parts = zone.components.iter().filter_map(|component| Some((ObservanceOffsets::of(component)?, component)));
        let parts: Vec<(ObservanceOffsets, &Component)> = parts.take_while(|_| steps.take(1)).collect();
        let begins: Vec<(ObservanceOffsets, ObservanceStarts)> =
            parts.iter().map(|(part, component)| (*part, ObservanceStarts::of(*part, component, steps))).collect();
        let known = begins.iter().flat_map(|(_, begins)| &begins.known).map(|local| local.year()).max();
        let yearly = begins.iter().any(|(_, begins)| !begins.yearly.is_empty());
        let cycle = yearly.then(|| Cycle::after(known.unwrap_or(OUTSET.year())));
        let begun = begins.into_iter().flat_map(|(part, begins)| {
            begins.all(cycle, steps).into_iter().map(move |local| (local, part.standard, part))
        });
        let mut begun: Vec<(DateTime, bool, ObservanceOffsets)> = begun.collect();
        // Outlook lets both parts begin at one time long ago, and means standard time.
        begun.sort_by_key(|(local, standard, _)| (*local, *standard));
        // An offset that is missing is the one that the part before or after states.
        let mut before = None;
        for (.., part) in &mut begun {
            part.from_s = part.from_s.or(before);
            before = part.any();
        }
        let mut after = None;
        for (.., part) in begun.iter_mut().rev() {
            part.to_s = part.to_s.or(after);
            after = part.from_s.or(part.to_s);
        }
        let onset = |(local, _, part): &(DateTime, bool, ObservanceOffsets)| {
            let to_s = part.any()?;
            Some(Onset { local: *local, from_s: part.from_s.unwrap_or(to_s), to_s })
        };
        let mut onsets: Vec<Onset> = begun.iter().filter_map(onset).collect();
        onsets.dedup();
        if onsets.is_empty() {
            // Nobody says since when it holds: it always has.
            let part = parts.iter().max_by_key(|(part, _)| (part.standard, part.to_s.is_some()));
            let to_s = part.and_then(|(part, _)| part.any())?;
            onsets.push(Onset { local: DateTime::MIN, from_s: to_s, to_s });
        }
        Some(Self { onsets, cycle, fingerprint: OnceLock::new() })
    }

    /// The greatest distance from UTC, in seconds.
    pub(super) fn farthest_s(&self) -> i64 {
        self.onsets.iter().map(|onset| onset.from_s.abs().max(onset.to_s.abs())).max().unwrap_or(0)
    }

    /// The same for two that show the same time. It means nothing beyond this process.
    pub(super) fn fingerprint(&self) -> u64 {
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        *self.fingerprint.get_or_init(|| HASHER.hash_one((&self.onsets, self.cycle)))
    }

    /// The offset that a clock has when it shows a time.
    pub(super) fn offset_at_local(&self, local: DateTime) -> i64 {
        let local = self.followed(local);
        let next = self.onsets.partition_point(|onset| onset.local <= local);
        let Some(onset) = next.checked_sub(1).and_then(|last| self.onsets.get(last)) else { return self.first() };
        // A time that is skipped is read by the clock before.
        let skipped = (onset.to_s - onset.from_s).max(0);
        if seconds_of(local) < seconds_of(onset.local) + skipped { onset.from_s } else { onset.to_s }
    }

    /// The offset at an instant.
    pub(super) fn offset_at(&self, at: Timestamp) -> i64 {
        let at = seconds_of(self.followed(civil_of(at)));
        let next = self.onsets.partition_point(|onset| onset.at() <= at);
        next.checked_sub(1).and_then(|last| self.onsets.get(last)).map_or_else(|| self.first(), |onset| onset.to_s)
    }

    /// The last year in which something may be otherwise than the rules say that go on for ever, and all years of
    /// these. `None`: there is no end to it that the calendar holds.
    pub(super) fn settled(&self) -> Option<i16> {
        match self.cycle {
            Some(cycle) => cycle.from.checked_add(CYCLE_YEARS),
            None => self.onsets.last()?.local.year().checked_add(1),
        }
    }

    /// The changes of the clock in a year, by the clock before, with the offsets before and after. `None`: they are not
    /// for sure, for two parts do not agree which offset was before, or they lie where years meet.
    pub(super) fn changes(&self, year: i16) -> Option<Vec<(DateTime, i64, i64)>> {
        let begins = Date::new(year, 1, 1).ok()?.at(0, 0, 0, 0);
        let shown = self.followed(begins);
        let first = self.onsets.partition_point(|onset| onset.local.year() < shown.year());
        let of_year = self.onsets.iter().skip(first).take_while(|onset| onset.local.year() == shown.year());
        let mut before = self.offset_at(seconds_of(begins).saturating_sub(self.offset_at_local(begins)));
        let mut found = Vec::new();
        for onset in of_year {
            let day = onset.local.date().day_of_year();
            if onset.from_s != before {
                return None;
            }
            if onset.to_s != before {
                if !(3..=362).contains(&day) {
                    return None;
                }
                found.push((onset.local.with().year(year).build().ok()?, before, onset.to_s));
            }
            before = onset.to_s;
        }
        Some(found)
    }

    fn first(&self) -> i64 {
        self.onsets.first().map_or(0, |first| first.from_s)
    }

    /// A time, or one like it in a year of which the changes are known.
    fn followed(&self, local: DateTime) -> DateTime {
        let cycle = self.cycle.filter(|cycle| local.year() >= cycle.from);
        cycle.and_then(|cycle| cycle.like(local)).unwrap_or(local)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::object::{Component, parse};
    use super::super::steps::OBJECT_STEPS;
    use super::super::time::{Clock, When, write_local, write_utc};
    use super::super::zone::{Zone, Zones};
    use crate::model::budget::{Budget, MAX_STEPS};

    fn calendar(parts: &str) -> Component {
        let zone = format!("BEGIN:VTIMEZONE\nTZID:Ours\n{parts}\nEND:VTIMEZONE");
        parse(format!("BEGIN:VCALENDAR\n{zone}\nEND:VCALENDAR\n").as_bytes()).unwrap()
    }

    fn zone(parts: &str) -> Option<Zone> {
        let calendar = calendar(parts);
        Zones::new(&calendar, &TimeZone::UTC).resolve("Ours")
    }

    fn part(name: &str, lines: &str) -> String {
        format!("BEGIN:{name}\n{lines}\nEND:{name}")
    }

    /// Paris, as Outlook describes it.
    fn paris() -> String {
        let standard =
            "DTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU";
        let daylight =
            "DTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU";
        format!("{}\n{}", part("STANDARD", standard), part("DAYLIGHT", daylight))
    }

    fn at(zone: &Zone, local: &str) -> String {
        write_utc(zone.instant(When::read(local, None).unwrap().local))
    }

    /// Noon in January and in July of a year, in UTC.
    fn noons(parts: &str, year: u16) -> (String, String) {
        let zone = zone(parts).unwrap();
        let stated = |day: &str| at(&zone, &format!("{year}{day}T120000")).split_off(9);
        (stated("0105"), stated("0705"))
    }

    #[test]
    fn what_is_missing_takes_nothing_from_what_is_there() {
        let whole = ("110000Z".to_owned(), "100000Z".to_owned());
        let paris = paris();
        for changed in [
            paris.clone(),
            // Offsets as programs write them.
            paris.replace("+0100", "+1").replace("+0200", "+2"),
            paris.replace("+0100", "+01").replace("+0200", "0200"),
            paris.replace("+0100", "+01:00").replace("+0200", " +02:00:00 "),
            // One that is missing or bad is stated by the other part.
            paris.replace("TZOFFSETFROM", "X-FROM"),
            paris.replace("TZOFFSETTO", "X-TO"),
            paris.replace("TZOFFSETFROM:+0100\n", ""),
            paris.replace("TZOFFSETTO:+0100\n", "TZOFFSETTO:soon\n"),
            // Bad parts among good ones.
            format!("{}\n{paris}", part("STANDARD", "DTSTART:20250101T000000\nTZOFFSETFROM:x\nTZOFFSETTO:+9999")),
            format!("{}\n{paris}", part("STANDARD", "TZOFFSETFROM:+0500\nTZOFFSETTO:+0500")),
            format!("{paris}\n{}", part("DAYLIGHT", "DTSTART:whenever\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500")),
            format!("{paris}\n{}\n{}", part("X-OTHER", "TZOFFSETTO:+0500"), part("DAYLIGHT", "COMMENT:empty")),
            // A rule names the day, if not since when.
            paris.replace("DTSTART:16010101T020000\n", ""),
        ] {
            assert_eq!(noons(&changed, 2026), whole, "{changed}");
        }
        for alone in [
            "TZOFFSETTO:+1100\nDTSTART:16010101T000000",
            "TZOFFSETFROM:+1100\nDTSTART:20260301T000000",
            "TZOFFSETTO:+11",
            "TZOFFSETFROM:+11:00\nTZOFFSETTO:",
            "DTSTART:20250101T000000\nTZOFFSETTO:+1100\nRRULE:nonsense",
        ] {
            let expected = ("010000Z".to_owned(), "010000Z".to_owned());
            assert_eq!(noons(&part("STANDARD", alone), 2026), expected, "{alone}");
            assert_eq!(noons(&part("DAYLIGHT", alone), 2026), expected, "{alone}");
        }
        let undated = format!("{}\n{}", part("DAYLIGHT", "TZOFFSETTO:+0200"), part("STANDARD", "TZOFFSETTO:+0100"));
        assert_eq!(noons(&undated, 2026), ("110000Z".to_owned(), "110000Z".to_owned()));
        for nothing in
            ["", "COMMENT:x", &part("STANDARD", "DTSTART:19700101T000000"), &part("STANDARD", "TZOFFSETTO:far")]
        {
            assert!(zone(nothing).is_none(), "{nothing}");
        }
    }

    #[test]
    fn it_shows_the_time_of_any_year() {
        let (described, known) = (zone(&paris()).unwrap(), Zone::Known(TimeZone::get("Europe/Paris").unwrap()));
        let south = paris().replace("BYMONTH=3", "BYMONTH=9").replace("BYMONTH=10", "BYMONTH=4");
        assert_eq!(noons(&south, 2400), ("100000Z".to_owned(), "110000Z".to_owned()));
        for year in [1700, 1890] {
            assert_eq!(noons(&paris(), year), ("110000Z".to_owned(), "100000Z".to_owned()), "{year}");
        }
        for year in [1996, 2026, 2199, 2200, 2201, 2300, 2304, 2400, 3999, 9998] {
            // So long the clocks of Europe have changed by these rules.
            for day in ["0101", "0215", "0320", "0401", "0731", "1020", "1101", "1231"] {
                let local = When::read(&format!("{year}{day}T120000"), None).unwrap().local;
                let instant = known.instant(local);
                assert_eq!(described.instant(local), instant, "{year}{day}");
                assert_eq!(write_local(described.local(instant)), write_local(local), "{year}{day}");
            }
        }
        // Far later changes, listed one by one.
        let far =
            part("STANDARD", "DTSTART:23000101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0300\nRDATE:25000101T000000");
        let far = zone(&far).unwrap();
        assert_eq!(at(&far, "22990601T120000"), "22990601T110000Z");
        assert_eq!(at(&far, "24000601T120000"), "24000601T090000Z");
    }

    #[test]
    fn rules_end_with_the_change_that_they_name() {
        // The last change by the first rules is one of them, and others follow.
        let rules = |until: &str| {
            let old = format!(
                "DTSTART:19800928T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
                 RRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=-1SU;UNTIL={until}"
            );
            let summer =
                "DTSTART:19810329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU";
            let new = "DTSTART:19961027T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
                       RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU";
            zone(&[part("STANDARD", &old), part("DAYLIGHT", summer), part("STANDARD", new)].join("\n")).unwrap()
        };
        for until in ["19950924T010000Z", "19950924T020000Z", "19950924T030000", "19950924", "19951231T225959Z"] {
            let zone = rules(until);
            let stated = ["19950923T120000", "19950925T120000", "19961001T120000", "19961028T120000"]
                .map(|local| at(&zone, local));
            assert_eq!(
                stated,
                ["19950923T100000Z", "19950925T110000Z", "19961001T100000Z", "19961028T110000Z"],
                "{until}"
            );
        }
        let zone = rules("19940925T010000Z");
        assert_eq!(at(&zone, "19951015T120000"), "19951015T100000Z");
    }

    #[test]
    fn rules_in_each_order_show_the_same_time() {
        // What began by and by, ended and goes on, given by rules that end and by others that do not.
        let piece = |kind: &str, start: &str, (from, to): (&str, &str), rule: &str| {
            part(kind, &format!("DTSTART:{start}\nTZOFFSETFROM:{from}\nTZOFFSETTO:{to}\nRRULE:FREQ=YEARLY;{rule}"))
        };
        let new_york = [
            piece("DAYLIGHT", "19870405T020000", ("-0500", "-0400"), "BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z"),
            piece("STANDARD", "19671029T020000", ("-0400", "-0500"), "BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z"),
            piece("DAYLIGHT", "20070311T020000", ("-0500", "-0400"), "BYMONTH=3;BYDAY=2SU"),
            piece("STANDARD", "20071104T020000", ("-0400", "-0500"), "BYMONTH=11;BYDAY=1SU"),
        ];
        let known = Zone::Known(TimeZone::get("America/New_York").unwrap());
        for turn in 0..4 {
            let mut parts = new_york.clone();
            parts.rotate_left(turn);
            let described = zone(&parts.join("\n")).unwrap();
            for step in 0..3000 {
                let at = 567_993_600 + step * 7 * 86_400 + 5000;
                assert_eq!(write_local(described.local(at)), write_local(known.local(at)), "{turn} {at}");
                assert_eq!(described.instant(known.local(at)), at, "{turn} {at}");
            }
        }
        // Every other year is no year like another.
        let odd = [
            piece("DAYLIGHT", "20010601T000000", ("+0000", "+0100"), "INTERVAL=2;BYMONTH=6;BYMONTHDAY=1"),
            piece("STANDARD", "20020601T000000", ("+0100", "+0000"), "INTERVAL=2;BYMONTH=6;BYMONTHDAY=1"),
        ];
        let odd = zone(&odd.join("\n")).unwrap();
        for (year, hour) in [(2001, "11"), (2002, "12"), (2151, "11"), (2152, "12")] {
            assert_eq!(at(&odd, &format!("{year}0701T120000")), format!("{year}0701T{hour}0000Z"));
        }
    }

    #[test]
    fn a_hostile_description_has_an_end() {
        for (rule, cut) in [
            ("FREQ=MINUTELY", true),
            ("FREQ=HOURLY;BYMONTH=2", true),
            ("FREQ=DAILY", true),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", false),
        ] {
            let lines = format!("DTSTART:19000101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:{rule}");
            let parts: Vec<String> = (0..200).map(|_| part("STANDARD", &lines)).collect();
            let calendar = calendar(&parts.join("\n"));
            let budget = Budget::default();
            let zones = Zones::new(&calendar, &TimeZone::UTC).within(&budget);
            let clock = Clock::Zone("Ours".to_owned());
            let _ = zones.of(&clock).instant(When::read("20260101T000000", None).unwrap().local);
            assert_eq!(zones.steps.is_cut(), cut, "{rule}");
            assert!(budget.steps(MAX_STEPS - OBJECT_STEPS).is_ok(), "{rule}: more steps than an object may take");
        }
    }
}
