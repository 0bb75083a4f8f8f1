//! Readable members of a collection, in pages.

use std::collections::HashMap;
use std::sync::Arc;

use super::acquaintance::Acquaintances;
use super::edit::lock::covering;
use super::gate::Admitted;
use super::resolve::notification_node;
use super::resource::{Needs, Resource, quota_at};
use super::target::{AddressSpace, CALENDARS, PRINCIPALS_SEGMENT, ROOTS, VERSIONS, link_of, made_id};
use crate::model::budget::Budget;
use crate::model::error::Result;
use crate::model::filename::{is_unshown, match_name};
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::Node;
use crate::model::path::{Path, encode};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::privilege::{PROXY_GROUPS, PrivilegeSet, Role};
use crate::model::view::View;
use crate::store::columns::Width;
use crate::store::executor::Executor;
use crate::store::property::DeadProperty;
pub use crate::store::property::Selection;
use crate::store::reading::CachedReader;
use crate::store::{lock, node, past, principal, property, share, way};

/// How many members one page holds: each page costs an admission of its own.
pub const PAGE: i64 = 500;
/// How many the first one holds, and how many times as many the next.
const FIRST_PAGE: i64 = 100;
/// About the most bytes of addresses in a page, which is held while the client takes it: each repeats that of the
/// collection. And what is reckoned for a name.
const PAGE_ADDRESS_BYTES: usize = 512 * 1024;
const NAME_BYTES: usize = 256;
const GROWTH: i64 = 4;

/// Where members stand, and what all of them share.
#[derive(Clone)]
pub(super) struct MemberAddress {
    /// Address of the collection, with its final slash.
    href: String,
    privileges: PrivilegeSet,
    owner: Option<Arc<str>>,
}

impl MemberAddress {
    /// The collection at a path.
    pub fn of(path: &Path, privileges: PrivilegeSet) -> Self {
        let owner = match path.segments() {
            [first, name, ..] if first != VERSIONS => {
                let linked = path.segments().get(2).filter(|_| first == CALENDARS).and_then(|s| link_of(s));
                Some(linked.map_or(name.as_str(), |(_, home)| home).into())
            }
            _ => None,
        };
        Self { href: path.href(true), privileges, owner }
    }

    /// Address of a member.
    pub fn address(&self, name: &str, collection: bool) -> String {
        let mut href = String::with_capacity(self.href.len() + name.len() + 8);
        href.push_str(&self.href);
        encode(name, &mut href);
        if collection {
            href.push('/');
        }
        href
    }

    /// Address of what stands, or stood, further below: at a path of names.
    pub fn address_below<'n>(&self, names: impl Iterator<Item = &'n str>, collection: bool) -> String {
        let mut href = self.href.clone();
        for name in names {
            encode(name, &mut href);
            href.push('/');
        }
        if !collection {
            href.pop();
        }
        href
    }

    /// A member that bears its own name.
    pub fn member(&self, node: impl Into<Arc<Node>>) -> Resource {
        let node = node.into();
        let href = self.address(&node.name, node.is_collection());
        self.view(node, href)
    }

    /// The collection itself, or what stands in its place.
    fn itself(mut self, node: Node) -> Resource {
        let mut href = std::mem::take(&mut self.href);
        if !node.is_collection() && href.len() > 1 {
            href.truncate(href.trim_end_matches('/').len());
        }
        self.view(node.into(), href)
    }

    fn view(&self, node: Arc<Node>, href: String) -> Resource {
        Resource::of(node, href, self.privileges, self.owner.clone())
    }
}

/// Where a page begins, and how many members it may hold. By default the first, which is small, so that an answer
/// begins at once; each holds several times as many as the one before, up to [`PAGE`].
#[derive(Clone, Debug)]
pub struct Cursor {
    /// The last name that was listed; empty: none was.
    pub(super) after: String,
    pub(super) limit: i64,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { after: String::new(), limit: FIRST_PAGE }
    }
}

impl Cursor {
    /// Where to go on after a page of `found` members, the last of this name, unless that was all.
    pub(super) fn next(&self, found: usize, last: impl FnOnce() -> Option<String>) -> Option<Self> {
        let full = found as i64 == self.limit;
        self.onward(full.then(last).flatten())
    }

    /// Where to go on after a page that ends with a name, unless that was all.
    pub(super) fn onward(&self, after: Option<String>) -> Option<Self> {
        Some(Self { after: after?, limit: (self.limit * GROWTH).min(PAGE) })
    }
}

