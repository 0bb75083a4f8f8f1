//! What is purged goes in slices (see `store/purge.rs`): others write in between, and what a crash leaves undone the
//! job does.

use crate::model::error::Result;
use crate::model::id::{Id, Timestamp};
use crate::store::purge;
use crate::tree::Tree;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;

/// How many purges are looked for at a time.
const PAGE: i64 = 100;

impl Tree {
    /// Carries a purge on to its end; how many nodes went.
    pub async fn finish_purge(&self, top: Id) -> Result<u64> {
        let mut removed = 0;
        loop {
            let (slice, more) = self.retry_when_full(|| self.purge_slice(top)).await?;
            removed += slice;
            if !more {
                return Ok(removed);
            }
        }
    }

    /// How many nodes went, and whether there are more.
    async fn purge_slice(&self, top: Id) -> Result<(u64, bool)> {
        let (mut removed, mut step) = (0, Some(0));
        let mut edit = self.job_edit().await?;
        let txn = edit.doing(Verb::Purge, AffectedObjects::to([top]))?;
        while step.is_some() && !txn.is_long() {
            step = purge::carry_on(txn, top).await?;
            removed += step.unwrap_or_default();
        }
        edit.commit().await?;
        Ok((removed, step.is_some()))
    }

    /// The same for all purges that are due.
    pub(in crate::tree) async fn finish_purges(&self, now: Timestamp) -> Result<u64> {
        let mut removed = 0;
        loop {
            let due = purge::due(&mut self.store.read().await?, now, PAGE).await?;
            if due.is_empty() {
                return Ok(removed);
            }
            for top in due {
                removed += self.finish_purge(top).await?;
            }
        }
    }
}
