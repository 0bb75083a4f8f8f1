//! What is no more: the views of the past, found and listed. `/history/{name}/...` shows each document as the folder of
//! its versions, `/history/{name}/@{date}/...` the tree of a former day, `/trash/{name}/...` what was deleted,
//! `/versions/{id}/{number}` a version by name. All are read from the same rows as the tree itself.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;

use super::gate::Admitted;
use super::resolve::{Target, VERSIONS, Who, documents, made_id, opened};
use super::resource::{Needs, Resource};
use super::walk::{Cursor, Page};
use crate::model::error::Result;
use crate::model::filename::match_name;
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::node::{Link, Node, Version};
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::model::privilege::{Privilege, PrivilegeSet, Role};
use crate::model::version::{day, moment, version_name, version_of_name};
use crate::model::view::View;
use crate::store::columns::Width;
use crate::store::executor::Executor;
use crate::store::node::Walk;
use crate::store::{node, past, trash, version};

/// The zone in which names spell times.
pub(super) fn zone() -> TimeZone {
    TimeZone::system()
}

/// Numbers of the versions of the document that was looked at last, for a request that looks at one document again and
/// again: each of its versions is listed with its neighbours. Clones, as the requests for parts of an answer are, share
/// them.
#[derive(Clone, Debug, Default)]
pub struct Numbers(Option<Arc<Mutex<Option<Known>>>>);

/// A document, and the numbers of its versions.
type Known = (Id, Arc<[i64]>);

impl Numbers {
    /// They are read once; not for requests that write, which read what they have written.
    #[must_use]
    pub fn read_once() -> Self {
        Self(Some(Arc::default()))
    }

    fn of(&self, document: Id) -> Option<Arc<[i64]>> {
        let known = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(of, _)| *of == document).map(|(_, numbers)| Arc::clone(numbers))
    }

    fn keep(&self, document: Id, numbers: &Arc<[i64]>) {
        if let Some(known) = &self.0 {
            *known.lock().unwrap_or_else(PoisonError::into_inner) = Some((document, Arc::clone(numbers)));
        }
    }
}

/// How many days are listed.
const DAYS: usize = 31;

fn link(node: Node) -> Link {
    Link { node, role: None, locks: Vec::new() }
}

/// A version as the document that it was, under a name.
fn version_node(document: &Node, version: &Version, name: String, view: View) -> Node {
    Node {
        name,
        view,
        version: version.number,
        hash: Some(version.hash.clone()),
        size_bytes: version.size_bytes,
        content_type: version.content_type.clone(),
        author_id: version.author_id,
        device: version.device.clone(),
        comment: version.comment.clone(),
        written_at: version.written_at,
        modified_at: version.written_at,
        created_at: version.written_at,
        sealed: true,
        draft: None,
        ..document.clone()
    }
}

fn name_of(document: &Node, version: &Version, zone: &TimeZone) -> String {
    version_name(&document.name, version.number, version.written_at, version.author.as_deref().unwrap_or(""), zone)
}

/// `/history/{name}/...`
pub(super) async fn follow_history(
    c: &mut impl Executor,
    who: Who<'_>,
    target: &mut Target,
    home_name: &str,
    below: &[String],
) -> Result<()> {
    let at = below.first().and_then(|segment| moment(segment, &zone()));
    let names = if at.is_some() { &[] } else { below };
    let links = documents(c, who, target, home_name, names).await?;
    target.privileges = target.privileges.reading();
    let reached = links.len();
    let document = links.last().map(|link| link.node.clone()).filter(|node| node.kind == Kind::File);
    target.links.extend(links.into_iter().map(|l| link(l.node.seen(View::Mirrored))));
    if let (Some(at), Some((day, rest))) = (at, below.split_first()) {
        return follow_moment(c, target, at.min(who.now), day, rest).await;
    }
    // One name below a document: a version. The home itself is the first of the links.
    if let (Some(document), Some(name)) = (document, below.get(reached.saturating_sub(1)))
        && reached == below.len()
        && let Some(number) = version_of_name(name)
    {
        for version in readable(c, who, document.id, (number, number), 1).await?.0 {
            let spelled = name_of(&document, &version, &zone());
            if match_name(&spelled) == match_name(name) {
                target.links.push(link(version_node(&document, &version, spelled, View::MirroredVersion)));
            }
        }
    }
    Ok(())
}

