//! What COUNT leaves of a rule, far from its beginning: periods are passed over of which arithmetic says how many
//! instances they have.

use super::follow::RuleWalk;
use super::period::{DAY_S, Days, new_year, year_of};
use super::rule_plan::gcd;

impl RuleWalk<'_> {
    /// Passes over periods of which it is known how many instances they have, without looking at each: from one on,
    /// before another, and only as long as instances are left after them.
    pub(super) fn leap(&self, period: i64, near: i64, left: &mut u64) -> i64 {
        if period >= near {
            return period;
        }
        let index = self.plan.first + period * self.plan.step;
        let each = self.plan.set(index).len();
        if self.plan.even {
            return period + take(near - period, each, left);
        }
        let Some(unit) = self.plan.unit else { return period };
        let (mut day, second) = (index.div_euclid(DAY_S), index.rem_euclid(DAY_S));
        let target = (self.plan.first + near * self.plan.step).div_euclid(DAY_S);
        if day == target {
            return period;
        }
        if DAY_S % self.plan.step != 0 {
            return self.leap_days(index, target, (unit, each), left);
        }
        // The same times on each day: what is left of the first, then day by day, a year at once.
        let of_day = |from: i64| {
            if self.plan.step == unit {
                return self.plan.begin.len() - self.plan.begin.before(from);
            }
            let from = from + (self.plan.first - from).rem_euclid(self.plan.step);
            (from..DAY_S)
                .step_by(usize::try_from(self.plan.step).unwrap_or(1))
                .filter(|at| self.plan.begin.contains(*at))
                .count() as u64
        };
        self.steps.spend((DAY_S / self.plan.step).unsigned_abs() / 500);
        if second >= self.plan.step {
            let rest = if self.day_from(day) == Some(day) { of_day(second) * each } else { 0 };
            if rest >= *left {
                return period;
            }
            *left -= rest;
            day += 1;
        }
        let of_day = of_day(0) * each;
        while day < target && self.pass_over() {
            let year = year_of(day);
            let (begins, ends) = (new_year(year), new_year(year + 1).min(target));
            let days = if self.plan.limited { self.plan.year(year) } else { Days::all(0, ends - begins) };
            let (before, number) = (days.before(day - begins), days.before(ends - begins));
            let fit = take(i64::try_from(number - before).unwrap_or(0), of_day, left).unsigned_abs();
            if before + fit < number {
                day = days.nth(before + fit).map_or(ends, |day| begins + day);
                break;
            }
            day = ends;
        }
        self.at_or_after(day * DAY_S)
    }

    /// The same where no day has the times of the one before, for no number of intervals makes a day: day by day; what
    /// comes again after some days is counted once.
    fn leap_days(&self, index: i64, target: i64, (unit, each): (i64, u64), left: &mut u64) -> i64 {
        let stretches = self.plan.begin.stretches(unit);
        self.steps.spend((DAY_S / unit).unsigned_abs() / 500);
        let weight = u32::try_from(1 + stretches.len() / 4).unwrap_or(u32::MAX);
        let of_day = |day: i64, from: i64| {
            let number = stretches.iter().map(|(begins, end)| {
                let begins = from.clamp(*begins, *end);
                self.at_or_after(day * DAY_S + end) - self.at_or_after(day * DAY_S + begins)
            });
            number.sum::<i64>().unsigned_abs() * each
        };
        let (mut day, mut from) = (index.div_euclid(DAY_S), index.rem_euclid(DAY_S));
        let days = self.plan.step / gcd(self.plan.step, DAY_S);
        let cycle = match (self.plan.limited, self.plan.weekly) {
            (false, _) => Some(days),
            (true, Some(_)) => Some(days / gcd(days, 7) * 7),
            (true, None) => None,
        };
        // Says of days from one to another how many instances they have, as long as some are left; and where that
        // ended.
        let pass_days = |mut day: i64, mut from: i64, end: i64, left: u64| {
            let mut number = 0;
            while day < end && self.pass(weight) {
                let next = self.day_from(day).map_or(end, |next| next.min(end));
                if next > day {
                    (day, from) = (next, 0);
                    continue;
                }
                let found = of_day(day, from);
                if number + found >= left {
                    break;
                }
                number += found;
                (day, from) = (day + 1, 0);
            }
            (day, from, number)
        };
        if let Some(cycle) = cycle.filter(|cycle| (target - day) / 2 > *cycle) {
            // What is left of the first day, then a cycle, then as many as there are.
            for end in [day + 1, day + 1 + cycle] {
                let begun = day;
                let passed;
                (day, from, passed) = pass_days(day, from, end, *left);
                *left -= passed;
                if day == end && end - begun == cycle {
                    day += take((target - day) / cycle, passed, left) * cycle;
                }
            }
        }
        let passed;
        (day, from, passed) = pass_days(day, from, target, *left);
        *left -= passed;
        self.at_or_after(day * DAY_S + from)
    }
}

/// How many periods of so many instances each can be passed over, with some left; they are taken from what is left.
fn take(periods: i64, each: u64, left: &mut u64) -> i64 {
    let fit = left.saturating_sub(1).checked_div(each).map_or(periods, |fit| fit.try_into().unwrap_or(periods));
    let taken = periods.min(fit).max(0);
    *left -= taken.unsigned_abs() * each;
    taken
}
