//! Mail about meetings that changes nothing: whose meeting it is finds it in the inbox. Anybody can send such mail, so
//! an inbox holds a bounded number of these notices, of each author and in all (`edit::inbox`): a later one takes the
//! place of an earlier one.

use bytes::Bytes;

use super::incoming::{HeldMail, HeldReason, HeldText, HeldWords, MailedMessage, recipient_of};
use super::plan::SchedulePlan;
use super::planner::SchedulePlanner;
use crate::ical::itip::context::Violation;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::people::CalendarUser;
use crate::ical::itip::shown::{Remark, held_shown, note};
use crate::ical::object::Object;
use crate::model::error::Result;
use crate::model::id::{Id, now};
use crate::model::mailbox::MailAddress;
use crate::model::principal::PrincipalKind;
use crate::store::scheduling::CalendarPrincipal;
use crate::tree::Tree;
use crate::tree::calendar::{blob, index};
use crate::tree::edit::content::InboxItem;

/// The longest notice, bytes.
const MAX_BYTES: usize = 64 * 1024;

impl MailedMessage {
    fn answer(&self) -> Option<String> {
        let mut lines = self.message.object.parts().flat_map(CalendarUser::attendees);
        lines.next().filter(|_| self.message.method == SchedulingMethod::Reply).map(CalendarUser::participation)
    }

    /// The same as it is shown.
    pub(super) fn remark<'a>(&'a self, text: &'a HeldText) -> Remark<'a> {
        Remark { name: &text.name, author: self.from.as_ref().map(|from| from.as_str()), text: &text.remark }
    }

    /// What is said of it where it changes nothing.
    pub(super) fn held_text(&self, reason: HeldReason) -> HeldText {
        let answer = self.answer();
        let author = self.from.as_ref().map(|from| from.as_str());
        (self.words)(HeldMail { reason, author, method: self.message.method, answer: answer.as_deref() })
    }
}

impl Tree {
    /// Shows a project or a room that a mail came whose calendar nobody reads. `false`: there is none of that address.
    pub async fn show_unreadable(
        &self,
        recipient: &MailAddress,
        from: Option<&MailAddress>,
        words: HeldWords,
    ) -> Result<bool> {
        let found = recipient_of(&mut self.store.read().await?, &self.address_book(), recipient, false).await?;
        let is_shown = |user: &CalendarPrincipal| user.home.is_some() && user.principal.kind != PrincipalKind::Person;
        let Some(user) = found.filter(is_shown) else { return Ok(false) };
        let (author, method, now) = (from.map(|from| from.as_str()), SchedulingMethod::Publish, now());
        let text = words(HeldMail { reason: HeldReason::Unreadable, author, method, answer: None });
        let uid = InboxItem::held(author.unwrap_or_default(), "");
        let remark = Remark { name: &text.name, author, text: &text.remark };
        let shown = note(&format!("{uid}{now}"), &format!("mailto:{recipient}"), remark, now).text();
        let item = InboxItem { blob: blob(Bytes::from(shown)), uid, from_organizer: true, last_at: now };
        let mut plan = SchedulePlan::default();
        plan.notify(&user.principal.name, item);
        self.apply_plan(plan, Id::default()).await
    }
}

impl SchedulePlanner {
    /// Shows whose meeting it is a mail that changes nothing in it.
    pub(super) fn hold(
        &self,
        stored: &Object,
        mailed: &MailedMessage,
        reason: HeldReason,
        plan: &mut SchedulePlan,
    ) -> std::result::Result<(), Violation> {
        let text = mailed.held_text(reason);
        let shown = held_shown(stored, &mailed.message.object, mailed.remark(&text), self.at())?;
        self.show_held(mailed, &shown, plan);
        Ok(())
    }

    /// Has a notice in the inbox, unless all that it is about is over.
    pub(super) fn show_held(&self, mailed: &MailedMessage, shown: &SchedulingMessage, plan: &mut SchedulePlan) {
        let (text, last_at) = (shown.text(), index(&shown.object).last_at);
        if last_at >= self.now && text.len() <= MAX_BYTES {
            let author = mailed.from.as_ref().map(|from| from.as_str()).unwrap_or_default();
            let uid = InboxItem::held(author, &mailed.message.object.uid);
            let item = InboxItem { blob: blob(Bytes::from(text)), uid, from_organizer: true, last_at };
            plan.notify(&self.meeting.owner.name, item);
        }
    }
}
