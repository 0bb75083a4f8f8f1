//! A rule with its beginning: what it leaves open filled in, and which days and times each of its periods has.
//!
//! Which days of a year all parts admit is worked out once for each of the fourteen kinds of years. Yearly, monthly and
//! weekly rules have several days in a period; the periods of finer ones lie within a day.

use std::cell::OnceCell;

use jiff::civil::DateTime;

use super::period::{CYCLE_DAYS, DAY_S, Days, Set, Times, before_month, is_leap, new_year, number, place, year_of};
use super::rule::{Frequency, Rule, Skip};
use super::time::When;

/// A rule with its beginning.
pub(super) struct RulePlan {
    pub rule: Rule,
    pub start: i64,
    /// The period of the beginning: the number of a year, of a month, of a week; within days its first second.
    pub first: i64,
    /// From one period to the next, in the same measure.
    pub step: i64,
    /// After so many periods all comes again.
    pub cycle: i64,
    /// How long a period is that lies within a day.
    pub unit: Option<i64>,
    /// The times of day at which such a period may begin.
    pub begin: Times,
    /// Do parts exclude days?
    pub limited: bool,
    /// Has each period as many instances as the others?
    pub even: bool,
    /// Where days of the week are all that parts name: they, for some weeks from Monday on.
    pub weekly: Option<u64>,
    years: [OnceCell<Days>; 14],
}

impl RulePlan {
    pub fn new(rule: &Rule, start: &When) -> Self {
        let rule = rule.filled(start);
        let only = |zero: bool, bits: u64| if zero { 1 } else { bits };
        let begin = Times {
            hours: only(rule.frequency > Frequency::Hourly, rule.hours),
            minutes: only(rule.frequency > Frequency::Minutely, rule.minutes),
            seconds: only(rule.frequency > Frequency::Secondly, rule.seconds),
        };
        let (cycle, unit) = match rule.frequency {
            Frequency::Yearly => (400, None),
            Frequency::Monthly => (400 * 12, None),
            Frequency::Weekly => (CYCLE_DAYS / 7, None),
            Frequency::Daily => (CYCLE_DAYS * DAY_S, Some(DAY_S)),
            Frequency::Hourly => (CYCLE_DAYS * DAY_S, Some(3600)),
            Frequency::Minutely => (CYCLE_DAYS * DAY_S, Some(60)),
            Frequency::Secondly => (CYCLE_DAYS * DAY_S, Some(1)),
        };
        let others = [&rule.monthdays, &rule.yeardays].into_iter().any(|list| !list.is_empty());
        let weekly = rule.weekdays != 0 && rule.months == 0 && rule.ordinals.is_empty() && !others;
        let weekly = weekly.then(|| (0..9).fold(0, |days, week| days | u64::from(rule.weekdays) << (week * 7)));
        let limited = rule.months != 0 || rule.names_days();
        let even = match unit {
            Some(unit) => !limited && begin.len() == (DAY_S / unit).unsigned_abs(),
            None => weekly.is_some() && rule.frequency == Frequency::Weekly,
        };
        let step = rule.interval * unit.unwrap_or(1);
        let mut plan = Self {
            start: number(start.local),
            first: 0,
            step,
            cycle: cycle / gcd(cycle, step),
            unit,
            begin,
            limited,
            even,
            weekly,
            years: [const { OnceCell::new() }; 14],
            rule,
        };
        plan.first = plan.index(start.local);
        plan.reach();
        plan
    }

    /// The period in which a moment lies.
    pub fn index(&self, local: DateTime) -> i64 {
        let (year, month) = (i64::from(local.year()), i64::from(local.month()));
        let number = number(local);
        let day = number.div_euclid(DAY_S);
        let week_start = i64::from(self.rule.week_start);
        match self.rule.frequency {
            // A week belongs to one year with all its days.
            Frequency::Yearly if !self.rule.weeks.is_empty() => {
                year - i64::from(day < first_week(year, week_start))
                    + i64::from(day >= first_week(year + 1, week_start))
            }
            Frequency::Yearly => year,
            Frequency::Monthly => year * 12 + month - 1,
            Frequency::Weekly => (day - week_start).div_euclid(7),
            _ => number - number.rem_euclid(self.unit.unwrap_or(1)),
        }
    }

