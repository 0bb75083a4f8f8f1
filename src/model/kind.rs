//! What a node is: the KINDS table. How it is looked at is another matter: [`super::view`].

use super::filename;
use super::method::{Method, MethodSet};
use super::name::{CALENDARSERVER, QName};

/// What a node is. Its row in [`KINDS`] says what follows from that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum Kind {
    /// `/`: the collection of the roots below.
    #[default]
    Root,
    /// `/principals/`.
    Principals,
    /// `/principals/{name}/`: a person, group, project or room.
    Principal,
    /// `/files/`: the homes whose documents the caller may read.
    Homes,
    /// The home of a person or project. It has no address of its own; its parts have.
    Home,
    /// `/files/{name}/`: the top folder of a home's documents.
    Documents,
    /// A folder of documents.
    Folder,
    /// A document.
    File,
    /// `/history/`: the homes whose documents' history the caller may read.
    Histories,
    /// `/trash/`: the homes whose trash the caller may read.
    Trashes,
    /// `/trash/{name}/`: what was deleted from a home.
    Trash,
    /// `/versions/`: has no members of its own to show.
    Versions,
    /// `/calendars/`.
    CalendarHomes,
    /// `/calendars/{name}/`: the calendars of a person or project (RFC 4791 section 6.2.1).
    CalendarHome,
    /// A calendar (RFC 4791 section 4.2).
    Calendar,
    /// A calendar object (RFC 4791 section 4.1).
    Object,
    /// `/calendars/{name}/notification/`: what a person is notified of.
    Notifications,
    /// One such notification.
    Notification,
    /// `/principals/{name}/calendar-proxy-read/`: those who read a person's calendars for them.
    ReadProxies,
    /// `/principals/{name}/calendar-proxy-write/`: those who keep a person's calendars for them.
    WriteProxies,
    /// `/calendars/{name}/inbox/`: what others have sent about meetings (RFC 6638 section 2.2).
    Inbox,
    /// One such message: a calendar object with a METHOD.
    InboxItem,
    /// `/calendars/{name}/outbox/`: where one asks when others are busy (RFC 6638 section 2.1).
    Outbox,
    /// `/calendars/{name}/published/` before anything was published there; what is makes it a calendar of busy times.
    Published,
}

/// What a node's content is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentKind {
    /// Bytes that nobody looks into.
    Opaque,
    /// A calendar object (RFC 4791 section 4.1): judged when it is stored, known by what the index says of it.
    CalendarObject,
}

/// What follows from a kind.
pub struct KindRow {
    /// The kind.
    pub kind: Kind,
    /// How a row of the database spells it.
    pub code: &'static str,
    /// Its content; `None`: it is a collection (RFC 4918 section 5.2).
    pub content: Option<ContentKind>,
    /// Children of `DAV:resourcetype`.
    pub resource_types: &'static [QName],
    /// What PUT and LOCK of an unmapped name create in it.
    pub put: Option<Kind>,
    /// Is its name its client's business? Else it is one that Windows opens, and compared folded.
    pub free_name: bool,
    /// What MKCOL creates in it.
    pub mkcol: Option<Kind>,
    /// What is stored in it.
    pub members: &'static [Kind],
    /// The methods it allows.
    pub methods: MethodSet,
    /// Those it allows in the trash.
    pub in_trash: MethodSet,
    /// Can its members be synchronized (RFC 6578)?
    pub sync: bool,
    /// What a copy of it is.
    pub copy: Kind,
    /// Do the dead properties of its node show?
    pub properties: bool,
    /// Has it versions, on which DAV:version-tree reports (RFC 3253 section 3.7)? What has content and no versions goes
    /// for good when it goes.
    pub versioned: bool,
}

/// What changes nothing.
pub(super) const READ_ONLY: MethodSet =
    MethodSet::of(&[Method::Options, Method::Get, Method::Head, Method::Propfind, Method::Report]);
const IN_TRASH: MethodSet = READ_ONLY.and(&[Method::Copy, Method::Move, Method::Delete]);
const STORED: MethodSet =
    READ_ONLY.and(&[Method::Copy, Method::Proppatch, Method::Lock, Method::Unlock, Method::Update]);
