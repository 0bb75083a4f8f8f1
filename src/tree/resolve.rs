//! Path to target: the one place that knows how an address leads to a node.
//!
//! `/files/{name}/...` is the folder `files` of the home of `{name}`; `/`, the roots and `/principals/...` are nodes
//! made here from no row or from a row of another table. `/history/{name}/...` shows each document as the folder of its
//! versions, `/history/{name}/@{date}/...` the tree of a former day, `/trash/{name}/...` what was deleted,
//! `/versions/{id}/{number}` a version by name.

use std::ops::RangeInclusive;

use jiff::tz::TimeZone;

use super::acquaintance::Acquaintances;
use super::target::{
    AddressSpace, CALENDARS, FILES, NOTIFICATIONS, OUTBOX, PUBLISHED, Requester, Target, document_of, keys, link_of,
    made_id, opened, role_at, root_of, zone,
};
use crate::model::calendar::Privacy;
use crate::model::error::Result;
use crate::model::filename::{match_name, normalize};
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::{Link, Node, ROOT, Version};
use crate::model::path::Path;
use crate::model::principal::{Actor, PrincipalKind};
use crate::model::privilege::{PROXY_GROUPS, Privilege, PrivilegeSet, Role};
use crate::model::version::{identifier_in, moment, version_name, version_of_name};
use crate::model::view::View;
use crate::store::executor::Executor;
use crate::store::node::Walk;
use crate::store::share::Notification;
use crate::store::trash::OwnEntry;
use crate::store::{calendar, node, past, personal_part, principal, share, trash, version, way};

/// What everyone who has logged in may do with the roots and with principals.
fn public(actor: &Actor) -> PrivilegeSet {
    actor.restrict(Role::Reader.grants().reading())
}

