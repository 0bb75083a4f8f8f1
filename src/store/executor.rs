//! What statements run on, and how they are queried: answered from the cache, from what was fetched before, or by the
//! database.

use std::future::Future;

use super::cache::{Cache, CollectionState, Key, Lookup};
use super::counters::Counters;
use super::db::{Answer, Argument, Batch, Connection, Pipeline as _, Revision, Row, Session as _, key_of};
use super::statement::{Identity, Statement};
use crate::model::error::Failure;
use crate::model::node::Node;

/// What statements run on.
pub trait Executor: Send {
    /// Where statements are counted.
    fn counters(&self) -> &Counters;

    /// The connection, for a statement; and what was noted for it and runs before anything else does.
    fn connection(
        &mut self,
        sql: Statement,
    ) -> impl Future<Output = Result<(&mut Connection, Option<&mut Batch>), Failure>> + Send;

    /// A statement failed: a reading connection that may be broken must not be the next one's.
    fn failed(&mut self, _: &Failure) {}

    /// What is kept in memory; `None`: nothing is answered from there.
    fn cache(&self) -> Option<&Cache> {
        None
    }

    /// As of which revision any statement may be answered from the cache; `None`: none may.
    fn revision(&self) -> Option<Revision> {
        None
    }

    /// Has all that was read so far been as one view shows it? If not, what is made of it is torn.
    fn was_one_view(&mut self) -> bool {
        true
    }

    /// What was prefetched; `None`: nothing is.
    fn prefetched(&mut self) -> Option<&mut Prefetched> {
        None
    }
}

/// Lets the other tasks of this thread have their turn after many statements in one. Most answers are there before one
/// waits for them, so a task that queries much never waits; and between two tasks only does the runtime look at what
/// came over the network.
async fn take_turns() {
    tokio::task::coop::consume_budget().await;
}

/// A statement after those that are noted, and how many these are.
fn after(noted: Option<&mut Batch>, statements: &[Query<'_>]) -> Result<(Batch, usize), Failure> {
    let mut pipeline = noted.map(std::mem::take).unwrap_or_default();
    let before = pipeline.statements();
    for (sql, arguments) in statements {
        pipeline.add(sql.text, arguments)?;
    }
    Ok((pipeline, before))
}

/// Runs a statement now; the number of rows it touched.
pub async fn execute(c: &mut impl Executor, sql: Statement, arguments: &[Argument<'_>]) -> Result<u64, Failure> {
    take_turns().await;
    let (connection, noted) = c.connection(sql).await?;
    let mut touched = 0;
    // What was noted runs before: the last is the query itself.
    let count = |answer| {
        if let Answer::End(rows) = answer {
            touched = rows;
        }
    };
    let done = connection.run(after(noted, &[(sql, arguments)])?.0, sql.text, count).await;
    done.inspect_err(|failure| c.failed(failure))?;
    c.counters().add(1, 0);
    Ok(touched)
}

/// All rows of an answer. Statements bound their own number of rows.
pub async fn rows(c: &mut impl Executor, sql: Statement, arguments: &[Argument<'_>]) -> Result<Vec<Row>, Failure> {
    take_turns().await;
    if let Some(rows) = c.prefetched().and_then(|prefetched| prefetched.take(sql, arguments)) {
        return Ok(rows);
    }
    let miss = match (c.cache(), c.revision()) {
        (Some(cache), Some(revision)) => match cache.get_rows(sql, arguments, revision) {
            Ok(rows) => return Ok(rows),
            Err(miss) => Some(miss),
        },
        _ => None,
    };
    let (connection, noted) = c.connection(sql).await?;
    let mut rows = Vec::new();
    let keep = |answer| {
        if let Answer::Row(row) = answer {
            rows.push(row);
        }
    };
    let found = connection.run(after(noted, &[(sql, arguments)])?.0, sql.text, keep).await;
    found.inspect_err(|failure| c.failed(failure))?;
    c.counters().add(1, rows.len());
    if let (Some(miss), Some(cache)) = (miss, c.cache()) {
        cache.put_rows(miss, &rows);
    }
    Ok(rows)
}

/// The first row of an answer.
pub async fn row(c: &mut impl Executor, sql: Statement, arguments: &[Argument<'_>]) -> Result<Option<Row>, Failure> {
    Ok(rows(c, sql, arguments).await?.into_iter().next())
}

/// What is known of the members of a collection.
pub fn lookup<T: Clone + Send + Sync + 'static>(c: &impl Executor, key: &Key, of: &Node) -> Lookup<T> {
    c.cache().map_or(Lookup::Miss, |cache| cache.get_in(key, CollectionState::of(of)))
}

/// Keeps an answer to a question of the members of a collection that takes so many bytes. What a change has overtaken
/// may be of no state at all.
pub fn keep<T: Clone + Send + Sync + 'static>(c: &mut impl Executor, key: Key, of: &Node, answer: &T, bytes: usize) {
    if c.was_one_view()
        && let Some(cache) = c.cache()
    {
        cache.put_in(key, CollectionState::of(of), answer, bytes);
    }
}

/// A statement and its arguments.
pub type Query<'a> = (Statement, &'a [Argument<'a>]);

/// So many statements at most go in one trip.
pub const PREFETCHED: usize = 64;

/// Runs several statements that are needed next in one round trip, where that is worth while: each is answered from
/// here when it is asked, until something is written. The first may write.
pub async fn prefetch(c: &mut impl Executor, questions: &[Query<'_>]) -> Result<(), Failure> {
    let Some((sql, _)) = questions.first().filter(|_| c.prefetched().is_some()) else { return Ok(()) };
    take_turns().await;
    let (connection, noted) = c.connection(*sql).await?;
    let (pipeline, before) = after(noted, questions)?;
    let mut answers: Vec<Vec<Row>> = vec![Vec::new(); questions.len()];
    let mut ended = 0_usize;
    let sort = |answer| match answer {
        Answer::End(_) => ended += 1,
        Answer::Row(row) => {
            let rows = ended.checked_sub(before).and_then(|place| answers.get_mut(place));
            if let Some(rows) = rows {
                rows.push(row);
            }
        }
    };
    let done = connection.run(pipeline, sql.text, sort).await;
    done.inspect_err(|failure| c.failed(failure))?;
    c.counters().add(questions.len(), answers.iter().map(Vec::len).sum());
    if let Some(prefetched) = c.prefetched() {
        let answered = questions.iter().zip(answers);
        prefetched.0.extend(answered.map(|((sql, arguments), rows)| (sql.identity(), key_of(arguments), rows)));
    }
    Ok(())
}

/// Answers to statements that will be needed.
#[derive(Default)]
pub struct Prefetched(Vec<(Identity, Vec<u8>, Vec<Row>)>);

impl Prefetched {
    fn take(&mut self, sql: Statement, arguments: &[Argument<'_>]) -> Option<Vec<Row>> {
        if self.0.is_empty() {
            return None;
        }
        let key = key_of(arguments);
        let place = self.0.iter().position(|(known, of, _)| *known == sql.identity() && *of == key)?;
        Some(self.0.swap_remove(place).2)
    }

    /// Forgets all: something is written.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
