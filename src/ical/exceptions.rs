//! What stands beside DTSTART is read on its clock: which instances EXDATE, RDATE and RECURRENCE-ID name, and where
//! rules end. This is the one place that decides it, for all who ask.
//!
//! By the letter they bear the form of DTSTART (RFC 5545 sections 3.8.4.4, 3.8.5). Exchange, Zimbra and others write
//! them floating, as days, in UTC or in another zone: what names no clock is read by that of DTSTART, and a day is a
//! day.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use jiff::civil::{Date, DateTime, Time};

use super::object::Component;
use super::rule::{Rule, rules};
use super::time::{Clock, Length, When};
use super::zone::{Zone, Zones};
use crate::model::id::Timestamp;

/// How far ahead it is looked which times a rule excludes: mostly they are about as dense as those they are excluded
/// from.
const AHEAD: Length = Length { days: 7, seconds: 0 };

/// The clock on which they are read.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    /// DTSTART.
    pub start: &'a When,
    /// The zone of its clock.
    pub zone: &'a Zone,
}

/// What an exception names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Named {
    /// The instance that begins at an instant.
    At(Timestamp),
    /// The instances of a day, by the clock of DTSTART.
    Day(Date),
}

impl Named {
    /// What a time names.
    pub fn of(when: &When, base: Base<'_>, zones: &Zones<'_>) -> Self {
        match (base.start.is_day(), &when.clock) {
            (true, Clock::Utc) => Self::Day(day_in_utc(when, zones)),
            // A day is the one that is written, in whatever zone its midnight is.
            (true, _) | (false, Clock::Day) => Self::Day(when.local.date()),
            (false, _) => Self::At(base.instant(when, zones)),
        }
    }

    /// The time that it names, by the clock of DTSTART; of a day the one at the hour of DTSTART.
    pub fn local(self, base: Base<'_>) -> DateTime {
        match self {
            Self::At(at) => base.zone.local(at),
            Self::Day(date) => date.to_datetime(base.start.local.time()),
        }
    }

    /// The same as an instant.
    pub fn instant(self, base: Base<'_>) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Day(_) => base.zone.instant(self.local(base)),
        }
    }

    /// The last time by the clock of DTSTART that is not after it: a day counts to its end.
    pub fn last(self, base: Base<'_>) -> DateTime {
        match self {
            Self::At(_) => self.local(base),
            Self::Day(date) => date.at(23, 59, 59, 0),
        }
    }
}

impl Base<'_> {
    /// Is a time read by the clock of DTSTART, for it names none, or one that nobody knows?
    fn is_by_start(self, when: &When, zones: &Zones<'_>) -> bool {
        let names_none = match &when.clock {
            Clock::Day | Clock::Floating => true,
            Clock::Zone(name) => zones.resolve(name).is_none(),
            Clock::Utc => false,
        };
        names_none && !self.start.is_day()
    }

    /// The last time of a rule. UNTIL is in UTC (RFC 5545 section 3.3.10), but clients also write it by the clock, and
    /// days.
    pub fn until(self, rule: &Rule, zones: &Zones<'_>) -> Option<DateTime> {
        rule.until.as_ref().map(|until| Named::of(until, self, zones).last(self))
    }

    /// A time that a rule gives; whole days begin at midnight, whatever hours it gives (RFC 5545 section 3.3.10).
    pub fn begins(self, local: DateTime) -> DateTime {
        if self.start.is_day() { local.date().at(0, 0, 0, 0) } else { local }
    }

    /// The last time that begins with it.
    pub fn ends(self, local: DateTime) -> DateTime {
        if self.start.is_day() { local.date().at(23, 59, 59, 0) } else { local }
    }

    /// The instant of a time that stands beside DTSTART.
    pub fn instant(self, when: &When, zones: &Zones<'_>) -> Timestamp {
        if self.is_by_start(when, zones) { self.zone.instant(when.local) } else { zones.instant(when) }
    }

    /// The clock of a time that stands beside DTSTART.
    pub fn clock(self, when: &When, zones: &Zones<'_>) -> Clock {
        if self.is_by_start(when, zones) { self.start.clock.clone() } else { when.clock.clone() }
    }
}