/// Follows a path as far as it is mapped.
pub async fn resolve(c: &mut impl Executor, actor: &Actor, now: Timestamp, path: &Path) -> Result<Target> {
    let mut target = Target {
        path: path.clone(),
        realm: AddressSpace::Root,
        moment: None,
        links: vec![made(Kind::Root, "")],
        privileges: public(actor),
        parent_privileges: public(actor),
        sees_private: false,
        respelled: false,
        name: path.name().map(normalize).unwrap_or_default(),
    };
    let (Some((kind, realm)), Some((first, rest))) = (root_of(path), path.segments().split_first()) else {
        return Ok(target);
    };
    target.realm = realm;
    target.links.push(made(kind, first));
    if let Some((name, below)) = rest.split_first() {
        let who = Requester { actor, now };
        match realm {
            AddressSpace::Files => follow_files(c, who, &mut target, name, below).await?,
            AddressSpace::History => follow_history(c, who, &mut target, name, below).await?,
            AddressSpace::Trash => follow_trash(c, who, &mut target, name, below).await?,
            AddressSpace::Versions => follow_versions(c, who, &mut target, name, below).await?,
            AddressSpace::Principals => follow_principal(c, who, &mut target, name, below).await?,
            AddressSpace::Calendars => follow_calendars(c, who, &mut target, name, below).await?,
            AddressSpace::Root => {}
        }
    }
    if !matches!(realm, AddressSpace::Files | AddressSpace::Calendars | AddressSpace::Trash) {
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

async fn follow_principal(
    c: &mut impl Executor,
    who: Requester<'_>,
    target: &mut Target,
    name: &str,
    below: &[String],
) -> Result<()> {
    if let Some(found) = principal::by_name(c, name).await?
        && (found.id == who.actor.id || Acquaintances::of(c, who.actor, who.now).await?.include(&found))
    {
        target.links.push(Link { node: Node::made(Kind::Principal, found.id, &found.name), ..Link::default() });
        let group = PROXY_GROUPS.iter().map(|(kind, _)| *kind).find(|kind| below == [kind.row().code]);
        if let Some(group) = group.filter(|_| found.kind == PrincipalKind::Person) {
            target.links.push(Link { node: Node::made(group, found.id, group.row().code), ..Link::default() });
            let calendars = who.actor.scope.opens_calendars() && who.actor.opens_home_of(found.id);
            if found.id == who.actor.id && calendars {
                let own = target.privileges.and(&[Privilege::WriteProperties]);
                target.privileges = who.actor.restrict(own);
            }
        }
    }
    Ok(())
}

/// The links of a home's documents and of names below, as far as they are mapped and the actor may read: the home
/// itself has no address, its folder of documents stands for it and bears its name.
async fn documents(
    c: &mut impl Executor,
    who: Requester<'_>,
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

/// Leaves of a home that a log-in does not open what it shows all the same: of one's own the collection of calendars,
/// for clients begin there and links to those of others stand in it, and nothing of what is in it.
fn shut(actor: &Actor, folder: &str, links: &mut Vec<Link>) {
    let own = links.get(1).is_some_and(|home| home.node.owner_id == actor.id);
    links.truncate(if own && folder == CALENDARS { 3 } else { 0 });
    if let Some(calendars) = links.get_mut(2) {
        calendars.node = calendars.node.without_content();
    }
}

/// The links of a part of a home, its documents or its calendars, and of names below, as far as they are mapped and may
/// be known; what the actor may do there is set on the target.
async fn part(
    c: &mut impl Executor,
    who: Requester<'_>,
    target: &mut Target,
    (home_name, folder): (&str, &str),
    below: &[String],
) -> Result<Vec<Link>> {
    let names = keys(home_name, folder, below);
    let mut links = node::walk(c, Walk { actor: who.actor.id, now: who.now, start: ROOT, names: &names }).await?;
    let open = links.get(1).is_none_or(|home| who.actor.opens_home_of(home.node.owner_id));
    if !open {
        shut(who.actor, folder, &mut links);
    }
    let role = |links: &[Link]| {
        let privileges = opened(who.actor, role_at(links));
        if open { privileges } else { privileges.reading() }
    };
    target.privileges = role(&links);
    let above = if links.len() > names.len() { links.len() - 1 } else { links.len() };
    target.parent_privileges = role(links.get(..above).unwrap_or_default());
    // Where nothing may be read, not even the spelling of a name is learned; who may know when a calendar is taken
    // learns of the calendar and of nothing in it.
    let whole = links.len() > names.len();
    let calendar = whole && links.last().is_some_and(|link| link.node.kind == Kind::Calendar);
    let least = if calendar { Privilege::ReadFreeBusy } else { Privilege::Read };
    let readable = target.privileges.contains(least);
    let known = readable || whole && folder == FILES && leads_on(c, who, links.last()).await?;
    if !known {
        target.privileges = PrivilegeSet::default();
        return Ok(Vec::new());
    }
    target.sees_private = links.iter().any(|link| link.sees_private);
    as_seen(c, who, target, &mut links).await?;
    if folder == FILES {
        pass(&mut links);
    }
    if !readable {
        target.privileges = public(who.actor);
        links.iter_mut().for_each(|link| link.locks.clear());
    }
    let mut links = links.into_iter().skip(1);
    let (Some(home), Some(mut documents)) = (links.next(), links.next()) else { return Ok(Vec::new()) };
    documents.node.name = home.node.name;
    documents.role = documents.role.max(home.role);
    Ok(std::iter::once(documents).chain(links).collect())
}

/// A calendar object as one sees it: with what one has of one's own there. A private event is seen as busy, and only
/// read, by who does not see it as it is.
async fn as_seen(c: &mut impl Executor, who: Requester<'_>, target: &mut Target, links: &mut [Link]) -> Result<()> {
    let Some(object) = links.last_mut().filter(|link| link.node.kind == Kind::Object) else { return Ok(()) };
    let id = object.node.id;
    let masked = !target.sees_private && calendar::private_among(c, &[id]).await?.get(&id) == Some(&Privacy::Private);
    if masked {
        object.node = std::mem::take(&mut object.node).seen(View::Masked);
        object.locks.clear();
        target.privileges = target.privileges.reading();
        target.parent_privileges = target.parent_privileges.reading();
    } else if object.node.personal_parts {
        let owner = object.node.owner_id;
        object.node.own_part = personal_part::hashes(c, who.actor.id, owner, who.now, &[id]).await?.remove(&id);
    }
    Ok(())
}

/// Has the actor a role below a folder?
async fn leads_on(c: &mut impl Executor, who: Requester<'_>, folder: Option<&Link>) -> Result<bool> {
    let Some(Node { id, home_id, .. }) = folder.map(|link| &link.node) else { return Ok(false) };
    Ok(way::ways(c, who.actor.id, who.now, *home_id, None).await?.contains_key(id))
}

/// Above the topmost link on which the actor has a role there is the way to it, and no more.
fn pass(links: &mut [Link]) {
    for link in links.iter_mut().skip(1).take_while(|link| link.role < Some(Role::Reader)) {
        link.node = std::mem::take(&mut link.node).passed();
        link.locks = link.locks.iter().filter(|lock| lock.deep).map(Lock::veiled).collect();
    }
}

async fn follow_files(
    c: &mut impl Executor,
    who: Requester<'_>,
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
    who: Requester<'_>,
    target: &mut Target,
    home_name: &str,
    below: &[String],
) -> Result<()> {
    if !who.actor.scope.opens_calendars() {
        target.privileges = PrivilegeSet::default();
        return Ok(());
    }
    let links = part(c, who, target, (home_name, CALENDARS), below).await?;
    // In a home there is more than what is stored: most of it for whose it is.
    let home = links.first().filter(|_| links.len() == 1);
    let unmapped = home.is_some_and(|home| home.node.owner_id == who.actor.id);
    let sends = home.is_some_and(|home| has_outbox(who.actor, &home.node, home.role));
    match below.first().map(|name| match_name(name)).as_deref() {
        Some(NOTIFICATIONS) if unmapped && who.actor.opens_home_of(who.actor.id) => {
            target.links.extend(links);
            return follow_notifications(c, who, target, below).await;
        }
        Some(name @ (OUTBOX | PUBLISHED)) if sends => {
            let kind = if name == OUTBOX { Kind::Outbox } else { Kind::Published };
            let made = home.map(|home| link(made_in(&home.node, kind)));
            target.parent_privileges = target.privileges;
            target.links.extend(links.iter().cloned().chain(made));
            return Ok(());
        }
        _ => {}
    }
    let linked = below.split_first().and_then(|(segment, rest)| Some((link_of(segment)?, rest)));
    let (Some(((calendar, other), rest)), true) = (linked, unmapped) else {
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

/// Does an actor who holds a role on the calendars of a home ask from there when others are busy?
pub(super) fn has_outbox(actor: &Actor, home: &Node, role: Option<Role>) -> bool {
    role >= Some(Role::Member) && actor.opens_home_of(home.owner_id)
}

/// A collection of a home of calendars that is made where it is asked for.
pub(super) fn made_in(home: &Node, kind: Kind) -> Node {
    let made = Node::made(kind, made_id(kind), kind.row().code);
    Node { parent_id: home.id, owner_id: home.owner_id, home_id: home.home_id, ..made }
}

/// `/calendars/{name}/notification/...`, of the person who asks.
async fn follow_notifications(
    c: &mut impl Executor,
    who: Requester<'_>,
    target: &mut Target,
    below: &[String],
) -> Result<()> {
    let Some(home) = target.links.last().map(|link| link.node.clone()) else { return Ok(()) };
    target.parent_privileges = target.privileges;
    let (documents, members_seq) = share::state(c, who.actor.id).await?;
    let made = Node::made(Kind::Notifications, made_id(Kind::Notifications), NOTIFICATIONS);
    let (owner_id, home_id) = (home.owner_id, home.home_id);
    let collection = Node { parent_id: home.id, owner_id, home_id, documents, members_seq, ..made };
    let found = match below {
        [_, name] => share::notification(c, who.actor.id, name).await?,
        _ => None,
    };
    let notification = found.map(|found| notification_node(&collection, found));
    target.links.push(link(collection));
    target.links.extend(notification.map(link));
    Ok(())
}

/// A notification as a node of its collection.
pub(super) fn notification_node(collection: &Node, found: Notification) -> Node {
    Node {
        parent_id: collection.id,
        owner_id: collection.owner_id,
        home_id: collection.home_id,
        hash: Some(found.hash),
        size_bytes: found.size_bytes,
        content_type: Some("application/xml; charset=utf-8".to_owned()),
        version: 1,
        sealed: true,
        created_at: found.created_at,
        modified_at: found.created_at,
        written_at: found.created_at,
        ..Node::made(Kind::Notification, found.id, &found.name)
    }
}

fn made(kind: Kind, name: &str) -> Link {
    let id = made_id(kind);
    Link { node: Node::made(kind, id, name), ..Link::default() }
}

fn link(node: Node) -> Link {
    Link { node, ..Link::default() }
}

/// A version as the document that it was, under a name.
pub(super) fn version_node(document: &Node, version: &Version, name: String, view: View) -> Node {
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

pub(super) fn name_of(document: &Node, version: &Version, zone: &TimeZone) -> String {
    version_name(&document.name, version.number, version.written_at, version.author.as_deref().unwrap_or(""), zone)
}

/// `/history/{name}/...`
async fn follow_history(
    c: &mut impl Executor,
    who: Requester<'_>,
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
    // Where it is only passed through, the mirror is the same.
    let mirrored = |node: Node| if node.view == View::Passage { node } else { node.seen(View::Mirrored) };
    target.links.extend(links.into_iter().map(|l| link(mirrored(l.node))));
    if let (Some(at), Some((day, rest))) = (at, below.split_first()) {
        return follow_moment(c, who, target, at.min(who.now), (day, rest)).await;
    }
    // One name below a document: a version. The home itself is the first of the links.
    if let (Some(document), Some(name)) = (document, below.get(reached.saturating_sub(1)))
        && reached == below.len()
        && let Some(number) = version_of_name(name)
    {
        for version in readable(c, who, document.id, number..=number, 1).await?.0 {
            let spelled = name_of(&document, &version, &zone());
            if match_name(&spelled) == match_name(name) {
                target.links.push(link(version_node(&document, &version, spelled, View::MirroredVersion)));
            }
        }
    }
    Ok(())
}

/// `@{date}` and below: the names that stood there then. Who has no role on all of it sees the way to what is granted,
/// as it was then.
async fn follow_moment(
    c: &mut impl Executor,
    who: Requester<'_>,
    target: &mut Target,
    at: Timestamp,
    (day, rest): (&str, &[String]),
) -> Result<()> {
    let Some(top) = target.links.last().filter(|link| link.node.kind.is_collection()).map(|l| l.node.clone()) else {
        return Ok(());
    };
    target.moment = Some(at);
    let mut ways = match top.view {
        View::Passage => Some(way::ways(c, who.actor.id, who.now, top.home_id, Some(at)).await?),
        _ => None,
    };
    let mut folder = match ways {
        Some(_) => Node { name: day.to_owned(), ..top },
        None => Node { name: day.to_owned(), view: View::Former, modified_at: at, ..top },
    };
    target.links.push(link(folder.clone()));
    for name in rest {
        let found = past::member_at(c, folder.id, at, &folder.kind.member_key(name)).await?;
        let held = ways.as_ref().map(|ways| found.as_ref().and_then(|found| ways.get(&found.id).copied()));
        folder = match (found, held) {
            // What is beside the way is as what is not there.
            (_, Some(None)) => {
                target.privileges = PrivilegeSet::default();
                return Ok(());
            }
            (None, _) => return Ok(()),
            (Some(found), Some(Some(None))) => found.passed(),
            (Some(found), Some(Some(role))) => {
                target.privileges = opened(who.actor, role).reading();
                ways = None;
                found.seen(View::Former)
            }
            (Some(found), None) => found.seen(View::Former),
        };
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
    who: Requester<'_>,
    document: Id,
    numbers: RangeInclusive<i64>,
    limit: i64,
) -> Result<(Vec<Version>, Option<i64>)> {
    let mut found = version::versions(c, document, numbers.clone(), limit).await?;
    let Some(last) = found.last().map(|version| version.number) else { return Ok((found, None)) };
    let next = (found.len() as i64 == limit).then_some(last);
    let readable = version::readable(c, who.actor.id, who.now, document, *numbers.start()..=last).await?;
    found.retain(|version| readable.binary_search(&version.number).is_ok());
    Ok((found, next))
}

/// What a role opens of what lies in the trash: members restore from it, only leads remove for good.
pub(super) fn opened_in_trash(actor: &Actor, role: Option<Role>) -> PrivilegeSet {
    let privileges = opened(actor, role);
    if role < Some(Role::Lead) { privileges.without(&[Privilege::Unbind]) } else { privileges }
}

/// What lies in the trash of a home, as who reads only a part of that home finds it. What else lies there has no part
/// in how it is called: it bears its own name, or that and its identifier where the actor may read another of that
/// name.
async fn own_entry(c: &mut impl Executor, who: Requester<'_>, home: Id, name: &str) -> Result<Option<Node>> {
    let key = match_name(name);
    let only = trash::own_named(c, who.actor.id, who.now, home, &key).await?.filter(|entry| !entry.shared);
    let found = match (only, identifier_in(name)) {
        (None, Some(id)) => trash::own_with(c, who.actor.id, who.now, home, id).await?,
        (only, _) => only,
    };
    Ok(found.map(OwnEntry::named).filter(|node| match_name(&node.name) == key))
}

/// `/trash/{name}/...`: each entry is there for who may read it where it stood, within a scope that opens its kind;
/// what may be done with it follows from the role held there.
async fn follow_trash(
    c: &mut impl Executor,
    who: Requester<'_>,
    target: &mut Target,
    home_name: &str,
    below: &[String],
) -> Result<()> {
    let (actor, scope) = (who.actor.id, who.actor.scope);
    let home = trash::home(c, actor, scope, who.now, &match_name(home_name)).await?;
    let Some(home) = home.filter(|home| who.actor.opens_home_of(home.owner_id)) else {
        target.privileges = PrivilegeSet::default();
        return Ok(());
    };
    // Where only a part of the home is theirs they know of its trash, and of nothing more in it.
    let role = node::role_above(c, actor, who.now, home.id).await?;
    target.privileges = opened_in_trash(who.actor, role.max(Some(Role::Reader)));
    target.parent_privileges = target.privileges;
    let id = home.id;
    target.links.push(Link { role, ..link(trash_of(home)) });
    let Some((name, rest)) = below.split_first() else { return Ok(()) };
    let entry = match target.reads_whole_home() {
        true => trash::entry(c, id, &match_name(name)).await?,
        false => own_entry(c, who, id, name).await?,
    };
    let Some(entry) = entry.filter(|entry| scope.opens(entry.kind)) else { return Ok(()) };
    let above = node::role_above(c, actor, who.now, entry.parent_id).await?;
    let names: Vec<String> = rest.iter().map(|name| entry.kind.member_key(name)).collect();
    let mut found = node::walk(c, Walk { actor, now: who.now, start: entry.id, names: &names }).await?;
    if let Some(top) = found.first_mut() {
        top.node.name.clone_from(&entry.name);
    }
    let role_at = |length: usize| above.max(found.iter().take(length).filter_map(|link| link.role).max());
    let privileges = opened_in_trash(who.actor, role_at(found.len()));
    if !privileges.contains(Privilege::Read) {
        return Ok(());
    }
    target.sees_private = found.iter().any(|link| link.sees_private)
        || matches!(entry.kind, Kind::Calendar | Kind::Object)
            && node::sees_private(c, actor, who.now, entry.parent_id).await?;
    // What is private and was deleted is there for those who saw it.
    if let Some(object) = found.last().filter(|link| link.node.kind == Kind::Object)
        && !target.sees_private
        && !calendar::private_among(c, &[object.node.id]).await?.is_empty()
    {
        return Ok(());
    }
    let whole = found.len() > names.len();
    let parent = opened_in_trash(who.actor, role_at(found.len() - usize::from(whole)));
    (target.privileges, target.parent_privileges) = (privileges, parent);
    target.links.extend(found.into_iter().map(|found| link(found.node.seen(View::Trashed))));
    Ok(())
}

/// The trash of a home.
pub(super) fn trash_of(home: Node) -> Node {
    let Node { name, home_id, owner_id, created_at, .. } = home;
    let times = Node { created_at, modified_at: created_at, ..Node::made(Kind::Trash, made_id(Kind::Trashes), &name) };
    Node { home_id, owner_id, ..times }
}

/// `/versions/{id}/{number}`
async fn follow_versions(
    c: &mut impl Executor,
    who: Requester<'_>,
    target: &mut Target,
    _: &str,
    below: &[String],
) -> Result<()> {
    target.privileges = PrivilegeSet::default();
    let Some(id) = document_of(&target.path) else { return Ok(()) };
    let opens = |node: &Node| {
        node.kind.row().versioned && who.actor.scope.opens(node.kind) && who.actor.opens_home_of(node.owner_id)
    };
    let Some(document) = version::node(c, id).await?.map(|(node, _)| node).filter(opens) else { return Ok(()) };
    // Versions of what is, or was, private are there for those who see it.
    if document.kind == Kind::Object
        && !calendar::private_among(c, &[id]).await?.is_empty()
        && !node::sees_private(c, who.actor.id, who.now, id).await?
    {
        return Ok(());
    }
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
        for version in readable(c, who, id, number..=number, 1).await?.0 {
            target.links.push(link(version_node(&document, &version, number.to_string(), View::Version)));
        }
    }
    Ok(())
}
