//! PUT and DELETE as a whole: what is stored or goes may mean something to others, and is made again where what that is
//! has to be found out first.

use super::Edit;
use super::attachment::MeetingDocument;
use super::authority::bug;
use super::content::{Content, FileContent};
use super::personal::SplitPut;
use super::precomputed::{MissingInput, Precomputed};
use super::retry::ATTEMPTS;
use super::verbs::{BindTarget, UnbindReason};
use crate::model::calendar::BUSY_TIMES;
use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::etag::ETag;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::tree::Tree;
use crate::tree::gate::{Admitted, Request};
use crate::tree::scheduling::plan::TextChange;
use crate::tree::target::Target;

/// What came of a PUT.
pub struct StoredContent {
    /// The document or object as it stands.
    pub node: Node,
    /// Its entity tag.
    pub etag: Option<ETag>,
    /// Was there nothing before?
    pub is_new: bool,
    /// Is something else stored than what was sent?
    pub is_altered: bool,
}

/// What goes with content that is put.
#[derive(Clone, Copy, Default)]
pub(in crate::tree) struct PutContext<'a> {
    /// The hash of the text that it was made of. Busy: another one stands there by now.
    pub made_of: Option<&'a Option<String>>,
    /// A document of its meeting.
    pub document: Option<&'a MeetingDocument>,
    /// How it was taken apart.
    pub split: Option<&'a SplitPut>,
}

impl Tree {
    /// Stores what a request brings at its path: for all, but for what is the sender's own in a calendar of others.
    pub async fn put(&self, request: &Request, content: FileContent) -> Result<StoredContent> {
        for _ in 0..ATTEMPTS {
            let Some(split) = self.split_put(request, &content).await? else {
                return self.put_for_all(request, content, PutContext::default()).await;
            };
            let stored = match &split.shared {
                None => self.put_own_part(request, &split).await.map(|node| {
                    let etag = node.etag(&self.store.seal);
                    StoredContent { node, etag, is_new: false, is_altered: !split.is_exact }
                }),
                Some(shared) => {
                    let request = Request { knows_present: split.knows_present, ..request.clone() };
                    let context = PutContext { made_of: Some(&split.before), split: Some(&split), document: None };
                    self.put_for_all(&request, shared.clone(), context).await
                }
            };
            match stored {
                Err(Error::Refused(refusal)) if refusal.condition == Condition::Busy => {}
                stored => return stored,
            }
        }
        Err(Condition::Busy.into())
    }

    async fn put_for_all(
        &self,
        request: &Request,
        content: FileContent,
        context: PutContext<'_>,
    ) -> Result<StoredContent> {
        match self.with_kept_attachments(request, &content).await? {
            Some(kept) => Ok(StoredContent { is_altered: true, ..self.put_with(request, kept, context).await? }),
            None => self.put_with(request, content, context).await,
        }
    }

    /// Stores what a request brings, and what goes with it, for all.
    pub(in crate::tree) async fn put_with(
        &self,
        request: &Request,
        content: FileContent,
        context: PutContext<'_>,
    ) -> Result<StoredContent> {
        let mut precomputed = Precomputed::default();
        let meeting = content.indexed.as_ref().filter(|indexed| indexed.scheduling);
        let _turn = match meeting {
            Some(meeting) => self.turns.of(&meeting.uid).await,
            None => None,
        };
        let mut _booking = None;
        if meeting.is_some() {
            let change = text_change(&self.read(request).await?.target, &content);
            let missing = || MissingInput::Schedule(change.iter().cloned().collect());
            self.precompute(request, &mut precomputed, missing()).await?;
            if precomputed.schedules.iter().any(|plan| !plan.rooms.is_empty()) {
                // What a room holds is asked for when nobody else is booking it.
                _booking = Some(self.turns.of_bookings().await);
                self.precompute(request, &mut precomputed, missing()).await?;
            }
        }
        let mut admitted = self.write_with(request, precomputed).await?;
        loop {
            let stored = admitted.put(content.clone(), context).await;
            if let Some(missing) = admitted.store.precomputed.missing.take() {
                admitted = self.retry(admitted, missing).await?;
                continue;
            }
            let stored = stored?;
            admitted.commit().await?;
            return Ok(stored);
        }
    }

