//! What came of mail stands on the attendee, as SCHEDULE-STATUS (RFC 6638 section 3.2.9): nobody is notified of that.

use super::plan::{CopyDelivery, DeliveryPlace, SchedulePlan, SeenObject};
use super::planner::{content_of, status};
use super::users::CalendarUsers;
use super::{PLAN_ATTEMPTS, text_of};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::people::{CalendarUser, set_schedule_status};
use crate::ical::object::Object;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::mail::MailOutcome;
use crate::store::scheduling::objects;
use crate::store::{node, version};
use crate::tree::Tree;

impl Tree {
    /// Writes what came of the mails about some objects. Those that are gone need it no more.
    pub async fn show_mail_outcomes(&self, outcomes: Vec<MailOutcome>) -> Result<()> {
        let mut events: Vec<Id> = outcomes.iter().map(|outcome| outcome.event).collect();
        events.sort_unstable();
        events.dedup();
        for event in events {
            let of_event: Vec<&MailOutcome> = outcomes.iter().filter(|outcome| outcome.event == event).collect();
            self.show_outcomes_of(event, &of_event).await?;
        }
        Ok(())
    }

    async fn show_outcomes_of(&self, event: Id, outcomes: &[&MailOutcome]) -> Result<()> {
        for _ in 0..PLAN_ATTEMPTS {
            let Some(plan) = self.plan_outcomes(event, outcomes).await? else { return Ok(()) };
            if self.apply_plan(plan, event).await? {
                return Ok(());
            }
        }
        Err(Condition::Busy.into())
    }

    async fn plan_outcomes(&self, event: Id, outcomes: &[&MailOutcome]) -> Result<Option<SchedulePlan>> {
        let mut view = self.store.read().await?;
        let found = version::node(&mut view, event).await?;
        let Some((object, None)) = found else { return Ok(None) };
        let Some(mut text) = text_of(&mut view, object.hash.as_deref()).await? else { return Ok(None) };
        let to = |outcome: &&MailOutcome| CalendarUserAddress::new(&format!("mailto:{}", outcome.address));
        let book = self.address_book();
        let users = CalendarUsers::find(&mut view, &book, outcomes.iter().map(to)).await?;
        let mut changed = false;
        for outcome in outcomes {
            let address = to(outcome);
            // The meeting may call people by another address than the one that is mailed to.
            let all = users.get(&address).map(|user| book.addresses_of(&user.principal)).unwrap_or_default();
            for address in all.with(&Addresses::from_iter([address])).iter() {
                if says_more(&text, address, &outcome.status) {
                    changed |= set_schedule_status(&mut text.calendar, address, Some(&outcome.status));
                }
            }
        }
        let Some(home) = node::home_name(&mut view, event).await?.filter(|_| changed) else { return Ok(None) };
        let seen_in = vec![object.home_id];
        let seen = objects(&mut view, &text.uid, &seen_in).await?.iter().map(SeenObject::of).collect();
        let mut plan = SchedulePlan { uid: text.uid.clone(), seen_in, seen, ..SchedulePlan::default() };
        let content = content_of(&text, object.schedule_hash.clone());
        plan.deliver(CopyDelivery { place: DeliveryPlace::Object(event), content: Some(content) }, &home);
        Ok(Some(plan))
    }
}

/// Does what came of a mail say more of its recipient than what stands there? Who has answered has got it; what is in a
/// calendar here is there, too, and only that the mail did not arrive is news.
fn says_more(object: &Object, of: &CalendarUserAddress, outcome: &str) -> bool {
    let people = |part| CalendarUser::attendees(part).chain(CalendarUser::organizer(part));
    let known = object.parts().flat_map(people).filter(|user| user.address() == *of).find_map(CalendarUser::status);
    match known.as_deref() {
        Some(status::ANSWERED) => false,
        Some(status::DELIVERED) => outcome.starts_with('5'),
        _ => true,
    }
}
