//! Recurrence rules, read: what RFC 5545 section 3.3.10 and RFC 7529 let people write, as plain values.
//!
//! Reading is strict about what a rule may say, and lenient about how it is spelled. How a rule is followed stands in
//! `follow`.

use std::ops::RangeInclusive;

use jiff::civil::Date;

use super::object::Component;
use super::steps::Steps;
use super::time::When;
use crate::model::condition::Condition;

/// A rule with all that people write in it is a tenth as long.
const MAX_RULE_BYTES: usize = 4096;
/// More seconds than there are in all years: whoever writes a longer interval means no second time.
const MAX_INTERVAL: i64 = 1 << 40;
/// What it costs to read a rule.
const STEPS_OF_RULE: u64 = 20;

/// How often a rule recurs, the finest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Frequency {
    Secondly,
    Minutely,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

const FREQUENCIES: [(&str, Frequency); 7] = [
    ("SECONDLY", Frequency::Secondly),
    ("MINUTELY", Frequency::Minutely),
    ("HOURLY", Frequency::Hourly),
    ("DAILY", Frequency::Daily),
    ("WEEKLY", Frequency::Weekly),
    ("MONTHLY", Frequency::Monthly),
    ("YEARLY", Frequency::Yearly),
];

/// What becomes of a day that there is not, such as 30 February (RFC 7529 section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Skip {
    Omit,
    Backward,
    Forward,
}

const SKIPS: [(&str, Skip); 3] = [("OMIT", Skip::Omit), ("BACKWARD", Skip::Backward), ("FORWARD", Skip::Forward)];

const WEEKDAYS: [(&str, u8); 7] = [("MO", 0), ("TU", 1), ("WE", 2), ("TH", 3), ("FR", 4), ("SA", 5), ("SU", 6)];

/// The day of the week as rules write it.
pub(super) fn weekday(date: Date) -> &'static str {
    let day = date.weekday().to_monday_zero_offset();
    WEEKDAYS.into_iter().find(|(_, number)| i8::try_from(*number) == Ok(day)).map_or("MO", |(name, _)| name)
}

/// The calendars by which a rule may count (RFC 7529: RSCALE).
pub const SCALES: [&str; 1] = ["GREGORIAN"];

/// All parts that a rule can have.
const PARTS: [&str; 16] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
    "RSCALE",
    "SKIP",
];

/// Why a text is no rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidRule {
    /// Longer than any rule that people write.
    TooLong,
    /// A part that no rule has.
    UnknownPart,
    /// A part that is there twice.
    Twice,
    /// There is no FREQ.
    NoFrequency,
    /// A frequency that there is not.
    UnknownFrequency,
    /// A value that is none of this part.
    NoValue,
    /// A number that this part does not take.
    OutOfRange,
    /// COUNT and UNTIL.
    CountWithUntil,
    /// BYSETPOS without another BY part.
    PositionAlone,
    /// BYWEEKNO in a rule that is not yearly.
    WeeksNotYearly,
    /// BYDAY with numbers beside BYWEEKNO.
    OrdinalInWeeks,
    /// BYYEARDAY in a daily, weekly or monthly rule.
    YearDaysBelowYear,
    /// BYMONTHDAY in a weekly rule.
    MonthDaysInWeeks,
    /// SKIP without RSCALE.
    SkipWithoutScale,
    /// RSCALE names another calendar than the Gregorian.
    UnknownScale,
}

impl InvalidRule {
    /// The condition that such a rule breaks.
    #[must_use]
    pub fn condition(self) -> Condition {
        if self == Self::UnknownScale { Condition::SupportedRscale } else { Condition::ValidCalendarData }
    }

    /// Its name, which stays.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::UnknownPart => "unknown-part",
            Self::Twice => "twice",
            Self::NoFrequency => "no-frequency",
            Self::UnknownFrequency => "unknown-frequency",
            Self::NoValue => "no-value",
            Self::OutOfRange => "out-of-range",
            Self::CountWithUntil => "count-with-until",
            Self::PositionAlone => "position-alone",
            Self::WeeksNotYearly => "weeks-not-yearly",
            Self::OrdinalInWeeks => "ordinal-in-weeks",
            Self::YearDaysBelowYear => "year-days-below-year",
            Self::MonthDaysInWeeks => "month-days-in-weeks",
            Self::SkipWithoutScale => "skip-without-scale",
            Self::UnknownScale => "unknown-scale",
        }
    }
}

