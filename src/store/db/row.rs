//! Values that go to the database, and rows that come from it.

use std::sync::Arc;

use bytes::Bytes;

/// An argument of a statement.
#[derive(Clone, Copy)]
pub enum Argument<'a> {
    /// BIGINT.
    Integer(i64),
    /// TEXT.
    Text(&'a str),
    /// BYTEA.
    Bytes(&'a [u8]),
    /// NULL.
    Null,
}

impl From<i64> for Argument<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Argument<'_> {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<crate::model::id::Id> for Argument<'_> {
    fn from(value: crate::model::id::Id) -> Self {
        Self::Integer(value.0)
    }
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Argument<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Argument<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Argument<'a>>> From<Option<T>> for Argument<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The arguments of a statement, each turned into an [`Argument`].
macro_rules! arguments {
    ($($value:expr),* $(,)?) => { &[$($crate::store::db::row::Argument::from($value)),*] };
}
pub(crate) use arguments;

/// A row of an answer; columns are numbered from 0. One that is damaged reads as what is left of it, and as nothing
/// where its type leaves nothing: it harms itself, and not the rows beside it.
#[derive(Clone, Debug)]
pub struct Row(Arc<[Cell]>);

/// A value of a row.
#[derive(Clone, Debug)]
pub enum Cell {
    /// BIGINT.
    Integer(i64),
    /// TEXT.
    Text(String),
    /// BYTEA.
    Bytes(Bytes),
    /// NULL.
    Null,
}

impl Cell {
    fn integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(value) => Some(value.clone()),
            Self::Bytes(value) => Some(text_of(value.to_vec())),
            Self::Integer(value) => Some(value.to_string()),
            Self::Null => None,
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                Self::Integer(_) | Self::Null => 0,
            }
    }
}

impl Row {
    /// Of these values.
    pub fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into())
    }

    /// A BIGINT that is not NULL.
    pub fn integer(&self, column: usize) -> i64 {
        self.optional_integer(column).unwrap_or_default()
    }

    /// A BIGINT or NULL.
    pub fn optional_integer(&self, column: usize) -> Option<i64> {
        self.0.get(column).and_then(Cell::integer)
    }

    /// A TEXT that is not NULL.
    pub fn text(&self, column: usize) -> String {
        self.optional_text(column).unwrap_or_default()
    }

    /// A TEXT or NULL.
    pub fn optional_text(&self, column: usize) -> Option<String> {
        self.0.get(column).and_then(Cell::text)
    }

    /// A TEXT where it stands.
    pub fn as_text(&self, column: usize) -> Option<&str> {
        if let Some(Cell::Text(value)) = self.0.get(column) { Some(value) } else { None }
    }

    /// A BYTEA that is not NULL.
    pub fn bytes(&self, column: usize) -> Bytes {
        match self.0.get(column) {
            Some(Cell::Bytes(value)) => value.clone(),
            Some(Cell::Text(value)) => Bytes::copy_from_slice(value.as_bytes()),
            _ => Bytes::new(),
        }
    }

    /// Its columns from the first on.
    pub fn columns(&self) -> impl Columns {
        self.0.iter()
    }

    /// How much memory it takes, about.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.0.iter().map(Cell::bytes).sum::<usize>()
    }
}

/// A text; what is no UTF-8 in it is replaced.
pub(super) fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|damaged| String::from_utf8_lossy(damaged.as_bytes()).into_owned())
}

/// The columns of a row, one after the other.
pub trait Columns {
    /// A BIGINT or NULL.
    fn next_integer(&mut self) -> Option<i64>;

    /// A TEXT or NULL.
    fn next_text(&mut self) -> Option<String>;
}

impl Columns for std::slice::Iter<'_, Cell> {
    fn next_integer(&mut self) -> Option<i64> {
        self.next().and_then(Cell::integer)
    }

    fn next_text(&mut self) -> Option<String> {
        self.next().and_then(Cell::text)
    }
}

/// Arguments as a key: other arguments are another one.
pub fn key_of(arguments: &[Argument<'_>]) -> Vec<u8> {
    let mut key = Vec::with_capacity(arguments.len() * 9);
    for argument in arguments {
        let mut bytes = |tag: u8, value: &[u8]| {
            key.push(tag);
            key.extend_from_slice(&value.len().to_ne_bytes());
            key.extend_from_slice(value);
        };
        match argument {
            Argument::Integer(value) => bytes(1, &value.to_ne_bytes()),
            Argument::Text(value) => bytes(2, value.as_bytes()),
            Argument::Bytes(value) => bytes(3, value),
            Argument::Null => bytes(0, &[]),
        }
    }
    key
}
