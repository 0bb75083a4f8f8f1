//! What passwords are made of: the form of those that we make for devices, and the rule for those that people choose.
//!
//! The rule is the one of the CNIL (deliberation 2022-100 of 21 July 2022) for passwords that no other measure
//! protects: 80 bits of entropy. Three shapes have them: twelve characters of all four kinds, fourteen of three, or
//! seven words.

use std::collections::HashSet;

/// Characters of a device password: 32 letters and digits that nobody confuses, 5 bits each.
pub const DEVICE_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// How many of them it has.
pub const DEVICE_CHARS: usize = 32;
/// How many are written together.
const GROUP: usize = 4;
/// What stands between the groups: as it is shown, and as people type it.
const BETWEEN: [&str; 3] = ["-", "", " "];

/// Characters of an account password with special ones, and without.
const CHARS: usize = 12;
const CHARS_WITHOUT_SPECIAL: usize = 14;
/// Different words of a phrase, and the letters that make a word.
const WORDS: usize = 7;
const WORD_CHARS: usize = 2;
/// Different characters: a few that are repeated do not count.
const DIFFERENT: usize = 8;

/// What an account password lacks; each has its words in both languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordDefect {
    /// So many characters more.
    Characters(usize),
    /// A capital letter.
    Capital,
    /// A small letter.
    Small,
    /// A digit.
    Digit,
    /// A special character, or two characters more.
    Special,
    /// More different characters.
    Variety,
    /// A form of its own: it looks like a device password, and would be taken for one.
    OwnForm,
}

/// What an account password lacks; nothing: it is good.
#[must_use]
pub fn lacks(password: &str) -> Vec<PasswordDefect> {
    if is_of_device_form(password) {
        return vec![PasswordDefect::OwnForm];
    }
    let words: HashSet<String> = password
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= WORD_CHARS)
        .map(str::to_lowercase)
        .collect();
    if words.len() >= WORDS {
        return Vec::new();
    }
    let (mut count, mut capital, mut small, mut digit, mut special) = (0, false, false, false, false);
    for c in password.chars() {
        count += 1;
        match c {
            _ if c.is_uppercase() => capital = true,
            _ if c.is_lowercase() => small = true,
            _ if c.is_numeric() => digit = true,
            _ => special = true,
        }
    }
    let different = password.chars().collect::<HashSet<char>>().len();
    let kinds = [(capital, PasswordDefect::Capital), (small, PasswordDefect::Small), (digit, PasswordDefect::Digit)];
    let mut lacks: Vec<PasswordDefect> = kinds.into_iter().filter(|(there, _)| !there).map(|(_, lack)| lack).collect();
    if count < CHARS {
        lacks.push(PasswordDefect::Characters(CHARS - count));
    }
    if !special && count < CHARS_WITHOUT_SPECIAL {
        lacks.push(PasswordDefect::Special);
    }
    if different < DIFFERENT {
        lacks.push(PasswordDefect::Variety);
    }
    lacks
}

/// A device password without what is forgiven: dashes, spaces and case, for people type it on phones.
#[must_use]
pub fn device_letters(password: &str) -> String {
    let mut letters = String::with_capacity(password.len());
    letters.extend(password.chars().filter(|c| !c.is_whitespace() && *c != '-'));
    if !letters.is_ascii() {
        return letters.to_lowercase();
    }
    letters.make_ascii_lowercase();
    letters
}

/// The ways to write a device password that are tried where only its hash is shown: the first is how we show it.
#[must_use]
pub fn spellings(letters: &str) -> [String; BETWEEN.len()] {
    let letters: Vec<char> = letters.chars().collect();
    let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
    BETWEEN.map(|between| groups.join(between))
}

/// Does it look like a device password? One in ten thousand has no digit and is not recognised, so that a phrase that
/// someone chose long ago is never taken for one.
#[must_use]
pub fn is_of_device_form(password: &str) -> bool {
    let letters = device_letters(password);
    are_device_letters(&letters) && letters.bytes().any(|byte| byte.is_ascii_digit())
}

/// Are these the characters of a device password?
#[must_use]
pub fn are_device_letters(letters: &str) -> bool {
    letters.len() == DEVICE_CHARS && letters.bytes().all(|byte| DEVICE_ALPHABET.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{PasswordDefect, is_of_device_form, lacks};

    #[test]
    fn eighty_bits() {
        for good in [
            "right-Password-1",
            "Abcdefgh123!",
            "\u{c9}t\u{e9} 42 \u{e0} Reims",
            "Abcdefghij1234",
            "le beffroi sonne quand la cloche tombe",
            "Une phrase de sept mots sans autre signe",
        ] {
            assert_eq!(lacks(good), [], "{good}");
        }
        for (bad, expected) in [
            (
                "",
                &[
                    PasswordDefect::Capital,
                    PasswordDefect::Small,
                    PasswordDefect::Digit,
                    PasswordDefect::Characters(12),
                    PasswordDefect::Special,
                    PasswordDefect::Variety,
                ][..],
            ),
            (
                "secret",
                &[
                    PasswordDefect::Capital,
                    PasswordDefect::Digit,
                    PasswordDefect::Characters(6),
                    PasswordDefect::Special,
                    PasswordDefect::Variety,
                ],
            ),
            ("Abcdefgh12!", &[PasswordDefect::Characters(1)]),
            ("Abcdefghij123", &[PasswordDefect::Special]),
            ("abcdefgh123!", &[PasswordDefect::Capital]),
            ("ABCDEFGH123!", &[PasswordDefect::Small]),
            ("Abcdefghijk!", &[PasswordDefect::Digit]),
            ("Aa1!Aa1!Aa1!Aa1!", &[PasswordDefect::Variety]),
            ("six mots ne suffisent pas encore", &[PasswordDefect::Capital, PasswordDefect::Digit]),
            (
                "oui oui oui oui oui oui oui oui",
                &[PasswordDefect::Capital, PasswordDefect::Digit, PasswordDefect::Variety],
            ),
            ("a b c d e f g h", &[PasswordDefect::Capital, PasswordDefect::Digit]),
            ("abcd efgh ijkm npqr stuv wxyz 2345 6789", &[PasswordDefect::OwnForm]),
        ] {
            assert_eq!(lacks(bad), expected, "{bad}");
        }
    }

    #[test]
    fn the_form_of_device_passwords() {
        for (password, ours) in [
            ("abcd-efgh-ijkm-npqr-stuv-wxyz-2345-6789", true),
            ("ABCD EFGH IJKM NPQR STUV WXYZ 2345 6789", true),
            ("abcd-efgh-ijkm-npqr-stuv-wxyz-2345-678", false),
            ("abcd-efgh-ijkm-npqr-stuv-wxyz-2345-6781", false),
            ("chevauxbrunsetfaiblesseacheventtt", false),
            ("right-Password-1", false),
        ] {
            assert_eq!(is_of_device_form(password), ours, "{password}");
        }
    }
}
