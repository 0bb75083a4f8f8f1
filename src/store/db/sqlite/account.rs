//! For tests: the tables that SQLite itself says a statement reads and writes.

use std::collections::{BTreeSet, HashMap};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqliteConnection};

use super::{FILES, options};

/// SQLite's account of statements on a database of this schema.
pub struct Account {
    connection: SqliteConnection,
    /// The table that a tree of pages is of, or an index on it.
    tables: HashMap<i64, String>,
}

/// Names of tables.
pub type Names = BTreeSet<String>;

impl Account {
    /// Of a database that is there.
    pub async fn open(data: &std::path::Path) -> Self {
        // What keys refer to is looked at to keep that true, and not for the answer.
        let options = options(&data.join(FILES[0])).foreign_keys(false);
        let mut connection = options.connect().await.expect("a connection");
        let found = sqlx::query("SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0");
        let found = found.fetch_all(&mut connection).await.expect("the schema");
        let tables = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        Self { connection, tables }
    }

    /// What a statement reads, and what it writes.
    pub async fn of(&mut self, text: &'static str) -> (Names, Names) {
        let program = sqlx::query(AssertSqlSafe(format!("EXPLAIN {text}"))).fetch_all(&mut self.connection).await;
        let (mut reads, mut writes) = (Names::new(), Names::new());
        for step in program.unwrap_or_else(|error| panic!("{text}: {error}")) {
            let code: String = step.get("opcode");
            let (one, two): (i64, i64) = (step.get("p1"), step.get("p2"));
            let (names, root) = match code.as_str() {
                "OpenRead" | "ReopenIdx" => (&mut reads, two),
                "OpenWrite" => (&mut writes, two),
                "Clear" | "Destroy" => (&mut writes, one),
                _ => continue,
            };
            names.insert(self.tables.get(&root).unwrap_or_else(|| panic!("{text}: page {root}")).clone());
        }
        (reads, writes)
    }
}
