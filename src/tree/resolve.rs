//! Path to target: the one place that knows how an address leads to a node.
//!
//! `/files/{name}/...` is the folder `files` of the home of `{name}`; `/`, `/files/` and `/principals/...` are nodes
//! made here from no row or from a row of another table.

use super::changes::sync_token;
use crate::model::error::Result;
use crate::model::filename::{match_name, normalize};
use crate::model::id::Timestamp;
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::{HOMES, Link, Node, PRINCIPALS, ROOT};
use crate::model::path::Path;
use crate::model::precondition::State;
use crate::model::principal::Actor;
use crate::model::principal::PrincipalKind;
use crate::model::privilege::{Privilege, PrivilegeSet, Role};
use crate::store::transaction::Reading;
use crate::store::{node, principal};

/// Name of the folder of a home that holds its documents, also the first segment of their addresses.
pub const FILES: &str = "files";
/// First segment of the addresses of principals.
pub const PRINCIPALS_SEGMENT: &str = "principals";

/// What a path leads to: the chain of nodes from the root, as far as it is mapped.
#[derive(Clone, Debug)]
pub struct Target {
    /// The path, respelled as the tree spells it.
    pub path: Path,
    /// From the root to the target or to its nearest mapped ancestor; one link for each segment of the path.
    links: Vec<Link>,
    /// What the actor may do here.
    pub privileges: PrivilegeSet,
    /// Was the last segment spelled otherwise than stored (case apart from Unicode form)?
    pub respelled: bool,
    /// The last segment as the client spelled it, NFC.
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

    /// The last segment as the client spelled it, NFC.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The canonical address.
    #[must_use]
    pub fn href(&self) -> String {
        self.path.href(self.node().is_some_and(|node| node.kind.is_collection()))
    }

    /// The canonical address of the collection that holds the target.
    #[must_use]
    pub fn parent_href(&self) -> String {
        self.path.parent().href(true)
    }

    /// Locks that cover the target: its own, and deep ones of its ancestors (RFC 4918 section 7), each with the
    /// address of its root.
    pub fn covering(&self) -> impl Iterator<Item = (&Lock, String)> {
        self.locks_from(self.links.len() - usize::from(self.missing() == 0))
    }

    /// Locks that cover the collection holding the target: a change of its members needs one of their tokens.
    pub fn covering_parent(&self) -> impl Iterator<Item = (&Lock, String)> {
        self.locks_from(self.links.len() - 1 - usize::from(self.missing() == 0))
    }

    /// Locks on the link at `place`, and deep ones above it.
    fn locks_from(&self, place: usize) -> impl Iterator<Item = (&Lock, String)> {
        self.links.iter().enumerate().take(place + 1).flat_map(move |(at, link)| {
            let collection = link.node.kind.is_collection();
            link.locks.iter().filter(move |lock| at == place || lock.deep).map(move |lock| {
                let names: Vec<&str> = self.path.segments().iter().take(at).map(String::as_str).collect();
                (lock, Path::of(&names).href(collection))
            })
        })
    }

    /// What conditional headers are compared with. A collection's sync token is a state token, too (RFC 6578 section 5).
    #[must_use]
    pub fn state(&self, epoch: &str) -> State {
        let node = self.node();
        let synchronized = node.filter(|node| node.kind.row().sync).map(|node| sync_token(node, epoch).to_string());
        State {
            exists: node.is_some(),
            etag: node.and_then(Node::etag),
            modified_at: node.filter(|node| !node.kind.is_collection()).map(|node| node.modified_at),
            tokens: self.covering().map(|(lock, _)| lock.token.clone()).chain(synchronized).collect(),
        }
    }

    /// Does this target stand at or below the other?
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        other.node().is_some_and(|top| self.links.iter().any(|link| link.node.id == top.id))
    }

    /// Folded name of the home it stands in, or would; `None` outside homes.
    #[must_use]
    pub fn home_name(path: &Path) -> Option<String> {
        match path.segments() {
            [first, name, ..] if first == FILES => Some(match_name(name)),
            _ => None,
        }
    }
}

/// What everyone who has logged in may do with the roots and with principals.
fn public(actor: &Actor) -> PrivilegeSet {
    actor.restrict(Role::Reader.grants().reading())
}

/// Follows a path as far as it is mapped.
pub async fn resolve(c: &mut impl Reading, actor: &Actor, now: Timestamp, path: &Path) -> Result<Target> {
    let mut target = Target {
        path: path.clone(),
        links: vec![made(Kind::Root, "")],
        privileges: public(actor),
        respelled: false,
        name: path.name().map(normalize).unwrap_or_default(),
    };
    match path.segments() {
        [first, rest @ ..] if first == FILES => {
            target.links.push(made(Kind::Homes, FILES));
            if let Some((name, below)) = rest.split_first() {
                follow_files(c, actor, now, &mut target, name, below).await?;
            }
        }
        [first, rest @ ..] if first == PRINCIPALS_SEGMENT => {
            target.links.push(made(Kind::Principals, PRINCIPALS_SEGMENT));
            if let Some(name) = rest.first()
                && let Some(found) = principal::by_name(c, name).await?
                && (found.kind == PrincipalKind::Person || may_know(c, actor, now, name).await?)
            {
                target.links.push(Link { node: Node::made(Kind::Principal, found.id, &found.name), ..Link::default() });
            }
        }
        _ => {}
    }
    for (place, link) in target.links.iter().enumerate().skip(1) {
        target.path.respell(place - 1, &link.node.name);
    }
    target.respelled = target.missing() == 0
        && target.links.last().is_some_and(|link| link.node.name != target.name)
        && !path.segments().is_empty();
    Ok(target)
}

/// A project is known to those who have a role in it.
async fn may_know(c: &mut impl Reading, actor: &Actor, now: Timestamp, name: &str) -> Result<bool> {
    let links = node::chain(c, actor.id, now, ROOT, &[match_name(name)]).await?;
    Ok(links.last().is_some_and(|home| home.role.is_some()))
}

/// `/files/{name}/...`: the home itself has no address, its folder of documents stands for it.
async fn follow_files(
    c: &mut impl Reading,
    actor: &Actor,
    now: Timestamp,
    target: &mut Target,
    home_name: &str,
    below: &[String],
) -> Result<()> {
    let names: Vec<String> = [match_name(home_name), FILES.to_owned()]
        .into_iter()
        .chain(below.iter().map(|name| match_name(name)))
        .collect();
    let links = node::chain(c, actor.id, now, ROOT, &names).await?;
    let role = links.iter().filter_map(|link| link.role).max();
    target.privileges = match role {
        Some(role) if actor.scope.opens_files() => actor.restrict(role.grants()),
        _ => PrivilegeSet::default(),
    };
    // Where nothing may be read, not even the spelling of a name is learned.
    if !target.privileges.contains(Privilege::Read) {
        return Ok(());
    }
    let mut links = links.into_iter().skip(1);
    let home = links.next();
    if let (Some(home), Some(mut documents)) = (home, links.next()) {
        documents.node.name = home.node.name;
        target.links.push(documents);
        target.links.extend(links);
    }
    Ok(())
}

fn made(kind: Kind, name: &str) -> Link {
    let id = match kind {
        Kind::Homes => HOMES,
        Kind::Principals => PRINCIPALS,
        _ => ROOT,
    };
    Link { node: Node::made(kind, id, name), ..Link::default() }
}
