//! The encodings in which XML comes, all read into UTF-8 (RFC 7303 section 3): what the first bytes show counts before
//! what the header says, and that before what the document says of itself.

use bytes::Bytes;

use super::xml::XmlError;

/// The longest declaration that is looked for, in bytes.
const MAX_DECLARATION: usize = 256;

/// How characters are made of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Encoding {
    /// As XML is without a word. What claims to be UTF-16 and has no zero bytes is this: programs declare what a text
    /// was before they sent it.
    Utf8,
    Utf16 {
        little: bool,
    },
    /// A byte a character: those from 0x80 on that are not Latin-1, from the first on.
    Single {
        first: u8,
        others: &'static [char],
    },
}

/// Windows-1252, and Latin-1, which is sent for it and has nothing there that XML could use.
const WINDOWS: Encoding = Encoding::Single {
    first: 0x80,
    others: &[
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ],
};

/// Latin-9: Latin-1 with the euro and the letters that French lacked.
const LATIN_9: Encoding = Encoding::Single {
    first: 0xA4,
    others: &[
        '€', '¥', 'Š', '§', 'š', '©', 'ª', '«', '¬', '\u{ad}', '®', '¯', '°', '±', '²', '³', 'Ž', 'µ', '¶', '·', 'ž',
        '¹', 'º', '»', 'Œ', 'œ', 'Ÿ',
    ],
};

/// The encodings by their names, in small letters.
const NAMES: [(&str, Encoding); 17] = [
    ("utf-8", Encoding::Utf8),
    ("utf8", Encoding::Utf8),
    ("us-ascii", Encoding::Utf8),
    ("ascii", Encoding::Utf8),
    ("utf-16", Encoding::Utf8),
    ("utf-16le", Encoding::Utf8),
    ("utf-16be", Encoding::Utf8),
    ("unicode", Encoding::Utf8),
    ("iso-8859-1", WINDOWS),
    ("iso8859-1", WINDOWS),
    ("iso_8859-1", WINDOWS),
    ("latin1", WINDOWS),
    ("l1", WINDOWS),
    ("windows-1252", WINDOWS),
    ("cp1252", WINDOWS),
    ("iso-8859-15", LATIN_9),
    ("latin-9", LATIN_9),
];

