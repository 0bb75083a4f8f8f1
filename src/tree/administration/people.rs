//! People, and what every principal begins with.

use std::collections::HashMap;

use super::{AdministrationError, AdministrationResult, find, home_of, retired_name};
use crate::model::calendar::{BusyAudience, ComponentSet};
use crate::model::error::Failure;
use crate::model::filename::{check_principal, match_name, normalize};
use crate::model::id::{Id, now};
use crate::model::invitations::{InvitationChannel, Reach};
use crate::model::kind::Kind;
use crate::model::node::{NODE_BYTES, Node, ROOT};
use crate::model::password::lacks;
use crate::model::principal::{EVERYONE, Principal, PrincipalKind};
use crate::model::privilege::Role;
use crate::store::grant::{self, NewGrant};
use crate::store::principal::{self, mailto};
use crate::store::{calendar, group, invitee, lock, node, scheduling, share, version};
use crate::tree::Tree;
use crate::tree::authentication::hash_password;
use crate::tree::edit::Edit;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;
use crate::tree::target::{CALENDARS, FILES, INBOX};

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
        self.add_invitee(name, display_name, email, password, InvitationChannel::default()).await
    }

    /// The same, and how the person hears of invitations.
    pub async fn add_invitee(
        &self,
        name: &str,
        display_name: &str,
        email: &str,
        password: Option<String>,
        invitations: InvitationChannel,
    ) -> AdministrationResult<Principal> {
        let hash = match password {
            Some(password) => Some(account_password(password).await?),
            None => None,
        };
        let mut edit = self.administer().await?;
        let address = Some(free_address(&mut edit, email, None).await?);
        let new = NewPrincipal { kind: PrincipalKind::Person, name, display_name, address, quota_bytes: None };
        let person = add_principal(&mut edit, new, hash.as_deref()).await?;
        if invitations != InvitationChannel::default() {
            invitee::set_channel(edit.statements(Verb::AddPerson)?, person.id, invitations).await?;
        }
        edit.commit().await?;
        Ok(person)
    }

    /// Gives a person another shown name, address, account password or way to hear of invitations; what is not named
    /// stays.
    pub async fn set_person(&self, name: &str, new: PersonChange) -> AdministrationResult<()> {
        let hash = match new.password {
            Some(password) => Some(account_password(password).await?),
            None => None,
        };
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), name).await?;
        let uri = match &new.email {
            Some(email) => Some(free_address(&mut edit, email, Some(&person)).await?),
            None => None,
        };
        let txn = edit.doing(Verb::SetPerson, AffectedObjects::about(&person))?;
        if let Some(display_name) = &new.display_name {
            principal::set_display_name(txn, person.id, display_name).await?;
        }
        if let Some(uri) = &uri {
            principal::set_address(txn, person.id, uri).await?;
            share::set_address(txn, person.id, uri).await?;
        }
        if let Some(hash) = &hash {
            principal::set_password(txn, person.id, hash).await?;
        }
        if let Some(channel) = new.invitations {
            invitee::set_channel(txn, person.id, channel).await?;
        }
        if let Some(audience) = new.busy_times {
            principal::set_busy_audience(txn, person.id, audience).await?;
        }
        Ok(edit.commit().await?)
    }

    /// How people hear of invitations; who is not named has chosen nothing.
    pub async fn reaches(&self) -> AdministrationResult<HashMap<Id, Reach>> {
        Ok(invitee::all(&mut self.store.read().await?).await?)
    }

    /// How a person hears of invitations.
    pub async fn reach(&self, person: Id) -> AdministrationResult<Reach> {
        Ok(invitee::of(&mut self.store.read().await?, person).await?)
    }

    /// Who learns when a person is busy.
    pub async fn busy_audience(&self, name: &str) -> AdministrationResult<BusyAudience> {
        let mut snapshot = self.store.read().await?;
        let person = find(&mut snapshot, Some(PrincipalKind::Person), name).await?;
        Ok(principal::busy_audience(&mut snapshot, person.id).await?)
    }

    /// Disables or enables a person; all access ends or begins at once.
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

    /// How many meetings to come a principal is in, as those of whose removal others are notified.
    pub async fn meetings_to_come(&self, kind: PrincipalKind, name: &str) -> AdministrationResult<i64> {
        let mut snapshot = self.store.read().await?;
        let found = find(&mut snapshot, Some(kind), name).await?;
        let home = home_of(&mut snapshot, &found).await?;
        Ok(scheduling::meetings_to_come(&mut snapshot, home, now()).await?)
    }

    /// Removes a person: passwords, addresses and roles go at once, and the home leaves the tree. What the person wrote
    /// in projects stays, with its author; a job calls off or declines what meetings are to come.
    pub async fn remove_person(&self, name: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        remove_principal(&mut edit, PrincipalKind::Person, name, Verb::RemovePerson).await?;
        Ok(edit.commit().await?)
    }
}

