//! One row of the tree as a value, and the link of a chain.

use std::borrow::Cow;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;

use super::error::Failure;
use super::etag::ETag;
use super::id::{Id, Seq, Timestamp};
use super::kind::Kind;
use super::lock::Lock;
use super::media_type;
use super::privilege::Role;
use super::token::{SyncToken, TokenSeal};
use super::version::{MovedDocument, PresentContent};
use super::view::{Traits, View};

/// Node of `/`; the parent of every home.
pub const ROOT: Id = Id(1);
/// Node of `/files/`.
pub const HOMES: Id = Id(2);
/// Node of `/principals/`.
pub const PRINCIPALS: Id = Id(3);

/// The date of what no row stands for: some clients stumble over a missing one, or one of 1970.
const MADE_AT: Timestamp = 1_704_067_200;

/// A node: something a client can name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node {
    /// Identifier; outlives renaming and moving (RFC 5842 section 3.1).
    pub id: Id,
    /// The collection that holds it.
    pub parent_id: Id,
    /// The home that counts its changes; for a home itself its own id.
    pub home_id: Id,
    /// Name in its parent; in NFC where it is not its client's business.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How it is looked at: never stored.
    pub view: View,
    /// The principal whose home it stands in.
    pub owner_id: Id,
    /// Change that bound it where it stands.
    pub placed_seq: Seq,
    /// When that was.
    pub placed_at: Timestamp,
    /// Its last change as a member.
    pub seq: Seq,
    /// As a collection: last change of anything below it.
    pub members_seq: Seq,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its content last changed, by our clock or by the client's word.
    pub modified_at: Timestamp,
    /// Number of its present content, from 1; 0 for a collection.
    pub version: i64,
    /// Who wrote its present content.
    pub author_id: Option<Id>,
    /// SHA-256 of its content, hexadecimal; `None` for a collection.
    pub hash: Option<String>,
    /// Size of its content; for a collection the sum of all live content below.
    pub size_bytes: i64,
    /// Media type.
    pub content_type: Option<String>,
    /// Is its content a version (`false`: a draft that the same session may still refine)?
    pub sealed: bool,
    /// The lock under which a draft is written.
    pub draft: Option<String>,
    /// When its content was written, by our clock.
    pub written_at: Timestamp,
    /// Label of the device that wrote it.
    pub device: Option<String>,
    /// What was said of this version.
    pub comment: Option<String>,
    /// Is it left about by a program: without versions, never in the trash?
    pub litter: bool,
    /// How many live documents stand below it.
    pub documents: i64,
    /// Of a scheduling object, the hash of the content that its schedule tag is made of.
    pub schedule_hash: Option<String>,
    /// Was its content put there by others, for a meeting of theirs? Then it does not count in the quota of its home.
    pub received: bool,
    /// Of a calendar object and of its calendar: may somebody have something of their own there?
    pub personal_parts: bool,
    /// Of a calendar object, the hash of what the one who looks at it has of their own there: never stored with it.
    pub own_part: Option<String>,
}

impl Node {
    /// A node that no row stands for: one of the roots, or a principal.
    #[must_use]
    pub fn made(kind: Kind, id: Id, name: &str) -> Self {
        Self { id, kind, name: name.to_owned(), created_at: MADE_AT, modified_at: MADE_AT, ..Self::default() }
    }

    /// A collection of which nothing is known but that it is there.
    #[must_use]
    pub fn without_content(&self) -> Self {
        let Self { id, parent_id, home_id, owner_id, kind, created_at, .. } = *self;
        let made = Self::made(kind, id, &self.name);
        Self { parent_id, home_id, owner_id, created_at, modified_at: created_at, ..made }
    }

