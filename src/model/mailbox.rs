//! Addresses of mail, in the one strict form that may stand in an envelope and in a header (RFC 5321, 5322): ASCII, a
//! dot-atom before the `@`, a host name behind it.

use std::fmt;
use std::str::FromStr;

use super::filename::match_name;

/// The longest address and the longest part before its `@` (RFC 5321, section 4.5.3.1), bytes.
const MAX_ADDRESS_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;
/// The longest host name, and the longest part of one, bytes.
const MAX_DOMAIN_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;
/// The longest name that is shown beside an address.
const MAX_NAME_CHARS: usize = 200;

/// Why something is no address, as a part of a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAnAddress {
    /// Not a host name.
    #[error("not a domain (labels of a-z, 0-9 and -, with dots between them; others in their xn-- form)")]
    Domain,
    /// Not an address.
    #[error("not an e-mail address (NAME@DOMAIN, without spaces, quotes or accents)")]
    Address,
    /// Not a name with an address.
    #[error("not an e-mail address with a name (NAME <ADDRESS>)")]
    Mailbox,
}

/// The part of an address after its `@`, in lower case.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MailDomain(String);

impl MailDomain {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MailDomain {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let is_label = |label: &str| {
            (1..=MAX_LABEL_BYTES).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let good = text.len() <= MAX_DOMAIN_BYTES && text.split('.').all(is_label);
        good.then(|| Self(text.to_ascii_lowercase())).ok_or(NotAnAddress::Domain)
    }
}

impl fmt::Display for MailDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address, spelled as it was given.
#[derive(Clone, Debug)]
pub struct MailAddress {
    text: String,
    at: usize,
}

impl MailAddress {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// What stands behind it.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }
}

/// The part before the `@` that stands for a name of ours: letters of ASCII, digits, and dots between them as they are,
/// all else as `=` and two hexadecimal digits a byte.
#[must_use]
pub fn local_part_of(name: &str) -> String {
    use fmt::Write as _;
    let folded = match_name(name);
    let bytes = folded.as_bytes();
    let is_plain = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let mut local = String::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        let between = *byte == b'.' && at > 0 && is_plain(at - 1) && is_plain(at + 1);
        if is_plain(at) || between || matches!(byte, b'-' | b'_') {
            local.push(char::from(*byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(local, "={byte:02x}");
        }
    }
    local
}

/// The name, folded, that a part before the `@` stands for. What was not made by [`local_part_of`] stands for itself.
#[must_use]
pub fn name_of_local_part(local: &str) -> String {
    let mut bytes = Vec::with_capacity(local.len());
    let mut rest = local;
    while let Some(character) = rest.chars().next() {
        let code = rest.strip_prefix('=').and_then(|after| after.get(..2));
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        let taken = match byte {
            Some(byte) => {
                bytes.push(byte);
                3
            }
            None => {
                bytes.extend(character.to_string().bytes());
                character.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    String::from_utf8(bytes).map_or_else(|_| local.to_owned(), |name| match_name(&name))
}

/// Of addresses, no letter's case counts.
impl PartialEq for MailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for MailAddress {}

impl FromStr for MailAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        const BESIDE_LETTERS: &[u8] = b"!#$%&'*+-/=?^_`{|}~";
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnAddress::Address)?;
        let is_atom = |atom: &str| {
            !atom.is_empty() && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || BESIDE_LETTERS.contains(&byte))
        };
        let good = text.len() <= MAX_ADDRESS_BYTES
            && local.len() <= MAX_LOCAL_BYTES
            && local.split('.').all(is_atom)
            && domain.parse::<MailDomain>().is_ok();
        good.then(|| Self { text: text.to_owned(), at: local.len() }).ok_or(NotAnAddress::Address)
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An address with the name of whose it is; without one the name is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mailbox {
    /// The name, as it is shown.
    pub name: String,
    /// The address.
    pub address: MailAddress,
}

/// As one line, which is read back as the same but for what no name may hold.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.name.chars().map(|c| if is_of_name(c) { c } else { ' ' }).take(MAX_NAME_CHARS);
        let name: String = plain.collect();
        write!(f, "{} <{}>", name.trim(), self.address)
    }
}

/// May it stand in a name between quotes?
fn is_of_name(c: char) -> bool {
    !c.is_control() && !matches!(c, '"' | '<' | '>' | '\\')
}

impl FromStr for Mailbox {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let text = text.trim();
        let Some((name, address)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) else {
            return Ok(Self { name: String::new(), address: text.parse().map_err(|_| NotAnAddress::Mailbox)? });
        };
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        if !name.chars().all(is_of_name) || name.chars().count() > MAX_NAME_CHARS {
            return Err(NotAnAddress::Mailbox);
        }
        Ok(Self { name: name.to_owned(), address: address.parse().map_err(|_| NotAnAddress::Mailbox)? })
    }
}

