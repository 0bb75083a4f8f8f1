//! Which values each column of each table may hold: what holds another is damage.

use super::check::Damage;
use super::db::arguments;
use super::db::text::{listed, mistyped, out_of_bounds};
use super::executor::{Executor, rows};
use super::list::list;
use super::statement::tables::{
    ACE, ADDRESS, ANSWER, BODY, BOOKABLE_BY, CALENDAR, CALENDAR_OBJECT, CHAIN, DEVICE, EFFECTIVE_MEMBERSHIP, FEED,
    FREEBUSY_ADDRESS, HOLD, HOME, INBOX_ITEM, INVITATION, INVITED_GROUP, INVITEE, JOB, LOCK, MAIL, MEETING,
    MEETING_FOLDER, MEMBERSHIP, NODE, NOTIFICATION, PAST, PERSONAL_PART, PRINCIPAL, PROPERTY, PURGE, RETURNED, ROOM,
    SETTING, UNREAD,
};
use super::statement::{Statement, reads, statements};
use crate::model::calendar::DETAILS;
use crate::model::error::Failure;
use crate::model::kind::KINDS;
use crate::model::principal::{PRINCIPAL_KINDS, SCOPES};
use crate::model::privilege::ROLES;
use crate::model::version::EVERY;

/// What the columns of a table may hold: the statements that list rows with a value of another type, and with a number
/// that is out of bounds.
pub struct TableColumns {
    types: Statement,
    bounds: Statement,
}

/// A column that holds one of a few codes: what is wrong where it does not, the statement that lists such rows
/// (identifier, name), and the codes.
pub struct CodedColumn {
    /// What is wrong.
    pub what: &'static str,
    sql: Statement,
    may: fn() -> Vec<String>,
}

#[cfg(test)]
impl super::statement::Listed for TableColumns {
    fn list(&self, to: &mut Vec<Statement>) {
        to.extend([self.types, self.bounds]);
    }
}

#[cfg(test)]
impl super::statement::Listed for CodedColumn {
    fn list(&self, to: &mut Vec<Statement>) {
        to.push(self.sql);
    }
}

impl TableColumns {
    /// Rows with such a value, at most a hundred of each sort.
    pub async fn misfits(&self, c: &mut impl Executor) -> Result<Vec<Damage>, Failure> {
        let at = |table: String, row: i64| format!("table {table}, row {row}");
        let mut damages = Vec::new();
        for row in rows(c, self.types, arguments![]).await? {
            let what = "a value is of another type than its column".to_owned();
            damages.push(Damage { what, at: at(row.text(1), row.integer(0)) });
        }
        for row in rows(c, self.bounds, arguments![]).await? {
            let what = format!("{} is out of bounds", row.text(2));
            damages.push(Damage { what, at: at(row.text(1), row.integer(0)) });
        }
        Ok(damages)
    }
}

impl CodedColumn {
    /// Rows with another code, at most a hundred.
    pub async fn misfits(&self, c: &mut impl Executor) -> Result<Vec<Damage>, Failure> {
        let found = rows(c, self.sql, arguments![&list(&(self.may)())]).await?;
        let damage = |row: &super::db::Row| Damage {
            what: self.what.to_owned(),
            at: format!("{} ({})", row.text(1), row.integer(0)),
        };
        Ok(found.iter().map(damage).collect())
    }
}

/// The columns of all tables.
pub fn tables() -> &'static [TableColumns] {
    &TABLES
}

/// The columns that hold codes.
pub fn codes() -> &'static [CodedColumn] {
    &CODES
}

/// The kinds of nodes that are stored below others: kind of the collection, kind of the member.
fn pairs() -> Vec<String> {
    let members = KINDS.iter().flat_map(|row| row.members.iter().map(|member| (row.code, member.row().code)));
    members.map(|(collection, member)| format!("{collection}/{member}")).collect()
}

