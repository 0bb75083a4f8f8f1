//! Files that are attached to calendar objects (RFC 8607): what clients call one, and the addresses at which it is
//! opened.
//!
//! Nothing of this is stored: the names are made of the document, the UID and a seal of the database. So an address
//! opens a file exactly while the object still says that the file and the attendee are part of it.

use super::id::Id;
use super::path::{ATTACHMENTS, encode};
use super::token::TokenSeal;

/// The largest attachment, bytes (`CALDAV:max-attachment-size`).
pub const MAX_ATTACHMENT_BYTES: u64 = 1 << 30;
/// The most attachments of one object (`CALDAV:max-attachments-per-resource`).
pub const MAX_ATTACHMENTS: usize = 100;
/// UIDs that are longer would make addresses that no program opens.
pub const MAX_UID_BYTES: usize = 1000;
/// What stands in the place of the token where one logs in.
pub const LOGIN: &str = "own";

/// Bytes of the numbers in a token, and of its seal.
const NUMBERS: usize = 12;
const TAG: usize = 16;

/// A state of an attached document, which MANAGED-ID names: another state has another name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ManagedId {
    /// The document.
    pub document: Id,
    /// What its content is known by.
    state: u32,
}

impl ManagedId {
    /// Of a document with content of a hash.
    #[must_use]
    pub fn of(document: Id, hash: &str) -> Self {
        let state = hash.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
        Self { document, state }
    }

    fn numbers(self) -> Vec<u8> {
        [self.document.0.to_be_bytes().as_slice(), &self.state.to_be_bytes()].concat()
    }

    fn from_numbers(numbers: &[u8]) -> Option<Self> {
        let (document, state) = numbers.split_at_checked(8)?;
        let document = Id(i64::from_be_bytes(document.try_into().ok()?));
        Some(Self { document, state: u32::from_be_bytes(state.try_into().ok()?) })
    }

    /// As clients see it: nobody else can make one.
    #[must_use]
    pub fn write(self, seal: &TokenSeal) -> String {
        let numbers = self.numbers();
        hex::encode([numbers.as_slice(), &seal.attachment_tag(&[&numbers])].concat())
    }

    /// Reads one of ours.
    #[must_use]
    pub fn read(text: &str, seal: &TokenSeal) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        let (numbers, tag) = bytes.split_at_checked(NUMBERS)?;
        is_same(tag, &seal.attachment_tag(&[numbers])).then(|| Self::from_numbers(numbers))?
    }
}

/// What an address of an attached document says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttachmentToken {
    /// The document, as it was when the address was made: it opens what the document is now.
    pub id: ManagedId,
    /// The UID of the object that it is attached to.
    pub uid: String,
    /// What shows for which attendee it was made; `None`: for those who log in.
    tag: Option<Vec<u8>>,
}

impl AttachmentToken {
    /// For those who log in.
    #[must_use]
    pub fn for_login(id: ManagedId, uid: &str) -> Self {
        Self { id, uid: uid.to_owned(), tag: None }
    }

    /// The same for an attendee of the object, known by a calendar user address.
    #[must_use]
    pub fn for_attendee(&self, address: &str, seal: &TokenSeal) -> Self {
        let tag = seal.attachment_tag(&[&self.id.document.0.to_be_bytes(), self.uid.as_bytes(), address.as_bytes()]);
        Self { tag: Some(tag.to_vec()), ..self.clone() }
    }

    /// Was it made for an attendee?
    #[must_use]
    pub fn is_for(&self, address: &str, seal: &TokenSeal) -> bool {
        let expected = self.for_attendee(address, seal).tag;
        self.tag.as_deref().zip(expected.as_deref()).is_some_and(|(given, ours)| is_same(given, ours))
    }

    /// The path, with the name that the file is shown by.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        let shown =
            [self.id.numbers().as_slice(), self.tag.as_deref().unwrap_or_default(), self.uid.as_bytes()].concat();
        let login = if self.tag.is_none() { format!("{LOGIN}/") } else { String::new() };
        let mut path = format!("/{ATTACHMENTS}/{login}{}/", hex::encode(shown));
        encode(name, &mut path);
        path
    }

    /// Reads the segments of a path after the first.
    #[must_use]
    pub fn read(segments: &[&str]) -> Option<Self> {
        let (token, is_login) = match segments {
            [LOGIN, token, _] => (token, true),
            [token, _] => (token, false),
            _ => return None,
        };
        let bytes = hex::decode(token).ok()?;
        let (numbers, rest) = bytes.split_at_checked(NUMBERS)?;
        let (tag, uid) = rest.split_at_checked(if is_login { 0 } else { TAG })?;
        let uid = String::from_utf8(uid.to_vec()).ok()?;
        Some(Self { id: ManagedId::from_numbers(numbers)?, uid, tag: (!is_login).then(|| tag.to_vec()) })
    }
}

