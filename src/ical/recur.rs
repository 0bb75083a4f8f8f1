//! Recurrence: the instances of an object in a range of time.
//!
//! Rules are expanded on the time that the clock of DTSTART shows, so that nine o'clock stays nine o'clock; each result
//! is then turned into an instant. Work is bounded: a rule is entered at the range asked for by arithmetic, and each
//! object and each request has so many steps and no more, its time zones among them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use jiff::civil::{Date, DateTime};

use super::exceptions::{Base, Exclusions, Named, NamedInstances};
use super::extent::Extent;
use super::object::{Component, Object, Property};
use super::rule::rules;
use super::time::{Clock, When};
use super::zone::{Zone, Zones};
use crate::model::calendar::TimeRange;
use crate::model::civil::{civil_of, seconds_of};
use crate::model::id::Timestamp;

/// Instances of one object that are given at most.
pub(super) const INSTANCES: usize = 10_000;
const DAY_S: i64 = 86_400;
/// The clocks of two zones lie no further apart.
const APART_S: i64 = 2 * DAY_S;

/// One instance of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance<'a> {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends; for what has no length the beginning.
    pub end: Timestamp,
    /// The component that describes it: the master, or an override.
    pub component: &'a Component,
    /// The time by which the series calls it; `None`: it is not one of a series.
    pub id: Option<RecurrenceId>,
    /// When it begins, by the clock of its DTSTART.
    pub local: When,
}

/// The time by which a series calls an instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecurrenceId {
    /// The instant.
    pub at: Timestamp,
    /// The same by the clock of DTSTART.
    pub when: When,
}

/// Instances, and whether there might have been more had there been time to seek them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expansion<'a> {
    /// In the order of their beginning.
    pub instances: Vec<Instance<'a>>,
    /// Was the search cut short?
    pub cut: bool,
}

/// What is given of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExpansionScope {
    /// Its instances.
    Instances,
    /// What its bounds must hold but for its rules: also what is left out, for where days begin decides what that is.
    Bounds,
}

/// Does a component recur?
#[must_use]
pub fn recurs(component: &Component) -> bool {
    component.property("RRULE").is_some() || component.property("RDATE").is_some()
}

/// The instances of an object that overlap a range.
#[must_use]
pub fn instances<'a>(object: &'a Object, zones: &Zones<'_>, range: TimeRange) -> Expansion<'a> {
    let mut found = Expansion::default();
    each(object, zones, range, |instance| {
        found.cut = found.instances.len() == INSTANCES;
        if found.cut {
            return ControlFlow::Break(());
        }
        found.instances.push(instance);
        ControlFlow::Continue(())
    });
    found.cut |= zones.steps.is_cut();
    found.instances.sort_by_key(|instance| (instance.start, instance.end));
    found
}

/// Emits the instances of an object that overlap a range, in no order, until `emit` breaks.
pub(super) fn each<'a>(
    object: &'a Object,
    zones: &Zones<'_>,
    range: TimeRange,
    mut emit: impl FnMut(Instance<'a>) -> ControlFlow<()>,
) {
    let _ = walk(object, zones, range, ExpansionScope::Instances, &mut emit);
}

/// A range that holds all instances of an object.
#[must_use]
pub fn bounds(object: &Object, zones: &Zones<'_>) -> TimeRange {
    // The periods of busy times may lie anywhere, and so may what has no time.
    if object.component == "VFREEBUSY" || object.parts().any(|part| start_of(part).is_none()) {
        return TimeRange::ALL;
    }
    let mut bounds: Option<TimeRange> = None;
    let mut widen = |start: Timestamp, end: Timestamp| {
        let known = bounds.unwrap_or(TimeRange { start, end });
        bounds = Some(TimeRange { start: known.start.min(start), end: known.end.max(end) });
    };
    let _ = walk(object, zones, TimeRange::ALL, ExpansionScope::Bounds, &mut |instance| {
        widen(instance.start, instance.end);
        ControlFlow::Continue(())
    });
    // Which of two takes the place of an instance may depend on where the calendar is, so both count.
    let moved = object.parts().filter(|part| part.property("RECURRENCE-ID").is_some());
    for (start, end) in moved.filter_map(|part| Some(span_of(part, &start_of(part)?, zones))) {
        widen(start, end);
    }
    if let Some(master) = object.master()
        && let Some(start) = start_of(master)
    {
        let series = Series::of(master, start, &overrides(object, zones), zones);
        let begin = series.zone.instant(series.start.local);
        let base = Base { start: &series.start, zone: &series.zone };
        for rule in rules(master, "RRULE", &zones.steps) {
            let last =
                rule.last(base.start, base.until(&rule, zones), &zones.steps).map(|last| base.zone.instant(last));
            let (reach, shift) = series.reach();
            let end = last.map_or(Timestamp::MAX, |last| last.saturating_add(reach).saturating_add(shift));
            widen(begin, end.max(begin));
        }
        // Which day a time in UTC names among whole days depends on where the calendar is.
        if let Some(TimeRange { start, end }) = bounds.filter(|_| series.start.is_day()) {
            bounds = Some(TimeRange { start: start.saturating_sub(DAY_S), end: end.saturating_add(DAY_S) });
        }
    }
    bounds.filter(|_| !zones.steps.is_cut()).unwrap_or(TimeRange::ALL)
}

