//! Entity tags.

use std::borrow::Cow;
use std::fmt;

/// An entity tag, RFC 9110 section 8.8.3. Ours are always strong: the beginning of the content's SHA-256.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ETag {
    /// The opaque part, without quotes.
    pub opaque: String,
    /// Was it marked `W/`?
    pub weak: bool,
}

impl ETag {
    /// The tag of content with this SHA-256.
    #[must_use]
    pub fn of_hash(hash: &str) -> Self {
        Self { opaque: opaque(hash).into_owned(), weak: false }
    }

    /// The same as it is sent, in one piece, for a listing has one a member.
    #[must_use]
    pub fn header_of_hash(hash: &str) -> String {
        ["\"", &opaque(hash), "\""].concat()
    }

    /// As it is sent: in quotes, in one piece, for a listing has one a member.
    #[must_use]
    pub fn header_value(&self) -> String {
        [if self.weak { "W/\"" } else { "\"" }, &self.opaque, "\""].concat()
    }

    /// Strong comparison, RFC 9110 section 8.8.3.2.
    #[must_use]
    pub fn matches_strongly(&self, other: &Self) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }
}

/// The part of a hash that makes a tag. One that is damaged must not break the answer that holds it.
fn opaque(hash: &str) -> Cow<'_, str> {
    let head = hash.get(..32).unwrap_or(hash);
    // Without a branch, so that all of it is looked at in a few instructions.
    let whole = head.bytes().fold(true, |all, byte| all & matches!(byte, b'0'..=b'9' | b'a'..=b'z'));
    if whole { Cow::Borrowed(head) } else { head.chars().filter(char::is_ascii_alphanumeric).collect() }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.header_value())
    }
}

#[cfg(test)]
mod tests {
    use super::ETag;

    #[test]
    fn strong_comparison() {
        let tag = ETag::of_hash(&"ab".repeat(32));
        assert_eq!(tag.to_string(), format!("\"{}\"", "ab".repeat(16)));
        assert!(tag.matches_strongly(&tag.clone()));
        assert!(!tag.matches_strongly(&ETag { weak: true, ..tag.clone() }));
        assert_eq!(ETag::of_hash("a\u{0}<\"\u{e9}b").header_value(), "\"ab\"");
    }
}
