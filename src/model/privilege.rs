//! Privileges of RFC 3744 and the roles that grant them.
//!
//! Roles are ordered: each includes the one before. So the role in force at a node is the greatest granted on its
//! path, as the statement that follows a path reads it. There are no denials.

use super::kind::Kind;
use super::name::QName;

/// What a person may do in a project or in a part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Role {
    /// An outside person with a part in a project: sees what is granted to them there, and nothing by this alone.
    Partner,
    /// Learns when a calendar is taken, and nothing else of it.
    FreeBusy,
    /// Reads everything.
    Reader,
    /// Reads and writes documents and calendars.
    Member,
    /// Everything, members and trash included.
    Lead,
}

/// One row a role: how a database row orders it, how commands spell it, what it grants.
pub struct RoleRow {
    /// The role.
    pub role: Role,
    /// Rank in the database; greater includes lesser. The gaps leave room for roles between.
    pub rank: i64,
    /// Spelling in commands.
    pub code: &'static str,
    /// Where it is given.
    pub place: RolePlace,
    /// What it grants.
    pub grants: PrivilegeSet,
}

/// Where a role may be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RolePlace {
    /// In a project as a whole, and on each collection.
    Everywhere,
    /// In a project as a whole.
    Project,
    /// On calendars.
    Calendar,
    /// On inboxes; no role is given there.
    Inbox,
    /// On outboxes; no role is given there.
    Outbox,
}

/// All roles, least first.
pub static ROLES: [RoleRow; 5] = [
    RoleRow { role: Role::Partner, rank: 5, code: "partner", place: RolePlace::Project, grants: PrivilegeSet::of(&[]) },
    RoleRow {
        role: Role::FreeBusy,
        rank: 10,
        code: "free-busy",
        place: RolePlace::Calendar,
        grants: PrivilegeSet::of(&[Privilege::ReadFreeBusy]),
    },
    RoleRow {
        role: Role::Reader,
        rank: 20,
        code: "reader",
        place: RolePlace::Everywhere,
        grants: PrivilegeSet::of(&READING),
    },
    RoleRow {
        role: Role::Member,
        rank: 30,
        code: "member",
        place: RolePlace::Everywhere,
        grants: PrivilegeSet::of(&READING)
            .and(&[Privilege::WriteContent, Privilege::WriteProperties, Privilege::Bind, Privilege::Unbind])
            .and(&SCHEDULING),
    },
    RoleRow {
        role: Role::Lead,
        rank: 40,
        code: "lead",
        place: RolePlace::Everywhere,
        grants: PrivilegeSet::of(&READING)
            .and(&[
                Privilege::WriteContent,
                Privilege::WriteProperties,
                Privilege::Bind,
                Privilege::Unbind,
                Privilege::Unlock,
                Privilege::ReadAcl,
                Privilege::WriteAcl,
                Privilege::Share,
            ])
            .and(&SCHEDULING),
    },
];

const READING: [Privilege; 3] = [Privilege::Read, Privilege::ReadFreeBusy, Privilege::ReadCurrentUserPrivilegeSet];

/// What one may do from the outbox of a home, and others by way of its inbox (RFC 6638 section 6). It goes with the
/// role in the home, and is not granted by itself.
const SCHEDULING: [Privilege; 6] = [
    Privilege::ScheduleDeliverInvite,
    Privilege::ScheduleDeliverReply,
    Privilege::ScheduleQueryFreeBusy,
    Privilege::ScheduleSendInvite,
    Privilege::ScheduleSendReply,
    Privilege::ScheduleSendFreeBusy,
];

/// The roles of delegates in someone's calendars, and how commands spell them.
pub const DELEGATE_LEVELS: [(Role, &str); 2] = [(Role::Reader, "read"), (Role::Member, "write")];

