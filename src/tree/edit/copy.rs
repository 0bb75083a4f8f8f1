//! COPY and MOVE of any kind, in terms of the verbs.

use super::Edit;
use super::authority::Verb;
use super::content::{ArrivingObject, CarriedDocuments, Content, FileContent};
use super::event::AffectedObjects;
use super::precomputed::MissingInput;
use super::transfer::{Pages, SMALL};
use super::verbs::UnbindReason;
use super::version::Written;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::node::{NODE_BYTES, Node};
use crate::model::version::{Arrival, landing_of_move};
use crate::tree::gate::Admitted;
use crate::tree::scheduling::plan::{SchedulePlan, TextChange};
use crate::tree::target::{AddressSpace, Target};

/// What stands at the destination, where that is not what stands at the source.
fn other_content(carried: Option<&CarriedDocuments>, arriving: Option<&ArrivingObject>) -> Option<FileContent> {
    let carried = carried.and_then(|carried| carried.content.clone());
    carried.or_else(|| arriving?.content.clone())
}

/// A copy as it stands now.
struct WrittenCopy {
    top: Node,
    /// Was there something before?
    overwritten: bool,
}

impl Admitted<Edit> {
    /// COPY of the target to the destination, RFC 4918 section 9.8. A document over a document is a new version of it
    /// (RFC 3253 section 3.15); anything else that was there goes first. Without `deep`, a collection is copied without
    /// its members. Costs rows, not bytes. `true`: something was overwritten.
    pub async fn copy(&mut self, deep: bool) -> Result<bool> {
        let Some(source) = self.target.node().cloned() else { return Err(Condition::NotFound.into()) };
        if deep {
            self.makes_no_second_objects(&source).await?;
        }
        Ok(self.duplicate(source, deep).await?.overwritten)
    }

    /// A copy of `source` comes to stand at the destination.
    async fn duplicate(&mut self, source: Node, deep: bool) -> Result<WrittenCopy> {
        self.store.know_index(&source).await?;
        let arriving = self.arriving(&source)?;
        let carried = self.carried_with(&source, arriving.as_ref()).await?;
        let other = other_content(carried.as_ref(), arriving.as_ref());
        let mut arrival = self.arrival(&source, other.as_ref()).await?;
        let instead = arrival.as_mut().and_then(|plan| plan.content.take()).or(other);
        let WrittenCopy { mut top, overwritten } = self.write_copy(source, deep, instead).await?;
        if let Some(arriving) = &arriving {
            top = self.store.keep_own_part(top, arriving.own.as_ref()).await?;
        }
        if let Some(carried) = &carried {
            self.bind_carried(carried).await?;
        }
        if let Some(plan) = arrival {
            self.store.carry_out(plan, top.id).await?;
        }
        Ok(WrittenCopy { top, overwritten })
    }

    async fn carried_with(
        &mut self,
        source: &Node,
        arriving: Option<&ArrivingObject>,
    ) -> Result<Option<CarriedDocuments>> {
        Ok(self.carried_documents(std::slice::from_ref(source), arriving).await?.pop().flatten())
    }

    /// `instead`: what is stored in the place of the content of `source`.
    async fn write_copy(&mut self, source: Node, deep: bool, instead: Option<FileContent>) -> Result<WrittenCopy> {
        if let Some((document, parent)) = self.overwritten_document(&source) {
            let top = self.write_over(source, document, parent, instead).await?;
            return Ok(WrittenCopy { top, overwritten: true });
        }
        let moved = self.request.method == Method::Move;
        let to_be_built = match &self.store.precomputed.built {
            Some(built) => !built.is_of(&source, moved),
            None => deep && source.documents > SMALL,
        };
        if to_be_built {
            return self.store.missing(MissingInput::Copy);
        }
        let locks = self.locks_at_destination();
        let overwritten = self.clear_destination().await?;
        let members = deep && source.is_collection();
        let top = match self.store.precomputed.built.take() {
            Some(built) => {
                let slot = self.slot_at_destination()?;
                self.store.bind_built(built, slot).await?
            }
            None => {
                self.within_quota_of_destination(&source)?;
                let alone = Node {
                    documents: 0,
                    size_bytes: if source.hash.is_some() { source.size_bytes } else { 0 },
                    ..source.clone()
                };
                let top = {
                    let slot = self.slot_at_destination()?;
                    let content = instead.map_or(Content::Copied(alone), Content::File);
                    self.store.bind(slot, content).await?
                };
                if members {
                    self.copy_members(source.clone(), top.clone()).await?;
                }
                top
            }
        };
        self.store.hand_on(&locks, &top).await?;
        self.store.adopt_properties(&source, &top).await?;
        Ok(WrittenCopy { top, overwritten })
    }

