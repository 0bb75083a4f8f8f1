//! The names of time zones: when two are one, and which zone a name alone says.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use strum::IntoEnumIterator as _;
use windows_timezones::WindowsTimezone;

use super::object::Component;

/// No name of a zone is longer, and none has more segments.
const MAX_NAME_BYTES: usize = 255;
const MAX_SEGMENTS: usize = 10;
/// Where a system keeps its zones once more, with leap seconds or without: no names of the register.
const COPIES: [&str; 2] = ["posix/", "right/"];
/// What a name begins with that states its distance from UTC.
const ORIGINS: [&str; 3] = ["utc", "gmt", "ut"];
const DAY_S: i64 = 86_400;

/// What counts of a name. Programs escape it as a text in one place and quote it in the other, and change case and
/// spaces.
#[must_use]
pub fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    // Where a text has the end of a line, a parameter may have a backslash and a letter that says so.
    let lines = if name.contains('\\') { name.replace("\\n", " ").replace("\\N", " ") } else { name.to_owned() };
    for word in lines.split_whitespace() {
        if !key.is_empty() {
            key.push(' ');
        }
        key.extend(word.chars().filter(|c| !matches!(c, '\\' | '"')).flat_map(char::to_lowercase));
    }
    key
}

/// The name under which a VTIMEZONE describes a zone.
#[must_use]
pub fn name_of(zone: &Component) -> Option<String> {
    let name = zone.property("TZID")?.text();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// A zone that the world knows by a name, whatever an object says of it: by IANA's name, by Windows', or by IANA's
/// after a path.
#[must_use]
pub fn known(name: &str) -> Option<TimeZone> {
    let key = bounded(name)?;
    iana(&key).or_else(|| windows(&key)).or_else(|| after_path(&key))
}

/// A zone of the IANA register, by one of its names.
#[must_use]
pub fn registered(name: &str) -> Option<TimeZone> {
    iana(&bounded(name)?)
}

/// What a name may mean where nothing describes its zone: one that Windows shows without its offset, or by its summer
/// time; what stands last in a path; and an offset that it states.
#[must_use]
pub fn guessed(name: &str) -> Option<TimeZone> {
    let key = bounded(name)?;
    let last = key.rsplit('/').next().filter(|last| last.len() < key.len());
    let by_season = || ["daylight", "summer"].iter().find_map(|season| windows(&key.replace(season, "standard")));
    by_text(&key)
        .or_else(by_season)
        .or_else(|| last.and_then(|last| iana(last).or_else(|| windows(last))))
        .or_else(|| stated(&key))
        .or_else(|| last.filter(|_| !key.starts_with("etc/")).and_then(stated))
}

fn bounded(name: &str) -> Option<String> {
    let fits = name.len() <= MAX_NAME_BYTES && name.split('/').count() <= MAX_SEGMENTS;
    fits.then(|| key(name)).filter(|key| !key.is_empty())
}

/// The names of the register, by their keys. What a system keeps beside them, such as `localtime` and `posixrules`, is
/// the machine's own business; `Factory` is the place of machines that nobody configured.
static REGISTER: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let names = BUNDLED.available().map(|name| name.as_str().to_owned());
    names.filter(|name| name != "Factory").map(|name| (key(&name), name)).collect()
});

/// As it was when this was built: a system may lack old names.
static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

fn iana(key: &str) -> Option<TimeZone> {
    let spelled = key.replace(' ', "_");
    let zone = match REGISTER.get(&spelled) {
        Some(name) => TimeZone::get(name).or_else(|_| BUNDLED.get(name)),
        // A name that is newer than this.
        None if spelled.contains('/') && !COPIES.iter().any(|copy| spelled.starts_with(copy)) => {
            TimeZone::get(&spelled)
        }
        None => return None,
    };
    zone.ok().filter(|zone| !zone.is_unknown())
}

/// `/softwarestudio.org/Olson_20011030_5/America/Argentina/Salta`: the longest tail that is a name. One word is so only
/// after the slash that says that all the world knows the name (RFC 5545 section 3.8.3.1).
fn after_path(key: &str) -> Option<TimeZone> {
    let global = key.starts_with('/');
    let tails = std::iter::successors(key.split_once('/'), |(_, rest)| rest.split_once('/')).map(|(_, tail)| tail);
    tails.filter(|tail| global || tail.contains('/')).find_map(iana)
}

/// The zones of Windows: by their names, and by the texts that it shows in English, less the offset before them.
static WINDOWS: LazyLock<[HashMap<String, &'static str>; 2]> = LazyLock::new(|| {
    let each = |text: fn(WindowsTimezone) -> &'static str| {
        WindowsTimezone::iter().map(|zone| (shown(&key(text(zone))), zone.tzdb_id())).collect()
    };
    [each(WindowsTimezone::name), each(WindowsTimezone::description)]
});

