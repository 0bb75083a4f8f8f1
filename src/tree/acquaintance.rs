//! Who may know of whom: the one rule, for addresses of principals, for searches, for lists of groups and of rights.
//!
//! Who has a part in projects as a partner and in none otherwise knows those who have a role in these projects, and the
//! projects; all others know people, groups and rooms, and the projects that they have a part in. Whose part as a
//! partner has ended is a partner all the same, of whom nobody is known.

use std::collections::HashSet;

use crate::model::error::Result;
use crate::model::id::{Id, Timestamp, now};
use crate::model::principal::{Actor, EVERYONE, Principal, PrincipalKind};
use crate::model::privilege::Role;
use crate::store::acquaintance::{ProjectPart, colleagues, parts};
use crate::store::executor::Executor;

/// Is whoever has these parts a partner and nothing else?
fn is_only_partner(parts: &[ProjectPart]) -> bool {
    let counts = |part: &&ProjectPart| !part.of_everyone && (!part.is_over || part.role == Some(Role::Partner));
    parts.iter().filter(counts).filter_map(|part| part.role).max() == Some(Role::Partner)
}

/// Is someone from outside: a partner, and nothing else anywhere?
pub(super) async fn is_outsider(c: &mut impl Executor, person: Id) -> Result<bool> {
    Ok(is_only_partner(&parts(c, person, now()).await?))
}

/// Whom someone from outside may know of, their projects included; `None`: they are none, and know everybody.
pub(super) async fn known_to_outsider(c: &mut impl Executor, person: Id) -> Result<Option<HashSet<Id>>> {
    let now = now();
    let parts = parts(c, person, now).await?;
    let known = people_known_to_outsider(c, &parts, now).await?;
    let projects = parts.iter().filter(|part| !part.is_over).map(|part| part.project);
    Ok(known.map(|known| known.into_iter().chain(projects).chain([person]).collect()))
}

/// People, groups and rooms that someone from outside who has these parts may know of; `None`: they are none, and know
/// all.
async fn people_known_to_outsider(
    c: &mut impl Executor,
    parts: &[ProjectPart],
    now: Timestamp,
) -> Result<Option<HashSet<Id>>> {
    if !is_only_partner(parts) {
        return Ok(None);
    }
    let present = parts.iter().filter(|part| !part.of_everyone && !part.is_over);
    let homes: Vec<Id> = present.map(|part| part.home).collect();
    Ok(Some(colleagues(c, &homes, now).await?.into_iter().collect()))
}

/// Whom an actor may know of.
pub(super) struct Acquaintances<'a> {
    actor: &'a Actor,
    projects: HashSet<Id>,
    /// Of people, groups and rooms; `None`: of all.
    others: Option<HashSet<Id>>,
}

impl<'a> Acquaintances<'a> {
    /// Those of an actor now.
    pub async fn of(c: &mut impl Executor, actor: &'a Actor, now: Timestamp) -> Result<Self> {
        let parts = parts(c, actor.id, now).await?;
        let others = people_known_to_outsider(c, &parts, now).await?;
        let projects = parts.iter().filter(|part| !part.is_over).map(|part| part.project).collect();
        Ok(Self { actor, projects, others })
    }

    /// May the actor know of a principal, by the log-in that is used? The group of all persons is none.
    pub fn include(&self, principal: &Principal) -> bool {
        self.include_one(principal.id, principal.kind)
    }

    /// The same of one of whom no more is at hand.
    pub fn include_one(&self, id: Id, kind: PrincipalKind) -> bool {
        let known = match kind {
            PrincipalKind::Project => self.projects.contains(&id),
            _ if id == EVERYONE => false,
            _ => self.others.as_ref().is_none_or(|others| others.contains(&id)),
        };
        id == self.actor.id || known && self.actor.shows(id)
    }
}
