//! Times as iCalendar writes them (RFC 5545 sections 3.3.4 to 3.3.9), not yet instants.

use jiff::civil::{Date, DateTime};

use super::line::Property;
use crate::model::civil::{civil_of, seconds_of};

/// The first time that iCalendar can express.
const FIRST: DateTime = Date::constant(0, 1, 1).at(0, 0, 0, 0);

/// In which clock a time is read.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Clock {
    /// A whole day, wherever one is.
    Day,
    /// A time of day, wherever one is.
    Floating,
    /// UTC.
    Utc,
    /// The clock of a time zone, by its TZID.
    Zone(String),
}

/// A date, or a date and time, in a clock.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct When {
    /// As the clock shows it; a day begins at midnight.
    pub local: DateTime,
    /// The clock.
    pub clock: Clock,
}

impl When {
    /// The value of DTSTART, DTEND, DUE, RECURRENCE-ID, ...
    #[must_use]
    pub fn of(property: &Property) -> Option<Self> {
        Form::of(property).read(property.value())
    }

    /// All values of RDATE or EXDATE; of a period the beginning, and how it ends.
    pub fn all_of(property: &Property) -> impl Iterator<Item = (Self, Option<End>)> {
        let form = Form::of(property);
        property.value().split(',').filter_map(move |value| form.read_period(value))
    }

    /// Reads `20260131`, `20260131T100000` or `20260131T100000Z`. A day with a `Z` (Google wrote so) is that day.
    #[must_use]
    pub fn read(text: &str, zone: Option<&str>) -> Option<Self> {
        let text = text.trim();
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (text.strip_suffix(['Z', 'z']).unwrap_or(text), None),
        };
        let date = read_date(date)?;
        let Some(time) = time else { return Some(Self { local: midnight(date), clock: Clock::Day }) };
        let (digits, utc) = match time.strip_suffix(['Z', 'z']) {
            Some(digits) => (digits, true),
            None => (time, false),
        };
        let local = read_time(date, digits)?;
        let clock = match zone.map(str::trim).filter(|zone| !zone.is_empty()) {
            _ if utc => Clock::Utc,
            Some(zone) => Clock::Zone(zone.to_owned()),
            None => Clock::Floating,
        };
        Some(Self { local, clock })
    }

    /// The day on which it is, as it is written.
    #[must_use]
    pub fn day(&self) -> Self {
        Self { local: midnight(self.local.date()), clock: Clock::Day }
    }

    /// Is it a whole day?
    #[must_use]
    pub fn is_day(&self) -> bool {
        self.clock == Clock::Day
    }
}

/// How a period ends (RFC 5545 section 3.3.9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// At a time.
    At(When),
    /// After so long.
    After(Length),
}

/// What the parameters of a line say of its values.
struct Form {
    zone: Option<String>,
    days: bool,
}

impl Form {
    fn of(property: &Property) -> Self {
        let mut form = Self { zone: None, days: false };
        for (name, value) in property.parameters() {
            match name.as_str() {
                "TZID" => form.zone = Some(value),
                "VALUE" => form.days = value.trim().eq_ignore_ascii_case("DATE"),
                _ => {}
            }
        }
        form
    }

    /// Whole days are what is said to be days, and what has no time.
    fn read(&self, text: &str) -> Option<When> {
        let when = When::read(text, self.zone.as_deref())?;
        Some(if self.days { when.day() } else { when })
    }

    fn read_period(&self, text: &str) -> Option<(When, Option<End>)> {
        let Some((start, end)) = text.split_once('/') else { return Some((self.read(text)?, None)) };
        let end = match Length::read(end) {
            Some(length) => End::After(length),
            None => End::At(self.read(end)?),
        };
        Some((self.read(start)?, Some(end)))
    }
}

/// The beginning of a day.
fn midnight(date: Date) -> DateTime {
    date.at(0, 0, 0, 0)
}

/// The time of `date` that six digits write. 24:00 is midnight of the next day, as ISO 8601 writes it; a leap second is
/// the second before it.
fn read_time(date: Date, digits: &str) -> Option<DateTime> {
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2)?.parse::<i8>().ok();
    match (part(0)?, part(2)?, part(4)?) {
        (24, 0, 0) => date.tomorrow().ok().map(midnight),
        (hour, minute, second @ 0..=60) => {
            DateTime::new(date.year(), date.month(), date.day(), hour, minute, second.min(59), 0).ok()
        }
        _ => None,
    }
}

fn read_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(text.get(..4)?.parse().ok()?, text.get(4..6)?.parse().ok()?, text.get(6..)?.parse().ok()?).ok()
}

/// A date and time in UTC as iCalendar writes it.
#[must_use]
pub fn write_utc(at: i64) -> String {
    format!("{}Z", write_local(civil_of(at)))
}

/// A date and time without zone as iCalendar writes it, which has years of four digits.
#[must_use]
pub fn write_local(local: DateTime) -> String {
    local.max(FIRST).strftime("%Y%m%dT%H%M%S").to_string()
}

/// A date as iCalendar writes it.
#[must_use]
pub fn write_date(local: DateTime) -> String {
    local.max(FIRST).strftime("%Y%m%d").to_string()
}

/// A duration (RFC 5545 section 3.3.6): days by the calendar, the rest by the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Length {
    /// Days; weeks are seven.
    pub days: i64,
    /// Seconds.
    pub seconds: i64,
}

