//! What an administrator does: people, groups, rooms, projects, devices, roles.

pub mod delegates;
pub mod devices;
mod grants;
pub mod groups;
pub mod people;
mod projects;
mod rooms;

use super::Tree;
use super::target::{CALENDARS, FILES, keys_of};
use crate::model::error::{Error, Failure};
use crate::model::filename::{NameError, match_name};
use crate::model::id::{Id, now};
use crate::model::kind::Kind;
use crate::model::node::{Node, ROOT};
use crate::model::password::PasswordDefect;
use crate::model::path::Path;
use crate::model::principal::{Actor, DeviceScope, Principal, PrincipalKind};
use crate::store::executor::Executor;
use crate::store::grant;
pub use crate::store::grant::Grant;
use crate::store::node::Walk;
use crate::store::usage::Usage;
use crate::store::{node, principal, usage};

/// Why an administrator's wish is not carried out; each has its sentence in both languages.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// The name cannot be borne by anyone.
    #[error("name {0:?}: {1:?}")]
    Name(String, NameError),
    /// Someone bears the name.
    #[error("name {0:?} is taken")]
    NameTaken(String),
    /// Not an e-mail address.
    #[error("{0:?} is no e-mail address")]
    Address(String),
    /// The address belongs to someone.
    #[error("address {0:?} belongs to {1:?}")]
    AddressTaken(String, String),
    /// The account password would be guessed.
    #[error("the password lacks {0:?}")]
    Password(Vec<PasswordDefect>),
    /// Nobody bears the name.
    #[error("{0:?} is not known")]
    Unknown(String),
    /// The name is borne by something else than was asked for.
    #[error("{0:?} is a {1}")]
    OtherKind(String, &'static str),
    /// The person has a device of this label.
    #[error("{0:?} has a device {1:?}")]
    DeviceTaken(String, String),
    /// The person has as many devices that log in by HTTP Digest as there may be.
    #[error("{0:?} has too many devices that log in by Digest")]
    DigestDevices(String),
    /// The person has no device of this label.
    #[error("{0:?} has no device {1:?}")]
    NoDevice(String, String),
    /// The person has no role there.
    #[error("{0:?} has no role in {1:?}")]
    NoRole(String, String),
    /// The address names no folder and no calendar.
    #[error("{0:?} is no folder or calendar")]
    NoCollection(String),
    /// The role is one on calendars, and the address names none.
    #[error("{0:?} is no calendar")]
    NoCalendar(String),
    /// The person has a feed of this calendar.
    #[error("{0:?} has a feed of {1:?}")]
    FeedTaken(String, String),
    /// The person has no feed of this calendar.
    #[error("{0:?} has no feed of {1:?}")]
    NoFeed(String, String),
    /// There is an address for looking up busy times with this label.
    #[error("there is an address for busy times called {0:?}")]
    FreeBusyTaken(String),
    /// There is none with this label.
    #[error("no address for busy times is called {0:?}")]
    NoFreeBusy(String),
    /// No job of this key is entered, or it is running.
    #[error("no job {0:?} waits")]
    NoJob(String),
    /// A group would be a member of itself.
    #[error("{0:?} is in {1:?}")]
    Circle(String, String),
    /// Who is to leave a group is not in it.
    #[error("{0:?} is not in {1:?}")]
    NoMember(String, String),
    /// The group of all persons has no members of its own.
    #[error("all persons are in @everyone")]
    Everyone,
    /// The role is one on projects, and the address names a collection of one.
    #[error("{0:?} is no project")]
    NoProject(String),
    /// A partner has no end or nobody who answers for them.
    #[error("a partner wants a sponsor and an end")]
    Partner,
    /// A sponsor is named for somebody who is no partner.
    #[error("only a partner has a sponsor")]
    Sponsor,
    /// Opening hours that cannot be read.
    #[error("{0:?} are no opening hours")]
    Hours(String),
    /// A room that holds nobody.
    #[error("a capacity of {0}")]
    Capacity(i64),
    /// A manager is to answer for a room that has none.
    #[error("{0:?} has no manager")]
    Manager(String),
    /// A person would be their own delegate.
    #[error("{0:?} is the person")]
    OwnDelegate(String),
    /// Who is to be a delegate no more is none.
    #[error("{0:?} is no delegate of {1:?}")]
    NoDelegate(String, String),
    /// The project is closed.
    #[error("{0:?} is closed")]
    Closed(String),
    /// Our own fault.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Where nothing can be refused, an error is a failure.
impl From<Error> for AdministrationError {
    fn from(error: Error) -> Self {
        Self::Failed(match error {
            Error::Failed(failure) => failure,
            Error::Refused(refusal) => Failure::new("an administrator's command", format!("{refusal:?}")),
        })
    }
}

/// An administrator's result.
pub type AdministrationResult<T> = std::result::Result<T, AdministrationError>;

/// A home as listed.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The principal.
    pub principal: Principal,
    /// Bytes that it holds, as its quota counts them.
    pub used_bytes: i64,
    /// The most it may hold.
    pub quota_bytes: Option<i64>,
    /// Roles granted on the home.
    pub grants: Vec<Grant>,
}