    /// A document takes the content of another (RFC 3253 section 3.15).
    async fn write_over(
        &mut self,
        source: Node,
        document: Node,
        parent: Node,
        instead: Option<FileContent>,
    ) -> Result<Node> {
        self.store.authorize(Verb::Bind, parent.id)?;
        let (author, device) = self.store.copyist(&source, parent.home_id);
        let written = match instead {
            Some(content) => Some(self.store.take(content).await?),
            None => Written::of(&source, author, device),
        };
        let session = self.destination.as_ref().and_then(|destination| self.session(destination));
        // A former state of the document itself is the same file as it was.
        let document = match source.id == document.id {
            true => document,
            false => {
                let made_at = self.store.made_at(&source, parent.home_id);
                self.store.another_file(document, made_at).await?
            }
        };
        self.store.adopt_properties(&source, &document).await?;
        Ok(match written {
            Some(written) => {
                self.store.record(Verb::Replace, || AffectedObjects::of(&document));
                self.store.write(document, &parent, written, session).await?
            }
            None => document,
        })
    }

    /// What it means to others that a meeting comes to stand at the destination: refused where that home has another
    /// object of it (RFC 6638 section 3.2.4.1). A copy under a new name means nothing to anybody (section 3.2.3.3).
    /// `other`: what is to stand there, where that is not what `source` says. `None`: nothing follows.
    async fn arrival(&mut self, source: &Node, other: Option<&FileContent>) -> Result<Option<SchedulePlan>> {
        let is_meeting = source.copied_kind() == Kind::Object && source.schedule_hash.is_some();
        let there = self.destination.as_ref().and_then(Target::node).cloned();
        let matters = self.request.method == Method::Move || there.is_some();
        let change = if is_meeting { self.arrival_change(source, other, there.as_ref()) } else { None };
        let plan = self.store.schedule_plan(change).await?;
        Ok(plan.filter(|_| matters))
    }

    /// A meeting whose index is known comes to stand in the home of the destination, in the place of what is `there`.
    pub(super) fn arrival_change(
        &self,
        source: &Node,
        other: Option<&FileContent>,
        there: Option<&Node>,
    ) -> Option<TextChange> {
        let hash = source.hash.clone()?;
        let indexed = self.store.precomputed.indexed.get(&hash).cloned()?;
        Some(TextChange {
            calendar: self.destination.as_ref()?.parent()?.node.clone(),
            object: there.map(|there| there.id),
            before: there.and_then(|there| there.hash.clone()),
            after: Some(other.cloned().unwrap_or_else(|| FileContent::stored(source, hash, indexed))),
            leaves: (self.request.method == Method::Move).then_some(source.id),
        })
    }

    /// The document at the destination, with its folder, if source and destination are documents.
    fn overwritten_document(&self, source: &Node) -> Option<(Node, Node)> {
        let destination = self.destination.as_ref()?;
        let there = destination.node().filter(|there| !there.is_collection() && source.hash.is_some())?;
        Some((there.clone(), destination.parent()?.node.clone()))
    }

    pub(super) fn within_quota_of_destination(&self, copied: &Node) -> Result<()> {
        let home = self.destination.as_ref().and_then(|d| d.parent()).map(|parent| parent.node.home_id);
        match home {
            Some(home) => {
                let nodes = NODE_BYTES.saturating_mul(copied.documents.saturating_add(1));
                self.store.within_quota(home, copied.size_bytes.saturating_add(nodes))
            }
            None => Ok(()),
        }
    }

    async fn copy_members(&mut self, source: Node, top: Node) -> Result<()> {
        let depth = self.destination.as_ref().map_or(0, |destination| destination.path.segments().len());
        let mut pages = Pages::of((source, top, depth));
        while let Some(page) = pages.next(self).await? {
            if pages.is_large() {
                return self.store.missing(MissingInput::Copy);
            }
            let open = self.store.copy_page(page).await?;
            pages.waiting.extend(open);
        }
        Ok(())
    }

