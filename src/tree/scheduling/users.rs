//! Whose a calendar user address is, and which addresses a principal has (RFC 6638 section 2.4.1).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::model::error::Failure;
use crate::model::filename::match_name;
use crate::model::id::{Id, Timestamp};
use crate::model::mailbox::{MailDomain, Mailbox, local_part_of, name_of_local_part};
use crate::model::principal::{Principal, PrincipalKind};
use crate::store::executor::Executor;
use crate::store::scheduling::{self, CalendarPrincipal};

/// What the path of a principal begins with.
const PRINCIPALS: &str = "/principals/";
/// The most people whom the groups in a meeting stand for, the first by their names.
const MAX_GROUP_MEMBERS: i64 = 1000;

/// How addresses are made of names, and names found in addresses.
#[derive(Clone, Debug)]
pub struct AddressBook {
    domain: Option<Arc<MailDomain>>,
}

/// The domain of addresses that no mail goes to (RFC 6761 section 6.4): meetings need some, also where there is no
/// mail.
const NO_DOMAIN: &str = "beffroi.invalid";

impl AddressBook {
    /// With the domain of projects, rooms and groups.
    #[must_use]
    pub const fn new(domain: Option<Arc<MailDomain>>) -> Self {
        Self { domain }
    }

    fn domain(&self) -> &str {
        self.domain.as_deref().map_or(NO_DOMAIN, MailDomain::as_str)
    }

    /// The address under which a principal takes part in meetings, as it is written.
    #[must_use]
    pub fn address_of(&self, principal: &Principal) -> String {
        match (principal.addresses.first(), principal.kind) {
            (Some(address), _) => address.clone(),
            (None, PrincipalKind::Person) => path_of(principal),
            (None, _) => self.made_address(principal),
        }
    }

    fn made_address(&self, principal: &Principal) -> String {
        mail_address_of(principal, self.domain())
    }

    /// All addresses of a principal.
    #[must_use]
    pub fn addresses_of(&self, principal: &Principal) -> Addresses {
        self.written(principal).map(|address| CalendarUserAddress::new(&address)).collect()
    }

    /// An address as the principal whose it is writes it; `None`: it is not theirs.
    #[must_use]
    pub fn spelling_of(&self, principal: &Principal, address: &CalendarUserAddress) -> Option<String> {
        self.written(principal).find(|written| CalendarUserAddress::new(written) == *address)
    }

    /// All addresses of a principal, as they are written.
    fn written(&self, principal: &Principal) -> impl Iterator<Item = String> {
        // Meetings from before there was mail keep the address that they had.
        let domains = [self.domain(), NO_DOMAIN].into_iter().filter(|_| principal.kind != PrincipalKind::Person);
        let made = domains.map(|domain| mail_address_of(principal, domain));
        principal.addresses.iter().cloned().chain(made).chain([path_of(principal)])
    }

    /// A principal with the addresses of mail under which others find them: of a project or room also the one in the
    /// domain of mail, where there is mail.
    #[must_use]
    pub fn with_listed(&self, mut found: Principal) -> Principal {
        let has_one = matches!(found.kind, PrincipalKind::Project | PrincipalKind::Room);
        let made = self.domain.as_deref().filter(|_| has_one).map(|domain| mail_address_of(&found, domain.as_str()));
        found.addresses.extend(made.filter(|made| !found.addresses.contains(made)));
        found
    }

    /// The address in the domain of mail to which answers about a meeting come; `None`: there is no mail.
    #[must_use]
    pub fn mailed_address_of(&self, principal: &Principal, tag: &str) -> Option<String> {
        let domain = self.domain.as_deref()?;
        Some(format!("mailto:{}+{tag}@{domain}", local_part_of(&principal.name)))
    }

    /// Is an address the path of a principal, which only this server has?
    #[must_use]
    pub fn is_path(address: &CalendarUserAddress) -> bool {
        address.as_str().starts_with(PRINCIPALS)
    }

