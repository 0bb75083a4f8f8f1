//! What a node is: the KINDS table.

use super::filename;
use super::method::{Method, MethodSet};
use super::name::QName;

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
    /// `/history/{name}/...`: the mirror of a folder.
    History,
    /// `/history/{name}/.../{document}/`: a document as the folder of its versions.
    VersionFolder,
    /// `/history/{name}/@{date}/...`: a folder as it stood then.
    PastFolder,
    /// A document as it stood then, or one of its versions.
    PastFile,
    /// `/trash/`: the homes whose trash the caller may read.
    Trashes,
    /// `/trash/{name}/`: what was deleted from a home.
    Trash,
    /// A folder in the trash, or below one.
    TrashedFolder,
    /// A document in the trash, or below a folder there.
    TrashedFile,
    /// A calendar in the trash.
    TrashedCalendar,
    /// A calendar object in the trash, or below a calendar there.
    TrashedObject,
    /// `/versions/`: has no members of its own to show.
    Versions,
    /// `/versions/{id}/`: the versions of a document (RFC 3253 section 5).
    VersionHistory,
    /// `/versions/{id}/{number}`: one version (RFC 3253 section 3.4).
    Version,
    /// `/calendars/`.
    CalendarHomes,
    /// `/calendars/{name}/`: the calendars of a person or project (RFC 4791 section 6.2.1).
    CalendarHome,
    /// A calendar (RFC 4791 section 4.2).
    Calendar,
    /// A calendar of another home, shown in that of someone who may read it.
    LinkedCalendar,
    /// A calendar object (RFC 4791 section 4.1).
    Object,
}

/// What follows from a kind.
pub struct KindRow {
    /// The kind.
    pub kind: Kind,
    /// How a row of the database spells it.
    pub code: &'static str,
    /// Is it a collection (RFC 4918 section 5.2)? Its hrefs end in a slash then.
    pub collection: bool,
    /// Children of `DAV:resourcetype`.
    pub resource_types: &'static [QName],
    /// What PUT and LOCK of an unmapped name create in it.
    pub put: Option<Kind>,
    /// Is its name its client's business? Else it is one that Windows opens, and compared folded.
    pub free_name: bool,
    /// What MKCOL creates in it.
    pub mkcol: Option<Kind>,
    /// The methods it allows.
    pub methods: MethodSet,
    /// Can its members be synchronized (RFC 6578)?
    pub sync: bool,
    /// What a copy of it is.
    pub copy: Kind,
    /// Do the dead properties of its node show?
    pub properties: bool,
    /// Does DAV:version-tree report on it (RFC 3253 section 3.7)?
    pub versioned: bool,
}

const READ_ONLY: MethodSet =
    MethodSet::of(&[Method::Options, Method::Get, Method::Head, Method::Propfind, Method::Report]);
const PAST: MethodSet = READ_ONLY.and(&[Method::Copy]);
const TRASHED: MethodSet = PAST.and(&[Method::Move, Method::Delete]);
const DOCUMENTS: MethodSet =
    READ_ONLY.and(&[Method::Copy, Method::Proppatch, Method::Lock, Method::Unlock, Method::Update]);
const FOLDER: MethodSet = DOCUMENTS.and(&[Method::Delete, Method::Move]);
const FILE: MethodSet = FOLDER.and(&[Method::Put, Method::VersionControl]);

const LINKED: MethodSet = READ_ONLY.and(&[Method::Proppatch, Method::Post, Method::Copy]);
const CALENDAR_METHODS: MethodSet =
    LINKED.and(&[Method::Lock, Method::Unlock, Method::Delete, Method::Move, Method::Update]);

static CALENDAR: [QName; 2] = [QName::dav("collection"), QName::caldav("calendar")];
static COLLECTION: [QName; 1] = [QName::dav("collection")];
static PRINCIPAL: [QName; 2] = [QName::dav("collection"), QName::dav("principal")];
static VERSION_HISTORY: [QName; 2] = [QName::dav("collection"), QName::dav("version-history")];

