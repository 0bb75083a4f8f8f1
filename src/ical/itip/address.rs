//! Calendar user addresses in the form in which they are compared (RFC 6638 section 2.4.1, RFC 5545 section 3.3.3).

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;

use crate::model::filename::match_name;

const MAILTO: &str = "mailto:";

/// An address as it is compared: without brackets, decoded, in small letters. What stands in a line may differ from it
/// in all of these. A `+tag` is part of the address: whose it is only its own domain knows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CalendarUserAddress(String);

impl CalendarUserAddress {
    /// The address that a client writes: a URI (`mailto:`, `urn:uuid:`, `https:`), the path of a principal, or a mail
    /// address by itself.
    #[must_use]
    pub fn new(written: &str) -> Self {
        let bare = without_brackets(written);
        let is_mail = bare.get(..MAILTO.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(MAILTO));
        let rest = if is_mail { bare.get(MAILTO.len()..).unwrap_or_default() } else { bare };
        // Header fields of a mail that would be written are no part of who it goes to (RFC 6068 section 2).
        let rest = if is_mail { rest.split('?').next().unwrap_or_default() } else { rest };
        let decoded = percent_decode_str(without_brackets(rest)).decode_utf8_lossy();
        let folded = match_name(without_brackets(&decoded));
        if is_mail || is_mailbox(&folded) {
            return Self(format!("{MAILTO}{folded}"));
        }
        // A collection is the same with and without the slash that ends its path.
        Self(if folded.len() > 1 { folded.trim_end_matches('/').to_owned() } else { folded })
    }

    /// As it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The mail address, if it is one.
    #[must_use]
    pub fn mailbox(&self) -> Option<&str> {
        self.0.strip_prefix(MAILTO).filter(|mailbox| is_mailbox(mailbox))
    }
}

/// Without the spaces, quotes and angle brackets that programs put around addresses.
fn without_brackets(text: &str) -> &str {
    text.trim().trim_matches('"').trim().trim_start_matches('<').trim_end_matches('>').trim()
}

/// Is it a `mailto:` URI that is compared as it stands, but for capitals?
fn is_plain(written: &str) -> bool {
    let as_it_stands = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'.' | b'+' | b'-' | b'_');
    let mailbox = written.get(MAILTO.len()..).unwrap_or_default();
    let is_mail = written.get(..MAILTO.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(MAILTO));
    is_mail && mailbox.bytes().all(as_it_stands)
}

/// Is it a mail address without scheme?
fn is_mailbox(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty()) && !text.contains([':', '/'])
}

/// The addresses of one principal: whoever is meant by one of them is that principal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Addresses(BTreeSet<CalendarUserAddress>);

impl Addresses {
    /// Those that are written so.
    pub fn of<'a>(written: impl IntoIterator<Item = &'a str>) -> Self {
        Self(written.into_iter().map(CalendarUserAddress::new).collect())
    }

    /// Is it one of them?
    #[must_use]
    pub fn contains(&self, address: &CalendarUserAddress) -> bool {
        self.0.contains(address)
    }

    /// Is what a client writes one of them? Mostly it is written in the plain form: of hundreds in a meeting none is
    /// built to be compared.
    #[must_use]
    pub fn means(&self, written: &str) -> bool {
        if is_plain(written) {
            self.0.iter().any(|address| address.0.eq_ignore_ascii_case(written))
        } else {
            self.contains(&CalendarUserAddress::new(written))
        }
    }

    /// These, and those of another principal.
    #[must_use]
    pub fn with(&self, others: &Self) -> Self {
        self.0.union(&others.0).cloned().collect()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &CalendarUserAddress> {
        self.0.iter()
    }
}

