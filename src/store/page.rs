//! Pages: many rows that come as one value, as the statements of `paged!` answer; and those that are remembered.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::cause::is_no_page;
use super::recall::{Key, State};
use super::sql::{Argument, Columns, Reading, Row, row, rows};
use crate::model::error::Failure;

/// A statement that answers many rows as one value, made by [`paged!`].
#[derive(Clone, Copy)]
pub struct Paged {
    /// That statement.
    pub page: &'static str,
    /// The same rows one by one: what is neither number nor text stands in no page.
    pub rows: &'static str,
}

/// Makes a statement answer a page of rows as one value: the columns, which are integers and texts, and where they come from. Rows that
/// come one by one cost a change of threads each.
macro_rules! paged {
    ($columns:expr, $from:expr) => {
        crate::store::page::Paged {
            page: concat!("SELECT json_group_array(json_array(", $columns, ")) FROM (", $from, ") n"),
            rows: concat!("SELECT ", $columns, " FROM (", $from, ") n"),
        }
    };
}
pub(super) use paged;

/// Makes a statement answer bodies as one value: which they are, with their lengths, as [`paged!`] answers; and all their bytes, one
/// body after the other.
macro_rules! joined {
    ($key:expr, $bytes:expr, $from:expr) => {
        concat!(
            concat!("SELECT json_group_array(json_array(", $key, ", OCTET_LENGTH(", $bytes, "))), "),
            concat!("CAST(group_concat(CAST(", $bytes, " AS TEXT), '') AS BLOB) FROM (", $from, ") n")
        )
    };
}
pub(super) use joined;

/// A column of a row of a page.
enum Column {
    Integer(i64),
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyColumn)
    }
}

struct AnyColumn;

impl Visitor<'_> for AnyColumn {
    type Value = Column;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Column, E> {
        Ok(Column::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Column, E> {
        Ok(i64::try_from(value).map_or(Column::Other, Column::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Column, E> {
        Ok(Column::Other)
    }

    fn visit_unit<E>(self) -> Result<Column, E> {
        Ok(Column::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<Column, E> {
        Ok(Column::Text(value.to_owned()))
    }
}

/// The columns of a row of a page, and the first that could not be read. One of another type than asked reads as it does in a
/// [`Row`].
struct Line<A, E>(A, Option<E>);

impl<'de, A: SeqAccess<'de>> Line<A, A::Error> {
    fn next(&mut self) -> Column {
        match self.0.next_element() {
            Ok(column) => column.unwrap_or(Column::Other),
            Err(error) => {
                self.1.get_or_insert(error);
                Column::Other
            }
        }
    }
}

impl<'de, A: SeqAccess<'de>> Columns for Line<A, A::Error> {
    fn next_integer(&mut self) -> Option<i64> {
        if let Column::Integer(value) = self.next() { Some(value) } else { None }
    }

    fn next_text(&mut self) -> Option<String> {
        match self.next() {
            Column::Text(value) => Some(value),
            Column::Integer(value) => Some(value.to_string()),
            Column::Other => None,
        }
    }
}

/// Reads all rows of a page, each by `read`, which takes every column.
struct Rows<T>(fn(&mut dyn Columns) -> T);

impl<'de, T> Visitor<'de> for Rows<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Vec<T>, A::Error> {
        let mut read = Vec::new();
        while let Some(row) = rows.next_element_seed(OneRow(self.0))? {
            read.push(row);
        }
        Ok(read)
    }
}

struct OneRow<T>(fn(&mut dyn Columns) -> T);

impl<'de, T> DeserializeSeed<'de> for OneRow<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T> Visitor<'de> for OneRow<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, columns: A) -> Result<T, A::Error> {
        let mut line = Line(columns, None);
        let read = (self.0)(&mut line);
        line.1.map_or(Ok(read), Err)
    }
}

/// The rows of a page, each read by `read`, which takes every column in turn; and how many bytes they came in. A page with a value
/// that is damaged so far that none can be made of it is read row by row.
async fn fetch<T>(
    c: &mut impl Reading,
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
    let (rows, bytes) = read_page(&answer, sql.page, read)?;
    c.asked().add(0, rows.len());
    Ok((rows, bytes))
}

/// The rows that one value tells.
fn read_page<T>(answer: &Row, sql: &'static str, read: fn(&mut dyn Columns) -> T) -> Result<(Vec<T>, usize), Failure> {
    let text = answer.as_text(0).ok_or_else(|| Failure::new(sql, "an answer without its page"))?;
    let mut page = serde_json::Deserializer::from_str(text);
    let rows = page.deserialize_seq(Rows(read)).map_err(|e| Failure::new(sql, e))?;
    Ok((rows, text.len()))
}

/// The bodies that a statement made by `joined!` answers, each with its key.
pub async fn bodies(
    c: &mut impl Reading,
    sql: &'static str,
    arguments: &[Argument<'_>],
) -> Result<Vec<(String, Bytes)>, Failure> {
    let Some(answer) = row(c, sql, arguments).await? else { return Ok(Vec::new()) };
    let (keys, _) = read_page(&answer, sql, |from| (from.next_text(), from.next_integer()))?;
    c.asked().add(0, keys.len());
    let mut rest = answer.bytes(1);
    let body = |(key, length): (Option<String>, Option<i64>)| {
        // One that is damaged so far that it has no length has no bytes among the others.
        let length = usize::try_from(length.unwrap_or_default()).ok().filter(|length| *length <= rest.len());
        let (Some(key), Some(length)) = (key, length) else { return Err(Failure::new(sql, "bodies are cut short")) };
        // Each by itself, so that one that is remembered does not keep the others in memory.
        Ok((key, Bytes::copy_from_slice(&rest.split_to(length))))
    };
    keys.into_iter().map(body).collect()
}

/// All rows of the answer of a statement made by `paged!`, each read by `read`.
pub async fn page<T>(
    c: &mut impl Reading,
    sql: Paged,
    arguments: &[Argument<'_>],
    read: fn(&mut dyn Columns) -> T,
) -> Result<Vec<T>, Failure> {
    Ok(fetch(c, sql, arguments, read).await?.0)
}

/// The same of a statement that reads nothing but the members of a collection, and of them only what no change leaves as
/// it is without raising the collection's number: read once while the collection is in that state. `row_bytes`: what a row
/// takes besides its texts. At a glance it fails if something was committed meanwhile: the state was that of before.
pub async fn page_in<T: Send + Sync + 'static>(
    c: &mut impl Reading,
    (state, row_bytes): (State, usize),
    sql: Paged,
    arguments: &[Argument<'_>],
    read: fn(&mut dyn Columns) -> T,
) -> Result<Arc<Vec<T>>, Failure> {
    let key = Key::in_state(sql.page, arguments, state);
    if let Some(known) = c.recall().and_then(|recall| recall.look(&key)) {
        return Ok(known);
    }
    let (rows, bytes) = fetch(c, sql, arguments, read).await?;
    if !c.was_one_view() {
        return Err(Failure::new(sql.page, "something was changed meanwhile"));
    }
    let rows = Arc::new(rows);
    if let Some(recall) = c.recall() {
        recall.keep(key, Arc::clone(&rows), bytes + rows.len() * row_bytes);
    }
    Ok(rows)
}

/// A page of which nothing is remembered is read in a view, which cannot be overtaken by a change; elsewhere that fails.
pub fn readable(c: &impl Reading, sql: Paged) -> Result<(), Failure> {
    let at_a_glance = c.recall().is_some() && !c.is_view();
    if at_a_glance { Err(Failure::new(sql.page, "it is not remembered")) } else { Ok(()) }
}
