//! Statements that look for damage: references that lead nowhere, sums that do not add up.

use super::sql::{self, arguments, row, rows};
use super::transaction::Reading;
use crate::model::error::Failure;
use crate::model::id::Id;

/// A rule that no row may break: what is wrong, and the statement that lists offenders (identifier, detail).
struct Rule {
    what: &'static str,
    sql: &'static str,
}

static RULES: [Rule; 9] = [
    Rule {
        what: "a node stands in a collection that is not there",
        sql: "SELECT n.id, n.name FROM node n LEFT JOIN node p ON p.id = n.parent_id \
              WHERE n.parent_id IS NOT NULL AND p.id IS NULL LIMIT 100",
    },
    Rule {
        what: "a node and its collection are of different homes",
        sql: "SELECT n.id, n.name FROM node n JOIN node p ON p.id = n.parent_id \
              WHERE n.kind <> 'home' AND n.gone_at IS NULL AND p.gone_at IS NULL AND n.home_id <> p.home_id LIMIT 100",
    },
    Rule {
        what: "a document has no content or a collection has some",
        sql: "SELECT id, name FROM node WHERE (kind = 'file') <> (hash IS NOT NULL) LIMIT 100",
    },
    Rule {
        what: "a node changed later than its home",
        sql: "SELECT n.id, n.name FROM node n JOIN home h ON h.node_id = n.home_id \
              WHERE n.seq > h.seq OR n.members_seq > h.seq LIMIT 100",
    },
    Rule {
        what: "a collection does not know of the last change of a member",
        sql: "SELECT p.id, p.name FROM node n JOIN node p ON p.id = n.parent_id WHERE n.gone_at IS NULL \
              AND n.kind <> 'home' AND (n.seq > p.members_seq OR n.members_seq > p.members_seq) LIMIT 100",
    },
    Rule {
        what: "the size of a collection is not the sum of its members",
        sql: "SELECT p.id, p.name FROM node p WHERE p.kind IN ('folder', 'documents') AND p.size <> (SELECT \
              CAST(COALESCE(SUM(n.size), 0) AS BIGINT) FROM node n WHERE n.parent_id = p.id AND n.gone_at IS NULL) LIMIT 100",
    },
    Rule {
        what: "the used bytes of a home are not the sum of its parts",
        sql: "SELECT h.node_id, t.name FROM home h JOIN node t ON t.id = h.node_id WHERE h.used_bytes <> (SELECT \
              CAST(COALESCE(SUM(n.size), 0) AS BIGINT) FROM node n WHERE n.parent_id = h.node_id AND n.gone_at IS NULL) \
              LIMIT 100",
    },
    Rule {
        what: "a lock stands on a node that is gone",
        sql: "SELECT n.id, n.name FROM lock l JOIN node n ON n.id = l.node_id WHERE n.gone_at IS NOT NULL LIMIT 100",
    },
    Rule {
        what: "a former state ended before it began",
        sql: "SELECT node_id, name FROM past WHERE from_seq >= to_seq LIMIT 100",
    },
];

/// Damage: what is wrong and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// What is wrong.
    pub what: String,
    /// The node, body or row.
    pub at: String,
}

/// Everything that breaks a rule, at most a hundred of each.
pub async fn references(c: &mut impl Reading) -> Result<Vec<Damage>, Failure> {
    let mut damages = Vec::new();
    for rule in &RULES {
        for row in rows(c.connection(), rule.sql, arguments![]).await? {
            damages.push(Damage { what: rule.what.to_owned(), at: format!("{} ({})", row.text(1), row.integer(0)) });
        }
    }
    Ok(damages)
}

/// What the database itself finds wrong with its file.
pub async fn database(c: &mut impl Reading) -> Result<Option<String>, Failure> {
    let found = row(c.connection(), sql::INTEGRITY, arguments![]).await?;
    Ok(found.map(|row| row.text(0)).filter(|text| text != "ok"))
}

/// A document that has or had this content: its identifier and name.
pub async fn bearer(c: &mut impl Reading, hash: &str) -> Result<Option<(Id, String)>, Failure> {
    let sql = "SELECT id, name FROM node WHERE hash = $1 UNION SELECT node_id, name FROM past WHERE hash = $1 LIMIT 1";
    Ok(row(c.connection(), sql, arguments![hash]).await?.map(|row| (Id(row.integer(0)), row.text(1))))
}