/// An address at which those who log in open an attached document, in its parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginAddress<'a> {
    /// How this server is reached: all that stands before the path.
    pub server: &'a str,
    /// What it opens.
    pub token: AttachmentToken,
    /// The name that the file is shown by, as the address spells it.
    spelled_name: &'a str,
}

impl<'a> LoginAddress<'a> {
    /// Reads one that we wrote.
    #[must_use]
    pub fn read(address: &'a str) -> Option<Self> {
        let (server, path) = address.split_once(&format!("/{ATTACHMENTS}/{LOGIN}/"))?;
        let (token, spelled_name) = path.split_once('/')?;
        Some(Self { server, token: AttachmentToken::read(&[LOGIN, token, spelled_name])?, spelled_name })
    }

    /// The address of the same document for an attendee.
    #[must_use]
    pub fn for_attendee(&self, address: &str, seal: &TokenSeal) -> String {
        let path = self.token.for_attendee(address, seal).path("");
        format!("{}{path}{}", self.server, self.spelled_name)
    }
}

/// Whether two seals are the same takes as long wherever they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// What a POST does with the attachments of an object (RFC 8607 section 3.3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttachmentAction {
    /// A new one comes, to some occurrences.
    Add(AttachedOccurrences),
    /// Another state takes the place of one.
    Update(String),
    /// One is taken off, from some occurrences.
    Remove(String, AttachedOccurrences),
}

/// Which components of an object an attachment is in (RFC 8607 section 3.3.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttachedOccurrences {
    /// All.
    All,
    /// The master (`M`), and occurrences by their RECURRENCE-ID.
    These(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::{AttachmentToken, LoginAddress, ManagedId};
    use crate::model::id::Id;
    use crate::model::token::TokenSeal;

    fn seal(secret: &str) -> TokenSeal {
        TokenSeal::of("epoch".into(), secret)
    }

    #[test]
    fn names_of_attachments_are_read_back_and_cannot_be_made_up() {
        let ours = seal("a");
        for document in [1, i64::MAX, -1] {
            let id = ManagedId::of(Id(document), "deadbeef00");
            let written = id.write(&ours);
            assert_eq!(ManagedId::read(&written, &ours), Some(id));
            assert_eq!(ManagedId::read(&written, &seal("b")), None);
            assert_ne!(ManagedId::of(Id(document), "deadbeee00").write(&ours), written);
            for at in 0..written.len() {
                let mut other = written.clone().into_bytes();
                other[at] = if other[at] == b'0' { b'1' } else { b'0' };
                assert_eq!(ManagedId::read(&String::from_utf8(other).expect("hexadecimal"), &ours), None, "{at}");
            }
        }
        for text in ["", "00", "x", "é", &"0".repeat(56), &"f".repeat(200)] {
            assert_eq!(ManagedId::read(text, &ours), None, "{text}");
        }
    }

    #[test]
    fn an_address_is_for_one_attendee_of_one_object() {
        let ours = seal("a");
        let own = AttachmentToken::for_login(ManagedId::of(Id(7), "01020304"), "réunion/1@x");
        let address = format!("https://b.fr/x{}", own.path("ordre du jour.pdf"));
        let login = LoginAddress::read(&address).expect("an address of ours");
        assert_eq!((login.server, &login.token), ("https://b.fr/x", &own));
        let made = login.for_attendee("mailto:a@b.fr", &ours);
        let (server, path) = made.split_once("/attachments/").expect("a path");
        assert_eq!(server, "https://b.fr/x");
        let segments: Vec<&str> = path.split('/').collect();
        assert_eq!(segments[1], "ordre%20du%20jour.pdf");
        let token = AttachmentToken::read(&segments).expect("a token");
        assert!(token.is_for("mailto:a@b.fr", &ours) && !token.is_for("mailto:b@b.fr", &ours));
        assert!(!token.is_for("mailto:a@b.fr", &seal("b")) && !own.is_for("mailto:a@b.fr", &ours));
        let other = AttachmentToken { uid: "2".to_owned(), ..token };
        assert!(!other.is_for("mailto:a@b.fr", &ours));
        for segments in [&["own"][..], &["own", "00", "a"], &["0g", "a"], &[], &["00", "a"], &["own", "a", "b", "c"]] {
            assert_eq!(AttachmentToken::read(segments), None, "{segments:?}");
        }
        for address in ["", "https://b.fr/attachments/own/", "https://b.fr/attachments/own/xyz/a", "/attachments/a/b"] {
            assert_eq!(LoginAddress::read(address), None, "{address}");
        }
    }
}
