//! Delegates: who reads someone's calendars, or keeps them for them.

use super::grants::give;
use super::{AdministrationError, AdministrationResult, collection, find};
use crate::model::id::Timestamp;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::privilege::Role;
use crate::store::executor::Executor;
use crate::store::grant::{self, Grant, NewGrant, Origin};
use crate::tree::Tree;
use crate::tree::edit::Edit;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;
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
        let delegate = find(&mut edit, None, delegate).await?;
        delegate_to(&mut edit, (&calendars, &person), &delegate, delegation).await?;
        Ok(edit.commit().await?)
    }

    /// Ends what someone may do as a delegate.
    pub async fn remove_delegate(&self, person: &str, delegate: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (calendars, person) = calendars_of(&mut edit, person).await?;
        let delegate = find(&mut edit, None, delegate).await?;
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
    let grant = NewGrant {
        node: calendars.id,
        home: calendars.home_id,
        principal: delegate.id,
        origin: Origin::Delegated,
        role: delegation.role,
        until_at: delegation.until,
        sees_private: delegation.sees_private,
        sponsor: None,
    };
    give(edit, person, delegate, &grant).await
}
