//! What is kept, and the job that lets the rest go: lapsed sessions become versions, litter is cleared away, old versions
//! are thinned, the trash is emptied in time, the horizon of sync tokens moves on.
//!
//! Each deed is a small transaction of its own, so that nobody waits long.

use super::Tree;
use super::administration::{self, home_named};
use super::edit::Leaving;
use super::former::zone;
use super::gate::{Admitted, Request};
use super::resolve::FILES;
use crate::model::error::{Error, Failure, Result};
use crate::model::id::{Id, Seq, Timestamp, now};
use crate::model::method::Method;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::version::{EMPTY_S, LITTER_S, Retention, thinned};
use crate::store::transaction::Txn;
use crate::store::{lock, node, purge, retention, subtree, trash, version};

const PAGE: i64 = 200;
const DAY_S: i64 = 86_400;

/// What a round of the job did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tended {
    /// Drafts whose session had lapsed and that are versions now.
    pub sealed: u64,
    /// Litter cleared away.
    pub cleared: u64,
    /// Versions thinned.
    pub thinned: u64,
    /// Nodes removed from the trash for good.
    pub purged: u64,
}

impl Tree {
    /// What the home of a person or project keeps.
    pub async fn retention(&self, name: &str) -> administration::Result<Retention> {
        let mut snapshot = self.store.read().await?;
        let home = home_named(&mut snapshot, name).await?;
        let found = retention::of(&mut snapshot, home).await?;
        found.ok_or_else(|| Failure::new("reading what a home keeps", "the home is gone").into())
    }

    /// Sets what it keeps.
    pub async fn set_retention(&self, name: &str, retention: &Retention) -> administration::Result<()> {
        let mut txn = self.store.write().await?;
        let home = home_named(&mut txn, name).await?;
        retention::set(&mut txn, home, retention).await?;
        Ok(txn.commit().await?)
    }

    /// One round of the job over all homes, as of a moment.
    pub async fn tend(&self, at: Timestamp) -> Result<Tended> {
        let mut done = Tended::default();
        done.purged += self.finish_purges(now()).await?;
        self.seal_lapsed(at, &mut done).await?;
        let mut after = Id(0);
        loop {
            let homes = retention::homes(&mut self.store.read().await?, after, PAGE).await?;
            let Some((last, _)) = homes.last() else { return Ok(done) };
            after = *last;
            for (home, name) in homes {
                self.tend_home(home, &name, at, &mut done).await?;
            }
        }
    }

    /// A write in a home in the name of its owner.
    async fn tending(&self, name: &str) -> Result<Admitted<Txn>> {
        let actor = self.owner(name).await.map_err(|fault| Error::Failed(Failure::new("tending a home", fault)))?;
        self.write(&Request::of(Method::Propfind, Path::of(&[FILES, name]), actor)).await
    }

    async fn seal_lapsed(&self, at: Timestamp, done: &mut Tended) -> Result<()> {
        loop {
            let mut lapsed = version::lapsed(&mut self.store.read().await?, at, at - EMPTY_S, PAGE).await?;
            lapsed.sort_by_key(|found| found.home_id);
            let mut sealed = 0;
            for of_home in lapsed.chunk_by(|one, other| one.home_id == other.home_id) {
                let Some(home) = of_home.first().map(|found| found.home_id) else { continue };
                let Some(name) = node::home_name(&mut self.store.read().await?, home).await? else { continue };
                let mut of_home = of_home.iter().peekable();
                while of_home.peek().is_some() {
                    let mut admitted = self.tending(&name).await?;
                    while !admitted.store.is_long()
                        && let Some(found) = of_home.next()
                    {
                        sealed += u64::from(admitted.seal_lapsed(found).await?);
                    }
                    admitted.commit().await?;
                }
            }
            done.sealed += sealed;
            if sealed == 0 {
                return Ok(());
            }
        }
    }

    async fn tend_home(&self, home: Id, name: &str, at: Timestamp, done: &mut Tended) -> Result<()> {
        let Some(kept) = retention::of(&mut self.store.read().await?, home).await? else { return Ok(()) };
        self.clear_litter(home, name, at, done).await?;
        // First of all: a token from before what goes below must not be honoured any more.
        let synced = at - kept.sync_days * DAY_S;
        let horizon = retention::horizon(&mut self.store.read().await?, home, synced).await?;
        if horizon > crate::store::past::oldest_seq(&mut self.store.read().await?, home).await? {
            let mut txn = self.store.write().await?;
            retention::move_horizon(&mut txn, home, horizon).await?;
            txn.commit().await?;
        }
        if let Some(days) = kept.versions_days {
            // What sync still tells of is not touched.
            let before = at - days.max(kept.sync_days) * DAY_S;
            self.thin(home, &kept, before, done).await?;
        }
        self.empty_trash(home, false, at - kept.trash_days * DAY_S, done).await?;
        self.empty_trash(home, true, synced, done).await?;
        Ok(())
    }

