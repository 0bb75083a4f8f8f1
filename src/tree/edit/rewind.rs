//! Back to a former moment, as new changes: nothing is lost by it, and a rewind can itself be rewound.
//!
//! What is to be done is found out in one view (`plan`), which costs nobody anything. A few changes are made as one;
//! many go in slices, from the top of the tree to its leaves, each name as a whole: others write in between, and see
//! what is done so far. Whatever ends such a rewind before its time, the same again does the rest.

use std::collections::HashMap;

use super::Edit;
use super::authority::{Verb, bug};
use super::content::FileContent;
use super::event::AffectedObjects;
use super::precomputed::{MissingInput, Precomputed};
use super::retry::ATTEMPTS;
use super::verbs::UnbindReason;
use super::version::Written;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::privilege::Privilege;
use crate::model::view::View;
use crate::store::node::Added;
use crate::store::{lock, node, past, purge, version};
use crate::tree::Tree;
use crate::tree::gate::{Admitted, Request};
use crate::tree::resolve::resolve;
use crate::tree::rewind_plan::{PlannedChange, RewindPlan, RewindStep, free_to_go, may_take};
use crate::tree::scheduling::plan::{SchedulePlan, TextChange};
use crate::tree::target::Target;

/// How many changes are made as one, and how many a slice makes at most.
const FEW: usize = 50;

/// What an UPDATE comes to.
enum Updated {
    /// It is done.
    Whole,
    /// A folder is to become what it was at a moment.
    Rewinds(Timestamp),
}

impl Tree {
    /// UPDATE (RFC 3253 section 7.1): a document takes the content of one of its versions as a new version; a folder
    /// becomes what it was at the moment that the address of a former tree names. 409 `version-exists` when the address
    /// leads to neither. What was updated.
    pub async fn update(&self, request: &Request, to: &Path) -> Result<Target> {
        let mut admitted = self.write(request).await?;
        loop {
            let done = admitted.update(to).await;
            if let Some(missing) = admitted.store.precomputed.missing.take() {
                admitted = self.retry(admitted, missing).await?;
                continue;
            }
            let (admitted, updated) = self.braked(admitted, done).await?;
            let target = admitted.target.clone();
            match updated {
                Updated::Whole => admitted.commit().await?,
                Updated::Rewinds(moment) => {
                    admitted.store.give_up().await;
                    self.rewind(request, moment, &mut |_| {}).await?;
                }
            }
            return Ok(target);
        }
    }

    /// Makes a folder what it was at a moment. `progress` hears how many names were looked at.
    pub async fn rewind(
        &self,
        request: &Request,
        at: Timestamp,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<RewindStep>> {
        let mut attempts = 1;
        loop {
            let plan = self.plan_rewind(request, at, progress).await?;
            // Where something is written there all the time, what has just come is left as it is.
            if self.carry_out(request, at, &plan, attempts >= ATTEMPTS).await? {
                return Ok(plan.steps());
            }
            attempts += 1;
        }
    }

    /// Carries a plan out. `false`: something was written there since, which is not to be `overlooked`, and nothing is
    /// done.
    async fn carry_out(&self, request: &Request, at: Timestamp, plan: &RewindPlan, overlooked: bool) -> Result<bool> {
        let whole = plan.changes.len() <= FEW;
        let (mut done, mut attempts) = (0, 0);
        let (mut precomputed, mut made) = (Precomputed::default(), HashMap::new());
        while let Some(rest) = plan.changes.get(done..).filter(|rest| !rest.is_empty()) {
            let changes = rest.get(..FEW).unwrap_or(rest);
            for hash in changes.iter().filter_map(|change| change.object.as_ref()) {
                if !precomputed.indexed.contains_key(hash) {
                    self.precompute(request, &mut precomputed, MissingInput::Index(hash.clone())).await?;
                }
            }
            let mut admitted = self.write_with(request, precomputed).await?;
            let changed = admitted.target.node().is_none_or(|node| node.members_seq != plan.members_seq);
            if whole && changed && !overlooked {
                admitted.store.give_up().await;
                return Ok(false);
            }
            let slice = Slice { at, changes, whole };
            let outcome = admitted.rewind(slice, &mut made).await;
            precomputed = std::mem::take(&mut admitted.store.precomputed);
            if let Some(missing) = precomputed.missing.take() {
                admitted.store.give_up().await;
                attempts += 1;
                if attempts > FEW {
                    return Err(Condition::Busy.into());
                }
                self.precompute(request, &mut precomputed, missing).await?;
                continue;
            }
            done += outcome?;
            (precomputed, attempts) = (Precomputed::default(), 0);
            admitted.commit().await?;
        }
        Ok(true)
    }
}

/// The changes that are left to be made.
struct Slice<'a> {
    at: Timestamp,
    changes: &'a [PlannedChange],
    /// Are all of them one change?
    whole: bool,
}

