//! What reads: consistent views, and readers that are answered from the cache.

use std::sync::Arc;
use std::time::Instant;

use super::cache::Cache;
use super::counters::Counters;
use super::db::{Batch, Connection, Control, Pipeline as _, Revision, Session as _};
use super::executor::{Executor, Prefetched};
use super::page::is_no_page;
use super::readers::{Reader, Readers};
use super::statement::Statement;
use crate::model::error::Failure;

/// A consistent view, opened together with its first question; closed when dropped.
pub struct Snapshot {
    connection: Option<Reader>,
    noted: Batch,
    prefetched: Prefetched,
    cache: Arc<Cache>,
    counters: Arc<Counters>,
}

impl Snapshot {
    pub(super) async fn open(
        readers: &Arc<Readers>,
        cache: &Arc<Cache>,
        counters: &Arc<Counters>,
    ) -> Result<Self, Failure> {
        let mut noted = Batch::default();
        noted.control(Control::BeginRead);
        let connection = Some(readers.take().await?);
        let (cache, counters) = (Arc::clone(cache), Arc::clone(counters));
        Ok(Self { connection, noted, prefetched: Prefetched::default(), cache, counters })
    }
}

impl Executor for Snapshot {
    async fn connection(&mut self, sql: Statement) -> Result<(&mut Connection, Option<&mut Batch>), Failure> {
        let connection = self.connection.as_mut().ok_or_else(|| Failure::new(sql.text, "the view is closed"))?;
        Ok((connection, Some(&mut self.noted)))
    }

    fn failed(&mut self, failure: &Failure) {
        self.connection.take_if(|_| !is_no_page(failure)).into_iter().for_each(Reader::discard);
    }

    fn cache(&self) -> Option<&Cache> {
        Some(&self.cache)
    }

    fn prefetched(&mut self) -> Option<&mut Prefetched> {
        Some(&mut self.prefetched)
    }

    fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(|_| !self.noted.is_opening()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if connection.control(Control::Rollback).await.is_err() {
                    // A view that cannot be closed must not become the next one's.
                    connection.discard();
                }
            });
        } else {
            connection.discard();
        }
    }
}

/// Reads without a view: each statement is answered from the cache, as the database was when this reader was made, or
/// by the database as it is, over a connection that is taken when it is needed. While nothing is committed the answers
/// agree.
pub struct CachedReader {
    readers: Arc<Readers>,
    cache: Arc<Cache>,
    revision: Option<Revision>,
    connection: Option<Reader>,
    torn: bool,
    counters: Arc<Counters>,
}

impl CachedReader {
    /// `since`: when the request came that it reads for. It may be as of any moment after that.
    pub(super) fn new(readers: &Arc<Readers>, cache: &Arc<Cache>, counters: &Arc<Counters>, since: Instant) -> Self {
        let revision = cache.revision_since(since);
        let (readers, cache, counters) = (Arc::clone(readers), Arc::clone(cache), Arc::clone(counters));
        Self { readers, revision, cache, connection: None, torn: false, counters }
    }

    /// Has a change overtaken what was read of the members of a collection? Then it may be as no view ever showed it.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// Was the database queried?
    #[must_use]
    pub fn has_asked(&self) -> bool {
        self.connection.is_some()
    }
}

impl Executor for CachedReader {
    async fn connection(&mut self, _: Statement) -> Result<(&mut Connection, Option<&mut Batch>), Failure> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.readers.take().await?,
        };
        Ok((self.connection.insert(connection), None))
    }

    fn failed(&mut self, failure: &Failure) {
        self.connection.take_if(|_| !is_no_page(failure)).into_iter().for_each(Reader::discard);
    }

    fn cache(&self) -> Option<&Cache> {
        Some(&self.cache)
    }

    fn revision(&self) -> Option<Revision> {
        self.revision
    }

    fn was_one_view(&mut self) -> bool {
        let agrees = self.revision.is_some_and(|revision| self.cache.is_current(revision));
        self.torn |= !agrees;
        agrees
    }

    fn counters(&self) -> &Counters {
        &self.counters
    }
}
