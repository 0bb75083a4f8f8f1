//! Statements on `ace`: who has which role where.
//!
//! A row says what was granted, and what of that is in force: no more than reader in a closed project, no longer than
//! a partner's part in the project. What is in force is all that other statements read; [`settle`] sets it right after
//! each change.

use super::db::{Row, arguments};
use super::executor::{Executor, execute, row, rows};
use super::held::{held_at, held_by};
use super::lock;
use super::principal::lasting_name;
use super::statement::tables::{ACE, EFFECTIVE_MEMBERSHIP, HOME, INVITATION, NODE, PRINCIPAL};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::principal::PrincipalKind;
use crate::model::privilege::Role;

/// Where a role comes from: one principal may have one of each on a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Origin {
    /// An administrator or a lead granted it.
    #[default]
    Granted,
    /// A person made someone a delegate.
    Delegated,
    /// It was offered from a client, and accepted.
    Shared,
}

/// Each with how listings spell it, in the order of their codes.
pub const ORIGINS: [(Origin, &str); 3] =
    [(Origin::Granted, "granted"), (Origin::Delegated, "delegated"), (Origin::Shared, "shared")];

impl Origin {
    fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|place| ORIGINS.get(place)).map(|(origin, _)| *origin)
    }

    /// As listings spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        ORIGINS.iter().find(|(origin, _)| *origin == self).map_or("granted", |(_, name)| name)
    }
}

/// A role on a node, as it is granted.
#[derive(Clone, Copy, Debug)]
pub struct NewGrant {
    /// Where.
    pub node: Id,
    /// The home of the node.
    pub home: Id,
    /// To whom.
    pub principal: Id,
    /// By what way.
    pub origin: Origin,
    /// Which.
    pub role: Role,
    /// Until when.
    pub until_at: Option<Timestamp>,
    /// Are private events seen, too? In what is a project's, whoever writes sees them, be it said here or not; in what
    /// is a person's, who was trusted with them.
    pub sees_private: bool,
    /// Who answers for a partner.
    pub sponsor: Option<Id>,
}

impl NewGrant {
    /// A role that is granted for as long as can be.
    #[must_use]
    pub fn of(role: Role, node: Id, home: Id, principal: Id) -> Self {
        let (origin, until_at, sees_private, sponsor) = (Origin::Granted, None, false, None);
        Self { node, home, principal, origin, role, until_at, sees_private, sponsor }
    }
}

/// A role granted on a node, as it is in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// To whom.
    pub principal: String,
    /// Shown name.
    pub display_name: String,
    /// A person or a group.
    pub kind: PrincipalKind,
    /// What.
    pub role: Role,
    /// Until when.
    pub until_at: Option<Timestamp>,
    /// By what way.
    pub origin: Origin,
    /// Are private events seen, too?
    pub sees_private: bool,
    /// Name of who answers for a partner; of who was removed one that nobody bears.
    pub sponsor: Option<String>,
}

/// Roles granted exactly on a node, by name.
pub async fn on(c: &mut impl Executor, node: Id) -> Result<Vec<Grant>, Failure> {
    let found = rows(c, ON, arguments![node]).await?;
    Ok(found
        .iter()
        .filter_map(|row| {
            Some(Grant {
                principal: row.text(0),
                display_name: row.text(1),
                kind: PrincipalKind::from_code(&row.text(2))?,
                role: Role::from_rank(row.integer(3))?,
                until_at: row.optional_integer(4),
                origin: Origin::from_code(row.integer(5))?,
                sees_private: row.integer(6) != 0,
                sponsor: row.optional_text(7),
            })
        })
        .collect())
}

/// A node or one above it, and a role that was granted there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantAbove {
    /// How far above: 0 is the node itself.
    pub height: usize,
    /// Its name.
    pub name: String,
    /// To whom what was granted; `None`: nothing.
    pub granted: Option<HeldRole>,
}

/// Who holds a role by a grant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldRole {
    /// Who.
    pub principal: Id,
    /// The name.
    pub name: String,
    /// A person, a group or something else.
    pub kind: PrincipalKind,
    /// Is it the owner of the home?
    pub is_owner: bool,
    /// What.
    pub role: Role,
    /// By what way.
    pub origin: Origin,
}