/// The document in UTF-8. `charset` is the one that the header names.
pub fn to_utf8(body: Bytes, charset: Option<&str>) -> Result<Bytes, XmlError> {
    let encoding = match shown(&body) {
        Some(encoding) => encoding,
        None => encoding_of(&body, charset)?,
    };
    match encoding {
        Encoding::Utf8 => Ok(body),
        Encoding::Utf16 { little } => {
            let (pairs, rest) = body.as_chunks::<2>();
            let units =
                pairs.iter().map(|pair| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
            let text: Result<String, _> = char::decode_utf16(units).collect();
            match text {
                Ok(text) if rest.is_empty() => Ok(text.into()),
                _ => Err(XmlError("the body is not UTF-16".to_owned())),
            }
        }
        Encoding::Single { first, others } => {
            let other = |byte: u8| byte.checked_sub(first).and_then(|at| others.get(usize::from(at))).copied();
            Ok(body.iter().map(|byte| other(*byte).unwrap_or(char::from(*byte))).collect::<String>().into())
        }
    }
}

/// What the first bytes show: a byte order mark, or the zero bytes of the first character, which is one of ASCII.
fn shown(body: &[u8]) -> Option<Encoding> {
    match *body {
        [0xEF, 0xBB, 0xBF, ..] => Some(Encoding::Utf8),
        [0xFE, 0xFF, ..] => Some(Encoding::Utf16 { little: false }),
        [0xFF, 0xFE, ..] => Some(Encoding::Utf16 { little: true }),
        [0, second, ..] if second != 0 => Some(Encoding::Utf16 { little: false }),
        [first, 0, ..] if first != 0 => Some(Encoding::Utf16 { little: true }),
        _ => None,
    }
}

/// What header and document say, where it matters: plain ASCII is the same in all of these, and in what programs call
/// theirs (`ansi`, `none`, `unicode-1-1-utf-8`). A header that names UTF-8 says no more than one that names nothing,
/// unless it is true.
fn encoding_of(body: &[u8], charset: Option<&str>) -> Result<Encoding, XmlError> {
    if body.is_ascii() {
        return Ok(Encoding::Utf8);
    }
    let named = match charset.map(named).transpose()? {
        Some(Encoding::Utf8) if std::str::from_utf8(body).is_ok() => return Ok(Encoding::Utf8),
        Some(Encoding::Utf8) | None => None,
        named => named,
    };
    match (named, declared(body)) {
        (Some(named), _) => Ok(named),
        (None, Some(name)) => self::named(name),
        (None, None) => Ok(Encoding::Utf8),
    }
}

fn named(name: &str) -> Result<Encoding, XmlError> {
    let lower = name.to_ascii_lowercase();
    let found = NAMES.iter().find(|(known, _)| *known == lower).map(|(_, encoding)| *encoding);
    found.ok_or_else(|| XmlError(format!("the encoding {name} is not known")))
}

/// The name in the declaration (XML 1.0 section 4.3.3).
fn declared(body: &[u8]) -> Option<&str> {
    let declaration = body.get(..body.len().min(MAX_DECLARATION))?.strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|pair| pair == b"?>")?;
    let text = std::str::from_utf8(declaration.get(..end)?).ok()?;
    let (_, after) = text.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::to_utf8;

    const TEXT: &str = "<?xml version=\"1.0\"?><a>L\u{2019}\u{e9}t\u{e9} \u{153} \u{20ac}</a>";

    fn declaring(name: &str) -> String {
        TEXT.replace("?>", &format!(" encoding='{name}'?>"))
    }

    fn utf_16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    fn single(text: &str, table: &[(char, u8)]) -> Vec<u8> {
        let byte = |c: char| table.iter().find(|(other, _)| *other == c).map_or(c as u8, |(_, byte)| *byte);
        text.chars().map(byte).collect()
    }

    fn read(body: Vec<u8>, charset: Option<&str>) -> Result<String, String> {
        let read = to_utf8(Bytes::from(body), charset).map_err(|e| e.0)?;
        Ok(String::from_utf8_lossy(&read).trim_start_matches('\u{feff}').to_owned())
    }

    #[test]
    fn every_encoding_is_read() {
        for little in [false, true] {
            for declared in [TEXT.to_owned(), declaring("UTF-16"), declaring("utf-8")] {
                for mark in ["", "\u{feff}"] {
                    for charset in [None, Some("utf-16"), Some("utf-8")] {
                        let body = utf_16(&format!("{mark}{declared}"), little);
                        assert_eq!(read(body, charset).as_deref(), Ok(&*declared));
                    }
                }
            }
        }
        let windows = [('\u{2019}', 0x92), ('\u{153}', 0x9c), ('\u{20ac}', 0x80)];
        let latin_9 = [('\u{153}', 0xbd), ('\u{20ac}', 0xa4)];
        for name in ["ISO-8859-1", "windows-1252", "Latin1"] {
            let text = declaring(name);
            assert_eq!(read(single(&text, &windows), None).as_deref(), Ok(&*text));
            assert_eq!(read(single(&text, &windows), Some("utf-8")).as_deref(), Ok(&*text));
            assert_eq!(read(single(TEXT, &windows), Some(name)).as_deref(), Ok(TEXT));
        }
        let text = declaring("iso-8859-15").replace('\u{2019}', "'");
        assert_eq!(read(single(&text, &latin_9), None).as_deref(), Ok(&*text));
        for name in ["UTF-8", "US-ASCII", "UTF-16"] {
            let text = declaring(name);
            assert_eq!(read(text.clone().into_bytes(), None).as_deref(), Ok(&*text));
        }
        // The header goes before the document, where it is true.
        let text = declaring("ISO-8859-1");
        assert_eq!(read(text.clone().into_bytes(), Some("utf-8")).as_deref(), Ok(&*text));
    }

    #[test]
    fn what_plain_ascii_calls_itself_does_not_matter() {
        let text = declaring("ISO-8859-2").replace("L\u{2019}\u{e9}t\u{e9} \u{153} \u{20ac}", "The summer");
        for charset in [None, Some("ansi"), Some("none"), Some("unicode-1-1-utf-8")] {
            assert_eq!(read(text.clone().into_bytes(), charset).as_deref(), Ok(&*text), "{charset:?}");
        }
        assert!(read(declaring("ISO-8859-2").into_bytes(), None).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(read(declaring("EBCDIC-CP-FR").into_bytes(), None).is_err());
        assert!(read(TEXT.into(), Some("utf-7")).is_err());
        assert!(
            read(utf_16(TEXT, true).split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default(), None).is_err()
        );
        assert!(read(vec![b'<', 0, 0, 0xD8, b'a', 0], None).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = to_utf8(Bytes::from(body), None);
        }
    }
}
