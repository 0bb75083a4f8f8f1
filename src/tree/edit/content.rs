//! What verbs are given: the content that is bound or written, and what is said of a node.

use crate::model::calendar::Indexed;
use crate::model::id::{Id, Timestamp};
use crate::model::name::QName;
use crate::model::node::{Blob, Node};
use crate::model::path::Path;
use crate::store::personal_part::PersonalPart;
use crate::tree::calendar::CALENDAR_TYPE;

/// What is bound.
pub enum Content {
    /// An empty folder, or calendar.
    Folder,
    /// A document, or calendar object.
    File(FileContent),
    /// A new node like this one, without what is below.
    Copied(Node),
}

/// A document's content.
#[derive(Clone, Debug)]
pub struct FileContent {
    /// The bytes.
    pub blob: Blob,
    /// Media type.
    pub content_type: String,
    /// Modification time by the client's word.
    pub modified_at: Option<Timestamp>,
    /// Of a calendar object, what the index says of it.
    pub indexed: Option<Indexed>,
    /// What a new document is to be known by: others have been given that already.
    pub identifier: Option<Id>,
    /// Of a scheduling object whose schedule tag stays as it was: the hash that the tag is made of. `None`: of this
    /// content.
    pub schedule_hash: Option<String>,
    /// Is it put there for a meeting that others organize? Then it counts in nobody's quota but theirs.
    pub received: bool,
}

impl FileContent {
    /// The content of a document.
    #[must_use]
    pub fn document(blob: Blob, content_type: String) -> Self {
        Self {
            blob,
            content_type,
            modified_at: None,
            indexed: None,
            identifier: None,
            schedule_hash: None,
            received: false,
        }
    }

    /// The content of a calendar object.
    #[must_use]
    pub fn object(blob: Blob, indexed: Indexed) -> Self {
        Self { indexed: Some(indexed), ..Self::document(blob, CALENDAR_TYPE.to_owned()) }
    }

    /// Is it a meeting, in which there are others?
    #[must_use]
    pub fn is_meeting(&self) -> bool {
        self.indexed.as_ref().is_some_and(|indexed| indexed.scheduling)
    }

    /// Content that an object has or had, whose bytes are stored.
    #[must_use]
    pub fn stored(object: &Node, hash: String, indexed: Indexed) -> Self {
        let blob = Blob { hash, size_bytes: object.size_bytes, inline: None };
        Self { modified_at: Some(object.modified_at), ..Self::object(blob, indexed) }
    }
}

/// What is attached to an object that goes to another home, and goes there with it.
#[derive(Clone, Debug)]
pub struct CarriedDocuments {
    /// The object.
    pub object: Id,
    /// The hash of its text.
    pub of: String,
    /// What it says there: each document has another name and other addresses. `None`: nothing goes along.
    pub content: Option<FileContent>,
    /// Its UID.
    pub uid: String,
    /// What a folder for it is called, if there is none yet.
    pub folder: String,
    /// The documents as they are, each with what it is known by there.
    pub documents: Vec<CarriedDocument>,
}

/// An object that comes to stand in another calendar as who copies it sees it: what is their own goes along.
#[derive(Clone, Debug)]
pub struct ArrivingObject {
    /// What that was made of.
    pub of: ObjectArrival,
    /// What is stored there; `None`: what is stored here.
    pub content: Option<FileContent>,
    /// What is of who copies it alone there.
    pub own: Option<PersonalPart>,
}

/// A copy of an object into a calendar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectArrival {
    /// The object.
    pub object: Id,
    /// The key of what is seen of it.
    pub seen: Option<String>,
    /// The calendar.
    pub calendar: Id,
    /// The hash of what it takes the place of there.
    pub over: Option<String>,
}

/// A document that goes to another home.
#[derive(Clone, Debug)]
pub struct CarriedDocument {
    /// The document as it is.
    pub node: Node,
    /// What it is known by there.
    pub identifier: Id,
}

/// What is put into a scheduling inbox: a calendar object with a METHOD (RFC 6638 section 2.2).
#[derive(Clone, Debug)]
pub struct InboxItem {
    /// The bytes.
    pub blob: Blob,
    /// The UID that it is about; of an answer [`InboxItem::answer`], of what changed nothing [`InboxItem::held`].
    pub uid: String,
    /// Does an organizer send it (REQUEST, CANCEL)? The next one about the UID takes its place; of what attendees send
    /// the latest stay.
    pub from_organizer: bool,
    /// When the last occurrence of what it is about ends, or later.
    pub last_at: Timestamp,
}

/// What the keys of notices begin with that anybody can cause.
pub(super) const HELD: &str = "held/";

/// What the keys of answers begin with.
const ANSWERS: &str = "answer/";

/// The most notices that an inbox has of mail that changed nothing, for anybody can send such; and of one author.
const MAX_HELD: i64 = 100;
const MAX_HELD_OF_AUTHOR: i64 = 8;
/// The most answers that it has of one attendee, who may answer whatever they name; and about one meeting.
const MAX_ANSWERS_OF_ATTENDEE: i64 = 200;
const MAX_ANSWERS: i64 = 8;

/// The items of an inbox whose keys begin alike, and the most that there may be of them.
pub(super) struct Crowd<'a> {
    pub prefix: &'a str,
    pub most: i64,
}

impl InboxItem {
    /// The key of an answer, in place of a UID.
    #[must_use]
    pub fn answer(attendee: &str, uid: &str) -> String {
        format!("{ANSWERS}{}/{uid}", attendee.replace('/', "|"))
    }

    /// The key of mail that changed nothing, in place of a UID: the next one of its author about the same meeting takes
    /// its place.
    #[must_use]
    pub fn held(author: &str, uid: &str) -> String {
        format!("{HELD}{}/{uid}", author.to_ascii_lowercase())
    }

    /// Those that it is one of.
    pub(super) fn crowds(&self) -> Vec<Crowd<'_>> {
        let of_author = |sort: &str| {
            let (author, _) = self.uid.strip_prefix(sort)?.split_once('/')?;
            self.uid.get(..sort.len() + author.len() + 1)
        };
        let crowd = |(prefix, most)| Crowd { prefix, most };
        match (of_author(HELD), of_author(ANSWERS).filter(|_| !self.from_organizer)) {
            (Some(author), _) => [(HELD, MAX_HELD), (author, MAX_HELD_OF_AUTHOR)].map(crowd).into(),
            (None, Some(attendee)) => {
                [(attendee, MAX_ANSWERS_OF_ATTENDEE), (self.uid.as_str(), MAX_ANSWERS)].map(crowd).into()
            }
            (None, None) => Vec::new(),
        }
    }
}

/// One instruction of a PROPPATCH.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PropertyChange {
    /// Set a dead property: its name and whole element.
    Set(QName, String),
    /// Remove a dead property.
    Remove(QName),
    /// Set the modification time.
    ModifiedAt(Timestamp),
    /// Set or remove the comment of the present version (RFC 3253 section 3.1.1).
    Comment(Option<String>),
    /// Mark a version as one that retention never takes.
    Kept(bool),
    /// Say that a calendar is to be shared from clients: nothing changes, but only who may share it says so.
    Shareable,
    /// Say into which calendar of its home invitations come.
    DefaultCalendar(Path),
    /// Say which calendars of its home show when its owner is busy; the others do not.
    BusyCalendars(Vec<Path>),
    /// Say who is in a group of delegates; `None`: an address that is none of ours.
    Delegates(Vec<Option<Path>>),
}
