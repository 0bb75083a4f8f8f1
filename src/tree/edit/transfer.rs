//! COPY and MOVE as a whole, and how a large tree is copied: out of sight, in slices, and bound in one small change.
//!
//! What is being built hangs on a top that is gone and hidden, and entered in the table `purge`, due when nothing has
//! been added for long: what a crash, or a refusal, leaves is purged. It is read in one view, so it is what stood at
//! one moment; where something was written into what is moved since that moment, it is built again.

use std::collections::HashMap;

use super::Edit;
use super::authority::Verb;
use super::event::AffectedObjects;
use super::precomputed::StagedCopy;
use super::verbs::BindTarget;
use crate::model::calendar::Indexed;
use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::etag::ETag;
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::node::Node;
use crate::model::path::MAX_SEGMENTS;
use crate::store::columns::Width;
use crate::store::executor::Executor;
use crate::store::node::Added;
use crate::store::reading::Snapshot;
use crate::store::{calendar, node, property, purge, version};
use crate::tree::Tree;
use crate::tree::gate::{Admitted, Request};
use crate::tree::target::Target;

/// How many members are copied at a time: fewer where their dead properties are many.
const PAGE: i64 = 250;
const PAGE_BYTES: i64 = 1024 * 1024;
/// How many nodes are copied in one change; a larger tree is built before.
pub(super) const SMALL: i64 = 1_200;
/// The largest tree that one COPY duplicates.
const MAX_COPIED: usize = 200_000;
/// After so many seconds without a slice, what was being built is taken for abandoned.
const ABANDONED_S: i64 = 3_600;

/// What COPY or MOVE did.
pub struct Transferred {
    /// Was there something at the destination?
    pub overwritten: bool,
    /// The destination, in the spelling that is stored.
    pub destination: Option<Target>,
    /// Is what was copied or moved a collection?
    pub collection: bool,
    /// Of a meeting: the schedule tag of what stands at the destination (RFC 6638 section 3.2.10).
    pub schedule_tag: Option<ETag>,
}

/// A collection whose members are to be copied, its copy, and how many segments lead to the copy's place.
type Open = (Node, Node, usize);

impl Tree {
    /// COPY, `deep` or without members, or MOVE.
    pub async fn transfer(&self, request: &Request, deep: bool) -> Result<Transferred> {
        let mut admitted = self.write(request).await?;
        loop {
            let built = admitted.store.precomputed.built;
            let done = admitted.carry_out(deep).await;
            if let Some(missing) = admitted.store.precomputed.missing.take() {
                admitted.store.precomputed.built = built;
                admitted = self.retry(admitted, missing).await?;
                continue;
            }
            let unneeded = admitted.store.precomputed.built.take();
            let done = self.concluded(admitted, done).await;
            self.abandon(if done.is_ok() { unneeded } else { built }).await?;
            return done;
        }
    }

    async fn concluded(&self, admitted: Admitted<Edit>, done: Result<bool>) -> Result<Transferred> {
        let (admitted, overwritten) = self.braked(admitted, done).await?;
        let destination = admitted.destination.clone();
        let (collection, is_meeting) = match admitted.target.node() {
            Some(node) => (node.is_collection(), node.schedule_hash.is_some()),
            None => (false, false),
        };
        let request = admitted.request.clone();
        admitted.commit().await?;
        let schedule_tag = if is_meeting { self.schedule_tag_at_destination(&request).await? } else { None };
        Ok(Transferred { overwritten, destination, collection, schedule_tag })
    }