impl FromIterator<CalendarUserAddress> for Addresses {
    fn from_iter<T: IntoIterator<Item = CalendarUserAddress>>(addresses: T) -> Self {
        Self(addresses.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Addresses, CalendarUserAddress};

    #[test]
    fn one_address_is_the_same_however_it_is_written() {
        let table = [
            (
                "mailto:marie@ville.fr",
                &[
                    "MAILTO:marie@ville.fr",
                    "mailto:Marie@Ville.FR",
                    "mailto:%6Darie@ville.fr",
                    "marie@ville.fr",
                    "<mailto:marie@ville.fr>",
                    "mailto:<marie@ville.fr>",
                    " mailto:marie@ville.fr ",
                    "mailto:marie%40ville.fr",
                    "\"mailto:marie@ville.fr\"",
                    "mailto:marie@ville.fr?subject=x",
                ][..],
            ),
            ("mailto:gymnase+a1@ville.fr", &["mailto:gymnase%2Ba1@ville.fr", "Mailto:Gymnase+A1@ville.fr"]),
            ("mailto:élise@ville.fr", &["mailto:%C3%A9lise@ville.fr", "mailto:E\u{301}LISE@ville.fr"]),
            ("urn:uuid:5f0e", &["URN:UUID:5F0E", "<urn:uuid:5f0e>"]),
            ("/principals/people/marie", &["/principals/people/marie/", "/Principals/people/Marie/"]),
            ("https://x.example/p/a b", &["HTTPS://X.example/p/a%20b/", "https://x.example/p/a b"]),
            ("invalid:nomail", &["invalid:nomail"]),
        ];
        for (expected, written) in table {
            for written in written {
                assert_eq!(CalendarUserAddress::new(written).as_str(), expected, "{written}");
            }
        }
    }

    #[test]
    fn what_differs_is_another() {
        for (one, other) in [
            ("mailto:a@b.fr", "mailto:a+x@b.fr"),
            ("mailto:a@b.fr", "mailto:a@c.fr"),
            ("mailto:a.b@c.fr", "mailto:ab@c.fr"),
            ("/principals/people/a/", "mailto:a"),
            ("", "mailto:a@b.fr"),
        ] {
            assert_ne!(CalendarUserAddress::new(one), CalendarUserAddress::new(other));
        }
        let mine = Addresses::of(["mailto:A@b.fr", "/principals/people/a/"]);
        assert!(mine.contains(&CalendarUserAddress::new("a@B.fr")));
        assert!(mine.contains(&CalendarUserAddress::new("/principals/people/a")));
        assert!(!mine.contains(&CalendarUserAddress::new("mailto:c@b.fr")));
    }

    #[test]
    fn only_a_mailbox_gets_mail() {
        for (written, mailbox) in [
            ("MAILTO:A@b.fr", Some("a@b.fr")),
            ("a@b.fr", Some("a@b.fr")),
            ("mailto:", None),
            ("mailto:nobody", None),
            ("mailto:@b.fr", None),
            ("invalid:nomail", None),
            ("urn:uuid:1", None),
            ("https://a@b.fr/", None),
        ] {
            assert_eq!(CalendarUserAddress::new(written).mailbox(), mailbox, "{written}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_case_says_nothing(text in ".{0,40}", ascii in "[!-~]{0,40}") {
            let _ = CalendarUserAddress::new(&text);
            let small = CalendarUserAddress::new(&ascii.to_ascii_lowercase());
            prop_assert_eq!(CalendarUserAddress::new(&ascii.to_ascii_uppercase()), small);
        }

        #[test]
        fn who_is_meant_does_not_hang_on_the_form(
            local in "[A-C@.+%é?/ -]{0,4}",
            scheme in "(mailto:|MAILTO:|<mailto:)?",
        ) {
            let written = format!("{scheme}{local}");
            for known in ["mailto:a", "mailto:a@b", "MAILTO:A@B", "b@a", "mailto:", "a", ""] {
                let known = Addresses::of([known]);
                prop_assert_eq!(known.means(&written), known.contains(&CalendarUserAddress::new(&written)));
            }
        }
    }
}
