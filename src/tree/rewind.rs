//! Back to a former moment, as new changes: nothing is lost by it, and a rewind can itself be rewound.

use std::collections::HashSet;

use super::edit::{Leaving, bug};
use super::gate::{Admitted, is_shown};
use super::lock::leave;
use super::resolve::resolve;
use super::version::Written;
use crate::model::condition::Condition;
use crate::model::effect::{Effect, Place};
use crate::model::error::{Refusal, Result};
use crate::model::filename::match_name;
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::privilege::Privilege;
use crate::store::node::Width;
use crate::store::transaction::Txn;
use crate::store::{lock, node, past, purge, version};

/// How many members are read at a time.
const PAGE: i64 = 500;
/// The largest tree that one rewind looks at: it is one transaction, and other writers wait for it.
const MAX_NODES: u64 = 200_000;

/// What is done to a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// It comes back from the trash.
    Restored,
    /// It comes back from where it was moved.
    Moved,
    /// Its former content becomes its next version.
    Rewritten,
    /// It came later, and goes to the trash.
    Removed,
}

/// A step of a rewind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What is done.
    pub what: What,
    /// Where.
    pub path: Path,
}

/// A folder to be made what another, or the same, was.
struct Task {
    folder: Node,
    was: Id,
    path: Path,
}

impl Admitted<Txn> {
    /// UPDATE (RFC 3253 section 7.1): a document takes the content of one of its versions as a new version; a folder
    /// becomes what it was at the moment that the address of a former tree names. 409 `version-exists` when the address
    /// leads to neither.
    pub async fn update(&mut self, version: &Path) -> Result<()> {
        let wrong = || Refusal::of(Condition::VersionMissing);
        let source = resolve(&mut self.store, &self.request.actor, self.now, version).await?;
        let target = self.target.node().cloned().ok_or_else(|| bug("updating what is not there"))?;
        let found = source.node().filter(|_| source.privileges.contains(Privilege::Read)).ok_or_else(wrong)?;
        if found.id != target.id {
            return Err(wrong().into());
        }
        match (target.kind, found.kind) {
            (Kind::File | Kind::Object, Kind::Version | Kind::PastFile) => self.rewrite(target, found).await,
            (Kind::Folder | Kind::Documents, Kind::PastFolder) => {
                let moment = source.moment.ok_or_else(wrong)?;
                self.brake(&target).await?;
                self.rewind(moment, &mut |_| {}).await.map(|_| ())
            }
            _ => Err(wrong().into()),
        }
    }

    async fn rewrite(&mut self, document: Node, version: &Node) -> Result<()> {
        self.granted(Effect::WriteContent, Place::Target)?;
        let parent =
            self.target.parent().map(|link| link.node.clone()).ok_or_else(|| bug("a document without folder"))?;
        let session = self.session(&self.target);
        if let Some(written) = self.anew(version) {
            self.write(document, &parent, written, session).await?;
        }
        Ok(())
    }

    /// Former content, as the actor writes it now.
    fn anew(&self, former: &Node) -> Option<Written> {
        let actor = &self.request.actor;
        Written::of(former, Some(actor.id), actor.device.clone())
    }

