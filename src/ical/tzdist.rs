//! Time zones as a service describes them (RFC 7808): which there are, the rules of one, when its clocks change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use jiff::Timestamp as Instant;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use super::object::fold_into;
use super::time::{write_local, write_utc};
use super::tzid::registered;
use crate::model::calendar::TimeRange;
use crate::model::civil::seconds_of;
use crate::model::id::Timestamp;

/// What lies beyond this year is not listed: nobody knows the rules of that time.
const LAST_YEAR: i16 = 2100;
/// The most changes of one zone that are listed: there are about three hundred.
const MAX_CHANGES: usize = 2_000;

/// A zone of the register, and the tag of its description.
pub struct ListedZone {
    /// Its name.
    pub name: String,
    /// Changes with its rules.
    pub tag: String,
}

/// A moment at which a clock changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observance {
    /// When.
    pub at: Timestamp,
    /// Offsets before and after, seconds.
    pub offsets: (i32, i32),
    /// What the time is called from then on.
    pub name: String,
    /// Is it daylight saving time?
    pub daylight: bool,
    /// By the clock before.
    local: DateTime,
}

/// A time that a zone has: daylight saving or not, offsets before and after, what it is called.
type Time<'a> = (bool, (i32, i32), &'a str);

static LISTED: LazyLock<Vec<ListedZone>> = LazyLock::new(|| {
    let names = jiff::tz::db().available().map(|name| name.as_str().to_owned());
    let listed = names.filter_map(|name| Some(ListedZone { tag: tag(&described(&name)?), name }));
    let mut listed: Vec<ListedZone> = listed.collect();
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    listed
});

/// The zones, by their names.
#[must_use]
pub fn listed() -> &'static [ListedZone] {
    &LISTED
}

/// Changes when any of them does.
#[must_use]
pub fn token() -> String {
    tag(&listed().iter().map(|zone| zone.tag.as_str()).collect::<Vec<_>>().concat())
}

/// Characters of a tag.
const TAG_CHARS: usize = 32;

/// The tag of a text.
#[must_use]
pub fn tag(text: &str) -> String {
    let mut tag = hex::encode(Sha256::digest(text.as_bytes()));
    tag.truncate(TAG_CHARS);
    tag
}

/// What lies in a pattern: a name, or a part of it where a `*` stands at its beginning or end (RFC 7808 section 5.6).
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace([' ', '_'], "");
    let (open_start, open_end) = (pattern.starts_with('*'), pattern.len() > 1 && pattern.ends_with('*'));
    let (sought, name) = (plain(pattern.trim_matches('*')), plain(name));
    match (open_start, open_end) {
        (true, true) => name.contains(&sought),
        (true, false) => name.ends_with(&sought),
        (false, true) => name.starts_with(&sought),
        (false, false) => name == sought,
    }
}

/// The end of what is listed.
#[must_use]
pub fn last() -> Timestamp {
    Date::new(LAST_YEAR, 1, 1).map_or(Timestamp::MAX, |date| seconds_of(date.at(0, 0, 0, 0)))
}

/// When the clock of a zone changes within a range, and the offset at its beginning.
fn changes(zone: &TimeZone, range: TimeRange) -> (i32, Vec<Observance>) {
    let instant = |at: Timestamp| Instant::from_second(at).unwrap_or(if at > 0 { Instant::MAX } else { Instant::MIN });
    let (start, end) = (instant(range.start), instant(range.end.min(last())));
    let first = zone.to_offset(start);
    let mut before = first;
    let mut found = Vec::new();
    for next in zone.following(start).take_while(|next| next.timestamp() < end).take(MAX_CHANGES) {
        found.push(Observance {
            at: next.timestamp().as_second(),
            offsets: (before.seconds(), next.offset().seconds()),
            name: next.abbreviation().to_owned(),
            daylight: next.dst().is_dst(),
            local: before.to_datetime(next.timestamp()),
        });
        before = next.offset();
    }
    (first.seconds(), found)
}

/// The changes of a zone of a name in a range; `None`: there is no such zone.
#[must_use]
pub fn observances(name: &str, range: TimeRange) -> Option<Vec<Observance>> {
    Some(changes(&registered(name)?, range).1)
}

