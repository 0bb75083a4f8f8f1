//! Path to target: the one place that knows how an address leads to a node.
//!
//! `/files/{name}/...` is the folder `files` of the home of `{name}`; `/`, the roots and `/principals/...` are nodes
//! made here from no row or from a row of another table; how history and trash are found is in `former`.

use super::calendar::{CALENDARS, link_of};
use super::changes::sync_token;
use super::former;
use crate::model::effect::EffectPlace;
use crate::model::error::Result;
use crate::model::filename::{match_name, normalize};
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::{HOMES, Link, Node, PRINCIPALS, ROOT};
use crate::model::path::Path;
use crate::model::precondition::ResourceState;
use crate::model::principal::Actor;
use crate::model::principal::PrincipalKind;
use crate::model::privilege::{Privilege, PrivilegeSet, Role};
use crate::model::view::View;
use crate::store::executor::Executor;
use crate::store::node::Walk;
use crate::store::{node, principal};

/// Name of the folder of a home that holds its documents, also the first segment of their addresses.
pub const FILES: &str = "files";
/// First segment of the addresses of principals.
pub const PRINCIPALS_SEGMENT: &str = "principals";
/// First segment of the mirror in which each document is the folder of its versions.
pub const HISTORY: &str = "history";
/// First segment of what was deleted.
pub const TRASH: &str = "trash";
/// First segment of versions by the identifier of their document.
pub const VERSIONS: &str = "versions";

/// The roots, as `/` lists them: first segment, what it leads to, its view.
pub const ROOTS: [(&str, Kind, Realm); 6] = [
    (FILES, Kind::Homes, Realm::Files),
    (HISTORY, Kind::Histories, Realm::History),
    (TRASH, Kind::Trashes, Realm::Trash),
    (PRINCIPALS_SEGMENT, Kind::Principals, Realm::Principals),
    (VERSIONS, Kind::Versions, Realm::Versions),
    (CALENDARS, Kind::CalendarHomes, Realm::Calendars),
];

/// In which view of the tree an address lies. One node may stand in several.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Realm {
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

impl Realm {
    /// In which view a path lies.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        root_of(path).map_or(Self::Root, |(_, realm)| realm)
    }
}

/// What the first segment of a path leads to, and its view.
fn root_of(path: &Path) -> Option<(Kind, Realm)> {
    let first = path.segments().first()?;
    ROOTS.iter().find(|(segment, ..)| segment == first).map(|(_, kind, realm)| (*kind, *realm))
}

/// What a path leads to: the chain of nodes from the root, as far as it is mapped.
#[derive(Clone, Debug)]
pub struct Target {
    /// The path: its segments as the tree spells them, its address as the client does.
    pub path: Path,
    /// In which view it lies.
    pub realm: Realm,
    /// The moment at which a former tree is looked at.
    pub moment: Option<Timestamp>,
    /// From the root to the target or to its nearest mapped ancestor; one link for each segment of the path.
    pub(super) links: Vec<Link>,
    /// What the actor may do here.
    pub privileges: PrivilegeSet,
    /// What the actor may do with the collection that holds it: what is granted on the target alone does not count
    /// there.
    pub(super) parent_privileges: PrivilegeSet,
    /// Was the last segment spelled otherwise than stored (case apart from Unicode form)?
    pub respelled: bool,
    /// The last segment as the client spelled it: in NFC where it is not its client's business.
    name: String,
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

    /// The address, as it was asked.
    #[must_use]
    pub fn href(&self) -> String {
        self.path.href(self.node().is_some_and(|node| node.is_collection()))
    }

    /// The address of the collection that holds the target, as far as it was asked.
    #[must_use]
    pub fn parent_href(&self) -> String {
        self.path.parent().href(true)
    }

