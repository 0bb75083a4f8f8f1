//! Content lines, in and out (RFC 5545 section 3.1).

use std::sync::Arc;

/// A content line. What stands in it is shared: hundreds of copies of a meeting have most of their lines in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Property {
    /// Its name, in capitals.
    pub name: String,
    raw: Arc<str>,
    value_at: usize,
}

impl Property {
    /// Reads an unfolded content line. `None`: it is none.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let name_end = raw.find([':', ';'])?;
        let name = raw.get(..name_end)?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return None;
        }
        let mut quoted = false;
        let colon = raw.bytes().enumerate().skip(name_end).find(|(_, byte)| {
            quoted ^= *byte == b'"';
            *byte == b':' && !quoted
        });
        let value_at = after_zone(raw, colon?.0 + 1);
        // A group prefix is no part of the name.
        let plain = name.rsplit('.').next().unwrap_or(name);
        Some(Self { name: plain.to_ascii_uppercase(), value_at, raw: raw.into() })
    }

    /// The line as it stands, unfolded.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The value as it stands.
    #[must_use]
    pub fn value(&self) -> &str {
        self.raw.get(self.value_at..).unwrap_or_default()
    }

    /// The value as a text (RFC 5545 section 3.3.11).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.value().len());
        let mut characters = self.value().chars();
        while let Some(character) = characters.next() {
            match (character, character == '\\') {
                (_, false) => text.push(character),
                _ => match characters.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(other) => text.push(other),
                    None => {}
                },
            }
        }
        text
    }

    /// Is it the value of a VERSION, or a range of such, that this format has (RFC 5545 section 3.7.4)?
    #[must_use]
    pub fn is_this_version(&self) -> bool {
        let (least, most) = self.value().split_once(';').unwrap_or((self.value(), self.value()));
        let number = |text: &str| text.trim().parse::<f32>().ok();
        number(least).is_some_and(|least| least <= 2.0) && number(most).is_some_and(|most| most >= 2.0)
    }

    /// A line of a name, with a value as it is to stand.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_ascii_uppercase(), raw: format!("{name}:{value}").into(), value_at: name.len() + 1 }
    }

    /// The line with another value; all before it stays as it is written.
    #[must_use]
    pub fn with_value(&self, value: &str) -> Self {
        Self { raw: format!("{}:{value}", self.head()).into(), ..self.clone() }
    }

    /// The line with a parameter set to a value, or without it; all else stays as it is written.
    #[must_use]
    pub fn with_parameter(&self, name: &str, value: Option<&str>) -> Self {
        let written = value.map(|value| format!("{name}={}", written_parameter(value)));
        let is_it = |part: &str| part.split_once('=').is_some_and(|(known, _)| known.trim().eq_ignore_ascii_case(name));
        let mut head = String::with_capacity(self.raw.len());
        let mut left = written.as_deref();
        for (at, part) in split_unquoted(self.head(), ';').enumerate() {
            let part = if at > 0 && is_it(part) { left.take() } else { Some(part) };
            if let Some(part) = part {
                head.extend((at > 0).then_some(';'));
                head.push_str(part);
            }
        }
        if let Some(new) = left {
            head.push(';');
            head.push_str(new);
        }
        Self { raw: format!("{head}:{}", self.value()).into(), value_at: head.len() + 1, name: self.name.clone() }
    }

    /// The line with a parameter that has several values.
    #[must_use]
    pub fn with_parameter_values(&self, name: &str, values: &[String]) -> Self {
        let bare = self.with_parameter(name, None);
        if values.is_empty() {
            return bare;
        }
        let written: Vec<_> = values.iter().map(|value| written_parameter(value).to_string()).collect();
        let head = format!("{};{name}={}", bare.head(), written.join(","));
        Self { raw: format!("{head}:{}", self.value()).into(), value_at: head.len() + 1, name: self.name.clone() }
    }

    /// All before the value: name and parameters.
    #[must_use]
    pub fn head(&self) -> &str {
        self.raw.get(..self.value_at.saturating_sub(1)).unwrap_or_default()
    }

    /// Its parameters: name in capitals, and the value as it stands.
    pub(super) fn written_parameters(&self) -> impl Iterator<Item = (String, &str)> {
        split_unquoted(self.head(), ';').skip(1).filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_ascii_uppercase(), value))
        })
    }

    /// Its parameters: name in capitals, value without quotes (RFC 6868 decoded).
    pub fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        self.written_parameters().map(|(name, value)| (name, parameter_value(value)))
    }

    /// The values of a parameter that may have several: a comma between quotes parts none (RFC 5545 section 3.1).
    pub fn parameter_values(&self, name: &str) -> Vec<String> {
        let value = self.written_parameters().find(|(known, _)| known == name).map(|(_, value)| value);
        value.into_iter().flat_map(|value| split_unquoted(value, ',')).map(parameter_value).collect()
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// Where the value begins that seems to begin at `value_at`. Some programs do not quote a TZID with a colon in it
/// (`TZID=UTC+01:00`); no colon stands in the time after it.
fn after_zone(raw: &str, value_at: usize) -> usize {
    let Some((head, value)) = raw.split_at_checked(value_at) else { return value_at };
    let last = head.rsplit(';').next().unwrap_or_default();
    let bare = last.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("TZID=")) && !last.contains('"');
    if !bare {
        return value_at;
    }
    let time = value.rsplit(':').next().filter(|time| time.starts_with(|c: char| c.is_ascii_digit()));
    time.map_or(value_at, |time| raw.len() - time.len())
}

