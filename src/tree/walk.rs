//! Readable members of a collection, in pages.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::calendar::{CALENDARS, link_of};
use super::gate::Admitted;
use super::lock::covering;
use super::resolve::{PRINCIPALS_SEGMENT, ROOTS, VERSIONS, made_id};
use crate::model::budget::Budget;
use crate::model::calendar::ComponentSet;
use crate::model::error::Result;
use crate::model::filename::{is_unshown, match_name};
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::Node;
use crate::model::path::{Path, encode};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::privilege::PrivilegeSet;
use crate::store::node::Width;
use crate::store::property::Dead;
pub use crate::store::property::Selection;
use crate::store::sql::Reading;
use crate::store::transaction::Glance;
use crate::store::{calendar, held, lock, node, principal, property, version};

/// How many members one page holds: each page costs an admission of its own.
pub const PAGE: i64 = 500;
/// How many the first one holds, and how many times as many the next.
const FIRST_PAGE: i64 = 100;
/// About the most bytes of addresses in a page, which is held while the client takes it: each repeats that of the collection. And
/// what is reckoned for a name.
const PAGE_ADDRESS_BYTES: usize = 512 * 1024;
const NAME_BYTES: usize = 256;
const GROWTH: i64 = 4;

/// What the asked properties want loaded, so that reading a property is a plain function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    /// Which columns of the node.
    pub width: Width,
    /// Locks that cover the resource.
    pub locks: bool,
    /// Dead properties.
    pub dead: bool,
    /// Used and available bytes.
    pub quota: bool,
    /// The principal behind the resource: shown name, addresses.
    pub principal: bool,
    /// The shown name of who wrote the content.
    pub author: bool,
    /// Numbers of the document's versions.
    pub versions: bool,
    /// Where a deleted resource stood.
    pub old_place: bool,
    /// What a calendar may hold.
    pub components: bool,
    /// The text of a calendar object, which reports read.
    pub text: bool,
}

impl Needs {
    /// Nothing.
    pub const NOTHING: Self = Self {
        width: Width::Whole,
        locks: false,
        dead: false,
        quota: false,
        principal: false,
        author: false,
        versions: false,
        old_place: false,
        components: false,
        text: false,
    };

    /// The columns that most listings are made of, and nothing else.
    pub const BRIEF: Self = Self { width: Width::Brief, ..Self::NOTHING };

    /// The least columns, and nothing else.
    pub const TAG: Self = Self { width: Width::Tag, ..Self::NOTHING };

    /// What either wants.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            width: if (self.width as u8) < (other.width as u8) { other.width } else { self.width },
            locks: self.locks || other.locks,
            dead: self.dead || other.dead,
            quota: self.quota || other.quota,
            principal: self.principal || other.principal,
            author: self.author || other.author,
            versions: self.versions || other.versions,
            old_place: self.old_place || other.old_place,
            components: self.components || other.components,
            text: self.text || other.text,
        }
    }
}

/// The text of a calendar object, as bytes: what a client stored may be no text at all.
#[derive(Clone, Debug)]
pub enum Text {
    /// Nobody asked for it yet.
    Unread,
    /// It is not there although it should be.
    Missing,
    /// As it is stored.
    Read(Bytes),
}

/// A node with all that its properties are read from.
#[derive(Clone, Debug)]
pub struct View {
    /// The node, which others may hold too.
    pub node: Arc<Node>,
    /// Its address: that of the request, and below it the names that the tree has.
    pub href: String,
    /// What the actor may do with it.
    pub privileges: PrivilegeSet,
    /// Name of the principal in whose home it stands.
    pub owner: Option<Arc<str>>,
    /// Locks that cover it, with their roots.
    pub locks: Vec<(Lock, String)>,
    /// Its dead properties.
    pub dead: Vec<Dead>,
    /// Used bytes below it, and what may still come (`None`: as much as the disk holds).
    pub quota: Option<(i64, Option<i64>)>,
    /// The principal it is.
    pub principal: Option<crate::model::principal::Principal>,
    /// Shown name of who wrote its content.
    pub author: Option<String>,
    /// Numbers of the document's versions, ascending.
    pub versions: Arc<[i64]>,
    /// Is it a version that retention never takes?
    pub kept: bool,
    /// When it was deleted, and the address it had, decoded.
    pub old_place: Option<(Timestamp, Path)>,
    /// Of a calendar: what it may hold.
    pub components: Option<ComponentSet>,
    /// Of a calendar object that a report looks at: its text.
    pub text: Text,
}