impl Tree {
    /// All principals of a kind, by name.
    pub async fn list_principals(&self, kind: PrincipalKind) -> AdministrationResult<Vec<Principal>> {
        const PAGE: i64 = 500;
        let mut snapshot = self.store.read().await?;
        let mut all: Vec<Principal> = Vec::new();
        loop {
            let after = all.last().map(|last| match_name(&last.name)).unwrap_or_default();
            let page = principal::list(&mut snapshot, Some(kind), &after, PAGE).await?;
            let last = (page.len() as i64) < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// A principal of a kind.
    pub async fn principal(&self, kind: PrincipalKind, name: &str) -> AdministrationResult<Principal> {
        find(&mut self.store.read().await?, Some(kind), name).await
    }

    /// A principal with what its home holds and who may use it.
    pub async fn summary(&self, kind: PrincipalKind, name: &str) -> AdministrationResult<Summary> {
        let mut snapshot = self.store.read().await?;
        let principal = find(&mut snapshot, Some(kind), name).await?;
        let home = home_of(&mut snapshot, &principal).await?;
        let Usage { used_bytes, quota_bytes } = usage::quota(&mut snapshot, home).await?;
        let grants = grant::on(&mut snapshot, home).await?;
        let grants = grants.into_iter().filter(|grant| grant.principal != principal.name).collect();
        Ok(Summary { principal, used_bytes, quota_bytes, grants })
    }

    /// The owner of a home as an actor: what an administrator's command does in a home is done in the owner's name.
    pub async fn owner(&self, name: &str) -> AdministrationResult<Actor> {
        let owner = find(&mut self.store.read().await?, None, name).await?;
        Ok(Actor {
            id: owner.id,
            name: owner.name,
            display_name: owner.display_name,
            scope: DeviceScope::All,
            project: None,
            read_only: false,
            device: None,
            login: None,
        })
    }
}

pub(super) async fn find(
    c: &mut impl Executor,
    kind: Option<PrincipalKind>,
    name: &str,
) -> AdministrationResult<Principal> {
    match principal::by_name(c, name).await? {
        None => Err(AdministrationError::Unknown(name.to_owned())),
        Some(found) if kind.is_some_and(|kind| kind != found.kind) => {
            Err(AdministrationError::OtherKind(found.name, found.kind.code()))
        }
        Some(found) => Ok(found),
    }
}

/// The collection of documents or calendars that an address names, and whose it is.
pub(super) async fn collection(c: &mut impl Executor, address: &str) -> AdministrationResult<(Node, Principal)> {
    let missing = || AdministrationError::NoCollection(address.to_owned());
    // The whole address of a server is understood, too.
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    let path = Path::parse(path).map_err(|_| missing())?;
    let owner = match path.segments() {
        [first, name, ..] if first == FILES || first == CALENDARS => find(c, None, name).await?,
        _ => return Err(missing()),
    };
    // What stands in an inbox is for those who write in its home.
    let found = standing(c, &owner, &path).await?.filter(|node| node.kind != Kind::Inbox);
    Ok((found.ok_or_else(missing)?, owner))
}

/// The collection at a path in a home of `owner`, if there is one.
async fn standing(c: &mut impl Executor, owner: &Principal, path: &Path) -> AdministrationResult<Option<Node>> {
    let names = keys_of(path).unwrap_or_default();
    let links = node::walk(c, Walk { actor: owner.id, now: now(), start: ROOT, names: &names }).await?;
    let whole = links.len() > names.len();
    Ok(links.into_iter().last().map(|link| link.node).filter(|node| whole && node.is_collection()))
}

/// The home of the person or project of this name.
pub(super) async fn home_named(c: &mut impl Executor, name: &str) -> AdministrationResult<Id> {
    let owner = find(c, None, name).await?;
    home_of(c, &owner).await
}

async fn home_of(c: &mut impl Executor, principal: &Principal) -> AdministrationResult<Id> {
    let home = principal::home(c, principal.id).await?;
    home.ok_or_else(|| Failure::new("finding a home", format!("{} has none", principal.name)).into())
}

/// The name under which a principal stays that is no more: a slash stands in no name, so nobody can take or type it.
pub(in crate::tree) fn retired_name(name: &str, id: Id) -> String {
    format!("{}/{id}", match_name(name))
}