/// A zone of a name as an iCalendar object: each of its times with the moments at which it began.
#[must_use]
pub fn described(name: &str) -> Option<String> {
    let zone = registered(name)?;
    let (first, changes) = changes(&zone, TimeRange::ALL);
    let mut times: BTreeMap<Time<'_>, Vec<DateTime>> = BTreeMap::new();
    for change in &changes {
        times.entry((change.daylight, change.offsets, &change.name)).or_default().push(change.local);
    }
    let mut out = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Beffroi//Beffroi//EN\r\nBEGIN:VTIMEZONE\r\n".to_owned();
    let _ = write!(out, "TZID:{name}\r\n");
    if !changes.is_empty() {
        let _ = write!(out, "TZUNTIL:{}\r\n", write_utc(last()));
    }
    let begin = Date::new(1800, 1, 1).map(|date| date.at(0, 0, 0, 0)).unwrap_or_default();
    observance(&mut out, false, (first, first), None, &[begin]);
    for ((daylight, offsets, called), onsets) in &times {
        observance(&mut out, *daylight, *offsets, Some(called), onsets);
    }
    out.push_str("END:VTIMEZONE\r\nEND:VCALENDAR\r\n");
    Some(out)
}

fn observance(out: &mut String, daylight: bool, (from_s, to_s): (i32, i32), called: Option<&str>, onsets: &[DateTime]) {
    let Some((first, others)) = onsets.split_first() else { return };
    let kind = if daylight { "DAYLIGHT" } else { "STANDARD" };
    let _ = write!(out, "BEGIN:{kind}\r\nDTSTART:{}\r\n", write_local(*first));
    let _ = write!(out, "TZOFFSETFROM:{}\r\nTZOFFSETTO:{}\r\n", offset(from_s), offset(to_s));
    if let Some(called) = called {
        let _ = write!(out, "TZNAME:{called}\r\n");
    }
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(|onset| write_local(*onset)).collect();
        fold_into(out, &format!("RDATE:{}", others.join(",")));
    }
    let _ = write!(out, "END:{kind}\r\n");
}

fn offset(seconds: i32) -> String {
    let (sign, all) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let (hours, minutes, rest) = (all / 3600, all / 60 % 60, all % 60);
    let rest = if rest == 0 { String::new() } else { format!("{rest:02}") };
    format!("{sign}{hours:02}{minutes:02}{rest}")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{described, fits, listed, observances};
    use crate::ical::object::parse;
    use crate::ical::time::{Clock, When};
    use crate::ical::zone::Zones;
    use crate::model::calendar::TimeRange;

    /// What is described shows the time of the zone itself, in any year.
    #[test]
    fn descriptions_agree_with_the_zones() {
        for name in
            ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "UTC"]
        {
            let text = described(name).unwrap().replace(&format!("TZID:{name}"), "TZID:alone");
            let calendar = parse(text.as_bytes()).unwrap();
            let zones = Zones::new(&calendar, &TimeZone::UTC);
            let zone = TimeZone::get(name).unwrap();
            for step in 0..2000 {
                let at = -2_000_000_000 + step * 3_000_017;
                let local = zone.to_datetime(jiff::Timestamp::from_second(at).unwrap());
                let when = When { local, clock: Clock::Zone("alone".to_owned()) };
                let known = crate::ical::zone::Zone::Known(zone.clone()).instant(local);
                assert_eq!(zones.instant(&when), known, "{name} {local}");
            }
        }
        assert_eq!(described("Nowhere"), None);
    }

    #[test]
    fn zones_are_listed_and_found() {
        let names: Vec<&str> = listed().iter().map(|zone| zone.name.as_str()).collect();
        assert!(names.len() > 400 && names.is_sorted());
        assert!(["Europe/Paris", "Indian/Reunion", "UTC"].iter().all(|name| names.contains(name)));
        for (pattern, found) in [
            ("Europe/Paris", true),
            ("europe/paris", true),
            ("*paris", true),
            ("europe*", true),
            ("*rope/pa*", true),
            ("paris", false),
            ("Paris*", false),
            ("", false),
        ] {
            assert_eq!(fits(pattern, "Europe/Paris"), found, "{pattern}");
        }
        assert!(fits("*new york", "America/New_York"));
    }

    #[test]
    fn changes_of_a_year() {
        let year = TimeRange { start: 1_767_225_600, end: 1_798_761_600 };
        let listed = observances("Europe/Paris", year).unwrap();
        let listed: Vec<_> = listed.iter().map(|change| (change.at, change.offsets, change.daylight)).collect();
        assert_eq!(listed, [(1_774_746_000, (3600, 7200), true), (1_792_890_000, (7200, 3600), false)]);
        assert_eq!(observances("UTC", year), Some(Vec::new()));
        assert_eq!(observances("Nowhere", year), None);
    }
}