    /// Who has the name that an address in the domain of mail is made of, be that an address of theirs or not.
    pub async fn named_by(
        &self,
        c: &mut impl Executor,
        address: &CalendarUserAddress,
    ) -> Result<Option<CalendarPrincipal>, Failure> {
        if !self.is_of_domain(address) {
            return Ok(None);
        }
        let found = scheduling::users(c, &[self.key_of(address)]).await?;
        Ok(found.into_iter().map(|(_, user)| user).next())
    }

    /// May whoever was found by the key of an address have it? A person's name in the domain is no address.
    fn may_have(&self, user: &CalendarPrincipal, address: &CalendarUserAddress) -> bool {
        user.principal.kind != PrincipalKind::Person || !self.is_of_domain(address)
    }

    /// Is it an address that is made of a name?
    fn is_of_domain(&self, address: &CalendarUserAddress) -> bool {
        let domain = address.mailbox().and_then(|mailbox| mailbox.rsplit_once('@')).map(|(_, domain)| domain);
        domain.is_some_and(|domain| [self.domain(), NO_DOMAIN].contains(&domain))
    }

    /// The key by which whoever has an address is found: the address itself as it is kept, or a name.
    fn key_of(&self, address: &CalendarUserAddress) -> String {
        let text = address.as_str();
        let path = text.find(PRINCIPALS).and_then(|at| text.get(at + PRINCIPALS.len()..));
        if let Some(name) = path.filter(|name| !name.contains('/')) {
            return match_name(name);
        }
        let ours = address.mailbox().filter(|_| self.is_of_domain(address));
        match ours.and_then(|mailbox| mailbox.rsplit_once('@')) {
            // What stands after a plus is a tag.
            Some((local, _)) => match_name(&name_of_local_part(local.split('+').next().unwrap_or_default())),
            None => text.to_owned(),
        }
    }
}

/// A principal as mail names people: the own address, if there is one.
pub fn mailbox_of(principal: &Principal) -> Option<Mailbox> {
    let address = principal.addresses.first()?.strip_prefix("mailto:")?;
    Some(Mailbox { name: principal.display_name.clone(), address: address.parse().ok()? })
}

fn mail_address_of(principal: &Principal, domain: &str) -> String {
    format!("mailto:{}@{domain}", local_part_of(&principal.name))
}

fn path_of(principal: &Principal) -> String {
    format!("{PRINCIPALS}{}/", principal.name)
}

/// A room in a meeting.
#[derive(Clone, Debug)]
pub struct BookableRoom {
    /// The principal.
    pub room: Id,
    /// Its home.
    pub home: Id,
    /// Its name.
    pub name: String,
}

/// Who stands behind the addresses of a meeting.
#[derive(Clone, Debug, Default)]
pub struct CalendarUsers {
    users: HashMap<CalendarUserAddress, CalendarPrincipal>,
    /// The people in each group.
    members: HashMap<Id, Vec<CalendarPrincipal>>,
    /// Those of which only the first people were read.
    cut_groups: HashSet<Id>,
}

impl CalendarUsers {
    /// Finds them.
    pub async fn find(
        c: &mut impl Executor,
        book: &AddressBook,
        addresses: impl IntoIterator<Item = CalendarUserAddress>,
    ) -> Result<Self, Failure> {
        let keyed: Vec<(CalendarUserAddress, String)> = addresses
            .into_iter()
            .map(|address| {
                let key = book.key_of(&address);
                (address, key)
            })
            .collect();
        let mut keys: Vec<String> = keyed.iter().map(|(_, key)| key.clone()).collect();
        keys.sort();
        keys.dedup();
        // An address of somebody's own may be one of ours, too.
        keys.extend(keyed.iter().filter(|(of, key)| of.as_str() != key).map(|(of, _)| of.as_str().to_owned()));
        let by_key: HashMap<String, CalendarPrincipal> = scheduling::users(c, &keys).await?.into_iter().collect();
        let found = |address: &CalendarUserAddress, key: &str| {
            let named = || by_key.get(key).filter(|user| book.may_have(user, address));
            by_key.get(address.as_str()).or_else(named).cloned()
        };
        let mut users: HashMap<_, _> = keyed
            .into_iter()
            .filter_map(|(address, key)| {
                let user = found(&address, &key)?;
                Some((address, user))
            })
            .collect();
        let groups: Vec<Id> = users
            .values()
            .filter(|user| user.principal.kind == PrincipalKind::Group)
            .map(|user| user.principal.id)
            .collect();
        let mut members: HashMap<Id, Vec<CalendarPrincipal>> = HashMap::new();
        let mut cut_groups = HashSet::new();
        if !groups.is_empty() {
            let found = scheduling::members_of(c, &groups, MAX_GROUP_MEMBERS).await?;
            let may_be_cut = found.len() as i64 >= MAX_GROUP_MEMBERS;
            for (group, user) in found {
                for address in book.addresses_of(&user.principal).iter() {
                    users.entry(address.clone()).or_insert_with(|| user.clone());
                }
                members.entry(group).or_default().push(user);
            }
            let sizes = if may_be_cut { scheduling::group_sizes(c, &groups).await? } else { HashMap::new() };
            let read = |group: &Id| members.get(group).map_or(0, Vec::len) as i64;
            cut_groups.extend(sizes.into_iter().filter(|(group, size)| *size > read(group)).map(|(group, _)| group));
        }
        Ok(Self { users, members, cut_groups })
    }

