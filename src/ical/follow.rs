//! Recurrence rules, followed: periods, their days, the times of these, one after another and no further than asked.
//!
//! A rule is entered near what is asked for by arithmetic. Rules with periods within a day pass at once over the days and
//! times that a part excludes. As the calendar repeats every 400 years, a rule that has found nothing for so long finds
//! nothing more; what else may take long is bounded by the steps of its object.

use std::cell::Cell;

use jiff::civil::DateTime;

use super::period::{DAY_S, Days, Set, moment, new_year, number, year_of};
use super::plan::Plan;
use super::rule::{Frequency, Rule};
use super::time::When;
use super::zone::{Zone, Zones};

/// What it costs to read a rule and to make ready; more where the times that are reached are sought by the second.
const STEPS_OF_RULE: u64 = 20;
const STEPS_OF_SECONDS: u64 = 100;
/// So many periods are passed over in a step.
const PERIODS_PER_STEP: u32 = 16;
/// A leap year that begins with a certain day of the week comes again within so many years.
const YEARS_OF_ALL_KINDS: i64 = 40;

impl Rule {
    /// Follows the rule by the clock of its beginning: `each` hears, in order, of every instance from one time to another,
    /// and says whether to go on. The beginning itself is told only if it is one of the rule's, and always counted
    /// (RFC 5545 section 3.3.10).
    pub fn follow(
        &self,
        start: &When,
        zone: &Zone,
        (from, to): (DateTime, DateTime),
        zones: &Zones<'_>,
        mut each: impl FnMut(DateTime) -> bool,
    ) {
        if let Some(walk) = Walk::new(self, start, zones) {
            let to = self.until(start, zone, zones).map_or(to, |until| until.min(to));
            let mut told = None;
            walk.walk(from, to, |number| {
                let local = moment(number);
                // Hours of a day are the day, once.
                let local = if start.is_day() { local.date().at(0, 0, 0, 0) } else { local };
                told.replace(local) == Some(local) || each(local)
            });
        }
    }

    /// No instance of the rule is later. `None`: it goes on as long as the calendar, or nobody knows.
    pub fn last(&self, start: &When, zone: &Zone, zones: &Zones<'_>) -> Option<DateTime> {
        let until = self.until(start, zone, zones);
        let counted = self.count.and_then(|_| {
            let end = DateTime::MAX;
            Walk::new(self, start, zones)?.walk(end, end, |_| true).map(moment)
        });
        until.into_iter().chain(counted).min()
    }

    /// Is the beginning of a series one of its rule's?
    pub fn begins_at(&self, start: &When, zones: &Zones<'_>) -> bool {
        Walk::new(self, start, zones).is_some_and(|walk| walk.begins())
    }
}

/// A rule on its way.
struct Walk<'a> {
    plan: Plan,
    zones: &'a Zones<'a>,
    /// What it costs to look at a period: one for the simplest, in parts of a step.
    weight: u32,
    passed: Cell<u32>,
}

impl<'a> Walk<'a> {
    fn new(rule: &Rule, start: &When, zones: &'a Zones<'a>) -> Option<Self> {
        let more = if rule.frequency == Frequency::Secondly { STEPS_OF_SECONDS } else { 0 };
        if !zones.step(STEPS_OF_RULE + more) {
            return None;
        }
        let shifted = if rule.shifts() { 16 + rule.monthdays.len() + rule.yeardays.len() } else { 0 };
        let weight = 1 + (rule.positions.len() + rule.weeks.len() + shifted) / 4;
        let weight = weight.try_into().unwrap_or(u32::MAX);
        Some(Self { plan: Plan::new(rule, start), zones, weight, passed: Cell::new(0) })
    }

    /// The period near a moment, in periods from the first; none that is later can have an instance before it.
    fn near(&self, local: DateTime) -> i64 {
        let index = self.plan.index(local);
        // Days that are shifted may come from the period before.
        let back = i64::from(self.plan.rule.shifts());
        ((index - self.plan.first).div_euclid(self.plan.step) - back).max(0)
    }