/// A page of members, and where the next one begins.
#[derive(Default)]
pub struct Page {
    /// The members.
    pub resources: Vec<Resource>,
    /// `None`: this was the last.
    pub next: Option<Cursor>,
}

impl Page {
    /// All there is.
    pub(super) fn whole(resources: Vec<Resource>) -> Self {
        Self { resources, next: None }
    }

    /// Without what no listing shows.
    fn shown(mut self) -> Self {
        self.resources.retain(|resource| !is_unshown(&resource.node.name));
        self
    }
}

/// What a member has of something that most members have nothing of, and often none has.
fn taken<T>(by_member: &mut HashMap<Id, Vec<T>>, member: Id) -> Vec<T> {
    if by_member.is_empty() { Vec::new() } else { by_member.remove(&member).unwrap_or_default() }
}

/// Dead properties by whose they are.
fn by_member(properties: &[(Id, DeadProperty)]) -> HashMap<Id, Vec<DeadProperty>> {
    let mut by_member: HashMap<Id, Vec<DeadProperty>> = HashMap::new();
    for (id, property) in properties {
        by_member.entry(*id).or_default().push(property.clone());
    }
    by_member
}

impl<T: Executor> Admitted<T> {
    /// The target itself; it must be mapped.
    pub async fn resource(&mut self, needs: Needs) -> Result<Option<Resource>> {
        let Some(node) = self.target.node().cloned() else { return Ok(None) };
        let mut resource = self.bare(node, &self.target.path);
        if needs.locks {
            resource.locks = covering(&self.target);
        }
        self.load(&mut resource, needs).await?;
        Ok(Some(resource))
    }

    /// What stands at a path.
    pub(super) fn bare(&self, node: Node, path: &Path) -> Resource {
        MemberAddress::of(path, self.target.privileges).itself(node)
    }

    /// Where members of the target stand.
    pub(super) fn place(&self) -> MemberAddress {
        MemberAddress::of(&self.target.path, self.target.privileges)
    }

    /// A page of members of the target that are shown.
    pub async fn members(&mut self, at: &Cursor, needs: Needs) -> Result<Page> {
        Ok(self.all_members(at, needs).await?.shown())
    }

    /// The same place, for a page no larger than the addresses of its members allow.
    fn within_addresses(&self, at: &Cursor) -> Cursor {
        let each = self.target.href().len() + NAME_BYTES;
        let most = i64::try_from(PAGE_ADDRESS_BYTES / each).unwrap_or(PAGE).max(1);
        Cursor { after: at.after.clone(), limit: at.limit.min(most) }
    }

    async fn all_members(&mut self, at: &Cursor, needs: Needs) -> Result<Page> {
        let at = &self.within_addresses(at);
        let Some(node) = self.target.node().cloned() else { return Ok(Page::default()) };
        match node.view {
            View::VersionHistory => return self.versions(&node, at, needs).await,
            View::Mirrored if !node.kind.is_collection() => return self.versions(&node, at, needs).await,
            View::Mirrored | View::Former | View::Trashed => return self.former(&node, at, needs).await,
            View::Passage => return self.passage(&node, at, needs).await,
            View::Present | View::Linked | View::MirroredVersion | View::Version | View::Masked => {}
        }
        match node.kind {
            Kind::Root => Ok(self.roots()),
            Kind::Homes | Kind::Histories => self.homes(at, needs).await,
            Kind::Trashes => self.trashes(at).await,
            Kind::Trash => self.trash(&node, at, needs).await,
            Kind::Principals => self.principals(at, needs).await,
            Kind::Principal => self.proxy_groups(&node, at, needs).await,
            Kind::CalendarHome => self.calendars(&node, at, needs).await,
            Kind::Notifications => self.notifications(&node).await,
            Kind::CalendarHomes => self.calendar_homes().await,
            _ if node.traits().sync => self.stored(&node, at, needs).await,
            _ => Ok(Page::default()),
        }
    }

    /// Versions are named by reports; nobody looks for them by listing.
    fn roots(&self) -> Page {
        let resources = ROOTS
            .iter()
            .filter(|(_, kind, _)| *kind != Kind::Versions)
            .map(|(name, kind, _)| self.bare(Node::made(*kind, made_id(*kind), name), &self.target.path.join(name)))
            .collect();
        Page::whole(resources)
    }