fn walk<'a>(
    object: &'a Object,
    zones: &Zones<'_>,
    range: TimeRange,
    scope: ExpansionScope,
    emit: &mut impl FnMut(Instance<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let overrides = overrides(object, zones);
    for moved in overrides.values() {
        let (start, end) = span_of(moved.component, &moved.start, zones);
        if range.overlaps(start, end) {
            let (id, local) = (Some(moved.id.clone()), moved.start.clone());
            emit(Instance { start, end, component: moved.component, id, local })?;
        }
    }
    let Some(master) = object.master() else { return ControlFlow::Continue(()) };
    let Some(start) = start_of(master) else { return ControlFlow::Continue(()) };
    Series::of(master, start, &overrides, zones).walk(range, scope, emit)
}

/// When a component that begins so takes place.
fn span_of(component: &Component, begins: &When, zones: &Zones<'_>) -> (Timestamp, Timestamp) {
    let zone = zones.of(&begins.clock);
    let start = zone.instant(begins.local);
    (start, Extent::of(component, begins, zones).end(start, begins.local, &zone))
}

/// When a component begins; a task without DTSTART when it is due.
fn start_of(component: &Component) -> Option<When> {
    component.property("DTSTART").or_else(|| component.property("DUE")).and_then(When::of)
}

/// A component that takes the place of an instance.
pub(super) struct Override<'a> {
    pub component: &'a Component,
    /// When it takes place.
    pub start: When,
    /// What it takes the place of.
    pub id: RecurrenceId,
    named: Named,
    /// When that would end.
    pub would_end: Timestamp,
    /// Does it move all that come later, too?
    pub future: bool,
}

/// The overrides of an object by the instants of what they take the place of.
pub(super) fn overrides<'a>(object: &'a Object, zones: &Zones<'_>) -> BTreeMap<Timestamp, Override<'a>> {
    overriding(object, zones).into_iter().map(|moved| (moved.id.at, moved)).collect()
}

/// The overrides of an object as they stand in it, also where two are for one instance.
pub(super) fn overriding<'a>(object: &'a Object, zones: &Zones<'_>) -> Vec<Override<'a>> {
    let parts = object.parts().take_while(|_| zones.steps.take(1));
    let mut moved = parts.filter_map(|part| Some((part, part.property("RECURRENCE-ID")?))).peekable();
    if moved.peek().is_none() {
        return Vec::new();
    }
    let master = object.master().and_then(|master| {
        let start = start_of(master)?;
        let extent = Extent::of(master, &start, zones);
        Some((start, extent))
    });
    let read = |(component, line): (&'a Component, &Property)| {
        let called = When::of(line)?;
        let own = start_of(component);
        // Without a master each is read by its own clock.
        let start = master.as_ref().map(|(start, _)| start).or(own.as_ref()).unwrap_or(&called);
        let zone = zones.of(&start.clock);
        let base = Base { start, zone: &zone };
        let named = Named::of(&called, base, zones);
        let when = When { local: named.local(base), clock: start.clock.clone() };
        let id = RecurrenceId { at: named.instant(base), when };
        let would_end = master.as_ref().map_or(id.at, |(_, extent)| extent.end(id.at, id.when.local, &zone));
        let future = line.parameter("RANGE").is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"));
        let start = own.unwrap_or_else(|| id.when.clone());
        Some(Override { component, start, id, named, would_end, future })
    };
    moved.filter_map(read).collect()
}

/// From an instant on instances lie elsewhere (RANGE=THISANDFUTURE): by the clock of the override so much later, and as
/// long as it.
struct InstanceShift<'a> {
    from: Timestamp,
    component: &'a Component,
    clock: Clock,
    zone: Zone,
    by_s: i64,
    extent: Extent,
}

