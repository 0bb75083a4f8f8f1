//! Pages: many rows that come as one value, which costs one change of threads; and those that are kept.

use std::sync::Arc;

use bytes::Bytes;

use super::cache::{CollectionState, Key};
use super::db::{Argument, Columns, Connection, Row, Session as _};
use super::executor::{Executor, row, rows};
use super::statement::Statement;
use crate::model::error::Failure;

/// A statement that answers many rows as one value, made by [`paged!`].
#[derive(Clone, Copy)]
pub struct Paged {
    /// That statement.
    pub page: Statement,
    /// The same rows one by one: what is neither number nor text stands in no page.
    pub rows: Statement,
}

#[cfg(test)]
impl super::statement::Listed for Paged {
    fn list(&self, to: &mut Vec<Statement>) {
        to.extend([self.page, self.rows]);
    }
}

/// Makes a statement, which reads some tables, answer a page of rows as one value: the columns, which are integers and
/// texts, and where they come from.
macro_rules! paged {
    ($tables:expr, $columns:expr, $from:expr) => {
        crate::store::page::Paged {
            page: crate::store::statement::reads($tables, crate::store::db::text::rows_as_one!($columns, $from)),
            rows: crate::store::statement::reads($tables, concat!("SELECT ", $columns, " FROM (", $from, ") n")),
        }
    };
}
pub(super) use paged;

/// Did a question for a page meet a value that can stand in none?
pub fn is_no_page(failure: &Failure) -> bool {
    Connection::is_no_page(failure)
}

/// The rows of a page, each read by `read`, which takes every column in turn; and how many bytes they came in. A page
/// with a value that is damaged so far that none can be made of it is read row by row.
async fn fetch<T>(
    c: &mut impl Executor,
    sql: Paged,
    arguments: &[Argument<'_>],
    read: fn(&mut dyn Columns) -> T,
) -> Result<(Vec<T>, usize), Failure> {
    let answer = match row(c, sql.page, arguments).await {
        Err(failure) if is_no_page(&failure) => {
            let found = rows(c, sql.rows, arguments).await?;
            let bytes = found.iter().map(Row::size).sum();
            return Ok((found.iter().map(|row| read(&mut row.columns())).collect(), bytes));
        }
        answer => answer?,
    };
    let Some(answer) = answer else { return Ok((Vec::new(), 0)) };
    let (rows, bytes) = Connection::read_page(&answer, sql.page.text, read)?;
    c.counters().add(0, rows.len());
    Ok((rows, bytes))
}

/// The bodies that a statement made by `bodies_as_one!` answers, each with its key.
pub async fn bodies(
    c: &mut impl Executor,
    sql: Statement,
    arguments: &[Argument<'_>],
) -> Result<Vec<(String, Bytes)>, Failure> {
    let Some(answer) = row(c, sql, arguments).await? else { return Ok(Vec::new()) };
    let (keys, _) = Connection::read_page(&answer, sql.text, |from| (from.next_text(), from.next_integer()))?;
    c.counters().add(0, keys.len());
    let mut rest = answer.bytes(1);
    let body = |(key, length): (Option<String>, Option<i64>)| {
        // One that is damaged so far that it has no length has no bytes among the others.
        let length = usize::try_from(length.unwrap_or_default()).ok().filter(|length| *length <= rest.len());
        let (Some(key), Some(length)) = (key, length) else {
            return Err(Failure::new(sql.text, "bodies are cut short"));
        };
        // Each by itself, so that one that is kept does not keep the others in memory.
        Ok((key, Bytes::copy_from_slice(&rest.split_to(length))))
    };
    keys.into_iter().map(body).collect()
}

/// All rows of the answer of a statement made by `paged!`, each read by `read`.
pub async fn page<T>(
    c: &mut impl Executor,
    sql: Paged,
    arguments: &[Argument<'_>],
    read: fn(&mut dyn Columns) -> T,
) -> Result<Vec<T>, Failure> {
    Ok(fetch(c, sql, arguments, read).await?.0)
}

/// The same of a statement that reads nothing but the members of a collection, and of them only what no change leaves
/// as it is without raising the collection's number: read once while the collection is in that state. `row_bytes`: what
/// a row takes besides its texts.
pub async fn page_in<T: Send + Sync + 'static>(
    c: &mut impl Executor,
    state: CollectionState,
    row_bytes: usize,
    sql: Paged,
    arguments: &[Argument<'_>],
    read: fn(&mut dyn Columns) -> T,
) -> Result<Arc<Vec<T>>, Failure> {
    let key = Key::of_page_in(sql.page, arguments, state);
    if let Some(known) = c.cache().and_then(|cache| cache.get(&key)) {
        return Ok(known);
    }
    let (rows, bytes) = fetch(c, sql, arguments, read).await?;
    let rows = Arc::new(rows);
    if c.was_one_view()
        && let Some(cache) = c.cache()
    {
        cache.put(key, Arc::clone(&rows), bytes + rows.len() * row_bytes);
    }
    Ok(rows)
}
