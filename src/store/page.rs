//! Pages: many rows that come as one value, as the statements of `paged!` answer; and those that are remembered.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::recall::{Key, State};
use super::sql::{Argument, Columns, Reading, Row, row};
use crate::model::error::Failure;

/// The columns of a row of a page, and the first that could not be read.
struct Line<A, E>(A, Option<E>);

impl<'de, A: SeqAccess<'de>> Line<A, A::Error> {
    fn next<T: Deserialize<'de>>(&mut self) -> Option<T> {
        match self.0.next_element::<Option<T>>() {
            Ok(column) => column.flatten(),
            Err(error) => {
                self.1.get_or_insert(error);
                None
            }
        }
    }
}

impl<'de, A: SeqAccess<'de>> Columns for Line<A, A::Error> {
    fn next_integer(&mut self) -> Option<i64> {
        self.next()
    }

    fn next_text(&mut self) -> Option<String> {
        self.next()
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

/// The rows of a page, each read by `read`, which takes every column in turn; and how many bytes they came in.
async fn fetch<T>(
    c: &mut impl Reading,
    sql: &'static str,
    arguments: &[Argument<'_>],
    read: fn(&mut dyn Columns) -> T,
) -> Result<(Vec<T>, usize), Failure> {
    let Some(answer) = row(c, sql, arguments).await? else { return Ok((Vec::new(), 0)) };
    let (rows, bytes) = read_page(&answer, sql, read)?;
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
        let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= rest.len());
        let (Some(key), Some(length)) = (key, length) else { return Err(Failure::new(sql, "bodies are cut short")) };
        // Each by itself, so that one that is remembered does not keep the others in memory.
        Ok((key, Bytes::copy_from_slice(&rest.split_to(length))))
    };
    keys.into_iter().map(body).collect()
}

/// All rows of the answer of a statement made by `paged!`, each read by `read`.
pub async fn page<T>(
    c: &mut impl Reading,
    sql: &'static str,
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
    sql: &'static str,
    arguments: &[Argument<'_>],
    read: fn(&mut dyn Columns) -> T,
) -> Result<Arc<Vec<T>>, Failure> {
    let key = Key::in_state(sql, arguments, state);
    if let Some(known) = c.recall().and_then(|recall| recall.look(&key)) {
        return Ok(known);
    }
    let (rows, bytes) = fetch(c, sql, arguments, read).await?;
    if !c.was_one_view() {
        return Err(Failure::new(sql, "something was changed meanwhile"));
    }
    let rows = Arc::new(rows);
    if let Some(recall) = c.recall() {
        recall.keep(key, Arc::clone(&rows), bytes + rows.len() * row_bytes);
    }
    Ok(rows)
}

/// A page of which nothing is remembered is read in a view, which cannot be overtaken by a change; elsewhere that fails.
pub fn readable(c: &impl Reading, sql: &'static str) -> Result<(), Failure> {
    let at_a_glance = c.recall().is_some() && !c.is_view();
    if at_a_glance { Err(Failure::new(sql, "it is not remembered")) } else { Ok(()) }
}
