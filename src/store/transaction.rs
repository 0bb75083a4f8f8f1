//! Write transactions with group commit.
//!
//! There is one writing connection. Writers take it in the order they come; each runs as a part of one open transaction
//! and then queues for the connection once more to commit. Whoever had been waiting meanwhile has run by then, so the
//! first to return commits for all of them with one flush to disk, and no writer is answered before. The size of a
//! group is bounded by those already waiting when its first member was done; where nobody waits, the first commits at
//! once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::cache::Cache;
use super::counters::{Counters, HoldTimer};
use super::db::{Argument, Batch, Connection, Control, Pipeline as _, Revision, Session as _};
use super::executor::{Executor, Prefetched};
use super::page::is_no_page;
use super::statement::{Statement, Tables};
use super::task::RunToCompletion;
use crate::model::error::{Cause, Failure};

/// How a group ended, for those of its members who did not commit it themselves.
type GroupResult = Option<Result<(), (Cause, String)>>;

struct Group {
    ending: watch::Sender<GroupResult>,
}

struct WriterState {
    connection: Connection,
    /// What the present writer has noted and the database not yet seen.
    noted: Batch,
    group: Option<Group>,
    /// Tables that were written in it.
    written: Tables,
    cache: Arc<Cache>,
    /// A writer left without finishing: its part must go before anyone else writes.
    unfinished: Option<GroupPosition>,
    /// Why its last statement failed, if one did.
    failed: Option<Cause>,
    /// When the database was last waited for in vain.
    away: Option<Instant>,
}

/// Where in its group a writer stands. The first needs no part of its own: when it fails, nobody else is in the group
/// yet.
#[derive(Clone, Copy, PartialEq)]
enum GroupPosition {
    First,
    Later,
}

/// The one writing connection.
pub struct Writer {
    state: Arc<Mutex<WriterState>>,
    /// How many wait to begin.
    waiting: Arc<AtomicUsize>,
    counters: Arc<Counters>,
}

impl Writer {
    pub(super) fn new(connection: Connection, cache: Arc<Cache>, counters: Arc<Counters>) -> Self {
        let state = WriterState {
            connection,
            noted: Batch::default(),
            group: None,
            written: Tables::NONE,
            cache,
            unfinished: None,
            failed: None,
            away: None,
        };
        Self { state: Arc::new(Mutex::new(state)), waiting: Arc::default(), counters }
    }

    /// Waits for the connection and opens a transaction, or a part of the one that is open, together with the first
    /// statement. Where another process holds the database all who waited meanwhile have waited for it: one after the
    /// other they would each wait as long.
    pub(super) async fn begin(&self) -> Result<Txn, Failure> {
        let since = Instant::now();
        let mut guard = {
            let _place = QueuedWriter::of(&self.waiting);
            Arc::clone(&self.state).lock_owned().await
        };
        let holding = HoldTimer::begin(&self.counters);
        guard.undo().await;
        if guard.away.is_some_and(|away| away >= since) {
            return Err(Failure::new("waiting to write", "the database is away").by(Cause::Busy));
        }
        let (place, opening) = match guard.group {
            None => (GroupPosition::First, Control::BeginWrite),
            Some(_) => (GroupPosition::Later, Control::BeginPart),
        };
        guard.noted.control(opening);
        if guard.group.is_none() {
            guard.written = Tables::NONE;
            guard.group = Some(Group { ending: watch::channel(None).0 });
        }
        guard.unfinished = Some(place);
        let (state, waiting) = (Arc::clone(&self.state), Arc::clone(&self.waiting));
        let counters = Arc::clone(&self.counters);
        Ok(Txn { state, waiting, held: Some((guard, holding)), prefetched: Prefetched::default(), counters })
    }

    /// Carries what the log of the database holds over into its file, as far as readers let it: then the log begins
    /// again where it lies. Where that cannot be done, nothing is lost.
    pub(super) async fn carry_over(&self) {
        let mut guard = self.state.lock().await;
        guard.undo().await;
        if guard.group.is_none()
            && let Err(failure) = guard.connection.control(Control::CarryOver).await
        {
            tracing::debug!(%failure, "the log of the database stays as it is");
        }
    }

    /// Waits until what has been written so far is on disk. Whoever was refused because of what a neighbour wrote must
    /// not know of it sooner than readers do.
    pub(super) async fn settled(&self) -> Result<(), Failure> {
        let guard = Arc::clone(&self.state).lock_owned().await;
        together(&self.state, guard).await
    }
}

