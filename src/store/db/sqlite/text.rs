//! What statements are made of that is not standard SQL.

/// A table of the texts that one argument lists, made by [`crate::store::list::list`]; its column is `value`.
macro_rules! listed {
    ($argument:expr) => {
        concat!("json_each(", $argument, ")")
    };
}
pub(in crate::store) use listed;

/// A query that answers as one value the columns, which are integers and texts, of all rows of a table `n`.
macro_rules! rows_as_one {
    ($columns:expr, $from:expr) => {
        concat!("SELECT json_group_array(json_array(", $columns, ")) FROM (", $from, ") n")
    };
}
pub(in crate::store) use rows_as_one;

/// A query that answers bodies of a table `n` as one value: as [`rows_as_one`] which they are, with their lengths; and
/// all their bytes, one body after the other.
macro_rules! bodies_as_one {
    ($key:expr, $bytes:expr, $from:expr) => {
        concat!(
            concat!("SELECT json_group_array(json_array(", $key, ", OCTET_LENGTH(", $bytes, "))), "),
            concat!("CAST(group_concat(CAST(", $bytes, " AS TEXT), '') AS BLOB) FROM (", $from, ") n")
        )
    };
}
pub(in crate::store) use bodies_as_one;

/// The sum of integers, 0 of none. Of damaged rows too it is one: exact up to 2^53, and no more than 64 bits hold.
macro_rules! total {
    ($number:expr) => {
        concat!("CAST(TOTAL(", $number, ") AS BIGINT)")
    };
}
pub(in crate::store) use total;

/// A query for rows of a table with a value of another type than its column: of integers, texts, bytes. One bit of a
/// row says the type of a value, and the database takes any.
macro_rules! mistyped {
    ($table:literal, [$($integer:literal),* $(,)?], [$($text:literal),*], [$($bytes:literal),*]) => {
        concat!(
            "SELECT rowid, '", $table, "' FROM ", $table, " WHERE 1 = 0",
            $(" OR typeof(", $integer, ") NOT IN ('integer', 'null')",)*
            $(" OR typeof(", $text, ") NOT IN ('text', 'null')",)*
            $(" OR typeof(", $bytes, ") <> 'blob'",)*
            " LIMIT 100"
        )
    };
}
pub(in crate::store) use mistyped;

/// A query for rows of a table with an integer that is not between the bounds of its columns, and the name of the first
/// such column.
macro_rules! out_of_bounds {
    ($table:literal, $([$($column:literal),*] $least:literal $most:literal),*) => {
        concat!(
            "SELECT rowid, '", $table, "', CASE WHEN 1 = 0 THEN ''",
            $($(" WHEN ", $column, " NOT BETWEEN ", $least, " AND ", $most, " THEN '", $column, "'",)*)*
            " END FROM ", $table, " WHERE 1 = 0",
            $($(" OR ", $column, " NOT BETWEEN ", $least, " AND ", $most,)*)*
            " LIMIT 100"
        )
    };
}
pub(in crate::store) use out_of_bounds;

/// Asks for rows that refer to others which are not there: row, table, table of the others.
pub const REFERENCES: &str = "SELECT rowid, \"table\", parent FROM pragma_foreign_key_check LIMIT 100";

/// Asks the database to look at its own file; `ok` when it is sound.
pub const INTEGRITY: &str = "PRAGMA integrity_check(1)";
