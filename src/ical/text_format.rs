//! How a file writes characters and ends lines. RFC 5545 section 3.1 has UTF-8 and CR LF; what else programs export is
//! read where there is no doubt what it is, and refused by its name where the bytes are kept as they are.

use std::borrow::Cow;

/// What UTF-8 may begin with.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TextFormat {
    /// In bytes, in lines that end with a line feed, as far as it begins.
    #[default]
    Plain,
    /// In lines that end with a carriage return alone.
    CarriageReturns,
    /// In UTF-16, the low byte first.
    Utf16Le,
    /// In UTF-16, the high byte first.
    Utf16Be,
}

impl TextFormat {
    /// That of a text, by how it begins; whoever has not read all of it yet asks again of each line
    /// ([`Self::is_mixed`]).
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] | [b'B' | b'b', 0, ..] => return Self::Utf16Le,
            [0xfe, 0xff, ..] | [0, b'B' | b'b', ..] => return Self::Utf16Be,
            _ => {}
        }
        let first = head.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        match first.and_then(|first| head.get(first..)) {
            Some([b'\r', rest @ ..]) if !rest.contains(&b'\n') => Self::CarriageReturns,
            _ => Self::Plain,
        }
    }

    /// The byte with which a line ends, or that is part of how it ends.
    #[must_use]
    pub const fn line_end(self) -> u8 {
        if matches!(self, Self::CarriageReturns) { b'\r' } else { b'\n' }
    }

    /// How many bytes make a character, or half of one.
    #[must_use]
    pub const fn unit(self) -> usize {
        if matches!(self, Self::Utf16Le | Self::Utf16Be) { 2 } else { 1 }
    }

    /// Is a piece that holds [`Self::line_end`] last a line, or does that byte belong to another character?
    #[must_use]
    pub fn is_line(self, piece: &[u8]) -> bool {
        match self {
            Self::Plain | Self::CarriageReturns => true,
            Self::Utf16Le => piece.ends_with(&[b'\n', 0]),
            Self::Utf16Be => piece.ends_with(&[0, b'\n']),
        }
    }

    /// Are there other lines in a line?
    #[must_use]
    pub fn is_mixed(self, line: &[u8]) -> bool {
        self == Self::CarriageReturns && line.contains(&b'\n')
    }

    /// A piece of the text in UTF-8, its lines ended by line feeds.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let unit = |pair: &[u8]| match (self, pair) {
            (Self::Utf16Be, [high, low]) => u16::from_be_bytes([*high, *low]),
            (_, [low, high]) => u16::from_le_bytes([*low, *high]),
            _ => 0,
        };
        match self {
            Self::Plain => Cow::Borrowed(bytes),
            Self::CarriageReturns => {
                Cow::Owned(bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect())
            }
            Self::Utf16Le | Self::Utf16Be => {
                let characters = char::decode_utf16(bytes.chunks_exact(2).map(unit));
                let text: String = characters.map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
                Cow::Owned(text.into_bytes())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TextFormat;

    #[test]
    fn a_text_is_what_it_is_beyond_doubt() {
        for (text, format) in [
            (&b"BEGIN:VCALENDAR\r\n"[..], TextFormat::Plain),
            (b"BEGIN:VCALENDAR\nX:a\rb\n", TextFormat::Plain),
            (b"BEGIN:VCALENDAR\rX:a\n", TextFormat::Plain),
            (b"BEGIN:VCALENDAR\rX:a\r", TextFormat::CarriageReturns),
            (b"\xef\xbb\xbfBEGIN:VCALENDAR\r\n", TextFormat::Plain),
            (b"\xff\xfeB\0E\0", TextFormat::Utf16Le),
            (b"B\0E\0", TextFormat::Utf16Le),
            (b"\xfe\xff\0B\0E", TextFormat::Utf16Be),
            (b"\0B\0E", TextFormat::Utf16Be),
            (b"", TextFormat::Plain),
            (b"\0", TextFormat::Plain),
        ] {
            assert_eq!(TextFormat::of(text), format, "{text:?}");
        }
    }

    #[test]
    fn lines_end_at_characters_and_are_read() {
        // These hold the byte of a line feed, high or low.
        let text = "a\u{10a}\u{a05}\u{1f600}b\n";
        for (format, bytes) in [
            (TextFormat::Utf16Le, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
            (TextFormat::Utf16Be, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ] {
            assert_eq!(format.decode(&bytes), text.as_bytes());
            let pieces = (2..=bytes.len()).step_by(2).filter(|end| format.is_line(&bytes[..*end]));
            assert_eq!(pieces.collect::<Vec<_>>(), [bytes.len()]);
        }
        assert_eq!(&*TextFormat::CarriageReturns.decode(b"a\r b\r"), b"a\n b\n");
        assert!(TextFormat::CarriageReturns.is_mixed(b"a\nb\r") && !TextFormat::Plain.is_mixed(b"a\rb\n"));
        assert_eq!(TextFormat::Utf16Le.decode(&[0, 0xd8, b'a', 0, 1]), "\u{fffd}a".as_bytes());
    }
}
