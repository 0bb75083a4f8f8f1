//! Recurrence rules, followed: periods, their days, the times of these, one after another and no further than asked.
//!
//! A rule is entered near what is asked for by arithmetic. Rules with periods within a day pass at once over the days
//! and times that a part excludes. As the calendar repeats every 400 years, a rule that has found nothing for so long
//! finds nothing more; what else may take long is bounded by the steps of its object.

use std::cell::Cell;
use std::ops::RangeInclusive;

use jiff::civil::DateTime;

use super::period::{DAY_S, Set, moment, new_year, number, year_of};
use super::rule::{Frequency, Rule};
use super::rule_plan::RulePlan;
use super::steps::Steps;
use super::time::When;

/// What it costs to read a rule and to make ready; more where the times that are reached are sought by the second.
const STEPS_OF_RULE: u64 = 20;
const STEPS_OF_SECONDS: u64 = 100;
/// So many periods are passed over in a step.
const PERIODS_PER_STEP: u32 = 16;
/// A leap year that begins with a certain day of the week comes again within so many years.
const YEARS_OF_ALL_KINDS: i64 = 40;

impl Rule {
    /// Follows the rule by the clock of its beginning: `each` hears, in order, of every instance from one time to
    /// another, and says whether to go on. The beginning itself is given only if it is one of the rule's, and always
    /// counted (RFC 5545 section 3.3.10). `until`: where the rule says that it ends.
    pub fn follow(
        &self,
        start: &When,
        until: Option<DateTime>,
        range: RangeInclusive<DateTime>,
        steps: &Steps,
        mut each: impl FnMut(DateTime) -> bool,
    ) {
        if let Some(walk) = RuleWalk::new(self, start, steps) {
            let (from, to) = range.into_inner();
            let to = until.map_or(to, |until| until.min(to));
            let mut given = None;
            walk.walk(from, to, |number| {
                let local = moment(number);
                // Hours of a day are the day, once.
                let local = if start.is_day() { local.date().at(0, 0, 0, 0) } else { local };
                given.replace(local) == Some(local) || each(local)
            });
        }
    }

    /// No instance of the rule is later. `None`: it goes on as long as the calendar, or nobody knows.
    pub fn last(&self, start: &When, until: Option<DateTime>, steps: &Steps) -> Option<DateTime> {
        let counted = self.count.and_then(|_| {
            let end = DateTime::MAX;
            RuleWalk::new(self, start, steps)?.walk(end, end, |_| true).map(moment)
        });
        until.into_iter().chain(counted).min()
    }

    /// Is the beginning of a series one of its rule's?
    pub fn begins_at(&self, start: &When, steps: &Steps) -> bool {
        RuleWalk::new(self, start, steps).is_some_and(|walk| walk.begins())
    }
}

/// A rule on its way.
pub(super) struct RuleWalk<'a> {
    pub(super) plan: RulePlan,
    pub(super) steps: &'a Steps,
    /// What it costs to look at a period: one for the simplest, in parts of a step.
    weight: u32,
    passed: Cell<u32>,
}

