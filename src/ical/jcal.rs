//! jCal (RFC 7265): the same objects as JSON. What is stored is iCalendar; see [`super::jcal_read`].

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::object::{Component, Property};
use super::time::{Clock, When, write_date};
use super::tzid;
use crate::model::budget::Exhausted;

/// What a value is when its VALUE parameter does not say so (RFC 5545 section 3.8).
static TYPES: [(&str, &[&str]); 9] = [
    (
        "date-time",
        &[
            "DTSTART",
            "DTEND",
            "DUE",
            "DTSTAMP",
            "CREATED",
            "LAST-MODIFIED",
            "COMPLETED",
            "RECURRENCE-ID",
            "EXDATE",
            "RDATE",
        ],
    ),
    ("duration", &["DURATION", "TRIGGER", "REFRESH-INTERVAL"]),
    ("period", &["FREEBUSY"]),
    ("integer", &["PRIORITY", "SEQUENCE", "REPEAT", "PERCENT-COMPLETE"]),
    ("uri", &["URL", "ATTACH", "TZURL", "SOURCE", "IMAGE", "CONFERENCE"]),
    ("cal-address", &["ATTENDEE", "ORGANIZER"]),
    ("utc-offset", &["TZOFFSETFROM", "TZOFFSETTO"]),
    ("recur", &["RRULE", "EXRULE"]),
    ("float", &["GEO"]),
];

/// Texts and times of which one line may hold several.
const SEVERAL: [&str; 5] = ["CATEGORIES", "RESOURCES", "EXDATE", "RDATE", "FREEBUSY"];
/// Parameters that hold several values.
const LISTS: [&str; 3] = ["DELEGATED-FROM", "DELEGATED-TO", "MEMBER"];

/// The longest line whose values are separated, bytes: as values they take fifty times as much.
const MAX_LIST_BYTES: usize = 256 * 1024;

/// Writes a component: its name, properties and components (section 3.3). Line by line, for as values they take many
/// times their length.
pub(super) fn write(out: &mut String, component: &Component) -> Result<(), Exhausted> {
    begin(out, component)?;
    for (place, part) in component.components.iter().enumerate() {
        separate(out, place);
        write(out, part)?;
    }
    end(out);
    Ok(())
}

/// Writes a component as far as the components in it, which [`separate`] parts, before [`end`].
pub(super) fn begin(out: &mut String, component: &Component) -> Result<(), Exhausted> {
    let _ = write!(out, "[{},[", json!(component.name.to_ascii_lowercase()));
    for (place, line) in component.properties.iter().enumerate() {
        separate(out, place);
        if line.raw().len() > MAX_LIST_BYTES && (SEVERAL.contains(&line.name.as_str()) || line.name.ends_with("RULE")) {
            return Err(Exhausted::Request);
        }
        let _ = write!(out, "{}", property(line));
    }
    out.push_str("],[");
    Ok(())
}

/// Parts one from the one before.
pub(super) fn separate(out: &mut String, place: usize) {
    if place > 0 {
        out.push(',');
    }
}

/// Ends a component.
pub(super) fn end(out: &mut String) {
    out.push_str("]]");
}

/// What the value of a property is where nothing else is said.
pub(super) fn type_of(name: &str) -> &'static str {
    let by_name = TYPES.iter().find(|(_, names)| names.contains(&name)).map(|(kind, _)| *kind);
    by_name.unwrap_or(if name.starts_with("X-") { "unknown" } else { "text" })
}

/// A property: its name, parameters, type and values (section 3.4).
fn property(line: &Property) -> Value {
    let given = line.parameter("VALUE").map(|kind| kind.to_ascii_lowercase());
    let kind = actual_type(line, given.unwrap_or_else(|| type_of(&line.name).to_owned()));
    let mut parameters = Map::new();
    for (name, value) in line.parameters().filter(|(name, _)| name != "VALUE") {
        let several = if LISTS.contains(&name.as_str()) { line.parameter_values(&name) } else { Vec::new() };
        let value = if several.len() > 1 { json!(several) } else { json!(value) };
        parameters.insert(name.to_ascii_lowercase(), value);
    }
    let mut out = vec![json!(line.name.to_ascii_lowercase()), Value::Object(parameters), json!(kind)];
    match line.name.as_str() {
        "GEO" => out.push(line.value().split(';').map(number).collect()),
        "REQUEST-STATUS" => out.push(split(line.value(), ';').into_iter().map(|part| json!(plain(part))).collect()),
        name if SEVERAL.contains(&name) => {
            out.extend(split(line.value(), ',').into_iter().map(|part| value(&kind, part)));
        }
        _ => out.push(value(&kind, line.value())),
    }
    Value::Array(out)
}