impl View {
    /// How many bytes of dead properties it holds.
    #[must_use]
    pub fn dead_bytes(&self) -> usize {
        self.dead.iter().map(|(name, xml)| name.namespace.len() + name.local.len() + xml.len()).sum()
    }
}

/// Where members stand, and what all of them share.
#[derive(Clone)]
pub(super) struct Place {
    /// Address of the collection, with its final slash.
    href: String,
    privileges: PrivilegeSet,
    owner: Option<Arc<str>>,
}

impl Place {
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
    pub fn member(&self, node: impl Into<Arc<Node>>) -> View {
        let node = node.into();
        let href = self.address(&node.name, node.kind.is_collection());
        self.view(node, href)
    }

    /// The collection itself, or what stands in its place.
    fn itself(mut self, node: Node) -> View {
        let mut href = std::mem::take(&mut self.href);
        if !node.kind.is_collection() && href.len() > 1 {
            href.truncate(href.trim_end_matches('/').len());
        }
        self.view(node.into(), href)
    }

    fn view(&self, node: Arc<Node>, href: String) -> View {
        View {
            node,
            href,
            privileges: self.privileges,
            owner: self.owner.clone(),
            locks: Vec::new(),
            dead: Vec::new(),
            quota: None,
            principal: None,
            author: None,
            versions: Arc::default(),
            kept: false,
            old_place: None,
            components: None,
            text: Text::Unread,
        }
    }
}

/// Where a page begins, and how many members it may hold. By default the first, which is small, so that an answer begins at
/// once; each holds several times as many as the one before, up to [`PAGE`].
#[derive(Clone, Debug)]
pub struct Cursor {
    /// The last name that was told; empty: none was.
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
    pub views: Vec<View>,
    /// `None`: this was the last.
    pub next: Option<Cursor>,
}

impl Page {
    /// All there is.
    pub(super) fn whole(views: Vec<View>) -> Self {
        Self { views, next: None }
    }

    /// Without what no listing shows.
    fn shown(mut self) -> Self {
        self.views.retain(|view| !is_unshown(&view.node.name));
        self
    }
}

/// What a member has of something that most members have nothing of, and often none has.
fn taken<T>(by_member: &mut HashMap<Id, Vec<T>>, member: Id) -> Vec<T> {
    if by_member.is_empty() { Vec::new() } else { by_member.remove(&member).unwrap_or_default() }
}

/// Dead properties by whose they are.
fn by_member(properties: &[(Id, Dead)]) -> HashMap<Id, Vec<Dead>> {
    let mut by_member: HashMap<Id, Vec<Dead>> = HashMap::new();
    for (id, property) in properties {
        by_member.entry(*id).or_default().push(property.clone());
    }
    by_member
}

impl<T: Reading> Admitted<T> {
    /// The target itself; it must be mapped.
    pub async fn view(&mut self, needs: Needs) -> Result<Option<View>> {
        let Some(node) = self.target.node().cloned() else { return Ok(None) };
        let mut view = self.bare(node, &self.target.path);
        if needs.locks {
            view.locks = covering(&self.target);
        }
        self.load(&mut view, needs).await?;
        Ok(Some(view))
    }

    /// What is loaded for a single node.
    pub(super) async fn load(&mut self, view: &mut View, needs: Needs) -> Result<()> {
        let row = view.node.kind.row();
        if needs.dead && row.properties {
            view.dead = match view.node.kind {
                Kind::LinkedCalendar => {
                    let person = self.request.actor.id;
                    property::seen_by(&mut self.store, view.node.id, person, &self.request.dead).await?
                }
                _ => property::of(&mut self.store, view.node.id, &self.request.dead).await?,
            };
        }
        if needs.quota && view.node.kind.is_collection() {
            // Finder refuses to copy where a collection gives no number; the roots hold nothing themselves.
            view.quota = if view.node.kind.row().sync { Some(self.quota(&view.node).await?) } else { Some((0, None)) };
        }
        if needs.principal && view.node.kind == Kind::Principal {
            view.principal = principal::by_name(&mut self.store, &view.node.name).await?;
        }
        if needs.author
            && view.author.is_none()
            && let Some(author) = view.node.author_id
        {
            view.author = principal::display_name(&mut self.store, author).await?;
        }
        // A version in the folder of its document; what stands in the tree of a former day is looked at as a document.
        let version = view.node.kind == Kind::PastFile && self.target.moment.is_none();
        if needs.versions && (row.versioned || version) {
            view.versions = self.version_numbers(view.node.id).await?;
        }
        if needs.versions && (view.node.kind == Kind::Version || version) {
            let number = view.node.version;
            let this = version::versions(&mut self.store, view.node.id, (number, number), 1).await?;
            view.kept = this.first().is_some_and(|version| version.kept);
        }
        if needs.components && view.node.kind.is_calendar() {
            view.components = Some(calendar::components(&mut self.store, view.node.id).await?);
        }
        if needs.old_place && view.node.kind.is_trashed() {
            view.old_place = self.old_place(&view.node).await?;
        }
        Ok(())
    }

