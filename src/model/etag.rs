//! Entity tags and synchronization tokens.

use std::borrow::Cow;
use std::fmt;

use super::id::{Id, Seq};
use super::path;

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

/// A point in the history of one collection, RFC 6578 section 4: everything up to `seq` is known to the client and,
/// when `after` is given, of the changes at `seq` those of names up to it (a truncated answer may end inside one
/// transaction).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncToken {
    /// Epoch of the database; it changes when a backup is restored.
    pub epoch: String,
    /// The collection.
    pub node: Id,
    /// The home that counts `seq`.
    pub home: Id,
    /// Last change known.
    pub seq: Seq,
    /// Last entry sent of change `seq`, when not all of them were.
    pub after: Option<String>,
}

const PREFIX: &str = "urn:beffroi:sync:";

impl fmt::Display for SyncToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:{}:{}:{}", self.epoch, self.node, self.home, self.seq)?;
        if let Some(after) = &self.after {
            let mut encoded = String::new();
            path::encode(after, &mut encoded);
            write!(f, ":{encoded}")?;
        }
        Ok(())
    }
}

impl SyncToken {
    /// Reads a token of ours; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.splitn(5, ':');
        let epoch = parts.next()?.to_owned();
        let node = Id(parts.next()?.parse().ok()?);
        let home = Id(parts.next()?.parse().ok()?);
        let seq = parts.next()?.parse().ok()?;
        let after = match parts.next() {
            Some(encoded) => Some(path::decode(encoded)?),
            None => None,
        };
        Some(Self { epoch, node, home, seq, after })
    }
}

#[cfg(test)]
mod tests {
    use super::{ETag, Id, SyncToken};

    #[test]
    fn tokens_survive_the_wire() {
        for after in [None, Some("a:b c/\u{e9}".to_owned())] {
            let token = SyncToken { epoch: "e1".into(), node: Id(7), home: Id(3), seq: 12, after };
            assert_eq!(SyncToken::parse(&token.to_string()), Some(token));
        }
        for text in ["", "urn:beffroi:sync:", "urn:beffroi:sync:a:b:c:d", "http://example/1"] {
            assert_eq!(SyncToken::parse(text), None);
        }
    }

    #[test]
    fn strong_comparison() {
        let tag = ETag::of_hash(&"ab".repeat(32));
        assert_eq!(tag.to_string(), format!("\"{}\"", "ab".repeat(16)));
        assert!(tag.matches_strongly(&tag.clone()));
        assert!(!tag.matches_strongly(&ETag { weak: true, ..tag.clone() }));
        assert_eq!(ETag::of_hash("a\u{0}<\"\u{e9}b").header_value(), "\"ab\"");
    }
}