/// `@{date}` and below: the names that stood there then.
async fn follow_moment(
    c: &mut impl Executor,
    target: &mut Target,
    at: Timestamp,
    day: &str,
    rest: &[String],
) -> Result<()> {
    let Some(top) = target.links.last().filter(|link| link.node.kind.is_collection()).map(|l| l.node.clone()) else {
        return Ok(());
    };
    target.moment = Some(at);
    let mut folder = Node { name: day.to_owned(), view: View::Former, modified_at: at, ..top };
    target.links.push(link(folder.clone()));
    for name in rest {
        let Some(found) = past::member_at(c, folder.id, at, &folder.kind.member_key(name)).await? else {
            return Ok(());
        };
        folder = found.seen(View::Former);
        target.links.push(link(folder.clone()));
        if !folder.is_collection() {
            return Ok(());
        }
    }
    Ok(())
}

/// Versions of a document, ascending, with numbers from `from` to `to`, at most `limit` of them, without those that
/// stood where the actor may not read; and, where there may be more, the number after which they go on.
pub(super) async fn readable(
    c: &mut impl Executor,
    who: Who<'_>,
    document: Id,
    (from, to): (i64, i64),
    limit: i64,
) -> Result<(Vec<Version>, Option<i64>)> {
    let mut found = version::versions(c, document, (from, to), limit).await?;
    let Some(last) = found.last().map(|version| version.number) else { return Ok((found, None)) };
    let next = (found.len() as i64 == limit).then_some(last);
    let numbers = version::readable(c, (who.actor.id, who.now), document, (from, last)).await?;
    found.retain(|version| numbers.binary_search(&version.number).is_ok());
    Ok((found, next))
}

/// What a role opens of what lies in the trash: members restore from it, only leads remove for good.
fn opened_in_trash(actor: &Actor, role: Option<Role>) -> PrivilegeSet {
    let privileges = opened(actor, role);
    if role < Some(Role::Lead) { privileges.without(&[Privilege::Unbind]) } else { privileges }
}

/// `/trash/{name}/...`: each entry is there for who may read it where it stood, through a door that opens its kind;
/// what may be done with it follows from the role held there.
pub(super) async fn follow_trash(
    c: &mut impl Executor,
    who: Who<'_>,
    target: &mut Target,
    home_name: &str,
    below: &[String],
) -> Result<()> {
    let (actor, scope) = (who.actor.id, who.actor.scope);
    let Some(home) = trash::home(c, (actor, scope, who.now), &match_name(home_name)).await? else {
        target.privileges = PrivilegeSet::default();
        return Ok(());
    };
    // Where only a part of the home is theirs they know of its trash, and of nothing more in it.
    let role = node::role_above(c, actor, who.now, home.id).await?.max(Some(Role::Reader));
    target.privileges = opened_in_trash(who.actor, role);
    target.parent_privileges = target.privileges;
    let id = home.id;
    target.links.push(link(trash_of(home)));
    let Some((name, rest)) = below.split_first() else { return Ok(()) };
    let entry = trash::entry(c, id, &match_name(name)).await?.filter(|entry| scope.opens(entry.kind));
    let Some(entry) = entry else { return Ok(()) };
    let above = node::role_above(c, actor, who.now, entry.parent_id).await?;
    let names: Vec<String> = rest.iter().map(|name| entry.kind.member_key(name)).collect();
    let found = node::chain(c, Walk { actor, now: who.now, start: entry.id, names: &names }).await?;
    let role_at = |length: usize| above.max(found.iter().take(length).filter_map(|link| link.role).max());
    let privileges = opened_in_trash(who.actor, role_at(found.len()));
    if !privileges.contains(Privilege::Read) {
        return Ok(());
    }
    let whole = found.len() > names.len();
    let parent = opened_in_trash(who.actor, role_at(found.len() - usize::from(whole)));
    (target.privileges, target.parent_privileges) = (privileges, parent);
    target.links.extend(found.into_iter().map(|found| link(found.node.seen(View::Trashed))));
    Ok(())
}