/// The type that the values of a line have: what has no time is a date, whatever the line says.
fn actual_type(line: &Property, kind: String) -> String {
    let mut times = When::all_of(line).peekable();
    let dates =
        kind == "date-time" && times.peek().is_some() && times.all(|(when, end)| when.is_day() && end.is_none());
    if dates { "date".to_owned() } else { kind }
}

/// At each separator that is not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut escaped = false;
    let parts = text.split(move |character| {
        let cuts = character == separator && !escaped;
        escaped = character == '\\' && !escaped;
        cuts
    });
    parts.collect()
}

fn plain(value: &str) -> String {
    Property::parse(&format!("X:{value}")).map(|line| line.text()).unwrap_or_default()
}

/// A value by its type (section 3.6). What does not look like its type stays as it is.
fn value(kind: &str, text: &str) -> Value {
    match kind {
        "text" => json!(plain(text)),
        "boolean" => json!(text.eq_ignore_ascii_case("TRUE")),
        "integer" | "float" => number(text),
        "date" => json!(When::read(text, None).map_or_else(|| text.to_owned(), |when| time(&write_date(when.local)))),
        "date-time" => json!(time(text)),
        "time" => json!(hour(text)),
        "utc-offset" => json!(offset(text)),
        "period" => {
            let (start, end) = text.split_once('/').unwrap_or((text, ""));
            json!([time(start), if end.starts_with(['P', '+', '-']) { end.to_owned() } else { time(end) }])
        }
        "recur" => recur(text),
        _ => json!(text),
    }
}

fn number(text: &str) -> Value {
    let text = text.trim();
    match text.parse::<i64>() {
        Ok(whole) => json!(whole),
        Err(_) => text.parse::<f64>().map_or_else(|_| json!(text), |number| json!(number)),
    }
}

/// `20260105T090000Z` as `2026-01-05T09:00:00Z`, `20260105` as `2026-01-05`.
fn time(text: &str) -> String {
    let Some(When { local, clock }) = When::read(text, None) else { return text.trim().to_owned() };
    let form = match clock {
        Clock::Day => "%Y-%m-%d",
        Clock::Utc => "%Y-%m-%dT%H:%M:%SZ",
        Clock::Floating | Clock::Zone(_) => "%Y-%m-%dT%H:%M:%S",
    };
    local.strftime(form).to_string()
}

/// `090000Z` as `09:00:00Z`.
fn hour(text: &str) -> String {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    match (digits.get(..2), digits.get(2..4), digits.get(4..6)) {
        (Some(hour), Some(minute), Some(second)) if digits.len() == 6 => {
            format!("{hour}:{minute}:{second}{}", if digits.len() < text.len() { "Z" } else { "" })
        }
        _ => text.to_owned(),
    }
}

/// `+0100` as `+01:00`.
fn offset(text: &str) -> String {
    let text = text.trim();
    let Some((seconds, "")) = tzid::offset(text) else { return text.to_owned() };
    let (sign, seconds) = (if text.starts_with(['-', '\u{2212}']) { '-' } else { '+' }, seconds.abs());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let written = format!("{sign}{hours:02}:{minutes:02}");
    if seconds == 0 { written } else { format!("{written}:{seconds:02}") }
}