    /// Bytes of its content; of a damaged row, that says less than none, as many as there are.
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        u64::try_from(self.size_bytes).unwrap_or(i64::MAX.unsigned_abs())
    }

    /// The node as who only passes through it sees it: what it is called, and nothing that others can change.
    #[must_use]
    pub fn passed(self) -> Self {
        let Self { parent_id, home_id, owner_id, .. } = self;
        Self { parent_id, home_id, owner_id, view: View::Passage, ..Self::made(self.kind, self.id, &self.name) }
    }

    /// What follows from what it is and how it is looked at.
    #[must_use]
    pub fn traits(&self) -> &'static Traits {
        Traits::of(self.kind, self.view)
    }

    /// Is it a collection, as it is looked at?
    #[must_use]
    pub fn is_collection(&self) -> bool {
        self.traits().collection
    }

    /// What a copy of it is. A former state of a calendar object is copied as a document: UPDATE brings it back to its
    /// calendar.
    #[must_use]
    pub fn copied_kind(&self) -> Kind {
        match (self.kind, self.view) {
            (Kind::Object, View::Version | View::MirroredVersion | View::Former) => Kind::File,
            (kind, _) => kind.row().copy,
        }
    }

    /// The same node looked at in another way. A collection has no content.
    #[must_use]
    pub fn seen(mut self, view: View) -> Self {
        self.view = view;
        if self.is_collection() {
            (self.hash, self.content_type) = (None, None);
        }
        if view == View::Masked {
            (self.author_id, self.device, self.comment, self.schedule_hash) = (None, None, None, None);
        }
        self
    }

    /// The key of its name in the collection that it stands in. An entry of the trash stands among documents: its name
    /// is folded.
    #[must_use]
    pub fn key(&self) -> String {
        self.kind.key(&self.name)
    }

    /// Its content as the rules of versions see it.
    #[must_use]
    pub fn present(&self) -> PresentContent<'_> {
        PresentContent {
            sealed: self.sealed,
            draft: self.draft.as_deref(),
            litter: self.litter,
            size_bytes: self.size_bytes,
            written_at: self.written_at,
        }
    }

    /// What the rules of succession ask of it when it is moved. A file is new that holds what the document held before.
    #[must_use]
    pub fn as_source(&self) -> MovedDocument<'_> {
        let made_at = self.created_at.min(self.written_at);
        MovedDocument { name: &self.name, author: self.author_id, made_at, version: self.version }
    }

    /// How many documents it is, with all below it: what has no versions is none.
    #[must_use]
    pub fn weight(&self) -> i64 {
        if self.is_collection() { self.documents } else { i64::from(self.kind.row().versioned) }
    }

    /// The media type that is sent with it; collections have none. What was stored before types were judged may be
    /// anything.
    #[must_use]
    pub fn media_type(&self) -> Option<Cow<'_, str>> {
        let stored = self.content_type.as_deref()?;
        // That of a calendar object is ours.
        if self.kind.holds_calendar_object() {
            return Some(stored.into());
        }
        Some(media_type::normal(stored).unwrap_or_else(|| media_type::of_name(&self.name).into()))
    }

    /// The number up to which a collection is known to who has seen all of it: its last change below, or its being put
    /// into place, whichever came later.
    #[must_use]
    pub fn latest_seq(&self) -> Seq {
        self.members_seq.max(self.placed_seq)
    }

    /// What `DAV:sync-token` of a collection is now.
    #[must_use]
    pub fn sync_token(&self) -> SyncToken {
        SyncToken { node: self.id, home: self.home_id, seq: self.latest_seq(), after: None, plain: false }
    }

    /// Its entity tag; collections have none. That of what is masked says nothing of the content.
    #[must_use]
    pub fn etag(&self, seal: &TokenSeal) -> Option<ETag> {
        match (self.view, &self.own_part) {
            (View::Masked, _) => Some(ETag { opaque: seal.masked(self.id, self.hash.as_deref()?), weak: false }),
            (_, Some(own)) => Some(ETag { opaque: seal.personal(self.hash.as_deref()?, own), weak: false }),
            _ => self.hash.as_deref().map(ETag::of_hash),
        }
    }

    /// Is what is shown of it another text than the one that is stored?
    #[must_use]
    pub const fn is_altered(&self) -> bool {
        matches!(self.view, View::Masked) || self.own_part.is_some()
    }

    /// What the text that is shown of it follows from, and what follows from that text is kept by.
    #[must_use]
    pub fn content_key(&self) -> Option<Cow<'_, str>> {
        let hash = self.hash.as_deref()?;
        Some(self.own_part.as_ref().map_or(Cow::Borrowed(hash), |own| Cow::Owned(format!("{hash} {own}"))))
    }

    /// Its schedule tag; only scheduling objects have one (RFC 6638 section 3.2.10).
    #[must_use]
    pub fn schedule_tag(&self) -> Option<ETag> {
        self.schedule_hash.as_deref().map(ETag::of_hash)
    }
}

/// A node on the way from the root to a target, with what hangs on it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// The node.
    pub node: Node,
    /// The greatest role that the actor was granted exactly here.
    pub role: Option<Role>,
    /// Does the actor see what is private, by what was granted exactly here?
    pub sees_private: bool,
    /// Locks whose root it is, none lapsed.
    pub locks: Vec<Lock>,
}

/// A version of a document: content that was there, and stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// The document.
    pub node: Id,
    /// From 1; numbers may lack where retention thinned them.
    pub number: i64,
    /// SHA-256 of the content, hexadecimal.
    pub hash: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// Media type.
    pub content_type: Option<String>,
    /// Who wrote it.
    pub author_id: Option<Id>,
    /// The author's shown name.
    pub author: Option<String>,
    /// Label of the device it was written with.
    pub device: Option<String>,
    /// What was said of it.
    pub comment: Option<String>,
    /// When it was written, by our clock.
    pub written_at: Timestamp,
    /// Does retention never take it?
    pub kept: bool,
}

/// What a node counts in the quota of its home beside its content and properties; as much does a former version.
pub const NODE_BYTES: i64 = 32;

/// Content on its way out, block by block, each made as it is taken; an error ends it.
pub type ContentStream = Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>;

/// Content on its way into the tree: named by its hash, already safe on disk or small enough to go with the row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blob {
    /// SHA-256, hexadecimal.
    pub hash: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// The content, when it is to be stored as a row.
    pub inline: Option<Bytes>,
}