/// Folders that were made again, by what they were.
type RebuiltFolders = HashMap<Id, Id>;

impl Admitted<Edit> {
    async fn update(&mut self, version: &Path) -> Result<Updated> {
        let wrong = || Refusal::of(Condition::VersionMissing);
        let source = resolve(&mut self.store, &self.request.actor, self.now, version).await?;
        let target = self.target.node().cloned().ok_or_else(|| bug("updating what is not there"))?;
        let found = source.node().filter(|_| source.privileges.contains(Privilege::Read)).ok_or_else(wrong)?;
        if found.id != target.id {
            return Err(wrong().into());
        }
        match (target.kind, found.view) {
            (Kind::File | Kind::Object, View::Version | View::MirroredVersion | View::Former) => {
                self.rewrite(target, found).await?;
                Ok(Updated::Whole)
            }
            (Kind::Folder | Kind::Documents, View::Former) => {
                let moment = source.moment.ok_or_else(wrong)?;
                self.store.brake(&target).await?;
                Ok(Updated::Rewinds(moment))
            }
            _ => Err(wrong().into()),
        }
    }

    async fn rewrite(&mut self, document: Node, version: &Node) -> Result<()> {
        let parent = self.parent()?;
        let session = self.session(&self.target);
        let Some(written) = self.anew(version) else { return Ok(()) };
        if document.kind == Kind::Object {
            let content = self.store.former_content(version, written.hash).await?;
            return self.restore_object(document, &parent, content).await;
        }
        self.store.authorize(Verb::Replace, document.id)?;
        self.store.record(Verb::Replace, || AffectedObjects::of(&document));
        self.store.write(document, &parent, written, session).await?;
        Ok(())
    }

    /// An object takes former content. Where it is a meeting, others hear of that as of any change.
    async fn restore_object(&mut self, object: Node, calendar: &Node, content: FileContent) -> Result<()> {
        let change = TextChange {
            calendar: calendar.clone(),
            object: Some(object.id),
            before: object.hash.clone(),
            after: Some(content.clone()),
            leaves: None,
        };
        let is_meeting = object.schedule_hash.is_some() || content.is_meeting();
        let plan = self.store.schedule_plan(is_meeting.then_some(change)).await?;
        let content = plan.as_ref().and_then(|plan| plan.content.clone()).unwrap_or(content);
        let event = object.id;
        self.store.replace(object, calendar, content, None).await?;
        match plan {
            Some(plan) => self.store.carry_out(plan, event).await,
            None => Ok(()),
        }
    }

    /// Former content, as the actor writes it now.
    fn anew(&self, former: &Node) -> Option<Written> {
        let actor = &self.request.actor;
        Written::of(former, Some(actor.id), actor.device.clone())
    }

    /// Makes some changes of a plan, as many as one slice may; how many.
    async fn rewind(&mut self, slice: Slice<'_>, made: &mut RebuiltFolders) -> Result<usize> {
        let top = self.target.node().cloned().ok_or_else(|| bug("rewinding what is not there"))?;
        for verb in [Verb::Rewind, Verb::Bind, Verb::Unbind] {
            self.store.authorize(verb, top.id)?;
        }
        self.store.record(Verb::Rewind, || AffectedObjects::of(&top));
        let top = top.id;
        let mut folder: Option<Node> = None;
        for (place, change) in slice.changes.iter().enumerate() {
            if place > 0 && !slice.whole && self.store.is_long() {
                return Ok(place);
            }
            let id = made.get(&change.was).copied().unwrap_or(change.was);
            if folder.as_ref().is_none_or(|folder| folder.id != id) {
                folder = self.standing_below(top, id).await?;
            }
            // Others write between the slices: what has gone meanwhile stays gone.
            let Some(folder) = &folder else { continue };
            if let Some(goes) = change.goes {
                let found = version::node(&mut self.store, goes).await?;
                let found = found.filter(|(node, gone)| gone.is_none() && node.parent_id == folder.id);
                if let Some((node, _)) = found {
                    self.take_away(node, folder).await?;
                }
                continue;
            }
            let key = folder.kind.member_key(&change.name);
            if let Some(former) = past::member_at(&mut self.store, change.was, slice.at, &key).await? {
                let back = self.bring_back(&former, folder, &change.path()).await?;
                made.extend((back.id != former.id).then_some((former.id, back.id)));
            }
        }
        Ok(slice.changes.len())
    }

    /// A folder, if it stands at or below another.
    async fn standing_below(&mut self, top: Id, folder: Id) -> Result<Option<Node>> {
        let stands = node::names_between(&mut self.store, top, folder).await?.is_some();
        let found = version::node(&mut self.store, folder).await?;
        Ok(found.filter(|(_, gone)| stands && gone.is_none()).map(|(node, _)| node))
    }

