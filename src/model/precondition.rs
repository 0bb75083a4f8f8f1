//! Conditional headers as values, and the pure question whether they hold.
//!
//! RFC 9110 section 13 (`If-Match`, `If-None-Match`, dates) and RFC 4918 section 10.4 (`If`).

use super::etag::ETag;
use super::id::Timestamp;
use super::path::Path;

/// `If-Match` or `If-None-Match`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntityTags {
    /// `*`
    Any,
    /// A list.
    List(Vec<ETag>),
}

/// One list of an `If` header, with the resource it is about (`None`: the request's own).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IfList {
    /// Resource tag.
    pub resource: Option<Path>,
    /// All of these must hold.
    pub conditions: Vec<IfCondition>,
}

/// One condition of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IfCondition {
    /// Preceded by `Not`?
    pub negated: bool,
    /// What is compared.
    pub state: IfState,
}

/// A state token or an entity tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IfState {
    /// `<urn:uuid:...>`
    Token(String),
    /// `["..."]`
    Tag(ETag),
}

/// All conditions of one request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preconditions {
    /// `If-Match`
    pub if_match: Option<EntityTags>,
    /// `If-None-Match`
    pub if_none_match: Option<EntityTags>,
    /// `If-Schedule-Tag-Match`
    pub if_schedule_tag_match: Option<String>,
    /// `If-Modified-Since`
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`
    pub if_unmodified_since: Option<Timestamp>,
    /// `If`: any of the lists must hold.
    pub if_lists: Vec<IfList>,
    /// Token of a `Lock-Token` request header, which Office sends instead of `If`.
    pub lock_token: Option<String>,
}

/// What the conditions are compared with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ResourceState {
    /// Is the resource mapped?
    pub exists: bool,
    /// Its entity tag.
    pub etag: Option<ETag>,
    /// Its schedule tag, without quotes.
    pub schedule_tag: Option<String>,
    /// When it was last modified.
    pub modified_at: Option<Timestamp>,
    /// Tokens of all locks that cover it.
    pub tokens: Vec<String>,
}

/// The answer of the conditions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Go on.
    Proceed,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

impl Preconditions {
    /// Every lock token that the request shows, whatever list it stands in (RFC 4918 section 10.4.1).
    pub fn submitted(&self) -> impl Iterator<Item = &str> {
        self.if_lists
            .iter()
            .flat_map(|list| &list.conditions)
            .filter_map(|condition| match &condition.state {
                IfState::Token(token) => Some(token.as_str()),
                IfState::Tag(_) => None,
            })
            .chain(self.lock_token.as_deref())
    }

    /// The conditions of RFC 9110 section 13.2.2, in its order.
    #[must_use]
    pub fn http(&self, state: &ResourceState, reading: bool) -> Outcome {
        let found = |tags: &EntityTags, strong: bool| match tags {
            EntityTags::Any => state.exists,
            EntityTags::List(list) => state.etag.as_ref().is_some_and(|etag| {
                list.iter().any(|tag| if strong { tag.matches_strongly(etag) } else { tag.opaque == etag.opaque })
            }),
        };
        // Where a schedule tag is given it alone decides whether the client knows enough (RFC 6638 section 3.2.10):
        // others' answers give the object another entity tag.
        let if_match = match &self.if_schedule_tag_match {
            Some(_) if self.if_schedule_tag_match != state.schedule_tag => return Outcome::Failed,
            Some(_) => &None,
            None => &self.if_match,
        };
        match (if_match, self.if_unmodified_since) {
            (Some(tags), _) if !found(tags, true) => return Outcome::Failed,
            (None, Some(since)) if state.modified_at.is_some_and(|at| at > since) => return Outcome::Failed,
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) if found(tags, false) => {
                if reading {
                    Outcome::NotModified
                } else {
                    Outcome::Failed
                }
            }
            // Clients set modification times, also back: only the very date that was sent shows that nothing changed.
            (None, Some(since)) if reading && state.modified_at == Some(since) => Outcome::NotModified,
            _ => Outcome::Proceed,
        }
    }

    /// Does one of the `If` lists hold? `state_of` answers for the resource a list is tagged with.
    pub fn dav<'a>(&self, mut state_of: impl FnMut(Option<&Path>) -> Option<&'a ResourceState>) -> bool {
        self.if_lists.is_empty()
            || self.if_lists.iter().any(|list| {
                let Some(state) = state_of(list.resource.as_ref()) else { return false };
                list.conditions.iter().all(|condition| {
                    let holds = match &condition.state {
                        IfState::Token(token) => state.tokens.iter().any(|held| held == token),
                        IfState::Tag(tag) => state.etag.as_ref().is_some_and(|etag| tag.matches_strongly(etag)),
                    };
                    holds != condition.negated
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> ResourceState {
        ResourceState {
            exists: true,
            etag: Some(ETag { opaque: "a".into(), weak: false }),
            schedule_tag: Some("s".into()),
            modified_at: Some(1000),
            tokens: vec!["urn:uuid:1".into()],
        }
    }

    fn tags(opaque: &str) -> Option<EntityTags> {
        Some(EntityTags::List(vec![ETag { opaque: opaque.into(), weak: false }]))
    }

    #[test]
    fn order_of_rfc_9110() {
        let p = |f: fn(&mut Preconditions)| {
            let mut preconditions = Preconditions::default();
            f(&mut preconditions);
            preconditions
        };
        for (preconditions, reading, expected) in [
            (p(|_| {}), true, Outcome::Proceed),
            (p(|p| p.if_match = tags("a")), false, Outcome::Proceed),
            (p(|p| p.if_match = tags("b")), false, Outcome::Failed),
            (p(|p| p.if_none_match = tags("a")), true, Outcome::NotModified),
            (p(|p| p.if_none_match = tags("a")), false, Outcome::Failed),
            (p(|p| p.if_none_match = Some(EntityTags::Any)), false, Outcome::Failed),
            (p(|p| p.if_modified_since = Some(1000)), true, Outcome::NotModified),
            (p(|p| p.if_modified_since = Some(999)), true, Outcome::Proceed),
            (p(|p| p.if_modified_since = Some(1000)), false, Outcome::Proceed),
            (p(|p| p.if_unmodified_since = Some(999)), false, Outcome::Failed),
            // A schedule tag counts for more than an entity tag.
            (
                p(|p| {
                    p.if_match = tags("b");
                    p.if_schedule_tag_match = Some("s".into());
                }),
                false,
                Outcome::Proceed,
            ),
            (
                p(|p| {
                    p.if_match = tags("a");
                    p.if_schedule_tag_match = Some("t".into());
                }),
                false,
                Outcome::Failed,
            ),
            // An entity tag silences the date beside it.
            (
                p(|p| {
                    p.if_none_match = tags("b");
                    p.if_modified_since = Some(1000);
                }),
                true,
                Outcome::Proceed,
            ),
        ] {
            assert_eq!(preconditions.http(&state(), reading), expected, "{preconditions:?}");
        }
        let any = Preconditions { if_match: Some(EntityTags::Any), ..Preconditions::default() };
        assert_eq!(any.http(&ResourceState::default(), false), Outcome::Failed);
    }

    #[test]
    fn if_lists() {
        let token = |t: &str, negated| IfCondition { negated, state: IfState::Token(t.into()) };
        let list = |conditions| IfList { resource: None, conditions };
        let holds = |lists: Vec<IfList>| {
            Preconditions { if_lists: lists, ..Preconditions::default() }.dav(|_| Some(Box::leak(Box::new(state()))))
        };
        assert!(holds(vec![list(vec![token("urn:uuid:1", false)])]));
        assert!(!holds(vec![list(vec![token("DAV:no-lock", false)])]));
        assert!(holds(vec![list(vec![token("DAV:no-lock", true)])]));
        assert!(!holds(vec![list(vec![token("urn:uuid:1", false), token("urn:uuid:2", false)])]));
        assert!(holds(vec![list(vec![token("urn:uuid:2", false)]), list(vec![token("urn:uuid:1", false)])]));
    }
}
