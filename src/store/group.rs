//! Statements on `membership` and what follows from it, `effective_membership`: who is in which group.

use super::db::arguments;
use super::executor::{Executor, execute, row, rows};
use super::principal::{principal_columns, whole_principal_of};
use super::statement::tables::{ADDRESS, EFFECTIVE_MEMBERSHIP, MEMBERSHIP, PRINCIPAL, ROOM};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::Id;
use crate::model::principal::Principal;

/// Adds a member to a group. [`settle`] of the member follows.
pub async fn add(c: &mut Txn, group: Id, member: Id) -> Result<(), Failure> {
    c.note(ADD, arguments![group, member]).await
}

/// Takes a member out of a group; `false` when it was none. [`settle`] of the member follows.
pub async fn remove(c: &mut Txn, group: Id, member: Id) -> Result<bool, Failure> {
    Ok(execute(c, REMOVE, arguments![group, member]).await? == 1)
}

/// Sets right of which groups a principal is, and all who are in it: for each new principal, and after each change.
pub async fn settle(c: &mut Txn, principal: Id) -> Result<(), Failure> {
    c.note(FORGET, arguments![principal]).await?;
    c.note(FOLLOW, arguments![principal]).await
}

/// Is a principal in a group, or the group itself?
pub async fn is_in(c: &mut impl Executor, member: Id, group: Id) -> Result<bool, Failure> {
    Ok(row(c, IS_IN, arguments![member, group]).await?.is_some())
}

/// The members that were added to a group, by name.
pub async fn members(c: &mut impl Executor, group: Id) -> Result<Vec<Principal>, Failure> {
    first_members(c, group, i64::MAX).await
}

/// The first so many of them.
pub async fn first_members(c: &mut impl Executor, group: Id, limit: i64) -> Result<Vec<Principal>, Failure> {
    Ok(rows(c, MEMBERS, arguments![group, limit]).await?.iter().map(whole_principal_of).collect())
}

/// The groups that a principal was added to, by name.
pub async fn groups_of(c: &mut impl Executor, member: Id) -> Result<Vec<Principal>, Failure> {
    Ok(rows(c, GROUPS_OF, arguments![member]).await?.iter().map(whole_principal_of).collect())
}

/// A principal, and all groups that it is in, by name.
pub async fn all_of(c: &mut impl Executor, member: Id) -> Result<Vec<Principal>, Failure> {
    Ok(rows(c, ALL_OF, arguments![member]).await?.iter().map(whole_principal_of).collect())
}

/// A principal `$1`, and all who are in it.
macro_rules! all_in {
    () => {
        "WITH RECURSIVE inside(id) AS (SELECT CAST($1 AS BIGINT) UNION SELECT m.member_id FROM inside i JOIN \
         membership m ON m.group_id = i.id)"
    };
}

statements! {
    const ADD: Statement = writes(
        &[MEMBERSHIP],
        &[],
        "INSERT INTO membership (group_id, member_id) VALUES ($1, $2) ON CONFLICT (group_id, member_id) DO NOTHING",
    );
    const REMOVE: Statement =
        writes(&[MEMBERSHIP], &[], "DELETE FROM membership WHERE group_id = $1 AND member_id = $2");
    const FORGET: Statement = writes(
        &[EFFECTIVE_MEMBERSHIP],
        &[MEMBERSHIP],
        concat!(
            all_in!(),
            " DELETE FROM effective_membership WHERE member_id IN (SELECT i.id FROM inside i)"
        ),
    );
    const FOLLOW: Statement = writes(
        &[EFFECTIVE_MEMBERSHIP],
        &[MEMBERSHIP],
        concat!(
            all_in!(),
            ", up(member_id, group_id) AS (SELECT i.id, i.id FROM inside i UNION SELECT u.member_id, m.group_id FROM \
             up u JOIN membership m ON m.member_id = u.group_id) INSERT INTO effective_membership (member_id, \
             group_id) SELECT u.member_id, u.group_id FROM up u"
        ),
    );
    const IS_IN: Statement = reads(
        &[EFFECTIVE_MEMBERSHIP],
        "SELECT 1 FROM effective_membership m WHERE m.member_id = $1 AND m.group_id = $2",
    );
    const MEMBERS: Statement = reads(
        &[ADDRESS, MEMBERSHIP, PRINCIPAL, ROOM],
        concat!(
            "SELECT ",
            principal_columns!(),
            " FROM membership m JOIN principal p ON p.id = m.member_id WHERE m.group_id = $1 ORDER BY p.match_name \
             LIMIT $2"
        ),
    );
    const GROUPS_OF: Statement = reads(
        &[ADDRESS, MEMBERSHIP, PRINCIPAL, ROOM],
        concat!(
            "SELECT ",
            principal_columns!(),
            " FROM membership m JOIN principal p ON p.id = m.group_id WHERE m.member_id = $1 ORDER BY p.match_name"
        ),
    );
    const ALL_OF: Statement = reads(
        &[ADDRESS, EFFECTIVE_MEMBERSHIP, PRINCIPAL, ROOM],
        concat!(
            "SELECT ",
            principal_columns!(),
            " FROM effective_membership m JOIN principal p ON p.id = m.group_id WHERE m.member_id = $1 ORDER BY \
             p.match_name"
        ),
    );
}