/// One row a kind, in the order of [`Kind`].
pub static KINDS: [KindRow; 27] = [
    row(Kind::Root, "root", &COLLECTION, READ_ONLY),
    row(Kind::Principals, "principals", &COLLECTION, READ_ONLY),
    row(Kind::Principal, "principal", &PRINCIPAL, READ_ONLY),
    row(Kind::Homes, "homes", &COLLECTION, READ_ONLY),
    row(Kind::Home, "home", &COLLECTION, READ_ONLY),
    folder(Kind::Documents, "documents", DOCUMENTS),
    folder(Kind::Folder, "folder", FOLDER),
    file(Kind::File, "file", FILE),
    row(Kind::Histories, "histories", &COLLECTION, READ_ONLY),
    row(Kind::History, "history", &COLLECTION, READ_ONLY),
    row(Kind::VersionFolder, "version-folder", &COLLECTION, READ_ONLY),
    KindRow { copy: Kind::Folder, ..row(Kind::PastFolder, "past-folder", &COLLECTION, PAST) },
    KindRow { versioned: false, properties: false, ..file(Kind::PastFile, "past-file", PAST) },
    row(Kind::Trashes, "trashes", &COLLECTION, READ_ONLY),
    row(Kind::Trash, "trash", &COLLECTION, READ_ONLY),
    KindRow {
        copy: Kind::Folder,
        properties: true,
        ..row(Kind::TrashedFolder, "trashed-folder", &COLLECTION, TRASHED)
    },
    file(Kind::TrashedFile, "trashed-file", TRASHED),
    KindRow {
        copy: Kind::Calendar,
        properties: true,
        ..row(Kind::TrashedCalendar, "trashed-calendar", &COLLECTION, READ_ONLY.and(&[Method::Move, Method::Delete]))
    },
    KindRow { copy: Kind::Object, free_name: true, ..file(Kind::TrashedObject, "trashed-object", TRASHED) },
    row(Kind::Versions, "versions", &COLLECTION, READ_ONLY),
    KindRow { versioned: true, ..row(Kind::VersionHistory, "version-history", &VERSION_HISTORY, READ_ONLY) },
    KindRow { properties: false, ..file(Kind::Version, "version", PAST.and(&[Method::Proppatch])) },
    row(Kind::CalendarHomes, "calendar-homes", &COLLECTION, READ_ONLY),
    KindRow {
        mkcol: Some(Kind::Calendar),
        properties: true,
        ..row(Kind::CalendarHome, "calendars", &COLLECTION, READ_ONLY.and(&[Method::Proppatch]))
    },
    calendar(Kind::Calendar, "calendar", CALENDAR_METHODS),
    calendar(Kind::LinkedCalendar, "linked-calendar", LINKED),
    KindRow { copy: Kind::Object, free_name: true, ..file(Kind::Object, "object", FILE) },
];

const fn row(kind: Kind, code: &'static str, resource_types: &'static [QName], methods: MethodSet) -> KindRow {
    KindRow {
        kind,
        code,
        collection: true,
        resource_types,
        put: None,
        free_name: false,
        mkcol: None,
        methods,
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
        sync: true,
        copy: Kind::Folder,
        properties: true,
        ..row(kind, code, &COLLECTION, methods)
    }
}

const fn calendar(kind: Kind, code: &'static str, methods: MethodSet) -> KindRow {
    KindRow {
        put: Some(Kind::Object),
        sync: true,
        copy: Kind::Calendar,
        properties: true,
        ..row(kind, code, &CALENDAR, methods)
    }
}

const fn file(kind: Kind, code: &'static str, methods: MethodSet) -> KindRow {
    KindRow { collection: false, copy: Kind::File, properties: true, versioned: true, ..row(kind, code, &[], methods) }
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

    /// Is it a collection?
    #[must_use]
    pub fn is_collection(self) -> bool {
        self.row().collection
    }

    /// Are the names of its members their clients' business?
    #[must_use]
    pub fn holds_free_names(self) -> bool {
        self.row().copy.row().put.is_some_and(|member| member.row().free_name)
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

    /// What a stored node is in the trash: its copy, or it itself once it is restored, is what it was.
    #[must_use]
    pub fn trashed(self) -> Self {
        match self {
            Self::Calendar => Self::TrashedCalendar,
            Self::Object => Self::TrashedObject,
            kind if kind.is_collection() => Self::TrashedFolder,
            _ => Self::TrashedFile,
        }
    }

    /// Is it seen in the trash?
    #[must_use]
    pub fn is_trashed(self) -> bool {
        matches!(self, Self::TrashedFolder | Self::TrashedFile | Self::TrashedCalendar | Self::TrashedObject)
    }

    /// Is it a calendar, wherever it is shown?
    #[must_use]
    pub fn is_calendar(self) -> bool {
        matches!(self, Self::Calendar | Self::LinkedCalendar)
    }

    /// What an unmapped name below this kind allows.
    #[must_use]
    pub fn unmapped_methods(self) -> MethodSet {
        let row = self.row();
        match (row.put, row.mkcol) {
            // An object without content is none.
            (Some(Self::Object), _) => MethodSet::of(&[Method::Options, Method::Put]),
            (Some(_), Some(_)) => {
                MethodSet::of(&[Method::Options, Method::Put, Method::Mkcol, Method::Lock, Method::Unlock])
            }
            (Some(_), None) => MethodSet::of(&[Method::Options, Method::Put, Method::Lock, Method::Unlock]),
            (None, Some(_)) => MethodSet::of(&[Method::Options, Method::Mkcol, Method::Mkcalendar]),
            (None, None) => MethodSet::of(&[Method::Options]),
        }
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
        }
    }
}
