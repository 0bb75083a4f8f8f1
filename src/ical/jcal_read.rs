//! jCal (RFC 7265) read: the same object as iCalendar, which is what is stored.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::jcal::type_of;
use super::line::escaped;
use super::object::{Invalid, fold_into};

/// What reading takes for each value, name and list, and for each byte: to be asked of the budget before.
const BYTES_OF_VALUE: usize = 128;
const BYTES_OF_BYTE: usize = 2;

/// At most so many bytes are built while a text is read.
#[must_use]
pub fn cost(json: &[u8]) -> usize {
    let parts = json.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b':')).count();
    parts.saturating_mul(BYTES_OF_VALUE).saturating_add(json.len().saturating_mul(BYTES_OF_BYTE))
}

/// Reads one `vcalendar`, and writes it as iCalendar.
pub fn read(json: &[u8]) -> Result<String, Invalid> {
    let whole: Value = serde_json::from_slice(json).map_err(|_| Invalid::Json)?;
    let mut out = String::with_capacity(json.len());
    component(&mut out, &whole)?;
    Ok(out)
}

/// A name, its properties, its components (section 3.3).
fn component(out: &mut String, value: &Value) -> Result<(), Invalid> {
    let Some([Value::String(name), Value::Array(properties), Value::Array(components)]) =
        value.as_array().map(Vec::as_slice)
    else {
        return Err(Invalid::Json);
    };
    let name = token(name)?;
    let _ = write!(out, "BEGIN:{name}\r\n");
    properties.iter().try_for_each(|line| property(out, line))?;
    components.iter().try_for_each(|part| component(out, part))?;
    let _ = write!(out, "END:{name}\r\n");
    Ok(())
}

/// A name, parameters, a type, values (section 3.4).
fn property(out: &mut String, value: &Value) -> Result<(), Invalid> {
    let Some([Value::String(name), Value::Object(parameters), Value::String(kind), values @ ..]) =
        value.as_array().map(Vec::as_slice)
    else {
        return Err(Invalid::Json);
    };
    let mut line = token(name)?;
    let kind = kind.to_ascii_lowercase();
    if kind != "unknown" && kind != type_of(&line) {
        let _ = write!(line, ";VALUE={}", token(&kind)?);
    }
    for (name, value) in parameters {
        let several = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let several: Vec<String> = several.iter().map(parameter).collect::<Result<_, _>>()?;
        let _ = write!(line, ";{}={}", token(name)?, several.join(","));
    }
    let values: Vec<String> = values.iter().map(|value| written(&kind, value)).collect::<Result<_, _>>()?;
    if values.is_empty() {
        return Err(Invalid::Json);
    }
    line.push(':');
    line.push_str(&values.join(","));
    fold_into(out, &line);
    Ok(())
}

/// A name as it may stand in a content line, in capitals.
fn token(name: &str) -> Result<String, Invalid> {
    let sound =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if sound { Ok(name.to_ascii_uppercase()) } else { Err(Invalid::Json) }
}

/// A parameter's value: RFC 6868, and quoted where it has to be.
fn parameter(value: &Value) -> Result<String, Invalid> {
    let text = value.as_str().ok_or(Invalid::Json)?;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '^' => out.push_str("^^"),
            '\n' => out.push_str("^n"),
            '"' => out.push_str("^'"),
            '\t' => out.push('\t'),
            control if control.is_control() => return Err(Invalid::Control),
            other => out.push(other),
        }
    }
    Ok(if out.contains([':', ';', ',']) { format!("\"{out}\"") } else { out })
}

/// A value by its type (section 3.6); one of several parts (section 3.4.1.3) is a list.
fn written(kind: &str, value: &Value) -> Result<String, Invalid> {
    match (kind, value) {
        ("recur", Value::Object(parts)) => rule(parts),
        ("period", Value::Array(ends)) => ends_of(ends),
        (_, Value::Array(parts)) => {
            let parts: Vec<String> = parts.iter().map(|part| written(kind, part)).collect::<Result<_, _>>()?;
            Ok(parts.join(";"))
        }
        // Ends of lines become what stands for them; other controls have no place in a text.
        ("text", Value::String(text)) => plain(&text.replace("\r\n", "\n").replace('\n', "")).map(|_| escaped(text)),
        ("date" | "date-time" | "time", Value::String(text)) => time(text),
        ("utc-offset", Value::String(text)) => Ok(plain(text)?.replace(':', "")),
        (_, Value::String(text)) => Ok(plain(text)?.to_owned()),
        (_, Value::Bool(yes)) => Ok(if *yes { "TRUE" } else { "FALSE" }.to_owned()),
        (_, Value::Number(number)) => Ok(number.to_string()),
        (_, Value::Null | Value::Object(_)) => Err(Invalid::Json),
    }
}

/// What stands in a line as it is: nothing that would end it.
fn plain(text: &str) -> Result<&str, Invalid> {
    if text.chars().any(|character| character.is_control() && character != '\t') {
        Err(Invalid::Control)
    } else {
        Ok(text)
    }
}

/// `2026-01-05T09:00:00Z` as `20260105T090000Z`. What does not look so stays as it is, and is judged as such.
fn time(text: &str) -> Result<String, Invalid> {
    Ok(plain(text)?.replace(['-', ':'], ""))
}

fn ends_of(ends: &[Value]) -> Result<String, Invalid> {
    let [Value::String(start), Value::String(end)] = ends else { return Err(Invalid::Json) };
    let length = end.trim_start_matches(['+', '-']).starts_with('P');
    let end = if length { plain(end)?.to_owned() } else { time(end)? };
    Ok(format!("{}/{end}", time(start)?))
}

