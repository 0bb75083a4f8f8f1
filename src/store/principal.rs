//! Statements on `principal`, `address`, `ace`, `home` (as rows of administration) and `setting`.

use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::statement::tables::{
    ACE, ADDRESS, BOOKABLE_BY, DEVICE, FEED, HOME, INVITATION, INVITEE, LOCK, MEMBERSHIP, NOTIFICATION, PERSONAL_PART,
    PRINCIPAL, ROOM, SETTING,
};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::calendar::BusyAudience;
use crate::model::error::Failure;
use crate::model::filename::match_name;
use crate::model::id::{Id, Timestamp};
use crate::model::principal::{Principal, PrincipalKind};

const COLUMNS: usize = 6;
/// How many [`principal_columns!`] there are.
pub(super) const PRINCIPAL_COLUMNS: usize = COLUMNS + 2;

/// Columns of a principal `p`, as [`whole_principal_of`] reads them.
macro_rules! principal_columns {
    () => {
        "p.id, p.kind, p.name, p.display_name, p.disabled_at, p.closed_at, (SELECT MIN(a.uri) FROM address a WHERE \
         a.principal_id = p.id), (SELECT COUNT(*) FROM room r WHERE r.principal_id = p.id AND r.kind = 'resource')"
    };
}
pub(super) use principal_columns;

/// The name of a principal of this alias, who may have been removed: then the one that nobody bears, for somebody else
/// may have the other by now.
macro_rules! lasting_name {
    ($of:literal) => {
        concat!("CASE WHEN ", $of, ".match_name LIKE '%/%' THEN ", $of, ".match_name ELSE ", $of, ".name END")
    };
}
pub(super) use lasting_name;

/// Reads [`principal_columns!`].
pub(super) fn whole_principal_of(row: &Row) -> Principal {
    Principal { is_resource: row.integer(COLUMNS + 1) != 0, ..principal_of(row) }
}

/// Reads the first columns of a principal.
pub(super) fn principal_of(row: &Row) -> Principal {
    Principal {
        id: Id(row.integer(0)),
        kind: PrincipalKind::from_code(&row.text(1)).unwrap_or(PrincipalKind::Person),
        name: row.text(2),
        display_name: row.text(3),
        addresses: row.optional_text(COLUMNS).into_iter().collect(),
        disabled_at: row.optional_integer(4),
        closed_at: row.optional_integer(5),
        is_resource: false,
    }
}

/// The e-mail address as kept: a folded `mailto:` URI.
pub fn mailto(address: &str) -> String {
    format!("mailto:{}", match_name(address))
}

/// The principal of this name.
pub async fn by_name(c: &mut impl Executor, name: &str) -> Result<Option<Principal>, Failure> {
    Ok(row(c, BY_NAME, arguments![match_name(name).as_str()]).await?.as_ref().map(whole_principal_of))
}

/// The principal of this identifier.
pub async fn by_id(c: &mut impl Executor, id: Id) -> Result<Option<Principal>, Failure> {
    Ok(row(c, BY_ID, arguments![id]).await?.as_ref().map(whole_principal_of))
}

/// Principals in the order of their folded names, after `after`; all kinds, or one. What was removed bears a name with
/// a slash, and is not among them.
pub async fn list(
    c: &mut impl Executor,
    kind: Option<PrincipalKind>,
    after: &str,
    limit: i64,
) -> Result<Vec<Principal>, Failure> {
    let found = rows(c, LIST, arguments![after, kind.map(PrincipalKind::code), limit]).await?;
    Ok(found.iter().map(whole_principal_of).collect())
}

/// Writes a principal and its addresses.
pub async fn insert(c: &mut Txn, principal: &Principal, now: Timestamp) -> Result<(), Failure> {
    let folded = match_name(&principal.name);
    let arguments =
        arguments![principal.id, principal.kind.code(), &principal.name, &folded, &principal.display_name, now];
    c.note(INSERT, arguments).await?;
    for uri in &principal.addresses {
        c.note(INSERT_ADDRESS, arguments![uri, principal.id]).await?;
    }
    Ok(())
}

/// Whose address is this?
pub async fn by_address(c: &mut impl Executor, uri: &str) -> Result<Option<String>, Failure> {
    Ok(row(c, BY_ADDRESS, arguments![uri]).await?.map(|row| row.text(0)))
}

/// Sets or clears since when a person may not log in.
pub async fn set_disabled(c: &mut Txn, principal: Id, at: Option<Timestamp>) -> Result<(), Failure> {
    c.note(SET_DISABLED, arguments![principal, at]).await?;
    Ok(())
}