/// A rule as an object; parts with several values as arrays (section 3.6.10).
fn recur(text: &str) -> Value {
    let parts = text.split(';').filter_map(|part| part.split_once('='));
    let written = parts.map(|(name, value)| {
        let name = name.trim().to_ascii_lowercase();
        let one = |value: &str| match name.as_str() {
            "until" => json!(time(value)),
            "freq" | "wkst" | "byday" | "rscale" | "skip" => json!(value),
            _ => number(value),
        };
        let several: Vec<Value> = value.split(',').map(one).collect();
        let written = match <[Value; 1]>::try_from(several) {
            Ok([one]) => one,
            Err(several) => Value::Array(several),
        };
        (name, written)
    });
    Value::Object(written.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::write;
    use crate::ical::object::parse;

    #[test]
    fn offsets_are_whole_and_names_alike() {
        for (text, written) in
            [("+1", "+01:00"), ("-01", "-01:00"), ("+01:00", "+01:00"), ("-0000", "-00:00"), ("soon", "soon")]
        {
            assert_eq!(super::offset(text), written);
        }
        let text = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Ours\\, \"there\"\nEND:VTIMEZONE\nBEGIN:VEVENT\n\
                    DTSTART;TZID=\"Ours, ^'there^'\":20260105T090000\nEND:VEVENT\nEND:VCALENDAR\n";
        let mut written = String::new();
        write(&mut written, &parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(written.matches("\"Ours, \\\"there\\\"\"").count(), 2, "{written}");
    }

    /// The type is that of the values, as everybody reads them.
    #[test]
    fn times_are_written_as_they_are_read() {
        let table = [
            ("DTSTART;VALUE=DATE:20260127T000000", json!(["dtstart", {}, "date", "2026-01-27"])),
            ("DTSTART:20260127", json!(["dtstart", {}, "date", "2026-01-27"])),
            ("EXDATE:20260127,20260128", json!(["exdate", {}, "date", "2026-01-27", "2026-01-28"])),
            ("DTEND:20260127T240000Z", json!(["dtend", {}, "date-time", "2026-01-28T00:00:00Z"])),
            ("DTEND:99991231T235959Z", json!(["dtend", {}, "date-time", "9999-12-31T23:59:59Z"])),
            ("X-T;VALUE=TIME:093015", json!(["x-t", {}, "time", "09:30:15"])),
            ("X-T;VALUE=TIME:093015Z", json!(["x-t", {}, "time", "09:30:15Z"])),
            ("X-T;VALUE=TIME:09\u{e9}301", json!(["x-t", {}, "time", "09\u{e9}301"])),
            (
                "ATTENDEE;MEMBER=\"mailto:a,b@c\",\"mailto:d@e\";DELEGATED-TO=\"mailto:f,g@h\":mailto:x@y",
                json!(["attendee", {"member": ["mailto:a,b@c", "mailto:d@e"], "delegated-to": "mailto:f,g@h"},
                    "cal-address", "mailto:x@y"]),
            ),
            ("DTEND:tomorrow", json!(["dtend", {}, "date-time", "tomorrow"])),
            (
                "RDATE;VALUE=PERIOD:20260127T100000/PT1H",
                json!(["rdate", {}, "period", ["2026-01-27T10:00:00", "PT1H"]]),
            ),
        ];
        for (line, expected) in table {
            assert_eq!(super::property(&crate::ical::object::Property::parse(line).unwrap()), expected, "{line}");
        }
    }

    #[test]
    fn an_object_as_json() {
        let text = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nTZOFFSETFROM:+0200\n\
                    TZOFFSETTO:-033015\nDTSTART:19701025T030000\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:u\n\
                    DTSTART;TZID=\"Europe/Paris\":20260105T090000\nDTEND;VALUE=DATE:20260106\nSEQUENCE:3\n\
                    SUMMARY;LANGUAGE=fr:A\\, b\\nc\nCATEGORIES:one,t\\,wo\nGEO:48.8;-2\nX-OTHER:a\\,b\n\
                    RRULE:FREQ=MONTHLY;BYDAY=1MO,2TU;BYSETPOS=1;UNTIL=20261231T230000Z\n\
                    EXDATE:20260106T090000Z,20260107T090000Z\nREQUEST-STATUS:2.0;Success\n\
                    ATTENDEE;PARTSTAT=ACCEPTED;DELEGATED-TO=\"mailto:a@b\",\"mailto:c@d\":mailto:m@x\n\
                    FREEBUSY;FBTYPE=BUSY:20260105T090000Z/PT1H,20260105T120000Z/20260105T130000Z\nEND:VEVENT\n\
                    END:VCALENDAR\n";
        let expected = json!(["vcalendar", [["version", {}, "text", "2.0"]], [
            ["vtimezone", [["tzid", {}, "text", "X"]], [["standard", [
                ["tzoffsetfrom", {}, "utc-offset", "+02:00"],
                ["tzoffsetto", {}, "utc-offset", "-03:30:15"],
                ["dtstart", {}, "date-time", "1970-10-25T03:00:00"]
            ], []]]],
            ["vevent", [
                ["uid", {}, "text", "u"],
                ["dtstart", {"tzid": "Europe/Paris"}, "date-time", "2026-01-05T09:00:00"],
                ["dtend", {}, "date", "2026-01-06"],
                ["sequence", {}, "integer", 3],
                ["summary", {"language": "fr"}, "text", "A, b\nc"],
                ["categories", {}, "text", "one", "t,wo"],
                ["geo", {}, "float", [48.8, -2]],
                ["x-other", {}, "unknown", "a\\,b"],
                ["rrule", {}, "recur", {"freq": "MONTHLY", "byday": ["1MO", "2TU"], "bysetpos": 1,
                    "until": "2026-12-31T23:00:00Z"}],
                ["exdate", {}, "date-time", "2026-01-06T09:00:00Z", "2026-01-07T09:00:00Z"],
                ["request-status", {}, "text", ["2.0", "Success"]],
                ["attendee", {"partstat": "ACCEPTED", "delegated-to": ["mailto:a@b", "mailto:c@d"]},
                    "cal-address", "mailto:m@x"],
                ["freebusy", {"fbtype": "BUSY"}, "period", ["2026-01-05T09:00:00Z", "PT1H"],
                    ["2026-01-05T12:00:00Z", "2026-01-05T13:00:00Z"]]
            ], []]
        ]]);
        let calendar = parse(text.as_bytes()).unwrap();
        let mut written = String::new();
        write(&mut written, &calendar).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), expected);
    }
}