/// A recurrence rule. Lists are in order and without doubles; an empty one is a part that is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rule {
    pub frequency: Frequency,
    pub interval: i64,
    pub count: Option<u64>,
    pub until: Option<When>,
    /// Bit n is the second n; minutes, hours and months likewise.
    pub seconds: u64,
    pub minutes: u64,
    pub hours: u64,
    pub months: u64,
    /// Every such day of the week; bit 0 is Monday.
    pub weekdays: u8,
    /// The nth such day of the week, which is counted from Monday.
    pub ordinals: Vec<(i64, u8)>,
    pub monthdays: Vec<i64>,
    pub yeardays: Vec<i64>,
    pub weeks: Vec<i64>,
    pub positions: Vec<i64>,
    /// The day on which weeks begin, counted from Monday.
    pub week_start: u8,
    pub skip: Skip,
}

impl Rule {
    /// Reads what is a rule.
    pub fn read(text: &str) -> Result<Self, InvalidRule> {
        let reader = RuleParser::read(text);
        reader.fault.map_or(Ok(reader.rule), Err)
    }

    /// What can be followed of a rule that may be at fault: what is none of its values is passed over. `None`: nothing.
    pub fn as_far_as_it_says(text: &str) -> Option<Self> {
        let reader = RuleParser::read(text);
        let says = reader.has("FREQ") && !reader.says_nothing;
        says.then_some(reader.rule)
    }

    /// Has it parts that say which days?
    pub fn names_days(&self) -> bool {
        let lists = [&self.monthdays, &self.yeardays, &self.weeks];
        self.weekdays != 0 || !self.ordinals.is_empty() || lists.into_iter().any(|list| !list.is_empty())
    }
}

/// The rules of a component: RRULE or EXRULE, as far as they say something.
pub(super) fn rules<'a>(component: &'a Component, name: &'a str, steps: &'a Steps) -> impl Iterator<Item = Rule> + 'a {
    let lines = component.all(name).take_while(|_| steps.take(STEPS_OF_RULE));
    lines.filter_map(|line| Rule::as_far_as_it_says(line.value()))
}

/// A rule on its way from text to values, and the first fault met.
struct RuleParser {
    rule: Rule,
    seen: Vec<&'static str>,
    fault: Option<InvalidRule>,
    says_nothing: bool,
}