/// Roles are granted on collections.
const DOCUMENTS: MethodSet = STORED.and(&[Method::Acl]);
const FOLDER: MethodSet = DOCUMENTS.and(&[Method::Delete, Method::Move]);
const FILE: MethodSet = STORED.and(&[Method::Delete, Method::Move, Method::Put, Method::VersionControl]);
/// POST answers an invitation.
const CALENDAR_HOME: MethodSet = READ_ONLY.and(&[Method::Proppatch, Method::Acl, Method::Post]);
/// POST attaches files.
const OBJECT: MethodSet = FILE.and(&[Method::Post]);
const CALENDAR_METHODS: MethodSet = FOLDER.and(&[Method::Post]);

static CALENDAR: [QName; 2] = [QName::dav("collection"), QName::caldav("calendar")];
pub(super) static COLLECTION: [QName; 1] = [QName::dav("collection")];
/// Drafts and clients spell it in both ways.
static NOTIFICATIONS: [QName; 3] =
    [QName::dav("collection"), QName::of(CALENDARSERVER, "notification"), QName::of(CALENDARSERVER, "notifications")];
static PRINCIPAL: [QName; 2] = [QName::dav("collection"), QName::dav("principal")];
static READ_PROXIES: [QName; 3] =
    [QName::dav("collection"), QName::dav("principal"), QName::of(CALENDARSERVER, "calendar-proxy-read")];
static WRITE_PROXIES: [QName; 3] =
    [QName::dav("collection"), QName::dav("principal"), QName::of(CALENDARSERVER, "calendar-proxy-write")];
static INBOX: [QName; 2] = [QName::dav("collection"), QName::caldav("schedule-inbox")];
static OUTBOX: [QName; 2] = [QName::dav("collection"), QName::caldav("schedule-outbox")];
/// Whose they are names them.
const PROXIES: MethodSet = READ_ONLY.and(&[Method::Proppatch]);

/// One row a kind, in the order of [`Kind`].
pub static KINDS: [KindRow; 24] = [
    KindRow { members: &[Kind::Home], ..row(Kind::Root, "root", &COLLECTION, READ_ONLY) },
    row(Kind::Principals, "principals", &COLLECTION, READ_ONLY),
    row(Kind::Principal, "principal", &PRINCIPAL, READ_ONLY),
    row(Kind::Homes, "homes", &COLLECTION, READ_ONLY),
    KindRow { members: &[Kind::Documents, Kind::CalendarHome], ..row(Kind::Home, "home", &COLLECTION, READ_ONLY) },
    folder(Kind::Documents, "documents", DOCUMENTS),
    folder(Kind::Folder, "folder", FOLDER),
    document(Kind::File, "file", ContentKind::Opaque),
    row(Kind::Histories, "histories", &COLLECTION, READ_ONLY),
    row(Kind::Trashes, "trashes", &COLLECTION, READ_ONLY),
    row(Kind::Trash, "trash", &COLLECTION, READ_ONLY),
    row(Kind::Versions, "versions", &COLLECTION, READ_ONLY),
    row(Kind::CalendarHomes, "calendar-homes", &COLLECTION, READ_ONLY),
    KindRow {
        mkcol: Some(Kind::Calendar),
        members: &[Kind::Calendar, Kind::Inbox],
        properties: true,
        ..row(Kind::CalendarHome, "calendars", &COLLECTION, CALENDAR_HOME)
    },
    KindRow {
        put: Some(Kind::Object),
        members: &[Kind::Object],
        in_trash: READ_ONLY.and(&[Method::Move, Method::Delete]),
        sync: true,
        properties: true,
        ..row(Kind::Calendar, "calendar", &CALENDAR, CALENDAR_METHODS)
    },
    KindRow { free_name: true, methods: OBJECT, ..document(Kind::Object, "object", ContentKind::CalendarObject) },
    KindRow { sync: true, ..row(Kind::Notifications, "notifications", &NOTIFICATIONS, READ_ONLY) },
    KindRow {
        content: Some(ContentKind::Opaque),
        ..row(Kind::Notification, "notification", &[], READ_ONLY.and(&[Method::Delete]))
    },
    row(Kind::ReadProxies, "calendar-proxy-read", &READ_PROXIES, PROXIES),
    row(Kind::WriteProxies, "calendar-proxy-write", &WRITE_PROXIES, PROXIES),
    KindRow {
        members: &[Kind::InboxItem],
        sync: true,
        properties: true,
        ..row(Kind::Inbox, "inbox", &INBOX, READ_ONLY.and(&[Method::Proppatch]))
    },
    KindRow {
        content: Some(ContentKind::CalendarObject),
        free_name: true,
        ..row(Kind::InboxItem, "inbox-item", &[], READ_ONLY.and(&[Method::Delete]))
    },
    row(Kind::Outbox, "outbox", &OUTBOX, READ_ONLY.and(&[Method::Post])),
    KindRow {
        put: Some(Kind::Object),
        members: &[Kind::Object],
        ..row(Kind::Published, "published", &COLLECTION, READ_ONLY)
    },
];