/// What follows the offset in a text that Windows shows; older ones have another sign for *and*.
fn shown(key: &str) -> String {
    let text = key.strip_prefix('(').and_then(|rest| rest.split_once(") "));
    let written = |(offset, _): &(&str, &str)| ORIGINS.iter().any(|origin| offset.starts_with(origin));
    text.filter(written).map_or(key, |(_, text)| text).replace('&', "and")
}

fn windows(key: &str) -> Option<TimeZone> {
    let [names, _] = &*WINDOWS;
    let by_offset_and_text = || by_text(key).filter(|_| key.starts_with('('));
    names.get(key).and_then(|name| registered(name)).or_else(by_offset_and_text)
}

fn by_text(key: &str) -> Option<TimeZone> {
    let [_, texts] = &*WINDOWS;
    texts.get(&shown(key)).and_then(|name| registered(name))
}

/// `GMT+2`, `UTC+01:00`, `(GMT+01.00) Paris`, `+0530`: ahead of UTC by so much; `Etc/GMT+2` behind it.
fn stated(key: &str) -> Option<TimeZone> {
    let (sign, rest) = match key.strip_prefix("etc/") {
        Some(rest) => (-1, rest),
        None => (1, key),
    };
    let (parenthesis, rest) = rest.strip_prefix('(').map_or((false, rest), |rest| (true, rest));
    let origin = ORIGINS.iter().find_map(|origin| rest.strip_prefix(origin));
    let rest = origin.unwrap_or(rest).trim_start();
    let seconds = if rest.starts_with(['+', '-', '\u{2212}']) {
        let (seconds, rest) = offset(rest)?;
        Some(seconds).filter(|_| !rest.starts_with(char::is_alphanumeric))
    } else {
        let nothing = if parenthesis { rest.starts_with(')') } else { rest.is_empty() };
        ((origin.is_some() && nothing) || key == "z").then_some(0)
    };
    let offset = Offset::from_seconds(i32::try_from(sign * seconds?).ok()?).ok()?;
    Some(TimeZone::fixed(offset))
}