    /// Takes those times from the day at which no period begins: with an interval that fits into days, the same on
    /// each.
    fn reach(&mut self) {
        let (Some(unit), every) = (self.unit, gcd(self.step, DAY_S)) else { return };
        if every == unit {
            return;
        }
        let (begin, rest) = (self.begin, self.first.rem_euclid(every));
        let reached = |second: i64| (second - rest) % every == 0;
        let bits = |bits: u64| (0..60_i64).filter(move |bit| bits >> bit & 1 == 1);
        let hours = bits(begin.hours).filter(|hour| {
            bits(begin.minutes)
                .any(|minute| bits(begin.seconds).any(|second| reached(hour * 3600 + minute * 60 + second)))
        });
        self.begin.hours = hours.fold(0, |hours, hour| hours | 1 << hour);
    }

    /// The days of a year that all parts admit, counted from its first.
    pub fn year(&self, year: i64) -> Days {
        let (leap, weekday) = (is_leap(year), new_year(year).rem_euclid(7));
        let kind = usize::try_from(weekday + if leap { 7 } else { 0 }).unwrap_or(0);
        let known = self.years.get(kind).map(|days| days.get_or_init(|| self.rule.days_of_year(leap, weekday)));
        known.copied().unwrap_or(Days::none(0))
    }

    /// Which of a few days, at most 32, all parts admit: as bits, from the first on.
    fn admitted(&self, first: i64, length: i64) -> u64 {
        if let Some(weekly) = self.weekly {
            return weekly >> first.rem_euclid(7) & ((1 << length) - 1);
        }
        let year = year_of(first);
        let (begins, ends) = (new_year(year), new_year(year + 1));
        let bits = self.year(year).window(first - begins, length);
        if first + length <= ends {
            return bits;
        }
        bits | self.year(year + 1).window(0, first + length - ends) << (ends - first)
    }

    /// The days of a period that has several.
    fn days(&self, index: i64) -> Days {
        let rule = &self.rule;
        match rule.frequency {
            Frequency::Yearly if !rule.weeks.is_empty() => {
                let week_start = i64::from(rule.week_start);
                let (first, end) = (first_week(index, week_start), first_week(index + 1, week_start));
                let mut days = Days::none(first);
                for week in rule.weeks.iter().filter_map(|nth| place(*nth, (end - first) / 7)) {
                    days.put(first + week * 7, self.admitted(first + week * 7, 7));
                }
                days
            }
            Frequency::Yearly if rule.shifts() => self.shifted(index, 1, 12),
            Frequency::Yearly => self.year(index).begun(new_year(index)),
            Frequency::Monthly => {
                let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
                if rule.shifts() {
                    return self.shifted(year, month, month);
                }
                let (before, end) = (before_month(month, is_leap(year)), before_month(month + 1, is_leap(year)));
                let first = new_year(year) + before;
                Days::of(first, self.admitted(first, end - before))
            }
            _ => {
                let first = index * 7 + i64::from(rule.week_start);
                Days::of(first, self.admitted(first, 7))
            }
        }
    }

