//! How a node is looked at: the VIEWS table, and the traits that follow from it and from what the node is.

use super::kind::{COLLECTION, KINDS, Kind, KindRow, READ_ONLY};
use super::method::{Method, MethodSet};
use super::name::QName;

/// How a node is looked at. Its row in `VIEWS` says what that changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum View {
    /// Where it stands.
    #[default]
    Present,
    /// A calendar of another home, shown in that of someone who may read it.
    Linked,
    /// In the trash, or below what lies there.
    Trashed,
    /// `/history/{name}/...`: a folder as the mirror of itself, a document as the folder of its versions.
    Mirrored,
    /// `/history/{name}/.../{document}/{version}`: one of its versions there.
    MirroredVersion,
    /// `/history/{name}/@{date}/...`: as it stood then.
    Former,
    /// `/versions/{id}/`: the versions of a document (RFC 3253 section 5).
    VersionHistory,
    /// `/versions/{id}/{number}`: one version (RFC 3253 section 3.4).
    Version,
    /// A private event, to those who may only know when someone is busy.
    Masked,
    /// By who has no role on it, but on something below: the way there, and nothing else.
    Passage,
}

/// The methods that a view allows.
enum Methods {
    /// Those of the kind.
    OfKind,
    /// Those of the kind in the trash.
    OfKindInTrash,
    /// The same for every kind.
    These(MethodSet),
}

/// What looking at a node in a view changes.
struct ViewRow {
    view: View,
    /// What is looked at so.
    kinds: &'static [Kind],
    methods: Methods,
    /// May members be added, and are they synchronized, as the kind says?
    grows: bool,
    /// Children of `DAV:resourcetype`: those of the kind, or of every collection.
    resource_types: Option<&'static [QName]>,
    /// Is everything a collection?
    collection: bool,
    /// Do dead properties show, as the kind says?
    properties: bool,
    /// Does DAV:version-tree report on it, as the kind says?
    versioned: bool,
}

#[allow(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
const EVERYTHING: &[Kind] = &{
    let mut all = [Kind::Root; KINDS.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = KINDS[place].kind;
        place += 1;
    }
    all
};
const DELETED: &[Kind] = &[Kind::Folder, Kind::File, Kind::Calendar, Kind::Object];
const DOCUMENTS: &[Kind] = &[Kind::Documents, Kind::Folder, Kind::File];
const VERSIONED: &[Kind] = &[Kind::File, Kind::Object];
const PASSED: &[Kind] = &[Kind::Documents, Kind::Folder];

/// DELETE declines what was shared from a client.
const LINKED: MethodSet = READ_ONLY.and(&[Method::Proppatch, Method::Post, Method::Copy, Method::Acl, Method::Delete]);
const PAST: MethodSet = READ_ONLY.and(&[Method::Copy]);

static VERSION_HISTORY: [QName; 2] = [QName::dav("collection"), QName::dav("version-history")];

/// One row a view, in the order of [`View`].
static VIEWS: [ViewRow; 10] = [
    ViewRow {
        methods: Methods::OfKind,
        grows: true,
        resource_types: None,
        properties: true,
        versioned: true,
        ..past(View::Present, EVERYTHING, READ_ONLY)
    },
    ViewRow { grows: true, resource_types: None, properties: true, ..past(View::Linked, &[Kind::Calendar], LINKED) },
    ViewRow {
        methods: Methods::OfKindInTrash,
        properties: true,
        versioned: true,
        ..past(View::Trashed, DELETED, READ_ONLY)
    },
    ViewRow { collection: true, ..past(View::Mirrored, DOCUMENTS, READ_ONLY) },
    past(View::MirroredVersion, &[Kind::File], PAST),
    past(View::Former, DOCUMENTS, PAST),
    ViewRow {
        collection: true,
        resource_types: Some(&VERSION_HISTORY),
        versioned: true,
        ..past(View::VersionHistory, VERSIONED, READ_ONLY)
    },
    ViewRow { versioned: true, ..past(View::Version, VERSIONED, PAST.and(&[Method::Proppatch])) },
    ViewRow { methods: Methods::OfKind, ..past(View::Masked, &[Kind::Object], READ_ONLY) },
    past(View::Passage, PASSED, READ_ONLY),
];

