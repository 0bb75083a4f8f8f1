//! What the jobs do to documents: drafts become versions, what programs left about is cleared away.

use super::Edit;
use super::authority::Verb;
use super::event::AffectedObjects;
use super::verbs::UnbindReason;
use crate::model::error::Result;
use crate::model::id::Timestamp;
use crate::model::node::Node;
use crate::store::{lock, node, subtree, version};

impl Edit {
    /// Makes a draft a version, if it is still what it was found to be.
    pub(in crate::tree) async fn seal_lapsed(&mut self, found: &Node) -> Result<bool> {
        self.authorize(Verb::Seal, found.id)?;
        let draft = version::node(&mut self.txn, found.id).await?.filter(|(_, gone)| gone.is_none());
        let Some((mut draft, _)) = draft.filter(|(draft, _)| draft.draft == found.draft && !draft.sealed) else {
            return Ok(false);
        };
        self.end_session(&mut draft, true).await?;
        self.record(Verb::Seal, || AffectedObjects::of(&draft));
        Ok(true)
    }

    /// Takes what a program left about into the trash, if it is still what it was found to be and nobody holds it
    /// locked at a moment.
    pub(in crate::tree) async fn clear_abandoned(&mut self, found: &Node, at: Timestamp) -> Result<bool> {
        self.authorize(Verb::Clear, found.id)?;
        let present = version::node(&mut self.txn, found.id).await?;
        let unchanged = present.filter(|(node, gone)| gone.is_none() && node.seq == found.seq).map(|(node, _)| node);
        // It may have gone just now with the folder that it stood in.
        let stands = node::names_between(&mut self.txn, found.home_id, found.id).await?.is_some();
        let holds = found.is_collection() && subtree::holds_documents(&mut self.txn, found.id).await?;
        // Someone may have locked it just now, or something that stands in it.
        let locked = !lock::below(&mut self.txn, found.home_id, found.id, at).await?.is_empty();
        let Some(node) = unchanged.filter(|_| stands && !holds && !locked) else { return Ok(false) };
        let Some((parent, _)) = version::node(&mut self.txn, node.parent_id).await? else { return Ok(false) };
        self.record(Verb::Clear, || AffectedObjects::of(&node));
        self.remove(node, &parent, UnbindReason::Cleared).await?;
        Ok(true)
    }
}
