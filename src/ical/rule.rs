//! Recurrence rules on the time that a clock shows: read within bounds, entered near the range asked for, followed step
//! by step.

use chrono::TimeZone as _;
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use rrule::{RRule, RRuleSet, Tz, Unvalidated};

use super::recur::weekday;
use super::time::{Clock, When};
use super::zone::{Zone, Zones};

/// A rule with all that people write in it is a tenth as long.
const MAX_RULE_BYTES: usize = 4096;
/// The most instances of one period: the expander makes them all before it gives the first.
const MAX_OF_PERIOD: u64 = 20_000;
/// So many periods without an instance the expander passes over before it ends.
const MAX_PERIODS: i64 = 100_000;
/// What it costs to read a rule.
const STEPS_OF_RULE: u64 = 20;

/// How long a period is, in seconds; the days of it; and how many of it the expander passes over in a step.
static FREQUENCIES: [(&str, i64, u64, i64); 6] = [
    ("YEARLY", 366 * 86_400, 366, 1),
    ("MONTHLY", 31 * 86_400, 31, 1),
    ("WEEKLY", 7 * 86_400, 7, 2),
    ("DAILY", 86_400, 1, 2),
    ("HOURLY", 3600, 1, 4),
    ("MINUTELY", 60, 1, 4),
];

/// A recurrence rule on the time that a clock shows. Its UNTIL is kept apart.
pub(super) struct Rule {
    rule: RRule<Unvalidated>,
    parts: Vec<(String, String)>,
    until: Option<DateTime>,
    /// Length of the time from one period that counts to the next, seconds.
    period_s: i64,
    per_step: i64,
}

