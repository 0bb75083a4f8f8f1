//! COPY of a calendar: who has a part in a meeting of it has no second object of that (RFC 6638 section 3.2.4.1).

use std::sync::Arc;

use bytes::Bytes;

use super::attends;
use super::meeting::second_of;
use super::users::AddressBook;
use crate::ical::itip::address::Addresses;
use crate::ical::itip::copy::organizer_address;
use crate::ical::object::Object;
use crate::model::error::Result;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::token::TokenSeal;
use crate::store::scheduling::{CopiedMeetings, HeldTwice, MeetingObject, held_twice, last_change};
use crate::store::{body, principal};
use crate::tree::Tree;
use crate::tree::gate::Request;
use crate::tree::target::Target;

/// How many are read at a time.
const PAGE: i64 = 100;

impl Tree {
    /// Refused where the home into which a request copies a calendar would hold a second object of a meeting in which
    /// its owner has a part. Otherwise how far that has been looked at: what has changed since bears higher numbers.
    pub(in crate::tree) async fn without_second_objects(&self, request: &Request) -> Result<Option<CopiedMeetings>> {
        let mut admitted = self.read(request).await?;
        let (source, to) = (admitted.target.node().cloned(), admitted.destination.as_ref().and_then(Target::parent));
        let (Some(source), Some(to)) = (source, to.map(|link| link.node.clone())) else { return Ok(None) };
        let view = &mut admitted.store;
        let all = CopiedMeetings { calendar: source.id, home: to.home_id, seen: 0, seen_there: 0 };
        let seen = last_change(view, source.home_id).await?;
        let seen = CopiedMeetings { seen, seen_there: last_change(view, to.home_id).await?, ..all };
        let Some(owner) = principal::by_id(view, to.owner_id).await? else { return Ok(Some(seen)) };
        drop(admitted);
        let mut after = HeldTwice::default();
        loop {
            let mut view = self.store.read().await?;
            let page = held_twice(&mut view, all, &after, PAGE).await?;
            let Some(last) = page.last().cloned() else { return Ok(Some(seen)) };
            let budget = request.budget.anew()?;
            let sizes = page.iter().flat_map(|pair| [pair.object.size_bytes, pair.other.size_bytes]);
            budget.bytes(usize::try_from(sizes.fold(0, i64::saturating_add)).unwrap_or(usize::MAX))?;
            let hashes: Vec<&str> = page.iter().flat_map(|pair| [&*pair.object.hash, &*pair.other.hash]).collect();
            let texts = body::several(&mut view, &hashes).await?;
            drop(view);
            let (book, seal, whose) = (self.address_book(), Arc::clone(&self.store.seal), owner.clone());
            let has_part = move |object: &MeetingObject| has_part(texts.get(&object.hash), &whose, &book, &seal);
            let second = move |_: &_| {
                let is_second = |pair: &HeldTwice| has_part(&pair.object) || has_part(&pair.other);
                Some(page.iter().find(|pair| is_second(pair)).map(|pair| pair.other.node))
            };
            if let Some(second) = self.work(request.actor.id, &budget, second).await? {
                return Err(second_of(&mut self.store.read().await?, to.home_id, second, &owner).await?.into());
            }
            after = last;
        }
    }
}

/// Does a person organize or attend a meeting? A project has a part in all that its calendars hold.
fn has_part(text: Option<&Bytes>, whose: &Principal, book: &AddressBook, seal: &TokenSeal) -> bool {
    if whose.kind == PrincipalKind::Project {
        return true;
    }
    let Some(text) = text.and_then(|text| Object::stored(text).ok()) else { return false };
    let mailed = book.mailed_address_of(whose, &seal.meeting_tag(&text.uid));
    let own = book.addresses_of(whose).with(&Addresses::of(mailed.as_deref()));
    organizer_address(&text).is_some_and(|organizer| own.contains(&organizer)) || attends(&text, &own)
}
