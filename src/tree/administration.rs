//! What an administrator does: people, projects, devices, roles.

use super::Tree;
use super::authentication::{device_secret_hash, hash_password, new_device_password};
use super::calendar::CALENDARS;
use super::edit::Edit;
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use super::resolve::{FILES, keys};
use crate::model::calendar::ComponentSet;
use crate::model::error::{Error, Failure};
use crate::model::filename::{NameError, check_principal, match_name, normalize};
use crate::model::id::{Id, Timestamp, now};
use crate::model::kind::Kind;
use crate::model::node::{NODE_BYTES, Node, ROOT};
use crate::model::password::{Lack, lacks};
use crate::model::path::Path;
use crate::model::principal::{Actor, Device, DeviceScope, EVERYONE, Principal, PrincipalKind};
use crate::model::privilege::Role;
use crate::store::node::Walk;
use crate::store::principal::{self, Grant, mailto};
use crate::store::{calendar, lock, node, usage, version};

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
    Password(Vec<Lack>),
    /// Nobody bears the name.
    #[error("{0:?} is not known")]
    Unknown(String),
    /// The name is borne by something else than was asked for.
    #[error("{0:?} is a {1}")]
    OtherKind(String, &'static str),
    /// The person has a device of this label.
    #[error("{0:?} has a device {1:?}")]
    DeviceTaken(String, String),
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
    /// No job of this key is entered, or it is running.
    #[error("no job {0:?} waits")]
    NoJob(String),
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

/// What is kept of an account password that someone sets: the one way to it, so that none is weaker than the rule.
async fn account_password(password: String) -> AdministrationResult<String> {
    match lacks(&password) {
        lacks if lacks.is_empty() => Ok(hash_password(password).await?),
        lacks => Err(AdministrationError::Password(lacks)),
    }
}

impl Tree {
    /// Adds a person with a home.
    pub async fn add_person(
        &self,
        name: &str,
        display_name: &str,
        email: &str,
        password: Option<String>,
    ) -> AdministrationResult<Principal> {
        let local_and_host = email.split_once('@').filter(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@') && !email.contains(char::is_whitespace)
        });
        if local_and_host.is_none() {
            return Err(AdministrationError::Address(email.to_owned()));
        }
        let phc = match password {
            Some(password) => Some(account_password(password).await?),
            None => None,
        };
        let mut edit = self.administer().await?;
        let uri = mailto(email);
        if let Some(holder) = principal::by_address(&mut edit, &uri).await? {
            return Err(AdministrationError::AddressTaken(email.to_owned(), holder));
        }
        let new =
            NewPrincipal { kind: PrincipalKind::Person, name, display_name, address: Some(uri), quota_bytes: None };
        let person = add_principal(&mut edit, new, phc.as_deref()).await?;
        edit.commit().await?;
        Ok(person)
    }

    /// Adds a project with a home.
    pub async fn add_project(
        &self,
        name: &str,
        display_name: &str,
        quota_bytes: Option<i64>,
    ) -> AdministrationResult<Principal> {
        let mut edit = self.administer().await?;
        let new = NewPrincipal { kind: PrincipalKind::Project, name, display_name, address: None, quota_bytes };
        let project = add_principal(&mut edit, new, None).await?;
        edit.commit().await?;
        Ok(project)
    }

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
        let (used_bytes, quota_bytes) = usage::quota(&mut snapshot, home).await?;
        let grants = principal::grants(&mut snapshot, home).await?;
        let grants = grants.into_iter().filter(|grant| grant.principal != principal.name).collect();
        Ok(Summary { principal, used_bytes, quota_bytes, grants })
    }

    /// Disables or enables a person; every door is shut or open at once.
    pub async fn set_disabled(&self, name: &str, disabled: bool) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), name).await?;
        let txn = edit.doing(Verb::DisablePerson, AffectedObjects::about(&person))?;
        principal::set_disabled(txn, person.id, disabled.then(now)).await?;
        if disabled {
            lock::end_of(txn, person.id).await?;
        }
        Ok(edit.commit().await?)
    }

    /// Removes a person: passwords, addresses and roles go at once, and the home leaves the tree. What the person wrote
    /// in projects stays, with its author.
    pub async fn remove_person(&self, name: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), name).await?;
        let home = home_of(&mut edit, &person).await?;
        let standing = version::node(&mut edit, home).await?;
        let txn = edit.doing(Verb::RemovePerson, AffectedObjects::about(&person).in_home(home))?;
        let claim = node::claim(txn, &match_name(&person.name), None).await?;
        if let (Some(claim), Some((node, _))) = (claim, standing) {
            let gone = node::Gone { at: now(), hidden: true, deleted_by: None, lost_by: None };
            node::unmap(txn, &node, claim.seq, gone).await?;
        }
        // A slash stands in no name, so nobody can take or type this one.
        let retired = format!("{}/{}", match_name(&person.name), person.id);
        principal::retire(txn, person.id, &retired, now()).await?;
        Ok(edit.commit().await?)
    }

    /// Makes a device password; it is returned this once and kept nowhere.
    pub async fn add_device(
        &self,
        person: &str,
        label: &str,
        scope: DeviceScope,
        read_only: bool,
        expires_at: Option<Timestamp>,
    ) -> AdministrationResult<String> {
        let password = new_device_password()?;
        let device = Device { label: label.to_owned(), scope, read_only, created_at: now(), used_at: None, expires_at };
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), person).await?;
        let txn = edit.doing(Verb::AddDevice, AffectedObjects::about(&person))?;
        if !principal::insert_device(txn, person.id, &device, &device_secret_hash(&password)).await? {
            return Err(AdministrationError::DeviceTaken(person.name, label.to_owned()));
        }
        edit.commit().await?;
        Ok(password)
    }

    /// A person's devices.
    pub async fn devices(&self, person: &str) -> AdministrationResult<Vec<Device>> {
        let mut snapshot = self.store.read().await?;
        let person = find(&mut snapshot, Some(PrincipalKind::Person), person).await?;
        Ok(principal::devices(&mut snapshot, person.id).await?)
    }

    /// Ends a device password.
    pub async fn revoke_device(&self, person: &str, label: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), person).await?;
        let txn = edit.doing(Verb::RevokeDevice, AffectedObjects::about(&person))?;
        if !principal::delete_device(txn, person.id, label).await? {
            return Err(AdministrationError::NoDevice(person.name, label.to_owned()));
        }
        Ok(edit.commit().await?)
    }

    /// Gives someone a role in a project, in place of the one held before.
    pub async fn add_member(
        &self,
        project: &str,
        member: &str,
        role: Role,
        until: Option<Timestamp>,
    ) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let project = find(&mut edit, Some(PrincipalKind::Project), project).await?;
        if project.closed_at.is_some() {
            return Err(AdministrationError::Closed(project.name));
        }
        let member = find(&mut edit, Some(PrincipalKind::Person), member).await?;
        let home = home_of(&mut edit, &project).await?;
        let txn = edit.doing(Verb::Grant, AffectedObjects::about(&member).in_home(home))?;
        principal::grant(txn, home, member.id, role, until).await?;
        lock::end_with_roles(txn, home).await?;
        Ok(edit.commit().await?)
    }

    /// Takes someone's role in a project.
    pub async fn remove_member(&self, project: &str, member: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let project = find(&mut edit, Some(PrincipalKind::Project), project).await?;
        let member = find(&mut edit, Some(PrincipalKind::Person), member).await?;
        let home = home_of(&mut edit, &project).await?;
        let txn = edit.doing(Verb::Revoke, AffectedObjects::about(&member).in_home(home))?;
        if !principal::revoke(txn, home, member.id).await? {
            return Err(AdministrationError::NoRole(member.name, project.name));
        }
        lock::end_with_roles(txn, home).await?;
        Ok(edit.commit().await?)
    }

    /// Gives someone a role on one collection, with all below it, in place of the one held there before.
    pub async fn grant(
        &self,
        address: &str,
        person: &str,
        role: Role,
        until: Option<Timestamp>,
    ) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (node, owner) = collection(&mut edit, address).await?;
        if role == Role::FreeBusy && !matches!(node.kind, Kind::Calendar | Kind::CalendarHome) {
            return Err(AdministrationError::NoCalendar(address.to_owned()));
        }
        if owner.closed_at.is_some() {
            return Err(AdministrationError::Closed(owner.name));
        }
        let person = find(&mut edit, None, person).await?;
        if person.kind == PrincipalKind::Project {
            return Err(AdministrationError::OtherKind(person.name, person.kind.code()));
        }
        let txn = edit.doing(Verb::Grant, AffectedObjects::about(&person).in_home(node.home_id))?;
        principal::grant(txn, node.id, person.id, role, until).await?;
        lock::end_with_roles(txn, node.home_id).await?;
        Ok(edit.commit().await?)
    }

    /// Takes someone's role on one collection.
    pub async fn revoke(&self, address: &str, person: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (node, _) = collection(&mut edit, address).await?;
        let person = find(&mut edit, None, person).await?;
        let txn = edit.doing(Verb::Revoke, AffectedObjects::about(&person).in_home(node.home_id))?;
        if !principal::revoke(txn, node.id, person.id).await? {
            return Err(AdministrationError::NoRole(person.name, address.to_owned()));
        }
        lock::end_with_roles(txn, node.home_id).await?;
        Ok(edit.commit().await?)
    }

    /// Roles granted exactly on one collection.
    pub async fn grants(&self, address: &str) -> AdministrationResult<Vec<Grant>> {
        let mut snapshot = self.store.read().await?;
        let (node, _) = collection(&mut snapshot, address).await?;
        Ok(principal::grants(&mut snapshot, node.id).await?)
    }

    /// Closes a project: from now on it is only read.
    pub async fn close_project(&self, name: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let project = find(&mut edit, Some(PrincipalKind::Project), name).await?;
        let home = home_of(&mut edit, &project).await?;
        let txn = edit.doing(Verb::CloseProject, AffectedObjects::about(&project).in_home(home))?;
        principal::lower_grants(txn, home, Role::Reader).await?;
        lock::end_with_roles(txn, home).await?;
        principal::set_closed(txn, project.id, Some(now())).await?;
        Ok(edit.commit().await?)
    }

    /// The owner of a home as an actor: what an administrator's command does in a home is done in the owner's name.
    pub async fn owner(&self, name: &str) -> AdministrationResult<Actor> {
        let owner = find(&mut self.store.read().await?, None, name).await?;
        Ok(Actor {
            id: owner.id,
            name: owner.name,
            display_name: owner.display_name,
            scope: DeviceScope::All,
            read_only: false,
            device: None,
        })
    }
}

