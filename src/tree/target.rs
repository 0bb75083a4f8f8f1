//! What a path leads to, and the names that addresses are made of.

use jiff::tz::TimeZone;

use crate::model::effect::EffectPlace;
use crate::model::filename::match_name;
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::{HOMES, Link, Node, PRINCIPALS, ROOT};
use crate::model::path::Path;
use crate::model::precondition::ResourceState;
use crate::model::principal::Actor;
use crate::model::privilege::{PrivilegeSet, Role};
use crate::model::token::TokenSeal;
use crate::model::view::View;

/// Name of the folder of a home that holds its documents, also the first segment of their addresses.
pub const FILES: &str = "files";
/// Name of the collection of a home that holds its calendars, also the first segment of their addresses.
pub const CALENDARS: &str = "calendars";
/// Name, in a person's calendars, of the collection of what they are notified of.
pub const NOTIFICATIONS: &str = "notification";
/// Name, in the calendars of a home, of the collection of what others have sent about meetings.
pub const INBOX: &str = "inbox";
/// Name, in the calendars of a home, of the collection where one asks when others are busy.
pub const OUTBOX: &str = "outbox";
/// Name, in the calendars of a home, of the collection into which programs publish when someone is busy.
pub const PUBLISHED: &str = "published";
/// Names that no client gives a calendar.
pub(super) const SERVERS_OWN: [&str; 4] = [INBOX, OUTBOX, NOTIFICATIONS, PUBLISHED];
/// First segment of the addresses of principals.
pub const PRINCIPALS_SEGMENT: &str = "principals";
/// First segment of the mirror in which each document is the folder of its versions.
pub const HISTORY: &str = "history";
/// First segment of what was deleted.
pub const TRASH: &str = "trash";
/// First segment of versions by the identifier of their document.
pub const VERSIONS: &str = "versions";

/// The roots, as `/` lists them: first segment, what it leads to, its view.
pub const ROOTS: [(&str, Kind, AddressSpace); 6] = [
    (FILES, Kind::Homes, AddressSpace::Files),
    (HISTORY, Kind::Histories, AddressSpace::History),
    (TRASH, Kind::Trashes, AddressSpace::Trash),
    (PRINCIPALS_SEGMENT, Kind::Principals, AddressSpace::Principals),
    (VERSIONS, Kind::Versions, AddressSpace::Versions),
    (CALENDARS, Kind::CalendarHomes, AddressSpace::Calendars),
];

/// In which view of the tree an address lies. One node may stand in several.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AddressSpace {
    /// `/`.
    #[default]
    Root,
    /// What is there now.
    Files,
    /// What was there.
    History,
    /// What was deleted.
    Trash,
    /// Versions by document.
    Versions,
    /// Calendars.
    Calendars,
    /// People and projects.
    Principals,
}

impl AddressSpace {
    /// In which view a path lies.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        root_of(path).map_or(Self::Root, |(_, realm)| realm)
    }
}

/// What the first segment of a path leads to, and its view.
pub(super) fn root_of(path: &Path) -> Option<(Kind, AddressSpace)> {
    let first = path.segments().first()?;
    ROOTS.iter().find(|(segment, ..)| segment == first).map(|(_, kind, realm)| (*kind, *realm))
}

/// What a path leads to: the nodes from the root on, as far as it is mapped.
#[derive(Clone, Debug)]
pub struct Target {
    /// The path: its segments as the tree spells them, its address as the client does.
    pub path: Path,
    /// In which view it lies.
    pub realm: AddressSpace,
    /// The moment at which a former tree is looked at.
    pub moment: Option<Timestamp>,
    /// From the root to the target or to its nearest mapped ancestor; one link for each segment of the path.
    pub(super) links: Vec<Link>,
    /// What the actor may do here.
    pub privileges: PrivilegeSet,
    /// What the actor may do with the collection that holds it: what is granted on the target alone does not count
    /// there.
    pub(super) parent_privileges: PrivilegeSet,
    /// Does the actor see what is private here?
    pub sees_private: bool,
    /// Was the last segment spelled otherwise than stored (case apart from Unicode form)?
    pub respelled: bool,
    /// The last segment as the client spelled it: in NFC where it is not its client's business.
    pub(super) name: String,
}

impl Target {
    /// The node, if the path is mapped.
    #[must_use]
    pub fn node(&self) -> Option<&Node> {
        self.link().map(|link| &link.node)
    }

    /// The node with its locks, if the path is mapped.
    #[must_use]
    pub fn link(&self) -> Option<&Link> {
        if self.missing() == 0 { self.links.last() } else { None }
    }

