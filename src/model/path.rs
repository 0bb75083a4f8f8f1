//! Paths: percent-encoded addresses in, decoded segments inside, the spelling of the request out.
//!
//! A [`Path`] never holds `.`, `..`, an empty segment or a NUL inside a segment, and a slash only inside the name of a
//! calendar object, so no later layer can be led out of the tree. An answer names the resource by the very address
//! that was requested (RFC 4918 section 8.3): clients compare addresses as text. So a path keeps its spelling beside
//! its segments; what is not read from a client is spelled in the canonical way. RFC 3986.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The deepest that anything comes to stand, in segments of its address.
pub const MAX_SEGMENTS: usize = 100;
/// So many more segments may lead to it in a view: the day of a former tree, the name of a version.
const VIEW_SEGMENTS: usize = 1;

/// Where an escaped slash is a character of a name: that of a calendar object, which a client may have made of a UID,
/// also in the trash. The first segment of the address, and how many stand before such a name.
const SLASHED: [(&str, usize); 2] = [("calendars", 3), ("trash", 3)];

/// Decoded segments of an absolute path, and how its address is spelled. Two paths are the same if their segments are.
#[derive(Clone, Debug, Default)]
pub struct Path {
    segments: Vec<String>,
    /// The address without its final slash: characters that may stand in a path (RFC 3986 section 3.3), nothing else.
    spelled: String,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.segments == other.segments
    }
}

impl Eq for Path {}

impl Hash for Path {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segments.hash(state);
    }
}

/// Why a text is not a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathError {
    /// It does not begin with a slash.
    Relative,
    /// A `.` or `..` segment, a slash or NUL hidden in an escape, or text that is not UTF-8.
    Illegal,
    /// More segments than lead to anything.
    TooDeep,
}

impl Path {
    /// The root.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads a percent-encoded absolute path. Doubled and trailing slashes are forgiven, raw UTF-8 and unescaped spaces
    /// are taken as they stand. A raw `?` or `#` is refused: it comes from a client that forgot to escape a name, and
    /// cutting it off would lead to another document.
    pub fn parse(raw: &str) -> Result<Self, PathError> {
        let rest = raw.strip_prefix('/').ok_or(PathError::Relative)?;
        if raw.contains(['?', '#']) {
            return Err(PathError::Illegal);
        }
        let mut segments = Vec::new();
        for part in rest.split('/').filter(|part| !part.is_empty()) {
            let segment = decode(part).ok_or(PathError::Illegal)?;
            let slashed = segment.contains('/') && !may_be_slashed(&segments);
            if segment == "." || segment == ".." || segment.contains('\0') || slashed {
                return Err(PathError::Illegal);
            }
            if segments.len() == MAX_SEGMENTS + VIEW_SEGMENTS {
                return Err(PathError::TooDeep);
            }
            segments.push(segment);
        }
        Ok(Self { segments, spelled: spelled(rest) })
    }

    /// A path from segments that are known to be clean.
    #[must_use]
    pub fn of(segments: &[&str]) -> Self {
        segments.iter().fold(Self::root(), |path, segment| path.with(segment))
    }

    /// The decoded segments.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Is it too deep for anything to come to stand there?
    #[must_use]
    pub fn is_too_deep(&self) -> bool {
        self.segments.len() > MAX_SEGMENTS
    }

    /// How many levels there may be below it; `None`: nothing may stand there.
    #[must_use]
    pub fn levels_below(&self) -> Option<i64> {
        MAX_SEGMENTS.checked_sub(self.segments.len()).map(|levels| levels as i64)
    }

    /// The last segment; `None` for the root.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.segments.last().map(String::as_str)
    }

    /// The path without its last segment; the root's parent is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        self.first(self.segments.len().saturating_sub(1))
    }

    /// The path of the first `count` segments.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        if count >= self.segments.len() {
            return self.clone();
        }
        let mut rest = self.spelled.as_str();
        for _ in 0..count {
            rest = rest.trim_start_matches('/');
            rest = rest.find('/').map_or("", |end| rest.split_at(end).1);
        }
        let spelled = self.spelled.strip_suffix(rest).unwrap_or_default();
        Self { segments: self.segments.iter().take(count).cloned().collect(), spelled: spelled.to_owned() }
    }

    /// This path with one more segment.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        self.clone().with(name)
    }

    fn with(mut self, name: &str) -> Self {
        self.spelled.push('/');
        encode(name, &mut self.spelled);
        self.segments.push(name.to_owned());
        self
    }

    /// The segment at `position` is that which the tree has. The address stays spelled as it was.
    pub fn recognize(&mut self, position: usize, name: &str) {
        if let Some(segment) = self.segments.get_mut(position) {
            name.clone_into(segment);
        }
    }

    /// The address, absolute, percent-encoded once, spelled as it was read; with a final slash for a collection.
    #[must_use]
    pub fn href(&self, collection: bool) -> String {
        let bare = if collection { &self.spelled } else { self.spelled.trim_end_matches('/') };
        let mut href = String::with_capacity(bare.len() + 1);
        href.push_str(bare);
        if collection || bare.is_empty() {
            href.push('/');
        }
        href
    }
}

