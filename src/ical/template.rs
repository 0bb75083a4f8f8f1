//! The rules of series that Outlook has a dialogue for, as it takes them.

use jiff::civil::Date;

use super::exceptions::Base;
use super::object::Component;
use super::rule::{Rule, weekday};
use super::time::{When, write_date, write_utc};
use super::zone::Zones;

/// Days that a rule may count as one kind of day.
const DAY_SETS: [&[&str]; 3] =
    [&["MO", "TU", "WE", "TH", "FR"], &["SA", "SU"], &["MO", "TU", "WE", "TH", "FR", "SA", "SU"]];

/// The parts of a rule, as they are written.
struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parts<'a> {
    fn read(rule: &'a str) -> Option<Self> {
        let parts = rule.split(';').filter(|part| !part.is_empty()).map(|part| part.split_once('='));
        Some(Self(parts.collect::<Option<_>>()?))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Besides those that each rule may have, are there none but these?
    fn are(&self, names: &[&str]) -> bool {
        const ALWAYS: [&str; 5] = ["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"];
        self.0.iter().all(|(known, _)| ALWAYS.contains(known) || names.contains(known))
    }

    /// The frequency, and the parts that say which days, of a series that begins on a date.
    fn days(&self, date: Date) -> Option<(&'static str, String)> {
        let (part, only) = (|name: &str| self.get(name), |names: &[&str]| self.are(names));
        Some(match (part("FREQ")?, part("BYDAY"), part("BYMONTHDAY")) {
            ("DAILY", None, _) if only(&[]) => ("DAILY", String::new()),
            ("DAILY", Some(days), _) if only(&["BYDAY"]) && part("INTERVAL").is_none_or(|interval| interval == "1") => {
                ("WEEKLY", format!(";BYDAY={}", plain_days(days)?))
            }
            ("WEEKLY", days, _) if only(&["BYDAY"]) => {
                ("WEEKLY", format!(";BYDAY={}", plain_days(days.unwrap_or(weekday(date)))?))
            }
            ("MONTHLY", None, day) if only(&["BYMONTHDAY"]) => {
                ("MONTHLY", format!(";BYMONTHDAY={}", month_day(day, date.day(), 28)?))
            }
            ("MONTHLY", Some(days), _) if only(&["BYDAY", "BYSETPOS"]) => {
                ("MONTHLY", format!(";{}", nth_day(days, part("BYSETPOS"))?))
            }
            ("YEARLY", None, day)
                if only(&["BYMONTH", "BYMONTHDAY"]) && (day.is_none() || part("BYMONTH").is_some()) =>
            {
                let month = month(part("BYMONTH"), date.month())?;
                let always = if month == 2 { 28 } else { 31 };
                ("YEARLY", format!(";BYMONTHDAY={};BYMONTH={month}", month_day(day, date.day(), always)?))
            }
            ("YEARLY", Some(days), _) if only(&["BYDAY", "BYSETPOS", "BYMONTH"]) => {
                let month = month(Some(part("BYMONTH")?), date.month())?;
                ("YEARLY", format!(";{};BYMONTH={month}", nth_day(days, part("BYSETPOS"))?))
            }
            _ => return None,
        })
    }
}

/// The rule of a series as Outlook takes it; `None`: it has none like it.
pub(super) fn template(master: &Component, start: &When, zones: &Zones<'_>) -> Option<String> {
    let mut rules = master.all("RRULE");
    let (Some(rule), None) = (rules.next(), rules.next()) else { return None };
    if master.property("RDATE").is_some() || master.property("EXRULE").is_some() {
        return None;
    }
    let zone = zones.of(&start.clock);
    let read = Rule::read(rule.value()).ok()?;
    if !read.begins_at(start, &zones.steps) {
        return None;
    }
    let upper = rule.value().trim().to_ascii_uppercase();
    let parts = Parts::read(&upper)?;
    let (frequency, by) = parts.days(start.local.date())?;
    let mut out = format!("FREQ={frequency}");
    if let Some(interval) = parts.get("INTERVAL") {
        let interval: u16 = interval.parse().ok().filter(|interval| *interval > 0)?;
        out += &format!(";INTERVAL={interval}");
    }
    out += &by;
    match (parts.get("COUNT"), parts.get("UNTIL")) {
        (Some(_), Some(_)) => return None,
        (Some(count), None) => out += &format!(";COUNT={}", count.parse::<u32>().ok()?),
        (None, Some(_)) => {
            let last = Base { start, zone: &zone }.until(&read, zones)?;
            let until = if start.is_day() { write_date(last) } else { write_utc(zone.instant(last)) };
            out += &format!(";UNTIL={until}");
        }
        (None, None) => {}
    }
    if let Some(first) = parts.get("WKST").and_then(plain_days) {
        out += &format!(";WKST={first}");
    }
    Some(out)
}

/// Days of the week without ordinals.
fn plain_days(days: &str) -> Option<&str> {
    let [.., all] = DAY_SETS;
    days.split(',').all(|day| all.contains(&day)).then_some(days)
}

/// One day of the month, which each of these months has: Outlook would take the last day where it is missing.
fn month_day(given: Option<&str>, own: i8, always: i8) -> Option<i8> {
    let day = match given {
        Some(day) => day.parse().ok()?,
        None => own,
    };
    (day == -1 || (1..=always).contains(&day)).then_some(day)
}

fn month(given: Option<&str>, own: i8) -> Option<i8> {
    let month = match given {
        Some(month) => month.parse().ok()?,
        None => own,
    };
    (1..=12).contains(&month).then_some(month)
}

/// `BYDAY=2TU`, or a kind of days with one BYSETPOS.
fn nth_day(days: &str, position: Option<&str>) -> Option<String> {
    let ordinal = |text: &str| text.parse::<i8>().ok().filter(|nth| *nth == -1 || (1..=4).contains(nth));
    match position {
        None => {
            let split = days.len().checked_sub(2)?;
            let (nth, day) = (days.get(..split)?, plain_days(days.get(split..)?)?);
            Some(format!("BYDAY={}{day}", ordinal(nth)?))
        }
        Some(position) => {
            let mut set: Vec<&str> = plain_days(days)?.split(',').collect();
            set.sort_unstable();
            let position = ordinal(position)?;
            if let [day] = set.as_slice() {
                return Some(format!("BYDAY={position}{day}"));
            }
            let same = |known: &&&[&str]| known.len() == set.len() && known.iter().all(|day| set.contains(day));
            let known = DAY_SETS.iter().find(same)?;
            Some(format!("BYDAY={};BYSETPOS={position}", known.join(",")))
        }
    }
}
