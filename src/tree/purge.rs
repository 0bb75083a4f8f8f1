//! What is purged goes in slices (see `store/purge.rs`): others write in between, and what a crash leaves undone the job does.

use super::Tree;
use crate::model::error::Result;
use crate::model::id::{Id, Timestamp};
use crate::store::purge;

/// How many purges are looked for at a time.
const PAGE: i64 = 100;

impl Tree {
    /// Carries a purge on to its end; how many nodes went.
    pub async fn finish_purge(&self, top: Id) -> Result<u64> {
        let mut removed = 0;
        loop {
            let mut txn = self.store.write().await?;
            let mut step = Some(0);
            while step.is_some() && !txn.is_long() {
                step = purge::carry_on(&mut txn, top).await?;
                removed += step.unwrap_or_default();
            }
            txn.commit().await?;
            if step.is_none() {
                return Ok(removed);
            }
        }
    }

    /// The same for all purges that are due.
    pub(super) async fn finish_purges(&self, now: Timestamp) -> Result<u64> {
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
