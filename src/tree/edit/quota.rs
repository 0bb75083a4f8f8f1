//! The quota of a home: all that it holds counts (see `store/usage.rs`), and no change may add to what is more than it
//! may hold. What only frees room is never refused.

use super::Edit;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::node::{NODE_BYTES, Node};
use crate::store::node::Claim;
use crate::store::{property, usage};

impl Node {
    /// What it holds itself, without its properties and what stands in it.
    pub(super) fn held_bytes(&self) -> i64 {
        NODE_BYTES.saturating_add(if self.hash.is_some() && !self.received { self.size_bytes } else { 0 })
    }
}

impl Edit {
    /// Counts what this change adds to a home, or frees there.
    pub(super) fn count(&mut self, home: Id, added_bytes: i64) {
        for claim in self.claims.iter_mut().filter(|claim| claim.home == home) {
            claim.added_bytes = claim.added_bytes.saturating_add(added_bytes);
            claim.unsettled = true;
        }
    }

    /// 507 `quota-not-exceeded` when a home would hold more than it may: asked before what is costly. What counts in
    /// the end is asked when the change is committed.
    pub(super) fn within_quota(&self, home: Id, added_bytes: i64) -> Result<()> {
        let claim = self.claim(home)?;
        let added = claim.added_bytes.saturating_add(added_bytes);
        fits(claim, claim.used_bytes.saturating_add(added))
    }

    /// What this change puts into the home of another in a meeting comes there, be it full, and counts as little as it
    /// can: neither fails for it the change of who organizes, nor does a copy stay behind.
    pub(super) fn lift_quota(&mut self, home: Id) {
        self.claims.iter_mut().filter(|claim| claim.home == home).for_each(|claim| claim.quota_bytes = None);
    }

    /// The same for all that this change has added.
    pub(super) async fn quota_kept(&mut self, claim: &Claim) -> Result<()> {
        let mut used = claim.used_bytes;
        if claim.reckoned && claim.quota_bytes.is_some() {
            used = usage::quota(&mut self.txn, claim.home).await?.used_bytes;
        }
        fits(claim, used.saturating_add(claim.added_bytes))
    }

    /// The dead properties of a node, those that are the same for all, change between the two.
    pub(super) async fn properties_change(&mut self, node: &Node) -> Result<()> {
        Ok(usage::properties_change(&mut self.txn, node.home_id, node.id).await?)
    }

    /// See [`Self::properties_change`]; a new node had none before.
    pub(super) async fn properties_changed(&mut self, node: &Node) -> Result<()> {
        usage::properties_changed(&mut self.txn, node.home_id, node.id).await?;
        for claim in self.claims.iter_mut().filter(|claim| claim.home == node.home_id) {
            claim.reckoned = true;
        }
        Ok(())
    }

    /// Gives a node the dead properties of another; what it has under other names stays.
    pub(super) async fn overlay(&mut self, from: Id, to: &Node) -> Result<()> {
        self.properties_change(to).await?;
        property::overlay(&mut self.txn, from, to.id).await?;
        self.properties_changed(to).await
    }
}

fn fits(claim: &Claim, used_bytes: i64) -> Result<()> {
    match claim.quota_bytes {
        Some(quota) if used_bytes > quota && used_bytes > claim.used_bytes => Err(Condition::QuotaNotExceeded.into()),
        _ => Ok(()),
    }
}
