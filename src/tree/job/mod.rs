//! Jobs: work that a change wants done after it, or that is done again and again. Each is a row, written in the
//! transaction of that change. Any process on the store takes it, by a lease that it renews while it works: a process
//! that dies leaves the job to the next that looks when the lease has ended. So a job may be begun twice, but never
//! runs twice at once, and what it does must bear to be done again.
//!
//! A job that fails waits, each time longer, and is given up after so many tries: it is kept until someone says
//! `beffroi jobs retry`. One that is done again and again is never given up.

pub mod attendance;
pub mod departures;
mod digest;
pub mod folders;
pub mod groups;
pub mod mail;
#[cfg(test)]
mod mail_tests;
#[cfg(test)]
mod meeting_tests;
pub mod meetings;
pub mod minutes;
mod purge;
pub mod refresh;
pub mod retention;
mod sweep;

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use self::retention::MaintenanceReport;
use super::administration::{self, AdministrationError};
use super::edit::Edit;
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use super::{Tree, caught};
use crate::model::error::{Failure, Result};
use crate::model::id::{Id, Timestamp, now};
use crate::model::job::{Job, NewJob, wait_s};
use crate::store::job;

/// The work of a job.
pub type Work = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A kind of job.
pub struct JobRow {
    /// What its rows are marked with; of what is done again and again the key, too.
    pub kind: &'static str,
    /// What is done.
    pub run: fn(Tree, Job) -> Work,
    /// How often it is done, seconds; `None`: once for each that is entered.
    pub every_s: Option<i64>,
    /// After so many tries it is given up, unless it is done again and again.
    pub tries: i64,
}

/// One row a kind.
pub static JOBS: [JobRow; 13] = [
    JobRow { kind: attendance::KIND, run: |tree, job| Box::pin(attendance::run(tree, job)), every_s: None, tries: 20 },
    JobRow { kind: departures::KIND, run: |tree, job| Box::pin(departures::run(tree, job)), every_s: None, tries: 20 },
    JobRow { kind: folders::KIND, run: |tree, job| Box::pin(folders::run(tree, job)), every_s: None, tries: 20 },
    JobRow { kind: groups::KIND, run: |tree, job| Box::pin(groups::run(tree, job)), every_s: None, tries: 20 },
    JobRow { kind: meetings::KIND, run: |tree, job| Box::pin(meetings::run(tree, job)), every_s: None, tries: 20 },
    JobRow { kind: refresh::KIND, run: |tree, job| Box::pin(refresh::run(tree, job)), every_s: None, tries: 20 },
    recurring("minutes", 300, |tree, _| {
        Box::pin(async move { done("minutes attached", tree.attach_all_minutes(now() - minutes::WAIT_S).await?) })
    }),
    recurring("purge", 300, |tree, _| Box::pin(async move { done("nodes purged", tree.finish_purges(now()).await?) })),
    recurring("seal", 300, |tree, _| Box::pin(async move { done("drafts sealed", tree.seal_lapsed(now()).await?) })),
    recurring("litter", 300, |tree, _| {
        Box::pin(async move { done("litter cleared", tree.clear_litter(now()).await?) })
    }),
    recurring("retention", 300, |tree, _| {
        Box::pin(async move {
            let mut maintained = MaintenanceReport::default();
            tree.retain(now(), &mut maintained).await?;
            done("versions thinned", maintained.thinned)?;
            done("nodes purged from the trash", maintained.purged)
        })
    }),
    // All rows are read for it.
    recurring("sweep", 86_400, |tree, _| Box::pin(async move { done("unnamed bodies removed", tree.sweep().await?) })),
    mail::FORGET,
];

const fn recurring(kind: &'static str, every_s: i64, run: fn(Tree, Job) -> Work) -> JobRow {
    JobRow { kind, run, every_s: Some(every_s), tries: 0 }
}

fn done(what: &'static str, number: u64) -> Result<()> {
    if number > 0 {
        tracing::info!(number, what);
    }
    Ok(())
}