    /// How many segments lead nowhere.
    #[must_use]
    pub fn missing(&self) -> usize {
        (self.path.segments().len() + 1).saturating_sub(self.links.len())
    }

    /// The collection that holds the target or would; `None` for the root, and where that is not mapped either.
    #[must_use]
    pub fn parent(&self) -> Option<&Link> {
        match self.missing() {
            0 => self.links.len().checked_sub(2).and_then(|place| self.links.get(place)),
            1 => self.links.last(),
            _ => None,
        }
    }

    /// The collection that holds that collection, if both are mapped.
    #[must_use]
    pub(super) fn parent_of_parent(&self) -> Option<&Node> {
        let parent = self.links.len().checked_sub(1 + usize::from(self.missing() == 0))?;
        self.links.get(parent.checked_sub(1)?).map(|link| &link.node)
    }

    /// The role held on all documents, or calendars, of the home; in its trash on all of it.
    #[must_use]
    pub(super) fn role_on_top(&self) -> Option<Role> {
        self.links.get(2).and_then(|top| top.role)
    }

    /// Is it the mirror of all documents of a home, where its former days stand?
    #[must_use]
    pub(super) fn is_mirror(&self) -> bool {
        self.realm == AddressSpace::History && self.path.segments().len() == 2
    }

    /// Does the actor read all of the home in whose trash this is, so that all names there are theirs to know?
    #[must_use]
    pub(super) fn reads_whole_home(&self) -> bool {
        self.role_on_top() >= Some(Role::Reader)
    }

    /// The last segment as the client spelled it: in NFC where it is not its client's business.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the actor may do at a place of the request that this is the target, or destination, of.
    #[must_use]
    pub(super) fn privileges_at(&self, place: EffectPlace) -> PrivilegeSet {
        if place == EffectPlace::Target { self.privileges } else { self.parent_privileges }
    }

    /// The address, as it was requested.
    #[must_use]
    pub fn href(&self) -> String {
        self.path.href(self.node().is_some_and(|node| node.is_collection()))
    }

    /// The address of the collection that holds the target, as far as it was requested.
    #[must_use]
    pub fn parent_href(&self) -> String {
        self.path.parent().href(true)
    }

    /// Locks that cover the target: its own, and deep ones of its ancestors (RFC 4918 section 7), each with the
    /// address of its root.
    pub fn covering(&self) -> impl Iterator<Item = (&Lock, String)> {
        self.locks_from(self.links.len() - usize::from(self.missing() == 0))
    }

    /// The tokens of the locks that cover the target, as far as they may be known.
    fn tokens(&self) -> impl Iterator<Item = &str> {
        self.covering().filter(|(lock, _)| !lock.is_veiled()).map(|(lock, _)| lock.token.as_str())
    }

    /// Did a lock that is over cover the target?
    #[must_use]
    pub fn covered_by(&self, lock: &Lock) -> bool {
        let place = self.links.len() - usize::from(self.missing() == 0);
        let root = self.links.iter().position(|link| link.node.id == lock.node_id);
        root.is_some_and(|at| at == place || (lock.deep && at < place))
    }

    /// Locks that cover the collection holding the target: a change of its members needs one of their tokens.
    pub fn covering_parent(&self) -> impl Iterator<Item = (&Lock, String)> {
        self.locks_from(self.links.len() - 1 - usize::from(self.missing() == 0))
    }

    /// Locks on the link at `place`, and deep ones above it. The root of one that is veiled is shown as the topmost
    /// address that may be read.
    fn locks_from(&self, place: usize) -> impl Iterator<Item = (&Lock, String)> {
        let passages = self.links.iter().rposition(|link| link.node.view == View::Passage).map_or(0, |last| last + 1);
        self.links.iter().enumerate().take(place + 1).flat_map(move |(at, link)| {
            let collection = link.node.is_collection();
            link.locks
                .iter()
                .filter(move |lock| at == place || lock.deep)
                .map(move |lock| (lock, self.path.first(at.max(passages)).href(collection)))
        })
    }

    /// What conditional headers are compared with. A collection's sync token is a state token, too (RFC 6578 section
    /// 5).
    #[must_use]
    pub fn state(&self, seal: &TokenSeal) -> ResourceState {
        let synchronized = self.node().filter(|node| node.traits().sync).map(|node| seal.write(&node.sync_token()));
        let tokens = self.tokens().map(str::to_owned).chain(synchronized).collect();
        ResourceState { tokens, ..self.untokened_state(seal) }
    }

