//! Which names a document or a principal may bear, and when two names are the same.
//!
//! Windows cannot open some names, and a folder that holds one may fail as a whole; Windows and macOS do not keep
//! case apart, macOS sends decomposed Unicode. So names are stored in NFC, compared folded, and refused when Windows
//! could not show them. The name of a calendar object is its client's business: it is kept and compared as it was sent.

use unicode_normalization::UnicodeNormalization as _;

/// The longest name of a document, in bytes of UTF-8.
pub const MAX_BYTES: usize = 255;
/// The longest name of a principal, in characters.
pub const MAX_PRINCIPAL_CHARS: usize = 64;

/// Where Finder keeps the picture of a folder, folded. Their names end in a carriage return, which Windows cannot open:
/// they are taken, for Finder gives up the whole copy otherwise, and never shown.
const UNSHOWN: [&str; 2] = ["icon\r", "._icon\r"];

/// Characters that stand in no name on Windows.
const NOT_ON_WINDOWS: &str = "<>:\"/\\|?*";

const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Why a name is refused; each has its sentence in both languages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NameError {
    /// No character at all.
    Empty,
    /// Longer than allowed.
    TooLong,
    /// This character cannot stand in a name on Windows.
    Character(char),
    /// The name ends in a dot or a space.
    Ending,
    /// A device name of Windows (`CON`, `LPT1`, ...), whatever follows its first dot.
    Reserved,
    /// The server itself uses it there.
    ServersOwn,
}

/// The spelling that is stored: NFC.
#[must_use]
pub fn normalize(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { name.nfc().collect() }
}

/// The spelling that is compared: NFC, case folded. Two names with one match name are the same name.
#[must_use]
pub fn match_name(name: &str) -> String {
    if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        caseless::default_case_fold_str(&normalize(name)).nfc().collect()
    }
}

/// The key of a name: what it is compared and ordered by among the members of a collection. A `free` one is its
/// client's business, and is compared as it was sent.
#[must_use]
pub fn key(name: &str, free: bool) -> String {
    if free { name.to_owned() } else { match_name(name) }
}

/// Is this a name that no listing shows?
#[must_use]
pub fn is_unshown(name: &str) -> bool {
    name.ends_with('\r') && UNSHOWN.contains(&match_name(name).as_str())
}

/// May a calendar object bear this name? It is the business of its client, which may have made it of a UID.
pub fn check_free(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_BYTES {
        return Err(NameError::TooLong);
    }
    match name.chars().find(|c| c.is_control() || !is_xml(*c)) {
        Some(character) => Err(NameError::Character(character)),
        None => Ok(()),
    }
}

/// May a document bear this (normalized) name?
pub fn check(name: &str) -> Result<(), NameError> {
    if is_unshown(name) {
        return Ok(());
    }
    check_free(name)?;
    if let Some(character) = name.chars().find(|c| NOT_ON_WINDOWS.contains(*c)) {
        return Err(NameError::Character(character));
    }
    if name.ends_with(['.', ' ']) {
        return Err(NameError::Ending);
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            let mut chars = rest.chars();
            matches!((chars.next(), chars.next()), (Some('1'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None))
        })
    };
    if RESERVED.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        return Err(NameError::Reserved);
    }
    Ok(())
}

/// A text without the characters that stand in no name on Windows.
#[must_use]
pub fn legal(text: &str) -> String {
    text.chars().map(|c| if NOT_ON_WINDOWS.contains(c) || c.is_control() { '_' } else { c }).collect()
}

/// A name as it may stand among documents: itself, or one like it that Windows can open.
#[must_use]
pub fn among_documents(name: &str) -> String {
    if check(name).is_ok() {
        return name.to_owned();
    }
    let legal = legal(name);
    let legal = legal.trim_end_matches(['.', ' ']);
    if check(legal).is_ok() {
        return legal.to_owned();
    }
    let mut reserved = format!("_{legal}");
    while reserved.len() > MAX_BYTES {
        reserved.pop();
    }
    reserved.trim_end_matches(['.', ' ']).to_owned()
}

/// May a person, project, group or room bear this (normalized) name?
pub fn check_principal(name: &str) -> Result<(), NameError> {
    check(name)?;
    if name.chars().count() > MAX_PRINCIPAL_CHARS {
        return Err(NameError::TooLong);
    }
    match name.chars().find(|c| !c.is_alphanumeric() && !" -_.".contains(*c)) {
        Some(character) => Err(NameError::Character(character)),
        None => Ok(()),
    }
}

/// A character that XML 1.0 can carry: a name without one could never be listed.
#[must_use]
pub fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::{NameError, among_documents, check, check_free, check_principal, is_unshown, match_name, normalize};

    #[test]
    fn same_name() {
        for (one, other) in [("Plan.docx", "PLAN.DOCX"), ("cafe\u{301}", "CAF\u{c9}"), ("Stra\u{df}e", "STRASSE")] {
            assert_eq!(match_name(one), match_name(other));
        }
        assert_ne!(match_name("a"), match_name("b"));
        assert_eq!(normalize("cafe\u{301}"), "caf\u{e9}");
    }

    #[test]
    fn names_windows_cannot_open() {
        for (name, error) in [
            ("", NameError::Empty),
            ("a:b", NameError::Character(':')),
            ("a\u{1}", NameError::Character('\u{1}')),
            ("\u{ffff}", NameError::Character('\u{ffff}')),
            ("end.", NameError::Ending),
            ("end ", NameError::Ending),
            ("CON", NameError::Reserved),
            ("nul.txt", NameError::Reserved),
            ("Lpt9.doc", NameError::Reserved),
        ] {
            assert_eq!(check(name), Err(error), "{name:?}");
        }
        assert_eq!(check(&"x".repeat(256)), Err(NameError::TooLong));
        for name in
            ["console", "com", "com10", "lpt0", ".DS_Store", "~$a.docx", "a b", "\u{65e5}\u{672c}", ".~lock.x.odt#"]
        {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
        for (name, unshown) in
            [("Icon\r", true), ("._Icon\r", true), ("ICON\r", true), ("Icon", false), ("Icons\r", false)]
        {
            assert_eq!(
                (is_unshown(name), check(name).is_ok()),
                (unshown, !name.ends_with('\r') || unshown),
                "{name:?}"
            );
        }
        for (name, among) in [
            ("a.ics", "a.ics"),
            ("urn:uuid:1/*?.ics", "urn_uuid_1___.ics"),
            ("CON.ics", "_CON.ics"),
            ("end. .", "end"),
            ("...", "_"),
            (&"n".repeat(255), &"n".repeat(255)),
            (&format!("NUL.{}", ".".repeat(251)), "_NUL"),
            (&format!("NUL.{}", "n".repeat(251)), &format!("_NUL.{}", "n".repeat(250))),
        ] {
            assert_eq!(
                (among_documents(name).as_str(), check(among), check_free(name)),
                (among, Ok(()), Ok(())),
                "{name:?}"
            );
        }
        for (name, error) in [
            ("", NameError::Empty),
            (&*"n".repeat(256), NameError::TooLong),
            ("a\nb", NameError::Character('\n')),
            ("\u{ffff}", NameError::Character('\u{ffff}')),
        ] {
            assert_eq!(check_free(name), Err(error), "{name:?}");
        }
        assert!(check_principal("Icon\r").is_err());
        assert_eq!(check_principal("a@b"), Err(NameError::Character('@')));
        assert_eq!(check_principal("Tramway T2"), Ok(()));
    }
}