    /// The days of a month or of a year, those that there are not shifted to the day before or after.
    fn shifted(&self, year: i64, first: i64, last: i64) -> Days {
        let (rule, leap, begins) = (&self.rule, is_leap(year), new_year(year));
        let (before, end) = (begins + before_month(first, leap) - 1, begins + before_month(last + 1, leap));
        let mut days = Days::none(before);
        for at in (before..=end).step_by(32) {
            days.put(at, self.admitted(at, 32.min(end + 1 - at)));
        }
        if !rule.monthdays.is_empty() {
            let mut named = Days::none(before);
            for month in (first..=last).filter(|month| rule.months == 0 || rule.months >> month & 1 == 1) {
                let (first, end) = (before_month(month, leap), before_month(month + 1, leap));
                let places = rule.monthdays.iter().filter_map(|nth| rule.place(*nth, end - first));
                places.for_each(|place| named.insert(begins + first + place));
            }
            days.keep(&named);
        }
        if !rule.yeardays.is_empty() && rule.frequency == Frequency::Yearly {
            let mut named = Days::none(before);
            let places = rule.yeardays.iter().filter_map(|nth| rule.place(*nth, before_month(13, leap)));
            places.for_each(|place| named.insert(begins + place));
            days.keep(&named);
        }
        days
    }

    /// The day on which a month or a year begins.
    fn begins(&self, index: i64) -> i64 {
        match self.rule.frequency {
            Frequency::Monthly => {
                let year = index.div_euclid(12);
                new_year(year) + before_month(index.rem_euclid(12) + 1, is_leap(year))
            }
            _ => new_year(index),
        }
    }

    /// The instances of a period.
    pub fn set(&self, index: i64) -> Set {
        let rule = &self.rule;
        let all = Times { hours: rule.hours, minutes: rule.minutes, seconds: rule.seconds };
        let of = |index| Set::new(self.days(index), all, &rule.positions);
        let Some(unit) = self.unit else {
            // Days that were shifted may stand in the next period or in the one before, among what that has chosen:
            // each moment is of the period in which it lies, or the order would be lost.
            return match rule.shifts() && !rule.positions.is_empty() && self.step == 1 {
                true => {
                    let near: Vec<Set> = (self.first.max(index - 1)..=index + 1).map(of).collect();
                    Set::within(&near, Days::none(self.begins(index)), self.begins(index)..self.begins(index + 1))
                }
                false => of(index),
            };
        };
        let (day, second) = (index.div_euclid(DAY_S), index.rem_euclid(DAY_S));
        let own = |within: bool, bits: u64, value: i64| if within { 1 << value } else { bits };
        let times = Times {
            hours: own(unit <= 3600, all.hours, second / 3600),
            minutes: own(unit <= 60, all.minutes, second / 60 % 60),
            seconds: own(unit == 1, all.seconds, second % 60),
        };
        Set::new(Days::of(day, 1), times, &rule.positions)
    }
}

pub(super) fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The day on which the first week begins that has four days of a year (RFC 5545 section 3.3.10).
fn first_week(year: i64, week_start: i64) -> i64 {
    let fourth = new_year(year) + 3;
    fourth - (fourth - week_start).rem_euclid(7)
}

impl Rule {
    /// The rule with what it leaves open, which is as the beginning says.
    fn filled(&self, start: &When) -> Self {
        let mut rule = self.clone();
        let (date, time) = (start.local.date(), start.local.time());
        let bit = |value: i8| 1_u64 << value.clamp(0, 63);
        if start.is_day() {
            // Days have no times (RFC 5545 section 3.3.10: these parts are then to be ignored).
            (rule.hours, rule.minutes, rule.seconds) = (0, 0, 0);
        }
        for (bits, value, from, most) in [
            (&mut rule.hours, time.hour(), Frequency::Daily, 24),
            (&mut rule.minutes, time.minute(), Frequency::Hourly, 60),
            (&mut rule.seconds, time.second(), Frequency::Minutely, 60),
        ] {
            if *bits == 0 {
                *bits = if self.frequency >= from { bit(value) } else { (1 << most) - 1 };
            }
        }
        // Where there are no leap seconds, they are the second before (section 3.3.10).
        rule.seconds = (rule.seconds | rule.seconds >> 60 << 59) & ((1 << 60) - 1);
        let weekday = 1 << date.weekday().to_monday_zero_offset();
        match self.frequency {
            Frequency::Yearly if !self.names_days() => {
                rule.monthdays.push(date.day().into());
                if rule.months == 0 {
                    rule.months = bit(date.month());
                }
            }
            // A week alone has the day of the week of the beginning.
            Frequency::Yearly if self.names_weeks_alone() => rule.weekdays = weekday,
            Frequency::Monthly if !self.names_days() => rule.monthdays.push(date.day().into()),
            Frequency::Weekly if !self.names_days() => rule.weekdays = weekday,
            _ => {}
        }
        rule
    }

