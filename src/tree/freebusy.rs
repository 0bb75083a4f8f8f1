//! Addresses at which programs look up when someone is busy: the administrator makes one for an organization, and
//! whoever knows it may ask about all people and rooms of this server, but for partners, who are of elsewhere.

use super::Tree;
use super::acquaintance::is_outsider;
use super::administration::{AdministrationError, AdministrationResult};
use super::authentication::{device_secret_hash, new_address_secret, noted};
use super::busy::AskedPrincipal;
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use super::scheduling::users::CalendarUsers;
use crate::ical::freebusy::Period;
use crate::ical::itip::address::CalendarUserAddress;
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;
use crate::model::error::Result as TreeResult;
use crate::model::header::program_name;
use crate::model::id::{Id, Timestamp, now};
use crate::model::mailbox::MailAddress;
use crate::model::principal::PrincipalKind;
use crate::model::secret_address::{FreeBusyAddress, SecretAddress};
use crate::store::freebusy;
use crate::store::principal::mailto;

/// Someone who is looked up.
pub struct BusyLookup {
    /// By which address.
    pub by: Id,
    /// The calendar user address that was looked up, as its owner writes it.
    pub whom: String,
    kept: SecretAddress,
    asked: AskedPrincipal,
}

impl Tree {
    /// Makes an address; its secret is returned this once and kept nowhere.
    pub async fn add_freebusy(&self, label: &str, expires_at: Option<Timestamp>) -> AdministrationResult<String> {
        let (id, secret) = (Id::generate(), new_address_secret()?);
        let mut edit = self.administer().await?;
        let named = AffectedObjects { name: label.to_owned(), ..AffectedObjects::to([id]) };
        let txn = edit.doing(Verb::AddFreeBusyAddress, named)?;
        if !freebusy::insert(txn, id, label, &device_secret_hash(&secret), now(), expires_at).await? {
            return Err(AdministrationError::FreeBusyTaken(label.to_owned()));
        }
        edit.commit().await?;
        Ok(secret)
    }

    /// All addresses.
    pub async fn freebusy_addresses(&self) -> AdministrationResult<Vec<FreeBusyAddress>> {
        Ok(freebusy::all(&mut self.store.read().await?).await?)
    }

    /// Ends an address.
    pub async fn revoke_freebusy(&self, label: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let id = freebusy::by_label(&mut edit, label).await?;
        let id = id.ok_or_else(|| AdministrationError::NoFreeBusy(label.to_owned()))?;
        let named = AffectedObjects { name: label.to_owned(), ..AffectedObjects::to([id]) };
        freebusy::delete(edit.doing(Verb::RevokeFreeBusyAddress, named)?, id).await?;
        Ok(edit.commit().await?)
    }

    /// Who is looked up with a secret. `None`: it opens nothing, or nobody who may be asked about is called so; which
    /// of these, nobody learns.
    pub async fn busy_lookup(&self, secret: &str, address: &str) -> TreeResult<Option<BusyLookup>> {
        let Ok(address) = address.parse::<MailAddress>() else { return Ok(None) };
        let mut reader = self.store.cached();
        let found = freebusy::by_secret(&mut reader, &device_secret_hash(secret)).await?;
        let Some((by, FreeBusyAddress { kept, .. })) = found.filter(|(_, one)| !one.kept.is_over(now())) else {
            return Ok(None);
        };
        let book = self.address_book();
        let address = CalendarUserAddress::new(&mailto(&address.to_string()));
        let users = CalendarUsers::find(&mut reader, &book, [address.clone()]).await?;
        let Some(user) = users.get(&address).filter(|user| user.home.is_some()) else { return Ok(None) };
        let whose = user.principal.clone();
        // A tag is of a meeting, and makes no address of anybody.
        let Some(whom) = book.spelling_of(&whose, &address) else { return Ok(None) };
        let may_be_asked_about = match whose.kind {
            PrincipalKind::Person => !is_outsider(&mut reader, whose.id).await?,
            PrincipalKind::Room => true,
            PrincipalKind::Project | PrincipalKind::Group => false,
        };
        if whose.disabled_at.is_some() || !may_be_asked_about {
            return Ok(None);
        }
        let asked = AskedPrincipal::of(&mut reader, whose).await?;
        Ok(asked.map(|asked| BusyLookup { by, whom, kept, asked }))
    }

    /// When whoever is looked up is busy. It is worked out in the turn of the address.
    pub async fn looked_up(&self, lookup: &BusyLookup, range: TimeRange, budget: &Budget) -> TreeResult<Vec<Period>> {
        self.busy_of(&lookup.asked, range, lookup.by, budget).await
    }

    /// Notes that an address was used, by what calls itself so.
    pub async fn note_busy_lookup(&self, lookup: &BusyLookup, client: &str) -> TreeResult<()> {
        let client = program_name(client);
        match lookup.kept.use_to_note(&client, now()) {
            Some(at) => noted(self.touch_freebusy(lookup.by, at, &client).await),
            None => Ok(()),
        }
    }

    async fn touch_freebusy(&self, id: Id, at: Timestamp, client: &str) -> TreeResult<()> {
        let mut edit = self.job_edit().await?;
        freebusy::touch(edit.doing(Verb::NoteUse, AffectedObjects::to([id]))?, id, at, client).await?;
        edit.commit().await
    }
}
