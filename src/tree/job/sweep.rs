//! The sweep of bodies that nothing names.

use crate::model::error::Result;
use crate::model::id::now;
use crate::store::body::SWEEP_AGE;
use crate::store::body_references;
use crate::tree::Tree;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;

/// How many bodies are removed at a time.
const SWEPT: usize = 50;

impl Tree {
    /// Removes bodies that were stored more than a day ago and that nothing names; how many.
    pub async fn sweep(&self) -> Result<u64> {
        let before = now() - i64::try_from(SWEEP_AGE.as_secs()).unwrap_or(i64::MAX);
        let mut swept = 0;
        let parts = body_references::parts(&mut self.store.read().await?).await?;
        for part in parts {
            let _alone = self.store.carrying.write().await;
            let large = self.store.blobs.old(&part).await?;
            let unnamed = body_references::unnamed(&mut self.store.read().await?, &part, before, &large).await?;
            // First what makes room: the rows may need some to go.
            for hash in large.iter().filter(|hash| unnamed.binary_search(hash).is_ok()) {
                swept += u64::from(self.store.blobs.remove_old(hash).await?);
            }
            let mut pages = unnamed.chunks(SWEPT).peekable();
            while pages.peek().is_some() {
                let mut edit = self.job_edit().await?;
                let txn = edit.doing(Verb::Sweep, AffectedObjects::default())?;
                while !txn.is_long()
                    && let Some(page) = pages.next()
                {
                    swept += body_references::remove(txn, page, before).await?;
                }
                edit.commit().await?;
            }
        }
        Ok(swept)
    }
}