    /// What is used, and what the home of a collection may still take. What counts in a quota is all that the home holds, and
    /// each collection says so (RFC 4331 section 4); where there is no quota, it is the content that stands below.
    async fn quota(&mut self, node: &Node) -> Result<(i64, Option<i64>)> {
        Ok(match held::quota(&mut self.store, node.home_id).await? {
            (used, Some(quota)) => (used, Some((quota - used).max(0))),
            (_, None) => (node.size_bytes, None),
        })
    }

    /// What stands at a path.
    pub(super) fn bare(&self, node: Node, path: &Path) -> View {
        Place::of(path, self.target.privileges).itself(node)
    }

    /// Where members of the target stand.
    pub(super) fn place(&self) -> Place {
        Place::of(&self.target.path, self.target.privileges)
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
        match node.kind {
            Kind::Root => Ok(self.roots()),
            Kind::Homes | Kind::Histories => self.homes(node.kind, at, needs).await,
            Kind::Trashes => self.trashes(at).await,
            Kind::Trash => self.trash(&node, at, needs).await,
            Kind::History | Kind::PastFolder | Kind::TrashedFolder | Kind::TrashedCalendar => {
                self.former(&node, at, needs).await
            }
            Kind::VersionFolder | Kind::VersionHistory => self.versions(&node, at, needs).await,
            Kind::Principals => self.principals(at).await,
            Kind::CalendarHome => self.calendars(&node, at, needs).await,
            Kind::CalendarHomes => self.calendar_homes().await,
            kind if kind.row().sync => self.stored(&node, at, needs).await,
            _ => Ok(Page::default()),
        }
    }

    /// Versions are named by reports; nobody looks for them by listing.
    fn roots(&self) -> Page {
        let views = ROOTS
            .iter()
            .filter(|(_, kind, _)| *kind != Kind::Versions)
            .map(|(name, kind, _)| self.bare(Node::made(*kind, made_id(*kind), name), &self.target.path.join(name)))
            .collect();
        Page::whole(views)
    }

    async fn homes(&mut self, root: Kind, at: &Cursor, needs: Needs) -> Result<Page> {
        if !self.request.actor.scope.opens_files() {
            return Ok(Page::default());
        }
        let found = node::homes_of(&mut self.store, self.request.actor.id, self.now, &at.after, at.limit).await?;
        let next = at.next(found.len(), || found.last().map(|(home, ..)| match_name(&home.name)));
        let mut views = Vec::with_capacity(found.len());
        for (home, documents, role) in found {
            let path = self.target.path.join(&home.name);
            let kind = if root == Kind::Histories { Kind::History } else { Kind::Documents };
            let node = Node { name: home.name, kind, ..documents };
            let mut view = self.bare(node, &path);
            view.privileges = self.request.actor.restrict(role.grants());
            if kind != Kind::Documents {
                view.privileges = view.privileges.reading();
            }
            if needs.locks && kind == Kind::Documents {
                let locks = lock::below(&mut self.store, view.node.home_id, view.node.id, self.now).await?;
                let own = locks.into_iter().filter(|lock| lock.node_id == view.node.id);
                view.locks = own.map(|lock| (lock, view.href.clone())).collect();
            }
            self.load(&mut view, needs).await?;
            views.push(view);
        }
        Ok(Page { views, next })
    }

