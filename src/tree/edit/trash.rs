//! The trash: how what is deleted is called there, restored, removed for good; and the brake on mass deletions.
//!
//! A faulty client that deletes a home document by document is the common way in which people lose all of them. When by
//! someone's actions a home has lost more than a set share of what has stood in it for an hour within a minute (by
//! DELETE, by MOVE to another home or onto another document, by what COPY, MOVE and UPDATE put in its place), further
//! ones are refused until a lead, or the administrator, lets them go on; in a person's own home for ten minutes, for
//! nobody else would. The deletion that goes beyond the share passes, for it may be of one folder, and meant.

use super::authority::Verb;
use super::event::AffectedObjects;
use super::{Authority, Edit};
use crate::model::condition::Condition;
use crate::model::error::{Detail, Refusal, Result};
use crate::model::filename::{among_documents, match_name};
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::privilege::{Privilege, Role};
use crate::model::version::suffixed;
use crate::model::view::View;
use crate::store::node::Added;
use crate::store::{node, past, purge, subtree, trash};
use crate::tree::Tree;
use crate::tree::gate::Admitted;
use crate::tree::target::zone;

/// The time in which deletions add up, seconds.
const WINDOW_S: i64 = 60;
/// So many documents may always be deleted within it: a small home is soon emptied on purpose.
const ALWAYS: i64 = 75;
/// How long what is deleted must have stood to count, seconds: who makes and deletes by turns loses nothing.
const STOOD_S: i64 = 3_600;
/// How many names are tried before the identifier serves as one.
const ATTEMPTS: usize = 20;

impl Edit {
    /// A name that is free in the trash: the node's own, as it may stand among documents, or with the moment of its
    /// deletion.
    pub(super) async fn trash_name(&mut self, node: &Node) -> Result<String> {
        let own = among_documents(&node.name);
        let mut name = own.clone();
        for attempt in 0..ATTEMPTS {
            if trash::entry(&mut self.txn, node.home_id, &match_name(&name)).await?.is_none() {
                return Ok(name);
            }
            name = suffixed(&own, self.now, &zone(), attempt);
        }
        Ok(numbered(&own, node.id))
    }

    /// A node that stands below a folder that is gone leaves it for a free name: the folder's sums are set right, those
    /// of the home count it again.
    pub(super) async fn out_of_gone(&mut self, node: Node, holder: &Node, parent: &Node, name: &str) -> Result<Node> {
        let seq = self.seq(node.home_id)?;
        past::end(&mut self.txn, node.id, seq, self.now).await?;
        node::stamp(&mut self.txn, holder.id, seq, -Added::of(&node), self.now).await?;
        self.relocate_node(node, None, parent, name).await
    }

    async fn free_name(&mut self, parent: &Node, wanted: String, taken: bool, id: Id) -> Result<String> {
        if !taken {
            return Ok(wanted);
        }
        for attempt in 0..ATTEMPTS {
            let name = suffixed(&wanted, self.now, &zone(), attempt);
            if past::member(&mut self.txn, parent.id, &parent.kind.member_key(&name)).await?.is_none() {
                return Ok(name);
            }
        }
        Ok(numbered(&wanted, id))
    }

    /// 403 `deletions-within-limits` when the loss of this node is one too many for its home.
    pub(super) async fn brake(&mut self, node: &Node) -> Result<()> {
        let (home, actor) = (node.home_id, self.person());
        let brake = trash::brake(&mut self.txn, home, actor).await?;
        let Some(brake) = brake.filter(|brake| brake.percent < 100 && !node.litter) else { return Ok(()) };
        let refused =
            if brake.personal { Condition::OwnDeletionsWithinLimits } else { Condition::DeletionsWithinLimits };
        match brake.hold {
            Some((since, None)) if since.saturating_add(brake.lasts_s) > self.now => return Err(refused.into()),
            Some((_, Some(until))) if until > self.now => return Ok(()),
            _ => {}
        }
        let share = |lost: i64| brake.documents.saturating_add(lost).saturating_mul(brake.percent);
        let goes_beyond = |lost: i64| lost > ALWAYS && lost.saturating_mul(100) > share(lost);
        let since = self.now - WINDOW_S;
        let lost = trash::lost_since(&mut self.txn, home, actor, since).await?;
        // What is young is counted only where it decides: it takes a look at each document.
        if goes_beyond(lost) {
            let young = subtree::lost_young(&mut self.txn, home, actor, since, since - STOOD_S).await?;
            if goes_beyond(lost.saturating_sub(young)) {
                self.braked = Some(home);
                return Err(refused.into());
            }
        }
        Ok(())
    }
}

