//! Statements on who has a part in which projects: whom an actor may know of follows from it.

use super::db::arguments;
use super::db::text::listed;
use super::executor::{Executor, rows};
use super::held::until_for;
use super::members::listed_ids;
use super::statement::tables::{ACE, EFFECTIVE_MEMBERSHIP, HOME, PRINCIPAL};
use super::statement::{Statement, reads, statements};
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::principal::EVERYONE;
use crate::model::privilege::Role;

/// A part that an actor has in a project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProjectPart {
    /// The project.
    pub project: Id,
    /// Its home.
    pub home: Id,
    /// The role on all of it; `None`: on something in it.
    pub role: Option<Role>,
    /// Has everyone this part?
    pub of_everyone: bool,
    /// Has it ended?
    pub is_over: bool,
}

/// The parts that an actor has in projects, those that ended among them.
pub async fn parts(c: &mut impl Executor, actor: Id, now: Timestamp) -> Result<Vec<ProjectPart>, Failure> {
    let found = rows(c, PARTS, arguments![actor, EVERYONE]).await?;
    Ok(found
        .iter()
        .map(|row| ProjectPart {
            project: Id(row.integer(0)),
            home: Id(row.integer(1)),
            role: row.optional_integer(2).and_then(Role::from_rank),
            of_everyone: row.integer(3) != 0,
            is_over: row.optional_integer(4).is_some_and(|until| until <= now),
        })
        .collect())
}

/// Who has a role on all of some homes, groups and all who are in them; not who has it as everyone has.
pub async fn colleagues(c: &mut impl Executor, homes: &[Id], now: Timestamp) -> Result<Vec<Id>, Failure> {
    let found = rows(c, COLLEAGUES, arguments![&listed_ids(homes), EVERYONE]).await?;
    let held = found.iter().filter(|row| row.optional_integer(1).is_none_or(|until| until > now));
    Ok(held.map(|row| Id(row.integer(0))).collect())
}

statements! {
    const PARTS: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, HOME, PRINCIPAL],
        concat!(
            "SELECT h.principal_id, a.home_id, CASE WHEN a.node_id = a.home_id THEN a.role END, CASE WHEN \
             a.principal_id = $2 THEN 1 ELSE 0 END, ",
            until_for!("$1"),
            " FROM effective_membership m CROSS JOIN ace a CROSS JOIN home h CROSS JOIN principal p WHERE m.member_id \
             = $1 AND a.principal_id = m.group_id AND h.node_id = a.home_id AND p.id = h.principal_id AND p.kind = \
             'project'"
        ),
    );
    const COLLEAGUES: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP],
        concat!(
            "SELECT e.member_id, a.until_at FROM ",
            listed!("$1"),
            " l CROSS JOIN ace a CROSS JOIN effective_membership e WHERE a.node_id = l.value AND a.principal_id <> \
             $2 AND e.group_id = a.principal_id"
        ),
    );
}
