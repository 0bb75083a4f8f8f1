//! What a rewind has to do, found out in one view: the former tree beside the present one, folder by folder, from the
//! top. Nothing is changed, and nobody waits; what cannot be done is refused before anything is.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::Tree;
use super::edit::authority::bug;
use super::edit::lock::leave;
use super::gate::{Admitted, Request, is_shown};
use super::target::Target;
use crate::model::condition::Condition;
use crate::model::effect::{Effect, EffectPlace};
use crate::model::error::{Refusal, Result};
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::{NODE_BYTES, Node};
use crate::model::path::Path;
use crate::model::privilege::Role;
use crate::store::columns::Width;
use crate::store::executor::Executor;
use crate::store::reading::Snapshot;
use crate::store::usage::Usage;
use crate::store::{lock, node, past, purge, subtree, usage, version};

/// How many members are read at a time.
const PAGE: i64 = 500;
/// The largest tree that one rewind looks at, and the most that it changes: all of it is held in memory.
const MAX_NODES: usize = 200_000;

/// What is done to a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RewindAction {
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
pub struct RewindStep {
    /// What is done.
    pub what: RewindAction,
    /// Where.
    pub path: Path,
}

/// What is done to one name of a folder: all of it, or nothing.
pub(super) struct PlannedChange {
    /// The folder, as it was: what it is now bears another identifier where it was made again.
    pub was: Id,
    folder: Arc<Path>,
    pub name: String,
    /// The node that came later and goes; `None`: what stood there comes back.
    pub goes: Option<Id>,
    whats: Vec<RewindAction>,
    /// The hash of what is written, if that is a calendar object.
    pub object: Option<String>,
}

impl PlannedChange {
    /// Where.
    pub fn path(&self) -> Path {
        self.folder.join(&self.name)
    }
}

/// What a rewind has to do.
pub struct RewindPlan {
    pub(super) changes: Vec<PlannedChange>,
    /// The last change below the folder that it takes into account.
    pub(super) members_seq: Seq,
}

impl RewindPlan {
    /// What is done where, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<RewindStep> {
        let of = |change: &PlannedChange| {
            let path = change.path();
            change.whats.iter().map(move |what| RewindStep { what: *what, path: path.clone() }).collect::<Vec<_>>()
        };
        self.changes.iter().flat_map(of).collect()
    }
}

impl Tree {
    /// What would be done to make a folder what it was at a moment. `progress` hears how many names were looked at.
    pub async fn plan_rewind(
        &self,
        request: &Request,
        at: Timestamp,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<RewindPlan> {
        let mut seen = self.read(request).await?;
        for effect in [Effect::WriteContent, Effect::Bind, Effect::Unbind] {
            seen.granted(effect, EffectPlace::Target)?;
        }
        let top = seen.target.node().cloned().ok_or_else(|| bug("rewinding what is not there"))?;
        let above = node::lineage(&mut seen.store, top.id).await?.into_iter().map(|(id, _)| id).collect();
        let path = Arc::new(seen.target.path.clone());
        let plan = RewindPlan { changes: Vec::new(), members_seq: top.members_seq };
        let (home, was) = (top.home_id, top.id);
        let waiting = vec![Task { was, now: Some(top), path }];
        let planner =
            Planner { seen, at, home, above, removed: HashSet::new(), placed: HashSet::new(), added: 0, waiting, plan };
        planner.run(progress).await
    }
}

/// A folder to be looked at: as it was, and as it is, unless it is to be made again.
struct Task {
    was: Id,
    now: Option<Node>,
    path: Arc<Path>,
}

/// What the view will be like as far as the plan goes.
struct Planner {
    seen: Admitted<Snapshot>,
    at: Timestamp,
    home: Id,
    /// The folder that is rewound, and all above it.
    above: HashSet<Id>,
    /// What has gone by then.
    removed: HashSet<Id>,
    /// What has come to stand somewhere by then.
    placed: HashSet<Id>,
    /// The bytes that are added to the home.
    added: i64,
    waiting: Vec<Task>,
    plan: RewindPlan,
}

/// Members in the order of the keys of their names, read by the page.
struct MemberPages {
    page: VecDeque<Node>,
    after: Option<String>,
    source: Source,
}

enum Source {
    Then(Id, Timestamp),
    Now(Box<Node>),
}

impl MemberPages {
    fn of(source: Source) -> Self {
        Self { page: VecDeque::new(), after: Some(String::new()), source }
    }