impl Admitted<Edit> {
    /// MOVE out of the trash: the node stands in its home again, with its history and all below it. Where its new name
    /// is taken it gets a suffix. 403 `restored-in-its-home` for another home: its past is not taken along.
    pub(super) async fn restore(&mut self, source: Node) -> Result<()> {
        let Some(destination) = &self.destination else { return Err(Condition::BadRequest.into()) };
        let Some(parent) = destination.parent().map(|link| link.node.clone()) else {
            return Err(Condition::ParentMissing.into());
        };
        let from = self.target.parent().map(|link| link.node.id).unwrap_or_default();
        self.store.authorize(Verb::Restore, from)?;
        self.store.authorize(Verb::Bind, parent.id)?;
        if parent.home_id != source.home_id {
            return Err(Condition::RestoredInItsHome.into());
        }
        let (taken, to) = (destination.node().is_some(), destination.path.clone());
        let name = self.store.free_name(&parent, destination.name().to_owned(), taken, source.id).await?;
        if let Some(destination) = self.destination.as_mut().filter(|_| taken) {
            destination.path = destination.path.parent().join(&name);
        }
        self.store.within_depth(&source, None, &to).await?;
        let meetings = self.store.returning(&source.clone().seen(View::Present), &parent).await?;
        let back = self.back(source, &parent, &name).await?;
        self.store.record(Verb::Restore, || AffectedObjects::of(&back));
        self.store.returned(meetings, &back, &parent).await
    }

    /// A node of the trash, or from below a folder there, comes to stand at a free name.
    async fn back(&mut self, source: Node, parent: &Node, name: &str) -> Result<Node> {
        let top = self.target.parent().is_none_or(|link| link.node.kind == Kind::Trash);
        let holder = if top { None } else { self.target.parent().map(|link| link.node.clone()) };
        let stored = source.seen(View::Present);
        if let Some(holder) = holder {
            return self.store.out_of_gone(stored, &holder, parent, name).await;
        }
        self.store.relocate_node(stored, None, parent, name).await
    }

    /// DELETE in the trash: gone for good, with all below and all versions. What is to be carried on with once the
    /// change is committed ([`Tree::finish_purge`]).
    pub async fn purge(&mut self) -> Result<Option<Id>> {
        let Some(node) = self.target.node().cloned() else { return Err(Condition::NotFound.into()) };
        let from = self.target.parent().map(|link| link.node.id).unwrap_or_default();
        self.store.authorize(Verb::Purge, from)?;
        self.leads_wherever_it_stood(&node).await?;
        self.store.record(Verb::Purge, || AffectedObjects::of(&node));
        let holder = self.target.parent().map(|link| link.node.clone()).filter(|holder| holder.kind != Kind::Trash);
        if let Some(holder) = holder {
            let seq = self.store.seq(node.home_id)?;
            node::stamp(&mut self.store.txn, holder.id, seq, -Added::of(&node), self.now).await?;
        }
        trash::forget_before(&mut self.store.txn, node.home_id).await?;
        let (tops, _) = purge::begin(&mut self.store.txn, std::slice::from_ref(&node), self.now).await?;
        Ok(tops.first().copied())
    }

    /// 403 `need-privileges` for who leads only a part of the home, when a node, or something below it, stood outside
    /// of that part once: what is moved into a folder is not that folder's lead's to destroy.
    async fn leads_wherever_it_stood(&mut self, node: &Node) -> Result<()> {
        let role = node::role_above(&mut self.store.txn, self.request.actor.id, self.now, node.home_id).await?;
        if role >= Some(Role::Lead) || self.store.was_always_led(node).await? {
            return Ok(());
        }
        let refusal = Refusal::of(Condition::NeedPrivileges).at(self.target.path.href(node.is_collection()));
        Err(refusal.because(Detail::Privilege(Privilege::Unbind)).into())
    }
}

/// A name that nothing else bears, where all others are taken.
fn numbered(name: &str, id: Id) -> String {
    format!("{id} {}", name.chars().take(40).collect::<String>().trim_end_matches(['.', ' ']))
}

impl Tree {
    /// What a request did, unless it was one deletion too many: then the deletions of who made it are held from now on,
    /// and the lead is notified.
    pub async fn braked<T>(&self, admitted: Admitted<Edit>, done: Result<T>) -> Result<(Admitted<Edit>, T)> {
        let error = match done {
            Ok(done) => return Ok((admitted, done)),
            Err(error) => error,
        };
        let (home, actor) = (admitted.store.braked, admitted.request.actor.clone());
        drop(admitted);
        if let Some(home) = home {
            let mut edit = Edit::begin(self, Authority::Gate).await?;
            let (person, name, now) = (actor.id, actor.name.clone(), edit.now);
            edit.actor = Some(actor);
            trash::hold(edit.doing(Verb::Hold, AffectedObjects::within(home, [person]))?, home, person, now).await?;
            let home = node::home_name(&mut edit, home).await?;
            edit.commit().await?;
            tracing::warn!(person = name, home, "deletions are held: too many in a minute");
        }
        Err(error)
    }

    /// DELETE in the trash, whatever it takes to know whether the actor may. What is to be carried on with.
    pub async fn purge(&self, mut admitted: Admitted<Edit>) -> Result<Option<Id>> {
        loop {
            let begun = admitted.purge().await;
            if let Some(missing) = admitted.store.precomputed.missing.take() {
                admitted = self.retry(admitted, missing).await?;
                continue;
            }
            let rest = begun?;
            admitted.commit().await?;
            return Ok(rest);
        }
    }
}
