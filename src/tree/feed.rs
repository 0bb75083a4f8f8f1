//! Feeds: addresses that show a calendar to whoever knows them, by the present rights of the person in whose name they
//! were made.

use super::Tree;
use super::administration::{AdministrationError, AdministrationResult, collection, find};
use super::authentication::{device_secret_hash, new_address_secret, noted};
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use super::gate::Request;
use super::target::CALENDARS;
use crate::model::calendar::{Feed, FeedDetail};
use crate::model::error::Result as TreeResult;
use crate::model::filename::match_name;
use crate::model::header::program_name;
use crate::model::id::{Id, Timestamp, now};
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::node::ROOT;
use crate::model::path::{FEEDS, Path};
use crate::model::principal::{Actor, DeviceScope, PrincipalKind};
use crate::model::privilege::{Privilege, Role};
use crate::store::node::Walk;
use crate::store::{feed, node};

/// The address of a feed, by its secret and the name of its calendar.
#[must_use]
pub fn address(secret: &str, calendar: &str) -> Path {
    Path::of(&[FEEDS, secret, &format!("{calendar}.ics")])
}

impl Tree {
    /// Makes an address that shows a calendar as far as the person may read it; its secret is returned this once and
    /// kept nowhere, with the calendar's name.
    pub async fn add_feed(
        &self,
        person: &str,
        address: &str,
        detail: FeedDetail,
        expires_at: Option<Timestamp>,
    ) -> AdministrationResult<(String, String)> {
        let secret = new_address_secret()?;
        let mut edit = self.administer().await?;
        let (calendar, owner) = collection(&mut edit, address).await?;
        if calendar.kind != Kind::Calendar {
            return Err(AdministrationError::NoCollection(address.to_owned()));
        }
        let person = find(&mut edit, Some(PrincipalKind::Person), person).await?;
        let names = [&owner.name, CALENDARS, &calendar.name].map(match_name);
        let roles = node::walk(&mut edit, Walk { actor: person.id, now: now(), start: ROOT, names: &names }).await?;
        let role = roles.iter().filter_map(|link| link.role).max();
        let enough = if detail == FeedDetail::Busy { Role::FreeBusy } else { Role::Reader };
        if role < Some(enough) {
            return Err(AdministrationError::NoRole(person.name, address.to_owned()));
        }
        let txn = edit.doing(Verb::AddFeed, AffectedObjects::about(&person).in_home(calendar.home_id))?;
        let hash = device_secret_hash(&secret);
        if !feed::insert(txn, person.id, calendar.id, detail, &hash, now(), expires_at).await? {
            return Err(AdministrationError::FeedTaken(person.name, address.to_owned()));
        }
        edit.commit().await?;
        Ok((secret, calendar.name))
    }

    /// A person's feeds.
    pub async fn feeds(&self, person: &str) -> AdministrationResult<Vec<Feed>> {
        let mut snapshot = self.store.read().await?;
        let person = find(&mut snapshot, Some(PrincipalKind::Person), person).await?;
        Ok(feed::of_person(&mut snapshot, person.id).await?)
    }

    /// Ends a feed.
    pub async fn revoke_feed(&self, person: &str, address: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let (calendar, _) = collection(&mut edit, address).await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), person).await?;
        let txn = edit.doing(Verb::RevokeFeed, AffectedObjects::about(&person).in_home(calendar.home_id))?;
        if !feed::delete(txn, person.id, calendar.id).await? {
            return Err(AdministrationError::NoFeed(person.name, address.to_owned()));
        }
        Ok(edit.commit().await?)
    }

    /// What a secret opens: the request for its calendar in the name of its person, to pass the gate like any other.
    pub async fn feed(&self, secret: &str) -> TreeResult<Option<(Request, Feed)>> {
        let mut reader = self.store.cached();
        let Some((person, _, feed)) = feed::by_secret(&mut reader, &device_secret_hash(secret)).await? else {
            return Ok(None);
        };
        if person.disabled_at.is_some() || feed.kept.is_over(now()) {
            return Ok(None);
        }
        let actor = Actor {
            id: person.id,
            name: person.name,
            display_name: person.display_name,
            scope: DeviceScope::Calendars,
            project: None,
            read_only: true,
            device: None,
            login: None,
        };
        let path = Path::of(&[CALENDARS, &feed.home, &feed.calendar]);
        let reads = if feed.detail == FeedDetail::Busy { Privilege::ReadFreeBusy } else { Privilege::Read };
        Ok(Some((Request { reads, ..Request::of(Method::Report, path, actor) }, feed)))
    }

    /// Notes that a feed was fetched, by what calls itself so.
    pub async fn feed_fetched(&self, secret: &str, client: &str) -> TreeResult<()> {
        let mut reader = self.store.cached();
        let found = feed::by_secret(&mut reader, &device_secret_hash(secret)).await?;
        drop(reader);
        let client = program_name(client);
        if let Some((_, id, feed)) = found
            && let Some(at) = feed.kept.use_to_note(&client, now())
        {
            noted(self.touch_feed(id, at, &client).await)?;
        }
        Ok(())
    }

    async fn touch_feed(&self, feed: Id, at: Timestamp, client: &str) -> TreeResult<()> {
        let mut edit = self.job_edit().await?;
        feed::touch(edit.doing(Verb::NoteUse, AffectedObjects::to([feed]))?, feed, at, client).await?;
        edit.commit().await
    }
}
