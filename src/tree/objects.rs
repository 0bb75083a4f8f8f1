//! Stored calendar objects with their texts, a run at a time in the order of their nodes: for whoever goes through all
//! of them.

use bytes::Bytes;

use super::Tree;
use super::calendar::runs;
use crate::model::error::Failure;
use crate::model::id::Id;
use crate::store::body;
use crate::store::check::{self, StoredObject};
use crate::store::executor::Executor;
use crate::store::unread::{self, Unread};

/// How many rows are looked at in one go.
const PAGE: i64 = 500;

/// What is known of an object before its text is read.
pub(super) trait ObjectRow: Sized {
    /// So many, after a node.
    async fn page(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<Self>, Failure>;
    /// Its node.
    fn node(&self) -> Id;
    /// The hash of its text, and the bytes of that.
    fn body(&self) -> (&str, i64);
}

impl ObjectRow for StoredObject {
    async fn page(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<Self>, Failure> {
        check::objects(c, after, limit).await
    }

    fn node(&self) -> Id {
        self.node
    }

    fn body(&self) -> (&str, i64) {
        (&self.hash, self.size_bytes)
    }
}

impl ObjectRow for Unread {
    async fn page(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<Self>, Failure> {
        unread::waiting(c, after, limit).await
    }

    fn node(&self) -> Id {
        self.node
    }

    fn body(&self) -> (&str, i64) {
        (&self.hash, self.size_bytes)
    }
}

/// Where one has come.
pub(super) struct Objects<'t, Row> {
    tree: &'t Tree,
    after: Id,
    runs: std::vec::IntoIter<Vec<Row>>,
}

impl<'t, Row: ObjectRow> Objects<'t, Row> {
    /// From the first one on.
    pub fn of(tree: &'t Tree) -> Self {
        Self { tree, after: Id(i64::MIN), runs: Vec::new().into_iter() }
    }

    /// The next run, each object with its text if there is one; `None`: that was all. No view stays open meanwhile.
    pub async fn next(&mut self) -> Result<Option<Vec<(Row, Option<Bytes>)>>, Failure> {
        if self.runs.len() == 0 {
            let page = Row::page(&mut self.tree.store.read().await?, self.after, PAGE).await?;
            // An identifier that is none, for it is damaged, stands after all others and ends it.
            let Some(last) = page.last().map(Row::node).filter(|last| *last > self.after) else { return Ok(None) };
            self.after = last;
            self.runs = runs(page, |row| row.body().1).into_iter();
        }
        let Some(run) = self.runs.next() else { return Ok(None) };
        let hashes: Vec<&str> = run.iter().map(|row| row.body().0).collect();
        let texts = body::several(&mut self.tree.store.read().await?, &hashes).await?;
        let with_text = |row: Row| {
            let text = texts.get(row.body().0).cloned();
            (row, text)
        };
        Ok(Some(run.into_iter().map(with_text).collect()))
    }
}
