//! Statements on `device`: passwords of devices, what they open, when they were last used.

use super::db::{Row, arguments};
use super::executor::{Executor, execute, row, rows};
use super::principal::{mailto, principal_of};
use super::statement::tables::{ADDRESS, DEVICE, PRINCIPAL};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::filename::match_name;
use crate::model::id::{Id, Timestamp};
use crate::model::principal::{Device, DeviceScope, Principal};

/// Columns of a device `d`.
macro_rules! columns {
    () => {
        "d.label, d.scope, d.project_id, (SELECT o.name FROM principal o WHERE o.id = d.project_id), d.read_only, \
         CASE WHEN d.digest_secret IS NULL THEN 0 ELSE 1 END, d.created_at, d.used_at, d.used_from, d.used_by, \
         d.expires_at"
    };
}

/// The column behind those of a device and whose it is.
const DIGEST_SECRET: usize = 19;
/// So many devices of a person log in by HTTP Digest: each request is held to all of them.
pub const MAX_DIGEST: i64 = 50;

/// What is kept of a device password.
pub struct DeviceSecret<'a> {
    /// The hash of its characters.
    pub hash: &'a str,
    /// The characters themselves, of a device that logs in by HTTP Digest.
    pub digest: Option<&'a str>,
}

/// A device, and whose it is.
pub struct OwnedDevice {
    /// Whose.
    pub person: Principal,
    /// Its identifier.
    pub id: Id,
    /// The device.
    pub device: Device,
}

/// The device whose secret has this hash, if it belongs to whom `login` names.
pub async fn by_secret(c: &mut impl Executor, secret_hash: &str, login: &str) -> Result<Option<OwnedDevice>, Failure> {
    let (folded, uri) = (match_name(login), mailto(login));
    Ok(row(c, BY_SECRET, arguments![&folded, &uri, secret_hash]).await?.as_ref().and_then(owned))
}

/// The devices of whom `login` names that log in by HTTP Digest, with the characters of their passwords.
pub async fn of_digest(c: &mut impl Executor, login: &str) -> Result<Vec<(OwnedDevice, String)>, Failure> {
    let (folded, uri) = (match_name(login), mailto(login));
    let found = rows(c, OF_DIGEST, arguments![&folded, &uri, MAX_DIGEST]).await?;
    Ok(found.iter().filter_map(|row| Some((owned(row)?, row.text(DIGEST_SECRET)))).collect())
}

/// How many devices of a person log in by HTTP Digest.
pub async fn count_digest(c: &mut impl Executor, person: Id) -> Result<i64, Failure> {
    Ok(row(c, COUNT_DIGEST, arguments![person]).await?.map_or(0, |row| row.integer(0)))
}

fn owned(row: &Row) -> Option<OwnedDevice> {
    Some(OwnedDevice { person: principal_of(row), id: Id(row.integer(7)), device: device_of(row, 8)? })
}

fn device_of(row: &Row, first: usize) -> Option<Device> {
    let project = row.optional_integer(first + 2).map(|id| (Id(id), row.optional_text(first + 3).unwrap_or_default()));
    Some(Device {
        label: row.text(first),
        scope: DeviceScope::from_code(row.integer(first + 1))?,
        project,
        read_only: row.integer(first + 4) != 0,
        digest: row.integer(first + 5) != 0,
        created_at: row.integer(first + 6),
        used_at: row.optional_integer(first + 7),
        used_from: row.optional_text(first + 8),
        used_by: row.optional_text(first + 9),
        expires_at: row.optional_integer(first + 10),
    })
}

/// A person's devices, by label.
pub async fn of_person(c: &mut impl Executor, person: Id) -> Result<Vec<Device>, Failure> {
    let found = rows(c, OF_PERSON, arguments![person]).await?;
    Ok(found.iter().filter_map(|row| device_of(row, 0)).collect())
}