/// Sets since when a project is closed.
pub async fn set_closed(c: &mut Txn, principal: Id, at: Option<Timestamp>) -> Result<(), Failure> {
    c.note(SET_CLOSED, arguments![principal, at]).await?;
    Ok(())
}

/// Sets the shown name.
pub async fn set_display_name(c: &mut Txn, principal: Id, display_name: &str) -> Result<(), Failure> {
    c.note(SET_DISPLAY_NAME, arguments![principal, display_name]).await
}

/// Sets the one address.
pub async fn set_address(c: &mut Txn, principal: Id, uri: &str) -> Result<(), Failure> {
    c.note(DELETE_ADDRESSES, arguments![principal]).await?;
    c.note(INSERT_ADDRESS, arguments![uri, principal]).await
}

/// Sets the account password.
pub async fn set_password(c: &mut Txn, principal: Id, phc: &str) -> Result<(), Failure> {
    c.note(SET_PASSWORD, arguments![principal, phc]).await?;
    Ok(())
}

/// Takes from a principal everything that gives access: passwords, addresses, roles, groups, locks. The row stays under
/// a name that nobody can take or log in with, for documents name their authors; where it was one of few who may book a
/// room it stays so, or the room would be open to all. `group::settle` of it, and of who
/// was in it, follows.
pub async fn retire(c: &mut Txn, principal: Id, retired_name: &str, now: Timestamp) -> Result<(), Failure> {
    for sql in RETIRE_FROM {
        c.note(sql, arguments![principal]).await?;
    }
    c.note(RETIRE, arguments![principal, retired_name, now]).await?;
    Ok(())
}

/// A log-in found by name or address.
pub struct Login {
    /// Who.
    pub principal: Principal,
    /// The account password, argon2id in PHC form.
    pub password_hash: Option<String>,
}

/// The person who logs in as this, by name or by e-mail address.
pub async fn login(c: &mut impl Executor, login: &str) -> Result<Option<Login>, Failure> {
    let found = row(c, LOGIN, arguments![match_name(login).as_str(), mailto(login).as_str()]).await?;
    Ok(found.map(|row| Login {
        principal: Principal { addresses: Vec::new(), ..principal_of(&row) },
        password_hash: row.optional_text(COLUMNS),
    }))
}

/// Writes the row of a home that holds so many bytes.
pub async fn insert_home(
    c: &mut Txn,
    home: Id,
    principal: Id,
    used_bytes: i64,
    quota_bytes: Option<i64>,
) -> Result<(), Failure> {
    c.note(INSERT_HOME, arguments![home, principal, quota_bytes, used_bytes]).await?;
    Ok(())
}

/// The shown name of a principal, also of one that was removed.
pub async fn display_name(c: &mut impl Executor, principal: Id) -> Result<Option<String>, Failure> {
    Ok(row(c, DISPLAY_NAME, arguments![principal]).await?.map(|row| row.text(0)))
}

/// The home of a principal.
pub async fn home(c: &mut impl Executor, principal: Id) -> Result<Option<Id>, Failure> {
    Ok(row(c, HOME_OF, arguments![principal]).await?.map(|row| Id(row.integer(0))))
}

/// Who learns when a principal is busy.
pub async fn busy_audience(c: &mut impl Executor, principal: Id) -> Result<BusyAudience, Failure> {
    let found = row(c, BUSY_AUDIENCE, arguments![principal]).await?;
    Ok(found.map_or(BusyAudience::Granted, |row| BusyAudience::from_number(row.integer(0))))
}

/// Others learn it from now on.
pub async fn set_busy_audience(c: &mut Txn, principal: Id, audience: BusyAudience) -> Result<(), Failure> {
    c.note(SET_BUSY_AUDIENCE, arguments![principal, audience.number()]).await
}

/// A setting of the database itself.
pub async fn setting(c: &mut impl Executor, name: &str) -> Result<Option<String>, Failure> {
    let found = row(c, SETTING_NAMED, arguments![name]).await?;
    Ok(found.map(|row| row.text(0)))
}

/// Writes a setting that is not there yet.
pub async fn insert_setting(c: &mut Txn, name: &str, value: &str) -> Result<(), Failure> {
    c.note(INSERT_SETTING, arguments![name, value]).await?;
    Ok(())
}

