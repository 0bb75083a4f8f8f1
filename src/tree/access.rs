//! Who may do what with a node: its access control list, made of the roles that were granted on it and above it.

use super::acquaintance::Acquaintances;
use super::target::{PRINCIPALS_SEGMENT, Requester};
use crate::model::acl::{Ace, AcePrincipal};
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::path::Path;
use crate::model::principal::EVERYONE;
use crate::store::executor::Executor;
use crate::store::grant::{self, HeldRole, Origin};

/// The list of a node: its own entries, and those it inherits, nearest first. What is the owner's, and what is given by
/// another way than ACL, is protected. A partner's part in a project is no entry: by itself it opens nothing. Nor is
/// there an entry of whom the actor may not know: it is neither listed nor changed by them.
pub(super) async fn access_control_list(c: &mut impl Executor, node: Id, who: Requester<'_>) -> Result<Vec<Ace>> {
    let above = grant::above(c, node, who.now).await?;
    let known = Acquaintances::of(c, who.actor, who.now).await?;
    let mut names: Vec<&str> = Vec::new();
    for (height, name) in above.iter().map(|place| (place.height, place.name.as_str())) {
        if height == names.len() {
            names.push(name);
        }
    }
    // From below the root on.
    names.pop();
    names.reverse();
    let path_at = |height: usize| path_of(names.get(..names.len().saturating_sub(height)).unwrap_or_default());
    let entries = above.iter().filter_map(|place| Some((place.height, place.granted.as_ref()?)));
    let shown =
        |held: &HeldRole| held.is_owner || held.principal == EVERYONE || known.include_one(held.principal, held.kind);
    let named = entries.filter(|(_, held)| held.role.named().next().is_some() && shown(held));
    Ok(named
        .map(|(height, held)| Ace {
            holder: held.principal,
            principal: principal_of(held),
            role: held.role,
            protected: held.is_owner || held.origin != Origin::Granted,
            inherited: (height > 0 && !held.is_owner).then(|| path_at(height)),
        })
        .collect())
}

fn principal_of(held: &HeldRole) -> AcePrincipal {
    match held.principal {
        _ if held.is_owner => AcePrincipal::Owner,
        EVERYONE => AcePrincipal::Authenticated,
        _ => AcePrincipal::Named(held.name.clone()),
    }
}

/// The address of what names lead to from the root: a home has none, its principal stands for it.
fn path_of(names: &[&str]) -> Path {
    match names {
        [home, part, below @ ..] => Path::of(&[&[*part, *home], below].concat()),
        [home] => Path::of(&[PRINCIPALS_SEGMENT, home]),
        [] => Path::root(),
    }
}