/// The columns of a table by what they hold. Identifiers are no less than 0; `numbers` count something; `times` are
/// seconds, from the year 1 to the year 9999.
macro_rules! columns {
    (
        $read:expr, $table:literal, ids $ids:tt, numbers $numbers:tt, times $times:tt, flags $flags:tt,
        others { $([$($other:literal),*] $least:literal $most:literal),* }, texts $texts:tt, bytes $bytes:tt
    ) => {
        columns!(@ $read, $table, $ids $numbers $times $flags [$($($other),*),*] $texts $bytes,
            [$([$($other),*] $least $most),*])
    };
    (
        @ $read:expr, $table:literal, [$($id:literal),*] [$($number:literal),*] [$($time:literal),*]
        [$($flag:literal),*] [$($other:literal),*] $texts:tt $bytes:tt,
        [$([$($bounded:literal),*] $least:literal $most:literal),*]
    ) => {
        TableColumns {
            types: reads(
                &[$read],
                mistyped!($table, [$($id,)* $($number,)* $($time,)* $($flag,)* $($other,)*], $texts, $bytes)
            ),
            bounds: reads(
                &[$read],
                out_of_bounds!(
                    $table,
                    [$($id),*] 0 9223372036854775807,
                    [$($number),*] 0 9007199254740992,
                    [$($time),*] "-62135596800" 253402300799,
                    [$($flag),*] 0 1
                    $(, [$($bounded),*] $least $most)*
                )
            ),
        }
    };
}

