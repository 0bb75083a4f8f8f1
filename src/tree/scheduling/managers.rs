//! Managers of rooms by mail: who wants mail is asked about what a room has not decided, and the answer is the room's,
//! stored as that manager would store it in the room's calendar.

use std::sync::Arc;

use super::incoming::{MailedMessage, MailedOutcome, recipient_of};
use super::ledger::{ledger_of, rows_of};
use super::letters::LANGUAGE;
use super::plan::{PlannedMail, SchedulePlan};
use super::planner::SchedulePlanner;
use super::refused;
use super::room_desk::{RoomDesk, desk_tag};
use crate::ical::itip::attendee::SchedulingReply;
use crate::ical::itip::booking_request::{
    BookingRequest, ManagerContext, booking_request, manager_answer, requested_uid,
};
use crate::ical::itip::message::SchedulingMethod;
use crate::ical::object::Object;
use crate::model::budget::Budget;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::mail::Addressing;
use crate::model::mailbox::Mailbox;
use crate::model::principal::PrincipalKind;
use crate::store::scheduling;
use crate::tree::Tree;
use crate::tree::edit::mail::MailOccasion;

impl SchedulePlanner {
    /// Asks the managers of a room who want mail about what it has not decided.
    pub(super) fn ask_managers(
        &self,
        desk: Option<&RoomDesk>,
        copy: &Object,
        reply: Option<&SchedulingReply>,
        plan: &mut SchedulePlan,
    ) {
        let is_open = reply.is_some_and(|reply| reply.answers.values().any(|answer| answer == "TENTATIVE"));
        let Some(desk) = desk.filter(|_| is_open) else { return };
        for manager in &desk.by_mail {
            let uri = format!("mailto:{}", desk.address);
            let request = BookingRequest { room: &desk.name, address: &uri, manager };
            let addressing = Addressing {
                to: manager.clone(),
                from: Mailbox { name: desk.name.clone(), address: desk.address.clone() },
                reply_to: None,
                planner: None,
                language: LANGUAGE.to_owned(),
                is_update: false,
            };
            let message = Arc::new(booking_request(copy, request, self.now));
            plan.mails.push(PlannedMail { message, whole: None, addressing, occasion: MailOccasion::Change });
        }
    }
}

impl Tree {
    /// Takes what the manager of a room answers by mail. `None`: it is no such answer.
    pub(super) async fn take_managers_answer(&self, mailed: &MailedMessage) -> Result<Option<MailedOutcome>> {
        let asked = mailed.message.object.uid.clone();
        let uid = requested_uid(&asked).filter(|_| mailed.message.method == SchedulingMethod::Reply);
        let Some(uid) = uid else { return Ok(None) };
        let is_tagged = mailed.tag.as_deref() == Some(self.store.seal.meeting_tag(&desk_tag(uid)).as_str());
        if !(mailed.is_from_party && is_tagged || mailed.is_vouched) {
            return Ok(Some(MailedOutcome::Unknown));
        }
        let mut view = self.store.read().await?;
        let user = recipient_of(&mut view, &self.address_book(), &mailed.recipient, false).await?;
        let room = user.filter(|user| user.principal.kind == PrincipalKind::Room);
        let manager = self.author_here(&mut view, mailed).await?;
        let (Some(room), Some(manager)) = (room, manager) else { return Ok(Some(MailedOutcome::Unknown)) };
        let Some(home) = room.home else { return Ok(Some(MailedOutcome::Unknown)) };
        let ledger = ledger_of(scheduling::answers(&mut view, home, &asked).await?);
        let budget = Budget::default();
        let Some((have, planner)) = self.standing_meeting(view, home, uid, &budget).await? else {
            return Ok(Some(MailedOutcome::Unknown));
        };
        let (message, from, copy) = (mailed.message.clone(), mailed.author(), have.object().cloned());
        let known = ledger.clone();
        let answered = move |_: &_| {
            let by = ManagerContext { manager: &from, room: &planner.meeting.addresses, ledger: &known };
            Some(copy.as_ref().map(|copy| manager_answer(copy, &message, by, planner.at())).transpose())
        };
        let answered = self.work(manager.id, &budget, answered).await?.map_err(refused)?.flatten();
        let Some(answered) = answered else { return Ok(Some(MailedOutcome::Taken)) };
        if !self.store_as(&manager, &room.principal.name, &have, &answered.object).await? {
            return Ok(Some(MailedOutcome::Unknown));
        }
        // What was sent before it says nothing any more.
        let mut ledger = ledger;
        answered.outcome.note(&mut ledger);
        let answers = rows_of(&ledger, home, answered.outcome.noted());
        self.apply_plan(SchedulePlan { uid: asked, answers, ..SchedulePlan::default() }, Id::default()).await?;
        Ok(Some(MailedOutcome::Taken))
    }
}