    async fn homes(&mut self, at: &Cursor, needs: Needs) -> Result<Page> {
        if !self.request.actor.scope.opens_files() {
            return Ok(Page::default());
        }
        let found = way::homes(&mut self.store, self.request.actor.id, self.now, &at.after, at.limit).await?;
        let next = at.next(found.len(), || found.last().map(|(home, _)| match_name(&home.name)));
        let mut resources = Vec::with_capacity(found.len());
        for (documents, role) in found {
            if !self.request.actor.opens_home_of(documents.owner_id) {
                continue;
            }
            resources.push(self.step(documents, role, needs).await?);
        }
        Ok(Page { resources, next })
    }

    /// A page of the members of a passage: what is granted, and what leads on to it.
    async fn passage(&mut self, folder: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let moment = self.target.moment;
        let ways = way::ways(&mut self.store, self.request.actor.id, self.now, folder.home_id, moment).await?;
        let ids: Vec<Id> = ways.keys().copied().collect();
        let found = match moment {
            Some(moment) => past::members_among(&mut self.store, folder.id, moment, &ids, &at.after, at.limit).await?,
            None => node::members_among(&mut self.store, folder.id, &ids, &at.after, at.limit).await?,
        };
        let next = at.next(found.len(), || found.last().map(Node::key));
        let mut resources = Vec::with_capacity(found.len());
        if moment.is_none() && self.target.is_mirror() && at.after.is_empty() {
            resources = self.days_of_ways(folder, &ways).await?;
        }
        for node in found {
            let role = ways.get(&node.id).copied().flatten();
            resources.push(self.step(node, role, needs).await?);
        }
        Ok(Page { resources, next })
    }

    /// A member that is granted with a role, seen as the target is; without a role, a passage.
    async fn step(&mut self, node: Node, role: Option<Role>, needs: Needs) -> Result<Resource> {
        let node = match (role, self.target.realm) {
            (None, _) => node.passed(),
            (_, AddressSpace::History) if self.target.moment.is_some() => node.seen(View::Former),
            (_, AddressSpace::History) => node.seen(View::Mirrored),
            _ => node,
        };
        let present = node.view == View::Present;
        let path = self.target.path.join(&node.name);
        let mut resource = self.bare(node, &path);
        let granted = self.request.actor.restrict(role.unwrap_or(Role::Reader).grants());
        resource.privileges = if present { granted } else { granted.reading() };
        if needs.locks && present {
            let own = resource.node.id;
            let around = lock::around(&mut self.store, own, self.now).await?;
            let covering = around.into_iter().filter(|lock| lock.deep || lock.node_id == own);
            let known = |lock: Lock| if lock.node_id == own { lock } else { lock.veiled() };
            resource.locks = covering.map(|lock| (known(lock), resource.href.clone())).collect();
        }
        self.load(&mut resource, needs).await?;
        Ok(resource)
    }

    async fn notifications(&mut self, collection: &Node) -> Result<Page> {
        let found = share::notifications(&mut self.store, collection.owner_id, PAGE).await?;
        let place = self.place();
        let members = found.into_iter().map(|found| place.member(notification_node(collection, found)));
        Ok(Page::whole(members.collect()))
    }

    /// A member list of principals shows everyone only to themselves: the directory is asked by search, not by listing.
    async fn principals(&mut self, at: &Cursor, needs: Needs) -> Result<Page> {
        if !at.after.is_empty() {
            return Ok(Page::default());
        }
        let mut resources = Vec::new();
        if let Some(found) = principal::by_name(&mut self.store, &self.request.actor.name.clone()).await? {
            let path = self.target.path.join(&found.name);
            resources.push(self.principal_resource(found, &path, needs).await?);
        }
        Ok(Page::whole(resources))
    }

    /// The groups of a person's delegates.
    async fn proxy_groups(&mut self, person: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let found = principal::by_name(&mut self.store, &person.name).await?;
        if !at.after.is_empty() || found.is_none_or(|found| found.kind != PrincipalKind::Person) {
            return Ok(Page::default());
        }
        let place = self.place();
        let mut resources = Vec::new();
        for (kind, _) in PROXY_GROUPS {
            let mut resource = place.member(Node::made(kind, person.id, kind.row().code));
            self.load(&mut resource, needs).await?;
            resources.push(resource);
        }
        Ok(Page::whole(resources))
    }

