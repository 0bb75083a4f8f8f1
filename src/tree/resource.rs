//! What properties are read from: a resource, and the table of what may be loaded for it.
//!
//! A property that needs data names it in its row (`Needs`). What there is to be named stands in one table below: each
//! line is a part of [`Needs`], a field of [`Resource`], and the function that loads it. Answers are made of thousands
//! of resources, so what few of them have is a pointer in them.

use std::sync::Arc;

use bytes::Bytes;

use super::access::access_control_list;
use super::acquaintance::Acquaintances;
use super::gate::Admitted;
use super::target::Requester;
use crate::model::acl::Ace;
use crate::model::calendar::ComponentSet;
use crate::model::error::Result;
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::principal::{EVERYONE, Principal, PrincipalKind};
use crate::model::privilege::{Privilege, PrivilegeSet, Role};
use crate::model::sharing::Invitation;
use crate::model::view::View;
use crate::store::calendar::MAX_BUSY_CALENDARS;
use crate::store::columns::Width;
use crate::store::executor::Executor;
use crate::store::property::DeadProperty;
use crate::store::usage::QuotaView;
use crate::store::{calendar, grant, group, principal, property, share, usage, version};

/// The most members of a group that are listed.
const MAX_GROUP_MEMBERS: i64 = 1000;

/// Used bytes below a collection, and what may still come (`None`: as much as the disk holds).
pub type Quota = (i64, Option<i64>);

/// What is used, and what the home of a collection may still take. What counts in a quota is all that the home holds,
/// and each collection says so (RFC 4331 section 4). Where there is no quota, it is the content that stands below; so
/// where the home is not the actor's to know.
pub(super) fn quota_at(quota: Option<QuotaView>, collection: &Node) -> Quota {
    let below = collection.size_bytes;
    match quota {
        Some(QuotaView { used_bytes, quota_bytes }) => {
            let used = used_bytes.unwrap_or(below);
            (used, Some(quota_bytes.saturating_sub(used).max(0)))
        }
        None => (below, None),
    }
}

/// Makes of the table what follows from it.
macro_rules! loaded {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $load:ident;)*) => {
        /// What the requested properties need loaded, so that reading a property is a plain function.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Needs {
            /// Which columns of the node.
            pub width: Width,
            $($(#[$doc])* pub $name: bool,)*
        }

        impl Needs {
            /// Nothing.
            pub const NOTHING: Self = Self { width: Width::Whole, $($name: false,)* };

            /// What either wants.
            #[must_use]
            pub const fn and(self, other: Self) -> Self {
                Self {
                    width: if (self.width as u8) < (other.width as u8) { other.width } else { self.width },
                    $($name: self.$name || other.$name,)*
                }
            }
        }

        /// A node with all that its properties are read from.
        #[derive(Clone, Debug)]
        pub struct Resource {
            /// The node, which others may hold too.
            pub node: Arc<Node>,
            /// Its address: that of the request, and below it the names that the tree has.
            pub href: String,
            /// What the actor may do with it.
            pub privileges: PrivilegeSet,
            /// Name of the principal in whose home it stands.
            pub owner: Option<Arc<str>>,
            $($(#[$doc])* pub $name: $type,)*
        }

        impl Resource {
            /// One of which nothing is loaded yet.
            pub(super) fn of(
                node: Arc<Node>,
                href: String,
                privileges: PrivilegeSet,
                owner: Option<Arc<str>>,
            ) -> Self {
                Self { node, href, privileges, owner, $($name: <$type>::default(),)* }
            }
        }

        impl<T: Executor> Admitted<T> {
            /// Loads what a single resource needs.
            pub(super) async fn load(&mut self, resource: &mut Resource, needs: Needs) -> Result<()> {
                $(if needs.$name {
                    self.$load(resource).await?;
                })*
                Ok(())
            }
        }
    };
}

loaded! {
    /// Locks that cover it, with their roots.
    locks: Vec<(Lock, String)> = by_the_page;
    /// Its dead properties.
    dead: Vec<DeadProperty> = load_dead;
    /// Used and available bytes.
    quota: Option<Quota> = load_quota;
    /// The principal it is.
    principal: Option<Box<Principal>> = load_principal;
    /// The groups that a principal is in, and who is in it.
    groups: Option<Box<Groups>> = load_groups;
    /// With whom a calendar is shared from clients, and by whom.
    sharing: Option<Box<Sharing>> = load_sharing;
    /// Who may do what with it; `None`: the actor may not know.
    acl: Option<Box<[Ace]>> = load_acl;
    /// Shown name of who wrote its content.
    author: Option<String> = load_author;
    /// Numbers of the document's versions, ascending.
    versions: Option<Arc<[i64]>> = load_versions;
    /// Is it a version that retention never takes?
    kept: bool = load_kept;
    /// When it was deleted, and the address it had, decoded.
    old_place: Option<Box<(Timestamp, Path)>> = load_old_place;
    /// Of a calendar: what it may hold.
    components: Option<ComponentSet> = load_components;
    /// Of an inbox: the name of the calendar that invitations come into.
    default_calendar: Option<String> = load_default_calendar;
    /// Of an inbox: the names of the calendars that show when their owner is busy.
    busy_calendars: Vec<String> = load_busy_calendars;
    /// Whose calendars a person may read or keep, and who theirs: known to themselves.
    delegations: Option<Box<Delegations>> = load_delegations;
    /// Of a calendar object that a report looks at: its text.
    text: Text = by_the_page;
}

/// Of a calendar that is shared from a client.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// Who is invited, for who may invite.
    pub invitations: Vec<Invitation>,
    /// Did the actor accept it?
    pub accepted: bool,
}

/// What a person is to others, and others to them.
#[derive(Clone, Debug)]
pub struct Delegations {
    /// Of a person: for whom, and in which role.
    pub of: Vec<(String, Role)>,
    /// Of a group of delegates: their names.
    pub delegates: Vec<String>,
}

/// The groups of a principal.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Those that it was added to, by name.
    pub of: Vec<Principal>,
    /// Who was added to it, by name; `None`: they are too many to be listed.
    pub members: Option<Vec<Principal>>,
}