/// The day that a time in UTC means: where it is midnight in UTC, or nowhere near, the one that is written; else the
/// one that begins then where the calendar is (Exchange and its kin write 23:00 of the day before).
fn day_in_utc(when: &When, zones: &Zones<'_>) -> Date {
    let shown = zones.of(&Clock::Day).local(zones.instant(when));
    let begins_there = when.local.time() != Time::midnight() && shown.time() == Time::midnight();
    if begins_there { shown.date() } else { when.local.date() }
}

/// What instances of a series are named by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct NamedInstances(HashSet<Named>);

impl NamedInstances {
    /// Do they name the instance at an instant, at which the clock of DTSTART shows `local`?
    pub fn hold(&self, at: Timestamp, local: DateTime) -> bool {
        self.hold_instant(at) || self.hold_day(local.date())
    }

    /// Do they name the very instance that begins at an instant?
    pub fn hold_instant(&self, at: Timestamp) -> bool {
        !self.0.is_empty() && self.0.contains(&Named::At(at))
    }

    /// Do they name a day as a whole?
    pub fn hold_day(&self, date: Date) -> bool {
        !self.0.is_empty() && self.0.contains(&Named::Day(date))
    }

    pub fn insert(&mut self, named: Named) {
        self.0.insert(named);
    }
}

/// The times that EXDATE leaves out of a series.
pub(super) fn excluded<'a>(
    master: &'a Component,
    base: Base<'a>,
    zones: &'a Zones<'_>,
) -> impl Iterator<Item = Named> + 'a {
    let times = master.all("EXDATE").flat_map(When::all_of).take_while(|_| zones.steps.take(1));
    times.map(move |(when, _)| Named::of(&when, base, zones))
}

/// What a series leaves out: the times of EXDATE, and those that rules name (EXRULE; RFC 2445 section 4.8.5.2).
#[derive(Default)]
pub(super) struct Exclusions {
    names: NamedInstances,
    rules: Vec<ExclusionRule>,
}

/// A rule that excludes, and what it excludes in a stretch of time.
struct ExclusionRule {
    rule: Rule,
    stretch: Option<RangeInclusive<DateTime>>,
    times: HashSet<DateTime>,
}

impl Exclusions {
    pub fn of(master: &Component, base: Base<'_>, zones: &Zones<'_>) -> Self {
        let rules = rules(master, "EXRULE", &zones.steps).map(|rule| ExclusionRule {
            rule,
            stretch: None,
            times: HashSet::new(),
        });
        Self { names: NamedInstances(excluded(master, base, zones).collect()), rules: rules.collect() }
    }

    /// Is the instance at an instant left out, at which the clock of DTSTART shows `local`?
    pub fn hold(&mut self, at: Timestamp, local: DateTime, base: Base<'_>, zones: &Zones<'_>) -> bool {
        self.names.hold(at, local) || self.rules.iter_mut().any(|rule| rule.excludes(local, base, zones))
    }
}

impl ExclusionRule {
    /// Instances come in their order, mostly: a stretch serves for many.
    fn excludes(&mut self, local: DateTime, base: Base<'_>, zones: &Zones<'_>) -> bool {
        if !self.stretch.as_ref().is_some_and(|stretch| stretch.contains(&local)) {
            let (until, stretch) = (base.until(&self.rule, zones), local..=base.ends(AHEAD.after(local)));
            let times = &mut self.times;
            times.clear();
            self.rule.follow(base.start, until, stretch.clone(), &zones.steps, |time| {
                times.insert(base.begins(time));
                true
            });
            self.stretch = Some(stretch);
        }
        self.times.contains(&local)
    }
}
