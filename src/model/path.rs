//! Paths: percent-encoded addresses in, decoded segments inside, one canonical spelling out.
//!
//! A [`Path`] never holds `.`, `..`, an empty segment, a slash or a NUL inside a segment, so no later layer can be
//! led out of the tree. RFC 4918 section 8.3, RFC 3986.

use std::fmt::Write as _;

/// The deepest that anything comes to stand, in segments of its address.
pub const MAX_SEGMENTS: usize = 100;
/// So many more segments may lead to it in a view: the day of a former tree, the name of a version.
const VIEW_SEGMENTS: usize = 1;

/// Decoded segments of an absolute path.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct Path {
    segments: Vec<String>,
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
            if segment == "." || segment == ".." || segment.contains(['/', '\0']) {
                return Err(PathError::Illegal);
            }
            if segments.len() == MAX_SEGMENTS + VIEW_SEGMENTS {
                return Err(PathError::TooDeep);
            }
            segments.push(segment);
        }
        Ok(Self { segments })
    }

    /// A path from segments that are known to be clean.
    #[must_use]
    pub fn of(segments: &[&str]) -> Self {
        Self { segments: segments.iter().map(|s| (*s).to_owned()).collect() }
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

    /// The last segment; `None` for the root.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.segments.last().map(String::as_str)
    }

    /// The path without its last segment; the root's parent is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        let keep = self.segments.len().saturating_sub(1);
        Self { segments: self.segments.iter().take(keep).cloned().collect() }
    }

    /// This path with one more segment.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let mut segments = self.segments.clone();
        segments.push(name.to_owned());
        Self { segments }
    }

    /// The same path with its spelling at `position` replaced by the stored one.
    pub fn respell(&mut self, position: usize, name: &str) {
        if let Some(segment) = self.segments.get_mut(position) {
            name.clone_into(segment);
        }
    }

    /// The one canonical spelling, absolute, percent-encoded once, with a final slash for a collection.
    #[must_use]
    pub fn href(&self, collection: bool) -> String {
        let mut href = String::with_capacity(self.segments.iter().map(|s| s.len() + 1).sum::<usize>() + 1);
        for segment in &self.segments {
            href.push('/');
            encode(segment, &mut href);
        }
        if collection || href.is_empty() {
            href.push('/');
        }
        href
    }
}

/// Appends one segment in canonical spelling: letters, digits and `-._~!$'()*,+@=` stay, all else becomes `%XX`.
pub fn encode(segment: &str, out: &mut String) {
    let mut rest = segment;
    while let Some(at) = rest.bytes().position(|byte| !stays(byte)) {
        let (plain, other) = rest.split_at(at);
        out.push_str(plain);
        let after = other.chars().next().map_or(other.len(), char::len_utf8);
        let (escaped, tail) = other.split_at(after);
        for byte in escaped.bytes() {
            let _ = write!(out, "%{byte:02X}");
        }
        rest = tail;
    }
    out.push_str(rest);
}

const fn stays(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b',' | b'+' | b'@' | b'='
        )
}

/// Undoes percent-encoding once; `None` when the result is not UTF-8 or an escape is broken.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Path, PathError};
    use proptest::prelude::*;

    #[test]
    fn spelling_is_canonical() {
        for (raw, collection, href) in [
            ("/", true, "/"),
            ("/files/A B", false, "/files/A%20B"),
            ("/files//x/", true, "/files/x/"),
            ("/files/%28a%29%26%3b", false, "/files/(a)%26%3B"),
            ("/files/caf\u{e9}", false, "/files/caf%C3%A9"),
            ("/a@b:c", false, "/a@b%3Ac"),
        ] {
            assert_eq!(Path::parse(raw).expect(raw).href(collection), href, "{raw}");
        }
    }

    #[test]
    fn no_way_out_of_the_tree() {
        for raw in
            ["/files/../x", "/files/%2e%2e/x", "/%2E/x", "/a%2Fb", "/a%00b", "/%ff", "/%zz", "/a%4", "/a#b", "/a?b"]
        {
            assert_eq!(Path::parse(raw), Err(PathError::Illegal), "{raw}");
        }
        assert_eq!(Path::parse("files"), Err(PathError::Relative));
        assert_eq!(Path::parse(&"/a".repeat(200)), Err(PathError::TooDeep));
    }

    proptest! {
        #[test]
        fn href_and_parse_are_inverse(names in proptest::collection::vec("[^/\0]{1,20}", 0..8)) {
            prop_assume!(names.iter().all(|n| n != "." && n != ".."));
            let path = Path { segments: names };
            prop_assert_eq!(Path::parse(&path.href(true)), Ok(path.clone()));
        }

        #[test]
        fn any_text_is_a_path_or_an_error(raw in ".*") {
            if let Ok(path) = Path::parse(&raw) {
                prop_assert!(path.segments().iter().all(|s| s != ".." && !s.contains('/')));
            }
        }
    }
}