    /// A member list of principals shows everyone only to themselves: the directory is asked by search, not by listing.
    async fn principals(&mut self, at: &Cursor) -> Result<Page> {
        if !at.after.is_empty() {
            return Ok(Page::default());
        }
        let found = principal::by_name(&mut self.store, &self.request.actor.name.clone()).await?;
        let views = found
            .map(|found| {
                let path = self.target.path.join(&found.name);
                let mut view = self.bare(Node::made(Kind::Principal, found.id, &found.name), &path);
                view.principal = Some(found);
                view
            })
            .into_iter()
            .collect();
        Ok(Page::whole(views))
    }

    /// People whom the actor may find, and projects that the actor is of, for whom a question holds: at most so many.
    pub async fn principals_that(
        &mut self,
        holds: impl Fn(&Principal) -> bool,
        (limit, budget): (usize, &Budget),
    ) -> Result<(Vec<View>, bool)> {
        /// What looking at one principal costs of the budget.
        const STEPS_EACH: u64 = 10;
        let projects = principal::of_whom(&mut self.store, self.request.actor.id, self.now).await?;
        let mut views = Vec::new();
        let mut after = String::new();
        let asked = self.target.node().is_some_and(|node| node.kind == Kind::Principals);
        let principals = if asked { self.target.path.clone() } else { Path::of(&[PRINCIPALS_SEGMENT]) };
        loop {
            let page = principal::list(&mut self.store, None, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok((views, false)) };
            after = match_name(&last.name);
            for found in page {
                budget.steps(STEPS_EACH)?;
                let may_know = found.kind == PrincipalKind::Person || projects.contains(&found.id);
                if found.disabled_at.is_some() || !may_know || !holds(&found) {
                    continue;
                }
                if views.len() == limit {
                    return Ok((views, true));
                }
                let path = principals.join(&found.name);
                let mut view = self.bare(Node::made(Kind::Principal, found.id, &found.name), &path);
                view.principal = Some(found);
                views.push(view);
            }
        }
    }

    /// Dead properties of members of a collection, and of how many of them from the first on: where they are many bytes not of
    /// all, but of one at least.
    pub(super) async fn dead_of(
        &mut self,
        parent: &Node,
        members: &[Arc<Node>],
    ) -> Result<(HashMap<Id, Vec<Dead>>, usize)> {
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
    async fn stored(&mut self, parent: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let members = node::members(&mut self.store, parent, &at.after, at.limit, needs.width).await?;
        let mut next = at.onward(members.next_name());
        let mut nodes = members.nodes.as_slice();
        let mut locks: HashMap<Id, Vec<Lock>> = HashMap::new();
        let mut inherited = Vec::new();
        if needs.locks {
            inherited = covering(&self.target).into_iter().filter(|(lock, _)| lock.deep).collect();
            for lock in lock::of_members(&mut self.store, (parent.id, parent.home_id), self.now).await? {
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
        let quota = if needs.quota { Some(self.quota(parent).await?) } else { None };
        let place = self.place();
        let mut views: Vec<View> = nodes
            .iter()
            .map(|node| {
                let mut view = place.member(Arc::clone(node));
                view.locks.clone_from(&inherited);
                let own = taken(&mut locks, view.node.id).into_iter();
                view.locks.extend(own.map(|lock| (lock, view.href.clone())));
                view.dead = taken(&mut dead, view.node.id);
                let used = |(used, available): (i64, Option<i64>)| {
                    (if available.is_some() { used } else { view.node.size_bytes }, available)
                };
                view.quota = quota.filter(|_| view.node.kind.is_collection()).map(used);
                view
            })
            .collect();
        if needs.author || needs.versions {
            let more = Needs { author: needs.author, versions: needs.versions, ..Needs::NOTHING };
            for view in views.iter_mut().filter(|view| !view.node.kind.is_collection()) {
                self.load(view, more).await?;
            }
        }
        Ok(Page { views, next })
    }
}

impl Admitted<Glance> {
    /// A page of members of the target, if what it is made of is remembered, or was until something changed since: it is then as
    /// one view would show it, but for locks, which are those of now.
    pub async fn remembered(&mut self, at: &Cursor, needs: Needs) -> Option<Page> {
        let shared = needs.width < Width::Whole && !needs.quota;
        let node = self.target.node().filter(|node| node.kind.row().sync && shared).cloned()?;
        self.stored(&node, &self.within_addresses(at), needs).await.ok().map(Page::shown)
    }
}