pub(super) async fn find(
    c: &mut impl crate::store::executor::Executor,
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
pub(super) async fn collection(
    c: &mut impl crate::store::executor::Executor,
    address: &str,
) -> AdministrationResult<(Node, Principal)> {
    let missing = || AdministrationError::NoCollection(address.to_owned());
    // The whole address of a server is understood, too.
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    let path = Path::parse(path).map_err(|_| missing())?;
    let (first, name, below) = match path.segments() {
        [first, name, below @ ..] if first == FILES || first == CALENDARS => (first, name, below),
        _ => return Err(missing()),
    };
    let owner = find(c, None, name).await?;
    let names = keys(name, first, below);
    let links = node::chain(c, Walk { actor: owner.id, now: now(), start: ROOT, names: &names }).await?;
    let whole = links.len() > names.len();
    let found = links.into_iter().last().filter(|link| whole && link.node.is_collection());
    Ok((found.ok_or_else(missing)?.node, owner))
}

/// The home of the person or project of this name.
pub(super) async fn home_named(c: &mut impl crate::store::executor::Executor, name: &str) -> AdministrationResult<Id> {
    let owner = find(c, None, name).await?;
    home_of(c, &owner).await
}

async fn home_of(c: &mut impl crate::store::executor::Executor, principal: &Principal) -> AdministrationResult<Id> {
    let home = principal::home(c, principal.id).await?;
    home.ok_or_else(|| Failure::new("finding a home", format!("{} has none", principal.name)).into())
}

/// A person or project that is to be added.
struct NewPrincipal<'a> {
    kind: PrincipalKind,
    name: &'a str,
    display_name: &'a str,
    address: Option<String>,
    quota_bytes: Option<i64>,
}