/// At each separator that does not stand between quotes.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character: char| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

/// A parameter's value without quotes, RFC 6868 decoded.
fn parameter_value(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut characters = raw.chars().filter(|character| *character != '"').peekable();
    while let Some(character) = characters.next() {
        let meant = match (character, characters.peek()) {
            ('^', Some('n')) => Some('\n'),
            ('^', Some('\'')) => Some('"'),
            ('^', Some('^')) => Some('^'),
            _ => None,
        };
        value.push(meant.unwrap_or(character));
        if meant.is_some() {
            characters.next();
        }
    }
    value
}

/// A text as a parameter's value: between quotes where it has to be, RFC 6868 encoded.
fn written_parameter(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => value.push_str("^n"),
            '"' => value.push_str("^'"),
            '^' => value.push_str("^^"),
            control if control.is_control() && control != '\t' => {}
            other => value.push(other),
        }
    }
    if value.contains([':', ';', ',']) { format!("\"{value}\"") } else { value }
}

/// Writes a content line folded at 75 octets, never within a character (RFC 5545 section 3.1).
pub fn fold_into(out: &mut String, line: &str) {
    /// The octets of a line, and of one that goes on, which begins with a space.
    const FIRST: usize = 75;
    const FURTHER: usize = FIRST - 1;
    let (mut rest, mut width) = (line, FIRST);
    while rest.len() > width {
        let (part, further) = rest.split_at(rest.floor_char_boundary(width));
        out.push_str(part);
        out.push_str("\r\n ");
        (rest, width) = (further, FURTHER);
    }
    out.push_str(rest);
    out.push_str("\r\n");
}

/// A text as a value (RFC 5545 section 3.3.11).
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | ';' | ',' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            control if control.is_control() && control != '\t' => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Property;

    #[test]
    fn a_parameter_is_set_and_the_rest_of_the_line_stays() {
        let line = "ATTENDEE;CN=\"A; b\";partstat=NEEDS-ACTION;X-A=1:mailto:a@b";
        for (name, value, expected) in [
            ("PARTSTAT", Some("ACCEPTED"), "ATTENDEE;CN=\"A; b\";PARTSTAT=ACCEPTED;X-A=1:mailto:a@b"),
            ("PARTSTAT", None, "ATTENDEE;CN=\"A; b\";X-A=1:mailto:a@b"),
            ("RSVP", Some("TRUE"), "ATTENDEE;CN=\"A; b\";partstat=NEEDS-ACTION;X-A=1;RSVP=TRUE:mailto:a@b"),
            ("RSVP", None, line),
            ("CN", Some("\"x\": y"), "ATTENDEE;CN=\"^'x^': y\";partstat=NEEDS-ACTION;X-A=1:mailto:a@b"),
        ] {
            let changed = Property::parse(line).unwrap().with_parameter(name, value);
            assert_eq!(changed.raw(), expected);
            assert_eq!(changed, Property::parse(expected).unwrap());
            assert_eq!(changed.parameter(name).as_deref(), value);
        }
        let twice = Property::parse("ATTENDEE;RSVP=TRUE;RSVP=FALSE:x").unwrap();
        assert_eq!(twice.with_parameter("RSVP", Some("FALSE")).raw(), "ATTENDEE;RSVP=FALSE:x");
        let valued = Property::parse("a.ORGANIZER;CN=A:mailto:a@b").unwrap().with_value("mailto:c@d");
        assert_eq!(Some(valued), Property::parse("a.ORGANIZER;CN=A:mailto:c@d"));
        assert_eq!(Some(Property::new("SEQUENCE", "2")), Property::parse("SEQUENCE:2"));
    }
}