/// Lets others into the open group, if there is one, and commits it unless one of them has done so.
async fn together(state: &Mutex<WriterState>, mut guard: OwnedMutexGuard<WriterState>) -> Result<(), Failure> {
    guard.undo().await;
    let Some(ending) = guard.group.as_ref().map(|group| group.ending.subscribe()) else { return Ok(()) };
    drop(guard);
    let mut guard = state.lock().await;
    let ended = ending.borrow().clone();
    match ended {
        Some(Ok(())) => Ok(()),
        Some(Err((cause, text))) => Err(Failure::new("committing with others", text).by(cause)),
        None => {
            // A writer that died in the middle stands between us and the commit.
            guard.undo().await;
            guard.finish().await
        }
    }
}

/// A place in the line of those who wait to begin.
struct QueuedWriter<'a>(&'a AtomicUsize);

impl<'a> QueuedWriter<'a> {
    fn of(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for QueuedWriter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl WriterState {
    /// Takes back what an unfinished writer did.
    async fn undo(&mut self) {
        let Some(place) = self.unfinished.take() else { return };
        let failed = self.failed.take();
        let unopened = std::mem::take(&mut self.noted).is_opening();
        match place {
            GroupPosition::First => {
                self.group = None;
                self.away = failed.filter(|cause| *cause == Cause::Busy).map(|_| Instant::now());
                // It fails where the transaction could not be opened; if it failed otherwise, the next could not open.
                if !unopened {
                    let _ = self.connection.control(Control::Rollback).await;
                }
            }
            GroupPosition::Later if unopened => {}
            GroupPosition::Later => {
                let undone = self.connection.control(Control::UndoPart).await;
                if let Err(failure) = undone {
                    // The database has given up the whole transaction (a full disk): its members must know, and the
                    // next writer begins again.
                    let _ = self.connection.control(Control::Rollback).await;
                    let cause = failed.unwrap_or(failure.cause);
                    if let Some(group) = self.group.take() {
                        group.ending.send_replace(Some(Err((cause, failure.to_string()))));
                    }
                    tracing::warn!(%failure, ?cause, "a group of writes was lost");
                }
            }
        }
    }

    /// Runs what the present writer has noted.
    async fn run_noted(&mut self) -> Result<(), Failure> {
        let noted = std::mem::take(&mut self.noted);
        let result = self.connection.run(noted, "writing", |_| {}).await;
        result.inspect_err(|failure| self.failed = Some(failure.cause))
    }

    /// Commits a writer that nobody has joined, together with the last of its statements.
    async fn commit_alone(&mut self) -> Result<(), Failure> {
        let before = self.revision();
        self.noted.control(Control::Commit);
        let result = self.run_noted().await;
        match result {
            Ok(()) => {
                (self.unfinished, self.group) = (None, None);
                self.cache.committed(before, self.written);
            }
            Err(_) => self.undo().await,
        }
        result
    }

    /// What the database is, if nobody can change it but the transaction that is open.
    fn revision(&self) -> Option<Revision> {
        if self.noted.is_opening() { None } else { self.cache.revision() }
    }

    fn runs(&mut self, sql: Statement) {
        self.written = self.written.and(sql.writes);
    }

    /// Commits the open group, if there is one, and notifies its members.
    async fn finish(&mut self) -> Result<(), Failure> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let before = self.revision();
        let result = self.connection.control(Control::Commit).await;
        self.cache.committed(before, self.written);
        if result.is_err() {
            // A failed COMMIT may leave the transaction open; ROLLBACK of one that is closed fails without harm.
            let _ = self.connection.control(Control::Rollback).await;
        }
        group
            .ending
            .send_replace(Some(result.as_ref().copied().map_err(|failure| (failure.cause, failure.to_string()))));
        result
    }
}

/// A write transaction. Dropped without [`Txn::commit`], it leaves nothing behind.
pub struct Txn {
    state: Arc<Mutex<WriterState>>,
    waiting: Arc<AtomicUsize>,
    held: Option<(OwnedMutexGuard<WriterState>, HoldTimer)>,
    prefetched: Prefetched,
    counters: Arc<Counters>,
}

impl Executor for Txn {
    async fn connection(&mut self, sql: Statement) -> Result<(&mut Connection, Option<&mut Batch>), Failure> {
        self.prefetched.clear();
        let state = self.state_asked();
        state.runs(sql);
        Ok((&mut state.connection, Some(&mut state.noted)))
    }