impl Rule {
    /// Reads a rule. `None`: it is none, or none that we can follow; the object then has its first instance alone. One that
    /// asks for too much is taken for cut short.
    pub fn read(text: &str, start: &When, zone: &Zone, zones: &Zones<'_>) -> Option<Self> {
        if !zones.step(STEPS_OF_RULE) {
            return None;
        }
        if text.len() > MAX_RULE_BYTES {
            zones.cut();
            return None;
        }
        let mut parts = Vec::new();
        let mut until = None;
        for part in text.trim().split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.split_once('=')?;
            let (name, value) = (name.trim().to_ascii_uppercase(), value.trim().to_ascii_uppercase());
            match name.as_str() {
                "UNTIL" => until = Some(last_of(&value, start, zone)?),
                "RSCALE" if value != "GREGORIAN" => return None,
                "RSCALE" | "SKIP" => {}
                _ if name.starts_with("X-") => {}
                _ => parts.push((name, value)),
            }
        }
        let part = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let (frequency, length_s, days, per_step) = *FREQUENCIES.iter().find(|row| part("FREQ") == Some(row.0))?;
        let interval = part("INTERVAL").and_then(|text| text.parse::<i64>().ok()).unwrap_or(1).max(1);
        // What multiplies within a period: finer frequencies have fewer times of their own.
        let times = match frequency {
            "MINUTELY" => &["BYSECOND"][..],
            "HOURLY" => &["BYSECOND", "BYMINUTE"],
            _ => &["BYSECOND", "BYMINUTE", "BYHOUR"],
        };
        let several = |name: &&str| part(name).map_or(1, |list| list.split(',').count() as u64);
        if times.iter().map(several).product::<u64>().saturating_mul(days) > MAX_OF_PERIOD {
            zones.cut();
            return None;
        }
        let rule = Self::parsed(&parts)?;
        Some(Self { rule, parts, until, period_s: interval.saturating_mul(length_s), per_step })
    }

    fn parsed(parts: &[(String, String)]) -> Option<RRule<Unvalidated>> {
        let text: Vec<String> = parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
        text.join(";").parse().ok()
    }

    fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Follows the rule, by the clock, from about `from` to `to`: `each` hears of every beginning, and says whether to go on.
    pub fn follow(
        &self,
        start: DateTime,
        (from, to): (DateTime, DateTime),
        zones: &Zones<'_>,
        mut each: impl FnMut(DateTime) -> bool,
    ) {
        let Some(set) = self.entered(start, from).or_else(|| self.whole(start)) else { return };
        let mut last = local_of(set.get_dt_start()).unwrap_or(start);
        let to = self.until.map_or(to, |until| until.min(to));
        let mut told = 0;
        for local in set.limit().into_iter().filter_map(|at| local_of(&at)) {
            let passed = seconds(last, local) / self.period_s / self.per_step;
            if !zones.step(1 + u64::try_from(passed).unwrap_or(0)) || local > to || !each(local) {
                return;
            }
            (last, told) = (local, told + 1);
        }
        let counted = self.part("COUNT").and_then(|count| count.parse::<u32>().ok());
        if counted.is_none_or(|count| told + 1 < count) {
            // It sought for long and found nothing more; beyond what it sought there may be something.
            zones.spend(u64::try_from(MAX_PERIODS / self.per_step).unwrap_or(0));
            if seconds(last, to) / self.period_s >= MAX_PERIODS {
                zones.cut();
            }
        }
    }

    fn whole(&self, start: DateTime) -> Option<RRuleSet> {
        // An instance that is not of the rule is counted all the same (RFC 5545 section 3.8.5.3).
        let set = self.rule.clone().build(instant_of(start)?).ok()?;
        let Some(count) = self.part("COUNT") else { return Some(set) };
        if set.clone().limit().into_iter().next().as_ref().and_then(local_of) == Some(start) {
            return Some(set);
        }
        let count = count.parse::<u32>().ok()?.checked_sub(1).filter(|count| *count > 0)?;
        self.rule.clone().count(count).build(instant_of(start)?).ok()
    }

    /// The rule entered shortly before `from`, by whole periods; `None` where it must be followed from its beginning.
    fn entered(&self, start: DateTime, from: DateTime) -> Option<RRuleSet> {
        if self.part("COUNT").is_some() || from <= start {
            return None;
        }
        let interval = self.part("INTERVAL").map_or(Some(1), |text| text.parse::<i64>().ok()).filter(|i| *i > 0)?;
        let mut parts = self.parts.clone();
        let has = |names: &[&str]| parts.iter().any(|(name, _)| names.contains(&name.as_str()));
        let back = |past: i64| (past / interval - 2).max(0) * interval;
        let date = start.date();
        let (years, months) =
            (i64::from(from.year()) - i64::from(start.year()), i64::from(from.month()) - i64::from(start.month()));
        let days = i64::from(start.date().until(from.date()).map_or(0, |span| span.get_days()));
        let mut add = Vec::new();
        let entry = match self.part("FREQ")? {
            "YEARLY" => {
                if !has(&["BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"]) {
                    if !has(&["BYMONTH"]) {
                        add.push(("BYMONTH", date.month().to_string()));
                    }
                    add.push(("BYMONTHDAY", date.day().to_string()));
                }
                let year = i16::try_from(i64::from(start.year()) + back(years)).ok()?;
                Date::new(year, 1, 1).ok()?.to_datetime(start.time())
            }
            "MONTHLY" => {
                if !has(&["BYDAY", "BYMONTHDAY"]) {
                    add.push(("BYMONTHDAY", date.day().to_string()));
                }
                let skip = back(years * 12 + months);
                date.first_of_month().checked_add(i32::try_from(skip).ok()?.months()).ok()?.to_datetime(start.time())
            }
            "WEEKLY" => {
                if !has(&["BYDAY"]) {
                    add.push(("BYDAY", weekday(date).to_owned()));
                }
                let skip = back(days / 7) * 7;
                date.checked_add(i32::try_from(skip).ok()?.days()).ok()?.to_datetime(start.time())
            }
            "DAILY" => date.checked_add(i32::try_from(back(days)).ok()?.days()).ok()?.to_datetime(start.time()),
            "HOURLY" => start.checked_add(back(days.saturating_mul(24)).hours()).ok()?,
            "MINUTELY" => start.checked_add(back(days.saturating_mul(1440)).minutes()).ok()?,
            _ => return None,
        };
        if entry <= start {
            return None;
        }
        parts.extend(add.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self::parsed(&parts)?.build(instant_of(entry)?).ok()
    }

    /// Is the beginning of a series one of its rule's?
    pub fn begins_at(&self, start: DateTime) -> bool {
        let set = instant_of(start).and_then(|at| self.rule.clone().build(at).ok());
        set.and_then(|set| local_of(&set.limit().into_iter().next()?)) == Some(start)
    }
}

/// The last time of a rule by the clock of its DTSTART. UNTIL is in UTC (RFC 5545 section 3.3.10), but clients also write
/// it by the clock, and days.
pub(super) fn last_of(text: &str, start: &When, zone: &Zone) -> Option<DateTime> {
    let when = When::read(text, None)?;
    Some(match when.clock {
        Clock::Utc if start.clock == Clock::Day => when.local,
        Clock::Utc => zone.local(Zone::Known(jiff::tz::TimeZone::UTC).instant(when.local)),
        // A day counts to its end.
        Clock::Day if start.clock != Clock::Day => when.local.date().at(23, 59, 59, 0),
        _ => when.local,
    })
}

/// From one time to another by the same clock.
fn seconds(from: DateTime, to: DateTime) -> i64 {
    from.duration_until(to).as_secs()
}

fn instant_of(local: DateTime) -> Option<chrono::DateTime<Tz>> {
    let (year, month, day) = (i32::from(local.year()), local.month(), local.day());
    let time = (local.hour(), local.minute(), local.second());
    let part = |value: i8| u32::try_from(value).unwrap_or(0);
    Tz::UTC.with_ymd_and_hms(year, part(month), part(day), part(time.0), part(time.1), part(time.2)).single()
}

fn local_of(at: &chrono::DateTime<Tz>) -> Option<DateTime> {
    Some(jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(at.timestamp()).ok()?))
}
