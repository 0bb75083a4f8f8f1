//! What a home keeps, and the jobs that let the rest go: lapsed sessions become versions, litter is cleared away, old
//! versions are thinned, the trash is emptied in time, the horizon of sync tokens moves on.
//!
//! Each action is a small transaction of its own, so that nobody waits long.

use std::collections::VecDeque;

use crate::model::error::{Failure, Result};
use crate::model::filename::match_name;
use crate::model::id::{Id, Seq, Timestamp, now};
use crate::model::version::{EMPTY_S, LITTER_S, Retention, thinned};
use crate::store::{inbox, node, past, purge, retention, trash, version};
use crate::tree::Tree;
use crate::tree::administration::{self, home_named};
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;
use crate::tree::target::zone;

const PAGE: i64 = 200;
const DAY_S: i64 = 86_400;

/// What the jobs did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MaintenanceReport {
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
    pub async fn retention(&self, name: &str) -> administration::AdministrationResult<Retention> {
        let mut snapshot = self.store.read().await?;
        let home = home_named(&mut snapshot, name).await?;
        let found = retention::of(&mut snapshot, home).await?;
        found.ok_or_else(|| Failure::new("reading what a home keeps", "the home is gone").into())
    }

    /// Sets what it keeps.
    pub async fn set_retention(&self, name: &str, retention: &Retention) -> administration::AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let home = home_named(&mut edit, name).await?;
        retention::set(edit.doing(Verb::SetRetention, AffectedObjects::within(home, []))?, home, retention).await?;
        Ok(edit.commit().await?)
    }

    /// What all jobs but the sweep do, as of a moment.
    pub async fn maintain(&self, at: Timestamp) -> Result<MaintenanceReport> {
        let mut done = MaintenanceReport { purged: self.finish_purges(now()).await?, ..MaintenanceReport::default() };
        done.sealed = self.seal_lapsed(at).await?;
        done.cleared = self.clear_litter(at).await?;
        self.retain(at, &mut done).await?;
        Ok(done)
    }

    /// Makes drafts whose session has lapsed versions; how many.
    pub(super) async fn seal_lapsed(&self, at: Timestamp) -> Result<u64> {
        let mut all = 0;
        loop {
            let mut lapsed = version::lapsed(&mut self.store.read().await?, at, at - EMPTY_S, PAGE).await?;
            lapsed.sort_by_key(|found| found.home_id);
            let mut sealed = 0;
            for of_home in lapsed.chunk_by(|one, other| one.home_id == other.home_id) {
                let Some(home) = of_home.first().map(|found| found.home_id) else { continue };
                let Some(name) = node::home_name(&mut self.store.read().await?, home).await? else { continue };
                let mut of_home = of_home.iter().peekable();
                while of_home.peek().is_some() {
                    let mut edit = self.job_edit().await?;
                    edit.claim_homes([name.clone()]).await?;
                    while !edit.is_long()
                        && let Some(found) = of_home.next()
                    {
                        sealed += u64::from(edit.seal_lapsed(found).await?);
                    }
                    edit.commit().await?;
                }
            }
            all += sealed;
            if sealed == 0 {
                return Ok(all);
            }
        }
    }

    /// Lets old versions and deletions of all homes go.
    pub(super) async fn retain(&self, at: Timestamp, done: &mut MaintenanceReport) -> Result<()> {
        let (mut homes, mut failed) = (Homes::default(), Ok(()));
        while let Some((home, name)) = homes.next(self).await? {
            // What fails in one home keeps no other from its turn.
            failed = failed.and(self.retain_in(home, at, done).await);
            failed = failed.and(self.prune_inbox((home, &name), at).await);
        }
        failed
    }

    async fn retain_in(&self, home: Id, at: Timestamp, done: &mut MaintenanceReport) -> Result<()> {
        let Some(kept) = retention::of(&mut self.store.read().await?, home).await? else { return Ok(()) };
        // First of all: a token from before what goes below must not be honoured any more.
        let synced = at - kept.sync_days * DAY_S;
        let horizon = retention::horizon(&mut self.store.read().await?, home, synced).await?;
        if horizon > past::oldest_seq(&mut self.store.read().await?, home).await? {
            let mut edit = self.job_edit().await?;
            retention::move_horizon(edit.doing(Verb::MoveHorizon, AffectedObjects::within(home, []))?, home, horizon)
                .await?;
            edit.commit().await?;
        }
        if let Some(days) = kept.versions_days {
            // What sync still lists is not touched.
            let before = at - days.max(kept.sync_days) * DAY_S;
            self.thin(home, &kept, before, done).await?;
        }
        self.empty_trash(home, false, at - kept.trash_days * DAY_S, done).await?;
        self.empty_trash(home, true, synced, done).await?;
        Ok(())
    }

    /// Takes the items of an inbox whose time has come.
    async fn prune_inbox(&self, (home, name): (Id, &str), at: Timestamp) -> Result<()> {
        loop {
            let due = inbox::due(&mut self.store.read().await?, home, at, PAGE).await?;
            let mut due = due.iter().peekable();
            if due.peek().is_none() {
                return Ok(());
            }
            while due.peek().is_some() {
                let mut edit = self.job_edit().await?;
                edit.claim_homes([match_name(name)]).await?;
                while !edit.is_long()
                    && let Some(item) = due.next()
                {
                    edit.prune_item(item).await?;
                }
                edit.commit().await?;
            }
        }
    }

    /// Clears away what programs left about in all homes; how much into the trash.
    pub(super) async fn clear_litter(&self, at: Timestamp) -> Result<u64> {
        let (mut homes, mut cleared, mut failed) = (Homes::default(), 0, Ok(()));
        while let Some((home, name)) = homes.next(self).await? {
            match self.clear_litter_in((home, &name), at).await {
                Ok(some) => cleared += some,
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed.map(|()| cleared)
    }

    async fn clear_litter_in(&self, (home, name): (Id, &str), at: Timestamp) -> Result<u64> {
        let mut cleared = 0;
        let before = at - LITTER_S;
        let abandoned = retention::abandoned(&mut self.store.read().await?, home, at, before, PAGE).await?;
        for found in abandoned {
            let mut edit = self.job_edit().await?;
            edit.claim_homes([match_name(name)]).await?;
            cleared += u64::from(edit.clear_abandoned(&found, at).await?);
            edit.commit().await?;
        }
        loop {
            let litter = retention::litter(&mut self.store.read().await?, home, before, PAGE).await?;
            if litter.is_empty() {
                return Ok(cleared);
            }
            let mut edit = self.job_edit().await?;
            let txn = edit.doing(Verb::Clear, AffectedObjects::within(home, litter.iter().copied()))?;
            retention::empty_litter(txn, home, before, &litter).await?;
            edit.commit().await?;
        }
    }

    async fn thin(&self, home: Id, kept: &Retention, before: Timestamp, done: &mut MaintenanceReport) -> Result<()> {
        let zone = zone();
        let mut after = Id(0);
        loop {
            let mut snapshot = self.store.read().await?;
            let documents = retention::documents_with_old_versions(&mut snapshot, home, before, after, PAGE).await?;
            let Some(last) = documents.last() else { return Ok(()) };
            after = *last;
            let mut going = Vec::new();
            for document in documents {
                let versions = version::versions(&mut snapshot, document, 1..=i64::MAX, i64::MAX).await?;
                let rows: Vec<_> = versions.iter().map(|v| (v.number, v.written_at, v.kept)).collect();
                going.extend(thinned(&rows, before, kept.every, &zone).into_iter().map(|number| (document, number)));
            }
            drop(snapshot);
            let mut going = going.into_iter().peekable();
            while going.peek().is_some() {
                let mut edit = self.job_edit().await?;
                while !edit.is_long()
                    && let Some((document, number)) = going.next()
                {
                    let txn = edit.doing(Verb::Thin, AffectedObjects::within(home, [document]))?;
                    done.thinned += u64::from(retention::drop_version(txn, home, document, number).await?);
                }
                edit.commit().await?;
            }
        }
    }

    async fn empty_trash(&self, home: Id, litter: bool, before: Timestamp, done: &mut MaintenanceReport) -> Result<()> {
        // The names that these bore are forgotten with them: who synchronized before they went must begin again.
        let last = retention::horizon(&mut self.store.read().await?, home, before).await?;
        loop {
            if trash::gone_before(&mut self.store.read().await?, home, litter, before, 1).await?.is_empty() {
                return Ok(());
            }
            let (tops, documents) = self.retry_when_full(|| self.empty_some((home, litter), before, last)).await?;
            done.purged += documents;
            for top in tops {
                done.purged += self.finish_purge(top).await?;
            }
        }
    }

    /// Collections that are to be purged on, and how many documents went.
    async fn empty_some(&self, (home, litter): (Id, bool), before: Timestamp, last: Seq) -> Result<(Vec<Id>, u64)> {
        let mut edit = self.job_edit().await?;
        // Asked again: what was restored meanwhile stays.
        let gone = trash::gone_before(&mut edit, home, litter, before, PAGE).await?;
        retention::move_horizon(edit.doing(Verb::MoveHorizon, AffectedObjects::within(home, []))?, home, last).await?;
        let txn = edit.doing(Verb::Purge, AffectedObjects::within(home, gone.iter().map(|node| node.id)))?;
        let emptied = purge::begin(txn, &gone, now()).await?;
        edit.commit().await?;
        Ok(emptied)
    }
}

/// All homes, by the page.
#[derive(Default)]
struct Homes {
    page: VecDeque<(Id, String)>,
    after: Id,
}

impl Homes {
    async fn next(&mut self, tree: &Tree) -> Result<Option<(Id, String)>> {
        if self.page.is_empty() {
            self.page = retention::homes(&mut tree.store.read().await?, self.after, PAGE).await?.into();
        }
        let next = self.page.pop_front();
        self.after = next.as_ref().map_or(self.after, |(home, _)| *home);
        Ok(next)
    }
}