    /// Who has an address; `None`: nobody here.
    #[must_use]
    pub fn get(&self, address: &CalendarUserAddress) -> Option<&CalendarPrincipal> {
        self.users.get(address)
    }

    /// Whose a home is among them.
    #[must_use]
    pub fn of_home(&self, home: Id) -> Option<&CalendarPrincipal> {
        self.users.values().find(|user| user.home == Some(home))
    }

    /// What is known of whose programs used their calendars, and not written yet.
    pub fn note_use(&mut self, of: impl Fn(Id) -> Option<Timestamp>) {
        for user in self.users.values_mut() {
            let known = user.reach.calendar_used_at.max(of(user.principal.id));
            user.reach.calendar_used_at = known;
        }
    }

    /// Who has one of these as an address of mail, however the meeting calls them.
    #[must_use]
    pub fn with_address(&self, addresses: &Addresses) -> Option<&CalendarPrincipal> {
        let is_one = |address: &String| addresses.contains(&CalendarUserAddress::new(address));
        self.users.values().find(|user| user.principal.addresses.iter().any(is_one))
    }

    /// Are there more people in a group than are known here?
    #[must_use]
    pub fn is_cut(&self, group: Id) -> bool {
        self.cut_groups.contains(&group)
    }

    /// The people in a group.
    #[must_use]
    pub fn members(&self, group: Id) -> &[CalendarPrincipal] {
        self.members.get(&group).map_or(&[], Vec::as_slice)
    }

    /// All that were found, each once.
    #[must_use]
    pub fn principals(&self) -> Vec<Id> {
        let all: HashSet<Id> = self.users.values().map(|user| user.principal.id).collect();
        all.into_iter().collect()
    }

    /// The rooms among them, each once.
    #[must_use]
    pub fn rooms(&self) -> Vec<BookableRoom> {
        let rooms = self.users.values().filter(|user| user.is_room()).filter_map(|user| {
            let Principal { id, name, .. } = &user.principal;
            Some(BookableRoom { room: *id, home: user.home?, name: name.clone() })
        });
        let mut rooms: Vec<BookableRoom> = rooms.collect();
        rooms.sort_by_key(|room| room.home);
        rooms.dedup_by_key(|room| room.home);
        rooms
    }

    /// Forgets whoever is not to be known, unless they are in a group that is.
    pub fn retain(&mut self, is_known: impl Fn(&CalendarPrincipal) -> bool) {
        let groups: Vec<Id> = self.users.values().filter(|user| is_known(user)).map(|user| user.principal.id).collect();
        self.members.retain(|group, _| groups.contains(group));
        let members: HashSet<Id> = self.members.values().flatten().map(|user| user.principal.id).collect();
        self.users.retain(|_, user| is_known(user) || members.contains(&user.principal.id));
    }

    /// The homes of all that were found, the people in groups among them; each once.
    pub fn homes(&self) -> impl Iterator<Item = Id> {
        let all = self.users.values().chain(self.members.values().flatten());
        let homes: std::collections::BTreeSet<Id> = all.filter_map(|user| user.home).collect();
        homes.into_iter()
    }
}
