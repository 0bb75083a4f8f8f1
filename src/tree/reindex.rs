//! Calendar objects that older versions read otherwise, or of which they did not ask what is known today (migrations
//! 0015, 0020 and 0023), are read again before anything else is done with the store.

use super::Tree;
use super::calendar::index;
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use super::objects::Objects;
use crate::ical::object::Object;
use crate::model::error::Result;
use crate::store::unread::{self, Unread};

impl Tree {
    /// Does it for all that are waiting; where none is, it is one look. One that nobody can read may take place at any
    /// time.
    pub(super) async fn finish_unread(&self) -> Result<()> {
        let mut read = 0;
        let mut objects = Objects::<Unread>::of(self);
        while let Some(run) = objects.next().await? {
            let indexed = run.into_iter().map(|(object, text)| {
                let indexed = text.and_then(|text| Object::stored(&text).ok()).as_ref().map(index);
                (object, indexed)
            });
            let indexed: Vec<_> = indexed.collect();
            let mut edit = self.job_edit().await?;
            let txn = edit.doing(Verb::Repair, AffectedObjects::to(indexed.iter().map(|(object, _)| object.node)))?;
            for (object, indexed) in &indexed {
                unread::finish(txn, object, indexed.as_ref()).await?;
            }
            edit.commit().await?;
            read += indexed.len();
            tracing::info!(read, "calendar objects are read anew for this version");
        }
        Ok(())
    }
}