impl RolePlace {
    /// May a role, or a privilege, of this place be given on a node of a kind?
    #[must_use]
    pub fn includes(self, kind: Kind) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Project => kind == Kind::Home,
            Self::Calendar => matches!(kind, Kind::CalendarHome | Kind::Calendar | Kind::Object),
            Self::Inbox => kind == Kind::Inbox,
            Self::Outbox => kind == Kind::Outbox,
        }
    }
}

/// The groups of a person's delegates: which role those in it have in the person's calendars.
pub const PROXY_GROUPS: [(Kind, Role); 2] = [(Kind::ReadProxies, Role::Reader), (Kind::WriteProxies, Role::Member)];

impl Kind {
    /// The role of those in this group of delegates, if it is one.
    #[must_use]
    pub fn proxy_role(self) -> Option<Role> {
        PROXY_GROUPS.iter().find(|(kind, _)| *kind == self).map(|(_, role)| *role)
    }
}

impl Role {
    fn row(self) -> &'static RoleRow {
        ROLES.iter().find(|row| row.role == self).unwrap_or(&ROLES[0])
    }

    /// The role of this rank in the database.
    #[must_use]
    pub fn from_rank(rank: i64) -> Option<Self> {
        ROLES.iter().find(|row| row.rank == rank).map(|row| row.role)
    }

    /// The role that commands spell so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        ROLES.iter().find(|row| row.code == code).map(|row| row.role)
    }

    /// Rank in the database.
    #[must_use]
    pub fn rank(self) -> i64 {
        self.row().rank
    }

    /// Spelling in commands.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// Where it may be given.
    #[must_use]
    pub fn place(self) -> RolePlace {
        self.row().place
    }

    /// What the role grants.
    #[must_use]
    pub fn grants(self) -> PrivilegeSet {
        self.row().grants
    }

    /// The fewest privileges by which an access control entry names the role; a partner has none.
    pub fn named(self) -> impl Iterator<Item = &'static PrivilegeRow> {
        PRIVILEGES.iter().filter(move |row| row.names(self))
    }

    /// The role that is just these privileges, whatever of scheduling goes with it.
    #[must_use]
    pub fn of(privileges: PrivilegeSet) -> Option<Self> {
        let granted = |row: &&RoleRow| row.grants.without(&SCHEDULING) == privileges.without(&SCHEDULING);
        ROLES.iter().find(granted).map(|row| row.role)
    }
}

/// A privilege that is not an aggregate, RFC 3744 section 3, RFC 4791 section 6.1.1, RFC 6638 section 6.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the standard's own")]
pub enum Privilege {
    Read,
    ReadFreeBusy,
    WriteContent,
    WriteProperties,
    Bind,
    Unbind,
    Unlock,
    ReadCurrentUserPrivilegeSet,
    ReadAcl,
    WriteAcl,
    Share,
    ScheduleDeliverInvite,
    ScheduleDeliverReply,
    ScheduleQueryFreeBusy,
    ScheduleSendInvite,
    ScheduleSendReply,
    ScheduleSendFreeBusy,
}

/// A set of privileges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PrivilegeSet(u32);

/// The names a client sees: for each the privileges that make it up, its element, and its place in the tree of
/// `DAV:supported-privilege-set` (`depth`). Aggregates (RFC 3744 section 3.12) come before their parts.
pub struct PrivilegeRow {
    /// What must all be held for this name to be listed.
    pub parts: PrivilegeSet,
    /// The element.
    pub element: QName,
    /// 0 for `DAV:all`, one more for each aggregate above.
    pub depth: usize,
    /// Where it is supported.
    pub place: RolePlace,
    /// Where an access control entry may name it; `None`: nowhere, it is abstract, for roles are given as a whole.
    pub granted: Option<RolePlace>,
    /// What it allows, for people.
    pub description: &'static str,
}

const WRITING: [Privilege; 4] =
    [Privilege::WriteContent, Privilege::WriteProperties, Privilege::Bind, Privilege::Unbind];
const LEADING: [Privilege; 4] = [Privilege::Unlock, Privilege::ReadAcl, Privilege::WriteAcl, Privilege::Share];

