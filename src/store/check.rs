//! Statements that look for damage: references that lead nowhere, sums that do not add up.

use super::db::text::{INTEGRITY, REFERENCES, total};
use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::statement::tables::{
    CALENDAR, CALENDAR_OBJECT, CHAIN, DEVICE, FEED, FREEBUSY_ADDRESS, HOME, INBOX_ITEM, LOCK, NODE, PAST,
    PERSONAL_PART, PRINCIPAL, PROPERTY, PURGE, SETTING,
};
use super::statement::{Statement, reads, statements};
use super::usage::held_by_content;
use crate::model::calendar::Indexed;
use crate::model::error::Failure;
use crate::model::id::Id;
use crate::model::kind::Kind;

/// A rule that no row may break: what is wrong, and the statement that lists offenders (identifier, detail).
pub struct CheckRule {
    pub(super) what: &'static str,
    pub(super) sql: Statement,
}

#[cfg(test)]
impl super::statement::Listed for CheckRule {
    fn list(&self, to: &mut Vec<Statement>) {
        to.push(self.sql);
    }
}

/// What the database looks at by itself.
const fn of_all(text: &'static str) -> Statement {
    Statement::undeclared(text)
}

/// Asks it to look at its own file.
const LOOK_AT_ALL: Statement = of_all(INTEGRITY);
/// Asks it for rows that refer to none.
const DANGLING: Statement = of_all(REFERENCES);

/// Damage: what is wrong and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// What is wrong.
    pub what: String,
    /// The node, body or row.
    pub at: String,
}

/// The rules about what leads where, and what adds up.
pub fn rules() -> &'static [CheckRule] {
    &RULES
}

impl CheckRule {
    /// What is wrong where it is broken.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// What breaks it, at most a hundred.
    pub async fn broken(&self, c: &mut impl Executor) -> Result<Vec<Damage>, Failure> {
        let found = rows(c, self.sql, arguments![]).await?;
        let damage =
            |row: &Row| Damage { what: self.what.to_owned(), at: format!("{} ({})", row.text(1), row.integer(0)) };
        Ok(found.iter().map(damage).collect())
    }
}

/// Rows that refer to others which are not there.
pub async fn dangling(c: &mut impl Executor) -> Result<Vec<Damage>, Failure> {
    let found = rows(c, DANGLING, arguments![]).await?;
    let damage = |row: &Row| Damage {
        what: format!("a row refers to one of {} that is not there", row.text(2)),
        at: format!("table {}, row {}", row.text(1), row.integer(0)),
    };
    Ok(found.iter().map(damage).collect())
}

/// A name as it is stored, and its key.
pub struct StoredName {
    /// The node.
    pub node: Id,
    /// Its kind.
    pub kind: Kind,
    /// Does it bear the name in the trash?
    pub in_trash: bool,
    /// As spelled.
    pub name: String,
    /// As compared.
    pub key: String,
}

