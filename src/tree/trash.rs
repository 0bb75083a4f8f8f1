//! The trash: how what is deleted is called there, restored, removed for good; and the brake on mass deletions.
//!
//! A faulty client that deletes a home document by document is the common way in which people lose all of them. When by
//! someone's deeds a home has lost more than a set share of what has stood in it for an hour within a minute (by DELETE, by
//! MOVE to another home or onto another document, by what COPY, MOVE and UPDATE put in its place), further ones are refused
//! until a lead, or the administrator, lets them go on; in a person's own home for ten minutes, for nobody else would. The
//! deletion that goes beyond the share passes, for it may be of one folder, and meant.

use super::Tree;
use super::administration;
use super::calendar::CALENDARS;
use super::former::zone;
use super::gate::Admitted;
use super::resolve::FILES;
use crate::model::condition::Condition;
use crate::model::effect::{Effect, Place};
use crate::model::error::{Detail, Refusal, Result};
use crate::model::filename::{among_documents, match_name};
use crate::model::id::{Id, Timestamp, now};
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::privilege::{Privilege, Role};
use crate::model::version::suffixed;
use crate::store::executor::Executor;
use crate::store::transaction::Txn;
pub use crate::store::trash::Hold;
use crate::store::{node, past, purge, subtree, trash};

/// The time in which deletions add up, seconds.
const WINDOW_S: i64 = 60;
/// So many documents may always be deleted within it: a small home is soon emptied on purpose.
const ALWAYS: i64 = 75;
/// How long what is deleted must have stood to count, seconds: who makes and deletes by turns loses nothing.
const STOOD_S: i64 = 3_600;
/// How long released deletions go on, seconds.
pub const RELEASED_S: i64 = 3_600;
/// How many names are tried before the identifier serves as one.
const ATTEMPTS: usize = 20;

impl<T: Executor> Admitted<T> {
    /// Whose deletions are held in the home whose documents or trash the target is; told to leads only.
    pub async fn holds(&mut self) -> Result<Vec<Hold>> {
        let top = self.target.node().filter(|node| matches!(node.kind, Kind::Documents | Kind::Trash)).cloned();
        match top.filter(|_| self.target.privileges.contains(Privilege::Unlock)) {
            Some(top) => Ok(trash::holds(&mut self.store, top.home_id, self.now).await?),
            None => Ok(Vec::new()),
        }
    }

    /// When a deleted node went, and the address it had.
    pub(super) async fn old_place(&mut self, node: &Node) -> Result<Option<(Timestamp, Path)>> {
        let Some(home) = self.target.path.segments().get(1).cloned() else { return Ok(None) };
        let Some(place) = trash::old_place(&mut self.store, node.id).await? else { return Ok(None) };
        let part = if place.calendars { CALENDARS } else { FILES };
        let (at, path) =
            (place.gone_at, place.names.iter().fold(Path::of(&[part, &home]), |path, name| path.join(name)));
        Ok(Some((at, path)))
    }
}

impl Admitted<Txn> {
    /// A name that is free in the trash: the node's own, as it may stand among documents, or with the moment of its deletion.
    pub(super) async fn trash_name(&mut self, node: &Node) -> Result<String> {
        let own = among_documents(&node.name);
        let mut name = own.clone();
        for attempt in 0..ATTEMPTS {
            if trash::entry(&mut self.store, node.home_id, &match_name(&name)).await?.is_none() {
                return Ok(name);
            }
            name = suffixed(&own, self.now, &zone(), attempt);
        }
        Ok(numbered(&own, node.id))
    }

    /// MOVE out of the trash: the node stands in its home again, with its history and all below it. Where its new name
    /// is taken it gets a suffix. 403 `restored-in-its-home` for another home: its past is not taken along.
    pub(super) async fn restore(&mut self, source: Node) -> Result<()> {
        self.granted(Effect::WriteContent, Place::Parent)?;
        self.granted(Effect::Bind, Place::DestinationParent)?;
        let Some(destination) = &self.destination else { return Err(Condition::BadRequest.into()) };
        let Some(parent) = destination.parent().map(|link| link.node.clone()) else {
            return Err(Condition::ParentMissing.into());
        };
        if parent.home_id != source.home_id {
            return Err(Condition::RestoredInItsHome.into());
        }
        let (taken, to) = (destination.node().is_some(), destination.path.clone());
        let name = self.free_name(&parent, destination.name().to_owned(), taken, source.id).await?;
        if let Some(destination) = self.destination.as_mut().filter(|_| taken) {
            destination.path = destination.path.parent().join(&name);
        }
        self.within_depth(&source, None, &to).await?;
        self.back(source, &parent, &name).await?;
        Ok(())
    }

    /// A node of the trash, or from below a folder there, comes to stand at a free name.
    pub(super) async fn back(&mut self, source: Node, parent: &Node, name: &str) -> Result<Node> {
        let top = self.target.parent().is_none_or(|link| link.node.kind == Kind::Trash);
        let holder = if top { None } else { self.target.parent().map(|link| link.node.clone()) };
        let stored = Node { kind: source.kind.row().copy, ..source };
        if let Some(holder) = holder {
            return self.out_of_gone(stored, &holder, parent, name).await;
        }
        self.relocate_node(stored, None, parent, name).await
    }

    /// A node that stands below a folder that is gone leaves it for a free name: the folder's sums are set right, those
    /// of the home count it anew.
    pub(super) async fn out_of_gone(&mut self, node: Node, holder: &Node, parent: &Node, name: &str) -> Result<Node> {
        let seq = self.seq(node.home_id)?;
        past::end(&mut self.store, node.id, seq, self.now).await?;
        node::stamp(&mut self.store, holder.id, seq, (-node.size_bytes, -node.weight()), self.now).await?;
        self.relocate_node(node, None, parent, name).await
    }