    /// The first period from one on that has instances, if it begins in time.
    fn next(&self, mut period: i64, to: i64) -> Option<(i64, Set)> {
        let seen = period + self.plan.cycle;
        while period <= seen && self.pass_over() {
            let index = self.plan.first + period * self.plan.step;
            let within = self.plan.unit.is_some();
            if within {
                if index > to {
                    return None;
                }
                let begins = self.begins_from(index)?;
                if begins > index {
                    period = self.at_or_after(begins);
                    continue;
                }
            }
            let set = self.plan.set(index);
            if set.days.first > to.div_euclid(DAY_S) {
                return None;
            }
            if set.len() > 0 {
                return Some((period, set));
            }
            // Within days all have as many.
            if within {
                return None;
            }
            period += 1;
        }
        None
    }

    /// The first period that begins at a second or later.
    fn at_or_after(&self, second: i64) -> i64 {
        (second - self.plan.first + self.plan.step - 1).div_euclid(self.plan.step)
    }

    /// The first second, from one on, at which the parts let a period begin.
    fn begins_from(&self, second: i64) -> Option<i64> {
        let day = second.div_euclid(DAY_S);
        let admitted = self.day_from(day)?;
        if admitted == day
            && let Some(time) = self.plan.begin.from(second.rem_euclid(DAY_S))
        {
            return Some(day * DAY_S + time);
        }
        let later = if admitted > day { admitted } else { self.day_from(day + 1)? };
        Some(later * DAY_S + self.plan.begin.nth(0)?)
    }

    /// The first day, from one on, that the parts admit.
    fn day_from(&self, day: i64) -> Option<i64> {
        if !self.plan.limited {
            return Some(day);
        }
        let year = year_of(day);
        (year..=year + YEARS_OF_ALL_KINDS).find_map(|year| {
            let begins = new_year(year);
            self.plan.year(year).from(day - begins).map(|day| begins + day)
        })
    }

    /// To be asked before each period that is looked at.
    fn pass_over(&self) -> bool {
        let passed = self.passed.get().saturating_add(self.weight);
        self.passed.set(passed % PERIODS_PER_STEP);
        self.zones.step((passed / PERIODS_PER_STEP).into())
    }

    /// Is the beginning in the first period?
    fn begins(&self) -> bool {
        let first = self.next(0, self.plan.start).filter(|(period, _)| *period == 0);
        first.is_some_and(|(_, set)| set.before(self.plan.start) < set.before(self.plan.start + 1))
    }

    /// Tells the instances from one time to another. What it gives is the last instance that COUNT leaves, if that is met.
    fn walk(&self, from: DateTime, to: DateTime, mut each: impl FnMut(i64) -> bool) -> Option<i64> {
        let near = self.near(from);
        let (from, to) = (number(from), number(to));
        // The beginning counts, of the rule or not.
        let mut left = self.plan.rule.count.map(|count| count.saturating_sub(1));
        if (from..=to).contains(&self.plan.start) && self.begins() && !each(self.plan.start) {
            return None;
        }
        let (mut period, mut leapt) = if left.is_none() { (near, true) } else { (0, false) };
        let mut last = self.plan.start;
        loop {
            if left == Some(0) {
                return Some(last);
            }
            if let Some(left) = left.as_mut().filter(|_| period > 0 && !leapt) {
                (period, leapt) = (self.leap(period, near, left), true);
            }
            let (found, set) = self.next(period, to)?;
            let number = set.len();
            let told = set.before(from.max(last + 1));
            if let Some(left) = &mut left {
                // Those before the range are counted, not told.
                let first = set.before(last + 1);
                if *left <= told - first {
                    return set.nth(first + *left - 1);
                }
                *left -= told - first;
            }
            for nth in told..number {
                last = set.nth(nth)?;
                if last > to || !self.zones.step(1) || !each(last) {
                    return None;
                }
                if let Some(left) = &mut left {
                    *left -= 1;
                    if *left == 0 {
                        return Some(last);
                    }
                }
            }
            if told == number {
                last = set.nth(number - 1).unwrap_or(last).max(last);
            }
            period = found + 1;
        }
    }

