//! Which occurrence a component is about: by instant, as the clock of the master shows it; written back in the form
//! that the master has.
//!
//! Programs write RECURRENCE-ID in UTC, in another zone, floating, or as a day. What names no clock is read by that of
//! DTSTART (`exceptions`); a day means the one occurrence on it, and nothing where there are several.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use jiff::civil::{Date, DateTime};

use super::super::exceptions::{Base, Named, excluded};
use super::super::object::{Component, Object, Property};
use super::super::rule::rules;
use super::super::time::{Clock, When, write_date, write_local, write_utc};
use super::super::zone::{Zone, Zones};
use super::context::{SchedulingContext, Violation, complete};
use super::fields::{HIDDEN, set_line};
use super::revision::{ComponentRevision, sequence_of};
use crate::model::id::Timestamp;

/// What is kept of the state of an occurrence that was declined and is not shown.
const HIDDEN_SEQUENCE: &str = "X-SEQUENCE";
const HIDDEN_STAMP: &str = "X-STAMP";

/// What a component is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Occurrence {
    /// The series, or what occurs once: the component without RECURRENCE-ID.
    Series,
    /// The occurrence that the series has at an instant.
    At(Timestamp),
}

/// The clock by which the occurrences of an object are called: that of DTSTART.
struct SeriesClock {
    start: When,
    zone: Zone,
}

impl SeriesClock {
    const fn base(&self) -> Base<'_> {
        Base { start: &self.start, zone: &self.zone }
    }
}

/// An object as its master and what takes the place of single occurrences.
pub struct OccurrenceSet<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// Its zones.
    pub(super) zones: Zones<'a>,
    /// The component without RECURRENCE-ID.
    pub(super) master: Option<&'a Component>,
    /// The others, by what they take the place of.
    pub(super) overrides: BTreeMap<Timestamp, &'a Component>,
    clock: Option<SeriesClock>,
    additions: OnceCell<BTreeSet<Timestamp>>,
    exclusions: OnceCell<BTreeSet<Timestamp>>,
    has_duplicates: bool,
}

/// When a component begins; a task without DTSTART when it is due.
pub(super) fn start_of(component: &Component) -> Option<When> {
    component.property("DTSTART").or_else(|| component.property("DUE")).and_then(When::of)
}

impl<'a> OccurrenceSet<'a> {
    /// Reads an object.
    pub fn of(object: &'a Object, context: SchedulingContext<'a>) -> Result<Self, Violation> {
        let zones = Zones::new(&object.calendar, context.floating).within(context.budget);
        let master = object.master();
        let clock = master.and_then(start_of).map(|start| SeriesClock { zone: zones.of(&start.clock), start });
        let (additions, exclusions) = (OnceCell::new(), OnceCell::new());
        let (overrides, has_duplicates) = (BTreeMap::new(), false);
        let mut set = Self { object, zones, master, overrides, clock, additions, exclusions, has_duplicates };
        let mut masters = 0;
        for part in object.parts() {
            set.zones.steps.take(1);
            match part.instance() {
                Ok(None) => masters += 1,
                Ok(Some(when)) => {
                    let at = set.instant_of(&when, part);
                    set.has_duplicates |= set.overrides.insert(at, part).is_some();
                }
                Err(_) => {}
            }
        }
        set.has_duplicates |= masters > 1;
        complete(&set.zones.steps)?;
        Ok(set)
    }

    /// Refuses an object with two components for one occurrence, in whatever zones they name it.
    pub(super) const fn check_unique(&self) -> Result<(), Violation> {
        if self.has_duplicates { Err(Violation::DuplicateOccurrence) } else { Ok(()) }
    }

    /// What a component of the object itself takes the place of; where a day has several, the one at the usual hour.
    fn instant_of(&self, when: &When, part: &Component) -> Timestamp {
        if let Some(at) = self.find(when, &self.zones) {
            return at;
        }
        let own = start_of(part).unwrap_or_else(|| when.clone());
        let own = SeriesClock { zone: self.zones.of(&own.clock), start: own };
        let base = self.clock.as_ref().unwrap_or(&own).base();
        Named::of(when, base, &self.zones).instant(base)
    }