statements! {
    const CODES: [CodedColumn; 7] = [
        CodedColumn {
            what: "a node is of a kind that its collection does not hold",
            sql: reads(
                &[NODE],
                concat!(
                    "SELECT n.id, n.name FROM node n LEFT JOIN node p ON p.id = n.parent_id WHERE n.gone_at IS NULL \
                     AND n.id <> 1 AND COALESCE(p.kind, '') || '/' || n.kind NOT IN (SELECT l.value FROM ",
                    listed!("$1"),
                    " l) LIMIT 100"
                ),
            ),
            may: pairs,
        },
        CodedColumn {
            what: "a node is of no kind",
            sql: reads(
                &[NODE],
                concat!(
                    "SELECT n.id, n.name FROM node n WHERE n.kind NOT IN (SELECT l.value FROM ",
                    listed!("$1"),
                    " l) LIMIT 100"
                ),
            ),
            may: || KINDS.iter().filter(|row| row.is_stored()).map(|row| row.code.to_owned()).collect(),
        },
        CodedColumn {
            what: "a person, project or group is none",
            sql: reads(
                &[PRINCIPAL],
                concat!(
                    "SELECT p.id, p.name FROM principal p WHERE p.kind NOT IN (SELECT l.value FROM ",
                    listed!("$1"),
                    " l) LIMIT 100"
                ),
            ),
            may: || PRINCIPAL_KINDS.iter().map(|(_, code)| (*code).to_owned()).collect(),
        },
        CodedColumn {
            what: "a role is none",
            sql: reads(
                &[ACE, NODE],
                concat!(
                    "SELECT a.node_id, COALESCE(n.name, '') FROM ace a LEFT JOIN node n ON n.id = a.node_id WHERE \
                     CAST(a.role AS TEXT) NOT IN (SELECT l.value FROM ",
                    listed!("$1"),
                    " l) OR CAST(a.granted_role AS TEXT) NOT IN (SELECT l.value FROM ",
                    listed!("$1"),
                    " l) LIMIT 100"
                ),
            ),
            may: || ROLES.iter().map(|row| row.rank.to_string()).collect(),
        },
        CodedColumn {
            what: "what a device password opens is nothing",
            sql: reads(
                &[DEVICE],
                concat!(
                    "SELECT d.id, d.label FROM device d WHERE CAST(d.scope AS TEXT) NOT IN (SELECT l.value FROM ",
                    listed!("$1"),
                    " l) LIMIT 100"
                ),
            ),
            may: || SCOPES.iter().map(|(_, code, _)| code.to_string()).collect(),
        },
        CodedColumn {
            what: "what a feed shows is nothing",
            sql: reads(
                &[FEED, NODE],
                concat!(
                    "SELECT f.id, COALESCE(n.name, '') FROM feed f LEFT JOIN node n ON n.id = f.calendar_id WHERE \
                     f.detail NOT IN (SELECT l.value FROM ",
                    listed!("$1"),
                    " l) LIMIT 100"
                ),
            ),
            may: || DETAILS.iter().map(|(_, code)| (*code).to_owned()).collect(),
        },
        CodedColumn {
            what: "which versions a home keeps is not said",
            sql: reads(
                &[HOME, NODE],
                concat!(
                    "SELECT h.node_id, COALESCE(n.name, '') FROM home h LEFT JOIN node n ON n.id = h.node_id WHERE \
                     h.versions_every NOT IN (SELECT l.value FROM ",
                    listed!("$1"),
                    " l) LIMIT 100"
                ),
            ),
            may: || EVERY.iter().map(|(_, code)| (*code).to_owned()).collect(),
        },
    ];
    const TABLES: [TableColumns; 35] = [
        columns!(
            SETTING, "setting", ids [], numbers [], times [], flags [], others {}, texts ["name", "value"], bytes []
        ),
        columns!(
            PRINCIPAL, "principal", ids ["id"], numbers [], times ["created_at", "disabled_at", "closed_at"], flags [],
            others {}, texts ["kind", "name", "match_name", "display_name", "password_hash"], bytes []
        ),
        columns!(
            ADDRESS, "address", ids ["principal_id"], numbers [], times [], flags [], others {}, texts ["uri"], bytes []
        ),
        columns!(
            MEMBERSHIP, "membership", ids ["group_id", "member_id"], numbers [], times [], flags [], others {},
            texts [], bytes []
        ),
        columns!(
            DEVICE, "device", ids ["id", "principal_id", "project_id"], numbers ["scope"],
            times ["created_at", "used_at", "expires_at"], flags ["read_only"], others {},
            texts ["label", "secret_hash", "digest_secret", "used_from", "used_by"], bytes []
        ),
        columns!(
            INVITEE, "invitee", ids ["principal_id"], numbers [], times ["used_at"], flags [],
            others { ["channel"] 0 3 }, texts [], bytes []
        ),
        columns!(
            NODE, "node",
            ids ["id", "parent_id", "home_id", "owner_id", "author_id", "placed_by", "gone_by", "lost_by"],
            numbers ["placed_seq", "seq", "members_seq", "since_seq", "version"],
            times ["placed_at", "since_at", "created_at", "gone_at", "written_at"],
            flags ["sealed", "kept", "litter", "hidden", "received", "personal_parts"],
            // Clients say when it was modified, also beyond the year 9999. Of a home nothing is added up.
            others {
                ["modified_at"] "-62135596800" "9007199254740992",
                ["size", "documents"] "-9007199254740992" "9007199254740992"
            },
            texts [
                "name", "match_name", "own_key", "kind", "comment", "hash", "content_type", "draft", "device",
                "schedule_hash"
            ],
            bytes []
        ),
        columns!(
            HOME, "home", ids ["node_id", "principal_id", "default_calendar_id"],
            numbers ["seq", "oldest_seq", "plain_seq", "used_bytes", "quota_bytes", "chain_place"], times [], flags [],
            others {
                ["versions_days", "trash_days", "sync_days"] 0 36500, ["brake_percent"] 0 100,
                ["busy_times", "meeting_folders"] 0 1
            },
            texts ["chain", "versions_every"], bytes []
        ),
        columns!(
            PAST, "past", ids ["node_id", "home_id", "parent_id", "author_id"],
            numbers ["to_seq", "from_seq", "version", "size", "held_bytes"], times ["from_at", "to_at", "written_at"],
            flags ["sealed", "kept"], others { ["modified_at"] "-62135596800" "9007199254740992" },
            texts ["name", "match_name", "comment", "hash", "content_type", "device"], bytes []
        ),
        columns!(
            PERSONAL_PART, "personal_part", ids ["node_id", "principal_id"], numbers ["size"], times [], flags [],
            others {}, texts ["hash", "text"], bytes []
        ),
        columns!(
            BODY, "body", ids [], numbers [], times ["stored_at"], flags [], others {}, texts ["hash"], bytes ["data"]
        ),
        columns!(
            ACE, "ace", ids ["node_id", "principal_id", "home_id", "sponsor_id"], numbers ["role", "granted_role"],
            times ["until_at", "granted_until_at"], flags ["sees_private"],
            // Granted, delegated, shared.
            others { ["origin"] 0 2 }, texts [], bytes []
        ),
        columns!(
            EFFECTIVE_MEMBERSHIP, "effective_membership", ids ["member_id", "group_id"], numbers [], times [], flags [],
            others {}, texts [], bytes []
        ),
        columns!(
            ROOM, "room", ids ["principal_id", "manager_id"], numbers ["capacity"], times [], flags [], others {},
            texts ["kind", "booking", "hours"], bytes []
        ),
        columns!(
            BOOKABLE_BY, "bookable_by", ids ["room_id", "principal_id"], numbers [], times [], flags [], others {},
            texts [], bytes []
        ),
        columns!(
            LOCK, "lock", ids ["node_id", "home_id", "principal_id"], numbers ["timeout_s"], times ["expires_at"],
            flags ["deep", "shared"], others {}, texts ["token", "owner_xml"], bytes []
        ),
        columns!(
            MAIL, "mail", ids ["id", "node_id", "sender_id"], numbers ["sequence", "round", "part", "attempt"],
            times ["queued_at", "finished_at"], flags ["reported"], others { ["state"] 0 4 },
            texts [
                "address", "method", "instances", "content", "token", "status", "reason", "letter", "message_hash",
                "mail_hash"
            ],
            bytes []
        ),
        columns!(
            PROPERTY, "property", ids ["node_id", "principal_id"], numbers [], times [], flags [], others {},
            texts ["namespace", "name", "xml"], bytes []
        ),
        columns!(
            CHAIN, "chain", ids ["home_id", "node_id"], numbers ["place", "version"], times [], flags [], others {},
            texts ["leaf", "chain"], bytes []
        ),
        columns!(
            JOB, "job", ids ["lease"], numbers ["tries"], times ["entered_at", "due_at", "failed_at"], flags [],
            others {}, texts ["job_key", "kind", "payload", "error"], bytes []
        ),
        columns!(
            HOLD, "hold", ids ["home_id", "principal_id"], numbers [], times ["since_at", "released_until"], flags [],
            others {}, texts [], bytes []
        ),
        columns!(
            // All sets of COMPONENTS that are not empty.
            CALENDAR, "calendar", ids ["node_id"], numbers [], times [], flags [], others { ["components"] 1 15 },
            texts [], bytes []
        ),
        columns!(
            CALENDAR_OBJECT, "calendar_object", ids ["node_id", "calendar_id"], numbers [], times [],
            flags ["scheduling"],
            // What they are is asked of the text of the object.
            others { ["private"] 0 2, ["first_at", "last_at"] "-9223372036854775807 - 1" "9223372036854775807" },
            texts ["uid", "component"], bytes []
        ),
        columns!(
            INBOX_ITEM, "inbox_item", ids ["node_id", "inbox_id"], numbers [], times ["due_at"],
            flags ["from_organizer"], others {}, texts ["uid"], bytes []
        ),
        columns!(
            INVITED_GROUP, "invited_group", ids ["home_id", "group_id"], numbers [], times [], flags [], others {},
            texts ["uid"], bytes []
        ),
        columns!(
            MEETING, "meeting", ids ["home_id"], numbers ["sequence"], times [], flags [], others {}, texts ["uid"],
            bytes []
        ),
        columns!(
            MEETING_FOLDER, "meeting_folder", ids ["home_id", "node_id"], numbers ["reported_seq"], times [],
            flags [], others {}, texts ["uid"], bytes []
        ),
        columns!(
            ANSWER, "answer", ids ["home_id"], numbers ["reset_sequence", "reply_sequence"], times [], flags [],
            // What clients say of when, and the least number for the series.
            others {
                ["occurrence", "reset_stamp", "reply_stamp"] "-9223372036854775807 - 1" "9223372036854775807"
            },
            texts ["uid", "attendee", "reply"], bytes []
        ),
        columns!(
            FEED, "feed", ids ["id", "principal_id", "calendar_id"], numbers [],
            times ["created_at", "expires_at", "fetched_at"], flags [], others {},
            texts ["detail", "secret_hash", "client"], bytes []
        ),
        columns!(
            FREEBUSY_ADDRESS, "freebusy_address", ids ["id"], numbers [],
            times ["created_at", "expires_at", "fetched_at"], flags [], others {},
            texts ["label", "secret_hash", "client"], bytes []
        ),
        columns!(
            INVITATION, "invitation", ids ["id", "node_id", "sharer_id", "sharee_id"], numbers [], times [], flags [],
            others { ["role"] 0 40, ["status"] 0 3 }, texts ["address", "common_name", "summary"], bytes []
        ),
        columns!(
            NOTIFICATION, "notification", ids ["id", "principal_id"], numbers ["size"], times ["created_at"],
            flags [], others {}, texts ["name", "hash"], bytes []
        ),
        columns!(
            PURGE, "purge", ids ["node_id", "top_id"], numbers ["depth"], times ["due_at"], flags [], others {},
            texts [], bytes []
        ),
        columns!(
            RETURNED, "returned", ids ["node_id", "home_id", "was_id"], numbers [], times [], flags [], others {},
            texts [], bytes []
        ),
        columns!(UNREAD, "unread", ids ["node_id"], numbers [], times [], flags [], others {}, texts [], bytes []),
    ];
}