    /// Makes the target, a folder, what it was at a moment. `progress` hears how many names were looked at. The caller
    /// commits, or drops it all to have seen what would be done.
    pub async fn rewind(&mut self, at: Timestamp, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Vec<Step>> {
        for effect in [Effect::WriteContent, Effect::Bind, Effect::Unbind] {
            self.granted(effect, Place::Target)?;
        }
        let top = self.target.node().cloned().ok_or_else(|| bug("rewinding what is not there"))?;
        let mut waiting = vec![Task { was: top.id, folder: top, path: self.target.path.clone() }];
        let mut steps = Vec::new();
        let mut seen = 0;
        while let Some(task) = waiting.pop() {
            let mut expected = HashSet::new();
            if task.folder.kind == Kind::Calendar {
                // What came later may bear the UID of what comes back: it goes first.
                let stood = self.stood_in(&task, at).await?;
                self.clear(&task, &stood, &mut steps).await?;
            }
            let mut after = String::new();
            loop {
                let page = past::members_at(&mut self.store, (task.was, at), &after, PAGE, Width::Whole).await?.nodes;
                let Some(last) = page.last() else { break };
                after = match_name(&last.name);
                seen += page.len() as u64;
                if seen > MAX_NODES {
                    let why = "the folder holds too many documents to be rewound at once; rewind its parts";
                    return Err(Refusal::of(Condition::TooLarge).text(why).into());
                }
                for former in page.iter() {
                    let path = task.path.join(&former.name);
                    let back = self.bring_back(former, &task.folder, &path, &mut steps).await?;
                    expected.insert(back.id);
                    if back.kind.is_collection() {
                        waiting.push(Task { folder: back, was: former.id, path });
                    }
                }
                progress(seen);
            }
            self.clear(&task, &expected, &mut steps).await?;
        }
        Ok(steps)
    }

    /// What stood in a collection at a moment.
    async fn stood_in(&mut self, task: &Task, at: Timestamp) -> Result<HashSet<Id>> {
        let mut found = HashSet::new();
        let mut after = String::new();
        loop {
            let page = past::members_at(&mut self.store, (task.was, at), &after, PAGE, Width::Whole).await?.nodes;
            let Some(last) = page.last() else { return Ok(found) };
            after = match_name(&last.name);
            found.extend(page.iter().map(|former| former.id));
            if found.len() as u64 > MAX_NODES {
                return Err(Condition::TooLarge.into());
            }
        }
    }

    /// What stood at a name stands there again, with the content it had.
    async fn bring_back(&mut self, former: &Node, folder: &Node, path: &Path, steps: &mut Vec<Step>) -> Result<Node> {
        let folded = match_name(&former.name);
        let occupant = past::member(&mut self.store, folder.id, &folded).await?;
        let there = match occupant {
            Some(there) if there.id == former.id => there,
            occupant => {
                let mut locks = Vec::new();
                if let Some(other) = occupant {
                    steps.push(Step { what: What::Removed, path: path.clone() });
                    locks = lock::below(&mut self.store, other.home_id, other.id, self.now).await?;
                    locks.retain(|lock| lock.node_id == other.id);
                    self.remove(other, folder, Leaving::Replaced).await?;
                }
                let back = self.fetch(former, folder, path, steps).await?;
                self.hand_on(&locks, &back).await?;
                back
            }
        };
        match self.anew(former) {
            Some(written) if there.hash != former.hash => {
                steps.push(Step { what: What::Rewritten, path: path.clone() });
                self.write(there, folder, written, None).await
            }
            _ => Ok(there),
        }
    }

    /// Gets a node from wherever it is now. One that left the home, or for good, is made anew.
    async fn fetch(&mut self, former: &Node, folder: &Node, path: &Path, steps: &mut Vec<Step>) -> Result<Node> {
        let found = version::node(&mut self.store, former.id).await?;
        let name = &former.name;
        let standing = found.as_ref().map_or(former, |(present, _)| present);
        self.within_depth(standing, None, path).await?;
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
        let Some((present, gone)) = present else {
            steps.push(Step { what: What::Restored, path: path.clone() });
            let seq = self.seq(folder.home_id)?;
            let source = if former.kind.is_collection() {
                Node { size_bytes: 0, documents: 0, ..former.clone() }
            } else {
                former.clone()
            };
            let made = self.copy_of(&source, folder, name, seq);
            self.within_quota(folder.home_id, made.size_bytes)?;
            self.insert(&made).await?;
            self.stamp(folder, seq, (made.size_bytes, made.weight())).await?;
            return Ok(made);
        };
        if gone.is_some() {
            steps.push(Step { what: What::Restored, path: path.clone() });
            return self.relocate_node(present, None, folder, name).await;
        }
        let holder = version::node(&mut self.store, present.parent_id).await?.map(|(node, _)| node);
        let holder = holder.ok_or_else(|| bug("a node without its folder"))?;
        if node::names_between(&mut self.store, present.home_id, present.id).await?.is_some() {
            let below = lock::below(&mut self.store, present.home_id, present.id, self.now).await?;
            let around = lock::around(&mut self.store, present.id, self.now).await?;
            let shown = |lock: &Lock| is_shown(&self.request, lock);
            if !below.iter().all(shown) || !leave(&around, present.id, shown) {
                return Err(Refusal::of(Condition::LockTokenSubmitted).at(path.href(false)).into());
            }
            steps.push(Step { what: What::Moved, path: path.clone() });
            return self.relocate_node(present, Some(&holder), folder, name).await;
        }
        steps.push(Step { what: What::Restored, path: path.clone() });
        self.out_of_gone(present, &holder, folder, name).await
    }

    /// What came after the moment goes.
    async fn clear(&mut self, task: &Task, expected: &HashSet<Id>, steps: &mut Vec<Step>) -> Result<()> {
        let mut after = String::new();
        loop {
            let page = node::whole_members(&mut self.store, &task.folder, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = match_name(&last.name);
            for member in page {
                if !expected.contains(&member.id) && !member.litter {
                    steps.push(Step { what: What::Removed, path: task.path.join(&member.name) });
                    self.remove(member, &task.folder, Leaving::Replaced).await?;
                }
            }
        }
    }
}