/// May an escaped slash stand in the segment after these?
fn may_be_slashed(before: &[String]) -> bool {
    let first = before.first().map(String::as_str);
    SLASHED.iter().any(|(known, from)| first == Some(known) && before.len() >= *from)
}

/// How an address is spelled that was read as a slash and `rest`: the client's own characters and escapes, and what may
/// not stand in an address escaped. A second slash at the beginning would make the first segment a host (RFC 3986
/// section 4.2).
fn spelled(rest: &str) -> String {
    let rest = rest.trim_start_matches('/');
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let mut spelled = String::with_capacity(rest.len() + 1);
    if !rest.is_empty() {
        spelled.push('/');
        spelled.extend(utf8_percent_encode(rest, &SPELLED));
    }
    spelled
}

/// What is escaped in a segment in canonical spelling: letters, digits and `-._~!$'()*,+@=` stay.
const SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b'+')
    .remove(b'@')
    .remove(b'=');
/// What is escaped in an address that a client has spelled: what may not stand in one.
const SPELLED: AsciiSet = SEGMENT.remove(b'/').remove(b'%').remove(b'&').remove(b';').remove(b':');

/// Appends one segment in canonical spelling.
pub fn encode(segment: &str, out: &mut String) {
    out.extend(utf8_percent_encode(segment, &SEGMENT));
}

/// First segment of the addresses of feeds.
pub const FEEDS: &str = "feeds";
/// First segment of the addresses at which busy times are looked up.
pub const FREEBUSY: &str = "freebusy";
/// First segment of the addresses at which people without an account answer invitations.
pub const ANSWER: &str = "answer";
/// First segment of the addresses at which attached documents are opened.
pub const ATTACHMENTS: &str = "attachments";
/// Where the service is that describes time zones.
pub const TIMEZONES: &str = "/timezones";
/// First segments below which an address is itself a secret: whoever knows it may read, or write.
const SECRET: [&str; 6] = [FEEDS, FREEBUSY, ATTACHMENTS, "share", ANSWER, "office"];
/// How often escapes are undone where an address hides in itself.
const ROUNDS: usize = 4;

/// An address with its escapes undone, and those within them. `false`: there are more.
fn unescaped(raw: &str) -> (Cow<'_, str>, bool) {
    let mut plain = Cow::Borrowed(raw);
    for _ in 0..ROUNDS {
        if !plain.contains('%') {
            break;
        }
        let parts: Vec<String> = plain.split('/').map(|part| decode(part).unwrap_or(part.to_owned())).collect();
        let next = parts.join("/");
        if next == plain {
            return (plain, true);
        }
        plain = next.into();
    }
    let whole = !plain.contains('%');
    (plain, whole)
}

/// A segment without what some programs write beside its name: spaces, and parameters (RFC 3986 section 3.3).
fn bare(segment: &str) -> &str {
    let name = segment.split(';').next().unwrap_or_default();
    name.trim_matches(|c: char| c.is_whitespace() || c.is_control())
}

/// The first segment of an address that leads below one of `SECRET`, however it is spelled. Whoever writes addresses
/// down asks this, so it errs on the side of secrecy: escapes of escapes count, case and parameters do not, and dots
/// may lead anywhere.
#[must_use]
pub fn secret_of(raw: &str) -> Option<&'static str> {
    let (plain, _) = unescaped(raw);
    let known = |name: &str| SECRET.iter().copied().find(|secret| name.eq_ignore_ascii_case(secret));
    let mut names = plain.split(['/', '\\']).map(bare).filter(|name| !name.is_empty());
    let dotted = names.clone().any(|name| name.bytes().all(|byte| byte == b'.'));
    if dotted { names.find_map(known) } else { names.next().and_then(known) }
}

