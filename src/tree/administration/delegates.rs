//! Delegates: who reads someone's calendars, or keeps them for them.

use super::grants::{give, holder};
use super::{AdministrationError, AdministrationResult, collection, find};
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Timestamp;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::privilege::Role;
use crate::store::executor::Executor;
use crate::store::grant::{self, Grant, NewGrant, Origin};
use crate::store::principal;
use crate::tree::Tree;
use crate::tree::edit::Edit;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::content::PropertyChange;
use crate::tree::edit::event::AffectedObjects;
use crate::tree::gate::Admitted;
use crate::tree::target::CALENDARS;

/// What a delegate gets.
#[derive(Clone, Copy, Debug)]
pub struct Delegation {
    /// Reader or member.
    pub role: Role,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Are private events seen, too?
    pub sees_private: bool,
}

impl Tree {
    /// Makes a person or a group delegate in all calendars of a person, in place of what they were there before.
    pub async fn add_delegate(&self, person: &str, delegate: &str, delegation: Delegation) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (calendars, person) = calendars_of(&mut edit, person).await?;
        let delegate = holder(&mut edit, delegate).await?;
        delegate_to(&mut edit, (&calendars, &person), &delegate, delegation).await?;
        Ok(edit.commit().await?)
    }

    /// Ends what someone may do as a delegate.
    pub async fn remove_delegate(&self, person: &str, delegate: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (calendars, person) = calendars_of(&mut edit, person).await?;
        let delegate = holder(&mut edit, delegate).await?;
        let txn = edit.doing(Verb::Revoke, AffectedObjects::about(&delegate).in_home(calendars.home_id))?;
        if !grant::remove(txn, calendars.id, delegate.id, Origin::Delegated).await? {
            return Err(AdministrationError::NoDelegate(delegate.name, person.name));
        }
        grant::settle(txn, calendars.home_id).await?;
        Ok(edit.commit().await?)
    }

    /// A person's delegates, by name.
    pub async fn delegates(&self, person: &str) -> AdministrationResult<Vec<Grant>> {
        let mut snapshot = self.store.read().await?;
        let (calendars, _) = calendars_of(&mut snapshot, person).await?;
        let mut delegates = grant::on(&mut snapshot, calendars.id).await?;
        delegates.retain(|grant| grant.origin == Origin::Delegated);
        Ok(delegates)
    }
}

/// The most delegates that a person names at once.
const MAX_DELEGATES: usize = 200;

impl Admitted<Edit> {
    /// The delegates of the person who asks who have a role are those that PROPPATCH names. Who has it already keeps it
    /// as it is; who had the other one has this instead.
    pub(in crate::tree) async fn set_delegates(&mut self, role: Role, changes: &[PropertyChange]) -> Result<()> {
        let Some(PropertyChange::Delegates(named)) = changes.last() else {
            return Err(Condition::CannotModifyProtectedProperty.into());
        };
        if named.len() > MAX_DELEGATES {
            return Err(Condition::TooLarge.into());
        }
        let now = self.now();
        let actor = self.actor().clone();
        let mut wanted = Vec::with_capacity(named.len());
        for path in named {
            wanted.push(self.delegate_at(path.as_ref()).await?);
        }
        let found = calendars_of(&mut self.store, &actor.name).await;
        let (calendars, person) = found.map_err(|_| Condition::NotFound)?;
        let held = grant::delegates(&mut self.store, person.id, role, now).await?;
        let mut ended = Vec::new();
        for name in held.iter().filter(|name| wanted.iter().all(|delegate| delegate.name != **name)) {
            ended.extend(principal::by_name(&mut self.store, name).await?.map(|delegate| delegate.id));
        }
        let affected = AffectedObjects::about(&person).in_home(calendars.home_id);
        let txn = self.store.doing(Verb::SetDelegates, affected)?;
        for delegate in ended {
            grant::remove(txn, calendars.id, delegate, Origin::Delegated).await?;
        }
        for delegate in wanted.iter().filter(|delegate| !held.contains(&delegate.name)) {
            grant::add(txn, &delegation(&calendars, delegate, Delegation { role, until: None, sees_private: false }))
                .await?;
        }
        Ok(grant::settle(txn, calendars.home_id).await?)
    }

    /// The person or group at an address, who may become a delegate of who asks.
    async fn delegate_at(&mut self, path: Option<&Path>) -> Result<Principal> {
        let path = path.ok_or(Condition::RecognizedPrincipal)?;
        let found = self.principal_at(path).await?.ok_or(Condition::RecognizedPrincipal)?;
        let may = found.kind.holds_roles() && found.id != self.actor().id;
        if may { Ok(found) } else { Err(Condition::AllowedPrincipal.into()) }
    }
}

/// A person, and the collection of their calendars.
async fn calendars_of(c: &mut impl Executor, person: &str) -> AdministrationResult<(Node, Principal)> {
    let person = find(c, Some(PrincipalKind::Person), person).await?;
    collection(c, &Path::of(&[CALENDARS, &person.name]).href(true)).await
}

async fn delegate_to(
    edit: &mut Edit,
    (calendars, person): (&Node, &Principal),
    delegate: &Principal,
    delegation: Delegation,
) -> AdministrationResult<()> {
    if delegate.id == person.id {
        return Err(AdministrationError::OwnDelegate(person.name.clone()));
    }
    give(edit, person, delegate, &self::delegation(calendars, delegate, delegation)).await
}

fn delegation(calendars: &Node, delegate: &Principal, delegation: Delegation) -> NewGrant {
    let Delegation { role, until: until_at, sees_private } = delegation;
    let role = NewGrant::of(role, calendars.id, calendars.home_id, delegate.id);
    NewGrant { origin: Origin::Delegated, until_at, sees_private, ..role }
}
