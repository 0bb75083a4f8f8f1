//! What a node is: the KINDS table.

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
    /// What MKCOL creates in it.
    pub mkcol: Option<Kind>,
    /// The methods it allows.
    pub methods: MethodSet,
    /// Can its members be synchronized (RFC 6578)?
    pub sync: bool,
}

const READ_ONLY: MethodSet =
    MethodSet::of(&[Method::Options, Method::Get, Method::Head, Method::Propfind, Method::Report]);
const DOCUMENTS: MethodSet = READ_ONLY.and(&[Method::Copy, Method::Proppatch, Method::Lock, Method::Unlock]);
const FOLDER: MethodSet = DOCUMENTS.and(&[Method::Delete, Method::Move]);
const FILE: MethodSet = FOLDER.and(&[Method::Put]);

static COLLECTION: [QName; 1] = [QName::dav("collection")];
static PRINCIPAL: [QName; 2] = [QName::dav("collection"), QName::dav("principal")];

/// One row a kind, in the order of [`Kind`].
pub static KINDS: [KindRow; 8] = [
    row(Kind::Root, "root", &COLLECTION, READ_ONLY),
    row(Kind::Principals, "principals", &COLLECTION, READ_ONLY),
    row(Kind::Principal, "principal", &PRINCIPAL, READ_ONLY),
    row(Kind::Homes, "homes", &COLLECTION, READ_ONLY),
    row(Kind::Home, "home", &COLLECTION, READ_ONLY),
    folder(Kind::Documents, "documents", DOCUMENTS),
    folder(Kind::Folder, "folder", FOLDER),
    KindRow { collection: false, ..row(Kind::File, "file", &[], FILE) },
];

const fn row(kind: Kind, code: &'static str, resource_types: &'static [QName], methods: MethodSet) -> KindRow {
    KindRow { kind, code, collection: true, resource_types, put: None, mkcol: None, methods, sync: false }
}

const fn folder(kind: Kind, code: &'static str, methods: MethodSet) -> KindRow {
    KindRow { put: Some(Kind::File), mkcol: Some(Kind::Folder), sync: true, ..row(kind, code, &COLLECTION, methods) }
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

    /// What an unmapped name below this kind allows.
    #[must_use]
    pub fn unmapped_methods(self) -> MethodSet {
        let row = self.row();
        match (row.put, row.mkcol) {
            (Some(_), Some(_)) => {
                MethodSet::of(&[Method::Options, Method::Put, Method::Mkcol, Method::Lock, Method::Unlock])
            }
            (Some(_), None) => MethodSet::of(&[Method::Options, Method::Put, Method::Lock, Method::Unlock]),
            (None, Some(_)) => MethodSet::of(&[Method::Options, Method::Mkcol]),
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
