//! Header text into values: `If`, `Depth`, `Destination`, `Timeout`, entity tags, dates, preferences.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{self, AsHeaderName, HeaderName};

use crate::model::etag::ETag;
use crate::model::header::{Depth, Preferences, weighted};
use crate::model::id::{Timestamp, representable};
use crate::model::lock::{DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S, MIN_TIMEOUT_S};
use crate::model::path::{Path, decode};
use crate::model::precondition::{EntityTags, IfCondition, IfList, IfState, Preconditions};

/// A header that cannot be understood; its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadHeader(pub &'static str);

/// The text of a header; bytes that are not UTF-8 are taken as Latin-1.
pub fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect::<String>().trim().to_owned(),
    })
}

/// The name of a file that is sent, as `Content-Disposition` gives it (RFC 6266 section 4.3).
#[must_use]
pub fn attached_name(headers: &HeaderMap) -> Option<String> {
    let given = text(headers, header::CONTENT_DISPOSITION)?;
    let named = |wanted: &str| {
        parameters(&given).into_iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let extended = named("filename*").and_then(|value| {
        let (_, encoded) = value.get(..).filter(|value| value.to_ascii_lowercase().starts_with("utf-8'"))?.split_at(6);
        encoded.split_once('\'').and_then(|(_, name)| decode(name))
    });
    let name = extended.or_else(|| named("filename"))?;
    // Some programs send the path on their own machine.
    name.rsplit(['/', '\\']).next().map(str::to_owned).filter(|name| !name.trim().is_empty())
}

/// The parameters of a value: what stands between quotes is whole, without what escapes a character in it.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut parts = vec![String::new()];
    let (mut is_quoted, mut characters) = (false, value.chars());
    while let Some(character) = characters.next() {
        let Some(part) = parts.last_mut() else { break };
        match character {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => part.extend(characters.next()),
            ';' if !is_quoted => parts.push(String::new()),
            other => part.push(other),
        }
    }
    let parameter =
        |part: &String| part.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.to_owned()));
    parts.iter().skip(1).filter_map(parameter).collect()
}

/// How much a client wants a media type by `Accept` (RFC 9110 section 12.5.1), in thousandths: the most specific range
/// that it is in counts.
#[must_use]
pub fn acceptance(headers: &HeaderMap, kind: &str) -> u32 {
    let Some(accept) = joined(headers, http::header::ACCEPT, ",") else { return 1000 };
    let mut best = (0, 0);
    for (range, weight) in weighted(&accept) {
        let name = range.to_ascii_lowercase();
        let specific = match name.strip_suffix("/*") {
            _ if name == kind => 3,
            Some("*") => 1,
            Some(class) if kind.split('/').next() == Some(class) => 2,
            _ => continue,
        };
        if specific > best.0 {
            best = (specific, weight);
        }
    }
    best.1
}

/// Are time zones to be described, or not (RFC 7809 section 7.1)? `None`: nothing is said.
#[must_use]
pub fn describe_zones(headers: &HeaderMap) -> Option<bool> {
    match text(headers, "caldav-timezones")?.as_str() {
        "T" => Some(true),
        "F" => Some(false),
        _ => None,
    }
}

/// The text of a header that may come in several lines (RFC 9110 section 5.3).
fn joined(headers: &HeaderMap, name: impl AsHeaderName, between: &str) -> Option<String> {
    let lines: Vec<String> =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned()).collect();
    if lines.is_empty() { None } else { Some(lines.join(between)) }
}

/// `Depth`, RFC 4918 section 10.2; `None` when it is absent.
pub fn depth(headers: &HeaderMap) -> Result<Option<Depth>, BadHeader> {
    match text(headers, "depth").map(|t| t.to_ascii_lowercase()).as_deref() {
        None => Ok(None),
        Some("0") => Ok(Some(Depth::Zero)),
        Some("1") => Ok(Some(Depth::One)),
        Some("infinity") => Ok(Some(Depth::Infinity)),
        Some(_) => Err(BadHeader("Depth")),
    }
}