    async fn free_name(&mut self, parent: &Node, wanted: String, taken: bool, id: Id) -> Result<String> {
        if !taken {
            return Ok(wanted);
        }
        for attempt in 0..ATTEMPTS {
            let name = suffixed(&wanted, self.now, &zone(), attempt);
            if past::member(&mut self.store, parent.id, &parent.kind.member_key(&name)).await?.is_none() {
                return Ok(name);
            }
        }
        Ok(numbered(&wanted, id))
    }

    /// DELETE in the trash: gone for good, with all below and all versions. What is to be carried on with once the change is
    /// committed ([`Tree::finish_purge`]).
    pub async fn purge(&mut self) -> Result<Option<Id>> {
        self.granted(Effect::Unbind, Place::Parent)?;
        let Some(node) = self.target.node().cloned() else { return Err(Condition::NotFound.into()) };
        self.leads_wherever_it_stood(&node).await?;
        let holder = self.target.parent().map(|link| link.node.clone()).filter(|holder| holder.kind != Kind::Trash);
        if let Some(holder) = holder {
            let seq = self.seq(node.home_id)?;
            node::stamp(&mut self.store, holder.id, seq, (-node.size_bytes, -node.weight()), self.now).await?;
        }
        trash::forget_before(&mut self.store, node.home_id).await?;
        let (tops, _) = purge::begin(&mut self.store, std::slice::from_ref(&node), self.now).await?;
        Ok(tops.first().copied())
    }

    /// 403 `need-privileges` for who leads only a part of the home, when a node, or something below it, stood outside of that
    /// part once: what is moved into a folder is not that folder's lead's to destroy.
    async fn leads_wherever_it_stood(&mut self, node: &Node) -> Result<()> {
        let role = node::role_above(&mut self.store, self.request.actor.id, self.now, node.home_id).await?;
        if role >= Some(Role::Lead) || self.was_always_led(node).await? {
            return Ok(());
        }
        let refusal = Refusal::of(Condition::NeedPrivileges).at(self.target.path.href(node.kind.is_collection()));
        Err(refusal.because(Detail::Privilege(Privilege::Unbind)).into())
    }

    /// 403 `deletions-within-limits` when the loss of this node is one too many for its home.
    pub(super) async fn brake(&mut self, node: &Node) -> Result<()> {
        let (home, actor) = (node.home_id, self.request.actor.id);
        let brake = trash::brake(&mut self.store, home, actor).await?;
        let Some(brake) = brake.filter(|brake| brake.percent < 100 && !node.litter) else { return Ok(()) };
        let refused =
            if brake.personal { Condition::OwnDeletionsWithinLimits } else { Condition::DeletionsWithinLimits };
        match brake.hold {
            Some((since, None)) if since + brake.lasts_s > self.now => return Err(refused.into()),
            Some((_, Some(until))) if until > self.now => return Ok(()),
            _ => {}
        }
        let goes_beyond = |lost: i64| lost > ALWAYS && lost * 100 > (brake.documents + lost) * brake.percent;
        let since = self.now - WINDOW_S;
        let lost = trash::lost_since(&mut self.store, home, actor, since).await?;
        // What is young is counted only where it decides: it takes a look at each document.
        if goes_beyond(lost) {
            let young = subtree::lost_young(&mut self.store, (home, actor), since, since - STOOD_S).await?;
            if goes_beyond(lost - young) {
                self.braked = Some(home);
                return Err(refused.into());
            }
        }
        Ok(())
    }
}

/// A name that nothing else bears, where all others are taken.
fn numbered(name: &str, id: Id) -> String {
    format!("{id} {}", name.chars().take(40).collect::<String>().trim_end_matches(['.', ' ']))
}

impl Tree {
    /// What a request did, unless it was one deletion too many: then the deletions of who made it are held from now on, and
    /// the lead is told.
    pub async fn braked<T>(&self, admitted: Admitted<Txn>, done: Result<T>) -> Result<(Admitted<Txn>, T)> {
        let error = match done {
            Ok(done) => return Ok((admitted, done)),
            Err(error) => error,
        };
        let (home, actor) = (admitted.braked, admitted.request.actor.clone());
        drop(admitted);
        if let Some(home) = home {
            let mut txn = self.store.write().await?;
            trash::hold(&mut txn, home, actor.id, now()).await?;
            let name = node::home_name(&mut txn, home).await?;
            txn.commit().await?;
            tracing::warn!(person = actor.name, home = name, "deletions are held: too many in a minute");
        }
        Err(error)
    }

    /// Whose deletions are held in the home of a person or project.
    pub async fn holds(&self, name: &str) -> administration::Result<Vec<Hold>> {
        let mut snapshot = self.store.read().await?;
        let home = administration::home_named(&mut snapshot, name).await?;
        Ok(trash::holds(&mut snapshot, home, now()).await?)
    }

    /// Lets held deletions go on for an hour: of one person, or of all. How many were held.
    pub async fn release(&self, name: &str, person: Option<&str>) -> administration::Result<u64> {
        let mut txn = self.store.write().await?;
        let home = administration::home_named(&mut txn, name).await?;
        let person = match person {
            Some(person) => Some(administration::find(&mut txn, None, person).await?.id),
            None => None,
        };
        let released = trash::release(&mut txn, home, person, now() + RELEASED_S).await?;
        txn.commit().await?;
        Ok(released)
    }
}