    /// What stood at a name stands there again, with the content it had.
    async fn bring_back(&mut self, former: &Node, folder: &Node, path: &Path) -> Result<Node> {
        let plan = self.plan_of(former, folder).await?;
        let occupant = past::member(&mut self.store, folder.id, &folder.kind.member_key(&former.name)).await?;
        let there = match occupant {
            Some(there) if there.id == former.id => there,
            occupant => {
                let mut locks = Vec::new();
                if let Some(other) = occupant {
                    locks = lock::below(&mut self.store, other.home_id, other.id, self.now).await?;
                    locks.retain(|lock| lock.node_id == other.id);
                    self.take_away(other, folder).await?;
                }
                let back = self.fetch(former, folder, path).await?;
                self.store.hand_on(&locks, &back).await?;
                back
            }
        };
        let is_planned = plan.as_ref().is_some_and(|plan| plan.content.is_some());
        let there = match self.anew(former) {
            Some(written) if there.hash != former.hash && !is_planned => {
                self.store.write(there, folder, written, None).await?
            }
            _ => there,
        };
        if let Some(plan) = plan {
            self.store.carry_out_in(plan, there.clone(), folder).await?;
        }
        Ok(there)
    }

    /// What it means to others that an object is again what it was. `None`: nobody is in it.
    async fn plan_of(&mut self, former: &Node, calendar: &Node) -> Result<Option<SchedulePlan>> {
        let Some(hash) = former.hash.clone().filter(|_| former.kind == Kind::Object) else { return Ok(None) };
        let found = version::node(&mut self.store, former.id).await?;
        let standing = found.filter(|(node, gone)| gone.is_none() && node.home_id == calendar.home_id);
        let present = standing.map(|(node, _)| node);
        let was = present.as_ref().is_some_and(|node| node.schedule_hash.is_some());
        let before = present.and_then(|node| node.hash);
        if before.as_ref() == Some(&hash) {
            return Ok(None);
        }
        let content = self.store.former_content(former, hash).await?;
        let is_meeting = was || content.is_meeting();
        let (object, after) = (Some(former.id), Some(content));
        let change = TextChange { calendar: calendar.clone(), object, before, after, leaves: None };
        self.store.schedule_plan(is_meeting.then_some(change)).await
    }

    /// What came later goes, and is called off if it is a meeting.
    async fn take_away(&mut self, node: Node, folder: &Node) -> Result<()> {
        let is_meeting = node.kind == Kind::Object && node.schedule_hash.is_some();
        let plan = self.store.schedule_plan(is_meeting.then(|| TextChange::removal(folder, &node))).await?;
        let event = node.id;
        self.store.remove(node, folder, UnbindReason::Replaced).await?;
        match plan {
            Some(plan) => self.store.carry_out(plan, event).await,
            None => Ok(()),
        }
    }

    /// Gets a node from wherever it is now. One that left the home, or for good, is made again.
    async fn fetch(&mut self, former: &Node, folder: &Node, path: &Path) -> Result<Node> {
        let found = version::node(&mut self.store, former.id).await?;
        let name = &former.name;
        let standing = found.as_ref().map_or(former, |(present, _)| present);
        self.store.within_depth(standing, None, path).await?;
        let mut present = found.filter(|(present, _)| present.home_id == folder.home_id);
        if let Some((above, _)) = &present
            && node::names_between(&mut self.store, above.id, folder.id).await?.is_some()
        {
            // What stood in the folder holds it now: it cannot stand in itself.
            present = None;
        }
        if let Some((above, _)) = &present
            && purge::is_purged(&mut self.store, above.id).await?
        {
            present = None;
        }
        if let Some((taken, _)) = &present
            && !may_take(&mut self.store, &self.request, &self.target, self.now, taken).await?
        {
            present = None;
        }
        let Some((present, gone)) = present else {
            let seq = self.store.seq(folder.home_id)?;
            let source = if former.is_collection() {
                Node { size_bytes: 0, documents: 0, ..former.clone() }
            } else {
                former.clone()
            };
            let made = self.store.copy_of(&source, folder, name, seq);
            self.store.within_quota(folder.home_id, made.size_bytes)?;
            self.store.insert(&made).await?;
            self.store.stamp(folder, seq, Added::of(&made)).await?;
            return Ok(made);
        };
        if gone.is_some() {
            return self.store.relocate_node(present, None, folder, name).await;
        }
        let holder = version::node(&mut self.store, present.parent_id).await?.map(|(node, _)| node);
        let holder = holder.ok_or_else(|| bug("a node without its folder"))?;
        if node::names_between(&mut self.store, present.home_id, present.id).await?.is_some() {
            let below = lock::below(&mut self.store, present.home_id, present.id, self.now).await?;
            let around = lock::around(&mut self.store, present.id, self.now).await?;
            free_to_go(&self.request, &below, &around, present.id, path)?;
            return self.store.relocate_node(present, Some(&holder), folder, name).await;
        }
        self.store.out_of_gone(present, &holder, folder, name).await
    }
}