/// `Overwrite`, RFC 4918 section 10.6; absent means true.
pub fn overwrite(headers: &HeaderMap) -> Result<bool, BadHeader> {
    match text(headers, "overwrite").as_deref() {
        None | Some("T" | "t") => Ok(true),
        Some("F" | "f") => Ok(false),
        Some(_) => Err(BadHeader("Overwrite")),
    }
}

/// `Destination`, RFC 4918 section 10.3: host and port as the client sees them (`None` for a mere path), and the path.
pub fn destination(headers: &HeaderMap) -> Result<Option<(Option<String>, Path)>, BadHeader> {
    let Some(text) = text(headers, "destination") else { return Ok(None) };
    let (authority, path) = split_url(&text).ok_or(BadHeader("Destination"))?;
    let path = Path::parse(path).map_err(|_| BadHeader("Destination"))?;
    Ok(Some((authority.map(str::to_owned), path)))
}

/// The path of an address that stands in a body: absolute, or a path.
#[must_use]
pub fn href(text: &str) -> Option<Path> {
    split_url(text.trim()).and_then(|(_, path)| Path::parse(path).ok())
}

/// Authority and path of an absolute URL, or the path alone.
fn split_url(text: &str) -> Option<(Option<&str>, &str)> {
    if text.starts_with('/') {
        return Some((None, text));
    }
    let (_, rest) = text.split_once("://")?;
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    Some((Some(authority), if path.is_empty() { "/" } else { path }))
}

/// `Timeout`, RFC 4918 section 10.7: the first choice we can grant, kept within our bounds.
#[must_use]
pub fn timeout_s(headers: &HeaderMap) -> i64 {
    let wanted = text(headers, "timeout").and_then(|text| {
        text.split(',').find_map(|choice| {
            let choice = choice.trim();
            if choice.eq_ignore_ascii_case("infinite") {
                return Some(MAX_TIMEOUT_S);
            }
            let (unit, number) = choice.split_once('-')?;
            if unit.eq_ignore_ascii_case("second") { number.parse().ok() } else { None }
        })
    });
    wanted.unwrap_or(DEFAULT_TIMEOUT_S).clamp(MIN_TIMEOUT_S, MAX_TIMEOUT_S)
}

/// The token of a `Lock-Token` header; angle brackets may be missing.
#[must_use]
pub fn lock_token(headers: &HeaderMap) -> Option<String> {
    text(headers, "lock-token").map(|text| text.trim_start_matches('<').trim_end_matches('>').to_owned())
}

/// `Prefer` in its spellings, and `Brief: t`. Of two that exclude each other the first counts (RFC 7240 section 2).
#[must_use]
pub fn preferences(headers: &HeaderMap) -> Preferences {
    let asked = joined(headers, "prefer", ",").unwrap_or_default();
    let plain = |token: &str| -> String { token.chars().filter(|c| !c.is_whitespace() && *c != '"').collect() };
    let tokens: Vec<String> = asked.split([',', ';']).map(|token| plain(token).to_ascii_lowercase()).collect();
    let returned = tokens.iter().find_map(|token| token.strip_prefix("return=").or(token.strip_prefix("return-")));
    let brief = text(headers, "brief").is_some_and(|t| t.eq_ignore_ascii_case("t"));
    Preferences {
        minimal: brief || returned == Some("minimal"),
        representation: !brief && returned == Some("representation"),
        rootless: tokens.iter().any(|token| token == "depth-noroot"),
    }
}

/// A date in any form of RFC 9110 section 5.6.7; one that cannot be read counts as absent (section 13.1.3).
#[must_use]
pub fn date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok()?;
    time.duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_secs()).ok())
}

/// When a client says that a file was changed: an HTTP date, but of any year. Windows counts from 1601 to 30828.
#[must_use]
pub fn file_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    date(text).or_else(|| date_of_any_year(text))
}