impl Length {
    /// Reads `P1W`, `PT15M`, `-P1DT2H`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let rest = rest.strip_prefix(['P', 'p'])?;
        let mut length = Self::default();
        let (mut number, mut clock, mut any) = (String::new(), false, false);
        for character in rest.chars() {
            if character.is_ascii_digit() {
                number.push(character);
                continue;
            }
            let unit = character.to_ascii_uppercase();
            if unit == 'T' && number.is_empty() {
                clock = true;
                continue;
            }
            // More digits than this is no duration that anyone means.
            let value: i64 = number.parse::<u32>().ok()?.into();
            number.clear();
            any = true;
            match (unit, clock) {
                ('W', false) => length.days += value * 7,
                ('D', false) => length.days += value,
                ('H', true) => length.seconds += value * 3600,
                ('M', true) => length.seconds += value * 60,
                ('S', true) => length.seconds += value,
                _ => return None,
            }
        }
        (any && number.is_empty()).then_some(Self { days: sign * length.days, seconds: sign * length.seconds })
    }

    /// The time by the clock that is so much later, at most the end of the calendar.
    #[must_use]
    pub fn after(self, local: DateTime) -> DateTime {
        // Each day is as long as the other by the clock.
        civil_of(seconds_of(local).saturating_add(self.as_seconds()))
    }

    /// So many times as long.
    #[must_use]
    pub const fn times(self, number: i64) -> Self {
        Self { days: self.days.saturating_mul(number), seconds: self.seconds.saturating_mul(number) }
    }

    /// In seconds, a day being 24 hours.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.days.saturating_mul(86_400).saturating_add(self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, End, Length, When, write_utc};
    use crate::ical::object::Property;

    #[test]
    fn times() {
        let zoned = When::read("20260329T023000", Some("Europe/Paris ")).unwrap();
        assert_eq!(zoned.clock, Clock::Zone("Europe/Paris".to_owned()));
        assert_eq!(When::read("20260101", None).unwrap().clock, Clock::Day);
        assert_eq!(When::read("20260101T100000Z", Some("X")).unwrap().clock, Clock::Utc);
        assert_eq!(When::read("20260101T100000", None).unwrap().clock, Clock::Floating);
        let bad = ["", "2026", "20261301", "20260230", "20260101T", "20260101T10", "20260101T250000", "T", "é"];
        for bad in bad.into_iter().chain(["20260101T240001", "20260101T100061", "20260101T100075", "99991231T240000"]) {
            assert_eq!(When::read(bad, None), None, "{bad}");
        }
    }

    /// What is said to be a day is one, and so is what has no time; 24:00 is the next day's midnight.
    #[test]
    fn values_are_read_as_what_they_say() {
        let table = [
            ("DTSTART;VALUE=DATE:20260127T000000", "20260127", Clock::Day),
            ("DTSTART;VALUE=date:20260127T143000Z", "20260127", Clock::Day),
            ("DTSTART;TZID=Europe/Paris;VALUE=DATE:20260127T143000", "20260127", Clock::Day),
            ("DTSTART:20260127", "20260127", Clock::Day),
            ("DTSTART:20260127Z", "20260127", Clock::Day),
            ("DTSTART;TZID=Europe/Paris:20260127", "20260127", Clock::Day),
            ("DTSTART;VALUE=DATE-TIME:20260127", "20260127", Clock::Day),
            ("DTSTART:20260228T240000", "20260301T000000", Clock::Floating),
            ("DTSTART:20261231T240000Z", "20270101T000000", Clock::Utc),
            ("DTSTART:20261231T235960Z", "20261231T235959", Clock::Utc),
            ("DTSTART;VALUE=DATE:20260127T240000", "20260128", Clock::Day),
        ];
        for (line, local, clock) in table {
            let local = When::read(local, None).unwrap().local;
            assert_eq!(When::of(&Property::parse(line).unwrap()), Some(When { local, clock }), "{line}");
        }
    }

    #[test]
    fn periods_end_at_a_time_or_after_so_long() {
        let line = "RDATE;VALUE=PERIOD:20260325T120000Z/PT3H,20260326T120000Z/20260326T180000Z,20260327T120000Z";
        let line = Property::parse(line).unwrap();
        let ends: Vec<Option<End>> = When::all_of(&line).map(|(_, end)| end).collect();
        let length = End::After(Length { days: 0, seconds: 3 * 3600 });
        assert_eq!(ends, [Some(length), Some(End::At(When::read("20260326T180000Z", None).unwrap())), None]);
    }

    #[test]
    fn times_are_written_as_far_as_the_calendar_goes() {
        let table = [
            (253_402_300_799, "99991231T235959Z"),
            (i64::MAX, "99991231T235959Z"),
            (-62_135_596_800, "00010101T000000Z"),
            (i64::MIN, "00000101T000000Z"),
        ];
        for (at, expected) in table {
            assert_eq!(write_utc(at), expected);
        }
    }

    #[test]
    fn lengths() {
        let table = [
            ("P1W", Some((7, 0))),
            ("PT15M", Some((0, 900))),
            ("-P1DT2H", Some((-1, -7200))),
            ("+PT0S", Some((0, 0))),
            ("P", None),
            ("PT", None),
            ("1D", None),
            ("P1H", None),
            ("PT99999999999H", None),
        ];
        for (text, expected) in table {
            assert_eq!(Length::read(text).map(|length| (length.days, length.seconds)), expected, "{text}");
        }
    }
}