#[cfg(test)]
mod tests {
    use super::{MailAddress, MailDomain, Mailbox, local_part_of, name_of_local_part};
    use crate::model::filename::match_name;

    #[test]
    fn addresses_are_strict() {
        for good in ["a@b.fr", "gymnase+1f2e@agenda.ville.fr", "o'brien@x", "A.B-c_d@XN--9ca.fr"] {
            assert_eq!(good.parse::<MailAddress>().expect(good).as_str(), good);
        }
        let long = format!("{}@b.fr", "a".repeat(65));
        let bad = [
            "",
            "a",
            "@b.fr",
            "a@",
            "a@@b.fr",
            "a b@c.fr",
            "a@b..fr",
            ".a@b.fr",
            "a.@b.fr",
            "a@-b.fr",
            "\"a\"@b.fr",
            "é@b.fr",
            "a@é.fr",
            "a@b.fr\r\nBcc: c@d.fr",
            "a@b.fr\0",
            "<a@b.fr>",
            "a@[127.0.0.1]",
            &long,
        ];
        for bad in bad {
            assert!(bad.parse::<MailAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_name_has_a_part_before_the_at_sign_and_is_found_by_it() {
        for (name, local) in [
            ("tram", "tram"),
            ("Tram 2", "tram=202"),
            ("Comité", "comit=c3=a9"),
            ("st.denis", "st.denis"),
            ("a..b", "a=2e=2eb"),
            (".a", "=2ea"),
            ("a=20b", "a=3d20b"),
            ("a+b", "a=2bb"),
        ] {
            assert_eq!(local_part_of(name), local);
            assert_eq!(name_of_local_part(local), match_name(name));
            let address = format!("{local}@ville.fr");
            assert!(address.parse::<MailAddress>().is_ok(), "{address}");
        }
        for odd in ["", "=", "=z", "=c3", "é", "=é", "a=f"] {
            let _ = name_of_local_part(odd);
        }
    }

    #[test]
    fn an_address_has_two_parts_and_no_case() {
        let address: MailAddress = "Gymnase+tag@Agenda.Ville.fr".parse().expect("an address");
        assert_eq!((address.local(), address.domain()), ("Gymnase+tag", "Agenda.Ville.fr"));
        assert_eq!(address, "gymnase+TAG@agenda.ville.FR".parse().expect("an address"));
        assert_eq!("Agenda.Ville.FR".parse::<MailDomain>().expect("a domain").as_str(), "agenda.ville.fr");
    }

    #[test]
    fn a_mailbox_may_have_a_name() {
        let read = |text: &str| text.parse::<Mailbox>().map(|mailbox| (mailbox.name, mailbox.address.to_string()));
        let of = |name: &str| Ok((name.to_owned(), "b@ville.fr".to_owned()));
        assert_eq!(read("Beffroi <b@ville.fr>"), of("Beffroi"));
        assert_eq!(read("\"Mairie, agenda\" <b@ville.fr>"), of("Mairie, agenda"));
        assert_eq!(read("b@ville.fr"), of(""));
        for (name, written) in [("Durand, Marie", "Durand, Marie <b@ville.fr>"), ("a\r\n<\"b", "a    b <b@ville.fr>")] {
            let mailbox = Mailbox { name: name.to_owned(), address: "b@ville.fr".parse().expect("an address") };
            assert_eq!(mailbox.to_string(), written);
            assert!(read(written).is_ok());
        }
        for bad in ["Beffroi", "Beffroi <b>", "B\r\nTo: x <b@ville.fr>", "B <b@ville.fr> c", "B \"c <b@ville.fr>"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