    fn failed(&mut self, failure: &Failure) {
        if !is_no_page(failure) {
            self.state_mut().failed = Some(failure.cause);
        }
    }

    fn counters(&self) -> &Counters {
        &self.counters
    }

    fn prefetched(&mut self) -> Option<&mut Prefetched> {
        Some(&mut self.prefetched)
    }
}

impl Txn {
    #[expect(clippy::expect_used, reason = "it is there until commit or drop, both of which consume the value")]
    fn held(&mut self) -> (&mut WriterState, &mut HoldTimer) {
        let (guard, holding) = self.held.as_mut().expect("a transaction in use holds its connection");
        (guard, holding)
    }

    fn state_mut(&mut self) -> &mut WriterState {
        self.held().0
    }

    /// The same for one more statement.
    fn state_asked(&mut self) -> &mut WriterState {
        let (state, holding) = self.held();
        holding.statements += 1;
        state
    }

    /// Has it held the others up for as long as one slice of long work may? Asked between its pieces; the rest is
    /// another change.
    pub fn is_long(&mut self) -> bool {
        self.held().1.is_long()
    }

    /// Notes a statement that answers no rows: it runs before anything is read, at the latest when the write ends.
    pub async fn note(&mut self, sql: Statement, arguments: &[Argument<'_>]) -> Result<(), Failure> {
        self.prefetched.clear();
        self.counters.add(1, 0);
        let state = self.state_asked();
        state.runs(sql);
        state.noted.add(sql.text, arguments)?;
        if state.noted.is_full() { state.run_noted().await } else { Ok(()) }
    }

    /// Leaves nothing behind, and lets others write, before it returns: whoever goes on with something long does not
    /// leave that to a task, which may have to wait until they wait.
    pub async fn give_up(mut self) {
        if let Some((mut guard, holding)) = self.held.take() {
            guard.undo().await;
            drop((guard, holding));
        }
    }

    /// Makes the changes durable: returns when they are on disk, together with those of neighbours in the group. Once
    /// begun it is carried through, whoever waits for it: the neighbours' changes end with it.
    pub async fn commit(mut self) -> Result<(), Failure> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let alone = held.0.unfinished == Some(GroupPosition::First) && self.waiting.load(Ordering::SeqCst) == 0;
        let ended = RunToCompletion::of(end(Arc::clone(&self.state), held, alone)).await;
        ended.map_err(|died| Failure::new("committing", died))?
    }
}

async fn end(
    state: Arc<Mutex<WriterState>>,
    (mut guard, holding): (OwnedMutexGuard<WriterState>, HoldTimer),
    alone: bool,
) -> Result<(), Failure> {
    if alone {
        return guard.commit_alone().await;
    }
    if guard.unfinished == Some(GroupPosition::Later) {
        guard.noted.control(Control::EndPart);
    }
    if let Err(failure) = guard.run_noted().await {
        guard.undo().await;
        return Err(failure);
    }
    guard.unfinished = None;
    drop(holding);
    together(&state, guard).await
}

impl Drop for Txn {
    fn drop(&mut self) {
        let Some((mut guard, holding)) = self.held.take() else { return };
        // Undo now rather than at the next write, which may be long in coming: the database is locked until then.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                guard.undo().await;
                drop(holding);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::store::Store;
    use crate::store::principal::{insert_setting, setting};
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn a_commit_that_has_begun_ends_whoever_waits_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), true).await.expect("a store");
        let mut txn = store.write().await.expect("a transaction");
        insert_setting(&mut txn, "name", "set").await.expect("noted");
        // A neighbour waits to write, so that they would commit as a group; then it writes nothing.
        let mut neighbour = Box::pin(store.write());
        assert!(neighbour.as_mut().now_or_never().is_none());
        let _ = txn.commit().now_or_never();
        drop(neighbour.await.expect("a transaction"));
        for _ in 0..100 {
            let mut view = store.read().await.expect("a view");
            if setting(&mut view, "name").await.expect("an answer").is_some() {
                return;
            }
            drop(view);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the change is neither there nor undone");
    }

    #[tokio::test]
    async fn who_gives_up_lets_others_write_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), true).await.expect("a store");
        let mut txn = store.write().await.expect("a transaction");
        insert_setting(&mut txn, "name", "set").await.expect("noted");
        assert!(setting(&mut txn, "name").await.expect("an answer").is_some());
        txn.give_up().await;
        let next = store.write().now_or_never().expect("the connection is free");
        let mut next = next.expect("a transaction");
        assert!(setting(&mut next, "name").await.expect("an answer").is_none());
    }
}