    /// MOVE of the target to the destination, RFC 4918 section 9.9. Within a home identity, versions and properties go
    /// along, at the cost of the depth; to another home see `move_out`. A document over a document is a new version of
    /// it, and the one moved goes. From the trash it is a restoration. `true`: something was overwritten.
    pub async fn relocate(&mut self) -> Result<bool> {
        let Some(source) = self.target.node().cloned() else { return Err(Condition::NotFound.into()) };
        if self.target.realm == AddressSpace::Trash {
            return self.restore(source).await.map(|()| false);
        }
        if self.destination.as_ref().and_then(Target::parent).is_some_and(|at| at.node.home_id != source.home_id) {
            return self.move_out(source).await;
        }
        let renamed = self.destination.as_ref().and_then(|d| d.node()).is_some_and(|there| there.id == source.id);
        if !renamed && let Some((document, parent)) = self.overwritten_document(&source) {
            let old = self.parent()?;
            self.store.authorize(Verb::Move, old.id)?;
            self.store.authorize(Verb::Bind, parent.id)?;
            let landing = landing_of_move(source.as_source(), &document.name, self.request.actor.id, self.now);
            let fresh = landing == Arrival::MovedFresh;
            if !fresh {
                self.store.brake(&source).await?;
            }
            let session = self.destination.as_ref().and_then(|destination| self.session(destination));
            self.store.record(Verb::Move, || AffectedObjects::within(source.home_id, [document.id, source.id]));
            self.store.absorb(source, &old, document, &parent, session, fresh).await?;
            return Ok(true);
        }
        if let Some(to) = self.destination.as_ref().map(|destination| destination.path.clone()) {
            let from = self.target.path.clone();
            self.store.within_depth(&source, Some(&from), &to).await?;
        }
        let locks = self.locks_at_destination();
        let overwritten = if renamed { false } else { self.clear_destination().await? };
        let moved = {
            let (slot, old) = (self.slot_at_destination()?, self.parent()?);
            self.store.move_node(slot, source, &old).await?
        };
        self.store.hand_on(&locks, &moved).await?;
        Ok(overwritten)
    }

    /// MOVE to another home: the past belongs to the home where it was made. A copy comes to stand at the destination,
    /// and what was moved goes into the trash of its own home with all its versions, as if it had been deleted there:
    /// nobody takes a project's past along.
    async fn move_out(&mut self, source: Node) -> Result<bool> {
        let parent = self.parent()?;
        self.store.authorize(Verb::Unbind, parent.id)?;
        if source.kind == Kind::Calendar {
            self.store.keeps_default(&source).await?;
        }
        self.store.brake(&source).await?;
        let is_meeting = source.kind == Kind::Object && source.schedule_hash.is_some();
        let removal = is_meeting.then(|| TextChange::removal(&parent, &source));
        let departure = self.store.schedule_plan(removal).await?;
        self.store.know_index(&source).await?;
        let arriving = self.arriving(&source)?;
        let carried = self.carried_with(&source, arriving.as_ref()).await?;
        let other = other_content(carried.as_ref(), arriving.as_ref());
        let arrival = self.arrival(&source, other.as_ref()).await?;
        let departure = departure.filter(|departure| departure.is_due_beside(arrival.as_ref()));
        let meetings = self.moving_meetings(&source).await?;
        let WrittenCopy { top, overwritten } = self.duplicate(source.clone(), true).await?;
        let departures = self.bind_meetings(meetings, &top).await?;
        self.store.record(Verb::Unbind, || AffectedObjects::of(&source));
        self.store.remove(source, &parent, UnbindReason::MovedOut).await?;
        for departure in departure.into_iter().chain(departures) {
            let event = departure.of.object.unwrap_or_default();
            self.store.carry_out(departure, event).await?;
        }
        Ok(overwritten)
    }

    async fn clear_destination(&mut self) -> Result<bool> {
        let Some(there) = self.destination.as_ref().and_then(Target::node).cloned() else { return Ok(false) };
        let parent = self.slot_at_destination()?.parent;
        self.store.unbind_scheduled(there, &parent, UnbindReason::Replaced).await?;
        Ok(true)
    }
}

impl Edit {
    /// Gives a copy the dead properties of its source, if they show there: those of a former state do not.
    pub(super) async fn adopt_properties(&mut self, source: &Node, copy: &Node) -> Result<()> {
        if source.traits().properties {
            self.overlay(source.id, copy).await?;
        }
        Ok(())
    }
}