    /// The next, with the key of its name.
    async fn next(&mut self, view: &mut Snapshot) -> Result<Option<(String, Node)>> {
        if self.page.is_empty()
            && let Some(after) = self.after.take()
        {
            let page = match &self.source {
                Source::Then(was, at) => past::members_at(view, *was, *at, &after, PAGE, Width::Whole).await?,
                Source::Now(folder) => node::members(view, folder, &after, PAGE, Width::Whole).await?,
            };
            self.after = page.next_name();
            self.page = page.owned().into();
        }
        Ok(self.page.pop_front().map(|node| (node.key(), node)))
    }
}

impl Planner {
    async fn run(mut self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<RewindPlan> {
        let mut looked_at = 0;
        while let Some(task) = self.waiting.pop() {
            looked_at = self.folder(task, looked_at).await?;
            progress(looked_at as u64);
        }
        let Usage { used_bytes: used, quota_bytes: quota } = usage::quota(&mut self.seen.store, self.home).await?;
        if quota.is_some_and(|quota| self.added > 0 && used.saturating_add(self.added) > quota) {
            return Err(Condition::QuotaNotExceeded.into());
        }
        Ok(self.plan)
    }

    /// What is to be done in a folder; how many names were looked at by then.
    async fn folder(&mut self, task: Task, mut looked_at: usize) -> Result<usize> {
        let calendar = task.now.as_ref().is_some_and(|now| now.kind == Kind::Calendar);
        let mut then = MemberPages::of(Source::Then(task.was, self.at));
        let mut now = task.now.clone().map(|folder| MemberPages::of(Source::Now(Box::new(folder))));
        let (mut back, mut strangers, mut expected) = (Vec::new(), Vec::new(), HashSet::new());
        let (mut former, mut present) = (then.next(&mut self.seen.store).await?, None);
        if let Some(now) = &mut now {
            present = now.next(&mut self.seen.store).await?;
        }
        loop {
            let order = match (&former, &present) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((one, _)), Some((other, _))) => one.cmp(other),
            };
            let there = match order.is_ge() {
                true => present.take().map(|(_, node)| node),
                false => None,
            };
            if let (true, Some(now)) = (order.is_ge(), &mut now) {
                present = now.next(&mut self.seen.store).await?;
            }
            if order.is_gt() {
                strangers.extend(there.filter(|node| !node.litter).map(|node| (node.id, node.name)));
            } else if let Some((_, member)) = former.take() {
                looked_at += 1;
                expected.insert(member.id);
                back.extend(self.member(&task, member, there).await?);
                former = then.next(&mut self.seen.store).await?;
            }
            if looked_at.max(self.plan.changes.len() + back.len() + strangers.len()) > MAX_NODES {
                let why = "the folder holds too many documents to be rewound at once; rewind its parts";
                return Err(Refusal::of(Condition::TooLarge).text(why).into());
            }
        }
        let (removed, placed) = (&mut self.removed, &self.placed);
        let go: Vec<PlannedChange> = strangers
            .into_iter()
            .filter(|(id, _)| !expected.contains(id) && !placed.contains(id) && removed.insert(*id))
            .map(|(id, name)| PlannedChange { goes: Some(id), ..change(&task, name, vec![RewindAction::Removed]) })
            .collect();
        // What came later may bear the UID of an object that comes back: it goes first.
        let parts = if calendar { [go, back] } else { [back, go] };
        self.plan.changes.extend(parts.into_iter().flatten());
        Ok(looked_at)
    }

