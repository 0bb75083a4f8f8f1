//! What keeps the store sound: the check of every body and reference, and the sweep of bodies that nothing names.

use super::Tree;
use crate::model::error::Failure;
use crate::model::id::now;
use crate::store::body::{self, SWEEP_AGE, sha256};
use crate::store::check::{self, Damage};

const PAGE: i64 = 500;

/// What a check looked at and what it found.
#[derive(Debug, Default)]
pub struct Report {
    /// Bodies whose hash was verified.
    pub bodies: u64,
    /// All damage.
    pub damage: Vec<Damage>,
}

impl Tree {
    /// Verifies the database file, every reference, every sum and the hash of every body. `progress` hears how many
    /// bodies are done. Works beside a running server.
    pub async fn check(&self, mut progress: impl FnMut(u64)) -> Result<Report, Failure> {
        let mut report = Report::default();
        if let Some(text) = check::database(&mut self.store.read().await?).await? {
            report.damage.push(Damage { what: "the database file is damaged".to_owned(), at: text });
        }
        report.damage.extend(check::references(&mut self.store.read().await?).await?);
        let mut after = String::new();
        loop {
            let hashes = body::named(&mut self.store.read().await?, &after, PAGE).await?;
            let Some(last) = hashes.last() else { return Ok(report) };
            after.clone_from(last);
            for hash in &hashes {
                self.check_body(hash, &mut report).await?;
                report.bodies += 1;
            }
            progress(report.bodies);
        }
    }

    async fn check_body(&self, hash: &str, report: &mut Report) -> Result<(), Failure> {
        let mut snapshot = self.store.read().await?;
        let found = match body::inline(&mut snapshot, hash).await? {
            Some(bytes) => Some(sha256(&bytes)),
            None => self.store.blobs.verify(hash).await?,
        };
        let what = match found {
            Some(found) if found == hash => return Ok(()),
            Some(_) => "the content of a document is damaged",
            None => "the content of a document is missing",
        };
        // Named again under the same snapshot: it may have gone while we looked.
        if let Some((id, name)) = check::bearer(&mut snapshot, hash).await? {
            report.damage.push(Damage { what: what.to_owned(), at: format!("{name} ({id}), body {hash}") });
        }
        Ok(())
    }

    /// Removes bodies that nothing has named for a day; how many.
    pub async fn sweep(&self) -> Result<u64, Failure> {
        let before = now() - i64::try_from(SWEEP_AGE.as_secs()).unwrap_or(i64::MAX);
        let mut txn = self.store.write().await?;
        let mut swept = body::sweep_inline(&mut txn, before).await?;
        txn.commit().await?;
        for hash in self.store.blobs.old().await? {
            // Under the writer's turn, so that nobody names the body between the question and its removal.
            let mut txn = self.store.write().await?;
            if !body::is_named(&mut txn, &hash).await? {
                self.store.blobs.remove(&hash).await?;
                swept += 1;
            }
            txn.commit().await?;
        }
        Ok(swept)
    }
}