    /// Principals that the actor may know of, for whom a question holds: at most so many.
    pub async fn principals_that(
        &mut self,
        holds: impl Fn(&Principal) -> bool,
        needs: Needs,
        limit: usize,
        budget: &Budget,
    ) -> Result<(Vec<Resource>, bool)> {
        /// What looking at one principal costs of the budget.
        const STEPS_EACH: u64 = 10;
        let actor = self.request.actor.clone();
        let known = Acquaintances::of(&mut self.store, &actor, self.now).await?;
        let mut resources = Vec::new();
        let mut after = String::new();
        let asked = self.target.node().is_some_and(|node| node.kind == Kind::Principals);
        let principals = if asked { self.target.path.clone() } else { Path::of(&[PRINCIPALS_SEGMENT]) };
        loop {
            let page = principal::list(&mut self.store, None, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok((resources, false)) };
            after = match_name(&last.name);
            for found in page {
                budget.steps(STEPS_EACH)?;
                if found.disabled_at.is_some() || !known.include(&found) || !holds(&found) {
                    continue;
                }
                if resources.len() == limit {
                    return Ok((resources, true));
                }
                let path = principals.join(&found.name);
                resources.push(self.principal_resource(found, &path, needs).await?);
            }
        }
    }

    /// Dead properties of members of a collection, and of how many of them from the first on: where they are many bytes
    /// not of all, but of one at least.
    pub(super) async fn dead_of(
        &mut self,
        parent: &Node,
        members: &[Arc<Node>],
    ) -> Result<(HashMap<Id, Vec<DeadProperty>>, usize)> {
        let mut some = members;
        loop {
            let found = property::of_members(&mut self.store, parent, some, &self.request.dead).await?;
            if let Some(found) = found {
                return Ok((by_member(&found), some.len()));
            }
            some = some.split_at(some.len() / 2).0;
        }
    }

    /// Members that are rows: their locks and dead properties are loaded once for the page.
    pub(super) async fn stored(&mut self, parent: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let members = node::members(&mut self.store, parent, &at.after, at.limit, needs.width).await?;
        let mut next = at.onward(members.next_name());
        let seen = self.as_seen(parent, members.nodes).await?;
        let mut nodes = seen.as_slice();
        let mut locks: HashMap<Id, Vec<Lock>> = HashMap::new();
        let mut inherited = Vec::new();
        if needs.locks {
            inherited = covering(&self.target).into_iter().filter(|(lock, _)| lock.deep).collect();
            for lock in lock::of_members(&mut self.store, parent, self.now).await? {
                locks.entry(lock.node_id).or_default().push(lock);
            }
        }
        let mut dead = HashMap::new();
        if needs.dead {
            let (found, covered) = self.dead_of(parent, nodes).await?;
            if covered < nodes.len() {
                nodes = nodes.get(..covered).unwrap_or_default();
                next = at.onward(nodes.last().map(|last| last.key()));
            }
            dead = found;
        }
        let quota = if needs.quota { Some(self.quota(parent.home_id).await?) } else { None };
        let place = self.place();
        let mut resources: Vec<Resource> = nodes
            .iter()
            .map(|node| {
                let mut resource = place.member(Arc::clone(node));
                resource.locks.clone_from(&inherited);
                let own = taken(&mut locks, resource.node.id).into_iter();
                resource.locks.extend(own.map(|lock| (lock, resource.href.clone())));
                resource.dead = taken(&mut dead, resource.node.id);
                let collection = resource.node.is_collection();
                resource.quota = quota.filter(|_| collection).map(|quota| quota_at(quota, &resource.node));
                resource
            })
            .collect();
        let each = Needs {
            width: Width::Whole,
            locks: false,
            dead: false,
            quota: false,
            sharing: false,
            text: false,
            ..needs
        };
        if each != Needs::NOTHING {
            for resource in resources.iter_mut().filter(|resource| !resource.node.is_collection()) {
                self.load(resource, each).await?;
            }
        }
        Ok(Page { resources, next })
    }
}

impl Admitted<CachedReader> {
    /// A page of members of the target, as one view would show it, but for locks, which are those of now. `None`: it
    /// needs a view, or a change has overtaken it.
    pub async fn whole_page(&mut self, at: &Cursor, needs: Needs) -> Result<Option<Page>> {
        let kept = needs.width < Width::Whole && !needs.quota;
        let Some(node) =
            self.target.node().filter(|node| node.traits().sync && node.kind.holds_nodes() && kept).cloned()
        else {
            return Ok(None);
        };
        let page = self.stored(&node, &self.within_addresses(at), needs).await?;
        Ok((!self.store.is_torn()).then(|| page.shown()))
    }
}
