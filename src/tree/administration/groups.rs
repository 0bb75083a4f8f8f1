//! Groups, and who is in them.

use super::grants::holder;
use super::people::{NewPrincipal, add_principal};
use super::{AdministrationError, AdministrationResult, find, retired_name};
use crate::model::id::{Id, now};
use crate::model::principal::{EVERYONE, Principal, PrincipalKind};
use crate::store::{grant, group, lock, principal};
use crate::tree::Tree;
use crate::tree::edit::Edit;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;

impl Tree {
    /// Adds a group that nobody is in.
    pub async fn add_group(&self, name: &str, display_name: &str) -> AdministrationResult<Principal> {
        let mut edit = self.administer().await?;
        let new = NewPrincipal { kind: PrincipalKind::Group, name, display_name, address: None, quota_bytes: None };
        let group = add_principal(&mut edit, new, None).await?;
        edit.commit().await?;
        Ok(group)
    }

    /// Adds a person or a group to a group. Circles are refused.
    pub async fn join_group(&self, group: &str, member: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (group, member) = pair(&mut edit, group, member).await?;
        if group::is_in(&mut edit, group.id, member.id).await? {
            return Err(AdministrationError::Circle(group.name, member.name));
        }
        let txn = edit.doing(Verb::JoinGroup, AffectedObjects::to([group.id, member.id]))?;
        group::add(txn, group.id, member.id).await?;
        group::settle(txn, member.id).await?;
        edit.follow_groups_of(group.id, now()).await?;
        Ok(edit.commit().await?)
    }

    /// Takes a person or a group out of a group: what was granted to it is theirs no more, at once; nor, where it made
    /// them partners, is what was granted to themselves.
    pub async fn leave_group(&self, group: &str, member: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (group, member) = pair(&mut edit, group, member).await?;
        let partner_in = grant::partner_in(&mut edit, group.id).await?;
        let txn = edit.doing(Verb::LeaveGroup, AffectedObjects::to([group.id, member.id]))?;
        if !group::remove(txn, group.id, member.id).await? {
            return Err(AdministrationError::NoMember(member.name, group.name));
        }
        settle_outside(&mut edit, Verb::LeaveGroup, member.id, &partner_in).await?;
        edit.follow_groups_of(group.id, now()).await?;
        Ok(edit.commit().await?)
    }

    /// Removes a group: what was granted to it is nobody's any more.
    pub async fn remove_group(&self, name: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let group = find(&mut edit, Some(PrincipalKind::Group), name).await?;
        not_everyone(&group)?;
        let members = group::members(&mut edit, group.id).await?;
        let partner_in = grant::partner_in(&mut edit, group.id).await?;
        edit.follow_groups_of(group.id, now()).await?;
        let txn = edit.doing(Verb::RemoveGroup, AffectedObjects::about(&group))?;
        principal::retire(txn, group.id, &retired_name(&group.name, group.id), now()).await?;
        for member in std::iter::once(&group).chain(&members) {
            settle_outside(&mut edit, Verb::RemoveGroup, member.id, &partner_in).await?;
        }
        Ok(edit.commit().await?)
    }

    /// A group, the members that were added to it, and the groups that it was added to, by name.
    pub async fn group(&self, name: &str) -> AdministrationResult<GroupSummary> {
        let mut snapshot = self.store.read().await?;
        let group = find(&mut snapshot, Some(PrincipalKind::Group), name).await?;
        let members = group::members(&mut snapshot, group.id).await?;
        let groups = group::groups_of(&mut snapshot, group.id).await?;
        Ok(GroupSummary { group, members, groups })
    }
}

/// A group, and who is in it.
#[derive(Clone, Debug)]
pub struct GroupSummary {
    /// The group.
    pub group: Principal,
    /// Who was added to it.
    pub members: Vec<Principal>,
    /// The groups that it was added to.
    pub groups: Vec<Principal>,
}

/// A group that has members of its own, and someone who joins or leaves it.
async fn pair(edit: &mut Edit, group: &str, member: &str) -> AdministrationResult<(Principal, Principal)> {
    let group = find(edit, Some(PrincipalKind::Group), group).await?;
    not_everyone(&group)?;
    Ok((group, holder(edit, member).await?))
}

/// Sets right what follows for a principal who has left a group that made them partners in some homes.
async fn settle_outside(edit: &mut Edit, verb: Verb, principal: Id, partner_in: &[Id]) -> AdministrationResult<()> {
    let txn = edit.statements(verb)?;
    group::settle(txn, principal).await?;
    for home in partner_in {
        grant::remove_without_part(txn, *home, principal).await?;
    }
    Ok(lock::end_with_membership(txn, principal).await?)
}

/// All persons are in the group of all; nobody joins, leaves or removes it.
fn not_everyone(group: &Principal) -> AdministrationResult<()> {
    if group.id == EVERYONE { Err(AdministrationError::Everyone) } else { Ok(()) }
}