statements! {
    const RETIRE_FROM: [Statement; 13] = [
        writes(&[DEVICE], &[], "DELETE FROM device WHERE principal_id = $1"),
        DELETE_ADDRESSES,
        writes(&[ACE], &[], "DELETE FROM ace WHERE principal_id = $1"),
        writes(&[FEED], &[], "DELETE FROM feed WHERE principal_id = $1"),
        writes(&[INVITATION], &[], "DELETE FROM invitation WHERE sharee_id = $1"),
        writes(&[INVITEE], &[], "DELETE FROM invitee WHERE principal_id = $1"),
        writes(&[NOTIFICATION], &[], "DELETE FROM notification WHERE principal_id = $1"),
        writes(&[PERSONAL_PART], &[], "DELETE FROM personal_part WHERE principal_id = $1"),
        writes(&[LOCK], &[], "DELETE FROM lock WHERE principal_id = $1"),
        writes(&[MEMBERSHIP], &[], "DELETE FROM membership WHERE member_id = $1 OR group_id = $1"),
        writes(&[ROOM], &[], "UPDATE room SET manager_id = NULL WHERE manager_id = $1"),
        writes(&[BOOKABLE_BY], &[], "DELETE FROM bookable_by WHERE room_id = $1"),
        writes(&[ROOM], &[], "DELETE FROM room WHERE principal_id = $1"),
    ];
    const BY_NAME: Statement = reads(
        &[ADDRESS, PRINCIPAL, ROOM],
        concat!("SELECT ", principal_columns!(), " FROM principal p WHERE p.match_name = $1"),
    );
    const BY_ID: Statement = reads(
        &[ADDRESS, PRINCIPAL, ROOM],
        concat!("SELECT ", principal_columns!(), " FROM principal p WHERE p.id = $1"),
    );
    const LIST: Statement = reads(
        &[ADDRESS, PRINCIPAL, ROOM],
        concat!(
            "SELECT ",
            principal_columns!(),
            " FROM principal p WHERE p.match_name > $1 AND (CAST($2 AS TEXT) IS NULL OR p.kind = $2) AND \
             p.match_name NOT LIKE '%/%' ORDER BY p.match_name LIMIT $3"
        ),
    );
    const INSERT: Statement = writes(
        &[PRINCIPAL],
        &[],
        "INSERT INTO principal (id, kind, name, match_name, display_name, created_at) VALUES ($1, $2, $3, $4, $5, \
         $6)",
    );
    const INSERT_ADDRESS: Statement =
        writes(&[ADDRESS], &[], "INSERT INTO address (uri, principal_id) VALUES ($1, $2)");
    const BY_ADDRESS: Statement = reads(
        &[ADDRESS, PRINCIPAL],
        "SELECT p.name FROM address a JOIN principal p ON p.id = a.principal_id WHERE a.uri = $1",
    );
    const DELETE_ADDRESSES: Statement = writes(&[ADDRESS], &[], "DELETE FROM address WHERE principal_id = $1");
    const SET_DISPLAY_NAME: Statement =
        writes(&[PRINCIPAL], &[], "UPDATE principal SET display_name = $2 WHERE id = $1");
    const SET_DISABLED: Statement = writes(&[PRINCIPAL], &[], "UPDATE principal SET disabled_at = $2 WHERE id = $1");
    const SET_CLOSED: Statement = writes(&[PRINCIPAL], &[], "UPDATE principal SET closed_at = $2 WHERE id = $1");
    const SET_PASSWORD: Statement = writes(&[PRINCIPAL], &[], "UPDATE principal SET password_hash = $2 WHERE id = $1");
    const RETIRE: Statement = writes(
        &[PRINCIPAL],
        &[],
        "UPDATE principal SET match_name = $2, password_hash = NULL, disabled_at = $3 WHERE id = $1",
    );
    const LOGIN: Statement = reads(
        &[ADDRESS, PRINCIPAL],
        "SELECT p.id, p.kind, p.name, p.display_name, p.disabled_at, p.closed_at, p.password_hash FROM principal p \
         WHERE p.kind = 'person' AND (p.match_name = $1 OR p.id = (SELECT a.principal_id FROM address a WHERE a.uri \
         = $2))",
    );
    const INSERT_HOME: Statement = writes(
        &[HOME],
        &[],
        "INSERT INTO home (node_id, principal_id, seq, oldest_seq, used_bytes, quota_bytes) VALUES ($1, $2, 1, 0, \
         $4, $3)",
    );
    const DISPLAY_NAME: Statement = reads(&[PRINCIPAL], "SELECT display_name FROM principal WHERE id = $1");
    const BUSY_AUDIENCE: Statement = reads(&[HOME], "SELECT busy_times FROM home WHERE principal_id = $1");
    const SET_BUSY_AUDIENCE: Statement =
        writes(&[HOME], &[], "UPDATE home SET busy_times = $2 WHERE principal_id = $1");
    const HOME_OF: Statement = reads(&[HOME], "SELECT node_id FROM home WHERE principal_id = $1");
    const SETTING_NAMED: Statement = reads(&[SETTING], "SELECT value FROM setting WHERE name = $1");
    const INSERT_SETTING: Statement =
        writes(&[SETTING], &[], "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
}