impl Needs {
    /// The columns that most listings are made of, and nothing else.
    pub const BRIEF: Self = Self { width: Width::Brief, ..Self::NOTHING };

    /// The least columns, and nothing else.
    pub const TAG: Self = Self { width: Width::Tag, ..Self::NOTHING };
}

/// The text of a calendar object, as bytes: what a client stored may be no text at all.
#[derive(Clone, Debug, Default)]
pub enum Text {
    /// It is not loaded yet.
    #[default]
    Unread,
    /// It is not there although it should be.
    Missing,
    /// As it is stored.
    Read(Bytes),
    /// As it is stored for all, and what the actor has of their own there: the two are put together where work is done.
    Shared(Bytes, Bytes),
}

impl Resource {
    /// How many bytes of dead properties it holds.
    #[must_use]
    pub fn dead_bytes(&self) -> usize {
        self.dead.iter().map(|(name, xml)| name.namespace.len() + name.local.len() + xml.len()).sum()
    }

    /// Numbers of the document's versions, as far as they are loaded.
    #[must_use]
    pub fn versions(&self) -> &[i64] {
        self.versions.as_deref().unwrap_or_default()
    }
}

impl<T: Executor> Admitted<T> {
    /// Locks are known of the target and asked for members by the page; texts are read in runs.
    async fn by_the_page(&mut self, _: &mut Resource) -> Result<()> {
        Ok(())
    }

    async fn load_dead(&mut self, resource: &mut Resource) -> Result<()> {
        let node = &resource.node;
        if node.traits().properties {
            resource.dead = match node.view {
                View::Linked => {
                    let person = self.request.actor.id;
                    property::seen_by(&mut self.store, node.id, person, &self.request.dead).await?
                }
                _ => property::of(&mut self.store, node.id, &self.request.dead).await?,
            };
        }
        Ok(())
    }

    /// Finder refuses to copy where a collection gives no number; the roots hold nothing themselves.
    async fn load_quota(&mut self, resource: &mut Resource) -> Result<()> {
        let row = resource.node.traits();
        if row.collection {
            resource.quota = Some(match row.sync {
                true => quota_at(self.quota(resource.node.home_id).await?, &resource.node),
                false => (0, None),
            });
        }
        Ok(())
    }

    /// What is said of the quota of a home, to be asked once for all its collections.
    pub(super) async fn quota(&mut self, home: Id) -> Result<Option<QuotaView>> {
        Ok(usage::quota_for(&mut self.store, home, self.request.actor.id, self.now).await?)
    }

    async fn load_principal(&mut self, resource: &mut Resource) -> Result<()> {
        if resource.node.kind == Kind::Principal {
            let found = principal::by_name(&mut self.store, &resource.node.name).await?;
            resource.principal = found.map(|found| Box::new(self.book.with_listed(found)));
        }
        Ok(())
    }

    /// All persons are in the group of all: the directory answers questions, it is not handed out.
    async fn load_groups(&mut self, resource: &mut Resource) -> Result<()> {
        let id = resource.node.id;
        if resource.node.kind == Kind::Principal {
            let actor = self.request.actor.clone();
            let known = Acquaintances::of(&mut self.store, &actor, self.now).await?;
            let mut of = group::groups_of(&mut self.store, id).await?;
            of.retain(|group| known.include(group));
            let limit = if id == EVERYONE { 0 } else { MAX_GROUP_MEMBERS };
            let mut members = group::first_members(&mut self.store, id, limit + 1).await?;
            members.retain(|member| known.include(member));
            let members = Some(members).filter(|members| members.len() as i64 <= limit);
            resource.groups = Some(Box::new(Groups { of, members }));
        }
        Ok(())
    }

