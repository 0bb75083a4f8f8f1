//! Succession: a document's identity follows its name through the ways in which editors save.
//!
//! When a name that a document left moments ago is taken again by the same person, with new content, that content is
//! the document's next version: it comes back with its identifier, history, properties and grants. What was set aside
//! under another name becomes a plain copy, and a temporary document that was moved onto the name goes. Which
//! departures and arrivals belong together is the table [`crate::model::version::SUCCESSIONS`].

use super::Edit;
use super::lock::leave;
use super::verbs::UnbindReason;
use super::version::Written;
use crate::model::error::Result;
use crate::model::id::{Id, Timestamp};
use crate::model::lock::Lock;
use crate::model::node::Node;
use crate::model::version::{Arrival, Departure, VACATED_S, VacatedName, is_backup, is_temporary, succeeds};
use crate::store::node::Added;
use crate::store::version::{self, LastOccupant};
use crate::store::{lock, node, past, property};

impl LastOccupant {
    /// How it left the name `slot`; `None` when it has changed or moved on since.
    fn vacated(&self, slot: &str) -> Option<VacatedName> {
        if let (Some(at), Some(by)) = (self.gone_at, self.gone_by) {
            return Some(VacatedName { left: Departure::Deleted, by, at });
        }
        let untouched = self.node.placed_seq == self.left_seq && self.since_seq == self.left_seq;
        let name = &self.node.name;
        let aside = is_temporary(name) || is_backup(name, slot) || is_temporary(&self.place);
        let left = if aside { Departure::SetAside } else { Departure::Renamed };
        self.placed_by.filter(|_| untouched).map(|by| VacatedName { left, by, at: self.left_at })
    }
}

impl Edit {
    /// The document whose next version lands on a free name, if there is one: brought back there, ready to be written.
    /// `source` is what is moved there: a document that comes back itself succeeds nobody.
    pub(super) async fn carried_on(
        &mut self,
        parent: &Node,
        name: &str,
        landing: Arrival,
        source: Option<Id>,
    ) -> Result<Option<Node>> {
        let since = self.now - VACATED_S;
        let key = parent.kind.member_key(name);
        let Some(leaver) = version::leaver(&mut self.txn, parent.id, &key, since).await? else { return Ok(None) };
        let actor = self.person();
        let carries = leaver.vacated(name).is_some_and(|vacated| succeeds(vacated, landing, actor, self.now));
        let document = leaver.node;
        if !carries || document.home_id != parent.home_id || source == Some(document.id) {
            return Ok(None);
        }
        if leaver.gone_at.is_some() {
            return self.put_back(document, parent, name).await.map(Some);
        }
        let locks = lock::around(&mut self.txn, document.id, self.now).await?;
        if !leave(&locks, document.id, |lock| lock.principal_id == actor) {
            // Someone else has opened what was set aside.
            return Ok(None);
        }
        self.within_quota(parent.home_id, document.held_bytes())?;
        self.leave_copy(document, &locks, parent, name).await.map(Some)
    }

    /// The calendar object of the same UID that lies in the trash, brought back to be written.
    /// `instead`: the new one that is made where there is none.
    pub(super) async fn revive(&mut self, parent: &Node, name: &str, instead: &Node) -> Result<Option<Node>> {
        match self.revived(parent, instead).await? {
            Some(object) => self.put_back(object, parent, name).await.map(Some),
            None => Ok(None),
        }
    }

    /// A document of the trash stands at a name again.
    async fn put_back(&mut self, document: Node, parent: &Node, name: &str) -> Result<Node> {
        let back = self.placed(document, parent, name)?;
        self.update_place(&back).await?;
        self.stamp(parent, back.seq, Added { bytes: back.size_bytes, documents: 1 }).await?;
        Ok(back)
    }

    /// A document that was set aside comes back to its name; where it stood, a copy of its content stays, and what of
    /// `locks` is on that name.
    async fn leave_copy(&mut self, mut document: Node, locks: &[Lock], parent: &Node, name: &str) -> Result<Node> {
        let seq = self.seq(parent.home_id)?;
        self.end_session(&mut document, false).await?;
        let session = document.draft.take();
        past::end(&mut self.txn, document.id, seq, self.now).await?;
        let back = self.placed(document.clone(), parent, name)?;
        self.update_place(&back).await?;
        node::set_session(&mut self.txn, back.id, None).await?;
        let aside = version::node(&mut self.txn, document.parent_id).await?.map(|(node, _)| node);
        if let Some(aside) = aside {
            let mut copy = self.copy_of(&document, &aside, &document.name, seq);
            self.open_session(&mut copy, session);
            self.insert(&copy).await?;
            let own: Vec<Lock> = locks.iter().filter(|lock| lock.node_id == document.id).cloned().collect();
            self.hand_on(&own, &copy).await?;
            self.overlay(document.id, &copy).await?;
            self.stamp(&aside, seq, Added::default()).await?;
        }
        self.stamp(parent, seq, Added { bytes: back.size_bytes, documents: 1 }).await?;
        Ok(back)
    }

    /// Another file, made at a moment, stands for a document from now on: what was said of the one before is forgotten.
    pub(super) async fn another_file(&mut self, mut document: Node, made_at: Timestamp) -> Result<Node> {
        self.properties_change(&document).await?;
        property::forget_file(&mut self.txn, document.id).await?;
        self.properties_changed(&document).await?;
        document.created_at = made_at;
        Ok(document)
    }

    /// A node as it is to stand at another name of its home, from this change on.
    pub(super) fn placed(&self, mut node: Node, parent: &Node, name: &str) -> Result<Node> {
        let seq = self.seq(parent.home_id)?;
        (node.parent_id, node.placed_seq, node.placed_at, node.seq) = (parent.id, seq, self.now, seq);
        name.clone_into(&mut node.name);
        Ok(node)
    }

    /// The content of `source`, a live document, becomes the next version of `document`; the source goes: what is
    /// temporary without a trace, anything else into the trash.
    pub(super) async fn absorb(
        &mut self,
        source: Node,
        old_parent: &Node,
        document: Node,
        parent: &Node,
        session: Option<String>,
        fresh: bool,
    ) -> Result<Node> {
        let (author, device) = (source.author_id, source.device.clone());
        let written = Written::of(&source, author, device).map(|written| Written {
            // The temporary document was named otherwise, and its type may come from its name.
            content_type: document.content_type.clone(),
            ..written
        });
        let id = source.id;
        let leaving = if fresh { UnbindReason::Temporary } else { UnbindReason::Replaced };
        self.know_index(&source).await?;
        let document = self.another_file(document, source.created_at).await?;
        self.remove(source, old_parent, leaving).await?;
        self.overlay(id, &document).await?;
        match written {
            Some(written) => self.write(document, parent, written, session).await,
            None => Ok(document),
        }
    }
}