/// Writes a device; `false` when the person has one of this label.
pub async fn insert(c: &mut Txn, person: Id, device: &Device, secret: DeviceSecret<'_>) -> Result<bool, Failure> {
    let arguments = arguments![
        Id::generate(),
        person,
        &device.label,
        secret.hash,
        device.scope.code(),
        device.read_only,
        device.created_at,
        device.expires_at,
        device.project.as_ref().map(|(id, _)| *id),
        secret.digest
    ];
    Ok(execute(c, INSERT, arguments).await? == 1)
}

/// Removes a device; `false` when there is none of this label.
pub async fn delete(c: &mut Txn, person: Id, label: &str) -> Result<bool, Failure> {
    Ok(execute(c, DELETE, arguments![person, label]).await? == 1)
}

/// Does a log-in of a person still hold: may they log in, and is the device theirs and not over?
pub async fn login_holds(
    c: &mut impl Executor,
    person: Id,
    device: Option<Id>,
    now: Timestamp,
) -> Result<bool, Failure> {
    Ok(row(c, LOGIN_HOLDS, arguments![person, device, now]).await?.is_some())
}

/// Notes when a device was used, from which address and by which program.
pub async fn touch(c: &mut Txn, device: Id, at: Timestamp, from: &str, by: &str) -> Result<(), Failure> {
    c.note(TOUCH, arguments![device, at, from, by]).await
}

statements! {
    const BY_SECRET: Statement = reads(
        &[ADDRESS, DEVICE, PRINCIPAL],
        concat!(
            "SELECT p.id, p.kind, p.name, p.display_name, p.disabled_at, p.closed_at, NULL, d.id, ",
            columns!(),
            " FROM device d JOIN principal p ON p.id = d.principal_id WHERE d.secret_hash = $3 AND (p.match_name = \
             $1 OR p.id = (SELECT a.principal_id FROM address a WHERE a.uri = $2))"
        ),
    );
    const OF_DIGEST: Statement = reads(
        &[ADDRESS, DEVICE, PRINCIPAL],
        concat!(
            "SELECT p.id, p.kind, p.name, p.display_name, p.disabled_at, p.closed_at, NULL, d.id, ",
            columns!(),
            ", d.digest_secret FROM device d JOIN principal p ON p.id = d.principal_id WHERE d.digest_secret IS NOT \
             NULL AND (p.match_name = $1 OR p.id = (SELECT a.principal_id FROM address a WHERE a.uri = $2)) ORDER BY \
             d.id LIMIT $3"
        ),
    );
    const COUNT_DIGEST: Statement = reads(
        &[DEVICE],
        "SELECT COUNT(*) FROM device WHERE principal_id = $1 AND digest_secret IS NOT NULL",
    );
    const OF_PERSON: Statement = reads(
        &[DEVICE, PRINCIPAL],
        concat!("SELECT ", columns!(), " FROM device d WHERE d.principal_id = $1 ORDER BY d.label"),
    );
    const INSERT: Statement = writes(
        &[DEVICE],
        &[],
        "INSERT INTO device (id, principal_id, label, secret_hash, scope, read_only, created_at, expires_at, \
         project_id, digest_secret) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (principal_id, \
         label) DO NOTHING",
    );
    const DELETE: Statement = writes(&[DEVICE], &[], "DELETE FROM device WHERE principal_id = $1 AND label = $2");
    const LOGIN_HOLDS: Statement = reads(
        &[DEVICE, PRINCIPAL],
        "SELECT 1 FROM principal p WHERE p.id = $1 AND p.disabled_at IS NULL AND (CAST($2 AS BIGINT) IS NULL OR \
         EXISTS (SELECT 1 FROM device d WHERE d.id = $2 AND d.principal_id = p.id AND (d.expires_at IS NULL OR \
         d.expires_at > $3)))",
    );
    const TOUCH: Statement =
        writes(&[DEVICE], &[], "UPDATE device SET used_at = $2, used_from = $3, used_by = $4 WHERE id = $1");
}
