//! Writing content: when it refines a draft, when it is a version, and how a version enters the chain of its home.
//!
//! Without a lock each PUT of other bytes is a version (RFC 3253 section 3.2.2, `checkout-unlocked-checkin`). Under a
//! lock the first PUT opens a draft that later ones refine; UNLOCK, or the end of the lock in any other way, seals it.
//! The rules themselves are in [`crate::model::version`].

use super::Edit;
use super::authority::Authority;
use super::chain::entry;
use super::content::{FileContent, PropertyChange};
use super::precomputed::MissingInput;
use crate::model::condition::Condition;
use crate::model::error::{Failure, Result};
use crate::model::id::{Id, Timestamp, representable};
use crate::model::kind::Kind;
use crate::model::node::{NODE_BYTES, Node, Version};
use crate::model::version::{is_version, refines};
use crate::store::node::{Added, ChainEnd};
use crate::store::{node, past, version};

/// Content as it is written to a node.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub hash: String,
    pub size_bytes: i64,
    pub content_type: Option<String>,
    /// By the client's word; `None`: now.
    pub modified_at: Option<Timestamp>,
    pub author_id: Option<Id>,
    pub device: Option<String>,
    /// Of a scheduling object, what its schedule tag is made of.
    pub schedule_hash: Option<String>,
    /// Does it count in the quota of those who put it there?
    pub received: bool,
}

impl Written {
    /// The content of a document that is there, written again by `author`.
    pub fn of(source: &Node, author_id: Option<Id>, device: Option<String>) -> Option<Self> {
        Some(Self {
            hash: source.hash.clone()?,
            size_bytes: source.size_bytes,
            content_type: source.content_type.clone(),
            modified_at: Some(source.modified_at),
            author_id,
            device,
            schedule_hash: source.schedule_hash.clone(),
            received: false,
        })
    }

    /// What it counts.
    pub fn held_bytes(&self) -> i64 {
        NODE_BYTES.saturating_add(if self.received { 0 } else { self.size_bytes })
    }

    /// Puts the content into a node that is not yet stored.
    pub fn fill(self, node: &mut Node, now: Timestamp) {
        node.modified_at = self.modified_at.unwrap_or(now);
        node.written_at = now;
        node.author_id = self.author_id;
        node.device = self.device;
        node.hash = Some(self.hash);
        node.size_bytes = self.size_bytes;
        node.content_type = self.content_type;
        node.schedule_hash = self.schedule_hash;
        node.received = self.received;
        node.comment = None;
    }
}

impl Node {
    /// Its present content as a version.
    pub(super) fn as_version(&self) -> Option<Version> {
        Some(Version {
            node: self.id,
            number: self.version,
            hash: self.hash.clone()?,
            size_bytes: self.size_bytes,
            content_type: self.content_type.clone(),
            author_id: self.author_id,
            author: None,
            device: self.device.clone(),
            comment: self.comment.clone(),
            written_at: self.written_at,
            kept: false,
        })
    }
}

impl Edit {
    /// The content of this request, its bytes stored.
    pub(super) async fn take(&mut self, content: FileContent) -> Result<Written> {
        self.store_body(&content.blob).await?;
        let scheduled = content.indexed.as_ref().is_some_and(|indexed| indexed.scheduling);
        let schedule_hash = scheduled.then(|| content.schedule_hash.unwrap_or_else(|| content.blob.hash.clone()));
        self.indexed = content.indexed.map(|indexed| (content.blob.hash.clone(), indexed));
        Ok(Written {
            hash: content.blob.hash,
            size_bytes: content.blob.size_bytes,
            content_type: Some(content.content_type),
            modified_at: content.modified_at.map(representable),
            author_id: self.actor.as_ref().map(|actor| actor.id),
            device: self.device(),
            schedule_hash,
            received: content.received,
        })
    }

