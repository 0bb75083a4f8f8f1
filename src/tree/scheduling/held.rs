//! Mail about meetings that changes nothing: whose meeting it is finds it in the inbox. Anybody can send such mail, so
//! an inbox holds a bounded number of these notices, of each author and in all (`edit::inbox`): a later one takes the
//! place of an earlier one.

use bytes::Bytes;

use super::incoming::{HeldMail, HeldReason, HeldText, MailedMessage};
use super::plan::SchedulePlan;
use super::planner::SchedulePlanner;
use crate::ical::itip::context::Violation;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::people::CalendarUser;
use crate::ical::itip::shown::{Remark, held_shown};
use crate::ical::object::Object;
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

impl SchedulePlanner {
    /// Shows whose meeting it is a mail that changes nothing in it.
    pub(super) fn hold(
        &self,
        stored: &Object,
        mailed: &MailedMessage,
        reason: HeldReason,
        plan: &mut SchedulePlan,
    ) -> Result<(), Violation> {
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