/// What of a person is to be another.
#[derive(Default)]
pub struct PersonChange {
    /// The shown name.
    pub display_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The account password.
    pub password: Option<String>,
    /// By what they hear of invitations.
    pub invitations: Option<InvitationChannel>,
    /// Who learns when they are busy.
    pub busy_times: Option<BusyAudience>,
}

/// An e-mail address as it is kept, which belongs to nobody else.
pub(super) async fn free_address(
    edit: &mut Edit,
    email: &str,
    owner: Option<&Principal>,
) -> AdministrationResult<String> {
    let is_address = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !email.contains(char::is_whitespace)
    });
    if !is_address {
        return Err(AdministrationError::Address(email.to_owned()));
    }
    let uri = mailto(email);
    match principal::by_address(edit, &uri).await? {
        Some(holder) if owner.is_none_or(|owner| owner.name != holder) => {
            Err(AdministrationError::AddressTaken(email.to_owned(), holder))
        }
        _ => Ok(uri),
    }
}

/// Takes a principal with all that opens a door to it or by it, and its home out of the tree.
pub(super) async fn remove_principal(
    edit: &mut Edit,
    kind: PrincipalKind,
    name: &str,
    verb: Verb,
) -> AdministrationResult<()> {
    let found = find(edit, Some(kind), name).await?;
    let home = home_of(edit, &found).await?;
    let standing = version::node(edit, home).await?;
    edit.take_leave(&found, home).await?;
    let txn = edit.doing(verb, AffectedObjects::about(&found).in_home(home))?;
    let claim = node::claim(txn, &[match_name(&found.name)], None).await?.pop();
    if let (Some(claim), Some((node, _))) = (claim, standing) {
        let gone = node::Removal { at: now(), hidden: true, deleted_by: None, lost_by: None, own_key: String::new() };
        node::unmap(txn, &node, claim.seq, gone).await?;
    }
    principal::retire(txn, found.id, &retired_name(&found.name, found.id), now()).await?;
    Ok(group::settle(txn, found.id).await?)
}

/// A principal that is to be added.
pub(super) struct NewPrincipal<'a> {
    pub kind: PrincipalKind,
    pub name: &'a str,
    pub display_name: &'a str,
    pub address: Option<String>,
    /// The most that its home may hold; a group has none.
    pub quota_bytes: Option<i64>,
}

/// What a principal of a kind begins with: how that is recorded, whether it has documents, its calendars.
struct BeginningRow {
    kind: PrincipalKind,
    verb: Verb,
    has_documents: bool,
    calendars: &'static [(&'static str, &'static str)],
}

/// One row a kind.
static BEGINNINGS: [BeginningRow; 4] = [
    BeginningRow {
        kind: PrincipalKind::Person,
        verb: Verb::AddPerson,
        has_documents: true,
        calendars: &[("personal", "VEVENT"), ("tasks", "VTODO")],
    },
    BeginningRow {
        kind: PrincipalKind::Project,
        verb: Verb::AddProject,
        has_documents: true,
        calendars: &[("meetings", "VEVENT"), ("tasks", "VTODO")],
    },
    BeginningRow { kind: PrincipalKind::Group, verb: Verb::AddGroup, has_documents: false, calendars: &[] },
    BeginningRow {
        kind: PrincipalKind::Room,
        verb: Verb::AddRoom,
        has_documents: false,
        calendars: &[("bookings", "VEVENT")],
    },
];

