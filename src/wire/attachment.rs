//! The query of a POST that attaches files: what is to be done with which file, in which occurrences (RFC 8607 section
//! 3.3).

use crate::model::attachment::{AttachedOccurrences, AttachmentAction};
use crate::model::condition::Condition;
use crate::model::path::decode;

/// The most occurrences that one request names.
const MAX_OCCURRENCES: usize = 100;

/// A parameter: its name, and its value with escapes undone.
fn parameters(query: &str) -> impl Iterator<Item = (&str, Option<String>)> {
    query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name, decode(value))
    })
}

/// Does a query name an action?
#[must_use]
pub fn says_action(query: &str) -> bool {
    parameters(query).any(|(name, _)| name == "action")
}

/// The value of a parameter. An error: it stands there twice, or cannot be read.
fn value(query: &str, wanted: &str, refusal: Condition) -> Result<Option<String>, Condition> {
    let mut found = parameters(query).filter(|(name, _)| *name == wanted);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some((_, Some(value))), None) => Ok(Some(value)),
        _ => Err(refusal),
    }
}

/// Reads it.
pub fn read(query: &str) -> Result<AttachmentAction, Condition> {
    let action = value(query, "action", Condition::ValidActionParameter)?;
    let id = value(query, "managed-id", Condition::ValidManagedIdParameter)?;
    let occurrences = match value(query, "rid", Condition::ValidRidParameter)? {
        None => AttachedOccurrences::All,
        Some(list) if list.split(',').count() > MAX_OCCURRENCES => return Err(Condition::ValidRidParameter),
        Some(list) => AttachedOccurrences::These(list.split(',').map(str::to_owned).collect()),
    };
    let id_missing = Condition::ValidManagedIdParameter;
    match (action.as_deref(), id, occurrences) {
        (Some("attachment-add"), None, occurrences) => Ok(AttachmentAction::Add(occurrences)),
        (Some("attachment-add"), Some(_), _) => Err(Condition::ValidManagedIdParameter),
        // An attachment is the same in all occurrences that it is in.
        (Some("attachment-update"), _, AttachedOccurrences::These(_)) => Err(Condition::ValidRidParameter),
        (Some("attachment-update"), id, _) => id.map(AttachmentAction::Update).ok_or(id_missing),
        (Some("attachment-remove"), id, occurrences) => {
            id.map(|id| AttachmentAction::Remove(id, occurrences)).ok_or(id_missing)
        }
        _ => Err(Condition::ValidActionParameter),
    }
}

#[cfg(test)]
mod tests {
    use super::{read, says_action};
    use crate::model::attachment::{AttachedOccurrences, AttachmentAction};
    use crate::model::condition::Condition;

    #[test]
    fn what_is_to_be_done_is_read_from_the_query() {
        let these = |names: &[&str]| AttachedOccurrences::These(names.iter().map(|name| (*name).to_owned()).collect());
        let all = AttachedOccurrences::All;
        for (query, expected) in [
            ("action=attachment-add", Ok(AttachmentAction::Add(all.clone()))),
            ("x=1&action=attachment-add&rid=M", Ok(AttachmentAction::Add(these(&["M"])))),
            ("action=attachment-add&rid=M,2030", Ok(AttachmentAction::Add(these(&["M", "2030"])))),
            ("action=attachment-add&rid=M%2C2030", Ok(AttachmentAction::Add(these(&["M", "2030"])))),
            ("action=attachment-add&rid=", Ok(AttachmentAction::Add(these(&[""])))),
            ("action=attachment-update&managed-id=a%62", Ok(AttachmentAction::Update("ab".to_owned()))),
            ("managed-id=a&action=attachment-remove", Ok(AttachmentAction::Remove("a".to_owned(), all.clone()))),
            (
                "managed-id=a&rid=M&action=attachment-remove",
                Ok(AttachmentAction::Remove("a".to_owned(), these(&["M"]))),
            ),
            ("action=attachment-add&managed-id=a", Err(Condition::ValidManagedIdParameter)),
            ("action=attachment-update", Err(Condition::ValidManagedIdParameter)),
            ("action=attachment-remove", Err(Condition::ValidManagedIdParameter)),
            ("action=attachment-remove&managed-id=%ff", Err(Condition::ValidManagedIdParameter)),
            ("action=attachment-update&managed-id=a&rid=M", Err(Condition::ValidRidParameter)),
            ("action=attachment-add&rid=M&rid=M", Err(Condition::ValidRidParameter)),
            ("action=attachment-remove&managed-id=a&managed-id=b", Err(Condition::ValidManagedIdParameter)),
            ("action=attachment-add&action=attachment-add", Err(Condition::ValidActionParameter)),
            ("action=attachment-delete", Err(Condition::ValidActionParameter)),
            ("action=", Err(Condition::ValidActionParameter)),
            ("action", Err(Condition::ValidActionParameter)),
        ] {
            assert_eq!(read(query), expected, "{query}");
            assert!(says_action(query), "{query}");
        }
        assert!(!says_action("web=1") && !says_action("") && !says_action("actions=attachment-add"));
        let many = format!("action=attachment-add&rid={}", vec!["M"; 101].join(","));
        assert_eq!(read(&many), Err(Condition::ValidRidParameter));
    }
}
