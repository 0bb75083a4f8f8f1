//! Media types (RFC 9110 section 8.3.1): what is kept of those that clients send, and which of them a browser may show.
//!
//! Browsers take the last type of a list, and run what is XML whatever its type begins with. So a document has one type
//! in one spelling, and only a whole type of `PASSIVE` is shown outside the sandbox.

use std::borrow::Cow;

/// What is known of bytes of which nothing is known.
pub const UNKNOWN: &str = "application/octet-stream";

/// The longest media type kept, in bytes.
const MAX_BYTES: usize = 255;

/// Types that cannot run anything in our origin when a browser shows them.
const PASSIVE: [&str; 20] = [
    "application/pdf",
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "audio/x-wav",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/x-icon",
    "video/mp4",
    "video/ogg",
    "video/quicktime",
    "video/webm",
];

/// Encodings of text that are passed on, and beginnings of their families. Others may hide markup: UTF-7, ISO 2022.
const CHARSETS: [&str; 9] =
    ["utf-8", "us-ascii", "utf-16", "utf-16le", "utf-16be", "gb18030", "gbk", "big5", "shift_jis"];
const CHARSET_FAMILIES: [&str; 3] = ["iso-8859-", "windows-125", "koi8-"];

/// What a form of any page can send unasked, besides nothing at all, and the families that mean nothing without a
/// parameter.
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/";

/// The type alone: what stands before the parameters.
#[must_use]
pub fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// May a browser show it outside the sandbox?
#[must_use]
pub fn is_passive(media_type: &str) -> bool {
    PASSIVE.contains(&essence(media_type))
}

/// The type of what bears this name.
#[must_use]
pub fn of_name(name: &str) -> &'static str {
    mime_guess::from_path(name).first_raw().unwrap_or(UNKNOWN)
}

/// The type that a document is kept under: the one that its writer gave, or, where that says nothing, that of its name.
#[must_use]
pub fn kept(given: Option<&str>, name: &str) -> String {
    let given = given.and_then(normal).filter(|given| {
        let kind = essence(given);
        kind != UNKNOWN && kind != FORM && !kind.starts_with(MULTIPART)
    });
    given.map_or_else(|| of_name(name).to_owned(), Cow::into_owned)
}

/// One type in its one spelling: small letters, and of the parameters `charset`, if it is a usual one. `None`: a list,
/// or no media type.
#[must_use]
pub fn normal(given: &str) -> Option<Cow<'_, str>> {
    if given.len() > MAX_BYTES {
        return None;
    }
    if stands(given) {
        return Some(given.into());
    }
    let (kind, parameters) = given.split_once(';').unwrap_or((given, ""));
    let (class, subtype) = kind.trim().split_once('/')?;
    if !is_token(class) || !is_token(subtype) {
        return None;
    }
    let charset = match charset(parameters, is_usual)? {
        Some(charset) => format!("{class}/{subtype}; charset={charset}"),
        None => format!("{class}/{subtype}"),
    };
    Some(charset.to_ascii_lowercase().into())
}

/// Is it in its one spelling already, as nearly all are? Listings ask of each member.
fn stands(given: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'+');
    let class = given.bytes().take_while(|byte| plain(byte)).count();
    let rest = given.as_bytes().split_at_checked(class).map(|(_, rest)| rest);
    let Some([b'/', subtype @ ..]) = rest else { return false };
    class > 0 && !subtype.is_empty() && subtype.iter().all(plain)
}

/// The charset that a media type names, whichever it is.
#[must_use]
pub fn charset_of(media_type: &str) -> Option<String> {
    let (_, parameters) = media_type.split_once(';')?;
    charset(parameters, |_| true)?.map(str::to_owned)
}

/// The charset that parameters name, if they name one that will do; `None`: they are no parameters.
fn charset(parameters: &str, will_do: impl Fn(&str) -> bool) -> Option<Option<&str>> {
    const BETWEEN: [char; 3] = [';', ' ', '\t'];
    let mut found = None;
    let mut rest = parameters.trim_start_matches(BETWEEN);
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=')?;
        let (value, after) = parameter_value(value)?;
        if !is_token(name) {
            return None;
        }
        if found.is_none() && name.eq_ignore_ascii_case("charset") && will_do(value) {
            found = Some(value);
        }
        rest = after.trim_start_matches(BETWEEN);
    }
    Some(found)
}