/// The node and all above it up to the root, each with every role that was granted there and is not over, by name.
pub async fn above(c: &mut impl Executor, node: Id, now: Timestamp) -> Result<Vec<GrantAbove>, Failure> {
    let found = rows(c, ABOVE, arguments![node]).await?;
    let held = |row: &Row| {
        Some(HeldRole {
            principal: Id(row.optional_integer(2)?),
            name: row.text(3),
            kind: PrincipalKind::from_code(&row.text(8)).unwrap_or(PrincipalKind::Person),
            is_owner: row.integer(4) != 0,
            role: Role::from_rank(row.integer(5))
                .filter(|_| row.optional_integer(6).is_none_or(|until| until > now))?,
            origin: Origin::from_code(row.integer(7))?,
        })
    };
    let each = found.iter().map(|row| GrantAbove {
        height: usize::try_from(row.integer(0)).unwrap_or_default(),
        name: row.text(1),
        granted: held(row),
    });
    Ok(each.collect())
}

/// Names of a principal's delegates who have a role, at a moment.
pub async fn delegates(
    c: &mut impl Executor,
    principal: Id,
    role: Role,
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let found = rows(c, DELEGATES, arguments![principal, now, role.rank(), Origin::Delegated as i64]).await?;
    Ok(found.iter().map(|row| row.text(0)).collect())
}

/// For whom an actor is a delegate, be it through a group, and in which role.
pub async fn delegators(c: &mut impl Executor, actor: Id, now: Timestamp) -> Result<Vec<(String, Role)>, Failure> {
    let found = rows(c, DELEGATORS, arguments![actor, now, Origin::Delegated as i64]).await?;
    Ok(found.iter().filter_map(|row| Some((row.text(0), Role::from_rank(row.integer(1))?))).collect())
}

/// Does an actor keep the calendars of an owner for them, at a moment: as a delegate who writes there?
pub async fn keeps_calendars(c: &mut impl Executor, actor: Id, owner: Id, now: Timestamp) -> Result<bool, Failure> {
    let arguments = arguments![actor, now, owner, Origin::Delegated as i64, Role::Member.rank()];
    Ok(row(c, KEEPS_CALENDARS, arguments).await?.is_some())
}

/// What was granted, be it in force or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Granted {
    /// What.
    pub role: Role,
    /// Until when.
    pub until_at: Option<Timestamp>,
}

/// What was granted to a principal on a node.
pub async fn granted(
    c: &mut impl Executor,
    node: Id,
    principal: Id,
    origin: Origin,
) -> Result<Option<Granted>, Failure> {
    let found = row(c, GRANTED, arguments![node, principal, origin as i64]).await?;
    Ok(found
        .and_then(|row| Some(Granted { role: Role::from_rank(row.integer(0))?, until_at: row.optional_integer(1) })))
}

/// Grants a role on a node, in place of one that came by the same way. [`settle`] follows.
pub async fn add(c: &mut Txn, grant: &NewGrant) -> Result<(), Failure> {
    let arguments = arguments![
        grant.node,
        grant.principal,
        grant.origin as i64,
        grant.home,
        grant.role.rank(),
        grant.until_at,
        grant.sees_private,
        grant.sponsor,
        Role::Member.rank()
    ];
    c.note(ADD, arguments).await
}

/// Takes a role back; `false` when there was none. [`settle`] follows.
pub async fn remove(c: &mut Txn, node: Id, principal: Id, origin: Origin) -> Result<bool, Failure> {
    Ok(execute(c, REMOVE, arguments![node, principal, origin as i64]).await? == 1)
}

/// Takes all roles of a principal on a node back, by whatever way they came; `false` when there was none. [`settle`]
/// follows.
pub async fn remove_on(c: &mut Txn, node: Id, principal: Id) -> Result<bool, Failure> {
    Ok(execute(c, REMOVE_ON, arguments![node, principal]).await? > 0)
}

/// Takes all roles of a principal in a home back, with what they were invited to there. [`settle`] follows.
pub async fn remove_all(c: &mut Txn, home: Id, principal: Id) -> Result<(), Failure> {
    c.note(REMOVE_ALL, arguments![home, principal]).await?;
    c.note(UNINVITE_ALL, arguments![home, principal]).await
}