    /// Takes what stands at the target of a request into the trash. 403 when it is one deletion too many.
    pub async fn remove(&self, mut admitted: Admitted<Edit>) -> Result<()> {
        loop {
            let removed = admitted.unbind().await;
            if let Some(missing) = admitted.store.precomputed.missing.take() {
                admitted = self.retry(admitted, missing).await?;
                continue;
            }
            let (admitted, ()) = self.braked(admitted, removed).await?;
            return admitted.commit().await;
        }
    }
}

impl Admitted<Edit> {
    /// The content at the target is this one from now on, be it new there or not; and whoever is in a meeting has what
    /// follows from it.
    async fn put(&mut self, content: FileContent, context: PutContext<'_>) -> Result<StoredContent> {
        let object = self.target.node().cloned();
        let before = object.as_ref().and_then(|object| object.hash.as_ref());
        if context.made_of.is_some_and(|made_of| before != made_of.as_ref()) {
            return Err(Condition::Busy.into());
        }
        let is_new = object.is_none();
        let is_meeting = content.is_meeting() || object.as_ref().is_some_and(|object| object.schedule_hash.is_some());
        let change = is_meeting.then(|| text_change(&self.target, &content)).flatten();
        let plan = self.store.schedule_plan(change).await?;
        let (content, is_altered) = match plan.as_ref().and_then(|plan| plan.content.clone()) {
            Some(other) => (other, true),
            None => (content, false),
        };
        if let Some(document) = context.document {
            self.store_attached(document).await?;
        }
        let mut node = if is_new { self.bind(Content::File(content)).await? } else { self.replace(content).await? };
        if let Some(split) = context.split {
            node = self.store.keep_own_part(node, split.own.as_ref()).await?;
        }
        let is_altered = is_altered || context.split.is_some_and(|split| !split.is_exact);
        if let Some(plan) = plan {
            self.store.carry_out(plan, node.id).await?;
        }
        let etag = node.etag(self.seal());
        Ok(StoredContent { node, etag, is_new, is_altered })
    }
}

impl Admitted<Edit> {
    /// What is published at the target takes the place of what was before, of which nothing is kept: it is a state
    /// that a program says again and again. The calendar that it stands in is made for the first.
    pub(in crate::tree) async fn publish(&mut self, content: FileContent) -> Result<StoredContent> {
        let (present, mut parent) = (self.target.node().cloned(), self.parent()?);
        let is_new = present.is_none();
        if let Some(present) = present.as_ref().filter(|present| present.hash.as_ref() == Some(&content.blob.hash)) {
            let node = self.store.replace(present.clone(), &parent, content, None).await?;
            return Ok(StoredContent { etag: node.etag(self.seal()), node, is_new, is_altered: true });
        }
        let name = self.target.name().to_owned();
        let (authority, collection) = self.store.begin_delivery(self.target.path.parent());
        if parent.kind == Kind::Published {
            let missing = || bug("a place for what is published, without a home");
            let home = self.target.parent_of_parent().cloned().ok_or_else(missing)?;
            let slot = BindTarget { parent: home, name: parent.name, session: None };
            parent = self.store.bind(slot, Content::Folder).await?;
            self.store.set_supported_components(&parent, BUSY_TIMES).await?;
        }
        if let Some(present) = present {
            self.store.remove(present, &parent, UnbindReason::Temporary).await?;
        }
        let slot = BindTarget { parent, name, session: None };
        let node = self.store.bind(slot, Content::File(content)).await?;
        self.store.end_delivery(authority, collection);
        Ok(StoredContent { etag: node.etag(self.seal()), node, is_new, is_altered: true })
    }
}

/// What a PUT changes at its target.
fn text_change(target: &Target, content: &FileContent) -> Option<TextChange> {
    let object = target.node();
    Some(TextChange {
        calendar: target.parent()?.node.clone(),
        object: object.map(|object| object.id),
        before: object.and_then(|object| object.hash.clone()),
        after: Some(content.clone()),
        leaves: None,
    })
}