    /// Locks that cover the target: its own, and deep ones of its ancestors (RFC 4918 section 7), each with the
    /// address of its root.
    pub fn covering(&self) -> impl Iterator<Item = (&Lock, String)> {
        self.locks_from(self.links.len() - usize::from(self.missing() == 0))
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

    /// Locks on the link at `place`, and deep ones above it.
    fn locks_from(&self, place: usize) -> impl Iterator<Item = (&Lock, String)> {
        self.links.iter().enumerate().take(place + 1).flat_map(move |(at, link)| {
            let collection = link.node.is_collection();
            link.locks
                .iter()
                .filter(move |lock| at == place || lock.deep)
                .map(move |lock| (lock, self.path.first(at).href(collection)))
        })
    }

    /// What conditional headers are compared with. A collection's sync token is a state token, too (RFC 6578 section
    /// 5).
    #[must_use]
    pub fn state(&self, epoch: &str) -> ResourceState {
        let node = self.node();
        let synchronized = node.filter(|node| node.traits().sync).map(|node| sync_token(node, epoch).to_string());
        ResourceState {
            exists: node.is_some(),
            etag: node.and_then(Node::etag),
            modified_at: node.filter(|node| !node.is_collection()).map(|node| node.modified_at),
            tokens: self.covering().map(|(lock, _)| lock.token.clone()).chain(synchronized).collect(),
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

/// What everyone who has logged in may do with the roots and with principals.
fn public(actor: &Actor) -> PrivilegeSet {
    actor.restrict(Role::Reader.grants().reading())
}

/// Follows a path as far as it is mapped.
pub async fn resolve(c: &mut impl Executor, actor: &Actor, now: Timestamp, path: &Path) -> Result<Target> {
    let mut target = Target {
        path: path.clone(),
        realm: Realm::Root,
        moment: None,
        links: vec![made(Kind::Root, "")],
        privileges: public(actor),
        parent_privileges: public(actor),
        respelled: false,
        name: path.name().map(normalize).unwrap_or_default(),
    };
    let (Some((kind, realm)), Some((first, rest))) = (root_of(path), path.segments().split_first()) else {
        return Ok(target);
    };
    target.realm = realm;
    target.links.push(made(kind, first));
    if let Some((name, below)) = rest.split_first() {
        let who = Who { actor, now };
        match realm {
            Realm::Files => follow_files(c, who, &mut target, name, below).await?,
            Realm::History => former::follow_history(c, who, &mut target, name, below).await?,
            Realm::Trash => former::follow_trash(c, who, &mut target, name, below).await?,
            Realm::Versions => former::follow_versions(c, who, &mut target, name, below).await?,
            Realm::Principals => follow_principal(c, who, &mut target, name).await?,
            Realm::Calendars => follow_calendars(c, who, &mut target, name, below).await?,
            Realm::Root => {}
        }
    }
    if !matches!(realm, Realm::Files | Realm::Calendars | Realm::Trash) {
        target.parent_privileges = target.privileges;
    }
    for (place, link) in target.links.iter().enumerate().skip(1) {
        target.path.recognize(place - 1, &link.node.name);
    }
    if target.parent().is_some_and(|parent| parent.node.kind.holds_free_names()) {
        target.name = path.name().map(str::to_owned).unwrap_or_default();
    }
    let differs = |stored: &str| stored != target.name && normalize(stored) != normalize(&target.name);
    target.respelled = target.missing() == 0
        && target.links.last().is_some_and(|link| differs(&link.node.name))
        && !path.segments().is_empty();
    Ok(target)
}

/// Who asks, and when.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub actor: &'a Actor,
    pub now: Timestamp,
}

async fn follow_principal(c: &mut impl Executor, who: Who<'_>, target: &mut Target, name: &str) -> Result<()> {
    if let Some(found) = principal::by_name(c, name).await?
        && (found.kind == PrincipalKind::Person || may_know(c, who, name).await?)
    {
        target.links.push(Link { node: Node::made(Kind::Principal, found.id, &found.name), ..Link::default() });
    }
    Ok(())
}

/// A project is known to those who have a role in it.
async fn may_know(c: &mut impl Executor, who: Who<'_>, name: &str) -> Result<bool> {
    let links =
        node::chain(c, Walk { actor: who.actor.id, now: who.now, start: ROOT, names: &[match_name(name)] }).await?;
    Ok(links.last().is_some_and(|home| home.role.is_some()))
}

/// What a role opens through this actor's door.
pub(super) fn opened(actor: &Actor, role: Option<Role>) -> PrivilegeSet {
    match role {
        Some(role) => actor.restrict(role.grants()),
        None => PrivilegeSet::default(),
    }
}

/// The links of a home's documents and of names below, as far as they are mapped and the actor may read: the home
/// itself has no address, its folder of documents stands for it and bears its name.
pub(super) async fn documents(
    c: &mut impl Executor,
    who: Who<'_>,
    target: &mut Target,
    home_name: &str,
    below: &[String],
) -> Result<Vec<Link>> {
    if !who.actor.scope.opens_files() {
        target.privileges = PrivilegeSet::default();
        return Ok(Vec::new());
    }
    part(c, who, target, (home_name, FILES), below).await
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

/// The keys that [`resolve`] will follow from the root for a path of what is there now; `None`: another question comes
/// first.
pub(super) fn keys_of(path: &Path) -> Option<Vec<String>> {
    match path.segments() {
        [first, home, below @ ..] if first == FILES || first == CALENDARS => Some(keys(home, first, below)),
        _ => None,
    }
}

/// The same for the part of a home that bears a name.
async fn part(
    c: &mut impl Executor,
    who: Who<'_>,
    target: &mut Target,
    (home_name, folder): (&str, &str),
    below: &[String],
) -> Result<Vec<Link>> {
    let names = keys(home_name, folder, below);
    let links = node::chain(c, Walk { actor: who.actor.id, now: who.now, start: ROOT, names: &names }).await?;
    let role = |links: &[Link]| opened(who.actor, links.iter().filter_map(|link| link.role).max());
    target.privileges = role(&links);
    let above = if links.len() > names.len() { links.len() - 1 } else { links.len() };
    target.parent_privileges = role(links.get(..above).unwrap_or_default());
    // Where nothing may be read, not even the spelling of a name is learned; who may know when a calendar is taken
    // learns of the calendar and of nothing in it.
    let calendar = links.len() > names.len() && links.last().is_some_and(|link| link.node.kind == Kind::Calendar);
    let least = if calendar { Privilege::ReadFreeBusy } else { Privilege::Read };
    if !target.privileges.contains(least) {
        target.privileges = PrivilegeSet::default();
        return Ok(Vec::new());
    }
    let mut links = links.into_iter().skip(1);
    let (Some(home), Some(mut documents)) = (links.next(), links.next()) else { return Ok(Vec::new()) };
    documents.node.name = home.node.name;
    Ok(std::iter::once(documents).chain(links).collect())
}

async fn follow_files(
    c: &mut impl Executor,
    who: Who<'_>,
    target: &mut Target,
    home_name: &str,
    below: &[String],
) -> Result<()> {
    let links = documents(c, who, target, home_name, below).await?;
    target.links.extend(links);
    Ok(())
}

/// `/calendars/{name}/...`: the calendars of a home, and those of others that who it belongs to may read, each named
/// after its home too. What is one's own counts first.
async fn follow_calendars(
    c: &mut impl Executor,
    who: Who<'_>,
    target: &mut Target,
    home_name: &str,
    below: &[String],
) -> Result<()> {
    if !who.actor.scope.opens_calendars() {
        target.privileges = PrivilegeSet::default();
        return Ok(());
    }
    let links = part(c, who, target, (home_name, CALENDARS), below).await?;
    let own = links.len() != 1 || links.first().is_none_or(|home| home.node.owner_id != who.actor.id);
    let linked = below.split_first().and_then(|(segment, rest)| Some((link_of(segment)?, rest)));
    let (Some(((calendar, other), rest)), false) = (linked, own) else {
        target.links.extend(links);
        return Ok(());
    };
    let privileges = target.privileges;
    let names: Vec<String> = std::iter::once(calendar.to_owned()).chain(rest.iter().cloned()).collect();
    let theirs = part(c, who, target, (other, CALENDARS), &names).await?;
    target.links.extend(links);
    let home = theirs.first().map(|home| home.node.name.clone()).unwrap_or_default();
    let mut theirs = theirs.into_iter().skip(1);
    match theirs.next() {
        Some(mut shown) => {
            shown.node.name = format!("{}@{home}", shown.node.name);
            shown.node.view = View::Linked;
            target.links.push(shown);
            target.links.extend(theirs);
        }
        // The name is free, in a home of one's own.
        None => (target.privileges, target.parent_privileges) = (privileges, privileges),
    }
    Ok(())
}

fn made(kind: Kind, name: &str) -> Link {
    let id = made_id(kind);
    Link { node: Node::made(kind, id, name), ..Link::default() }
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
        _ => ROOT,
    }
}