    /// Gives a document new content, in `session` or without one. The same bytes again make no version, but they are a
    /// modification: the document has another time, and whoever synchronizes hears of it.
    pub(super) async fn write(
        &mut self,
        mut document: Node,
        parent: &Node,
        mut written: Written,
        session: Option<String>,
    ) -> Result<Node> {
        let seq = self.seq(document.home_id)?;
        if document.hash.as_deref() == Some(&written.hash) {
            // One that has just come back from the trash is to be known again.
            self.enlist(&document).await?;
            document.modified_at = written.modified_at.unwrap_or(self.now);
            (document.content_type, document.seq) = (written.content_type, seq);
            node::update_properties(&mut self.txn, &document).await?;
            version::describe(&mut self.txn, &document).await?;
            self.stamp(parent, seq, Added::default()).await?;
            return Ok(document);
        }
        if document.kind == Kind::Object && written.schedule_hash.is_none() {
            let brought = self.indexed.as_ref().filter(|(of, _)| *of == written.hash).map(|(_, indexed)| indexed);
            let Some(indexed) = brought.or_else(|| self.precomputed.indexed.get(&written.hash)) else {
                return self.missing(MissingInput::Index(written.hash));
            };
            written.schedule_hash = indexed.scheduling.then(|| written.hash.clone());
        }
        let added = written.size_bytes.saturating_sub(document.size_bytes);
        let refined = refines(document.present(), self.now, |token| session.as_deref() == Some(token));
        // Of a meeting no more counts for what others do with it.
        let is_delivered = self.authority == Authority::Delivery && document.kind == Kind::Object;
        written.received |= is_delivered && document.received;
        let present = document.held_bytes();
        let superseded = match is_delivered {
            _ if refined || document.hash.is_none() => 0,
            true => NODE_BYTES,
            false => present,
        };
        let held = written.held_bytes().saturating_add(superseded).saturating_sub(present);
        self.within_quota(document.home_id, held)?;
        self.count(document.home_id, held);
        if !refined {
            self.end_session(&mut document, false).await?;
            past::supersede(&mut self.txn, &document, superseded, seq, self.now).await?;
            document.version = document.version.saturating_add(1);
        }
        written.fill(&mut document, self.now);
        document.seq = seq;
        self.open_session(&mut document, session);
        node::update_content(&mut self.txn, &document, !refined, self.now).await?;
        self.enlist(&document).await?;
        if document.sealed {
            self.enter(&document).await?;
        }
        self.stamp(parent, seq, Added { bytes: added, documents: 0 }).await?;
        Ok(document)
    }

    /// Decides whether content that is about to be stored is a version at once or a draft of a session.
    pub(super) fn open_session(&self, document: &mut Node, session: Option<String>) {
        let waits = !is_version(document.size_bytes, document.written_at, document.litter, false, self.now);
        document.sealed = session.is_none() && !waits;
        document.draft = session;
    }

    /// Ends the session of a draft: its content is a version from now on, if it counts. `on_purpose`: by UNLOCK.
    pub(super) async fn end_session(&mut self, document: &mut Node, on_purpose: bool) -> Result<()> {
        let draft = !document.sealed && document.hash.is_some();
        if draft && is_version(document.size_bytes, document.written_at, document.litter, on_purpose, self.now) {
            node::seal(&mut self.txn, document.id).await?;
            (document.sealed, document.draft) = (true, None);
            self.enter(document).await?;
        }
        Ok(())
    }

    /// Ends all sessions of some locks.
    pub(super) async fn end_sessions(&mut self, tokens: &str, on_purpose: bool) -> Result<()> {
        for mut document in version::drafts(&mut self.txn, tokens).await? {
            self.end_session(&mut document, on_purpose).await?;
        }
        Ok(())
    }

    /// Changes what may be changed of a version: its comment, and whether it stays for ever.
    pub(super) async fn annotate(&mut self, node: &Node, changes: &[PropertyChange]) -> Result<()> {
        let found = version::versions(&mut self.txn, node.id, node.version..=node.version, 1).await?;
        let Some(mut version) = found.into_iter().next() else { return Err(Condition::NotFound.into()) };
        for change in changes {
            match change {
                PropertyChange::Comment(comment) => version.comment.clone_from(comment),
                PropertyChange::Kept(kept) => version.kept = *kept,
                _ => return Err(Condition::CannotModifyProtectedProperty.into()),
            }
        }
        Ok(version::annotate(&mut self.txn, &version).await?)
    }

    /// Enters a sealed version into the chain of its home.
    pub(super) async fn enter(&mut self, document: &Node) -> Result<()> {
        let Some(version) = document.as_version() else { return Ok(()) };
        let Some(claim) = self.claims.iter_mut().find(|claim| claim.home == document.home_id) else {
            return Err(Failure::new("sealing a version", "its home was not claimed").into());
        };
        let link = entry(claim.home, &claim.chain, &version);
        version::enter(&mut self.txn, &link).await?;
        (claim.chain, claim.unsettled) = (ChainEnd { link: link.chain, place: link.place }, true);
        Ok(())
    }
}
