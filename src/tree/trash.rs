//! The trash: how what is deleted is called there, restored, removed for good; and the brake on mass deletions.
//!
//! A faulty client that deletes a home document by document is the common way in which people lose all of them. When
//! someone has deleted more than a set share of a home within a minute, further deletions are refused until a lead, or
//! the administrator, lets them go on. The deletion that goes beyond the share passes, for it may be of one folder, and meant.

use super::Tree;
use super::administration;
use super::calendar::CALENDARS;
use super::former::zone;
use super::gate::{Admitted, Request};
use super::resolve::{FILES, Target};
use crate::model::condition::Condition;
use crate::model::effect::{Effect, Place};
use crate::model::error::Result;
use crate::model::filename::match_name;
use crate::model::id::{Id, Timestamp, now};
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::privilege::Privilege;
use crate::model::version::suffixed;
use crate::store::sql::Reading;
use crate::store::transaction::Txn;
pub use crate::store::trash::Hold;
use crate::store::{node, past, trash};

/// The time in which deletions add up, seconds.
const WINDOW_S: i64 = 60;
/// So many documents may always be deleted within it: a small home is soon emptied on purpose.
const ALWAYS: i64 = 75;
/// How long a hold lasts when nobody ends it, seconds.
const HOLD_S: i64 = 86_400;
/// How long released deletions go on, seconds.
pub const RELEASED_S: i64 = 3_600;
/// How many names are tried before the identifier serves as one.
const ATTEMPTS: usize = 20;

impl<T: Reading> Admitted<T> {
    /// Whose deletions are held in the home whose documents or trash the target is; told to leads only.
    pub async fn holds(&mut self) -> Result<Vec<Hold>> {
        let top = self.target.node().filter(|node| matches!(node.kind, Kind::Documents | Kind::Trash)).cloned();
        match top.filter(|_| self.target.privileges.contains(Privilege::Unlock)) {
            Some(top) => Ok(trash::holds(&mut self.store, top.home_id).await?),
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
    /// A name that is free in the trash: the node's own, or with the moment of its deletion.
    pub(super) async fn trash_name(&mut self, node: &Node) -> Result<String> {
        let mut name = node.name.clone();
        for attempt in 0..ATTEMPTS {
            if trash::entry(&mut self.store, node.home_id, &match_name(&name)).await?.is_none() {
                return Ok(name);
            }
            name = suffixed(&node.name, self.now, &zone(), attempt);
        }
        Ok(numbered(&node.name, node.id))
    }

    /// MOVE out of the trash: the node stands in the tree again, with its history and all below it. Where its new name
    /// is taken it gets a suffix.
    pub(super) async fn restore(&mut self, source: Node) -> Result<()> {
        self.granted(Effect::WriteContent, Place::Parent)?;
        self.granted(Effect::Bind, Place::DestinationParent)?;
        let Some(destination) = &self.destination else { return Err(Condition::BadRequest.into()) };
        let Some(parent) = destination.parent().map(|link| link.node.clone()) else {
            return Err(Condition::ParentMissing.into());
        };
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
            if past::member(&mut self.store, parent.id, &match_name(&name)).await?.is_none() {
                return Ok(name);
            }
        }
        Ok(numbered(&wanted, id))
    }

    /// DELETE in the trash: gone for good, with all below and all versions.
    pub async fn purge(&mut self) -> Result<()> {
        self.granted(Effect::Unbind, Place::Parent)?;
        let Some(node) = self.target.node().cloned() else { return Err(Condition::NotFound.into()) };
        let holder = self.target.parent().map(|link| link.node.clone()).filter(|holder| holder.kind != Kind::Trash);
        if let Some(holder) = holder {
            let seq = self.seq(node.home_id)?;
            node::stamp(&mut self.store, holder.id, seq, (-node.size_bytes, -node.weight()), self.now).await?;
        }
        trash::purge(&mut self.store, node.id).await?;
        trash::forget_before(&mut self.store, node.home_id).await?;
        Ok(())
    }

    /// 403 `deletions-within-limits` when this deletion is one too many.
    pub(super) async fn brake(&mut self, node: &Node) -> Result<()> {
        let actor = self.request.actor.id;
        let (percent, hold) = trash::brake(&mut self.store, node.home_id, actor).await?;
        if percent >= 100 || node.litter {
            return Ok(());
        }
        match hold {
            Some((since, None)) if since + HOLD_S > self.now => return Err(Condition::DeletionsWithinLimits.into()),
            Some((_, Some(until))) if until > self.now => return Ok(()),
            _ => {}
        }
        let deleted = trash::deleted_since(&mut self.store, node.home_id, actor, self.now - WINDOW_S).await?;
        let live = self.documents_beside(node);
        if deleted > ALWAYS && deleted * 100 > (live + deleted) * percent {
            return Err(Condition::DeletionsWithinLimits.into());
        }
        Ok(())
    }

    /// How many documents stand in the home of a node.
    fn documents_beside(&self, node: &Node) -> i64 {
        let targets: Vec<&Target> = std::iter::once(&self.target).chain(&self.destination).collect();
        let top = targets
            .iter()
            .flat_map(|target| &target.links)
            .find(|link| link.node.kind == Kind::Documents && link.node.home_id == node.home_id);
        top.map_or(0, |link| link.node.documents)
    }
}

/// A name that nothing else bears, where all others are taken.
fn numbered(name: &str, id: Id) -> String {
    format!("{id} {}", name.chars().take(40).collect::<String>().trim_end_matches(['.', ' ']))
}

impl Tree {
    /// Holds the deletions of who made this refused request, and tells the lead.
    pub async fn hold(&self, request: &Request) -> Result<()> {
        let Some(name) = Target::home_names(&request.path).pop() else { return Ok(()) };
        let mut txn = self.store.write().await?;
        if let Some(claim) = node::claim(&mut txn, &name, None).await? {
            trash::hold(&mut txn, claim.home, request.actor.id, now()).await?;
            tracing::warn!(person = request.actor.name, home = name, "deletions are held: too many in a minute");
        }
        Ok(txn.commit().await?)
    }

    /// Whose deletions are held in the home of a person or project.
    pub async fn holds(&self, name: &str) -> administration::Result<Vec<Hold>> {
        let mut snapshot = self.store.read().await?;
        let home = administration::home_named(&mut snapshot, name).await?;
        Ok(trash::holds(&mut snapshot, home).await?)
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
