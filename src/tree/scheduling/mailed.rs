//! Messages about meetings that came by mail. They act only when they are known to be from who they say: the tag in the
//! address they came to is that of the meeting, and they are written by the one who answers; or the server that is
//! trusted vouches for that. All else changes nothing.

use super::meeting::MeetingCopy;
use super::plan::SchedulePlan;
use super::planner::SchedulePlanner;
use super::users::CalendarUsers;
use super::{PLAN_ATTEMPTS, refused};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::context::Violation;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::mailbox::MailAddress;
use crate::tree::Tree;

/// A message about a meeting that came by mail.
#[derive(Clone, Debug)]
pub struct MailedMessage {
    /// The message.
    pub message: SchedulingMessage,
    /// Who wrote it, as it says.
    pub from: Option<MailAddress>,
    /// The address of ours that it came to, without its tag.
    pub recipient: MailAddress,
    /// The tag.
    pub tag: Option<String>,
    /// Is who wrote it the one who answers?
    pub is_from_party: bool,
    /// Does the server that is trusted vouch for who wrote it?
    pub is_vouched: bool,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailedOutcome {
    /// It changed the meeting, or said nothing new.
    Taken,
    /// It is not sure who wrote it, or nobody acts on such: it changed nothing.
    Held,
    /// There is no such meeting here, or nobody of that address.
    Unknown,
}

impl Tree {
    /// Takes an answer that came by mail.
    pub async fn take_mailed(&self, mailed: MailedMessage) -> Result<MailedOutcome> {
        let uid = mailed.message.object.uid.clone();
        let is_tagged = mailed.tag.as_deref() == Some(self.store.seal.meeting_tag(&uid).as_str());
        if mailed.message.method != SchedulingMethod::Reply || !(mailed.is_from_party && is_tagged || mailed.is_vouched)
        {
            return Ok(MailedOutcome::Held);
        }
        let Some(from) = mailed.from.clone() else { return Ok(MailedOutcome::Held) };
        let from = Addresses::of([format!("mailto:{from}").as_str()]);
        for _ in 0..PLAN_ATTEMPTS {
            let _turn = self.turns.of(&uid).await;
            let Some((event, plan)) = self.plan_mailed(&mailed, &from).await? else {
                return Ok(MailedOutcome::Unknown);
            };
            if self.apply_plan(plan, event).await? {
                return Ok(MailedOutcome::Taken);
            }
        }
        Err(Condition::Busy.into())
    }

    async fn plan_mailed(&self, mailed: &MailedMessage, from: &Addresses) -> Result<Option<(Id, SchedulePlan)>> {
        let budget = Budget::default();
        let mut view = self.store.read().await?;
        let recipient = CalendarUserAddress::new(&format!("mailto:{}", mailed.recipient));
        let users = CalendarUsers::find(&mut view, &self.address_book(), [recipient.clone()]).await?;
        let Some(home) = users.get(&recipient).and_then(|user| user.home) else { return Ok(None) };
        let uid = &mailed.message.object.uid;
        let Some((have, planner)) = self.standing_meeting(view, home, uid, &budget).await? else { return Ok(None) };
        let (event, owner) = (have.node.id, have.node.owner_id);
        let (message, from) = (mailed.message.clone(), from.clone());
        let planned = self.work(owner, &budget, move |_| Some(planner.take_mailed(&have, &message, &from))).await?;
        Ok(Some((event, planned.map_err(refused)?)))
    }
}

impl SchedulePlanner {
    fn take_mailed(
        &self,
        have: &MeetingCopy,
        message: &SchedulingMessage,
        from: &Addresses,
    ) -> std::result::Result<SchedulePlan, Violation> {
        let mut plan = self.empty_plan();
        if let Some(object) = &have.object {
            let name = self.meeting.owner.name.clone();
            self.notify(&name, message, false, &mut plan);
            self.take_reply(have, object, message, from, &name, &mut plan)?;
        }
        Ok(plan)
    }
}