/// Writes a principal with its home, the folder of its documents, its calendars, and its own role there.
async fn add_principal(
    edit: &mut Edit,
    new: NewPrincipal<'_>,
    password_hash: Option<&str>,
) -> AdministrationResult<Principal> {
    let NewPrincipal { kind, quota_bytes, .. } = new;
    let name = normalize(new.name);
    check_principal(&name).map_err(|error| AdministrationError::Name(name.clone(), error))?;
    if principal::by_name(edit, &name).await?.is_some() {
        return Err(AdministrationError::NameTaken(name));
    }
    let now = now();
    let principal = Principal {
        id: Id::generate(),
        kind,
        name: name.clone(),
        display_name: new.display_name.to_owned(),
        addresses: new.address.into_iter().collect(),
        disabled_at: None,
        closed_at: None,
    };
    let home = Id::generate();
    let verb = if kind == PrincipalKind::Person { Verb::AddPerson } else { Verb::AddProject };
    let txn = edit.doing(verb, AffectedObjects::about(&principal).in_home(home))?;
    principal::insert(txn, &principal, now).await?;
    let made = Node {
        home_id: home,
        owner_id: principal.id,
        placed_seq: 1,
        placed_at: now,
        seq: 1,
        members_seq: 1,
        created_at: now,
        modified_at: now,
        sealed: true,
        ..Node::default()
    };
    let home_node = Node { id: home, parent_id: ROOT, name, kind: Kind::Home, ..made.clone() };
    node::insert(txn, &home_node, principal.id).await?;
    let files =
        Node { id: Id::generate(), parent_id: home, name: FILES.to_owned(), kind: Kind::Documents, ..made.clone() };
    node::insert(txn, &files, principal.id).await?;
    let calendars =
        Node { id: Id::generate(), parent_id: home, name: CALENDARS.to_owned(), kind: Kind::CalendarHome, ..made };
    node::insert(txn, &calendars, principal.id).await?;
    let events = if kind == PrincipalKind::Person { "personal" } else { "meetings" };
    let made = [(events, "VEVENT"), ("tasks", "VTODO")];
    let used_bytes = made.len() as i64 * NODE_BYTES;
    for (name, component) in made {
        let calendar = Node {
            id: Id::generate(),
            parent_id: calendars.id,
            name: name.to_owned(),
            kind: Kind::Calendar,
            ..calendars.clone()
        };
        node::insert(txn, &calendar, principal.id).await?;
        let components = ComponentSet::of([component]).unwrap_or(ComponentSet::ALL);
        calendar::insert(txn, calendar.id, components).await?;
    }
    principal::insert_home(txn, home, principal.id, (used_bytes, quota_bytes)).await?;
    principal::grant(txn, home, principal.id, Role::Lead, None).await?;
    if kind == PrincipalKind::Person {
        principal::join(txn, EVERYONE, principal.id).await?;
    }
    if let Some(hash) = password_hash {
        principal::set_password(txn, principal.id, hash).await?;
    }
    Ok(principal)
}