    /// `None`: nothing stands there any more, or something else.
    async fn schedule_tag_at_destination(&self, request: &Request) -> Result<Option<ETag>> {
        let Some(path) = request.destination.clone() else { return Ok(None) };
        match self.read_one(&Request::of(Method::Propfind, path, request.actor.clone())).await {
            Ok(admitted) => Ok(admitted.target.node().and_then(Node::schedule_tag)),
            Err(Error::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Builds a copy of the target of a request, with all below it, out of sight.
    pub(super) async fn build(&self, request: &Request) -> Result<StagedCopy> {
        let _carrying = self.store.carrying.read().await;
        let mut source = self.read(request).await?;
        let from = source.target.node().cloned().ok_or(Condition::NotFound)?;
        let mut admitted = self.write(request).await?;
        let (top, depth) = admitted.begin_copy(&from).await?;
        let built = StagedCopy { top: top.id, source: from.id, members_seq: from.members_seq };
        admitted.commit().await?;
        match self.fill(request, &mut source, (from, top, depth)).await {
            Ok(()) => Ok(built),
            Err(error) => {
                self.abandon(Some(built)).await?;
                Err(error)
            }
        }
    }

    /// Copies what stands below a collection, in slices. What is read for one is read before it.
    async fn fill(&self, request: &Request, source: &mut Admitted<Snapshot>, whole: Open) -> Result<()> {
        let top = whole.1.id;
        let mut pages = Pages::of(whole);
        let mut page = pages.next(source).await?;
        while page.is_some() {
            let mut admitted = self.write(request).await?;
            while let Some(one) = page.take() {
                pages.waiting.extend(admitted.store.copy_page(one).await?);
                if admitted.store.is_long() {
                    break;
                }
                page = pages.next(source).await?;
            }
            purge::put_off(&mut admitted.store.txn, top, admitted.now + ABANDONED_S).await?;
            admitted.commit().await?;
            if page.is_none() {
                page = pages.next(source).await?;
            }
        }
        Ok(())
    }

    /// What was being built, if anything was, will not be bound.
    pub(super) async fn abandon(&self, built: Option<StagedCopy>) -> Result<()> {
        let Some(built) = built else { return Ok(()) };
        let mut edit = self.job_edit().await?;
        purge::put_off(edit.doing(Verb::Purge, AffectedObjects::to([built.top]))?, built.top, 0).await?;
        edit.commit().await?;
        self.finish_purge(built.top).await?;
        Ok(())
    }
}

/// The members of all collections of a tree, page by page.
pub(super) struct Pages {
    /// Collections that are still to be read.
    pub waiting: Vec<Open>,
    /// The one that is being read, and after which name.
    pub open: Option<(Open, String)>,
    /// How many members were listed, and how many bytes their dead properties are.
    copied: usize,
    said: i64,
}

/// Members of a collection, its copy, which of them have dead properties, and what the index says of them.
pub(super) struct OnePage {
    members: Vec<Node>,
    to: Node,
    depth: usize,
    property_bytes: HashMap<Id, i64>,
    indexed: Vec<(String, Indexed)>,
}

impl Pages {
    /// Of a whole tree.
    pub fn of(whole: Open) -> Self {
        Self { waiting: vec![whole], open: None, copied: 0, said: 0 }
    }

    /// Is it more than one change copies?
    pub fn is_large(&self) -> bool {
        self.copied as i64 > SMALL || self.said > PAGE_BYTES
    }

    /// The next page that holds something, read from the view of the source. One member always fits in.
    pub async fn next<T: Executor>(&mut self, source: &mut Admitted<T>) -> Result<Option<OnePage>> {
        loop {
            let open = self.open.take().or_else(|| self.waiting.pop().map(|open| (open, String::new())));
            let Some(((from, to, depth), after)) = open else { return Ok(None) };
            let (mut members, mut next) = source.stored_members(&from, &after, PAGE, Width::Whole).await?;
            let Some(last) = members.last().map(Node::key) else { continue };
            if depth >= MAX_SEGMENTS {
                return Err(Condition::TooDeep.into());
            }
            let property_bytes = property::bearers(&mut source.store, from.id, &after, &last).await?;
            let mut bytes = 0;
            let fits = |member: &&Node| {
                let before = bytes;
                bytes = property_bytes.get(&member.id).map_or(bytes, |more| more.saturating_add(bytes));
                before < PAGE_BYTES
            };
            let fitting = members.iter().take_while(fits).count();
            if fitting < members.len() {
                members.truncate(fitting);
                next = members.last().map(Node::key);
            }
            self.copied += members.len();
            self.said += members.iter().filter_map(|member| property_bytes.get(&member.id)).sum::<i64>();
            if self.copied > MAX_COPIED {
                let why = "the folder holds too many documents to be copied at once; copy its parts";
                return Err(Refusal::of(Condition::TooLarge).text(why).into());
            }
            let indexed = match to.kind {
                Kind::Calendar => calendar::indexed_members(&mut source.store, from.id, &after, &last).await?,
                _ => Vec::new(),
            };
            self.open = next.map(|next| ((from, to.clone(), depth), next));
            return Ok(Some(OnePage { members, to, depth, property_bytes, indexed }));
        }
    }
}

impl Admitted<Edit> {
    async fn carry_out(&mut self, deep: bool) -> Result<bool> {
        if self.request.method != Method::Move {
            return self.copy(deep).await;
        }
        if !deep && self.target.node().is_some_and(|node| node.is_collection()) {
            return Err(Refusal::of(Condition::BadRequest).text("a folder is moved with Depth: infinity only").into());
        }
        self.relocate().await
    }

    /// The top of a copy that is to be built out of sight; and how many segments lead to its place.
    async fn begin_copy(&mut self, source: &Node) -> Result<(Node, usize)> {
        let BindTarget { parent, name, .. } = self.slot_at_destination()?;
        let depth = self.destination.as_ref().map_or(0, |destination| destination.path.segments().len());
        self.store.authorize(Verb::Bind, parent.id)?;
        self.within_quota_of_destination(source)?;
        let seq = self.store.seq(parent.home_id)?;
        let mut top = self.store.copy_of(source, &parent, &name, seq);
        (top.size_bytes, top.documents) = (0, 0);
        // Its own name may be taken still.
        top.name = top.id.to_string();
        self.store.insert(&top).await?;
        self.store.copy_supported_components(source, &top).await?;
        purge::hide(&mut self.store.txn, top.id, self.now, self.now + ABANDONED_S).await?;
        Ok((top, depth))
    }
}

impl Edit {
    /// Copies a page of members, and counts them; the collections among them, whose members are still to be copied.
    pub(super) async fn copy_page(&mut self, page: OnePage) -> Result<Vec<Open>> {
        let OnePage { members, to, depth, property_bytes, indexed } = page;
        // Beside what was found out for this change because no row said it.
        self.precomputed.indexed.extend(indexed);
        // The tree of this very moment holds what is being made of it.
        let made = |member: &Node| member.home_id == to.home_id && member.placed_seq == self.claimed(to.home_id);
        let comes_by_itself = |member: &Node| self.is_moving_meeting(member, to.home_id);
        let members: Vec<Node> =
            members.into_iter().filter(|member| !made(member) && !comes_by_itself(member)).collect();
        let copies = self.graft(&members, &to).await?;
        let (mut bytes, mut documents) = (0, 0);
        let mut open = Vec::new();
        for (member, copy) in members.into_iter().zip(copies) {
            if property_bytes.contains_key(&member.id) {
                self.adopt_properties(&member, &copy).await?;
            }
            if copy.is_collection() {
                open.push((member, copy, depth + 1));
            } else {
                (bytes, documents) = (copy.size_bytes.saturating_add(bytes), documents + 1);
            }
        }
        let seq = self.seq(to.home_id)?;
        // A copy has the time of what it is a copy of.
        node::stamp(&mut self.txn, to.id, seq, Added { bytes, documents }, to.modified_at).await?;
        let claim = self.claim(to.home_id)?.clone();
        self.quota_kept(&claim).await?;
        Ok(open)
    }

    fn claimed(&self, home: Id) -> i64 {
        self.claim(home).map_or(0, |claim| claim.seq)
    }

    /// Binds what was built out of sight at the destination.
    pub(super) async fn bind_built(
        &mut self,
        StagedCopy { top: built, .. }: StagedCopy,
        slot: BindTarget,
    ) -> Result<Node> {
        let BindTarget { parent, name, .. } = slot;
        self.authorize(Verb::Bind, parent.id)?;
        let found = version::node(&mut self.txn, built).await?;
        // It took so long that the job has taken it for abandoned, or its folder is another's now.
        let (top, _) = found.filter(|(top, _)| top.home_id == parent.home_id).ok_or(Condition::Busy)?;
        if !purge::release(&mut self.txn, built, self.now).await? {
            return Err(Condition::Busy.into());
        }
        let top = self.placed(top, &parent, &name)?;
        self.record(Verb::Bind, || AffectedObjects::of(&top));
        self.update_place(&top).await?;
        self.stamp(&parent, top.seq, Added { bytes: top.size_bytes, documents: top.documents }).await?;
        Ok(top)
    }
}
