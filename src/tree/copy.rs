//! COPY and MOVE of any kind, in terms of the verbs.

use super::edit::{At, Content, Leaving, bug};
use super::gate::Admitted;
use super::resolve::{Realm, Target};
use super::version::Written;
use crate::model::condition::Condition;
use crate::model::effect::{Effect, Place};
use crate::model::error::{Refusal, Result};
use crate::model::filename::match_name;
use crate::model::kind::Kind;
use crate::model::node::{NODE_BYTES, Node};
use crate::model::path::MAX_SEGMENTS;
use crate::model::version::{Landing, landing_of_move};
use crate::store::node::Width;
use crate::store::property;
use crate::store::transaction::Txn;

/// How many members are read at a time.
const PAGE: i64 = 500;
/// The largest tree that one COPY duplicates. It is one transaction, and other writers wait for it.
const MAX_COPIED: usize = 200_000;

impl Admitted<Txn> {
    /// COPY of the target to the destination, RFC 4918 section 9.8. A document over a document is a new version of it
    /// (RFC 3253 section 3.15); anything else that was there goes first. Without `deep`, a collection is copied without
    /// its members. Costs rows, not bytes. `true`: something was overwritten.
    pub async fn copy(&mut self, deep: bool) -> Result<bool> {
        let Some(source) = self.target.node().cloned() else { return Err(Condition::NotFound.into()) };
        self.duplicate(source, deep).await
    }

    /// A copy of `source` comes to stand at the destination. `true`: something was overwritten.
    async fn duplicate(&mut self, source: Node, deep: bool) -> Result<bool> {
        if let Some((document, parent)) = self.overwritten_document(&source) {
            self.granted(Effect::Bind, Place::DestinationParent)?;
            let (author, device) = self.copyist(&source, parent.home_id);
            let written = Written::of(&source, author, device);
            let session = self.destination.as_ref().and_then(|destination| self.session(destination));
            // A former state of the document itself is the same file as it was.
            let document = match source.id == document.id {
                true => document,
                false => self.another_file(document, self.made_at(&source, parent.home_id)).await?,
            };
            self.adopt_properties(&source, &document).await?;
            if let Some(written) = written {
                self.write(document, &parent, written, session).await?;
            }
            return Ok(true);
        }
        let locks = self.locks_at_destination();
        let overwritten = self.clear_destination().await?;
        // What a former folder held is counted as it is copied: only its members know.
        let counted = deep && source.kind != Kind::PastFolder;
        let copied = if counted || !source.kind.is_collection() {
            source.clone()
        } else {
            Node { size_bytes: 0, documents: 0, ..source.clone() }
        };
        // A file is counted by `bind`; of a folder the sum of what is below it.
        self.within_quota_of_destination(&copied)?;
        let top = self.bind(At::Destination, Content::Copied(copied)).await?;
        self.hand_on(&locks, &top).await?;
        self.adopt_properties(&source, &top).await?;
        if deep && source.kind.is_collection() {
            let depth = self.destination.as_ref().map_or(0, |destination| destination.path.segments().len());
            self.copy_members(source, (top, depth)).await?;
        }
        Ok(overwritten)
    }

    /// The document at the destination, with its folder, if source and destination are documents.
    fn overwritten_document(&self, source: &Node) -> Option<(Node, Node)> {
        let destination = self.destination.as_ref()?;
        let there = destination.node().filter(|there| there.kind == Kind::File && source.hash.is_some())?;
        Some((there.clone(), destination.parent()?.node.clone()))
    }

    /// Gives a copy the dead properties of its source, if they show there: those of a former state do not.
    async fn adopt_properties(&mut self, source: &Node, copy: &Node) -> Result<()> {
        if source.kind.row().properties {
            self.overlay(source.id, copy).await?;
        }
        Ok(())
    }

    fn within_quota_of_destination(&self, copied: &Node) -> Result<()> {
        let home = self.destination.as_ref().and_then(|d| d.parent()).map(|parent| parent.node.home_id);
        match home {
            Some(home) => self.within_quota(home, copied.size_bytes + NODE_BYTES * (1 + copied.documents)),
            None => Ok(()),
        }
    }