impl KindRow {
    /// Are there rows of the database of this kind?
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.kind == Kind::Root || self.kind.stands_in_some()
    }
}

const fn row(kind: Kind, code: &'static str, resource_types: &'static [QName], methods: MethodSet) -> KindRow {
    KindRow {
        kind,
        code,
        content: None,
        resource_types,
        put: None,
        free_name: false,
        mkcol: None,
        members: &[],
        methods,
        in_trash: IN_TRASH,
        sync: false,
        copy: kind,
        properties: false,
        versioned: false,
    }
}

const fn folder(kind: Kind, code: &'static str, methods: MethodSet) -> KindRow {
    KindRow {
        put: Some(Kind::File),
        mkcol: Some(Kind::Folder),
        members: &[Kind::Folder, Kind::File],
        sync: true,
        copy: Kind::Folder,
        properties: true,
        ..row(kind, code, &COLLECTION, methods)
    }
}

const fn document(kind: Kind, code: &'static str, content: ContentKind) -> KindRow {
    KindRow { content: Some(content), properties: true, versioned: true, ..row(kind, code, &[], FILE) }
}

impl Kind {
    /// The kind's row.
    #[must_use]
    pub fn row(self) -> &'static KindRow {
        // The table is in the order of the enum (a test holds it to that), so the fallback is never reached.
        KINDS.get(self as usize).unwrap_or(&KINDS[0])
    }

    /// The kind that a row of the database spells so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        KINDS.iter().find(|row| row.code == code).map(|row| row.kind)
    }

    /// Is what is stored a collection?
    #[must_use]
    pub fn is_collection(self) -> bool {
        self.row().content.is_none()
    }

    /// May a node of another kind stand in it?
    #[must_use]
    pub fn holds(self, member: Self) -> bool {
        self.row().members.contains(&member)
    }

    /// May a node of it stand in some collection?
    #[must_use]
    pub fn stands_in_some(self) -> bool {
        KINDS.iter().any(|row| row.members.contains(&self))
    }

    /// Do nodes stand in it, which rows of the database say?
    #[must_use]
    pub fn holds_nodes(self) -> bool {
        !self.row().members.is_empty()
    }

    /// Is its content a calendar object?
    #[must_use]
    pub fn holds_calendar_object(self) -> bool {
        self.row().content == Some(ContentKind::CalendarObject)
    }

    /// Are the names of its members their clients' business?
    #[must_use]
    pub fn holds_free_names(self) -> bool {
        self.row().members.iter().any(|member| member.row().free_name)
    }

    /// The key of the name of a live node of this kind.
    #[must_use]
    pub fn key(self, name: &str) -> String {
        filename::key(name, self.row().free_name)
    }

    /// The key of the name of a member of such a collection.
    #[must_use]
    pub fn member_key(self, name: &str) -> String {
        filename::key(name, self.holds_free_names())
    }
}

#[cfg(test)]
mod tests {
    use super::{KINDS, Kind};

    #[test]
    fn table_is_in_the_order_of_the_enum() {
        for (position, row) in KINDS.iter().enumerate() {
            assert_eq!(row.kind as usize, position);
            assert_eq!(row.kind.row().code, row.code);
            assert_eq!(Kind::from_code(row.code), Some(row.kind));
            assert!([row.put, row.mkcol].into_iter().flatten().all(|kind| row.members.contains(&kind)), "{}", row.code);
        }
    }
}
