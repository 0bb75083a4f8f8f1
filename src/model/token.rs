//! Synchronization tokens, and all else that is handed out of the numbers of changes.
//!
//! A home counts all its changes. Its numbers would say how much is done in all of it to who reads only a part, so none
//! leaves sealed by a key of the database alone: what is handed out is the same for the same number, and shows neither
//! that nor which of two came first.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::id::{Id, Seq};
use super::path;

/// A point in the history of one collection, RFC 6578 section 4: everything up to `seq` is known to the client and,
/// when `after` is given, of the changes at `seq` those of names up to it (a truncated answer may end inside one
/// transaction).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncToken {
    /// The collection.
    pub node: Id,
    /// The home that counts `seq`.
    pub home: Id,
    /// Last change known.
    pub seq: Seq,
    /// Last entry sent of change `seq`, when not all of them were.
    pub after: Option<String>,
    /// Did it spell its numbers? Older versions handed out such tokens, and anybody can make one.
    pub plain: bool,
}

const PREFIX: &str = "urn:beffroi:sync:";
const KEY: usize = 32;
pub(super) const TAG: usize = 16;
const NUMBERS: usize = 24;

/// What a hash is made for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Tag = 1,
    Stream = 2,
    Masked = 3,
    Meeting = 4,
    Answer = 5,
    Form = 6,
    Attachment = 7,
    Personal = 8,
}

/// Makes tokens and reads them.
#[derive(Clone, Debug)]
pub struct TokenSeal {
    /// Epoch of the database; it changes when a backup is restored, and tokens of another one are none.
    pub epoch: Arc<str>,
    key: [u8; KEY],
}

impl TokenSeal {
    /// By the secret of a database.
    #[must_use]
    pub fn of(epoch: Arc<str>, secret: &str) -> Self {
        Self { epoch, key: Sha256::digest(secret).into() }
    }

    /// A token as it is handed out. The tag of its content, which a reader makes again, is also where the stream of
    /// bytes begins that covers it.
    #[must_use]
    pub fn write(&self, token: &SyncToken) -> String {
        let mut content = Vec::with_capacity(NUMBERS + token.after.as_ref().map_or(0, String::len));
        for number in [token.node.0, token.home.0, token.seq] {
            content.extend_from_slice(&number.to_be_bytes());
        }
        content.extend_from_slice(token.after.as_deref().unwrap_or_default().as_bytes());
        let tag = self.tag(Purpose::Tag, &content);
        self.cover(&tag, &mut content);
        [PREFIX, &self.epoch, ":", &hex::encode(tag), &hex::encode(content)].concat()
    }

    /// Reads a token of ours; `None` for anything else.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<SyncToken> {
        let (epoch, rest) = text.strip_prefix(PREFIX)?.split_once(':')?;
        if *epoch != *self.epoch {
            return None;
        }
        if rest.contains(':') {
            return plain(rest);
        }
        let (tag, sealed) = rest.split_at_checked(2 * TAG)?;
        let (tag, mut content) = (hex::decode(tag).ok()?, hex::decode(sealed).ok()?);
        self.cover(&tag, &mut content);
        if tag != self.tag(Purpose::Tag, &content) {
            return None;
        }
        let (numbers, after) = content.split_at_checked(NUMBERS)?;
        let mut numbers = numbers.chunks_exact(8).map(|bytes| bytes.try_into().map(i64::from_be_bytes));
        let mut next = || numbers.next().and_then(Result::ok);
        let (node, home, seq) = (Id(next()?), Id(next()?), next()?);
        let after = String::from_utf8(after.to_vec()).ok().filter(|after| !after.is_empty());
        Some(SyncToken { node, home, seq, after, plain: false })
    }

    /// The tag of what is masked, made of its content, of which it shows nothing. It changes with that alone.
    #[must_use]
    pub fn masked(&self, node: Id, content: &str) -> String {
        let parts: [&[u8]; 2] = [&node.0.to_be_bytes(), content.as_bytes()];
        hex::encode(self.hash(Purpose::Masked, &parts).get(..TAG).unwrap_or_default())
    }

    /// The tag of some content as somebody sees it who has something of their own there.
    #[must_use]
    pub fn personal(&self, content: &str, own: &str) -> String {
        let parts = [content.as_bytes(), b" ", own.as_bytes()];
        hex::encode(self.hash(Purpose::Personal, &parts).get(..TAG).unwrap_or_default())
    }

    /// What the address of a meeting's organizer bears behind a `+`, so that mail about it is known as an answer to
    /// ours.
    #[must_use]
    pub fn meeting_tag(&self, uid: &str) -> String {
        const BYTES: usize = 8;
        hex::encode(self.hash(Purpose::Meeting, &[uid.as_bytes()]).get(..BYTES).unwrap_or_default())
    }

    /// What shows that this server made a name of these parts.
    #[must_use]
    pub fn attachment_tag(&self, parts: &[&[u8]]) -> [u8; TAG] {
        let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
        let parts: Vec<&[u8]> =
            lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]).collect();
        let hash = self.hash(Purpose::Attachment, &parts);
        std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
    }

    pub(super) fn tag(&self, purpose: Purpose, content: &[u8]) -> [u8; TAG] {
        let hash = self.hash(purpose, &[content]);
        std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
    }

    /// Covers bytes, or uncovers them.
    pub(super) fn cover(&self, tag: &[u8], content: &mut [u8]) {
        for (place, block) in (0_u64..).zip(content.chunks_mut(32)) {
            let stream = self.hash(Purpose::Stream, &[tag, &place.to_be_bytes()]);
            block.iter_mut().zip(stream).for_each(|(byte, by)| *byte ^= by);
        }
    }

    fn hash(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update([purpose as u8]);
        parts.iter().for_each(|part| hash.update(part));
        hash.finalize().into()
    }
}