/// The tree of privileges, flattened in document order.
pub static PRIVILEGES: [PrivilegeRow; 21] = [
    aggregate(PrivilegeSet::of(&READING).and(&WRITING).and(&LEADING).and(&SCHEDULING), "all", 0, "Any operation"),
    aggregate(PrivilegeSet::of(&READING), "read", 1, "Read content and properties"),
    PrivilegeRow {
        parts: PrivilegeSet::of(&[Privilege::ReadFreeBusy]),
        element: QName::caldav("read-free-busy"),
        depth: 2,
        place: RolePlace::Everywhere,
        granted: Some(RolePlace::Calendar),
        description: "Learn when a calendar is taken",
    },
    leaf(
        Privilege::ReadCurrentUserPrivilegeSet,
        "read-current-user-privilege-set",
        2,
        "Read the list of one's own privileges",
    ),
    aggregate(PrivilegeSet::of(&WRITING), "write", 1, "Change content, properties and members"),
    leaf(Privilege::WriteContent, "write-content", 2, "Change content"),
    leaf(Privilege::WriteProperties, "write-properties", 2, "Change properties"),
    leaf(Privilege::Bind, "bind", 2, "Add members"),
    leaf(Privilege::Unbind, "unbind", 2, "Remove members"),
    leaf(Privilege::Unlock, "unlock", 1, "Remove locks of others"),
    leaf(Privilege::ReadAcl, "read-acl", 1, "Read who may do what"),
    leaf(Privilege::WriteAcl, "write-acl", 1, "Change who may do what"),
    PrivilegeRow {
        parts: PrivilegeSet::of(&[Privilege::Share]),
        element: QName::dav("share"),
        depth: 1,
        place: RolePlace::Calendar,
        granted: None,
        description: "Invite others to a calendar",
    },
    delivering(&DELIVERING, "schedule-deliver", 1, "Have messages about meetings delivered"),
    delivering(&[DELIVERING[0]], "schedule-deliver-invite", 2, "Have invitations delivered"),
    delivering(&[DELIVERING[1]], "schedule-deliver-reply", 2, "Have answers delivered"),
    delivering(&[DELIVERING[2]], "schedule-query-freebusy", 2, "Be answered when someone is busy"),
    sending(&SENDING, "schedule-send", 1, "Send messages about meetings"),
    sending(&[SENDING[0]], "schedule-send-invite", 2, "Send invitations"),
    sending(&[SENDING[1]], "schedule-send-reply", 2, "Send answers"),
    sending(&[SENDING[2]], "schedule-send-freebusy", 2, "Ask when others are busy"),
];

const DELIVERING: [Privilege; 3] =
    [Privilege::ScheduleDeliverInvite, Privilege::ScheduleDeliverReply, Privilege::ScheduleQueryFreeBusy];
const SENDING: [Privilege; 3] =
    [Privilege::ScheduleSendInvite, Privilege::ScheduleSendReply, Privilege::ScheduleSendFreeBusy];

const fn delivering(
    parts: &[Privilege],
    element: &'static str,
    depth: usize,
    description: &'static str,
) -> PrivilegeRow {
    scheduling(RolePlace::Inbox, PrivilegeSet::of(parts), element, depth, description)
}

const fn sending(parts: &[Privilege], element: &'static str, depth: usize, description: &'static str) -> PrivilegeRow {
    scheduling(RolePlace::Outbox, PrivilegeSet::of(parts), element, depth, description)
}

/// RFC 6638 section 6: none of them is abstract.
const fn scheduling(
    place: RolePlace,
    parts: PrivilegeSet,
    element: &'static str,
    depth: usize,
    description: &'static str,
) -> PrivilegeRow {
    PrivilegeRow { parts, element: QName::caldav(element), depth, place, granted: Some(place), description }
}

