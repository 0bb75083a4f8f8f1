//! ACL: what was granted on a collection is replaced as a whole (RFC 3744 section 8.1).

use std::collections::BTreeMap;

use super::Edit;
use super::authority::Verb;
use super::event::AffectedObjects;
use crate::model::acl::{Ace, RequestedAce, RequestedPrincipal};
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::principal::{EVERYONE, Principal};
use crate::model::privilege::{PRIVILEGES, PrivilegeRow, PrivilegeSet, Role};
use crate::store::grant::{self, NewGrant, Origin};
use crate::store::principal;
use crate::tree::access::access_control_list;
use crate::tree::gate::Admitted;
use crate::tree::resolve::resolve;
use crate::tree::target::Requester;

/// The most entries that one request may send.
const MAX_ACES: usize = 100;

impl Admitted<Edit> {
    /// Makes the list of the target what a client sends. What is inherited or protected may be sent along, unchanged,
    /// or be left out. An end that a role has, and that no list shows, stays.
    pub async fn set_acl(&mut self, requested: &[RequestedAce]) -> Result<()> {
        if requested.len() > MAX_ACES {
            return Err(Condition::LimitedNumberOfAces.into());
        }
        let (node, actor) = (self.node()?, self.request.actor.clone());
        let held = access_control_list(&mut self.store, node.id, Requester { actor: &actor, now: self.now }).await?;
        let mut wanted: BTreeMap<Id, PrivilegeSet> = BTreeMap::new();
        for ace in requested {
            let privileges = privileges_of(ace, node.kind)?;
            let holder = self.holder_of(ace, &node).await?;
            let same = |entry: &&Ace| entry.holder == holder && Role::of(privileges) == Some(entry.role);
            if ace.protected || ace.inherited.is_some() {
                unchanged(ace, held.iter().filter(same))?;
            } else if holder == node.owner_id {
                held.iter().find(same).ok_or(Condition::NoProtectedAceConflict)?;
            } else {
                let all = wanted.entry(holder).or_default();
                *all = all.union(privileges);
            }
        }
        let mut roles = BTreeMap::new();
        for (holder, privileges) in wanted {
            let role = Role::of(privileges).filter(|role| role.place().includes(node.kind));
            roles.insert(holder, role.ok_or(Condition::NoAceConflict)?);
        }
        self.store.grant_only(&node, &held, &roles).await
    }

    /// Whom an entry speaks of.
    async fn holder_of(&mut self, ace: &RequestedAce, node: &Node) -> Result<Id> {
        match &ace.principal {
            RequestedPrincipal::Authenticated => Ok(EVERYONE),
            // It may be repeated; what the owner may is not granted.
            RequestedPrincipal::Owner if ace.protected => Ok(node.owner_id),
            RequestedPrincipal::Owner | RequestedPrincipal::Other => Err(Condition::AllowedPrincipal.into()),
            RequestedPrincipal::At(path) => {
                let path = path.as_ref().ok_or(Condition::RecognizedPrincipal)?;
                let found = self.principal_at(path).await?.ok_or(Condition::RecognizedPrincipal)?;
                let holds = found.kind.holds_roles() || found.id == node.owner_id;
                if holds { Ok(found.id) } else { Err(Condition::AllowedPrincipal.into()) }
            }
        }
    }

    /// The principal at an address, if the actor may know of it.
    pub(in crate::tree) async fn principal_at(&mut self, path: &Path) -> Result<Option<Principal>> {
        let target = resolve(&mut self.store, &self.request.actor, self.now, path).await?;
        match target.node().filter(|node| node.kind == Kind::Principal) {
            Some(node) => Ok(principal::by_id(&mut self.store, node.id).await?),
            None => Ok(None),
        }
    }
}

/// The privileges that an entry grants, taken apart.
fn privileges_of(ace: &RequestedAce, kind: Kind) -> Result<PrivilegeSet> {
    if ace.denies {
        return Err(Condition::GrantOnly.into());
    }
    if ace.inverted {
        return Err(Condition::NoInvert.into());
    }
    let mut privileges = PrivilegeSet::default();
    for name in &ace.privileges {
        let named = |row: &&PrivilegeRow| row.element == *name && row.place.includes(kind);
        let row = PRIVILEGES.iter().find(named).ok_or(Condition::NotSupportedPrivilege)?;
        if !row.granted.is_some_and(|place| place.includes(kind)) {
            return Err(Condition::NoAbstract.into());
        }
        privileges = privileges.union(row.parts);
    }
    Ok(privileges)
}

/// An entry that is sent along is among those that it is said to be of.
fn unchanged<'a>(ace: &RequestedAce, mut same: impl Iterator<Item = &'a Ace>) -> Result<()> {
    let from = ace.inherited.as_ref().map(Option::as_ref);
    let found = same.any(|entry| entry.protected == ace.protected && entry.inherited.as_ref().map(Some) == from);
    match from {
        _ if found => Ok(()),
        Some(_) => Err(Condition::NoInheritedAceConflict.into()),
        None => Err(Condition::NoProtectedAceConflict.into()),
    }
}

impl Edit {
    /// These roles are granted on a node, and no others.
    async fn grant_only(&mut self, node: &Node, held: &[Ace], roles: &BTreeMap<Id, Role>) -> Result<()> {
        let granted = |entry: &&Ace| entry.inherited.is_none() && !entry.protected;
        let before: BTreeMap<Id, Role> = held.iter().filter(granted).map(|entry| (entry.holder, entry.role)).collect();
        let ended: Vec<Id> = before.keys().filter(|holder| !roles.contains_key(holder)).copied().collect();
        let given: Vec<(Id, Role)> = roles
            .iter()
            .filter(|(holder, role)| before.get(holder) != Some(role))
            .map(|(id, role)| (*id, *role))
            .collect();
        let now = self.now;
        let holders = ended.iter().copied().chain(given.iter().map(|(holder, _)| *holder));
        let affected = AffectedObjects::within(node.home_id, std::iter::once(node.id).chain(holders));
        let txn = self.doing(Verb::SetAcl, affected)?;
        for holder in ended {
            grant::remove(txn, node.id, holder, Origin::Granted).await?;
        }
        for (principal, role) in given {
            let known = grant::granted(txn, node.id, principal, Origin::Granted).await?;
            let until_at = known.and_then(|known| known.until_at).filter(|until| *until > now);
            grant::add(txn, &NewGrant { until_at, ..NewGrant::of(role, node.id, node.home_id, principal) }).await?;
        }
        Ok(grant::settle(txn, node.home_id).await?)
    }
}