/// How long a lease lasts, and how often it is renewed, seconds.
pub const LEASE_S: i64 = 120;
const RENEWED_EVERY: Duration = Duration::from_secs(40);
/// How often it is looked what other processes have entered.
const POLL: Duration = Duration::from_secs(15);
/// The longest reason that is kept of a run that failed.
const MAX_ERROR_CHARS: usize = 1_000;
const PAGE: i64 = 500;

/// What a look for a job came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobPoll {
    /// One was run: there may be more.
    Again,
    /// None is due; the next one is then.
    NextAt(Option<Timestamp>),
}

/// A job that this process holds.
struct LeasedJob<'a> {
    row: &'a JobRow,
    job: Job,
    lease: Id,
    at: Timestamp,
    begun: Instant,
}

impl LeasedJob<'_> {
    /// The moment, as of when it was taken.
    fn now(&self) -> Timestamp {
        self.at.saturating_add(i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(0))
    }
}

impl Tree {
    /// Works jobs of all kinds off, those of one kind one after the other, until it is dropped.
    pub async fn run_jobs(&self, rows: &'static [JobRow]) {
        let mut workers = JoinSet::new();
        for row in rows {
            workers.spawn(self.clone().work_off(row));
        }
        while workers.join_next().await.is_some() {}
    }

    async fn work_off(self, row: &'static JobRow) {
        let mut entered = self.hooks.entered();
        loop {
            entered.mark_unchanged();
            let wait = match self.run_next(row, now()).await {
                Ok(JobPoll::Again) => continue,
                Ok(JobPoll::NextAt(next)) => next.map_or(POLL, |at| {
                    Duration::from_secs(u64::try_from(at.saturating_sub(now())).unwrap_or(0))
                        .clamp(Duration::from_secs(1), POLL)
                }),
                Err(error) => {
                    tracing::error!(%error, kind = row.kind, "jobs cannot be looked for");
                    POLL
                }
            };
            let _ = timeout(wait, entered.changed()).await;
        }
    }

    /// Runs the job of a kind that has been due longest at a moment.
    pub async fn run_next(&self, row: &JobRow, at: Timestamp) -> Result<JobPoll> {
        let next = job::next_due(&mut self.store.read().await?, row.kind).await?;
        let is_early =
            |next: Timestamp| next > at && row.every_s.is_none_or(|every_s| next.saturating_sub(at) <= every_s);
        if let Some(next) = next.filter(|next| is_early(*next)) {
            return Ok(JobPoll::NextAt(Some(next)));
        }
        let is_due = next.is_some_and(|next| next <= at);
        if is_due && let Some(held) = self.retry_when_full(|| self.take(row, at)).await? {
            self.run_held(held).await?;
            return Ok(JobPoll::Again);
        }
        match row.every_s {
            // It is not entered yet, or its row is damaged, and is set right; or another process took it.
            Some(every_s) => {
                self.keep_recurring(row.kind, at, every_s).await?;
                Ok(JobPoll::Again)
            }
            None => Ok(JobPoll::NextAt(next.map(|_| at))),
        }
    }

    /// Enters what is done again and again. It is never given up: a row that says so is set right, and so is one that
    /// waits longer than it may, because the clock was ahead.
    async fn keep_recurring(&self, kind: &str, at: Timestamp, every_s: i64) -> Result<()> {
        let mut edit = self.job_edit().await?;
        job::keep(edit.statements(Verb::RunJob)?, kind, at, at.saturating_add(every_s)).await?;
        edit.commit().await
    }

