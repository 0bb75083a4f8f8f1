//! Roles on single collections.

use super::{AdministrationError, AdministrationResult, collection, find};
use crate::model::id::Timestamp;
use crate::model::principal::Principal;
use crate::model::privilege::{Role, RolePlace};
use crate::store::executor::Executor;
use crate::store::grant::{self, Grant, Granted, NewGrant};
use crate::store::share;
use crate::tree::Tree;
use crate::tree::edit::Edit;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;

/// The person or group of this name: roles are held by such. What a project or room has in its own home is not given,
/// and so not taken.
pub(super) async fn holder(c: &mut impl Executor, name: &str) -> AdministrationResult<Principal> {
    let found = find(c, None, name).await?;
    if found.kind.holds_roles() {
        return Ok(found);
    }
    Err(AdministrationError::OtherKind(found.name, found.kind.code()))
}

/// Gives a role to a person or a group in a home of `owner`. In a closed project roles are lowered and ended, not
/// given.
pub(super) async fn give(
    edit: &mut Edit,
    owner: &Principal,
    holder: &Principal,
    grant: &NewGrant,
) -> AdministrationResult<()> {
    if owner.closed_at.is_some() {
        let ends = |until: Option<Timestamp>| until.unwrap_or(Timestamp::MAX);
        let held = grant::granted(edit, grant.node, grant.principal, grant.origin).await?;
        let lowers = |held: &Granted| held.role >= grant.role && ends(held.until_at) >= ends(grant.until_at);
        if !held.is_some_and(|held| lowers(&held)) {
            return Err(AdministrationError::Closed(owner.name.clone()));
        }
    }
    let txn = edit.doing(Verb::Grant, AffectedObjects::about(holder).in_home(grant.home))?;
    grant::add(txn, grant).await?;
    Ok(grant::settle(txn, grant.home).await?)
}

impl Tree {
    /// Gives a person or a group a role on one collection, with all below it, in place of the one held there before.
    pub async fn grant(
        &self,
        address: &str,
        holder: &str,
        role: Role,
        until: Option<Timestamp>,
    ) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (node, owner) = collection(&mut edit, address).await?;
        match role.place() {
            RolePlace::Project => return Err(AdministrationError::NoProject(address.to_owned())),
            place if place.includes(node.kind) => {}
            _ => {
                return Err(AdministrationError::NoCalendar(address.to_owned()));
            }
        }
        let holder = self::holder(&mut edit, holder).await?;
        let grant = NewGrant { until_at: until, ..NewGrant::of(role, node.id, node.home_id, holder.id) };
        give(&mut edit, &owner, &holder, &grant).await?;
        Ok(edit.commit().await?)
    }

    /// Takes someone's role on one collection, be it granted, delegated or shared.
    pub async fn revoke(&self, address: &str, holder: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (node, _) = collection(&mut edit, address).await?;
        let holder = self::holder(&mut edit, holder).await?;
        let txn = edit.doing(Verb::Revoke, AffectedObjects::about(&holder).in_home(node.home_id))?;
        if !grant::remove_on(txn, node.id, holder.id).await? {
            return Err(AdministrationError::NoRole(holder.name, address.to_owned()));
        }
        if let Some(invitation) = share::to(txn, node.id, holder.id).await? {
            share::delete(txn, invitation.id).await?;
        }
        grant::settle(txn, node.home_id).await?;
        Ok(edit.commit().await?)
    }

    /// Roles granted exactly on one collection.
    pub async fn grants(&self, address: &str) -> AdministrationResult<Vec<Grant>> {
        let mut snapshot = self.store.read().await?;
        let (node, _) = collection(&mut snapshot, address).await?;
        Ok(grant::on(&mut snapshot, node.id).await?)
    }
}