/// Reads what follows the epoch in a token that spells its numbers.
fn plain(text: &str) -> Option<SyncToken> {
    let mut parts = text.splitn(4, ':');
    let mut number = || parts.next()?.parse().ok();
    let (node, home, seq) = (Id(number()?), Id(number()?), number()?);
    let after = match parts.next() {
        Some(encoded) => Some(path::decode(encoded)?),
        None => None,
    };
    Some(SyncToken { node, home, seq, after, plain: true })
}

#[cfg(test)]
mod tests {
    use super::{Id, SyncToken, TokenSeal};

    fn seal(key: u8) -> TokenSeal {
        TokenSeal::of("e1".into(), &key.to_string())
    }

    #[test]
    fn tokens_survive_the_wire() {
        for after in [None, Some("a:b c/\u{e9}".to_owned()), Some("long ".repeat(100))] {
            let token = SyncToken { node: Id(7), home: Id(3), seq: 12, after, plain: false };
            let text = seal(1).write(&token);
            assert_eq!(text, seal(1).write(&token));
            assert_eq!(seal(1).read(&text), Some(token));
            assert_eq!(seal(2).read(&text), None);
            // Any other character, or one less, is another token.
            for place in "urn:beffroi:sync:e1:".len()..text.len() {
                let mut other = text.clone();
                let one = if other.remove(place) == '0' { '1' } else { '0' };
                assert_eq!(seal(1).read(&other), None);
                other.insert(place, one);
                assert_eq!(seal(1).read(&other), None);
            }
        }
        for text in ["", "urn:beffroi:sync:", "urn:beffroi:sync:e1:", "urn:beffroi:sync:e1:b:c:d", "http://example/1"] {
            assert_eq!(seal(1).read(text), None);
        }
    }

    #[test]
    fn tokens_that_spell_their_numbers_are_known_as_such() {
        let token = SyncToken { node: Id(7), home: Id(3), seq: 12, after: None, plain: true };
        assert_eq!(seal(1).read("urn:beffroi:sync:e1:7:3:12"), Some(token.clone()));
        let after = Some("a:b".to_owned());
        assert_eq!(seal(1).read("urn:beffroi:sync:e1:7:3:12:a%3Ab"), Some(SyncToken { after, ..token }));
        assert_eq!(seal(1).read("urn:beffroi:sync:e2:7:3:12"), None);
    }

    #[test]
    fn what_is_handed_out_shows_no_order() {
        let tag = |seq: i64| seal(1).masked(Id(7), &seq.to_string());
        let token = |seq: i64| seal(1).write(&SyncToken { node: Id(7), home: Id(3), seq, after: None, plain: false });
        for texts in [(0..64).map(tag).collect::<Vec<_>>(), (0..64).map(token).collect()] {
            let ascending = texts.windows(2).filter(|pair| pair[0] < pair[1]).count();
            assert!((10..54).contains(&ascending), "{ascending}");
            assert!(texts.windows(2).all(|pair| pair[0].len() == pair[1].len()));
        }
    }
}