fn date_of_any_year(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() <= 6).map(Timestamp::from);
    let (_, rest) = text.split_once(',')?;
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let [day, month, year, time, "GMT"] = *words.as_slice() else { return None };
    let (day, year) = (number(day)?, number(year)?);
    let month = (1..).zip(MONTHS).find(|(_, name)| name.eq_ignore_ascii_case(month))?.0;
    let mut units = time.split(':').map(number);
    let (hour, minute, second) = (units.next()??, units.next()??, units.next()??);
    let next = if month == 12 { days_to(year + 1, 1) } else { days_to(year, month + 1) };
    let days = days_to(year, month) + day - 1;
    let valid = day > 0 && days < next && hour < 24 && minute < 60 && second < 60 && units.next().is_none();
    valid.then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days from 1970 to the first of a month.
fn days_to(year: i64, month: i64) -> i64 {
    // Years that begin in March have their leap day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 - 719_468
}

/// When a client says that a file was changed, in Unix seconds, perhaps with a fraction. What no number holds is as far
/// away as one can know.
#[must_use]
pub fn unix_seconds(text: &str) -> Option<Timestamp> {
    let whole = text.trim().split('.').next()?;
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let far = if whole.starts_with('-') { Timestamp::MIN } else { Timestamp::MAX };
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| whole.parse().unwrap_or(far))
}

/// A time as RFC 9110 wants it.
#[must_use]
pub fn http_date(at: Timestamp) -> String {
    let seconds = u64::try_from(representable(at)).unwrap_or_default();
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

/// All conditional headers.
pub fn preconditions(headers: &HeaderMap) -> Result<Preconditions, BadHeader> {
    let if_lists = match joined(headers, "if", " ") {
        Some(text) => if_header(&text).ok_or(BadHeader("If"))?,
        None => Vec::new(),
    };
    Ok(Preconditions {
        if_match: tags(headers, header::IF_MATCH)?,
        if_none_match: tags(headers, header::IF_NONE_MATCH)?,
        if_schedule_tag_match: schedule_tag(headers)?,
        if_modified_since: text(headers, header::IF_MODIFIED_SINCE).as_deref().and_then(date),
        if_unmodified_since: text(headers, header::IF_UNMODIFIED_SINCE).as_deref().and_then(date),
        if_lists,
        lock_token: lock_token(headers),
    })
}

/// `Cal-Managed-ID` (RFC 8607 section 5.1): what an attachment is called from now on.
pub const CAL_MANAGED_ID: HeaderName = HeaderName::from_static("cal-managed-id");
/// `Schedule-Tag` (RFC 6638 section 8.2).
pub const SCHEDULE_TAG: HeaderName = HeaderName::from_static("schedule-tag");

/// `Schedule-Reply: F`: does a client ask that no reply be sent (RFC 6638 section 8.1)?
#[must_use]
pub fn without_reply(headers: &HeaderMap) -> bool {
    text(headers, "schedule-reply").is_some_and(|value| value.eq_ignore_ascii_case("F"))
}

/// `If-Schedule-Tag-Match` (RFC 6638 section 8.3).
fn schedule_tag(headers: &HeaderMap) -> Result<Option<String>, BadHeader> {
    const NAME: &str = "if-schedule-tag-match";
    let Some(text) = text(headers, NAME) else { return Ok(None) };
    let (tag, _) = entity_tag(text.trim()).ok_or(BadHeader("If-Schedule-Tag-Match"))?;
    Ok(Some(tag.opaque))
}

fn tags(headers: &HeaderMap, name: HeaderName) -> Result<Option<EntityTags>, BadHeader> {
    let bad = if name == header::IF_MATCH { BadHeader("If-Match") } else { BadHeader("If-None-Match") };
    let Some(text) = joined(headers, name, ", ") else { return Ok(None) };
    if text == "*" {
        return Ok(Some(EntityTags::Any));
    }
    let mut list = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (tag, after) = entity_tag(rest).ok_or(bad)?;
        list.push(tag);
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    Ok(Some(EntityTags::List(list)))
}

/// Reads one entity tag; also with escaped quotes (`\"x\"`, old Evolution) or without quotes.
pub fn entity_tag(text: &str) -> Option<(ETag, &str)> {
    let (weak, rest) = match text.strip_prefix("W/") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    for quote in ["\\\"", "\""] {
        if let Some(inside) = rest.strip_prefix(quote) {
            let (opaque, after) = inside.split_once(quote)?;
            return Some((ETag { opaque: opaque.to_owned(), weak }, after));
        }
    }
    let end = rest.find([',', ' ', ']']).unwrap_or(rest.len());
    let (opaque, after) = rest.split_at(end);
    if opaque.is_empty() { None } else { Some((ETag { opaque: opaque.to_owned(), weak }, after)) }
}

/// `If`, RFC 4918 section 10.4.2.
fn if_header(text: &str) -> Option<Vec<IfList>> {
    let mut lists = Vec::new();
    let mut resource = None;
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('<') {
            let (url, after) = inside.split_once('>')?;
            resource = Some(Path::parse(split_url(url)?.1).ok()?);
            rest = after.trim_start();
            // A resource tag without a list says nothing.
            if !rest.starts_with('(') {
                return None;
            }
            continue;
        }
        let (conditions, after) = if_list(rest.strip_prefix('(')?)?;
        lists.push(IfList { resource: resource.clone(), conditions });
        rest = after.trim_start();
    }
    if lists.is_empty() { None } else { Some(lists) }
}