    /// The occurrence that a time names, which is read with the zones of the object it stands in. `None`: a day on
    /// which the series has none, or several.
    #[must_use]
    pub fn find(&self, when: &When, zones: &Zones<'_>) -> Option<Timestamp> {
        let Some(clock) = &self.clock else { return Some(zones.instant(when)) };
        let base = clock.base();
        let named = Named::of(when, base, zones);
        match named {
            Named::Day(date) if !base.start.is_day() => self.only_one_on(date),
            _ => Some(named.instant(base)),
        }
    }

    /// The component of an occurrence.
    #[must_use]
    pub fn component(&self, of: Occurrence) -> Option<&'a Component> {
        match of {
            Occurrence::Series => self.master,
            Occurrence::At(at) => self.overrides.get(&at).copied(),
        }
    }

    /// All components with what they are about, the master first.
    pub fn components(&self) -> impl Iterator<Item = (Occurrence, &'a Component)> + '_ {
        let master = self.master.map(|master| (Occurrence::Series, master));
        master.into_iter().chain(self.overrides.iter().map(|(at, part)| (Occurrence::At(*at), *part)))
    }

    /// The highest SEQUENCE of a component.
    pub(super) fn highest_sequence(&self) -> u64 {
        self.components().map(|(_, part)| sequence_of(part)).max().unwrap_or(0)
    }

    /// What a component of the object, or of one with the same master, is about. `None`: it names no time.
    #[must_use]
    pub fn occurrence_of(&self, part: &Component) -> Option<Occurrence> {
        let when = part.instance().ok()?;
        Some(when.map_or(Occurrence::Series, |when| Occurrence::At(self.instant_of(&when, part))))
    }

    /// Does the series have an occurrence at an instant? Without a master those that stand there.
    #[must_use]
    pub fn has(&self, at: Timestamp) -> bool {
        self.generates(at) && !self.is_excluded(at)
    }

    /// The same, whether it is left out or not.
    pub(super) fn generates(&self, at: Timestamp) -> bool {
        let (Some(clock), Some(master)) = (&self.clock, self.master) else { return self.overrides.contains_key(&at) };
        let base = clock.base();
        if clock.zone.instant(clock.start.local) == at || self.additions().contains(&at) {
            return true;
        }
        let local = clock.zone.local(at);
        self.rule_times(master, local..=base.ends(local)).iter().any(|time| clock.zone.instant(*time) == at)
    }

    /// The times that its rules have in a stretch of time, two at most.
    fn rule_times(&self, master: &Component, stretch: RangeInclusive<DateTime>) -> Vec<DateTime> {
        let Some(clock) = &self.clock else { return Vec::new() };
        let (base, steps) = (clock.base(), &self.zones.steps);
        let mut times = Vec::new();
        for rule in rules(master, "RRULE", steps) {
            rule.follow(base.start, base.until(&rule, &self.zones), stretch.clone(), steps, |time| {
                times.push(base.begins(time));
                times.len() < 2
            });
        }
        times
    }

    /// The occurrence of a day that has one and no more.
    fn only_one_on(&self, date: Date) -> Option<Timestamp> {
        let (clock, master) = (self.clock.as_ref()?, self.master?);
        let is_on = |at: &Timestamp| clock.zone.local(*at).date() == date;
        let day = date.at(0, 0, 0, 0)..=date.at(23, 59, 59, 0);
        let by_rule = self.rule_times(master, day).into_iter().map(|time| clock.zone.instant(time));
        let mut found: BTreeSet<Timestamp> = by_rule.collect();
        found.extend(self.additions().iter().copied().filter(is_on));
        found.extend(Some(clock.zone.instant(clock.start.local)).filter(is_on));
        if found.len() == 1 { found.pop_first() } else { None }
    }

    /// The instants of RDATE.
    pub(super) fn additions(&self) -> &BTreeSet<Timestamp> {
        self.additions.get_or_init(|| {
            let (Some(clock), Some(master)) = (&self.clock, self.master) else { return BTreeSet::new() };
            let times = master.all("RDATE").flat_map(When::all_of).take_while(|_| self.zones.steps.take(1));
            times.map(|(when, _)| Named::of(&when, clock.base(), &self.zones).instant(clock.base())).collect()
        })
    }

    /// The instants of EXDATE; a day counts as the occurrence on it.
    pub(super) fn exclusions(&self) -> &BTreeSet<Timestamp> {
        self.exclusions.get_or_init(|| {
            let (Some(clock), Some(master)) = (&self.clock, self.master) else { return BTreeSet::new() };
            let base = clock.base();
            let usual = |named: Named| named.instant(base);
            let instant = |named: Named| match named {
                Named::Day(date) if !base.start.is_day() => self.only_one_on(date).unwrap_or_else(|| usual(named)),
                _ => usual(named),
            };
            excluded(master, base, &self.zones).map(instant).collect()
        })
    }

    fn is_excluded(&self, at: Timestamp) -> bool {
        self.exclusions().contains(&at)
    }

    /// The occurrences that the owner of a copy has declined and does not want to see.
    pub(super) fn hidden(&self) -> BTreeSet<Timestamp> {
        self.hidden_states().into_keys().collect()
    }

    /// The same, each with the state that was declined.
    pub(super) fn hidden_states(&self) -> BTreeMap<Timestamp, ComponentRevision> {
        let lines = self.object.calendar.all(HIDDEN).take_while(|_| self.zones.steps.take(1));
        let states = lines.filter_map(|line| {
            let number = |name: &str| line.parameter(name).and_then(|number| number.parse().ok());
            let stamp = line.parameter(HIDDEN_STAMP).and_then(|number| number.parse().ok()).unwrap_or(Timestamp::MIN);
            let state = ComponentRevision { sequence: number(HIDDEN_SEQUENCE).unwrap_or(0), stamp };
            Some((self.zones.instant(&When::of(line)?), state))
        });
        states.collect()
    }

    /// What the clock of the master shows at an instant.
    #[must_use]
    pub fn when(&self, at: Timestamp) -> When {
        match &self.clock {
            Some(clock) => When { local: clock.zone.local(at), clock: clock.start.clock.clone() },
            None => When { local: self.zones.of(&Clock::Utc).local(at), clock: Clock::Utc },
        }
    }

    /// A line that names an occurrence in the form of the master, such as RECURRENCE-ID.
    #[must_use]
    pub fn line(&self, name: &str, at: Timestamp) -> Property {
        write_time(name, &self.when(at))
    }

    /// The clock of DTSTART.
    pub(super) fn base(&self) -> Option<Base<'_>> {
        self.clock.as_ref().map(SeriesClock::base)
    }
}

/// A line with a time.
pub(super) fn write_time(name: &str, when: &When) -> Property {
    match &when.clock {
        Clock::Day => Property::new(name, &write_date(when.local)).with_parameter("VALUE", Some("DATE")),
        Clock::Floating => Property::new(name, &write_local(when.local)),
        Clock::Utc => {
            let local = write_local(when.local);
            Property::new(name, &format!("{local}Z"))
        }
        Clock::Zone(zone) => Property::new(name, &write_local(when.local)).with_parameter("TZID", Some(zone)),
    }
}

/// Keeps which occurrences the owner of a copy does not want to see, each with the state that was declined.
pub(super) fn set_hidden(
    calendar: &mut Component,
    hidden: &BTreeSet<Timestamp>,
    state: impl Fn(Timestamp) -> ComponentRevision,
) {
    set_line(calendar, HIDDEN, None);
    calendar.properties.extend(hidden.iter().map(|at| {
        let ComponentRevision { sequence, stamp } = state(*at);
        let line = Property::new(HIDDEN, &write_utc(*at));
        let line = line.with_parameter(HIDDEN_SEQUENCE, Some(&sequence.to_string()));
        line.with_parameter(HIDDEN_STAMP, Some(&stamp.to_string()))
    }));
}