    /// Passes over periods of which it is known how many instances they have, without looking at each: from one on, before
    /// another, and only as long as instances are left after them.
    fn leap(&self, period: i64, near: i64, left: &mut u64) -> i64 {
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
        if DAY_S % self.plan.step != 0 || day == target {
            return period;
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
        self.zones.spend((DAY_S / self.plan.step).unsigned_abs() / 500);
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
}

/// How many periods of so many instances each can be passed over, with some left; they are taken from what is left.
fn take(periods: i64, each: u64, left: &mut u64) -> i64 {
    let fit = left.saturating_sub(1).checked_div(each).map_or(periods, |fit| fit.try_into().unwrap_or(periods));
    let taken = periods.min(fit).max(0);
    *left -= taken.unsigned_abs() * each;
    taken
}
#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::{Date, DateTime};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::object::{Component, parse};
    use super::super::rule::Rule;
    use super::super::time::When;
    use super::super::zone::{Zone, Zones};

    const UTC: Zone = Zone::Known(TimeZone::UTC);

    fn calendar() -> Component {
        parse(b"BEGIN:VCALENDAR\nEND:VCALENDAR\n").unwrap()
    }

    /// At most so many instances of a range, and whether the search was cut short.
    fn told(start: &str, rule: &str, range: (DateTime, DateTime), most: usize) -> (Vec<DateTime>, bool) {
        let calendar = calendar();
        let zones = Zones::new(&calendar, &TimeZone::UTC);
        let mut found = Vec::new();
        let rule = Rule::read(rule).unwrap_or_else(|fault| panic!("{rule}: {fault:?}"));
        rule.follow(&When::read(start, None).unwrap(), &UTC, range, &zones, |local| {
            found.push(local);
            found.len() < most
        });
        (found, zones.is_cut())
    }

    fn day(year: i16, month: i8, day: i8) -> DateTime {
        Date::new(year, month, day).unwrap().at(0, 0, 0, 0)
    }

    fn list(numbers: std::ops::RangeInclusive<i32>, most: usize) -> impl Strategy<Value = String> {
        proptest::collection::vec(numbers, 1..=most).prop_map(|numbers| {
            let numbers = numbers.into_iter().map(|number| if number == 0 { 1 } else { number }.to_string());
            numbers.collect::<Vec<_>>().join(",")
        })
    }

    /// Any rule of all parts that its frequency takes.
    fn rule() -> impl Strategy<Value = String> {
        let frequencies = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"];
        let part = |name: &'static str, list: proptest::strategy::BoxedStrategy<String>| {
            proptest::option::weighted(0.25, list.prop_map(move |list| format!(";{name}={list}")))
                .prop_map(Option::unwrap_or_default)
        };
        let days = proptest::sample::subsequence(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"], 1..5);
        let days = (days, -5_i32..=5).prop_map(|(days, nth)| {
            let days = days.iter().map(|day| if nth == 0 { (*day).to_owned() } else { format!("{nth}{day}") });
            days.collect::<Vec<_>>().join(",")
        });
        let dates = (
            part("BYMONTH", list(1..=12, 3).boxed()),
            part("BYMONTHDAY", list(-31..=31, 4).boxed()),
            part("BYYEARDAY", list(-366..=366, 6).boxed()),
            part("BYWEEKNO", list(-53..=53, 4).boxed()),
            part("BYDAY", days.boxed()),
            proptest::sample::select(vec!["", ";RSCALE=GREGORIAN;SKIP=FORWARD", ";RSCALE=GREGORIAN;SKIP=BACKWARD"]),
        );
        let times = (
            part("BYHOUR", list(0..=23, 3).boxed()),
            part("BYMINUTE", list(0..=59, 3).boxed()),
            part("BYSECOND", list(0..=60, 3).boxed()),
            part("BYSETPOS", list(-4..=4, 2).boxed()),
        );
        let ends = proptest::option::of(1_u32..400);
        let weeks = proptest::sample::select(vec!["MO", "SU", "WE"]);
        (proptest::sample::select(frequencies.to_vec()), 1_u32..40, dates, times, ends, weeks).prop_filter_map(
            "a rule",
            |(frequency, interval, dates, times, count, weeks)| {
                let (month, monthday, yearday, week, day, skip) = dates;
                let (hour, minute, second, position) = times;
                let count = count.map(|count| format!(";COUNT={count}")).unwrap_or_default();
                let text = format!(
                    "FREQ={frequency};INTERVAL={interval};WKST={weeks}{count}{month}{monthday}{yearday}{week}{day}{skip}{hour}{minute}\
                     {second}{position}"
                );
                Rule::read(&text).is_ok().then_some(text)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn entered_anywhere_it_tells_what_it_tells_from_its_beginning(
            rule in rule(), hours in 0_i64..30_000, minutes in 0_i64..60, share in 0.0..1.0
        ) {
            let start = "20240131T223000";
            let (begins, ends) = (day(2024, 1, 31), day(2034, 1, 1));
            let (whole, cut) = told(start, &rule, (begins, ends), 3000);
            prop_assert!(whole.is_sorted() && whole.windows(2).all(|pair| pair[0] != pair[1]), "{}", rule);
            // At any time, and at the very instant of one.
            let any = begins.checked_add(hours.hours().minutes(minutes)).unwrap();
            let instant = whole.get((whole.len() as f64 * share) as usize);
            for from in [Some(any), instant.copied()].into_iter().flatten() {
                let expected: Vec<_> = whole.iter().filter(|local| **local >= from).copied().take(20).collect();
                let (found, cut_again) = told(start, &rule, (from, ends), 20);
                let same = expected.len().min(found.len());
                prop_assert_eq!(&found[..same], &expected[..same], "{} from {}", rule, from);
                prop_assert!(whole.len() == 3000 || cut || cut_again || found == expected, "{} from {}", rule, from);
            }
            // The last that COUNT leaves is the last told.
            let calendar = calendar();
            let zones = Zones::new(&calendar, &TimeZone::UTC);
            let start = When::read(start, None).unwrap();
            let last = Rule::read(&rule).unwrap().last(&start, &UTC, &zones);
            if let (Some(last), true) = (last, whole.len() < 3000 && !cut) {
                let told = whole.last().copied().unwrap_or(start.local).max(start.local);
                prop_assert!(last == told || last > ends, "{}: {} {}", rule, last, told);
            }
        }
    }

    #[test]
    fn far_from_its_beginning_a_rule_is_entered_at_once() {
        let year = (day(9998, 1, 1), day(9999, 12, 31));
        for (rule, first) in [
            ("FREQ=YEARLY", "9998-03-05T09:00:00"),
            ("FREQ=MONTHLY;INTERVAL=5;BYDAY=-1FR", "9998-04-24T09:00:00"),
            ("FREQ=WEEKLY;INTERVAL=3", "9998-01-05T09:00:00"),
            ("FREQ=DAILY;INTERVAL=10", "9998-01-05T09:00:00"),
            ("FREQ=HOURLY;INTERVAL=5", "9998-01-01T00:00:00"),
            ("FREQ=MINUTELY;INTERVAL=7;BYDAY=SU", "9998-01-04T00:06:00"),
            ("FREQ=SECONDLY", "9998-01-01T00:00:00"),
            // What is counted, too, where each period or each day has as many.
            ("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=99999999", "9998-01-05T09:00:00"),
            ("FREQ=DAILY;BYMONTH=1,2;BYHOUR=9,10;COUNT=99999999", "9998-01-01T09:00:00"),
            ("FREQ=HOURLY;INTERVAL=5;COUNT=999999999999", "9998-01-01T00:00:00"),
            ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9;BYDAY=MO;COUNT=99999999", "9998-01-05T09:00:00"),
            ("FREQ=SECONDLY;BYMONTH=5;COUNT=999999999999", "9998-05-01T00:00:00"),
        ] {
            let (found, cut) = told("00010305T090000", rule, year, 1);
            let found: Vec<_> = found.iter().map(DateTime::to_string).collect();
            assert_eq!((found, cut), (vec![first.to_owned()], false), "{rule}");
        }
    }

    #[test]
    fn what_never_comes_is_known_soon() {
        for rule in [
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31",
            "FREQ=MONTHLY;BYDAY=53MO",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
            "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=31",
            "FREQ=HOURLY;INTERVAL=2;BYHOUR=1,3,5,7",
            "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1,59;BYHOUR=4",
            "FREQ=SECONDLY;INTERVAL=2;BYSECOND=1,3,59",
            "FREQ=SECONDLY;INTERVAL=604800;BYDAY=SU",
            "FREQ=MINUTELY;BYSETPOS=2;BYSECOND=1",
            "FREQ=SECONDLY;BYSETPOS=-2;BYMINUTE=1",
            "FREQ=YEARLY;BYSETPOS=366;BYMONTH=1",
            "FREQ=YEARLY;INTERVAL=99999999999999999999",
            "FREQ=YEARLY;INTERVAL=99999999999999999999;BYWEEKNO=1",
            "RSCALE=GREGORIAN;SKIP=BACKWARD;FREQ=YEARLY;INTERVAL=99999999999999999999;BYYEARDAY=-366",
            "FREQ=MONTHLY;INTERVAL=99999999999999999999",
            "RSCALE=GREGORIAN;SKIP=FORWARD;FREQ=MONTHLY;INTERVAL=99999999999999999999;BYMONTHDAY=31;BYMONTH=2",
            "FREQ=WEEKLY;INTERVAL=99999999999999999999",
            "FREQ=DAILY;INTERVAL=99999999999999999999",
            "FREQ=HOURLY;INTERVAL=99999999999999999999;BYMONTH=3",
            "FREQ=SECONDLY;INTERVAL=99999999999999999999;COUNT=99999999999999999999",
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        ] {
            // A Monday in a year that is no leap year.
            let (found, cut) = told("19010107T000000", rule, (day(1901, 1, 8), DateTime::MAX), 10);
            assert_eq!((found, cut), (vec![], false), "{rule}");
        }
    }

    #[test]
    fn what_takes_too_long_is_cut() {
        let numbers = |least: i32, most: i32| (least..=most).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let times = format!("BYHOUR={};BYMINUTE={};BYSECOND={}", numbers(0, 23), numbers(0, 59), numbers(0, 59));
        let positions = format!("BYSETPOS={}", numbers(1, 366));
        let range = (day(2026, 1, 1), DateTime::MAX);
        for (rule, expected) in [
            // Of a set of millions the first comes as fast as the last.
            (format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{times};BYSETPOS=-1,1"), false),
            (format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{times}"), true),
            (format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{times};{positions}"), true),
            ("FREQ=SECONDLY".to_owned(), true),
            ("FREQ=MINUTELY;INTERVAL=1009;BYDAY=MO;BYHOUR=5;COUNT=99999999".to_owned(), true),
            ("FREQ=SECONDLY;INTERVAL=100003;BYHOUR=5;BYMINUTE=3;BYSECOND=2".to_owned(), true),
        ] {
            let (found, cut) = told("20260101T000000", &rule, range, usize::MAX);
            assert_eq!((found.len() < 60_000, cut), (true, expected), "{rule} {}", found.len());
        }
    }
}