fn if_list(text: &str) -> Option<(Vec<IfCondition>, &str)> {
    let mut conditions = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix(')') {
            return if conditions.is_empty() { None } else { Some((conditions, after)) };
        }
        let negated = rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("not"));
        if negated {
            rest = rest.get(3..)?.trim_start();
        }
        let (state, after) = if let Some(inside) = rest.strip_prefix('<') {
            let (token, after) = inside.split_once('>')?;
            (IfState::Token(token.trim().to_owned()), after)
        } else {
            let (tag, after) = entity_tag(rest.strip_prefix('[')?.trim_start())?;
            (IfState::Tag(tag), after.trim_start().strip_prefix(']')?)
        };
        conditions.push(IfCondition { negated, state });
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().expect("a header value"));
        }
        map
    }

    #[test]
    fn if_grammar() {
        let token = |t: &str| IfCondition { negated: false, state: IfState::Token(t.into()) };
        // RFC 4918 sections 10.4.6 to 10.4.10.
        let parsed = if_header("(<urn:uuid:1> [\"I am an ETag\"]) ([\"I am another ETag\"])").expect("RFC example");
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].conditions[0], token("urn:uuid:1"));
        let parsed = if_header("(Not <urn:uuid:1> <urn:uuid:2>)").expect("RFC example");
        assert!(parsed[0].conditions[0].negated && !parsed[0].conditions[1].negated);
        let parsed =
            if_header("</resource1> (<urn:uuid:1> [W/\"A weak ETag\"]) ([\"strong ETag\"])").expect("RFC example");
        assert_eq!(parsed[1].resource, Some(Path::of(&["resource1"])));
        let parsed = if_header("<http://h:80/a%20b>(<t>)").expect("absolute");
        assert_eq!(parsed[0].resource, Some(Path::of(&["a b"])));
        for bad in ["", "()", "(", "<t>", "(<t>", "x", "(Not)", "([\"a\")", "</a/../b> (<t>)"] {
            assert_eq!(if_header(bad), None, "{bad}");
        }
    }

    #[test]
    fn tags_in_every_spelling() {
        for (value, opaques) in
            [("\"a\"", vec!["a"]), ("\"a\", W/\"b\"", vec!["a", "b"]), ("\\\"a\\\"", vec!["a"]), ("a", vec!["a"])]
        {
            let map = headers(&[("if-match", value)]);
            let Ok(Some(EntityTags::List(list))) = tags(&map, header::IF_MATCH) else { panic!("{value}") };
            assert_eq!(list.iter().map(|t| t.opaque.as_str()).collect::<Vec<_>>(), opaques);
        }
        assert_eq!(tags(&headers(&[("if-none-match", "*")]), header::IF_NONE_MATCH), Ok(Some(EntityTags::Any)));
    }

    #[test]
    fn timeouts_are_kept_within_bounds() {
        for (value, seconds) in [
            ("Second-3600", 3600),
            ("Infinite, Second-4100000000", MAX_TIMEOUT_S),
            ("Second-1", MIN_TIMEOUT_S),
            ("Second-99999999999999999999", DEFAULT_TIMEOUT_S),
            ("Extend, Second-180", 180),
        ] {
            assert_eq!(timeout_s(&headers(&[("timeout", value)])), seconds, "{value}");
        }
        assert_eq!(timeout_s(&HeaderMap::new()), DEFAULT_TIMEOUT_S);
    }

    #[test]
    fn small_headers() {
        assert_eq!(depth(&headers(&[("depth", "Infinity")])), Ok(Some(Depth::Infinity)));
        assert_eq!(depth(&headers(&[("depth", "2")])), Err(BadHeader("Depth")));
        assert_eq!(overwrite(&headers(&[("overwrite", "F")])), Ok(false));
        assert!(preferences(&headers(&[("prefer", "depth-noroot, return=minimal")])).minimal);
        assert!(preferences(&headers(&[("prefer", "return-minimal")])).minimal);
        assert!(preferences(&headers(&[("brief", "t")])).minimal);
        let both =
            preferences(&headers(&[("prefer", "return=representation"), ("prefer", "Depth-NoRoot;x, return=minimal")]));
        assert!(both.representation && both.rootless && !both.minimal);
        assert!(
            !preferences(&headers(&[("prefer", "return=minimal"), ("prefer", "return=representation")])).representation
        );
        assert_eq!(preferences(&headers(&[("prefer", "respond-async, wait=10")])), Preferences::default());
        assert_eq!(lock_token(&headers(&[("lock-token", "<urn:uuid:1>")])), Some("urn:uuid:1".into()));
        assert_eq!(lock_token(&headers(&[("lock-token", "urn:uuid:1")])), Some("urn:uuid:1".into()));
        let to = destination(&headers(&[("destination", "https://h.fr:8/a%20b/c d")]));
        assert_eq!(to, Ok(Some((Some("h.fr:8".into()), Path::of(&["a b", "c d"])))));
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    }

    #[test]
    fn files_have_dates_of_any_year() {
        for (text, at) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("\n  Sun, 06 Nov 1994 08:49:37 GMT\n", Some(784_111_777)),
            // The day of the week is not believed.
            ("Mon, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Mon, 01 Jan 1601 00:00:00 GMT", Some(-11_644_473_600)),
            ("Wed, 31 Dec 1969 23:00:00 GMT", Some(-3_600)),
            ("Thu, 29 Feb 1968 00:00:00 GMT", Some(-58_060_800)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
            ("Sat, 01 Jan 10000 00:00:00 GMT", Some(253_402_300_800)),
            ("Thu, 14 Sep 30828 02:48:05 GMT", Some(910_692_730_085)),
            ("Wed, 29 Feb 1967 00:00:00 GMT", None),
            ("Mon, 00 Jan 1601 00:00:00 GMT", None),
            ("Mon, 01 Jan 1601 24:00:00 GMT", None),
            ("Mon, 01 Jan 1601 00:00 GMT", None),
            ("Mon, 01 Jan 1601 00:00:00:00 GMT", None),
            ("Mon, 01 Jan 16010000 00:00:00 GMT", None),
            ("Mon, 01 Jan -1601 00:00:00 GMT", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(file_date(text), at, "{text}");
        }
        for (text, at) in [
            ("784111777", Some(784_111_777)),
            ("784111777.25", Some(784_111_777)),
            ("-3600", Some(-3_600)),
            ("99999999999999999999999", Some(Timestamp::MAX)),
            ("-99999999999999999999999", Some(Timestamp::MIN)),
            ("1e9", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(unix_seconds(text), at, "{text}");
        }
    }
}
