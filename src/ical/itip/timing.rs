//! When things take place, compared by what times and rules mean, never by how they are written; and by the rule, never
//! by all of its occurrences.

use std::collections::BTreeSet;

use jiff::civil::DateTime;

use super::super::extent::Extent;
use super::super::object::Component;
use super::super::rule::{Frequency, Rule, rules};
use super::super::time::Clock;
use super::super::zone::Zones;
use super::occurrence::{OccurrenceSet, start_of};
use crate::model::id::Timestamp;

/// New occurrences of a series that are asked about one by one; of more, the series as a whole is.
pub(super) const MAX_NEW: usize = 60;

/// When a component takes place, if it says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Timing {
    local: DateTime,
    /// The clock; zones that show the same time are one, however they are spelled.
    clock: String,
    start: Timestamp,
    end: Timestamp,
}

impl Timing {
    pub fn of(component: &Component, zones: &Zones<'_>) -> Option<Self> {
        let begins = start_of(component)?;
        let zone = zones.of(&begins.clock);
        let clock = match begins.clock {
            Clock::Day => "day".to_owned(),
            Clock::Floating => "floating".to_owned(),
            Clock::Utc | Clock::Zone(_) => zone.key().into_owned(),
        };
        let start = zone.instant(begins.local);
        let end = Extent::of(component, &begins, zones).end(start, begins.local, &zone);
        Some(Self { local: begins.local, clock, start, end })
    }

    /// When it begins.
    pub const fn starts(&self) -> Timestamp {
        self.start
    }

    /// When it is over.
    pub const fn ends(&self) -> Timestamp {
        self.end
    }

    /// Is it the same stretch of time, whatever clock it is read on?
    pub const fn is_same_stretch(&self, other: &Self) -> bool {
        self.start == other.start && self.end == other.end
    }
}

/// Do two components take place at the same time? `by_clock`: on the same clock, too.
pub(super) fn same_time(one: &Component, ours: &Zones<'_>, other: &Component, theirs: &Zones<'_>) -> bool {
    Timing::of(one, ours) == Timing::of(other, theirs)
}

/// The same as instants: what a program writes that does not know the zone.
pub(super) fn same_stretch(one: &Component, ours: &Zones<'_>, other: &Component, theirs: &Zones<'_>) -> bool {
    match (Timing::of(one, ours), Timing::of(other, theirs)) {
        (Some(one), Some(other)) => one.is_same_stretch(&other),
        (one, other) => one == other,
    }
}

/// What became of a series, as far as when it takes place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct SeriesChange {
    /// Its occurrences are others, or at other times.
    pub moved: bool,
    /// Occurrences that there were not; more than [`MAX_NEW`] are as good as a series that moved.
    pub added: BTreeSet<Timestamp>,
    /// Occurrences that are left out now, one by one.
    pub removed: BTreeSet<Timestamp>,
    /// It ends sooner.
    pub cut: bool,
}

impl SeriesChange {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Compares two masters.
    pub fn between(old: &OccurrenceSet<'_>, new: &OccurrenceSet<'_>) -> Self {
        let (Some(before), Some(after)) = (old.master, new.master) else { return Self::default() };
        let moved = Self { moved: true, ..Self::default() };
        if !same_time(before, &old.zones, after, &new.zones) {
            return moved;
        }
        let (old_rules, new_rules) = (SeriesRules::of(before, old), SeriesRules::of(after, new));
        if old_rules.patterns != new_rules.patterns {
            return moved;
        }
        let mut change = Self::default();
        for (was, is) in old_rules.rules.iter().zip(&new_rules.rules) {
            change.compare_ends((was, old), (is, new));
        }
        let (was, is) = (old.additions(), new.additions());
        change.added.extend(is.difference(was).filter(|at| new.has(**at) && !old.generates(**at)));
        change.removed.extend(was.difference(is).filter(|at| old.has(**at) && !new.generates(**at)));
        let (was, is) = (old.exclusions(), new.exclusions());
        change.added.extend(was.difference(is).filter(|at| new.generates(**at)));
        change.removed.extend(is.difference(was).filter(|at| old.has(**at)));
        if change.added.len() > MAX_NEW { moved } else { change }
    }

    /// A rule that ends later has new occurrences, one that ends sooner has fewer.
    fn compare_ends(&mut self, was: (&Rule, &OccurrenceSet<'_>), is: (&Rule, &OccurrenceSet<'_>)) {
        let (old_end, new_end) = (end_of(was), end_of(is));
        if old_end == new_end {
            return;
        }
        if new_end.is_none_or(|new| old_end.is_some_and(|old| old < new)) {
            let new = occurrences_after(is, old_end);
            self.added.extend(new.into_iter().filter(|at| is.1.has(*at) && !was.1.generates(*at)));
        } else {
            self.cut |= occurrences_after(was, new_end).into_iter().any(|at| was.1.has(at) && !is.1.generates(at));
        }
    }
}

/// The rules of a series: without their ends, in one order, and as they are.
struct SeriesRules {
    patterns: Vec<String>,
    rules: Vec<Rule>,
}

impl SeriesRules {
    fn of(master: &Component, set: &OccurrenceSet<'_>) -> Self {
        let steps = &set.zones.steps;
        let mut all: Vec<(String, Rule)> =
            rules(master, "RRULE", steps).map(|rule| (pattern(&rule, set), rule)).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let mut patterns: Vec<String> = all.iter().map(|(pattern, _)| pattern.clone()).collect();
        let excluding = rules(master, "EXRULE", steps).map(|rule| format!("but {rule:?}"));
        patterns.extend(excluding);
        Self { patterns, rules: all.into_iter().map(|(_, rule)| rule).collect() }
    }
}

/// A rule without its end, and with what it leaves to DTSTART.
fn pattern(rule: &Rule, set: &OccurrenceSet<'_>) -> String {
    let mut rule = Rule { count: None, until: None, ..rule.clone() };
    let start = set.base().map(|base| base.start.local);
    if let Some(date) = start.map(DateTime::date).filter(|_| rule.positions.is_empty() && !rule.names_days()) {
        match rule.frequency {
            Frequency::Weekly => rule.weekdays = 1 << date.weekday().to_monday_zero_offset(),
            Frequency::Monthly | Frequency::Yearly => {
                rule.monthdays = vec![date.day().into()];
                if rule.frequency == Frequency::Yearly && rule.months == 0 {
                    rule.months = 1 << date.month();
                }
            }
            _ => {}
        }
    }
    let counts_weeks = rule.frequency == Frequency::Weekly && rule.interval > 1 || !rule.weeks.is_empty();
    rule.week_start = if counts_weeks { rule.week_start } else { 0 };
    format!("{rule:?}")
}

/// When a rule ends, by the clock of DTSTART.
fn end_of((rule, set): (&Rule, &OccurrenceSet<'_>)) -> Option<DateTime> {
    let base = set.base()?;
    rule.last(base.start, base.until(rule, &set.zones), &set.zones.steps)
}

/// The occurrences that a rule has after a time, but no more than say that there are many.
fn occurrences_after((rule, set): (&Rule, &OccurrenceSet<'_>), after: Option<DateTime>) -> Vec<Timestamp> {
    let (Some(base), Some(after)) = (set.base(), after) else { return Vec::new() };
    let mut found = Vec::new();
    let stretch = after..=DateTime::MAX;
    rule.follow(base.start, base.until(rule, &set.zones), stretch, &set.zones.steps, |local| {
        if local > after {
            found.push(base.zone.instant(base.begins(local)));
        }
        found.len() <= MAX_NEW
    });
    found
}