const fn leaf(privilege: Privilege, element: &'static str, depth: usize, description: &'static str) -> PrivilegeRow {
    PrivilegeRow {
        parts: PrivilegeSet::of(&[privilege]),
        element: QName::dav(element),
        depth,
        place: RolePlace::Everywhere,
        granted: None,
        description,
    }
}

const fn aggregate(
    parts: PrivilegeSet,
    element: &'static str,
    depth: usize,
    description: &'static str,
) -> PrivilegeRow {
    PrivilegeRow {
        parts,
        element: QName::dav(element),
        depth,
        place: RolePlace::Everywhere,
        granted: Some(RolePlace::Everywhere),
        description,
    }
}

impl PrivilegeRow {
    /// Is it one of the fewest that together make up a role, as an access control entry names them?
    fn names(&self, role: Role) -> bool {
        let covered = |row: &Self| row.depth < self.depth && row.names(role) && row.parts.includes(self.parts);
        let given = matches!(self.granted, Some(RolePlace::Everywhere | RolePlace::Project | RolePlace::Calendar));
        given && role.grants().includes(self.parts) && !PRIVILEGES.iter().any(covered)
    }
}

impl PrivilegeSet {
    /// The set of these privileges.
    #[must_use]
    pub const fn of(privileges: &[Privilege]) -> Self {
        Self(0).and(privileges)
    }

    /// This set and these.
    #[must_use]
    pub const fn and(self, privileges: &[Privilege]) -> Self {
        let mut bits = self.0;
        let mut rest = privileges;
        while let [first, tail @ ..] = rest {
            bits |= 1 << (*first as u32);
            rest = tail;
        }
        Self(bits)
    }

    /// This set and another.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What only reads, out of this set.
    #[must_use]
    pub fn reading(self) -> Self {
        Self(self.0 & Self::of(&READING).and(&[Privilege::ReadAcl]).0)
    }

    /// This set without these.
    #[must_use]
    pub const fn without(self, privileges: &[Privilege]) -> Self {
        Self(self.0 & !Self::of(privileges).0)
    }

    /// Is the privilege held?
    #[must_use]
    pub const fn contains(self, privilege: Privilege) -> bool {
        self.0 & (1 << (privilege as u32)) != 0
    }

    /// Are all of the other set's held?
    #[must_use]
    pub const fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Privilege {
    /// Its element: that of the least that holds it.
    #[must_use]
    pub fn element(self) -> &'static QName {
        let holding = PRIVILEGES.iter().filter(|row| row.parts.contains(self));
        holding.min_by_key(|row| row.parts.0.count_ones()).map_or(&PRIVILEGES[0].element, |row| &row.element)
    }
}

#[cfg(test)]
mod tests {
    use super::{Privilege, PrivilegeSet, ROLES, Role};

    #[test]
    fn each_role_includes_the_one_before() {
        for pair in ROLES.windows(2) {
            let [lesser, greater] = [pair[0].role, pair[1].role];
            assert!(lesser < greater && lesser.rank() < greater.rank());
            assert!(greater.grants().includes(lesser.grants()) && !lesser.grants().includes(greater.grants()));
        }
        assert!(!Role::Reader.grants().contains(Privilege::Bind));
        assert_eq!(Privilege::WriteContent.element().local, "write-content");
        assert_eq!(Privilege::Read.element().local, "read");
    }

    #[test]
    fn a_role_is_what_its_entry_says() {
        let named = |role: Role| role.named().map(|row| &*row.element.local).collect::<Vec<_>>().join(" ");
        let all: Vec<String> = ROLES.iter().map(|row| named(row.role)).collect();
        assert_eq!(all, ["", "read-free-busy", "read", "read write", "all"]);
        for role in ROLES.iter().map(|row| row.role).filter(|role| *role != Role::Partner) {
            let parts = role.named().fold(PrivilegeSet::default(), |set, row| set.union(row.parts));
            assert_eq!(Role::of(parts), Some(role));
        }
    }
}
