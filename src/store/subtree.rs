//! Statements on all that stands below a node, each in one pass.

use super::sql::{Reading, arguments, row};
use crate::model::error::Failure;
use crate::model::id::Id;

/// Does something live stand more than so many levels below a node? Only collections are followed, each once, and none that
/// is deeper than need be.
pub async fn is_deeper(c: &mut impl Reading, top: Id, levels: i64) -> Result<bool, Failure> {
    let sql = "WITH RECURSIVE below(id, depth) AS (SELECT CAST($1 AS BIGINT), 0 UNION ALL SELECT n.id, b.depth + 1 \
               FROM below b CROSS JOIN node n WHERE n.parent_id = b.id AND n.hash IS NULL AND n.gone_at IS NULL \
               AND b.depth < $2) SELECT 1 FROM below b CROSS JOIN node n WHERE b.depth = $2 AND n.parent_id = b.id \
               AND n.gone_at IS NULL LIMIT 1";
    Ok(row(c, sql, arguments![top, levels]).await?.is_some())
}
