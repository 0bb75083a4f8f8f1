//! Messages about meetings that came by mail. They act only when they are known to be from who they say: the tag in the
//! address they came to is that of the meeting, and they are written by the one who answers; or the server that is
//! trusted vouches for that. All else changes nothing.

use super::meeting::{ChangedObject, Meeting, MeetingCopy};
use super::plan::SchedulePlan;
use super::planner::SchedulePlanner;
use super::users::CalendarUsers;
use super::{MAX_OBJECTS, range_of, refused, text_of};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::context::Violation;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::id::now;
use crate::model::mailbox::MailAddress;
use crate::model::node::Node;
use crate::store::scheduling::objects;
use crate::tree::Tree;

/// How often it is tried where others change something meanwhile.
const ATTEMPTS: usize = 8;

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
        for _ in 0..ATTEMPTS {
            let _turn = self.turns.of(&uid).await;
            let Some((node, plan)) = self.plan_mailed(&mailed, &from).await? else {
                return Ok(MailedOutcome::Unknown);
            };
            let mut edit = self.job_edit().await?;
            match edit.refresh(plan, node.id).await {
                Err(Error::Refused(refusal)) if refusal.condition == Condition::Busy => edit.give_up().await,
                done => {
                    done?;
                    edit.commit().await?;
                    return Ok(MailedOutcome::Taken);
                }
            }
        }
        Err(Condition::Busy.into())
    }

    async fn plan_mailed(&self, mailed: &MailedMessage, from: &Addresses) -> Result<Option<(Node, SchedulePlan)>> {
        let budget = Budget::default();
        let mut view = self.store.read().await?;
        let recipient = CalendarUserAddress::new(&format!("mailto:{}", mailed.recipient));
        let users = CalendarUsers::find(&mut view, &self.address_book(), [recipient.clone()]).await?;
        let Some(home) = users.get(&recipient).and_then(|user| user.home) else { return Ok(None) };
        let known = objects(&mut view, &mailed.message.object.uid, MAX_OBJECTS).await?;
        let Some(node) = known.into_iter().find(|node| node.home_id == home) else { return Ok(None) };
        let Some(object) = text_of(&mut view, node.hash.as_deref()).await? else { return Ok(None) };
        let change = ChangedObject {
            owner: node.owner_id,
            home,
            node: Some(node.id),
            old: Some(object.clone()),
            new: None,
            range: range_of(None, now()),
            writer: node.owner_id,
        };
        let read = Meeting::read(&mut view, &self.address_book(), &self.store.seal, &change, &budget).await?;
        let Some(meeting) = read else { return Ok(None) };
        drop(view);
        let planner = SchedulePlanner::of(meeting, now(), &budget);
        let (message, from) = (mailed.message.clone(), from.clone());
        let have = MeetingCopy { node: node.clone(), object: Some(object) };
        let planned = self.work(node.owner_id, &budget, move |_| Some(planner.take_mailed(&have, &message, &from)));
        Ok(Some((node, planned.await?.map_err(refused)?)))
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