impl<'a> RuleWalk<'a> {
    fn new(rule: &Rule, start: &When, steps: &'a Steps) -> Option<Self> {
        let more = if rule.frequency == Frequency::Secondly { STEPS_OF_SECONDS } else { 0 };
        if !steps.take(STEPS_OF_RULE + more) {
            return None;
        }
        // Of what is shifted the periods before and after are looked at, too.
        let shifted = if rule.shifts() { 3 * (16 + rule.monthdays.len() + rule.yeardays.len()) } else { 0 };
        let weight = 1 + (rule.positions.len() + rule.weeks.len() + shifted) / 4;
        let weight = weight.try_into().unwrap_or(u32::MAX);
        Some(Self { plan: RulePlan::new(rule, start), steps, weight, passed: Cell::new(0) })
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
    pub(super) fn at_or_after(&self, second: i64) -> i64 {
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
    pub(super) fn day_from(&self, day: i64) -> Option<i64> {
        if !self.plan.limited {
            return Some(day);
        }
        let year = year_of(day);
        (year..=year + YEARS_OF_ALL_KINDS).find_map(|year| {
            let begins = new_year(year);
            self.plan.year(year).from(day - begins).map(|day| begins + day)
        })
    }

    /// To be called before each period that is looked at.
    pub(super) fn pass_over(&self) -> bool {
        self.pass(self.weight)
    }

    pub(super) fn pass(&self, weight: u32) -> bool {
        let passed = self.passed.get().saturating_add(weight);
        self.passed.set(passed % PERIODS_PER_STEP);
        self.steps.take((passed / PERIODS_PER_STEP).into())
    }

    /// Is the beginning in the first period?
    fn begins(&self) -> bool {
        let first = self.next(0, self.plan.start).filter(|(period, _)| *period == 0);
        first.is_some_and(|(_, set)| set.before(self.plan.start) < set.before(self.plan.start + 1))
    }

    /// Gives the instances from one time to another. What it gives is the last instance that COUNT leaves, if that is
    /// met.
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
            let given = set.before(from.max(last + 1));
            if let Some(left) = &mut left {
                // Those before the range are counted, not given.
                let first = set.before(last + 1);
                if *left <= given - first {
                    return set.nth(first + *left - 1);
                }
                *left -= given - first;
            }
            for nth in given..number {
                last = set.nth(nth)?;
                if last > to || !self.steps.take(1) || !each(last) {
                    return None;
                }
                if let Some(left) = &mut left {
                    *left -= 1;
                    if *left == 0 {
                        return Some(last);
                    }
                }
            }
            if given == number {
                last = set.nth(number - 1).unwrap_or(last).max(last);
            }
            period = found + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::{Date, DateTime};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::exceptions::Base;
    use super::super::object::{Component, parse};
    use super::super::rule::Rule;
    use super::super::time::When;
    use super::super::zone::{Zone, Zones};

    const UTC: Zone = Zone::Known(TimeZone::UTC);

    fn calendar() -> Component {
        parse(b"BEGIN:VCALENDAR\nEND:VCALENDAR\n").unwrap()
    }

    /// At most so many instances of a range, and whether the search was cut short.
    fn given(start: &str, rule: &str, range: (DateTime, DateTime), most: usize) -> (Vec<DateTime>, bool) {
        let calendar = calendar();
        let zones = Zones::new(&calendar, &TimeZone::UTC);
        let mut found = Vec::new();
        let rule = Rule::read(rule).unwrap_or_else(|fault| panic!("{rule}: {fault:?}"));
        let start = When::read(start, None).unwrap();
        let until = Base { start: &start, zone: &UTC }.until(&rule, &zones);
        rule.follow(&start, until, range.0..=range.1, &zones.steps, |local| {
            found.push(local);
            found.len() < most
        });
        (found, zones.steps.is_cut())
    }

    fn last(rule: &Rule, start: &When, zones: &Zones<'_>) -> Option<DateTime> {
        rule.last(start, Base { start, zone: &UTC }.until(rule, zones), &zones.steps)
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
                    "FREQ={frequency};INTERVAL={interval};WKST={weeks}{count}{month}{monthday}{yearday}{week}\
                     {day}{skip}{hour}{minute}{second}{position}"
                );
                Rule::read(&text).is_ok().then_some(text)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn entered_anywhere_it_gives_what_it_gives_from_its_beginning(
            rule in rule(), hours in 0_i64..30_000, minutes in 0_i64..60, share in 0.0..1.0
        ) {
            let start = "20240131T223000";
            let (begins, ends) = (day(2024, 1, 31), day(2034, 1, 1));
            let (whole, cut) = given(start, &rule, (begins, ends), 3000);
            prop_assert!(whole.is_sorted() && whole.windows(2).all(|pair| pair[0] != pair[1]), "{}", rule);
            // At any time, and at the very instant of one.
            let any = begins.checked_add(hours.hours().minutes(minutes)).unwrap();
            let instant = whole.get((whole.len() as f64 * share) as usize);
            for from in [Some(any), instant.copied()].into_iter().flatten() {
                let expected: Vec<_> = whole.iter().filter(|local| **local >= from).copied().take(20).collect();
                let (found, cut_again) = given(start, &rule, (from, ends), 20);
                let same = expected.len().min(found.len());
                prop_assert_eq!(&found[..same], &expected[..same], "{} from {}", rule, from);
                prop_assert!(whole.len() == 3000 || cut || cut_again || found == expected, "{} from {}", rule, from);
            }
            // The last that COUNT leaves is the last given.
            let calendar = calendar();
            let zones = Zones::new(&calendar, &TimeZone::UTC);
            let start = When::read(start, None).unwrap();
            let last = last(&Rule::read(&rule).unwrap(), &start, &zones);
            if let (Some(last), true) = (last, whole.len() < 3000 && !cut) {
                let given = whole.last().copied().unwrap_or(start.local).max(start.local);
                prop_assert!(last == given || last > ends, "{}: {} {}", rule, last, given);
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
            // And where the days are alike after some, or few.
            ("FREQ=SECONDLY;INTERVAL=7;BYHOUR=9;BYDAY=MO;COUNT=999999999999", "9998-01-05T09:00:00"),
            ("FREQ=MINUTELY;INTERVAL=1009;BYHOUR=5;BYDAY=MO;COUNT=999999999999", "9998-05-18T05:00:00"),
            ("FREQ=MINUTELY;INTERVAL=7;BYHOUR=9,10;COUNT=999999999999", "9998-01-01T09:06:00"),
            ("FREQ=MINUTELY;INTERVAL=11;BYMONTH=2;BYHOUR=9;COUNT=999999999999", "9998-02-01T09:01:00"),
            ("FREQ=HOURLY;INTERVAL=5;BYDAY=SU;COUNT=999999999999", "9998-01-04T03:00:00"),
        ] {
            let (found, cut) = given("00010305T090000", rule, year, 1);
            let found: Vec<_> = found.iter().map(DateTime::to_string).collect();
            assert_eq!((found, cut), (vec![first.to_owned()], false), "{rule}");
        }
    }

    /// What is counted is the beginning of what is not, wherever it is entered, also where no day has the times of
    /// another.
    #[test]
    fn what_is_counted_ends_where_it_should() {
        let start = "20240101T090000";
        for rule in [
            "FREQ=SECONDLY;INTERVAL=7;BYHOUR=9,11;BYDAY=MO,FR",
            "FREQ=SECONDLY;INTERVAL=7;BYHOUR=9;BYMINUTE=0,30;BYSECOND=0,14,21",
            "FREQ=SECONDLY;INTERVAL=100000;BYHOUR=9,10",
            "FREQ=MINUTELY;INTERVAL=7",
            "FREQ=MINUTELY;INTERVAL=7;BYHOUR=9,10,11,17;BYDAY=MO,TU",
            "FREQ=MINUTELY;INTERVAL=11;BYMONTH=1,3;BYHOUR=9;BYSECOND=0,30",
            "FREQ=MINUTELY;INTERVAL=1009;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYDAY=MO,TU,SU",
            "FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,10,20;BYSETPOS=1,-1",
            "FREQ=HOURLY;INTERVAL=7;BYHOUR=9,10,11;BYDAY=MO",
            "FREQ=HOURLY;INTERVAL=31;BYMONTHDAY=1,2,3",
            "FREQ=MINUTELY;INTERVAL=45",
        ] {
            let (all, cut) = given(start, rule, (day(2024, 1, 1), DateTime::MAX), 6000);
            assert_eq!((all.len(), cut), (6000, false), "{rule}");
            assert_eq!(all[0], day(2024, 1, 1).with().hour(9).build().unwrap(), "{rule}");
            for count in [1, 2, 50, 999, 2500, 5999] {
                let counted = format!("{rule};COUNT={count}");
                for from in [0, 1, count / 2, count - 1, count, 5000] {
                    let (found, cut) = given(start, &counted, (all[from], DateTime::MAX), usize::MAX);
                    let expected = all.get(from..count).unwrap_or_default();
                    assert_eq!((found.as_slice(), cut), (expected, false), "{counted} from {}", all[from]);
                }
                let calendar = calendar();
                let zones = Zones::new(&calendar, &TimeZone::UTC);
                let last = last(&Rule::read(&counted).unwrap(), &When::read(start, None).unwrap(), &zones);
                assert_eq!((last, zones.steps.is_cut()), (Some(all[count - 1]), false), "{counted}");
            }
        }
    }

    /// BYSETPOS is applied to each period last (RFC 5545 section 3.3.10), when days that there are not have become
    /// others (RFC 7529 section 4.1). What two periods choose of one day is given in its order.
    #[test]
    fn what_is_shifted_into_another_period_keeps_its_place() {
        for (rule, expected) in [
            (
                "SKIP=FORWARD;FREQ=MONTHLY;BYMONTHDAY=-31,31;BYHOUR=9,15;BYSETPOS=1,-1",
                "0101T09 0131T15 0201T09 0301T09 0301T15 0331T15 0401T09 0501T09 0501T15 0531T15",
            ),
            (
                "SKIP=FORWARD;FREQ=MONTHLY;BYMONTHDAY=-31,31;BYHOUR=9,15;BYSETPOS=1,-1;COUNT=5",
                "0101T09 0131T15 0201T09 0301T09 0301T15",
            ),
            (
                "SKIP=FORWARD;FREQ=MONTHLY;BYMONTHDAY=1,31;BYHOUR=9,15;BYSETPOS=2,-2",
                "0101T15 0131T09 0201T15 0301T09 0301T15 0331T09 0401T15 0501T09 0501T15 0531T09",
            ),
            (
                "SKIP=BACKWARD;FREQ=MONTHLY;BYMONTHDAY=-31,-1;BYHOUR=9,15;BYSETPOS=2,-2",
                "0101T15 0131T09 0131T15 0228T09 0301T15 0331T09 0331T15 0430T09 0501T15 0531T09 0531T15",
            ),
            (
                "SKIP=FORWARD;FREQ=MONTHLY;INTERVAL=2;BYMONTH=2,4;BYMONTHDAY=31;BYHOUR=9,15;BYSETPOS=-1",
                "0301T15 0501T15",
            ),
        ] {
            let start = if rule.contains("INTERVAL") { "20260201T090000" } else { "20260101T090000" };
            let rule = format!("RSCALE=GREGORIAN;{rule}");
            let given = |from: DateTime| {
                let (found, cut) = given(start, &rule, (from, day(2026, 6, 1)), 100);
                assert!(!cut, "{rule}");
                found.iter().map(|local| local.strftime("%m%dT%H").to_string()).collect::<Vec<_>>()
            };
            assert_eq!(given(day(2026, 1, 1)).join(" "), expected, "{rule}");
            // Wherever it is entered.
            for (nth, text) in expected.split(' ').enumerate() {
                let from = When::read(&format!("2026{text}0000"), None).unwrap().local;
                assert_eq!(
                    given(from).join(" "),
                    expected.split(' ').skip(nth).collect::<Vec<_>>().join(" "),
                    "{rule}"
                );
            }
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
            let (found, cut) = given("19010107T000000", rule, (day(1901, 1, 8), DateTime::MAX), 10);
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
            let (found, cut) = given("20260101T000000", &rule, range, usize::MAX);
            assert_eq!((found.len() < 60_000, cut), (true, expected), "{rule} {}", found.len());
        }
    }
}