/// Writes a principal, and the home that its kind has.
pub(super) async fn add_principal(
    edit: &mut Edit,
    new: NewPrincipal<'_>,
    password_hash: Option<&str>,
) -> AdministrationResult<Principal> {
    let name = normalize(new.name);
    check_principal(&name).map_err(|error| AdministrationError::Name(name.clone(), error))?;
    if principal::by_name(edit, &name).await?.is_some() {
        return Err(AdministrationError::NameTaken(name));
    }
    let principal = Principal {
        id: Id::generate(),
        kind: new.kind,
        name,
        display_name: new.display_name.to_owned(),
        addresses: new.address.into_iter().collect(),
        disabled_at: None,
        closed_at: None,
        is_resource: false,
    };
    let Some(beginning) = BEGINNINGS.iter().find(|row| row.kind == new.kind) else {
        return Err(Failure::new("adding a principal", format!("{:?} has no beginning", new.kind)).into());
    };
    let home = Id::generate();
    let txn = edit.doing(beginning.verb, AffectedObjects::about(&principal).in_home(home))?;
    principal::insert(txn, &principal, now()).await?;
    if new.kind == PrincipalKind::Person {
        group::add(txn, EVERYONE, principal.id).await?;
    }
    group::settle(txn, principal.id).await?;
    if let Some(hash) = password_hash {
        principal::set_password(txn, principal.id, hash).await?;
    }
    let nodes = home_nodes(&principal, home, beginning);
    for node in &nodes {
        node::insert(txn, node, principal.id).await?;
    }
    let calendars = nodes.iter().filter(|node| node.kind == Kind::Calendar);
    for (calendar, (_, component)) in calendars.zip(beginning.calendars) {
        let components = ComponentSet::of([*component]).unwrap_or(ComponentSet::ALL);
        calendar::insert(txn, calendar.id, components).await?;
    }
    if !nodes.is_empty() {
        let counted = nodes.iter().filter(|node| matches!(node.kind, Kind::Calendar | Kind::Inbox)).count();
        let used_bytes = counted as i64 * NODE_BYTES;
        principal::insert_home(txn, home, principal.id, used_bytes, new.quota_bytes).await?;
        let own = NewGrant::of(Role::Lead, home, home, principal.id);
        grant::add(txn, &NewGrant { sees_private: true, ..own }).await?;
    }
    // A person is in the group of all from now on.
    edit.follow_groups_of(principal.id, now()).await?;
    Ok(principal)
}

/// The home of a principal, its folder of documents, its calendars and their inbox; nothing where its kind has no home.
fn home_nodes(owner: &Principal, home: Id, beginning: &BeginningRow) -> Vec<Node> {
    let now = now();
    let made = Node {
        home_id: home,
        owner_id: owner.id,
        placed_seq: 1,
        placed_at: now,
        seq: 1,
        members_seq: 1,
        created_at: now,
        modified_at: now,
        sealed: true,
        ..Node::default()
    };
    let member = |parent_id: Id, name: &str, kind: Kind| Node {
        id: Id::generate(),
        parent_id,
        name: name.to_owned(),
        kind,
        ..made.clone()
    };
    if !beginning.has_documents && beginning.calendars.is_empty() {
        return Vec::new();
    }
    let mut nodes = vec![Node { id: home, ..member(ROOT, &owner.name, Kind::Home) }];
    nodes.extend(beginning.has_documents.then(|| member(home, FILES, Kind::Documents)));
    let calendars = member(home, CALENDARS, Kind::CalendarHome);
    let each = beginning.calendars.iter().map(|(name, _)| member(calendars.id, name, Kind::Calendar));
    let each: Vec<Node> = each.collect();
    let inbox = member(calendars.id, INBOX, Kind::Inbox);
    nodes.extend([calendars, inbox]);
    nodes.extend(each);
    nodes
}