/// What is written down of an address: itself, if it can be read and leads to something that is `known` by its first
/// segment. Of all else nobody can say that it is no secret that is misspelled.
pub fn logged(raw: &str, known: impl Fn(&str) -> bool) -> &str {
    if let Some(secret) = secret_of(raw) {
        return secret;
    }
    let (plain, whole) = unescaped(raw);
    let first = plain.trim_start_matches('/').split('/').next().unwrap_or_default();
    let readable = whole && raw.starts_with('/') && decode(raw).is_some();
    if raw == "*" || readable && (first.is_empty() || known(first)) { raw } else { "(unknown)" }
}

/// Undoes percent-encoding once; `None` when the result is not UTF-8 or an escape is broken.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    // The library would leave a broken escape as it stands.
    let is_escape =
        |after: &str| after.as_bytes().first_chunk::<2>().is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    let whole = text.split('%').skip(1).all(is_escape);
    percent_decode_str(text).decode_utf8().ok().filter(|_| whole).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::{Path, PathError, decode, encode, logged, secret_of};
    use proptest::prelude::*;

    #[test]
    fn an_address_is_answered_as_it_was_requested() {
        for (raw, collection, href) in [
            ("/", true, "/"),
            ("/files/x", true, "/files/x/"),
            ("/files/X/", true, "/files/X/"),
            ("/files/%28a%29%26%3b%c3%a9", false, "/files/%28a%29%26%3b%c3%a9"),
            ("/files/a&b;c:d@e+f'", false, "/files/a&b;c:d@e+f'"),
            // What may not stand in an address is escaped.
            ("/files/A B", false, "/files/A%20B"),
            ("/files/caf\u{e9}\u{301}", false, "/files/caf%C3%A9%CC%81"),
            ("/files/<\"{|}\\^`>[]\u{7f}\n", false, "/files/%3C%22%7B%7C%7D%5C%5E%60%3E%5B%5D%7F%0A"),
            // Doubled slashes stay, but for those that would make a host of the first segment; a document has none at
            // its end.
            ("//files//x//", true, "/files//x//"),
            ("/files//x//", false, "/files//x"),
            ("//", true, "/"),
        ] {
            let path = Path::parse(raw).expect(raw);
            assert_eq!(path.href(collection), href, "{raw}");
            assert_eq!(Path::parse(href).as_ref(), Ok(&path), "{raw}");
        }
    }

    #[test]
    fn what_is_made_of_an_address_begins_with_it() {
        let mut path = Path::parse("/files//TRAM/l%27%c3%a9t%C3%A9/").expect("an address");
        assert_eq!(path, Path::of(&["files", "TRAM", "l'\u{e9}t\u{e9}"]));
        path.recognize(1, "tram");
        assert_eq!(path, Path::of(&["files", "tram", "l'\u{e9}t\u{e9}"]));
        assert_eq!(path.join("a&b c").href(false), "/files//TRAM/l%27%c3%a9t%C3%A9/a%26b%20c");
        assert_eq!(path.parent().href(true), "/files//TRAM/");
        let prefixes: Vec<String> = (0..5).map(|count| path.first(count).href(true)).collect();
        let whole = "/files//TRAM/l%27%c3%a9t%C3%A9/";
        assert_eq!(prefixes, ["/", "/files/", "/files//TRAM/", whole, whole]);
        assert_eq!(Path::parse("/files/x//").expect("an address").join("y").href(false), "/files/x//y");
        assert_eq!(Path::root().parent(), Path::root());
    }

    #[test]
    fn no_way_out_of_the_tree() {
        for raw in
            ["/files/../x", "/files/%2e%2e/x", "/%2E/x", "/a%2Fb", "/a%00b", "/%ff", "/%zz", "/a%4", "/a#b", "/a?b"]
                .into_iter()
                .chain([
                    "/files/x/y/a%2Fb",
                    "/calendars/max/a%2Fb/c",
                    "/calendars/max/personal/%2e%2e",
                    "/trash/max/a%2Fb",
                ])
        {
            assert_eq!(Path::parse(raw), Err(PathError::Illegal), "{raw}");
        }
        assert_eq!(Path::parse("files"), Err(PathError::Relative));
        assert_eq!(Path::parse(&"/a".repeat(200)), Err(PathError::TooDeep));
    }

    #[test]
    fn the_name_of_a_calendar_object_may_hold_a_slash() {
        for name in ["a/b.ics", "https://x.example/1?a#b.ics", "../x", "/", "%2F", "x/../y"] {
            for parent in [["calendars", "max", "personal"], ["trash", "max", "personal"]] {
                let path = Path::of(&parent).join(name);
                let href = path.href(false);
                assert_eq!((href.matches('/').count(), Path::parse(&href)), (4, Ok(path.clone())), "{href}");
                assert_eq!((path.name(), path.parent()), (Some(name), Path::of(&parent)), "{href}");
            }
        }
    }

    #[test]
    fn secret_addresses_are_known_in_any_spelling() {
        for raw in [
            "/feeds/x/y.ics",
            "//feeds/x",
            "/feeds//x",
            "///feeds///x",
            "/%66eeds/x",
            "/%66%65%65%64%73/x",
            "/%2566eeds/x",
            "/%2Ffeeds%2Fx",
            "/FEEDS/x",
            "/feeds/%zz",
            "/%66eeds/%ff",
            "/./feeds/x",
            "/files/../feeds/x",
            "/%2e/feeds/x",
            "\\feeds\\x",
            "feeds/x",
            "/;x/feeds/x",
            "/feeds;x/x",
            "/%20feeds%09/x",
            "/files/..;x/feeds/x",
            "/files/.../feeds/x",
        ] {
            assert_eq!(secret_of(raw), Some("feeds"), "{raw}");
        }
        for (raw, secret) in [("/share/x", Some("share")), ("/files/feeds/x", None), ("/feedsx/y", None), ("/", None)] {
            assert_eq!(secret_of(raw), secret, "{raw}");
        }
    }

    #[test]
    fn an_address_that_may_be_a_secret_is_not_written_down() {
        let known = |first: &str| ["files", "calendars"].contains(&first);
        for raw in [
            "/",
            "*",
            "//",
            "/files",
            "/files/a",
            "//files/a",
            "/files/caf%C3%A9/100%25.txt",
            "/files/100%2525.txt",
            "/%66iles/a",
            "/files/feeds/x",
            "/calendars/max/personal/a%2Fb.ics",
        ] {
            assert_eq!(logged(raw, known), raw);
        }
        for secret in ["feeds", "freebusy", "attachments", "share", "office", "answer"] {
            for spelled in [
                "/SECRET/T",
                "//SECRET/T",
                "/;x/SECRET/T",
                "/SECRET;x/T",
                "/SECRET%3Bx/T",
                "/%E1SECRET/T",
                "/SECRET%E1/T",
                "/SECRET%/T",
                "/x/SECRET/T",
                "//host/SECRET/T",
                "http://host/SECRET/T",
                "SECRET/T",
                "/SECRETT",
                "/SECRE/T",
                "/T",
                "/%2525252525SECRET/T",
                "/files/%2525252525252e%2525252525252e/SECRET/T",
                "/files/..%c0%afSECRET/T",
                "/files/..;/SECRET/T",
                "/files%E1/../SECRET/T",
                "/files/%E1/T",
                "/\u{ff33}ECRET/T",
                "/Files/../SECRET/T",
                "/files\\..\\SECRET\\T",
                "/files/%zz/../SECRET/T",
                "",
            ] {
                for (name, spelled) in [
                    (secret.to_owned(), spelled),
                    (secret.to_uppercase(), spelled),
                    (secret.to_owned(), &spelled.replace('/', "%2F")),
                ] {
                    let raw = spelled.replace("SECRET", &name);
                    let written = logged(&raw, known);
                    assert!(written == "(unknown)" || written == secret, "{raw}: {written}");
                }
            }
        }
    }

    #[test]
    fn what_stays_in_a_segment_and_all_else_is_escaped() {
        for character in '\0'..='\u{120}' {
            let mut encoded = String::new();
            encode(&character.to_string(), &mut encoded);
            let stays = character.is_ascii_alphanumeric() || "-._~!$'()*,+@=".contains(character);
            let escaped: String = character.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
            assert_eq!(encoded, if stays { character.to_string() } else { escaped });
            assert_eq!(decode(&encoded), Some(character.to_string()));
        }
        for (text, plain) in
            [("a%2fb%2F", Some("a/b/")), ("%", None), ("%4", None), ("%4g", None), ("%+4", None), ("%ff", None)]
        {
            assert_eq!(decode(text).as_deref(), plain, "{text}");
        }
    }

    proptest! {
        #[test]
        fn href_and_parse_are_inverse(names in proptest::collection::vec("[^/\0]{1,20}", 0..8)) {
            prop_assume!(names.iter().all(|n| n != "." && n != ".."));
            let path = Path::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(Path::parse(&path.href(true)), Ok(path.clone()));
        }

        #[test]
        fn any_text_is_a_path_or_an_error(raw in ".*") {
            if let Ok(path) = Path::parse(&raw) {
                prop_assert!(path.segments().iter().take(3).all(|s| s != ".." && !s.contains('/')));
                let href = path.href(true);
                prop_assert!(href.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"#?".contains(&byte)));
                prop_assert_eq!(Path::parse(&href), Ok(path));
            }
        }
    }
}
