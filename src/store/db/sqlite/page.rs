//! Pages: rows that come as one JSON value, as the statements of [`super::text::rows_as_one`] answer.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::super::{Columns, Row};
use crate::model::error::Failure;

/// The rows that one value holds, and how many bytes it has.
pub fn read<T>(
    answer: &Row,
    context: &'static str,
    read: fn(&mut dyn Columns) -> T,
) -> Result<(Vec<T>, usize), Failure> {
    let text = answer.as_text(0).ok_or_else(|| Failure::new(context, "an answer without its page"))?;
    let mut page = serde_json::Deserializer::from_str(text);
    let rows = page.deserialize_seq(Rows(read)).map_err(|e| Failure::new(context, e))?;
    Ok((rows, text.len()))
}

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

/// The columns of a row of a page, and the first that could not be read. One of another type than asked reads as it
/// does in a [`Row`].
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
