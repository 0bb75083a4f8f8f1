//! What the periods of a rule are made of: days and times of day as sets of bits, numbered so that all is arithmetic.
//!
//! Days are numbered from 1 January of the year 1, a Monday, as if the Gregorian calendar had always been; moments are
//! the seconds of these days. A set is never written out: how many lie before a moment and which is the nth follow from
//! counting bits.

use std::ops::Range;

use jiff::civil::DateTime;

use crate::model::civil::{civil_of, seconds_of};

pub(super) const DAY_S: i64 = 86_400;
/// The Gregorian calendar repeats after 400 years of so many days, which are whole weeks.
pub(super) const CYCLE_DAYS: i64 = 146_097;
/// From the first day to 1970.
const FIRST_DAY_S: i64 = 719_162 * DAY_S;

const WORD: i64 = 64;
const WORDS: usize = 6;

/// The number of 1 January.
pub(super) fn new_year(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400)
}

pub(super) fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// The year of a day.
pub(super) fn year_of(day: i64) -> i64 {
    // By the mean length of years, which is off by one at most.
    let year = (day * 400).div_euclid(CYCLE_DAYS) + 1;
    if new_year(year) > day {
        year - 1
    } else if new_year(year + 1) <= day {
        year + 1
    } else {
        year
    }
}

/// The days of a year before its nth month; before the thirteenth, all.
pub(super) fn before_month(month: i64, leap: bool) -> i64 {
    // As if February had 30 days.
    let even = (367 * month - 362) / 12;
    even - if month <= 2 { 0 } else { 2 - i64::from(leap) }
}

/// The number of a moment.
pub(super) fn number(local: DateTime) -> i64 {
    seconds_of(local) + FIRST_DAY_S
}

/// The moment of a number.
pub(super) fn moment(number: i64) -> DateTime {
    civil_of(number - FIRST_DAY_S)
}

/// Where the nth of so many stands; below zero it is counted from the end.
pub(super) fn place(nth: i64, length: i64) -> Option<i64> {
    let place = if nth > 0 { nth - 1 } else { length + nth };
    (0..length).contains(&place).then_some(place)
}

/// The bits below one.
fn below(bit: i64) -> u64 {
    if bit >= WORD { u64::MAX } else { (1 << bit.max(0)) - 1 }
}

fn has(bits: u64, bit: i64) -> bool {
    (0..WORD).contains(&bit) && bits >> bit & 1 == 1
}

/// The number of the nth bit that is set.
fn nth_bit(mut bits: u64, nth: u64) -> Option<i64> {
    for _ in 0..nth {
        bits &= bits.checked_sub(1)?;
    }
    (bits != 0).then(|| bits.trailing_zeros().into())
}

/// Days, of a year and some more at most, from one on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Days {
    pub first: i64,
    bits: [u64; WORDS],
}

impl Days {
    pub const fn none(first: i64) -> Self {
        Self { first, bits: [0; WORDS] }
    }

    /// All of so many.
    pub fn all(first: i64, length: i64) -> Self {
        let mut days = Self::none(first);
        for (bits, at) in days.bits.iter_mut().zip((0..).step_by(64)) {
            *bits = below(length - at);
        }
        days
    }

    /// So many days and no more: those whose bits are set, from one on.
    pub fn of(first: i64, bits: u64) -> Self {
        let mut days = Self::none(first);
        days.put(first, bits);
        days
    }

    /// The same, counted from another first day.
    pub fn begun(self, first: i64) -> Self {
        Self { first, ..self }
    }

    pub fn insert(&mut self, day: i64) {
        let at = day - self.first;
        let word = usize::try_from(at.div_euclid(WORD)).ok().and_then(|word| self.bits.get_mut(word));
        if let Some(word) = word {
            *word |= 1 << at.rem_euclid(WORD);
        }
    }

    /// Takes days in: those whose bits are set, from one on.
    pub fn put(&mut self, from: i64, bits: u64) {
        let at = from - self.first;
        for (word, begins) in self.bits.iter_mut().zip((0..).step_by(64)) {
            let by: i64 = at - begins;
            if (0..WORD).contains(&by) {
                *word |= bits << by;
            } else if (1 - WORD..0).contains(&by) {
                *word |= bits >> -by;
            }
        }
    }

    /// The bits of so many days, at most 64, from one on.
    pub fn window(&self, from: i64, length: i64) -> u64 {
        let at = from - self.first;
        let mut found = 0;
        for (word, begins) in self.bits.iter().zip((0..).step_by(64)) {
            let by: i64 = at - begins;
            if (0..WORD).contains(&by) {
                found |= word >> by;
            } else if (1 - WORD..0).contains(&by) {
                found |= word << -by;
            }
        }
        found & below(length)
    }

    /// Keeps what is in both, which begin with the same day.
    pub fn keep(&mut self, other: &Self) {
        for (bits, other) in self.bits.iter_mut().zip(other.bits) {
            *bits &= other;
        }
    }

    pub fn len(&self) -> u64 {
        self.bits.iter().map(|bits| u64::from(bits.count_ones())).sum()
    }

    /// How many are earlier than a day.
    pub fn before(&self, day: i64) -> u64 {
        let at = day - self.first;
        let words = self.bits.iter().zip((0..).step_by(64));
        words.map(|(bits, begins)| u64::from((bits & below(at - begins)).count_ones())).sum()
    }