/// A master with what its exceptions say.
struct Series<'a, 'z> {
    master: &'a Component,
    start: When,
    zone: Zone,
    extent: Extent,
    recurs: bool,
    exclusions: Exclusions,
    overridden: NamedInstances,
    /// In the order of their beginning.
    shifts: Vec<InstanceShift<'a>>,
    given: HashSet<Timestamp>,
    /// Which instance of a day an override means that names the day.
    of_day: HashMap<Date, DateTime>,
    zones: &'z Zones<'z>,
}

impl<'a, 'z> Series<'a, 'z> {
    fn of(
        master: &'a Component,
        start: When,
        overrides: &BTreeMap<Timestamp, Override<'a>>,
        zones: &'z Zones<'_>,
    ) -> Self {
        let shift = |moved: &Override<'a>| InstanceShift {
            from: moved.id.at,
            component: moved.component,
            clock: moved.start.clock.clone(),
            zone: zones.of(&moved.start.clock),
            by_s: seconds_of(moved.start.local) - seconds_of(moved.id.when.local),
            extent: Extent::of(moved.component, &moved.start, zones),
        };
        let zone = zones.of(&start.clock);
        let mut overridden = NamedInstances::default();
        overrides.values().for_each(|moved| overridden.insert(moved.named));
        Self {
            master,
            extent: Extent::of(master, &start, zones),
            recurs: recurs(master),
            exclusions: Exclusions::of(master, Base { start: &start, zone: &zone }, zones),
            overridden,
            shifts: overrides.values().filter(|moved| moved.future).map(shift).collect(),
            given: HashSet::new(),
            of_day: HashMap::new(),
            start,
            zone,
            zones,
        }
    }

    /// Does an override take the place of the instance at an instant, at which the clock of DTSTART shows `local`? It
    /// takes the place of one (RFC 5545 section 3.8.4.4): where it names a day that has several, of the one at the hour
    /// of DTSTART, or else of the first.
    fn is_overridden(&mut self, at: Timestamp, local: DateTime) -> bool {
        let date = local.date();
        if self.overridden.hold_instant(at) || !self.overridden.hold_day(date) {
            return self.overridden.hold_instant(at);
        }
        if self.start.is_day() || local.time() == self.start.local.time() {
            return true;
        }
        let meant = self.of_day.get(&date).copied().unwrap_or_else(|| self.meant_on(date));
        self.of_day.insert(date, meant);
        meant == local
    }

    /// Of the instances of a day the one at the hour of DTSTART, or else the first.
    fn meant_on(&self, date: Date) -> DateTime {
        let base = Base { start: &self.start, zone: &self.zone };
        let usual = date.to_datetime(self.start.local.time());
        let mut meant: Option<DateTime> = None;
        let mut meet = |local: DateTime| {
            if local == usual || (local.date() == date && meant.is_none_or(|known| known > local)) {
                meant = Some(local);
            }
            local != usual
        };
        let additions = self.master.all("RDATE").flat_map(When::all_of).take_while(|_| self.zones.steps.take(1));
        let mut others = additions.map(|(when, _)| Named::of(&when, base, self.zones).local(base));
        let day = date.at(0, 0, 0, 0)..=date.at(23, 59, 59, 0);
        if meet(self.start.local) && others.all(&mut meet) {
            for rule in rules(self.master, "RRULE", &self.zones.steps) {
                rule.follow(&self.start, base.until(&rule, self.zones), day.clone(), &self.zones.steps, &mut meet);
            }
        }
        meant.unwrap_or(usual)
    }

    /// How long an instance takes at most, and how far it is moved.
    fn reach(&self) -> (i64, i64) {
        let longest = self.shifts.iter().map(|shift| shift.extent.most_seconds()).max().unwrap_or(0);
        let furthest = self.shifts.iter().map(|shift| shift.by_s.saturating_abs().saturating_add(APART_S)).max();
        (self.extent.most_seconds().max(longest), furthest.unwrap_or(0))
    }

    /// Emits the instances of the master, but for those that overrides take the place of.
    fn walk(
        mut self,
        range: TimeRange,
        scope: ExpansionScope,
        emit: &mut impl FnMut(Instance<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if scope == ExpansionScope::Bounds {
            (self.exclusions, self.overridden) = (Exclusions::default(), NamedInstances::default());
        }
        // What an additional time says of its own length counts before what the rule says.
        for (when, end) in self.master.all("RDATE").flat_map(When::all_of).take_while(|_| self.zones.steps.take(1)) {
            let base = Base { start: &self.start, zone: &self.zone };
            let extent = end.map(|end| Extent::of_period(&when, &end, base, self.zones));
            let named = Named::of(&when, base, self.zones);
            self.emit((named.instant(base), named.local(base), extent), range, emit)?;
        }
        let local = self.start.local;
        self.emit((self.zone.instant(local), local, None), range, emit)?;
        if !self.recurs || scope == ExpansionScope::Bounds {
            return ControlFlow::Continue(());
        }
        let (reach, shift) = self.reach();
        // What the clock skips is given up to a day later than it shows.
        let from = self.zone.local(range.start.saturating_sub(reach).saturating_sub(shift).saturating_sub(DAY_S));
        let (start, zone, zones) = (self.start.clone(), self.zone.clone(), self.zones);
        let base = Base { start: &start, zone: &zone };
        let to = base.ends(zone.local(range.end.saturating_add(shift)));
        for rule in rules(self.master, "RRULE", &zones.steps) {
            let mut flow = ControlFlow::Continue(());
            rule.follow(&start, base.until(&rule, zones), from..=to, &zones.steps, |local| {
                let local = base.begins(local);
                flow = self.emit((zone.instant(local), local, None), range, emit);
                flow.is_continue()
            });
            flow?;
        }
        ControlFlow::Continue(())
    }

    /// Gives the instance that begins at an instant, at which the clock of DTSTART shows `local`, and that may have a
    /// length of its own.
    fn emit(
        &mut self,
        (at, local, own): (Timestamp, DateTime, Option<Extent>),
        range: TimeRange,
        emit: &mut impl FnMut(Instance<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let new = self.given.insert(at) && !self.is_overridden(at, local);
        let base = Base { start: &self.start, zone: &self.zone };
        if !new || self.exclusions.hold(at, local, base, self.zones) {
            return ControlFlow::Continue(());
        }
        let shift = self.shifts.partition_point(|shift| shift.from <= at).checked_sub(1);
        let (component, clock, start, begins, end) = match shift.and_then(|last| self.shifts.get(last)) {
            Some(shift) => {
                let begins = civil_of(seconds_of(local).saturating_add(shift.by_s));
                let start = shift.zone.instant(begins);
                (shift.component, &shift.clock, start, begins, shift.extent.end(start, begins, &shift.zone))
            }
            None => {
                let end = own.unwrap_or(self.extent).end(at, local, &self.zone);
                (self.master, &self.start.clock, at, local, end)
            }
        };
        if !range.overlaps(start, end) {
            return ControlFlow::Continue(());
        }
        let id = self.recurs.then(|| RecurrenceId { at, when: When { local, clock: self.start.clock.clone() } });
        emit(Instance { start, end, component, id, local: When { local: begins, clock: clock.clone() } })
    }
}

/// When a component ends that begins at a time.
pub(super) fn end_of(component: &Component, start: &When, zones: &Zones<'_>) -> Timestamp {
    let zone = zones.of(&start.clock);
    Extent::of(component, start, zones).end(zone.instant(start.local), start.local, &zone)
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

    fn expanded(lines: &str, from: &str, to: &str) -> Vec<String> {
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
        assert_eq!(expanded(&weekly, "20260320", "20260401"), expected);
        // Far from its beginning, too.
        assert_eq!(expanded(&weekly, "20990325", "20990401"), ["20990330T070000Z+3600"]);
    }

    #[test]
    fn what_the_clock_skips_moves_forward() {
        let daily = event(
            "DTSTART;TZID=Europe/Paris:20260328T023000\nDTEND;TZID=Europe/Paris:20260328T033000\n\
             RRULE:FREQ=DAILY;COUNT=3",
        );
        let expected = ["20260328T013000Z+3600", "20260329T013000Z+3600", "20260330T003000Z+3600"];
        assert_eq!(expanded(&daily, "20260301", "20260501"), expected);
    }

    #[test]
    fn days_are_as_long_as_they_are() {
        let day = event("DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330");
        assert_eq!(expanded(&day, "20260301", "20260501"), ["20260327T230000Z+169200"]);
        let one = event("DTSTART;VALUE=DATE:20260328\nRRULE:FREQ=YEARLY");
        assert_eq!(expanded(&one, "20300101", "20310101"), ["20300327T230000Z+86400"]);
    }

    #[test]
    fn exceptions_overrides_and_additions() {
        let series = format!(
            "{}\n{}\n{}",
            event(
                "DTSTART:20260101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260106T100000Z\n\
                 EXDATE:20260102T100000Z\n\
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
        assert_eq!(expanded(&series, "20260101", "20260201"), expected);
    }

    #[test]
    fn an_override_may_come_from_outside_the_range() {
        let moved = format!(
            "{}\n{}",
            event("DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=3"),
            event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20270102T100000Z")
        );
        assert_eq!(expanded(&moved, "20261201", "20280101"), ["20270102T100000Z+0"]);
    }

    #[test]
    fn a_first_instance_off_the_rule_counts() {
        let odd = event("DTSTART:20260101T100000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3");
        let expected = ["20260101T100000Z+0", "20260105T100000Z+0", "20260112T100000Z+0"];
        assert_eq!(expanded(&odd, "20260101", "20270101"), expected);
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
            let entered = expanded(&event(lines), "20260101", "20260401");
            let whole = expanded(&event(lines), "20000101", "20260401");
            let from_start: Vec<&String> = whole.iter().filter(|given| given.as_str() >= "2026").collect();
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
            assert_eq!(expanded(&lines, "20260601", "20260801"), ["20260701T070000Z+0"], "{zone}");
        }
        let own = "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:16011028T030000\nTZOFFSETFROM:+0300\n\
                   TZOFFSETTO:+0200\n\
                   RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010325T020000\n\
                   TZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n\
                   END:VTIMEZONE\n";
        let lines = format!("{own}{}", event("DTSTART;TZID=Ours:20260301T090000\nRRULE:FREQ=MONTHLY;COUNT=3"));
        let expected = ["20260301T070000Z+0", "20260401T060000Z+0", "20260501T060000Z+0"];
        assert_eq!(expanded(&lines, "20260101", "20270101"), expected);
    }

    #[test]
    fn a_day_of_a_series_may_be_named_by_its_midnight() {
        let series = "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20260402\nRRULE:FREQ=WEEKLY;COUNT=3\nEND:VEVENT\n\
                      BEGIN:VEVENT\nUID:1\n\
                      RECURRENCE-ID;TZID=GMT Standard Time:20260409T000000\nDTSTART;VALUE=DATE:20260410\nEND:VEVENT\n";
        let found = expanded(series, "20260401", "20260501");
        // Days begin in Paris, where it is two hours later.
        let begins: Vec<&str> = found.iter().map(|given| given.split_once('+').unwrap().0).collect();
        assert_eq!(begins, ["20260401T220000Z", "20260409T220000Z", "20260415T220000Z"]);
    }

    /// The day alone says not which of its instances: one of them goes, never more.
    #[test]
    fn an_override_takes_the_place_of_one_instance() {
        let table = [
            ("T090000Z\nRRULE:FREQ=DAILY;COUNT=6;BYHOUR=9,15", "0105T09 0105T15 0106T11 0106T15"),
            ("T150000Z\nRRULE:FREQ=DAILY;COUNT=6;BYHOUR=9,15", "0105T15 0106T09 0106T11 0107T09"),
            ("T080000Z\nRRULE:FREQ=DAILY;COUNT=6;BYHOUR=9,15", "0105T08 0105T09 0105T15 0106T11"),
            ("T090000Z\nRDATE:20260106T090000Z,20260106T150000Z", "0105T09 0106T11 0106T15"),
            ("T090000Z\nRDATE:20260106T150000Z,20260106T120000Z", "0105T09 0106T11 0106T15"),
        ];
        for (lines, expected) in table {
            let moved = event("RECURRENCE-ID;VALUE=DATE:20260106\nDTSTART:20260106T110000Z");
            let series = format!("{}\n{moved}", event(&format!("DTSTART:20260105{lines}")));
            let found = expanded(&series, "20260101", "20260201");
            let begins: Vec<&str> = found.iter().filter_map(|given| given.get(4..11)).collect();
            assert!(begins.join(" ").starts_with(expected), "{lines} {begins:?}");
            // Wherever the range begins.
            let late = expanded(&series, "20260106T130000Z", "20260107");
            let after = begins.iter().filter(|time| ("0106T13".."0107").contains(*time)).count();
            assert_eq!(late.len(), after, "{lines} {late:?}");
        }
    }

    #[test]
    fn what_ends_with_the_calendar_lasts_so_long() {
        let rest = 253_402_300_799 - at("20260105T090000Z");
        for zone in ["DTEND:99991231T235959Z", "DTEND;TZID=Asia/Tokyo:99991231T235959", "DURATION:P9999999W"] {
            let lines = event(&format!("DTSTART:20260105T090000Z\n{zone}"));
            let found = expanded(&lines, "22000101", "22000102");
            let length = found.first().and_then(|found| found.split_once('+')).map(|(_, length)| length.parse::<i64>());
            assert!(length.unwrap().unwrap() > rest - 86_400, "{zone} {found:?}");
        }
    }
}