    /// What is to be done so that a member stands in a folder as it did. `there`: what bears its name now.
    async fn member(&mut self, task: &Task, former: Node, there: Option<Node>) -> Result<Option<PlannedChange>> {
        let mut whats = Vec::new();
        let mut now = there.clone().filter(|there| there.id == former.id);
        let mut path = None;
        if now.is_none() {
            let other = there.filter(|there| !self.placed.contains(&there.id) && self.removed.insert(there.id));
            whats.extend(other.map(|_| RewindAction::Removed));
            let at = task.path.join(&former.name);
            let (what, found) = self.source(&former, &at).await?;
            whats.push(what);
            self.removed.remove(&former.id);
            self.placed.insert(former.id);
            (now, path) = (found, Some(at));
        }
        let other = |hash: &String| now.as_ref().is_some_and(|now| now.hash.as_ref() != Some(hash));
        let rewritten = former.hash.as_ref().is_some_and(other);
        if rewritten {
            whats.push(RewindAction::Rewritten);
        }
        if rewritten || now.is_none() {
            let bytes = former.hash.as_ref().map_or(0, |_| former.size_bytes);
            self.added = self.added.saturating_add(NODE_BYTES).saturating_add(bytes);
        }
        let object = former.hash.clone().filter(|_| former.kind == Kind::Object && (rewritten || now.is_none()));
        if former.is_collection() {
            let path = Arc::new(path.unwrap_or_else(|| task.path.join(&former.name)));
            self.waiting.push(Task { was: former.id, now, path });
        }
        Ok((!whats.is_empty()).then(|| PlannedChange { object, ..change(task, former.name, whats) }))
    }

    /// Where a member that does not stand in its place comes from, and what it is there; `None`: it is made again.
    async fn source(&mut self, former: &Node, to: &Path) -> Result<(RewindAction, Option<Node>)> {
        let view = &mut self.seen.store;
        let found = version::node(view, former.id).await?.map(|(node, _)| node);
        let mut found = found.filter(|node| node.home_id == self.home && !self.above.contains(&node.id));
        if let Some(node) = &found
            && !may_take(view, &self.seen.request, &self.seen.target, self.seen.now, node).await?
        {
            found = None;
        }
        let mut live = false;
        if found.is_some() {
            let lineage = node::lineage(view, former.id).await?;
            let known = |(id, gone): &(Id, bool)| match (self.removed.contains(id), self.placed.contains(id)) {
                (true, _) => Some(false),
                (_, true) => Some(true),
                _ => gone.then_some(false),
            };
            live = lineage.iter().find_map(known).unwrap_or(true);
            if !live && purge::is_purged(view, former.id).await? {
                found = None;
            }
        }
        let levels = to.levels_below().ok_or(Condition::TooDeep)?;
        let standing = found.as_ref().unwrap_or(former);
        if standing.is_collection() && subtree::is_deeper(view, standing.id, levels, i64::MAX).await? == Some(true) {
            return Err(Condition::TooDeep.into());
        }
        let Some(found) = found else { return Ok((RewindAction::Restored, None)) };
        if !live {
            return Ok((RewindAction::Restored, Some(found)));
        }
        let below = lock::below(view, self.home, found.id, self.seen.now).await?;
        let around = lock::around(view, found.id, self.seen.now).await?;
        free_to_go(&self.seen.request, &below, &around, found.id, to)?;
        Ok((RewindAction::Moved, Some(found)))
    }
}

fn change(task: &Task, name: String, whats: Vec<RewindAction>) -> PlannedChange {
    PlannedChange { was: task.was, folder: Arc::clone(&task.path), name, goes: None, whats, object: None }
}

/// May a node be taken from where it stands, or lies? What is where the actor may not write stays there, and the name
/// gets a copy of what it was.
pub(super) async fn may_take(
    c: &mut impl Executor,
    request: &Request,
    target: &Target,
    now: Timestamp,
    node: &Node,
) -> Result<bool> {
    let writes = |role| role >= Some(Role::Member);
    Ok(writes(target.role_on_top()) || writes(node::role_above(c, request.actor.id, now, node.parent_id).await?))
}

/// 423 where a node is not to be taken from where it stands, by what locks below it and around it say.
pub(super) fn free_to_go(request: &Request, below: &[Lock], around: &[Lock], node: Id, to: &Path) -> Result<()> {
    let shown = |lock: &Lock| is_shown(request, lock);
    if below.iter().all(shown) && leave(around, node, shown) {
        return Ok(());
    }
    Err(Refusal::of(Condition::LockTokenSubmitted).at(to.href(false)).into())
}