/// What is only looked at: nothing is added to it.
const fn past(view: View, kinds: &'static [Kind], methods: MethodSet) -> ViewRow {
    ViewRow {
        view,
        kinds,
        methods: Methods::These(methods),
        grows: false,
        resource_types: Some(&COLLECTION),
        collection: false,
        properties: false,
        versioned: false,
    }
}

/// What follows from what a node is and how it is looked at. The fields mean what they mean in [`KindRow`].
pub struct Traits {
    /// What it is.
    pub kind: Kind,
    /// How it is looked at.
    pub view: View,
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
    /// Do the dead properties of its node show?
    pub properties: bool,
    /// Does DAV:version-tree report on it (RFC 3253 section 3.7)?
    pub versioned: bool,
}

/// Of each kind in each view, in the order of the kinds and then of the views.
#[allow(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
static TRAITS: [[Traits; VIEWS.len()]; KINDS.len()] = {
    let mut all = [const { [const { traits(&KINDS[0], &VIEWS[0]) }; VIEWS.len()] }; KINDS.len()];
    let mut kind = 0;
    while kind < KINDS.len() {
        let mut view = 0;
        while view < VIEWS.len() {
            all[kind][view] = traits(&KINDS[kind], &VIEWS[view]);
            view += 1;
        }
        kind += 1;
    }
    all
};

const fn traits(kind: &KindRow, view: &ViewRow) -> Traits {
    let collection = kind.content.is_none() || view.collection;
    Traits {
        kind: kind.kind,
        view: view.view,
        collection,
        resource_types: match view.resource_types {
            Some(types) if collection => types,
            _ => kind.resource_types,
        },
        put: if view.grows { kind.put } else { None },
        mkcol: if view.grows { kind.mkcol } else { None },
        methods: match view.methods {
            Methods::OfKind => kind.methods,
            Methods::OfKindInTrash => kind.in_trash,
            Methods::These(methods) => methods,
        },
        sync: kind.sync && view.grows,
        properties: kind.properties && view.properties,
        versioned: kind.versioned && view.versioned,
    }
}

impl View {
    /// All.
    pub const ALL: [Self; VIEWS.len()] = [
        Self::Present,
        Self::Linked,
        Self::Trashed,
        Self::Mirrored,
        Self::MirroredVersion,
        Self::Former,
        Self::VersionHistory,
        Self::Version,
        Self::Masked,
        Self::Passage,
    ];

    /// Are nodes of a kind looked at so?
    #[must_use]
    pub fn shows(self, kind: Kind) -> bool {
        VIEWS.get(self as usize).is_some_and(|row| row.kinds.contains(&kind))
    }

    /// How the stored members of a collection are looked at; versions are no such members.
    #[must_use]
    pub fn of_members(self) -> Self {
        if self == Self::Linked { Self::Present } else { self }
    }
}

impl Traits {
    /// Those of a kind in a view.
    #[must_use]
    pub fn of(kind: Kind, view: View) -> &'static Self {
        // Both tables are in the order of their enums (a test holds them to that), so the fallback is never reached.
        TRAITS.get(kind as usize).and_then(|views| views.get(view as usize)).unwrap_or(&TRAITS[0][0])
    }

    /// Is it a calendar, one's own or linked?
    #[must_use]
    pub fn is_calendar(&self) -> bool {
        self.kind == Kind::Calendar && matches!(self.view, View::Present | View::Linked)
    }

    /// Do calendar objects stand in it: is it a calendar, or an inbox?
    #[must_use]
    pub fn holds_objects(&self) -> bool {
        self.is_calendar() || self.kind == Kind::Inbox
    }

    /// What an unmapped name below it allows.
    #[must_use]
    pub fn unmapped_methods(&self) -> MethodSet {
        match (self.put, self.mkcol) {
            // An object without content is none.
            (Some(member), _) if member.holds_calendar_object() => MethodSet::of(&[Method::Options, Method::Put]),
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
    use super::{TRAITS, Traits, VIEWS, View};
    use crate::model::kind::KINDS;

    #[test]
    fn tables_are_in_the_order_of_their_enums() {
        for (position, (row, view)) in VIEWS.iter().zip(View::ALL).enumerate() {
            assert_eq!((row.view, row.view as usize), (view, position));
        }
        for (kind, views) in KINDS.iter().zip(&TRAITS) {
            for (view, traits) in VIEWS.iter().zip(views) {
                assert_eq!((traits.kind, traits.view), (kind.kind, view.view));
                assert!(std::ptr::eq(Traits::of(kind.kind, view.view), traits));
            }
        }
    }
}
