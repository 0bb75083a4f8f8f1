//! Persons, groups, projects and rooms, and the [`Actor`] that a request acts as.

use super::id::{Id, Timestamp};
use super::kind::Kind;
use super::privilege::PrivilegeSet;

/// What a principal is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum PrincipalKind {
    /// Someone who logs in.
    Person,
    /// What owns calendars, meetings and documents in common.
    Project,
    /// Persons, and other groups, to whom roles are given together.
    Group,
    /// A room, or something else that is booked.
    Room,
}

/// Each kind with its spelling in the database and in listings.
pub const PRINCIPAL_KINDS: [(PrincipalKind, &str); 4] = [
    (PrincipalKind::Person, "person"),
    (PrincipalKind::Project, "project"),
    (PrincipalKind::Group, "group"),
    (PrincipalKind::Room, "room"),
];

/// The group of all persons; no name that is given holds an `@`.
pub const EVERYONE: Id = Id(0);

impl PrincipalKind {
    /// Are roles held by such, and may they be in groups?
    #[must_use]
    pub fn holds_roles(self) -> bool {
        matches!(self, Self::Person | Self::Group)
    }

    /// Spelling in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        PRINCIPAL_KINDS.iter().find(|(kind, _)| *kind == self).map_or("person", |(_, code)| code)
    }

    /// The kind that the database spells so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        PRINCIPAL_KINDS.iter().find(|(_, text)| *text == code).map(|(kind, _)| *kind)
    }
}

/// What a principal is to those who invite it (RFC 5545 section 3.2.3). A project is a group of its members.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the standard's own")]
pub enum CalendarUserType {
    Individual,
    Group,
    Room,
    Resource,
}

impl CalendarUserType {
    /// As calendar programs spell it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Individual => "INDIVIDUAL",
            Self::Group => "GROUP",
            Self::Room => "ROOM",
            Self::Resource => "RESOURCE",
        }
    }
}

/// A person, group, project or room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// Identifier.
    pub id: Id,
    /// What it is.
    pub kind: PrincipalKind,
    /// Its one name, as spelled by whoever added it.
    pub name: String,
    /// The name shown to people.
    pub display_name: String,
    /// Its addresses as URIs (`mailto:...`).
    pub addresses: Vec<String>,
    /// Since when it may not log in.
    pub disabled_at: Option<Timestamp>,
    /// Since when it is closed: readable, no longer changed (a project).
    pub closed_at: Option<Timestamp>,
    /// Of a room: is it something else that is booked, such as a car?
    pub is_resource: bool,
}

impl Principal {
    /// What it is to those who invite it.
    #[must_use]
    pub fn calendar_user_type(&self) -> CalendarUserType {
        match self.kind {
            PrincipalKind::Person => CalendarUserType::Individual,
            PrincipalKind::Project | PrincipalKind::Group => CalendarUserType::Group,
            PrincipalKind::Room if self.is_resource => CalendarUserType::Resource,
            PrincipalKind::Room => CalendarUserType::Room,
        }
    }
}

/// What a device password opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceScope {
    /// Everything.
    All,
    /// Calendars only.
    Calendars,
    /// Documents only.
    Files,
}

/// Each scope with its code in the database and its spelling in commands.
pub const SCOPES: [(DeviceScope, i64, &str); 3] =
    [(DeviceScope::All, 0, "all"), (DeviceScope::Calendars, 1, "calendars"), (DeviceScope::Files, 2, "files")];

impl DeviceScope {
    /// Code in the database.
    #[must_use]
    pub fn code(self) -> i64 {
        SCOPES.iter().find(|(scope, ..)| *scope == self).map_or(0, |(_, code, _)| *code)
    }

    /// The scope of this code; an unknown one opens nothing that it should not, so it reads as `None`.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        SCOPES.iter().find(|(_, c, _)| *c == code).map(|(scope, ..)| *scope)
    }

    /// Spelling in commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        SCOPES.iter().find(|(scope, ..)| *scope == self).map_or("all", |(.., name)| name)
    }

    /// The scope that commands spell so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        SCOPES.iter().find(|(.., n)| *n == name).map(|(scope, ..)| *scope)
    }

    /// Does it open documents?
    #[must_use]
    pub fn opens_files(self) -> bool {
        self != Self::Calendars
    }

    /// Does it open calendars?
    #[must_use]
    pub fn opens_calendars(self) -> bool {
        self != Self::Files
    }

    /// Does it open what is stored as a node of this kind?
    #[must_use]
    pub fn opens(self, kind: Kind) -> bool {
        match kind {
            Kind::Calendar | Kind::Object | Kind::Inbox | Kind::InboxItem => self.opens_calendars(),
            _ => self.opens_files(),
        }
    }
}

/// Whom a request acts as, and within which scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The person.
    pub id: Id,
    /// The person's name.
    pub name: String,
    /// The name shown to people.
    pub display_name: String,
    /// What the password used opens.
    pub scope: DeviceScope,
    /// The one project that it opens, and nothing else; `None`: all that the person may.
    pub project: Option<Id>,
    /// Does the password only read?
    pub read_only: bool,
    /// Label of the device; `None` for the account password and for commands.
    pub device: Option<String>,
    /// What this rests on; `None`: it does not rest on a log-in, or only reads.
    pub login: Option<VerifiedLogin>,
}

/// A log-in that was found right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VerifiedLogin {
    /// By the password of which device; `None`: of the account.
    pub device: Option<Id>,
}

impl Actor {
    /// What of these privileges the log-in leaves.
    #[must_use]
    pub fn restrict(&self, granted: PrivilegeSet) -> PrivilegeSet {
        if self.read_only { granted.reading() } else { granted }
    }

    /// Does this log-in open what stands in the home of a principal?
    #[must_use]
    pub fn opens_home_of(&self, owner: Id) -> bool {
        self.project.is_none_or(|project| project == owner)
    }

    /// Does this log-in show a principal? One is shown to oneself, for clients begin there.
    #[must_use]
    pub fn shows(&self, principal: Id) -> bool {
        principal == self.id || self.opens_home_of(principal)
    }
}

/// A device password as listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    /// The person's name for it.
    pub label: String,
    /// What it opens.
    pub scope: DeviceScope,
    /// The one project that it opens: identifier and name.
    pub project: Option<(Id, String)>,
    /// Does it only read?
    pub read_only: bool,
    /// Does it log in by HTTP Digest, too?
    pub digest: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the hour; how is noted with it.
    pub used_at: Option<Timestamp>,
    /// From which address.
    pub used_from: Option<String>,
    /// By which program, as that calls itself.
    pub used_by: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}
