//! Calendar objects that older versions read otherwise (migration 0015) are read anew before anything else is done with the store,
//! so that the index is never too narrow.

use super::Tree;
use super::calendar::{index, runs};
use super::edit::authority::Verb;
use super::edit::event::Deed;
use crate::ical::object::Object;
use crate::model::error::Result;
use crate::store::{body, unread};

/// How many are looked at in one go.
const PAGE: i64 = 500;

impl Tree {
    /// Does it for all that are waiting; where none is, it is one look. One that nobody can read may take place at any time.
    pub(super) async fn finish_unread(&self) -> Result<()> {
        let mut read = 0;
        loop {
            let waiting = unread::waiting(&mut self.store.read().await?, PAGE).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            for run in runs(waiting, |object| object.size_bytes) {
                let hashes: Vec<&str> = run.iter().map(|object| object.hash.as_str()).collect();
                let bodies = body::several(&mut self.store.read().await?, &hashes).await?;
                let indexed = run.iter().map(|object| {
                    let bytes = bodies.get(&object.hash)?;
                    Object::stored(bytes).ok().as_ref().map(index)
                });
                let indexed: Vec<_> = indexed.collect();
                let mut edit = self.job_edit().await?;
                let txn = edit.doing(Verb::Repair, Deed::to(run.iter().map(|object| object.node)))?;
                for (object, indexed) in run.iter().zip(&indexed) {
                    unread::finish(txn, object, indexed.as_ref()).await?;
                }
                edit.commit().await?;
                read += run.len();
            }
            tracing::info!(read, "calendar objects are read anew for this version");
        }
    }
}