impl RuleParser {
    fn read(text: &str) -> Self {
        let rule = Rule {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            seconds: 0,
            minutes: 0,
            hours: 0,
            months: 0,
            weekdays: 0,
            ordinals: Vec::new(),
            monthdays: Vec::new(),
            yeardays: Vec::new(),
            weeks: Vec::new(),
            positions: Vec::new(),
            week_start: 0,
            skip: Skip::Omit,
        };
        let mut reader = Self { rule, seen: Vec::new(), fault: None, says_nothing: false };
        if text.len() > MAX_RULE_BYTES {
            reader.blame(InvalidRule::TooLong);
            return reader;
        }
        // What is empty between two semicolons, or after the last, says nothing.
        let text = text.to_ascii_uppercase();
        for piece in text.split(';').map(str::trim).filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let name = name.trim();
            match PARTS.into_iter().find(|part| *part == name) {
                Some(part) if reader.has(part) => reader.blame(InvalidRule::Twice),
                Some(part) => {
                    reader.seen.push(part);
                    reader.part(part, value.trim());
                }
                None if name.starts_with("X-") => {}
                None => reader.blame(InvalidRule::UnknownPart),
            }
        }
        reader.together();
        reader
    }

    fn has(&self, part: &str) -> bool {
        self.seen.contains(&part)
    }

    /// The first fault is the one that is reported.
    fn blame(&mut self, fault: InvalidRule) {
        self.fault.get_or_insert(fault);
        self.says_nothing |= matches!(fault, InvalidRule::UnknownFrequency | InvalidRule::UnknownScale);
    }

    fn part(&mut self, part: &str, value: &str) {
        match part {
            "FREQ" => match named(&FREQUENCIES, value) {
                Some(frequency) => self.rule.frequency = frequency,
                None => self.blame(InvalidRule::UnknownFrequency),
            },
            "UNTIL" => {
                self.rule.until = When::read(value, None);
                if self.rule.until.is_none() {
                    self.blame(InvalidRule::NoValue);
                }
            }
            "COUNT" => self.rule.count = self.positive(value),
            "INTERVAL" => {
                let interval = self.positive(value).map(|number| i64::try_from(number).unwrap_or(MAX_INTERVAL));
                self.rule.interval = interval.unwrap_or(1).min(MAX_INTERVAL);
            }
            "BYSECOND" => self.rule.seconds = self.bits(value, 0..=60),
            "BYMINUTE" => self.rule.minutes = self.bits(value, 0..=59),
            "BYHOUR" => self.rule.hours = self.bits(value, 0..=23),
            "BYMONTH" => self.rule.months = self.bits(value, 1..=12),
            "BYDAY" => self.weekdays(value),
            "BYMONTHDAY" => self.rule.monthdays = self.either_way(value, 31),
            "BYYEARDAY" => self.rule.yeardays = self.either_way(value, 366),
            "BYWEEKNO" => self.rule.weeks = self.either_way(value, 53),
            "BYSETPOS" => self.rule.positions = self.either_way(value, 366),
            "WKST" => match named(&WEEKDAYS, value) {
                Some(day) => self.rule.week_start = day,
                None => self.blame(InvalidRule::NoValue),
            },
            "SKIP" => match named(&SKIPS, value) {
                Some(skip) => self.rule.skip = skip,
                None => self.blame(InvalidRule::NoValue),
            },
            _ if SCALES.contains(&value) => {}
            _ => self.blame(InvalidRule::UnknownScale),
        }
    }

    /// What no part says by itself.
    fn together(&mut self) {
        let rule = &self.rule;
        let (frequency, by) = (rule.frequency, rule.names_days());
        let by = by || (rule.months | rule.hours | rule.minutes | rule.seconds) != 0;
        let rows = [
            (!self.has("FREQ"), InvalidRule::NoFrequency),
            (self.has("COUNT") && self.has("UNTIL"), InvalidRule::CountWithUntil),
            (!rule.weeks.is_empty() && frequency != Frequency::Yearly, InvalidRule::WeeksNotYearly),
            (!rule.weeks.is_empty() && !rule.ordinals.is_empty(), InvalidRule::OrdinalInWeeks),
            (
                !rule.yeardays.is_empty() && (Frequency::Daily..Frequency::Yearly).contains(&frequency),
                InvalidRule::YearDaysBelowYear,
            ),
            (!rule.monthdays.is_empty() && frequency == Frequency::Weekly, InvalidRule::MonthDaysInWeeks),
            (!rule.positions.is_empty() && !by, InvalidRule::PositionAlone),
            (self.has("SKIP") && !self.has("RSCALE"), InvalidRule::SkipWithoutScale),
        ];
        for (_, fault) in rows.into_iter().filter(|(found, _)| *found) {
            self.blame(fault);
        }
        // Weeks are of years, and numbers count days of the week in months and years: elsewhere they say nothing.
        // Programs write the latter, and all others read it so.
        let rule = &mut self.rule;
        if frequency != Frequency::Yearly {
            rule.weeks.clear();
        }
        if frequency < Frequency::Monthly || !rule.weeks.is_empty() {
            rule.weekdays = rule.ordinals.drain(..).fold(rule.weekdays, |days, (_, day)| days | 1 << day);
        }
    }

    /// A number above zero; the largest that there is for all that are larger.
    fn positive(&mut self, text: &str) -> Option<u64> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            self.blame(InvalidRule::NoValue);
            return None;
        }
        let number = text.parse().unwrap_or(u64::MAX);
        if number == 0 {
            self.blame(InvalidRule::OutOfRange);
            return None;
        }
        Some(number)
    }

    /// A number with or without a sign.
    fn number(&mut self, text: &str) -> Option<i64> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            self.blame(InvalidRule::NoValue);
            return None;
        }
        let number = digits.parse().unwrap_or(i64::MAX);
        Some(if text.starts_with('-') { -number } else { number })
    }

    fn bits(&mut self, list: &str, range: RangeInclusive<i64>) -> u64 {
        let mut bits = 0;
        for text in list.split(',') {
            match self.number(text.trim()) {
                Some(number) if range.contains(&number) => bits |= 1 << number,
                Some(_) => self.blame(InvalidRule::OutOfRange),
                None => {}
            }
        }
        bits
    }

    /// Numbers from the beginning or, below zero, from the end.
    fn either_way(&mut self, list: &str, most: i64) -> Vec<i64> {
        let mut numbers = Vec::new();
        for text in list.split(',') {
            match self.number(text.trim()) {
                Some(number) if (1..=most).contains(&number.abs()) => numbers.push(number),
                Some(_) => self.blame(InvalidRule::OutOfRange),
                None => {}
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn weekdays(&mut self, list: &str) {
        for text in list.split(',').map(str::trim) {
            let (ordinal, day) = text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)).unwrap_or_default();
            let Some(day) = named(&WEEKDAYS, day) else {
                self.blame(InvalidRule::NoValue);
                continue;
            };
            if ordinal.is_empty() {
                self.rule.weekdays |= 1 << day;
                continue;
            }
            match self.number(ordinal.trim()) {
                Some(number) if (1..=53).contains(&number.abs()) => self.rule.ordinals.push((number, day)),
                Some(_) => self.blame(InvalidRule::OutOfRange),
                None => {}
            }
        }
        self.rule.ordinals.sort_unstable();
        self.rule.ordinals.dedup();
    }
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::{InvalidRule, Rule};

    #[test]
    fn what_is_no_rule_says_why() {
        let table = [
            ("", InvalidRule::NoFrequency),
            ("INTERVAL=2", InvalidRule::NoFrequency),
            ("nonsense", InvalidRule::UnknownPart),
            ("FREQ=FOO", InvalidRule::UnknownFrequency),
            ("FREQ=", InvalidRule::UnknownFrequency),
            ("FREQ=DAILY;BYEASTER=1", InvalidRule::UnknownPart),
            ("FREQ=DAILY;FREQ=DAILY", InvalidRule::Twice),
            ("FREQ=DAILY;BYHOUR=1;BYHOUR=2", InvalidRule::Twice),
            ("FREQ=DAILY;INTERVAL=0", InvalidRule::OutOfRange),
            ("FREQ=DAILY;INTERVAL=-1", InvalidRule::NoValue),
            ("FREQ=DAILY;INTERVAL=", InvalidRule::NoValue),
            ("FREQ=DAILY;INTERVAL", InvalidRule::NoValue),
            ("FREQ=DAILY;COUNT=0", InvalidRule::OutOfRange),
            ("FREQ=DAILY;COUNT=ten", InvalidRule::NoValue),
            ("FREQ=DAILY;UNTIL=nonsense", InvalidRule::NoValue),
            ("FREQ=DAILY;UNTIL=20260230", InvalidRule::NoValue),
            ("FREQ=DAILY;COUNT=2;UNTIL=20260201", InvalidRule::CountWithUntil),
            ("FREQ=WEEKLY;BYDAY=+1", InvalidRule::NoValue),
            ("FREQ=WEEKLY;BYDAY=MO,XX", InvalidRule::NoValue),
            ("FREQ=WEEKLY;BYDAY=", InvalidRule::NoValue),
            ("FREQ=WEEKLY;BYDAY=\u{e9}MO", InvalidRule::NoValue),
            ("FREQ=MONTHLY;BYDAY=0MO", InvalidRule::OutOfRange),
            ("FREQ=MONTHLY;BYDAY=54MO", InvalidRule::OutOfRange),
            ("FREQ=MONTHLY;BYDAY=--1MO", InvalidRule::NoValue),
            ("FREQ=MONTHLY;BYMONTHDAY=32", InvalidRule::OutOfRange),
            ("FREQ=MONTHLY;BYMONTHDAY=0", InvalidRule::OutOfRange),
            ("FREQ=MONTHLY;BYMONTHDAY=1.5", InvalidRule::NoValue),
            ("FREQ=YEARLY;BYYEARDAY=367", InvalidRule::OutOfRange),
            ("FREQ=YEARLY;BYYEARDAY=-99999999999999999999", InvalidRule::OutOfRange),
            ("FREQ=YEARLY;BYWEEKNO=-54", InvalidRule::OutOfRange),
            ("FREQ=YEARLY;BYMONTH=13", InvalidRule::OutOfRange),
            ("FREQ=YEARLY;BYMONTH=-1", InvalidRule::OutOfRange),
            ("FREQ=DAILY;BYHOUR=24", InvalidRule::OutOfRange),
            ("FREQ=DAILY;BYMINUTE=60", InvalidRule::OutOfRange),
            ("FREQ=DAILY;BYSECOND=61", InvalidRule::OutOfRange),
            ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", InvalidRule::OutOfRange),
            ("FREQ=MONTHLY;BYSETPOS=1", InvalidRule::PositionAlone),
            ("FREQ=MONTHLY;BYWEEKNO=1", InvalidRule::WeeksNotYearly),
            ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", InvalidRule::OrdinalInWeeks),
            ("FREQ=DAILY;BYYEARDAY=1", InvalidRule::YearDaysBelowYear),
            ("FREQ=WEEKLY;BYYEARDAY=1", InvalidRule::YearDaysBelowYear),
            ("FREQ=MONTHLY;BYYEARDAY=1", InvalidRule::YearDaysBelowYear),
            ("FREQ=WEEKLY;BYMONTHDAY=1", InvalidRule::MonthDaysInWeeks),
            ("FREQ=WEEKLY;WKST=1", InvalidRule::NoValue),
            ("FREQ=MONTHLY;SKIP=FORWARD", InvalidRule::SkipWithoutScale),
            ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=YES", InvalidRule::NoValue),
            ("RSCALE=CHINESE;FREQ=YEARLY", InvalidRule::UnknownScale),
        ];
        for (text, fault) in table {
            assert_eq!(Rule::read(text).err(), Some(fault), "{text}");
        }
        let long = format!("FREQ=DAILY;BYHOUR={}1", "1,".repeat(3000));
        assert_eq!(Rule::read(&long).err(), Some(InvalidRule::TooLong));
    }

    #[test]
    fn rules_are_read_however_they_are_spelled() {
        let rule = Rule::read("FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO,-1FR;BYMONTHDAY=1,2;BYMONTH=1,12").unwrap();
        for other in [
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO,-1FR;BYMONTHDAY=1,2;BYMONTH=1,12;",
            "freq=monthly;interval=2;byday=1mo,-1fr;bymonthday=1,2;bymonth=1,12",
            " BYMONTH = 12,1,1 ;BYMONTHDAY=2,1; BYDAY=-1FR, +1MO;;INTERVAL=02;FREQ=MONTHLY ",
            "X-MORE=1;FREQ=MONTHLY;INTERVAL=2;BYDAY=01MO,-01FR;BYMONTHDAY=+1,02;BYMONTH=01,12;WKST=MO",
            "RSCALE=GREGORIAN;SKIP=OMIT;FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO,-1FR;BYMONTHDAY=1,2;BYMONTH=1,12",
        ] {
            assert_eq!(Rule::read(other).as_ref(), Ok(&rule), "{other}");
        }
        // Where numbers say nothing, all read the day.
        for frequency in ["WEEKLY", "DAILY", "HOURLY"] {
            let plain = Rule::read(&format!("FREQ={frequency};BYDAY=MO"));
            assert_eq!(Rule::read(&format!("FREQ={frequency};BYDAY=1MO")), plain, "{frequency}");
        }
    }

    #[test]
    fn a_rule_at_fault_is_followed_as_far_as_it_says() {
        for (faulty, said) in [
            ("FREQ=WEEKLY;BYDAY=+1,TU;COUNT=3", "FREQ=WEEKLY;BYDAY=TU;COUNT=3"),
            ("FREQ=DAILY;INTERVAL=0", "FREQ=DAILY"),
            ("FREQ=DAILY;UNTIL=nonsense", "FREQ=DAILY"),
            ("FREQ=MONTHLY;BYMONTHDAY=1,32", "FREQ=MONTHLY;BYMONTHDAY=1"),
            ("FREQ=DAILY;BYEASTER=1;INTERVAL=2;INTERVAL=3", "FREQ=DAILY;INTERVAL=2"),
            ("FREQ=MONTHLY;BYWEEKNO=3;BYMONTHDAY=1", "FREQ=MONTHLY;BYMONTHDAY=1"),
        ] {
            assert!(Rule::read(faulty).is_err(), "{faulty}");
            assert_eq!(Rule::as_far_as_it_says(faulty), Rule::read(said).ok(), "{faulty}");
        }
        for nothing in ["", "nonsense", "FREQ=FOO", "RSCALE=HEBREW;FREQ=YEARLY"] {
            assert_eq!(Rule::as_far_as_it_says(nothing), None, "{nothing}");
        }
    }
}