/// Projects' homes in which a principal is a partner, be it through a group.
pub async fn partner_in(c: &mut impl Executor, principal: Id) -> Result<Vec<Id>, Failure> {
    Ok(rows(c, PARTNER_IN, arguments![principal, Role::Partner.rank()])
        .await?
        .iter()
        .map(|row| Id(row.integer(0)))
        .collect())
}

/// Takes back what is granted in a home to a principal, and to all who are in it, if they have no part in all of it any
/// more: what a partner may ends with that.
pub async fn remove_without_part(c: &mut Txn, home: Id, principal: Id) -> Result<(), Failure> {
    c.note(REMOVE_WITHOUT_PART, arguments![home, principal]).await?;
    c.note(UNINVITE_WITHOUT_PART, arguments![home, principal]).await
}

/// Principals, by their column, who are in `$2` and have no part in all of the home `$1`; what everyone has is none.
macro_rules! without_part {
    ($principal:literal) => {
        concat!(
            $principal,
            " IN (SELECT e.member_id FROM effective_membership e WHERE e.group_id = $2) AND NOT EXISTS (SELECT 1 FROM \
             effective_membership g CROSS JOIN ace p WHERE g.member_id = ",
            $principal,
            " AND g.group_id <> 0 AND p.node_id = $1 AND p.principal_id = g.group_id)"
        )
    };
}

/// The role of a row of `ace` that is in force: in a closed project no more than that of a reader, which has this rank.
macro_rules! role_in_force {
    ($reader:literal) => {
        concat!(
            "CASE WHEN ace.granted_role > ",
            $reader,
            " AND EXISTS (SELECT 1 FROM home h JOIN principal o ON o.id = h.principal_id WHERE h.node_id = \
             ace.home_id AND o.closed_at IS NOT NULL) THEN ",
            $reader,
            " ELSE ace.granted_role END"
        )
    };
}
pub(super) use role_in_force;

/// When a row of `ace` ends: no later than the part that its holder has in the project as a partner, of this rank.
macro_rules! until_in_force {
    ($partner:literal) => {
        concat!(
            "(SELECT MIN(e.until_at) FROM (SELECT ace.granted_until_at AS until_at UNION ALL SELECT \
             p.granted_until_at FROM ace p WHERE p.node_id = ace.home_id AND p.principal_id = ace.principal_id AND \
             p.granted_role = ",
            $partner,
            ") e WHERE e.until_at IS NOT NULL)"
        )
    };
}
pub(super) use until_in_force;

/// Sets right what is in force in a home after its roles changed, or it was closed or opened; and no lock outlasts the
/// role that it takes.
pub async fn settle(c: &mut Txn, home: Id) -> Result<(), Failure> {
    c.note(SETTLE, arguments![home, Role::Reader.rank(), Role::Partner.rank()]).await?;
    lock::end_with_roles(c, home).await
}