    async fn copy_members(&mut self, source: Node, (top, depth): (Node, usize)) -> Result<()> {
        let mut waiting = vec![(source, top, depth)];
        let mut copied = 0;
        while let Some((from, to, depth)) = waiting.pop() {
            let mut after = Some(String::new());
            while let Some(name) = after {
                let (page, next) = self.stored_members(&from, &name, PAGE, Width::Whole).await?;
                let Some(last) = page.last().map(|last| match_name(&last.name)) else { break };
                if depth >= MAX_SEGMENTS {
                    return Err(Condition::TooDeep.into());
                }
                let adorned = property::bearers(&mut self.store, from.id, &name, &last).await?;
                after = next;
                copied += page.len();
                if copied > MAX_COPIED {
                    let why = "the folder holds too many documents to be copied at once; copy its parts";
                    return Err(Refusal::of(Condition::TooLarge).text(why).into());
                }
                // The tree of this very moment holds what is being made of it.
                let made = |member: &Node| member.home_id == to.home_id && member.placed_seq == to.placed_seq;
                let members: Vec<Node> = page.into_iter().filter(|member| !made(member)).collect();
                let copies = self.graft(&members, &to).await?;
                for (member, copy) in members.into_iter().zip(copies) {
                    if member.kind == Kind::PastFile {
                        self.stamp(&to, copy.seq, (copy.size_bytes, 1)).await?;
                    }
                    if adorned.contains(&member.id) {
                        self.adopt_properties(&member, &copy).await?;
                    }
                    if member.kind.is_collection() {
                        waiting.push((member, copy, depth + 1));
                    }
                }
                let claim = self.claim(to.home_id)?.clone();
                self.quota_kept(&claim).await?;
            }
        }
        Ok(())
    }

    /// MOVE of the target to the destination, RFC 4918 section 9.9. Within a home identity, versions and properties go along,
    /// at the cost of the depth; to another home see `move_out`. A document over a document is a new version of it, and the
    /// one moved goes. From the trash it is a restoration. `true`: something was overwritten.
    pub async fn relocate(&mut self) -> Result<bool> {
        let Some(source) = self.target.node().cloned() else { return Err(Condition::NotFound.into()) };
        if self.target.realm == Realm::Trash {
            return self.restore(source).await.map(|()| false);
        }
        if self.destination.as_ref().and_then(Target::parent).is_some_and(|at| at.node.home_id != source.home_id) {
            return self.move_out(source).await;
        }
        let renamed = self.destination.as_ref().and_then(|d| d.node()).is_some_and(|there| there.id == source.id);
        if !renamed && let Some((document, parent)) = self.overwritten_document(&source) {
            self.granted(Effect::Unbind, Place::Parent)?;
            self.granted(Effect::Bind, Place::DestinationParent)?;
            let old = self.target.parent().map(|link| link.node.clone()).ok_or_else(|| bug("moving the root"))?;
            let landing = landing_of_move(source.as_source(), &document.name, self.request.actor.id, self.now);
            self.absorb(source, &old, (document, &parent), landing == Landing::MovedFresh).await?;
            return Ok(true);
        }
        if let Some(to) = self.destination.as_ref().map(|destination| destination.path.clone()) {
            let from = self.target.path.clone();
            self.within_depth(&source, Some(&from), &to).await?;
        }
        let locks = self.locks_at_destination();
        let overwritten = if renamed { false } else { self.clear_destination().await? };
        let moved = self.bind(At::Destination, Content::Moved(source)).await?;
        self.hand_on(&locks, &moved).await?;
        Ok(overwritten)
    }

    /// MOVE to another home: the past belongs to the home where it was made. A copy comes to stand at the destination, and what
    /// was moved goes into the trash of its own home with all its versions, as if it had been deleted there: nobody takes a
    /// project's past along.
    async fn move_out(&mut self, source: Node) -> Result<bool> {
        let parent = self.target.parent().map(|link| link.node.clone()).ok_or_else(|| bug("moving the root"))?;
        self.granted(Effect::Unbind, Place::Parent)?;
        self.brake(&source).await?;
        let overwritten = self.duplicate(source.clone(), true).await?;
        self.remove(source, &parent, Leaving::MovedOut).await?;
        Ok(overwritten)
    }

    async fn clear_destination(&mut self) -> Result<bool> {
        let there = self.destination.as_ref().is_some_and(|d| d.node().is_some());
        if there {
            self.unbind(At::Destination).await?;
        }
        Ok(there)
    }
}
