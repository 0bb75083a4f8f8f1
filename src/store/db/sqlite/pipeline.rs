//! Statements that go to SQLite in one trip: texts joined by semicolons, each placeholder with a value of its own.

use sqlx::error::BoxDynError;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Sqlite};

use super::super::{Argument, Control, Pipeline};
use crate::model::error::Failure;

/// The most statements that wait, and the most bytes of their arguments.
const MOST_STATEMENTS: usize = 64;
const MOST_BYTES: usize = 256 * 1024;

/// What `control` is here.
pub(super) fn text_of_control(control: Control) -> &'static str {
    match control {
        Control::BeginRead => "BEGIN",
        Control::BeginWrite => "BEGIN IMMEDIATE",
        Control::Commit => "COMMIT",
        Control::Rollback => "ROLLBACK",
        Control::BeginPart => "SAVEPOINT part",
        Control::EndPart => "RELEASE part",
        Control::UndoPart => "ROLLBACK TO part; RELEASE part",
        Control::CarryOver => "PRAGMA wal_checkpoint(PASSIVE)",
    }
}

/// Statements that go together.
#[derive(Default)]
pub struct JoinedStatements {
    sql: String,
    arguments: SqliteArguments,
    /// How many were added.
    added: usize,
    /// As how many statements it runs.
    statements: usize,
    bytes: usize,
    last: &'static str,
    opening: bool,
}

impl Pipeline for JoinedStatements {
    fn control(&mut self, control: Control) {
        self.opening |= self.is_empty() && control.begins();
        self.begin();
        self.sql.push_str(text_of_control(control));
    }

    fn add(&mut self, sql: &'static str, arguments: &[Argument<'_>]) -> Result<(), Failure> {
        let row = row_of(sql).filter(|_| sql == self.last);
        match row {
            Some(_) => self.sql.push(','),
            None => self.begin(),
        }
        self.last = sql;
        self.added += 1;
        // Each placeholder has a value of its own: the driver looks for those that are numbered among all of the text.
        let mut parts = row.unwrap_or(sql).split('$');
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = part.split_at(digits);
            let number = number.parse::<usize>().map_err(|e| Failure::new(sql, e))?;
            let argument = number.checked_sub(1).and_then(|place| arguments.get(place));
            let argument = *argument.ok_or_else(|| Failure::new(sql, "a placeholder without its value"))?;
            self.bytes += bind(&mut self.arguments, argument).map_err(|e| Failure::new(sql, e))?;
            self.sql.push('?');
            self.sql.push_str(rest);
        }
        Ok(())
    }

    fn is_opening(&self) -> bool {
        self.opening
    }

    fn statements(&self) -> usize {
        self.statements
    }

    fn is_full(&self) -> bool {
        self.added >= MOST_STATEMENTS || self.bytes >= MOST_BYTES
    }
}

impl JoinedStatements {
    /// Begins one more statement.
    fn begin(&mut self) {
        if !self.is_empty() {
            self.sql.push(';');
        }
        self.statements += 1;
        self.last = "";
    }

    pub(super) fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// Every text of a batch is made of constant ones; every value is an argument.
    pub(super) fn query(self) -> Query<'static, Sqlite, SqliteArguments> {
        sqlx::query_with(AssertSqlSafe(self.sql), self.arguments)
    }
}

/// The row of placeholders that a plain INSERT ends with.
fn row_of(sql: &'static str) -> Option<&'static str> {
    let (_, row) = sql.split_once(" VALUES ")?;
    (row.find(')')? + 1 == row.len()).then_some(row)
}

/// Binds one more value; its size.
fn bind(to: &mut SqliteArguments, argument: Argument<'_>) -> Result<usize, BoxDynError> {
    match argument {
        Argument::Integer(value) => to.add(value).map(|()| 8),
        Argument::Text(value) => to.add(value.to_owned()).map(|()| value.len()),
        Argument::Bytes(value) => to.add(value.to_owned()).map(|()| value.len()),
        Argument::Null => to.add(None::<i64>).map(|()| 8),
    }
}

#[cfg(test)]
mod tests {
    use super::{Argument, Control, JoinedStatements, Pipeline as _};

    #[test]
    fn rows_of_one_table_go_as_one_statement() {
        const ROW: &str = "INSERT INTO a (b, c, d) VALUES ($1, $2, $1)";
        const ELSE: &str = "INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET b = abs($1)";
        let mut batch = JoinedStatements::default();
        for (sql, arguments) in [(ROW, 2), (ROW, 2), (ELSE, 1), (ELSE, 1), (ROW, 2), ("DELETE FROM a", 0)] {
            batch.add(sql, &[Argument::Integer(7); 2][..arguments]).unwrap();
        }
        let upsert = "INSERT INTO a (b) VALUES (?) ON CONFLICT (b) DO UPDATE SET b = abs(?)";
        let row = "INSERT INTO a (b, c, d) VALUES (?, ?, ?)";
        assert_eq!(batch.sql, format!("{row},(?, ?, ?);{upsert};{upsert};{row};DELETE FROM a"));
        assert_eq!((batch.statements, batch.added), (5, 6));
        assert!(batch.add(ROW, &[Argument::Null]).is_err());
    }

    #[test]
    fn what_opens_a_transaction_is_known_as_long_as_it_waits() {
        let mut batch = JoinedStatements::default();
        batch.control(Control::BeginWrite);
        batch.add("DELETE FROM a", &[]).unwrap();
        batch.control(Control::Commit);
        assert_eq!(batch.sql, "BEGIN IMMEDIATE;DELETE FROM a;COMMIT");
        assert!(batch.is_opening() && !JoinedStatements::default().is_opening());
        let mut batch = JoinedStatements::default();
        batch.control(Control::EndPart);
        assert!(!batch.is_opening());
    }
}
