//! Statements that look for damage in who may do what: groups, roles, rooms, invitations, devices.

use super::check::CheckRule;
use super::db::arguments;
use super::executor::{Executor, rows};
use super::grant::{role_in_force, until_in_force};
use super::statement::tables::{
    ACE, DEVICE, EFFECTIVE_MEMBERSHIP, HOME, INVITATION, MEMBERSHIP, NODE, NOTIFICATION, PRINCIPAL, ROOM,
};
use super::statement::{Statement, reads, statements};
use crate::model::error::Failure;
use crate::model::id::Id;

/// The rules about who may do what.
pub fn rules() -> &'static [CheckRule] {
    &RULES
}

/// The name of a principal as it is stored, and its key.
pub struct PrincipalName {
    /// Whose.
    pub principal: Id,
    /// As spelled.
    pub name: String,
    /// As compared.
    pub key: String,
}

/// Names of so many principals after `after`.
pub async fn principal_names(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<PrincipalName>, Failure> {
    let found = rows(c, PRINCIPAL_NAMES, arguments![after, limit]).await?;
    Ok(found
        .iter()
        .map(|row| PrincipalName { principal: Id(row.integer(0)), name: row.text(1), key: row.text(2) })
        .collect())
}

statements! {
    const PRINCIPAL_NAMES: Statement = reads(
        &[PRINCIPAL],
        "SELECT p.id, p.name, p.match_name FROM principal p WHERE p.id > $1 ORDER BY p.id LIMIT $2",
    );
    const RULES: [CheckRule; 13] = [
        CheckRule {
            what: "an invitation was accepted without a role, or a role shared without an invitation",
            sql: reads(
                &[ACE, INVITATION, PRINCIPAL],
                "SELECT i.id, i.address FROM invitation i WHERE i.status = 1 AND NOT EXISTS (SELECT 1 FROM ace a \
                 WHERE a.node_id = i.node_id AND a.principal_id = i.sharee_id AND a.origin = 2) UNION ALL SELECT \
                 a.node_id, p.name FROM ace a JOIN principal p ON p.id = a.principal_id WHERE a.origin = 2 AND NOT \
                 EXISTS (SELECT 1 FROM invitation i WHERE i.node_id = a.node_id AND i.sharee_id = a.principal_id AND \
                 i.status = 1) LIMIT 100",
            ),
        },
        CheckRule {
            what: "an invitation is to no calendar, or a notification is of nobody",
            sql: reads(
                &[INVITATION, NODE, NOTIFICATION, PRINCIPAL],
                "SELECT i.id, i.address FROM invitation i LEFT JOIN node n ON n.id = i.node_id LEFT JOIN principal p \
                 ON p.id = i.sharer_id WHERE n.id IS NULL OR n.kind <> 'calendar' OR p.id IS NULL UNION ALL SELECT \
                 t.id, t.name FROM notification t LEFT JOIN principal p ON p.id = t.principal_id WHERE p.id IS NULL \
                 LIMIT 100",
            ),
        },
        CheckRule {
            what: "a role says another home than that of its node",
            sql: reads(
                &[ACE, NODE],
                "SELECT a.node_id, COALESCE(n.name, '') FROM ace a LEFT JOIN node n ON n.id = a.node_id WHERE n.id \
                 IS NULL OR a.home_id <> n.home_id LIMIT 100",
            ),
        },
        CheckRule {
            what: "it is not known of which groups a principal is",
            sql: reads(
                &[EFFECTIVE_MEMBERSHIP, MEMBERSHIP, PRINCIPAL],
                "WITH RECURSIVE up(member_id, group_id) AS (SELECT p.id, p.id FROM principal p UNION SELECT \
                 u.member_id, m.group_id FROM up u JOIN membership m ON m.member_id = u.group_id) SELECT v.id, \
                 p.name FROM (SELECT u.member_id AS id FROM up u LEFT JOIN effective_membership e ON e.member_id = \
                 u.member_id AND e.group_id = u.group_id WHERE e.member_id IS NULL UNION SELECT e.member_id FROM \
                 effective_membership e LEFT JOIN up u ON u.member_id = e.member_id AND u.group_id = e.group_id \
                 WHERE u.member_id IS NULL) v JOIN principal p ON p.id = v.id LIMIT 100",
            ),
        },
        CheckRule {
            what: "a device opens what is no project",
            sql: reads(
                &[DEVICE, PRINCIPAL],
                "SELECT d.id, d.label FROM device d LEFT JOIN principal p ON p.id = d.project_id WHERE d.project_id \
                 IS NOT NULL AND (p.id IS NULL OR p.kind <> 'project') LIMIT 100",
            ),
        },
        CheckRule {
            what: "a group is in itself",
            sql: reads(
                &[EFFECTIVE_MEMBERSHIP, MEMBERSHIP, PRINCIPAL],
                "SELECT m.group_id, p.name FROM membership m JOIN principal p ON p.id = m.group_id WHERE m.member_id \
                 = m.group_id OR EXISTS (SELECT 1 FROM effective_membership e WHERE e.member_id = m.group_id AND \
                 e.group_id = m.member_id) LIMIT 100",
            ),
        },
        CheckRule {
            what: "what can be in none is in a group",
            sql: reads(
                &[MEMBERSHIP, PRINCIPAL],
                "SELECT m.member_id, p.name FROM membership m JOIN principal p ON p.id = m.member_id JOIN principal \
                 g ON g.id = m.group_id WHERE p.kind NOT IN ('person', 'group') OR g.kind <> 'group' LIMIT 100",
            ),
        },
        CheckRule {
            what: "a person is not among all persons",
            sql: reads(
                &[MEMBERSHIP, PRINCIPAL],
                "SELECT p.id, p.name FROM principal p LEFT JOIN membership m ON m.member_id = p.id AND m.group_id = \
                 0 WHERE p.match_name NOT LIKE '%/%' AND (p.kind = 'person') <> (m.group_id IS NOT NULL) LIMIT 100",
            ),
        },
        CheckRule {
            what: "a role is held by what holds none",
            sql: reads(
                &[ACE, HOME, PRINCIPAL],
                "SELECT a.node_id, p.name FROM ace a JOIN principal p ON p.id = a.principal_id LEFT JOIN home h ON \
                 h.node_id = a.home_id AND h.principal_id = a.principal_id WHERE p.kind NOT IN ('person', 'group') \
                 AND h.node_id IS NULL LIMIT 100",
            ),
        },
        CheckRule {
            what: "a home is not its owner's",
            sql: reads(
                &[ACE, HOME, PRINCIPAL],
                "SELECT h.node_id, p.name FROM home h JOIN principal p ON p.id = h.principal_id LEFT JOIN ace a ON \
                 a.node_id = h.node_id AND a.principal_id = h.principal_id WHERE p.match_name NOT LIKE '%/%' AND \
                 a.node_id IS NULL LIMIT 100",
            ),
        },
        CheckRule {
            what: "a room is none, or nothing is kept of it",
            sql: reads(
                &[PRINCIPAL, ROOM],
                "SELECT p.id, p.name FROM principal p LEFT JOIN room r ON r.principal_id = p.id WHERE (p.kind = \
                 'room' AND p.match_name NOT LIKE '%/%') <> (r.principal_id IS NOT NULL) LIMIT 100",
            ),
        },
        CheckRule {
            what: "a role stands where it cannot",
            // 5 is the rank of a partner, 10 that of who may know when a calendar is taken; 1 is delegated, 2 shared.
            sql: reads(
                &[ACE, NODE, PRINCIPAL],
                "SELECT a.node_id, p.name FROM ace a JOIN node n ON n.id = a.node_id JOIN principal p ON p.id = \
                 a.principal_id WHERE n.kind NOT IN ('home', 'documents', 'folder', 'calendars', 'calendar', \
                 'inbox') OR (a.granted_role = 5 AND n.kind <> 'home') OR (a.granted_role = 10 AND n.kind NOT IN \
                 ('calendars', 'calendar')) OR (a.origin = 1 AND n.kind <> 'calendars') OR (a.origin = 2 AND n.kind \
                 <> 'calendar') LIMIT 100",
            ),
        },
        CheckRule {
            what: "a role in force does not follow from what was granted",
            // 20 is the rank of a reader, 5 that of a partner.
            sql: reads(
                &[ACE, HOME, PRINCIPAL],
                concat!(
                    "SELECT ace.node_id, q.name FROM ace JOIN principal q ON q.id = ace.principal_id WHERE ace.role \
                     <> ",
                    role_in_force!("20"),
                    " OR COALESCE(ace.until_at, 0) <> COALESCE(",
                    until_in_force!("5"),
                    ", 0) LIMIT 100"
                ),
            ),
        },
    ];
}