/// The trash of a home.
fn trash_of(home: Node) -> Node {
    let Node { name, home_id, owner_id, created_at, .. } = home;
    let times = Node { created_at, modified_at: created_at, ..Node::made(Kind::Trash, made_id(Kind::Trashes), &name) };
    Node { home_id, owner_id, ..times }
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

/// `/versions/{id}/{number}`
pub(super) async fn follow_versions(
    c: &mut impl Executor,
    who: Who<'_>,
    target: &mut Target,
    _: &str,
    below: &[String],
) -> Result<()> {
    target.privileges = PrivilegeSet::default();
    let Some(id) = document_of(&target.path) else { return Ok(()) };
    let opens = |node: &Node| node.hash.is_some() && who.actor.scope.opens(node.kind);
    let Some(document) = version::node(c, id).await?.map(|(node, _)| node).filter(opens) else { return Ok(()) };
    let granted = opened(who.actor, node::role_above(c, who.actor.id, who.now, id).await?);
    let may_annotate = granted.contains(Privilege::WriteProperties);
    let annotate: &[Privilege] = if may_annotate { &[Privilege::WriteProperties] } else { &[] };
    target.privileges = granted.reading().and(annotate);
    if !target.privileges.contains(Privilege::Read) {
        return Ok(());
    }
    let history = Node { name: id.to_string(), size_bytes: 0, ..document.clone() }.seen(View::VersionHistory);
    target.links.push(link(history));
    let number = below.first().and_then(|text| text.parse::<i64>().ok().filter(|n| n.to_string() == *text));
    if let (Some(number), 1) = (number, below.len()) {
        for version in readable(c, who, id, (number, number), 1).await?.0 {
            target.links.push(link(version_node(&document, &version, number.to_string(), View::Version)));
        }
    }
    Ok(())
}

impl<T: Executor> Admitted<T> {
    /// Members of a stored folder, in whichever view it is looked at, in the order of the keys of their names, with the
    /// columns of a width at least; and the name after which the next page begins. In the mirror a program's litter is
    /// no document, and has no versions.
    pub(super) async fn stored_members(
        &mut self,
        folder: &Node,
        after: &str,
        limit: i64,
        width: Width,
    ) -> Result<(Vec<Node>, Option<String>)> {
        let moment = self.target.moment.unwrap_or(self.now);
        let found = match folder.view {
            View::Former if !past::unchanged_since(&mut self.store, folder.home_id, moment).await? => {
                past::members_at(&mut self.store, (folder.id, moment), after, limit, width).await?
            }
            View::Former | View::Mirrored => past::mirrored(&mut self.store, folder, after, limit, width).await?,
            _ => node::members(&mut self.store, folder, after, limit, Width::Whole).await?,
        };
        let next = found.next_name();
        Ok((found.owned().into_iter().map(|node| node.seen(folder.view.of_members())).collect(), next))
    }

    /// The days on which something changed in a home, the newest first, as the folders of their trees: some clients
    /// open only what they were sent. Any other day can be named.
    async fn days(&mut self, top: &Node) -> Result<Vec<Resource>> {
        let (zone, place) = (zone(), self.place());
        let mut resources = Vec::new();
        let mut before = self.now + 1;
        while let Some(at) = past::last_change(&mut self.store, top.home_id, before).await?.filter(|at| *at > 0) {
            let Some((name, begin)) = day(at, &zone).filter(|_| resources.len() < DAYS) else { break };
            resources.push(place.member(Node { name, view: View::Former, modified_at: at, ..top.clone() }));
            before = begin;
        }
        Ok(resources)
    }

    /// A page of members that stand in a view of the past.
    pub(super) async fn former(&mut self, folder: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let (found, next) = self.stored_members(folder, &at.after, at.limit, needs.width).await?;
        let next = at.onward(next);
        let mut resources = Vec::with_capacity(found.len());
        if folder.view == View::Mirrored && at.after.is_empty() && self.target.path.segments().len() == 2 {
            resources = self.days(folder).await?;
        }
        let place = self.place();
        for node in found {
            let mut resource = place.member(node);
            self.load(&mut resource, needs).await?;
            resources.push(resource);
        }
        Ok(Page { resources, next })
    }

    /// Numbers of the versions of a document that stood where the actor may read, ascending.
    pub(super) async fn version_numbers(&mut self, document: Id) -> Result<Arc<[i64]>> {
        if let Some(known) = self.request.numbers.of(document) {
            return Ok(known);
        }
        let who = (self.request.actor.id, self.now);
        let found: Arc<[i64]> = version::readable(&mut self.store, who, document, (1, i64::MAX)).await?.into();
        self.request.numbers.keep(document, &found);
        Ok(found)
    }

    /// A page of the homes whose trash may hold something for the actor.
    pub(super) async fn trashes(&mut self, at: &Cursor) -> Result<Page> {
        let actor = &self.request.actor;
        let who = (actor.id, actor.scope, self.now);
        let found = trash::homes(&mut self.store, who, &at.after, at.limit).await?;
        let next = at.next(found.len(), || found.last().map(|home| match_name(&home.name)));
        let place = self.place();
        Ok(Page { resources: found.into_iter().map(|home| place.member(trash_of(home))).collect(), next })
    }

    /// A page of the trash of a home: of each entry only who may read it where it stood learns, through a door that
    /// opens its kind.
    pub(super) async fn trash(&mut self, trash: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let actor = self.request.actor.clone();
        let (found, next) =
            trash::members(&mut self.store, (actor.id, self.now), trash.home_id, &at.after, at.limit).await?;
        let place = self.place();
        let mut resources = Vec::with_capacity(found.len());
        for (node, role) in found {
            let privileges = opened_in_trash(&actor, role);
            if !actor.scope.opens(node.kind) || !privileges.contains(Privilege::Read) {
                continue;
            }
            let mut resource = place.member(node.seen(View::Trashed));
            resource.privileges = privileges;
            self.load(&mut resource, needs).await?;
            resources.push(resource);
        }
        Ok(Page { resources, next: at.onward(next) })
    }

    /// A page of the versions of a document, after the number of the last one sent.
    pub(super) async fn versions(&mut self, folder: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let from = at.after.parse::<i64>().map_or(1, |last| last + 1);
        let who = Who { actor: &self.request.actor, now: self.now };
        let (found, last) = readable(&mut self.store, who, folder.id, (from, i64::MAX), at.limit).await?;
        let next = at.onward(last.map(|number| number.to_string()));
        let (zone, place) = (zone(), self.place());
        let numbers = if needs.versions { self.version_numbers(folder.id).await? } else { Arc::default() };
        let resources = found
            .iter()
            .map(|version| {
                let (name, view) = match folder.view {
                    View::Mirrored => (name_of(folder, version, &zone), View::MirroredVersion),
                    _ => (version.number.to_string(), View::Version),
                };
                let node = version_node(folder, version, name, view);
                let author = version.author.clone();
                Resource { author, kept: version.kept, versions: Arc::clone(&numbers), ..place.member(node) }
            })
            .collect();
        Ok(Page { resources, next })
    }
}