    async fn clear_litter(&self, home: Id, name: &str, at: Timestamp, done: &mut Tended) -> Result<()> {
        let before = at - LITTER_S;
        let abandoned = retention::abandoned(&mut self.store.read().await?, home, at, before, PAGE).await?;
        for found in abandoned {
            let mut admitted = self.tending(name).await?;
            let present = version::node(&mut admitted.store, found.id).await?;
            let unchanged =
                present.filter(|(node, gone)| gone.is_none() && node.seq == found.seq).map(|(node, _)| node);
            // It may have gone just now with the folder that it stood in.
            let stands = node::names_between(&mut admitted.store, home, found.id).await?.is_some();
            let holds = found.kind.is_collection() && subtree::holds_documents(&mut admitted.store, found.id).await?;
            // Someone may have locked it just now, or something that stands in it.
            let locked = !lock::below(&mut admitted.store, home, found.id, at).await?.is_empty();
            if let Some(node) = unchanged.filter(|_| stands && !holds && !locked)
                && let Some((parent, _)) = version::node(&mut admitted.store, node.parent_id).await?
            {
                admitted.remove(node, &parent, Leaving::Cleared).await?;
                done.cleared += 1;
            }
            admitted.commit().await?;
        }
        loop {
            let litter = retention::litter(&mut self.store.read().await?, home, before, PAGE).await?;
            if litter.is_empty() {
                return Ok(());
            }
            let mut txn = self.store.write().await?;
            retention::empty_litter(&mut txn, home, before, &litter).await?;
            txn.commit().await?;
        }
    }

    async fn thin(&self, home: Id, kept: &Retention, before: Timestamp, done: &mut Tended) -> Result<()> {
        let zone = zone();
        let mut after = Id(0);
        loop {
            let mut snapshot = self.store.read().await?;
            let documents = retention::documents_with_old_versions(&mut snapshot, home, before, after, PAGE).await?;
            let Some(last) = documents.last() else { return Ok(()) };
            after = *last;
            let mut going = Vec::new();
            for document in documents {
                let versions = version::versions(&mut snapshot, document, (1, i64::MAX), i64::MAX).await?;
                let told: Vec<_> = versions.iter().map(|v| (v.number, v.written_at, v.kept)).collect();
                going.extend(thinned(&told, before, kept.every, &zone).into_iter().map(|number| (document, number)));
            }
            drop(snapshot);
            let mut going = going.into_iter().peekable();
            while going.peek().is_some() {
                let mut txn = self.store.write().await?;
                while !txn.is_long()
                    && let Some((document, number)) = going.next()
                {
                    done.thinned += u64::from(retention::drop_version(&mut txn, home, document, number).await?);
                }
                txn.commit().await?;
            }
        }
    }

    async fn empty_trash(&self, home: Id, litter: bool, before: Timestamp, done: &mut Tended) -> Result<()> {
        // The names that these bore are forgotten with them: who synchronized before they went must begin anew.
        let last = retention::horizon(&mut self.store.read().await?, home, before).await?;
        loop {
            if trash::gone_before(&mut self.store.read().await?, home, litter, before, 1).await?.is_empty() {
                return Ok(());
            }
            let (tops, documents) = self.pressing(|| self.empty_some((home, litter), before, last)).await?;
            done.purged += documents;
            for top in tops {
                done.purged += self.finish_purge(top).await?;
            }
        }
    }

    /// Collections that are to be purged on, and how many documents went.
    async fn empty_some(&self, (home, litter): (Id, bool), before: Timestamp, last: Seq) -> Result<(Vec<Id>, u64)> {
        let mut txn = self.store.write().await?;
        // Asked anew: what was restored meanwhile stays.
        let gone = trash::gone_before(&mut txn, home, litter, before, PAGE).await?;
        retention::move_horizon(&mut txn, home, last).await?;
        let emptied = purge::begin(&mut txn, &gone, now()).await?;
        txn.commit().await?;
        Ok(emptied)
    }
}

impl Admitted<Txn> {
    /// Makes a draft a version, if it is still what it was found to be.
    async fn seal_lapsed(&mut self, found: &Node) -> Result<bool> {
        let draft = version::node(&mut self.store, found.id).await?.filter(|(_, gone)| gone.is_none());
        let Some((mut draft, _)) = draft.filter(|(draft, _)| draft.draft == found.draft && !draft.sealed) else {
            return Ok(false);
        };
        self.end_session(&mut draft, true).await?;
        Ok(true)
    }
}