/// Parts with one value or several (section 3.6.10); how often it repeats comes first.
fn rule(parts: &Map<String, Value>) -> Result<String, Invalid> {
    let mut written = Vec::with_capacity(parts.len());
    for (name, value) in parts {
        let several = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let one = |value: &Value| match value {
            Value::String(text) if name.eq_ignore_ascii_case("until") => time(text),
            Value::String(text) => Ok(plain(text)?.to_owned()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(Invalid::Json),
        };
        let several: Vec<String> = several.iter().map(one).collect::<Result<_, _>>()?;
        let part = format!("{}={}", token(name)?, several.join(","));
        if name.eq_ignore_ascii_case("freq") { written.insert(0, part) } else { written.push(part) }
    }
    Ok(written.join(";"))
}

#[cfg(test)]
mod tests {
    use super::{cost, read};
    use crate::ical::jcal::write;
    use crate::ical::object::{Invalid, parse};

    fn json(text: &str) -> String {
        let mut json = String::new();
        write(&mut json, &parse(text.as_bytes()).unwrap()).unwrap();
        json
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\n\
                    TZOFFSETFROM:+0200\r\n\
                    TZOFFSETTO:-033015\r\nDTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n\
                    UID:u\r\n\
                    DTSTART;TZID=Europe/Paris:20260105T090000\r\nDTEND;VALUE=DATE:20260106\r\nSEQUENCE:3\r\n\
                    SUMMARY;LANGUAGE=fr:A\\, \
                    b\\nc\\\\d\\;\té\r\nCATEGORIES:one,t\\,wo\r\nGEO:48.8;-2\r\nX-OTHER:a\\,b\r\n\
                    X-TEXT;VALUE=TEXT:a\\,b\r\n\
                    RRULE:FREQ=MONTHLY;BYDAY=1MO,2TU;BYSETPOS=1;UNTIL=20261231T230000Z\r\n\
                    EXDATE:20260106T090000Z,20260107T090000Z\r\nREQUEST-STATUS:2.0;Success\r\n\
                    ATTENDEE;DELEGATED-TO=\"mailto:a@b\",\"mailto:c@d\";CN=\"A; ^'b^^\":mailto:m@x\r\n\
                    FREEBUSY;FBTYPE=BUSY:20260105T090000Z/PT1H,20260105T120000Z/20260105T130000Z\r\n\
                    BEGIN:VALARM\r\nTRIGGER;RELATED=END:-PT15M\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT\r\n\
                    END:VCALENDAR\r\n";
        let written = json(text);
        let back = read(written.as_bytes()).unwrap();
        assert_eq!(json(&back), written);
        // Parts of rules and parameters come in another order at most.
        let lines = |text: &str| {
            let mut lines: Vec<String> = text
                .replace("\r\n ", "")
                .lines()
                .map(|line| {
                    let mut parts: Vec<char> = line.chars().collect();
                    parts.sort_unstable();
                    parts.into_iter().collect()
                })
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&back), lines(text));
    }

    #[test]
    fn nothing_gets_into_a_line_that_would_end_it() {
        let calendar = |property: &str| format!("[\"vcalendar\",[{property}],[]]");
        for (property, fault) in [
            ("[\"x-a\",{},\"unknown\",\"a\\nBEGIN:VEVENT\"]", Invalid::Control),
            ("[\"dtstart\",{},\"date-time\",\"a\\r\\nX:y\"]", Invalid::Control),
            ("[\"x-a\",{\"x-b\":\"a\\rb\"},\"text\",\"c\"]", Invalid::Control),
            ("[\"summary\",{},\"text\",\"a\\u0000b\"]", Invalid::Control),
            ("[\"summary\",{},\"text\",\"a\\u0007b\"]", Invalid::Control),
            ("[\"x-a:b\",{},\"text\",\"c\"]", Invalid::Json),
            ("[\"x-a\",{\"b;c\":\"d\"},\"text\",\"c\"]", Invalid::Json),
            ("[\"x-a\",{},\"te:xt\",\"c\"]", Invalid::Json),
            ("[\"x-a\",{},\"text\"]", Invalid::Json),
            ("[\"x-a\",{},\"text\",null]", Invalid::Json),
            ("[\"x-a\",{},\"text\",{\"a\":1}]", Invalid::Json),
            ("[\"rrule\",{},\"recur\",{\"freq\":\"DAILY\\nX:y\"}]", Invalid::Control),
            ("[\"rrule\",{},\"recur\",{\"fr=eq\":\"DAILY\"}]", Invalid::Json),
            ("{}", Invalid::Json),
            ("[]", Invalid::Json),
        ] {
            assert_eq!(read(calendar(property).as_bytes()), Err(fault), "{property}");
        }
        assert_eq!(read(calendar("[\"summary\",{},\"text\",\"a\\nb\"]").as_bytes()).unwrap().lines().count(), 3);
        for text in
            ["", "null", "{}", "[]", "[\"vcalendar\"]", "[\"vcalendar\",[],[1]]", "[\"vcalendar\",{},[]]", "\u{0}"]
        {
            assert_eq!(read(text.as_bytes()), Err(Invalid::Json), "{text}");
        }
        assert_eq!(read("[".repeat(100_000).as_bytes()), Err(Invalid::Json));
        assert!(cost(&b"1,".repeat(1000)) > 64 * 1000 && cost(&[b'a'; 1000]) == 2000);
    }
}