statements! {
    const ON: Statement = reads(
        &[ACE, PRINCIPAL],
        concat!(
            "SELECT p.name, p.display_name, p.kind, a.role, a.until_at, a.origin, a.sees_private, (SELECT ",
            lasting_name!("s"),
            " FROM principal s WHERE s.id = a.sponsor_id) FROM ace a JOIN principal p ON p.id = a.principal_id WHERE \
             a.node_id = $1 ORDER BY p.match_name, a.origin"
        ),
    );
    const ABOVE: Statement = reads(
        &[ACE, NODE, PRINCIPAL],
        "WITH RECURSIVE up(id, height) AS (SELECT CAST($1 AS BIGINT), 0 UNION ALL SELECT n.parent_id, u.height + 1 \
         FROM up u JOIN node n ON n.id = u.id WHERE n.parent_id IS NOT NULL) SELECT u.height, n.name, a.principal_id, \
         p.name, CASE WHEN a.principal_id = n.owner_id THEN 1 ELSE 0 END, a.role, a.until_at, a.origin, p.kind \
         FROM up u \
         JOIN node n ON n.id = u.id LEFT JOIN ace a ON a.node_id = u.id LEFT JOIN principal p ON p.id = a.principal_id \
         ORDER BY u.height, p.match_name, a.origin",
    );
    const GRANTED: Statement = reads(
        &[ACE],
        "SELECT granted_role, granted_until_at FROM ace WHERE node_id = $1 AND principal_id = $2 AND origin = $3",
    );
    const DELEGATES: Statement = reads(
        &[ACE, HOME, PRINCIPAL],
        "SELECT p.name FROM home h JOIN ace a ON a.home_id = h.node_id JOIN principal p ON p.id = a.principal_id \
         WHERE h.principal_id = $1 AND a.origin = $4 AND a.role = $3 AND (a.until_at IS NULL OR a.until_at > $2) \
         ORDER BY p.match_name",
    );
    const DELEGATORS: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, HOME, NODE, PRINCIPAL],
        concat!(
            "SELECT p.name, a.role FROM ace a JOIN home h ON h.node_id = a.home_id JOIN node n ON n.id = h.node_id \
             JOIN principal p ON p.id = h.principal_id WHERE a.origin = $3 AND n.gone_at IS NULL AND ",
            held_by!(),
            " ORDER BY p.match_name, a.role"
        ),
    );
    const KEEPS_CALENDARS: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, HOME],
        concat!(
            "SELECT 1 FROM home h JOIN ace a ON a.home_id = h.node_id WHERE h.principal_id = $3 AND a.origin = $4 AND \
             a.role >= $5 AND ",
            held_at!(),
            " LIMIT 1"
        ),
    );
    const ADD: Statement = writes(
        &[ACE],
        &[HOME, PRINCIPAL],
        "INSERT INTO ace (node_id, principal_id, origin, home_id, role, until_at, granted_role, granted_until_at, \
         sees_private, sponsor_id) VALUES ($1, $2, $3, $4, $5, $6, $5, $6, CASE WHEN $7 = 1 OR $5 >= $9 AND EXISTS \
         (SELECT 1 FROM home h JOIN principal p ON p.id = h.principal_id WHERE h.node_id = $4 AND p.kind <> \
         'person') THEN 1 ELSE 0 END, $8) ON CONFLICT (node_id, principal_id, origin) DO UPDATE SET role = \
         excluded.role, until_at = excluded.until_at, granted_role = excluded.granted_role, granted_until_at = \
         excluded.granted_until_at, sees_private = excluded.sees_private, sponsor_id = excluded.sponsor_id",
    );
    const REMOVE: Statement =
        writes(&[ACE], &[], "DELETE FROM ace WHERE node_id = $1 AND principal_id = $2 AND origin = $3");
    const REMOVE_ON: Statement = writes(&[ACE], &[], "DELETE FROM ace WHERE node_id = $1 AND principal_id = $2");
    const REMOVE_ALL: Statement = writes(&[ACE], &[], "DELETE FROM ace WHERE home_id = $1 AND principal_id = $2");
    const UNINVITE_ALL: Statement = writes(
        &[INVITATION],
        &[NODE],
        "DELETE FROM invitation WHERE sharee_id = $2 AND node_id IN (SELECT n.id FROM node n WHERE n.home_id = $1)",
    );
    const PARTNER_IN: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP],
        "SELECT DISTINCT a.home_id FROM effective_membership m CROSS JOIN ace a WHERE m.member_id = $1 AND \
         a.principal_id = m.group_id AND a.node_id = a.home_id AND a.role = $2",
    );
    const REMOVE_WITHOUT_PART: Statement = writes(
        &[ACE],
        &[ACE, EFFECTIVE_MEMBERSHIP],
        concat!("DELETE FROM ace WHERE home_id = $1 AND ", without_part!("ace.principal_id")),
    );
    const UNINVITE_WITHOUT_PART: Statement = writes(
        &[INVITATION],
        &[ACE, EFFECTIVE_MEMBERSHIP, NODE],
        concat!(
            "DELETE FROM invitation WHERE node_id IN (SELECT n.id FROM node n WHERE n.home_id = $1) AND ",
            without_part!("invitation.sharee_id")
        ),
    );
    const SETTLE: Statement = writes(
        &[ACE],
        &[ACE, HOME, PRINCIPAL],
        concat!(
            "UPDATE ace SET role = ",
            role_in_force!("$2"),
            ", until_at = ",
            until_in_force!("$3"),
            " WHERE home_id = $1"
        ),
    );
}