    async fn load_delegations(&mut self, resource: &mut Resource) -> Result<()> {
        let (id, kind) = (resource.node.id, resource.node.kind);
        if id == self.request.actor.id && (kind == Kind::Principal || kind.proxy_role().is_some()) {
            let (mut of, mut delegates) = (Vec::new(), Vec::new());
            match kind.proxy_role() {
                Some(role) => delegates = grant::delegates(&mut self.store, id, role, self.now).await?,
                None => of = grant::delegators(&mut self.store, id, self.now).await?,
            }
            resource.delegations = Some(Box::new(Delegations { of, delegates }));
        }
        Ok(())
    }

    async fn load_sharing(&mut self, resource: &mut Resource) -> Result<()> {
        if !resource.node.traits().is_calendar() {
            return Ok(());
        }
        let (calendar, actor) = (resource.node.id, self.request.actor.id);
        let accepted = resource.node.view == View::Linked
            && share::to(&mut self.store, calendar, actor).await?.is_some_and(|known| known.is_accepted());
        self.set_sharing(resource, accepted).await
    }

    /// Says of a calendar whether the actor accepted it, and to who may invite, who is invited.
    pub(super) async fn set_sharing(&mut self, resource: &mut Resource, accepted: bool) -> Result<()> {
        let mut invitations = match resource.privileges.contains(Privilege::Share) {
            true => share::of_calendar(&mut self.store, resource.node.id).await?,
            false => Vec::new(),
        };
        if !invitations.is_empty() {
            let actor = self.request.actor.clone();
            let known = Acquaintances::of(&mut self.store, &actor, self.now).await?;
            let may_be_known = |sharee| known.include_one(sharee, PrincipalKind::Person);
            invitations.retain(|invitation| invitation.sharee.is_none_or(may_be_known));
        }
        if accepted || !invitations.is_empty() {
            resource.sharing = Some(Box::new(Sharing { invitations, accepted }));
        }
        Ok(())
    }

    async fn load_acl(&mut self, resource: &mut Resource) -> Result<()> {
        if resource.privileges.contains(Privilege::ReadAcl) {
            let actor = self.request.actor.clone();
            let who = Requester { actor: &actor, now: self.now };
            let entries = access_control_list(&mut self.store, resource.node.id, who).await?;
            resource.acl = Some(entries.into());
        }
        Ok(())
    }

    async fn load_author(&mut self, resource: &mut Resource) -> Result<()> {
        if let (None, Some(author)) = (&resource.author, resource.node.author_id) {
            resource.author = principal::display_name(&mut self.store, author).await?;
        }
        Ok(())
    }

    async fn load_versions(&mut self, resource: &mut Resource) -> Result<()> {
        if resource.node.traits().versioned || resource.node.view == View::MirroredVersion {
            resource.versions = Some(self.version_numbers(resource.node.id).await?);
        }
        Ok(())
    }

    async fn load_kept(&mut self, resource: &mut Resource) -> Result<()> {
        if matches!(resource.node.view, View::Version | View::MirroredVersion) {
            let number = resource.node.version;
            let this = version::versions(&mut self.store, resource.node.id, number..=number, 1).await?;
            resource.kept = this.first().is_some_and(|version| version.kept);
        }
        Ok(())
    }

    async fn load_old_place(&mut self, resource: &mut Resource) -> Result<()> {
        if resource.node.view == View::Trashed {
            resource.old_place = self.old_place(&resource.node).await?.map(Box::new);
        }
        Ok(())
    }

    async fn load_default_calendar(&mut self, resource: &mut Resource) -> Result<()> {
        if resource.node.kind == Kind::Inbox {
            let found = calendar::default_of(&mut self.store, resource.node.home_id).await?;
            resource.default_calendar = found.map(|calendar| calendar.name);
        }
        Ok(())
    }

    async fn load_busy_calendars(&mut self, resource: &mut Resource) -> Result<()> {
        if resource.node.kind == Kind::Inbox {
            let found = calendar::counted(&mut self.store, resource.node.owner_id, MAX_BUSY_CALENDARS).await?;
            resource.busy_calendars = found.into_iter().map(|calendar| calendar.name).collect();
        }
        Ok(())
    }

    async fn load_components(&mut self, resource: &mut Resource) -> Result<()> {
        if resource.node.traits().is_calendar() {
            resource.components = Some(calendar::components(&mut self.store, resource.node.id).await?);
        }
        Ok(())
    }
}