    pub fn nth(&self, mut nth: u64) -> Option<i64> {
        for (bits, begins) in self.bits.iter().zip((0..).step_by(64)) {
            let number = u64::from(bits.count_ones());
            if nth < number {
                return Some(self.first + begins + nth_bit(*bits, nth)?);
            }
            nth -= number;
        }
        None
    }

    /// The first from a day on.
    pub fn from(&self, day: i64) -> Option<i64> {
        self.nth(self.before(day))
    }
}

/// Times of day: each of the hours with each of the minutes with each of the seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Times {
    pub hours: u64,
    pub minutes: u64,
    pub seconds: u64,
}

impl Times {
    pub fn len(&self) -> u64 {
        let number = |bits: u64| u64::from(bits.count_ones());
        number(self.hours) * number(self.minutes) * number(self.seconds)
    }

    pub fn contains(&self, second: i64) -> bool {
        has(self.hours, second / 3600) && has(self.minutes, second / 60 % 60) && has(self.seconds, second % 60)
    }

    /// The stretches of the day in which units of so many seconds follow one another without a gap.
    pub fn stretches(&self, unit: i64) -> Vec<(i64, i64)> {
        let mut stretches: Vec<(i64, i64)> = Vec::new();
        let mut at = 0;
        while let Some(begins) = self.from(at) {
            at = begins + unit;
            match stretches.last_mut().filter(|(_, end)| *end == begins) {
                Some((_, end)) => *end = at,
                None => stretches.push((begins, at)),
            }
        }
        stretches
    }

    /// How many are earlier than a second of the day.
    pub fn before(&self, second: i64) -> u64 {
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let earlier = |bits: u64, bit: i64| u64::from((bits & below(bit)).count_ones());
        let of_minute = u64::from(self.seconds.count_ones());
        let of_hour = of_minute * u64::from(self.minutes.count_ones());
        let mut number = earlier(self.hours, hour) * of_hour;
        if has(self.hours, hour) {
            number += earlier(self.minutes, minute) * of_minute;
            if has(self.minutes, minute) {
                number += earlier(self.seconds, second % 60);
            }
        }
        number
    }

    pub fn nth(&self, nth: u64) -> Option<i64> {
        let of_minute = u64::from(self.seconds.count_ones());
        let of_hour = of_minute * u64::from(self.minutes.count_ones());
        let hour = nth_bit(self.hours, nth.checked_div(of_hour)?)?;
        let minute = nth_bit(self.minutes, nth % of_hour / of_minute)?;
        Some(hour * 3600 + minute * 60 + nth_bit(self.seconds, nth % of_minute)?)
    }

    /// The first from a second of the day on.
    pub fn from(&self, second: i64) -> Option<i64> {
        self.nth(self.before(second))
    }
}

/// The instances of a period: each of the days at each of the times, or of these the ones that are chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Set {
    pub days: Days,
    pub times: Times,
    chosen: Chosen,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Chosen {
    All,
    /// Those at these places, ascending.
    Places(Vec<u64>),
    /// These, ascending.
    Moments(Vec<i64>),
}

impl Set {
    /// Of days and times those at the positions that a rule names: all, where it names none.
    pub fn new(days: Days, times: Times, positions: &[i64]) -> Self {
        let mut set = Self { days, times, chosen: Chosen::All };
        if !positions.is_empty() {
            let length = i64::try_from(set.len()).unwrap_or(0);
            let places =
                positions.iter().filter_map(|nth| place(*nth, length)).filter_map(|place| place.try_into().ok());
            let mut places: Vec<u64> = places.collect();
            places.sort_unstable();
            places.dedup();
            set.chosen = Chosen::Places(places);
        }
        set
    }

    /// Of some sets what lies from one day to before another.
    pub fn within(sets: &[Self], days: Days, range: Range<i64>) -> Self {
        let all = sets.iter().flat_map(|set| (0..set.len()).filter_map(|nth| set.nth(nth)));
        let mut moments: Vec<i64> =
            all.filter(|moment| (range.start * DAY_S..range.end * DAY_S).contains(moment)).collect();
        moments.sort_unstable();
        moments.dedup();
        Self { days, times: Times { hours: 0, minutes: 0, seconds: 0 }, chosen: Chosen::Moments(moments) }
    }

    pub fn len(&self) -> u64 {
        match &self.chosen {
            Chosen::All => self.days.len() * self.times.len(),
            Chosen::Places(places) => places.len() as u64,
            Chosen::Moments(moments) => moments.len() as u64,
        }
    }

    /// How many are earlier than a moment.
    pub fn before(&self, number: i64) -> u64 {
        let (day, second) = (number.div_euclid(DAY_S), number.rem_euclid(DAY_S));
        let mut place = self.days.before(day) * self.times.len();
        if self.days.window(day, 1) == 1 {
            place += self.times.before(second);
        }
        match &self.chosen {
            Chosen::All => place,
            Chosen::Places(places) => places.partition_point(|known| *known < place) as u64,
            Chosen::Moments(moments) => moments.partition_point(|known| *known < number) as u64,
        }
    }

    pub fn nth(&self, nth: u64) -> Option<i64> {
        let at = usize::try_from(nth).ok()?;
        let place = match &self.chosen {
            Chosen::All => nth,
            Chosen::Places(places) => *places.get(at)?,
            Chosen::Moments(moments) => return moments.get(at).copied(),
        };
        let times = self.times.len();
        Some(self.days.nth(place.checked_div(times)?)? * DAY_S + self.times.nth(place % times)?)
    }
}