    /// The same without the tokens.
    #[must_use]
    pub(super) fn untokened_state(&self, seal: &TokenSeal) -> ResourceState {
        let node = self.node();
        ResourceState {
            exists: node.is_some(),
            etag: node.and_then(|node| node.etag(seal)),
            schedule_tag: node.and_then(Node::schedule_tag).map(|tag| tag.opaque),
            modified_at: node.filter(|node| !node.is_collection()).map(|node| node.modified_at),
            tokens: Vec::new(),
        }
    }

    /// Does this target stand at or below the other?
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        other.node().is_some_and(|top| self.links.iter().any(|link| link.node.id == top.id))
    }

    /// Folded names of the homes that a change at a path may touch: the one it stands in, or would, and the one that a
    /// calendar shown there is of; none outside homes.
    #[must_use]
    pub fn home_names(path: &Path) -> Vec<String> {
        match path.segments() {
            [first, name, ..] if first == FILES || first == TRASH => vec![match_name(name)],
            [first, name, rest @ ..] if first == CALENDARS => {
                let linked = rest.first().and_then(|segment| link_of(segment)).map(|(_, home)| home);
                std::iter::once(name.as_str()).chain(linked).map(match_name).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The calendar of another home that a segment of a home's address names: `meetings@tram`.
#[must_use]
pub fn link_of(segment: &str) -> Option<(&str, &str)> {
    segment.rsplit_once('@').filter(|(calendar, home)| !calendar.is_empty() && !home.is_empty())
}

/// The document that an address below `/versions/` speaks of.
pub(super) fn document_of(path: &Path) -> Option<Id> {
    match path.segments() {
        [first, id, ..] if first == VERSIONS => id.parse().ok().map(Id).filter(|parsed| parsed.to_string() == *id),
        _ => None,
    }
}

/// The address of a document's versions (`None`), or of one of them.
#[must_use]
pub fn version_path(document: Id, number: Option<i64>) -> Path {
    let path = Path::of(&[VERSIONS]).join(&document.to_string());
    number.map_or(path.clone(), |number| path.join(&number.to_string()))
}

/// The zone in which names spell times.
pub(super) fn zone() -> TimeZone {
    TimeZone::system()
}

/// Who asks, and when.
#[derive(Clone, Copy)]
pub(super) struct Requester<'a> {
    pub actor: &'a Actor,
    pub now: Timestamp,
}

/// What a role grants within this actor's log-in.
pub(super) fn opened(actor: &Actor, role: Option<Role>) -> PrivilegeSet {
    match role {
        Some(role) => actor.restrict(role.grants()),
        None => PrivilegeSet::default(),
    }
}

/// The role held at the end of some links: the greatest of those on the way. What comes to an inbox is known to those
/// who write there.
pub(super) fn role_at(links: &[Link]) -> Option<Role> {
    let held = links.iter().filter_map(|link| link.role).max();
    let inbox = links.iter().any(|link| link.node.kind == Kind::Inbox);
    held.filter(|role| !inbox || *role >= Role::Member)
}

/// Keys of the names from the root to what stands in a part of a home. Of which kind the collections on the way are
/// follows from their depth, before any of them is read.
pub(super) fn keys(home_name: &str, part: &str, below: &[String]) -> Vec<String> {
    let top = if part == CALENDARS { Kind::CalendarHome } else { Kind::Documents };
    let below = below.iter().scan(top, |holder, name| {
        let key = holder.member_key(name);
        *holder = holder.row().mkcol.unwrap_or(*holder);
        Some(key)
    });
    [match_name(home_name), part.to_owned()].into_iter().chain(below).collect()
}

/// The keys that `resolve` will follow from the root for a path of what is there now; `None`: another question comes
/// first.
pub(super) fn keys_of(path: &Path) -> Option<Vec<String>> {
    match path.segments() {
        [first, home, below @ ..] if first == FILES || first == CALENDARS => Some(keys(home, first, below)),
        _ => None,
    }
}

/// The identifier of a root; none is that of a row, but for `/`.
pub(super) fn made_id(kind: Kind) -> Id {
    match kind {
        Kind::Homes => HOMES,
        Kind::Principals => PRINCIPALS,
        Kind::Histories => Id(4),
        Kind::Trashes => Id(5),
        Kind::Versions => Id(6),
        Kind::CalendarHomes => Id(7),
        Kind::Notifications => Id(8),
        Kind::Outbox => Id(9),
        Kind::Published => Id(10),
        _ => ROOT,
    }
}