/// Names of nodes and of their former states, of so many nodes after `after`.
pub async fn names(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<StoredName>, Failure> {
    let found = rows(c, NAMES, arguments![after, limit]).await?;
    Ok(found
        .iter()
        .map(|row| StoredName {
            node: Id(row.integer(0)),
            kind: row.optional_text(4).and_then(|code| Kind::from_code(&code)).unwrap_or_default(),
            in_trash: row.integer(3) != 0,
            name: row.text(1),
            key: row.text(2),
        })
        .collect())
}

/// A dead property: whose it is, its name, its text.
pub struct StoredProperty {
    /// The node.
    pub node: Id,
    /// Its local name.
    pub name: String,
    /// The whole element.
    pub xml: String,
}

/// Dead properties of so many nodes after `after`.
pub async fn properties(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<StoredProperty>, Failure> {
    let found = rows(c, PROPERTIES, arguments![after, limit]).await?;
    Ok(found
        .iter()
        .map(|row| StoredProperty { node: Id(row.integer(0)), name: row.text(1), xml: row.text(2) })
        .collect())
}

/// A calendar object: which it is, where it stands, its content and the size of that.
pub struct StoredObject {
    /// The node.
    pub node: Id,
    /// As spelled.
    pub name: String,
    /// Name of its home, and of its calendar.
    pub stands_in: (String, String),
    /// Was it deleted, and was its calendar?
    pub gone: (bool, bool),
    /// Hash of its content.
    pub hash: String,
    /// Bytes of its content.
    pub size_bytes: i64,
    /// What the index says of it.
    pub indexed: Option<Indexed>,
}

/// So many calendar objects after `after`, those in the trash among them.
pub async fn objects(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<StoredObject>, Failure> {
    let found = rows(c, OBJECTS, arguments![after, limit]).await?;
    Ok(found
        .iter()
        .map(|row| StoredObject {
            node: Id(row.integer(0)),
            name: row.text(1),
            hash: row.text(2),
            size_bytes: row.integer(3),
            stands_in: (row.text(4), row.text(5)),
            gone: (row.optional_integer(6).is_some(), row.optional_integer(7).is_some()),
            indexed: row.optional_text(8).map(|uid| Indexed {
                uid,
                component: row.text(9),
                first_at: row.integer(10),
                last_at: row.integer(11),
                private: row.integer(12) == 1,
                scheduling: row.integer(13) == 1,
            }),
        })
        .collect())
}

/// A device password that is kept as it is shown: whose it is, and the hash beside it.
pub struct StoredPassword {
    /// The device.
    pub device: Id,
    /// Its label.
    pub label: String,
    /// The characters.
    pub characters: String,
    /// The hash.
    pub hash: String,
}

/// Such passwords, of so many devices after `after`.
pub async fn passwords(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<StoredPassword>, Failure> {
    let found = rows(c, PASSWORDS, arguments![after, limit]).await?;
    Ok(found
        .iter()
        .map(|row| StoredPassword {
            device: Id(row.integer(0)),
            label: row.text(1),
            characters: row.text(2),
            hash: row.text(3),
        })
        .collect())
}

/// What the database itself finds wrong with its file.
pub async fn database(c: &mut impl Executor) -> Result<Option<String>, Failure> {
    let found = row(c, LOOK_AT_ALL, arguments![]).await?;
    Ok(found.map(|row| row.text(0)).filter(|text| text != "ok"))
}

/// Collections of which a number is not the sum of one of their members.
macro_rules! collections_unlike_members {
    ($own:literal, $of_member:literal) => {
        concat!(
            "SELECT p.id, p.name FROM node p WHERE p.kind IN ('folder', 'documents', 'calendar', 'calendars', \
             'inbox') AND p.id NOT IN (SELECT g.node_id FROM purge g) AND ",
            $own,
            " <> (SELECT ",
            total!($of_member),
            " FROM node n WHERE n.parent_id = p.id AND n.gone_at IS NULL) LIMIT 100"
        )
    };
}

statements! {
    const RULES: [CheckRule; 35] = [
        CheckRule {
            what: "a node stands in a collection that is not there",
            sql: reads(
                &[NODE],
                "SELECT n.id, n.name FROM node n LEFT JOIN node p ON p.id = n.parent_id WHERE n.parent_id IS NOT \
                 NULL AND p.id IS NULL LIMIT 100",
            ),
        },
        CheckRule {
            what: "a node and its collection are of different homes",
            sql: reads(
                &[NODE],
                "SELECT n.id, n.name FROM node n JOIN node p ON p.id = n.parent_id WHERE n.kind <> 'home' AND \
                 n.gone_at IS NULL AND p.gone_at IS NULL AND n.home_id <> p.home_id LIMIT 100",
            ),
        },
        CheckRule {
            what: "a former state is of another home than its node",
            sql: reads(
                &[NODE, PAST],
                "SELECT n.id, p.name FROM past p JOIN node n ON n.id = p.node_id WHERE n.home_id <> p.home_id LIMIT \
                 100",
            ),
        },
        CheckRule {
            what: "a document has no content or a collection has some",
            sql: reads(
                &[NODE],
                "SELECT id, name FROM node WHERE (kind IN ('file', 'object', 'inbox-item')) <> (hash IS NOT NULL) \
                 AND NOT (gone_at IS NOT NULL AND (kind = 'file' AND litter = 1 OR kind = 'inbox-item')) LIMIT 100",
            ),
        },
        CheckRule {
            what: "a node changed later than its home",
            sql: reads(
                &[HOME, NODE],
                "SELECT n.id, n.name FROM node n JOIN home h ON h.node_id = n.home_id WHERE n.seq > h.seq OR \
                 n.members_seq > h.seq OR n.placed_seq > h.seq OR n.since_seq > h.seq LIMIT 100",
            ),
        },
        CheckRule {
            what: "a collection does not know of the last change of a member",
            sql: reads(
                &[NODE],
                "SELECT p.id, p.name FROM node n JOIN node p ON p.id = n.parent_id WHERE n.gone_at IS NULL AND \
                 n.kind <> 'home' AND (n.seq > p.members_seq OR n.members_seq > p.members_seq) LIMIT 100",
            ),
        },
        CheckRule {
            what: "the size of a collection is not the sum of its members",
            sql: reads(&[NODE, PURGE], collections_unlike_members!("p.size", "n.size")),
        },
        CheckRule {
            what: "the used bytes of a home are not the sum of what it holds",
            // 32 is NODE_BYTES.
            sql: reads(
                &[HOME, NODE, PAST, PROPERTY],
                concat!(
                    "SELECT h.node_id, t.name FROM home h JOIN node t ON t.id = h.node_id LEFT JOIN (SELECT v.home_id, \
                     ",
                    total!("v.bytes"),
                    " AS bytes FROM (SELECT n.home_id, 32 + ",
                    held_by_content!(),
                    " AS bytes FROM node n WHERE n.kind NOT IN ('root', 'home', 'documents', 'calendars') UNION ALL \
                     SELECT p.home_id, p.held_bytes FROM past p UNION ALL SELECT n.home_id, OCTET_LENGTH(r.namespace) \
                     + OCTET_LENGTH(r.name) + OCTET_LENGTH(r.xml) FROM property r JOIN node n ON n.id = r.node_id \
                     WHERE r.principal_id = 0) v GROUP BY v.home_id) s ON s.home_id = h.node_id WHERE h.used_bytes <> \
                     COALESCE(s.bytes, 0) LIMIT 100"
                ),
            ),
        },
        CheckRule {
            what: "a lock stands on a node that is gone",
            sql: reads(
                &[LOCK, NODE],
                "SELECT n.id, n.name FROM lock l JOIN node n ON n.id = l.node_id WHERE n.gone_at IS NOT NULL LIMIT \
                 100",
            ),
        },
        CheckRule {
            what: "the documents of a collection are not those of its members",
            sql: reads(
                &[NODE, PURGE],
                collections_unlike_members!(
                    "p.documents",
                    "CASE WHEN n.kind IN ('file', 'object') THEN 1 ELSE n.documents END"
                ),
            ),
        },
        CheckRule {
            what: "a node is of a home that is not there",
            sql: reads(
                &[HOME, NODE],
                "SELECT n.id, n.name FROM node n LEFT JOIN home h ON h.node_id = n.home_id WHERE n.parent_id IS NOT \
                 NULL AND h.node_id IS NULL LIMIT 100",
            ),
        },
        CheckRule {
            what: "a node has another owner than its home",
            sql: reads(
                &[HOME, NODE],
                "SELECT n.id, n.name FROM node n JOIN home h ON h.node_id = n.home_id WHERE n.parent_id IS NOT NULL \
                 AND n.owner_id <> h.principal_id LIMIT 100",
            ),
        },
        CheckRule {
            what: "a person or project has no home",
            sql: reads(
                &[HOME, PRINCIPAL],
                "SELECT p.id, p.name FROM principal p LEFT JOIN home h ON h.principal_id = p.id WHERE p.kind IN \
                 ('person', 'project') AND h.node_id IS NULL LIMIT 100",
            ),
        },
        CheckRule {
            what: "sync tokens are good from after the last change of their home",
            sql: reads(
                &[HOME, NODE],
                "SELECT h.node_id, COALESCE(n.name, '') FROM home h LEFT JOIN node n ON n.id = h.node_id WHERE \
                 h.oldest_seq > h.seq LIMIT 100",
            ),
        },
        CheckRule {
            what: "a node holds less than nothing",
            sql: reads(
                &[NODE],
                "SELECT id, name FROM node WHERE kind <> 'home' AND (size < 0 OR documents < 0) LIMIT 100",
            ),
        },
        CheckRule {
            what: "a document counts documents",
            sql: reads(
                &[NODE],
                "SELECT id, name FROM node WHERE kind IN ('file', 'object') AND documents <> 0 LIMIT 100",
            ),
        },
        CheckRule {
            what: "a node is hidden although it is there",
            sql: reads(&[NODE], "SELECT id, name FROM node WHERE hidden = 1 AND gone_at IS NULL LIMIT 100"),
        },
        CheckRule {
            what: "a lock is of another home than its node",
            sql: reads(
                &[LOCK, NODE],
                "SELECT n.id, n.name FROM lock l JOIN node n ON n.id = l.node_id WHERE l.home_id <> n.home_id LIMIT \
                 100",
            ),
        },
        CheckRule {
            what: "what is no calendar object is known as one",
            sql: reads(
                &[CALENDAR_OBJECT, NODE],
                "SELECT o.node_id, o.uid FROM calendar_object o LEFT JOIN node n ON n.id = o.node_id WHERE n.id IS \
                 NULL OR n.kind <> 'object' LIMIT 100",
            ),
        },
        CheckRule {
            what: "somebody has something of their own on what is no object of another's calendar",
            sql: reads(
                &[NODE, PERSONAL_PART],
                "SELECT p.node_id, COALESCE(n.name, '') FROM personal_part p LEFT JOIN node n ON n.id = p.node_id \
                 WHERE n.id IS NULL OR n.kind <> 'object' OR n.owner_id = p.principal_id LIMIT 100",
            ),
        },
        CheckRule {
            what: "what somebody has of their own on an object is not looked for there",
            sql: reads(
                &[NODE, PERSONAL_PART],
                "SELECT n.id, n.name FROM personal_part p JOIN node n ON n.id = p.node_id LEFT JOIN node k ON k.id = \
                 n.parent_id WHERE n.personal_parts = 0 OR n.gone_at IS NULL AND k.personal_parts = 0 LIMIT 100",
            ),
        },
        CheckRule {
            what: "a calendar object ends before it begins",
            sql: reads(
                &[CALENDAR_OBJECT],
                "SELECT node_id, uid FROM calendar_object WHERE first_at > last_at LIMIT 100",
            ),
        },
        CheckRule {
            what: "a version is not in the chain of its home",
            sql: reads(
                &[CHAIN, NODE, PAST],
                "SELECT v.id, v.name || ', version ' || v.version FROM (SELECT id, name, version FROM node WHERE \
                 kind IN ('file', 'object') AND sealed = 1 AND hash IS NOT NULL UNION SELECT node_id, name, version \
                 FROM past WHERE sealed = 1 AND hash IS NOT NULL) v LEFT JOIN chain c ON c.node_id = v.id AND \
                 c.version = v.version WHERE c.node_id IS NULL LIMIT 100",
            ),
        },
        CheckRule {
            what: "a version is in the chain of its home more than once",
            sql: reads(
                &[CHAIN, NODE],
                "SELECT c.node_id, COALESCE(MAX(n.name), '') || ', version ' || c.version FROM chain c LEFT JOIN \
                 node n ON n.id = c.node_id GROUP BY c.node_id, c.version HAVING COUNT(*) > 1 LIMIT 100",
            ),
        },
        CheckRule {
            what: "two states of a node stand in one moment",
            sql: reads(
                &[NODE, PAST],
                "SELECT p.node_id, p.name FROM past p WHERE EXISTS (SELECT 1 FROM past q WHERE q.node_id = p.node_id \
                 AND q.home_id = p.home_id AND q.to_seq > p.to_seq AND q.from_seq < p.to_seq) OR EXISTS (SELECT 1 \
                 FROM node n WHERE n.id = p.node_id AND n.home_id = p.home_id AND n.gone_at IS NULL AND n.since_seq \
                 < p.to_seq) LIMIT 100",
            ),
        },
        CheckRule {
            what: "the rows of one version differ",
            sql: reads(
                &[NODE, PAST],
                "SELECT node_id, MAX(name) || ', version ' || version FROM (SELECT node_id, name, version, hash, \
                 size FROM past WHERE sealed = 1 AND hash IS NOT NULL UNION ALL SELECT id, name, version, hash, size \
                 FROM node WHERE kind IN ('file', 'object') AND sealed = 1 AND hash IS NOT NULL) v GROUP BY node_id, \
                 version HAVING MIN(hash) <> MAX(hash) OR MIN(size) <> MAX(size) LIMIT 100",
            ),
        },
        CheckRule {
            what: "a former state ended before it began",
            sql: reads(
                &[PAST],
                "SELECT node_id, name FROM past WHERE from_seq >= to_seq OR from_at > to_at LIMIT 100",
            ),
        },
        CheckRule {
            what: "a version of the chain is no version any more",
            sql: reads(
                &[CHAIN, NODE, PAST],
                "SELECT c.node_id, MAX(p.name) || ', version ' || c.version FROM chain c JOIN past p ON p.node_id = \
                 c.node_id AND p.version = c.version WHERE p.hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM past q \
                 WHERE q.node_id = c.node_id AND q.version = c.version AND q.sealed = 1) AND NOT EXISTS (SELECT 1 \
                 FROM node n WHERE n.id = c.node_id AND n.version = c.version AND n.sealed = 1) GROUP BY c.node_id, \
                 c.version LIMIT 100",
            ),
        },
        CheckRule {
            what: "a calendar object is not known in its calendar",
            sql: reads(
                &[CALENDAR_OBJECT, NODE],
                "SELECT n.id, n.name FROM node n LEFT JOIN calendar_object o ON o.node_id = n.id WHERE n.kind = \
                 'object' AND CASE WHEN n.gone_at IS NULL THEN o.calendar_id IS NULL OR o.calendar_id <> n.parent_id \
                 ELSE o.calendar_id IS NOT NULL END LIMIT 100",
            ),
        },
        CheckRule {
            what: "an item is not known in its inbox",
            sql: reads(
                &[INBOX_ITEM, NODE],
                "SELECT n.id, n.name FROM node n LEFT JOIN inbox_item i ON i.node_id = n.id WHERE n.kind = \
                 'inbox-item' AND (n.gone_at IS NULL AND (i.node_id IS NULL OR i.inbox_id <> n.parent_id) OR \
                 n.gone_at IS NOT NULL AND i.node_id IS NOT NULL) UNION ALL SELECT i.node_id, i.uid FROM inbox_item i \
                 LEFT JOIN node n ON n.id = i.node_id WHERE n.id IS NULL OR n.kind <> 'inbox-item' LIMIT 100",
            ),
        },
        CheckRule {
            what: "a home has calendars and no inbox",
            sql: reads(
                &[NODE],
                "SELECT c.id, h.name FROM node c JOIN node h ON h.id = c.home_id WHERE c.kind = 'calendars' AND \
                 c.gone_at IS NULL AND h.gone_at IS NULL AND NOT EXISTS (SELECT 1 FROM node i WHERE i.parent_id = \
                 c.id AND i.kind = 'inbox' AND i.gone_at IS NULL) LIMIT 100",
            ),
        },
        CheckRule {
            what: "a calendar does not say what it may hold",
            sql: reads(
                &[CALENDAR, NODE],
                "SELECT n.id, n.name FROM node n LEFT JOIN calendar k ON k.node_id = n.id WHERE n.kind = 'calendar' \
                 AND k.node_id IS NULL LIMIT 100",
            ),
        },
        CheckRule {
            what: "the store has no epoch, or no key of its tokens",
            sql: reads(
                &[SETTING],
                "SELECT 0, 'setting' WHERE (SELECT COUNT(*) FROM setting s WHERE s.name IN ('epoch', 'token_key')) < 2",
            ),
        },
        CheckRule {
            what: "the hash of a password is none",
            sql: reads(
                &[PRINCIPAL],
                "SELECT id, name FROM principal WHERE password_hash NOT LIKE '_argon2%' LIMIT 100",
            ),
        },
        CheckRule {
            what: "the hash of a secret is none",
            sql: reads(
                &[DEVICE, FEED, FREEBUSY_ADDRESS],
                "SELECT v.id, v.label FROM (SELECT d.id, d.label, d.secret_hash FROM device d UNION ALL SELECT f.id, \
                 'feed', f.secret_hash FROM feed f UNION ALL SELECT b.id, b.label, b.secret_hash FROM \
                 freebusy_address b) v WHERE OCTET_LENGTH(v.secret_hash) <> 64 LIMIT 100",
            ),
        },
    ];
    const PASSWORDS: Statement = reads(
        &[DEVICE],
        "SELECT id, label, digest_secret, secret_hash FROM device WHERE digest_secret IS NOT NULL AND id > $1 ORDER \
         BY id LIMIT $2",
    );
    const NAMES: Statement = reads(
        &[NODE, PAST],
        "SELECT v.id, v.name, v.match_name, v.in_trash, (SELECT k.kind FROM node k WHERE k.id = v.id) FROM (SELECT \
         n.id, n.name, n.match_name, CASE WHEN n.gone_at IS NULL THEN 0 ELSE 1 END AS in_trash FROM node n WHERE \
         n.id > $1 UNION SELECT p.node_id, p.name, p.match_name, 0 FROM past p WHERE p.node_id > $1 UNION SELECT \
         n.id, COALESCE((SELECT p.name FROM past p WHERE p.node_id = n.id ORDER BY p.to_at DESC, p.to_seq DESC LIMIT \
         1), n.name), n.own_key, 1 FROM node n WHERE n.id > $1 AND n.own_key IS NOT NULL AND n.kind <> 'object') v \
         WHERE v.id <= \
         COALESCE((SELECT MAX(w.id) FROM (SELECT x.id FROM node x WHERE x.id > $1 ORDER BY x.id LIMIT $2) w), 0) \
         ORDER BY v.id",
    );
    const PROPERTIES: Statement = reads(
        &[PROPERTY],
        "SELECT p.node_id, p.name, p.xml FROM property p WHERE p.node_id IN (SELECT DISTINCT o.node_id FROM property \
         o WHERE o.node_id > $1 ORDER BY o.node_id LIMIT $2) ORDER BY p.node_id",
    );
    const OBJECTS: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        "SELECT n.id, n.name, n.hash, n.size, COALESCE(h.name, ''), COALESCE(k.name, ''), n.gone_at, k.gone_at, o.uid, \
         o.component, o.first_at, o.last_at, o.private, o.scheduling FROM node n LEFT JOIN node k ON k.id = \
         n.parent_id LEFT JOIN node h ON h.id = n.home_id LEFT JOIN calendar_object o ON o.node_id = n.id WHERE n.kind \
         = 'object' AND n.hash IS NOT NULL AND n.id > $1 ORDER BY n.id LIMIT $2",
    );
}