    async fn take<'a>(&self, row: &'a JobRow, at: Timestamp) -> Result<Option<LeasedJob<'a>>> {
        let (lease, begun) = (Id::generate(), Instant::now());
        let mut edit = self.job_edit().await?;
        let job = job::lease(edit.statements(Verb::RunJob)?, row.kind, at, lease, at + LEASE_S).await?;
        edit.commit().await?;
        Ok(job.map(|job| LeasedJob { row, job, lease, at, begun }))
    }

    /// Runs a job to its end, as long as this process holds it.
    async fn run_held(&self, held: LeasedJob<'_>) -> Result<()> {
        let LeasedJob { row, job, .. } = &held;
        let given_up = row.every_s.is_none() && job.tries > row.tries;
        let outcome = if given_up {
            Err(Failure::new("running a job", "no run of it came to an end").into())
        } else {
            let mut work = Box::pin(caught((row.run)(self.clone(), job.clone())));
            loop {
                match timeout(RENEWED_EVERY, &mut work).await {
                    Ok(Ok(outcome)) => break outcome,
                    Ok(Err(panicked)) => break Err(Failure::new("running a job", panicked).into()),
                    Err(_) if self.renew(&held).await => {}
                    // Another process has it now.
                    Err(_) => return Ok(()),
                }
            }
        };
        let error = outcome.err().map(|error| error.to_string().chars().take(MAX_ERROR_CHARS).collect::<String>());
        if let Some(error) = &error {
            tracing::error!(error, kind = row.kind, key = job.key, tries = job.tries, "a job failed");
        }
        self.retry_when_full(|| self.conclude(&held, error.as_deref())).await
    }

    /// `false`: another process holds it. Where that cannot be found out just now, the next time shows it.
    async fn renew(&self, held: &LeasedJob<'_>) -> bool {
        let renewed = async {
            let mut edit = self.job_edit().await?;
            let until = held.now() + LEASE_S;
            let renewed = job::renew(edit.statements(Verb::RunJob)?, &held.job.key, held.lease, until).await?;
            edit.commit().await?;
            Result::Ok(renewed)
        };
        renewed.await.unwrap_or(true)
    }

    async fn conclude(&self, held: &LeasedJob<'_>, error: Option<&str>) -> Result<()> {
        let LeasedJob { row, job: Job { key, tries, .. }, lease, .. } = held;
        let (lease, now) = (*lease, held.now());
        let mut edit = self.job_edit().await?;
        let statements = edit.statements(Verb::RunJob)?;
        match (error, row.every_s) {
            (None, None) => job::finish(statements, key, lease).await?,
            (None, Some(every_s)) => job::repeat(statements, key, lease, now + every_s).await?,
            (Some(error), None) if *tries >= row.tries => job::give_up(statements, key, lease, now, error).await?,
            (Some(error), every_s) => {
                let wait_s = wait_s(*tries).min(every_s.unwrap_or(i64::MAX));
                job::put_off(statements, key, lease, now + wait_s, error).await?;
            }
        }
        edit.commit().await
    }

    /// All jobs that are entered, by key.
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        let mut snapshot = self.store.read().await?;
        let mut all: Vec<Job> = Vec::new();
        loop {
            let after = all.last().map(|last| last.key.clone()).unwrap_or_default();
            let page = job::list(&mut snapshot, &after, PAGE).await?;
            let last = (page.len() as i64) < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// Makes a job due now, as if it had not been tried; or all that failed. How many.
    pub async fn retry_jobs(&self, key: Option<&str>) -> administration::AdministrationResult<u64> {
        let mut edit = self.administer().await?;
        let now = edit.now();
        let about = AffectedObjects { name: key.unwrap_or_default().to_owned(), ..AffectedObjects::default() };
        let retried = job::retry(edit.doing(Verb::RetryJob, about)?, key, now).await?;
        if let (Some(key), 0) = (key, retried) {
            return Err(AdministrationError::NoJob(key.to_owned()));
        }
        edit.commit().await?;
        Ok(retried)
    }
}

impl Edit {
    /// Has something done after this change, unless a job of the same key is entered: nothing is if the change is not
    /// made.
    pub(super) async fn enqueue(&mut self, new: NewJob<'_>) -> Result<()> {
        let about = AffectedObjects { name: new.key.to_owned(), ..AffectedObjects::default() };
        let now = self.now();
        job::enter(self.doing(Verb::EnterJob, about)?, new, now).await?;
        self.wake_workers();
        Ok(())
    }
}
