//! Recurrence rules on the time that a clock shows: entered near the range asked for, followed step by step.

use chrono::TimeZone as _;
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use rrule::{RRule, RRuleSet, Tz, Unvalidated};

use super::recur::weekday;
use super::rule::{Frequency, Rule};
use super::time::When;
use super::zone::{Zone, Zones};

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

impl Rule {
    fn parts(&self) -> Vec<(&str, String)> {
        let parts = self.text.split(';').filter_map(|part| part.split_once('='));
        let parts = parts.map(|(name, value)| (name.trim(), value.trim().to_ascii_uppercase()));
        parts.filter(|(name, _)| !matches!(*name, "UNTIL" | "RSCALE" | "SKIP") && !name.starts_with("X-")).collect()
    }

    fn part(&self, name: &str) -> Option<&str> {
        let mut parts = self.text.split(';').filter_map(|part| part.split_once('='));
        parts.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn parsed_all(&self) -> Option<RRule<Unvalidated>> {
        Self::parsed(&self.parts())
    }

    fn parsed(parts: &[(&str, String)]) -> Option<RRule<Unvalidated>> {
        let text: Vec<String> = parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
        text.join(";").parse().ok()
    }

    #[allow(dead_code, reason = "bounds of series are to be read off it")]
    /// No instance of the rule is later. `None`: it goes on, or nobody knows.
    pub fn last(&self, start: &When, zone: &Zone, zones: &Zones<'_>) -> Option<DateTime> {
        self.until(start, zone, zones)
    }

    /// Follows the rule, by the clock, from about `from` to `to`: `each` hears of every beginning, and says whether to go on.
    pub fn follow(
        &self,
        start: &When,
        zone: &Zone,
        (from, to): (DateTime, DateTime),
        zones: &Zones<'_>,
        mut each: impl FnMut(DateTime) -> bool,
    ) {
        let until = self.until(start, zone, zones);
        if !zones.step(STEPS_OF_RULE) {
            return;
        }
        let start = start.local;
        let Some((_, length_s, days, per_step)) = FREQUENCIES.iter().find(|row| self.part("FREQ") == Some(row.0))
        else {
            return;
        };
        let times = match self.frequency {
            Frequency::Minutely => &["BYSECOND"][..],
            Frequency::Hourly => &["BYSECOND", "BYMINUTE"],
            _ => &["BYSECOND", "BYMINUTE", "BYHOUR"],
        };
        let several = |name: &&str| self.part(name).map_or(1, |list| list.split(',').count() as u64);
        if times.iter().map(several).product::<u64>().saturating_mul(*days) > MAX_OF_PERIOD {
            zones.cut();
            return;
        }
        let period_s = self.interval * length_s;
        let Some(set) = self.entered(start, from).or_else(|| self.whole(start)) else { return };
        let mut last = local_of(set.get_dt_start()).unwrap_or(start);
        let to = until.map_or(to, |until| until.min(to));
        let mut told = 0;
        for local in set.limit().into_iter().filter_map(|at| local_of(&at)) {
            let passed = seconds(last, local) / period_s / per_step;
            if !zones.step(1 + u64::try_from(passed).unwrap_or(0)) || local > to || !each(local) {
                return;
            }
            (last, told) = (local, told + 1);
        }
        let counted = self.part("COUNT").and_then(|count| count.parse::<u32>().ok());
        if counted.is_none_or(|count| told + 1 < count) {
            // It sought for long and found nothing more; beyond what it sought there may be something.
            zones.spend(u64::try_from(MAX_PERIODS / per_step).unwrap_or(0));
            if seconds(last, to) / period_s >= MAX_PERIODS {
                zones.cut();
            }
        }
    }

    fn whole(&self, start: DateTime) -> Option<RRuleSet> {
        // An instance that is not of the rule is counted all the same (RFC 5545 section 3.8.5.3).
        let set = self.parsed_all()?.build(instant_of(start)?).ok()?;
        let Some(count) = self.part("COUNT") else { return Some(set) };
        if set.clone().limit().into_iter().next().as_ref().and_then(local_of) == Some(start) {
            return Some(set);
        }
        let count = count.parse::<u32>().ok()?.checked_sub(1).filter(|count| *count > 0)?;
        self.parsed_all()?.count(count).build(instant_of(start)?).ok()
    }

    /// The rule entered shortly before `from`, by whole periods; `None` where it must be followed from its beginning.
    fn entered(&self, start: DateTime, from: DateTime) -> Option<RRuleSet> {
        if self.part("COUNT").is_some() || from <= start {
            return None;
        }
        let interval = self.part("INTERVAL").map_or(Some(1), |text| text.parse::<i64>().ok()).filter(|i| *i > 0)?;
        let mut parts = self.parts();
        let has = |names: &[&str]| parts.iter().any(|(name, _)| names.contains(name));
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
        parts.extend(add);
        Self::parsed(&parts)?.build(instant_of(entry)?).ok()
    }

    /// Is the beginning of a series one of its rule's?
    pub fn begins_at(&self, start: &When) -> bool {
        let start = start.local;
        let set = instant_of(start).and_then(|at| self.parsed_all()?.build(at).ok());
        set.and_then(|set| local_of(&set.limit().into_iter().next()?)) == Some(start)
    }
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
