//! Calendar objects that older versions read otherwise, or of which they did not ask what is known today (migrations
//! 0015, 0020 and 0023), are read again before anything else is done with the store.

use std::collections::HashSet;

use bytes::Bytes;

use super::Tree;
use super::calendar::{index, runs};
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use super::objects::Objects;
use crate::ical::busy_form::is_private;
use crate::ical::object::Object;
use crate::model::calendar::Indexed;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::store::unread::{self, Unread};
use crate::store::{body, version};

/// How many versions are looked at in one go.
const VERSIONS: i64 = 100;

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
            let were_private = self.formerly_private(&indexed).await?;
            let mut edit = self.job_edit().await?;
            let txn = edit.doing(Verb::Repair, AffectedObjects::to(indexed.iter().map(|(object, _)| object.node)))?;
            for (object, indexed) in &indexed {
                unread::finish(txn, object, indexed.as_ref(), were_private.contains(&object.node)).await?;
            }
            edit.commit().await?;
            read += indexed.len();
            tracing::info!(read, "calendar objects are read anew for this version");
        }
        Ok(())
    }

    /// Which of these that are not private have a former version that is. One that nobody can read may be.
    async fn formerly_private(&self, objects: &[(Unread, Option<Indexed>)]) -> Result<HashSet<Id>> {
        let open = objects.iter().filter(|(_, indexed)| indexed.as_ref().is_some_and(|indexed| !indexed.private));
        let open: Vec<Id> = open.map(|(object, _)| object.node).collect();
        let mut found = HashSet::new();
        for object in unread::with_past(&mut self.store.read().await?, &open).await? {
            if self.has_private_version(object).await? {
                found.insert(object);
            }
        }
        Ok(found)
    }

    async fn has_private_version(&self, object: Id) -> Result<bool> {
        let mut from = 0;
        loop {
            let page = version::versions(&mut self.store.read().await?, object, from..=i64::MAX, VERSIONS).await?;
            let Some(last) = page.last().map(|version| version.number) else { return Ok(false) };
            for run in runs(page, |version| version.size_bytes) {
                let hashes: Vec<&str> = run.iter().map(|version| version.hash.as_str()).collect();
                let texts = body::several(&mut self.store.read().await?, &hashes).await?;
                let is_open = |text: &Bytes| Object::stored(text).is_ok_and(|object| !is_private(&object));
                if !hashes.iter().all(|hash| texts.get(*hash).is_some_and(is_open)) {
                    return Ok(true);
                }
            }
            from = last.saturating_add(1);
        }
    }
}