/// The offset from UTC at the beginning of a text, in seconds, and what follows it: `+1`, `+01`, `0100`, `-03:30`,
/// `+5.5`,
/// `-033000`.
pub(super) fn offset(text: &str) -> Option<(i64, &str)> {
    let (sign, rest) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = |text: &'_ str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (run, mut rest) = rest.split_at(digits(rest));
    // An hour may be written with one digit.
    let hours = if run.len() % 2 == 0 { 2 } else { 1 };
    let two = |from: usize| run.get(from..from + 2).map_or(Some(0), |part| part.parse::<i64>().ok());
    let mut parts = [run.get(..hours)?.parse::<i64>().ok()?, two(hours)?, two(hours + 2)?];
    if run.len() > 6 {
        return None;
    }
    if run.len() <= 2 {
        for part in parts.iter_mut().skip(1) {
            let Some(after) = rest.strip_prefix([':', '.']) else { break };
            let (written, follows) = after.split_at(digits(after));
            *part = match (written.len(), written.parse::<i64>().ok()?) {
                (1, tenths) if rest.starts_with('.') => tenths * 6,
                (2, hundredths @ 60..) if rest.starts_with('.') => hundredths * 60 / 100,
                (2, sixtieths) => sixtieths,
                _ => return None,
            };
            rest = follows;
        }
    }
    let [hours, minutes, seconds] = parts;
    let all = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && all < DAY_S).then_some((sign * all, rest))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::{TimeZone, TimeZoneDatabase};

    use super::{guessed, key, known, offset, registered};

    /// The offset of a zone in winter and in summer, in hours.
    fn offsets(zone: Option<TimeZone>) -> Option<(f64, f64)> {
        let zone = zone?;
        let at = |month| {
            let instant = TimeZone::UTC.to_timestamp(date(2026, month, 5).at(0, 0, 0, 0)).unwrap();
            f64::from(zone.to_offset(instant).seconds()) / 3600.0
        };
        Some((at(1), at(7)))
    }

    #[test]
    fn spellings_of_one_name() {
        for (one, other) in [
            ("(UTC+01:00) Bruxelles\\, Paris", "(UTC+01:00) Bruxelles, Paris"),
            ("Ours\\; theirs", "\"Ours; theirs\""),
            (" Our  Zone\t", "our zone"),
            ("a\\\\b", "a\\b"),
            ("Ours\nNew", "Ours\\NNew"),
            ("\u{c9}t\u{c9}", "\u{e9}t\u{e9}"),
        ] {
            assert_eq!(key(one), key(other), "{one}");
        }
        assert_ne!(key("Ours 1"), key("Ours 2"));
    }

    #[test]
    fn every_name_of_the_register() {
        let bundled = TimeZoneDatabase::bundled();
        let mut names = 0;
        for name in bundled.available().filter(|name| name.as_str() != "Factory") {
            names += 1;
            let name = name.as_str();
            let expected = bundled.get(name).unwrap();
            let paths = ["/freeassociation.sourceforge.net/", "/citadel.org/20190914_1/"];
            let spellings = [name.to_owned(), name.to_uppercase(), format!(" {} ", name.to_lowercase())];
            for spelled in spellings.into_iter().chain(paths.map(|path| format!("{path}{name}"))) {
                let found = known(&spelled).unwrap_or_else(|| panic!("{spelled}"));
                assert_eq!(offsets(Some(found)), offsets(Some(expected.clone())), "{spelled}");
            }
        }
        assert!(names > 580, "{names}");
        for (name, winter, summer) in [
            ("Singapore", 8.0, 8.0),
            ("Japan", 9.0, 9.0),
            ("gb", 0.0, 1.0),
            ("EST5EDT", -5.0, -4.0),
            ("US/Pacific", -8.0, -7.0),
            ("Zulu", 0.0, 0.0),
            ("UCT", 0.0, 0.0),
            ("prc", 8.0, 8.0),
            ("ROK", 9.0, 9.0),
            ("W-SU", 3.0, 3.0),
            ("NZ-CHAT", 13.75, 12.75),
            ("Etc/GMT-1", 1.0, 1.0),
            ("Etc/GMT+5", -5.0, -5.0),
            ("America/New York", -5.0, -4.0),
        ] {
            assert_eq!(offsets(registered(name)), Some((winter, summer)), "{name}");
        }
    }

    #[test]
    fn what_is_no_name() {
        let long = "x".repeat(300);
        let deep = "x/".repeat(20) + "Europe/Paris";
        for name in [
            "localtime",
            "posixrules",
            "Factory",
            "leapseconds",
            "tzdata.zi",
            "posix/localtime",
            "../../etc/passwd",
            "Etc/Unknown",
            "",
            " ",
            "/",
            "Ours",
            "GMT+25",
            "UTC+1h",
            "GMTish",
            "Utc Corporation",
            "+",
            "UTC+99:00",
            &long,
            &deep,
        ] {
            assert_eq!(offsets(known(name).or_else(|| guessed(name))), None, "{name}");
        }
    }

    #[test]
    fn names_of_windows() {
        for (name, winter, summer) in [
            ("Romance Standard Time", 1.0, 2.0),
            ("romance standard time", 1.0, 2.0),
            ("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", 1.0, 2.0),
            ("(UTC+01:00) Brussels\\, Copenhagen\\, Madrid\\, Paris", 1.0, 2.0),
            ("(GMT+01:00) Brussels, Copenhagen, Madrid, Paris", 1.0, 2.0),
            ("(UTC-05:00) Eastern Time (US & Canada)", -5.0, -4.0),
            ("(GMT-05:00) Eastern Time (US and Canada)", -5.0, -4.0),
            ("Central Pacific Standard Time", 11.0, 11.0),
        ] {
            assert_eq!(offsets(known(name)), Some((winter, summer)), "{name}");
        }
        for (name, winter, summer) in [
            ("Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", 1.0, 2.0),
            ("Romance Daylight Time", 1.0, 2.0),
            ("tzone://Microsoft/Utc", 0.0, 0.0),
            ("/microsoft/Tokyo Standard Time", 9.0, 9.0),
        ] {
            assert_eq!((known(name), offsets(guessed(name))), (None, Some((winter, summer))), "{name}");
        }
    }

    #[test]
    fn names_that_state_their_offset() {
        for (name, hours) in [
            ("GMT+2", 2.0),
            ("UTC+01:00", 1.0),
            ("UTC-3", -3.0),
            ("utc \u{2212}03:30", -3.5),
            ("GMT +0100", 1.0),
            ("GMT +0100 (Standard) / GMT +0200 (Daylight)", 1.0),
            ("+01:00", 1.0),
            ("-0930", -9.5),
            ("(GMT+01.00) Paris/Madrid", 1.0),
            ("(UTC+05:45) Katmandou", 5.75),
            ("(UTC) Temps universel coordonn\u{e9}", 0.0),
            ("UTC+5.5", 5.5),
            ("UTC+5.75", 5.75),
            ("GMT+13:00:00", 13.0),
            ("Z", 0.0),
            ("/example.org/UTC+4", 4.0),
            ("Etc/GMT+13", -13.0),
        ] {
            assert_eq!((known(name), offsets(guessed(name))), (None, Some((hours, hours))), "{name}");
        }
    }

    #[test]
    fn offsets_as_they_are_written() {
        for (text, seconds) in [
            ("+0100", 3600),
            ("0100", 3600),
            ("+1", 3600),
            ("-1", -3600),
            ("+01", 3600),
            ("+130", 5400),
            ("+01:00", 3600),
            ("-033015", -12_615),
            ("-03:30:15", -12_615),
            ("-0000", 0),
            ("+2359", 86_340),
        ] {
            assert_eq!(offset(text), Some((seconds, "")), "{text}");
        }
        for bad in ["", "+", "x", "+2400", "+0160", "+01:60", "+01:", "+1234567", "\u{e9}"] {
            assert_eq!(offset(bad), None, "{bad}");
        }
        assert_eq!(offset("+01:00) Paris"), Some((3600, ") Paris")));
    }
}