    /// Is it weeks alone that say which days?
    fn names_weeks_alone(&self) -> bool {
        let lists = [&self.monthdays, &self.yeardays];
        !self.weeks.is_empty() && self.weekdays == 0 && lists.iter().all(|list| list.is_empty())
    }

    /// The days of a year that the parts admit, counted from its first, a certain day of the week.
    fn days_of_year(&self, leap: bool, weekday: i64) -> Days {
        let length = before_month(13, leap);
        let span = |month| (before_month(month, leap), before_month(month + 1, leap));
        let months: Vec<(i64, i64)> =
            (1..=12).filter(|month| self.months == 0 || self.months >> month & 1 == 1).map(span).collect();
        let mut days = Days::all(0, length);
        let mut admit = |inserted: &dyn Fn(&mut Days)| {
            let mut admitted = Days::none(0);
            inserted(&mut admitted);
            days.keep(&admitted);
        };
        let shifted = self.shifts();
        if self.months != 0 && (!shifted || self.monthdays.is_empty()) {
            admit(&|days| months.iter().for_each(|(first, end)| days.put(*first, (1 << (end - first)) - 1)));
        }
        if !self.monthdays.is_empty() && !shifted {
            admit(&|days| {
                for (first, end) in &months {
                    let places = self.monthdays.iter().filter_map(|nth| place(*nth, end - first));
                    places.for_each(|place| days.insert(first + place));
                }
            });
        }
        if !self.yeardays.is_empty() && !shifted {
            admit(&|days| {
                self.yeardays.iter().filter_map(|nth| place(*nth, length)).for_each(|place| days.insert(place));
            });
        }
        if self.weekdays != 0 || !self.ordinals.is_empty() {
            let year = [(0, length)];
            let spans = if self.frequency == Frequency::Yearly && self.months == 0 { &year[..] } else { &months };
            admit(&|days| {
                for day in (0..7).filter(|day| self.weekdays >> day & 1 == 1) {
                    ((day - weekday).rem_euclid(7)..length).step_by(7).for_each(|day| days.insert(day));
                }
                for (nth, day) in &self.ordinals {
                    for (first, end) in spans {
                        let before = (i64::from(*day) - weekday - first).rem_euclid(7);
                        let number = (end - first - before + 6) / 7;
                        place(*nth, number).into_iter().for_each(|place| days.insert(first + before + place * 7));
                    }
                }
            });
        }
        days
    }

    /// Do days that there are not become others?
    pub fn shifts(&self) -> bool {
        let named = !self.monthdays.is_empty() || self.frequency == Frequency::Yearly && !self.yeardays.is_empty();
        self.skip != Skip::Omit && self.frequency >= Frequency::Monthly && self.weeks.is_empty() && named
    }

    /// Where the nth of so many stands, which may be just before the first or after the last (RFC 7529 section 4.1).
    fn place(&self, nth: i64, length: i64) -> Option<i64> {
        place(nth, length).or(match (self.skip, nth > 0) {
            (Skip::Omit, _) => None,
            (Skip::Backward, true) => Some(length - 1),
            (Skip::Backward, false) => Some(-1),
            (Skip::Forward, true) => Some(length),
            (Skip::Forward, false) => Some(0),
        })
    }
}