/// A value, quoted or not, and what follows its semicolon.
fn parameter_value(text: &str) -> Option<(&str, &str)> {
    let (value, after) = match text.strip_prefix('"') {
        // A quote inside is written with a backslash: such a value is of no use to us, but it must not end early.
        Some(quoted) => {
            let mut escaped = false;
            let end = quoted.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })?;
            (quoted.get(..end)?, quoted.get(end + 1..)?)
        }
        None => {
            let end = text.find(';').unwrap_or(text.len());
            let value = text.get(..end)?.trim();
            if !is_token(value) {
                return None;
            }
            (value, text.get(end..)?)
        }
    };
    let after = after.trim_start();
    if after.is_empty() || after.starts_with(';') { Some((value, after)) } else { None }
}

fn is_usual(charset: &str) -> bool {
    let charset = charset.to_ascii_lowercase();
    let of_family = |family: &&str| {
        let rest = charset.strip_prefix(*family).unwrap_or_default();
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    CHARSETS.contains(&&*charset) || CHARSET_FAMILIES.iter().any(of_family)
}

/// RFC 9110 section 5.6.2, without the star, which stands for any type.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_passive, kept, normal};

    #[test]
    fn one_type_in_one_spelling() {
        for (given, expected) in [
            ("image/png", Some("image/png")),
            ("Image/PNG", Some("image/png")),
            (" text/plain ;charset=UTF-8", Some("text/plain; charset=utf-8")),
            ("text/plain; format=flowed; charset=\"iso-8859-15\"", Some("text/plain; charset=iso-8859-15")),
            ("text/html; charset=utf-7", Some("text/html")),
            ("text/html; charset=iso-2022-jp", Some("text/html")),
            ("video/mp4; codecs=\"avc1, mp4a\"", Some("video/mp4")),
            ("text/plain;", Some("text/plain")),
            ("image/svg+xml", Some("image/svg+xml")),
            ("image/png, text/html", None),
            ("image/png; a=b, text/html", None),
            ("image/png; a=\"b\", text/html", None),
            ("image/png; a, text/html", None),
            ("image/png;a=\"\\\", text/html", None),
            ("video/x, text/html;charset=utf-8", None),
            ("image/png text/html", None),
            ("image/*", None),
            ("*/*", None),
            ("image/", None),
            ("image", None),
            ("", None),
            ("image/p\u{e9}", None),
        ] {
            assert_eq!(normal(given).as_deref(), expected, "{given}");
        }
        assert_eq!(normal(&format!("image/{}", "x".repeat(300))), None);
    }

    #[test]
    fn what_says_nothing_gives_way_to_the_name() {
        for given in [
            None,
            Some("image/png, text/html"),
            Some("application/octet-stream; charset=utf-8"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
        ] {
            assert_eq!(kept(given, "a.pdf"), "application/pdf", "{given:?}");
            assert_eq!(kept(given, "a"), "application/octet-stream", "{given:?}");
        }
        assert_eq!(kept(Some("text/html"), "a.pdf"), "text/html");
    }

    #[test]
    fn only_whole_types_are_passive() {
        assert!(is_passive("image/png") && is_passive("application/pdf") && is_passive("video/mp4; charset=utf-8"));
        for other in
            ["image/svg+xml", "audio/x+xml", "application/pdf+xml", "image/pngx", "text/html", "image/png, x/y", ""]
        {
            assert!(!is_passive(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_so(given in "[ -~]{0,40}", class in "[a-zA-Z]{1,5}", rest in "[-a-z+;=\", ]{0,20}") {
            for given in [given, format!("{class}/{rest}")] {
                if let Some(kept) = normal(&given) {
                    let again = normal(&kept);
                    prop_assert_eq!(again.as_deref(), Some(&*kept));
                    prop_assert!(!kept.contains([',', '"', '\r', '\n']));
                }
            }
        }
    }
}
