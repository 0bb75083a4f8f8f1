//! A message that people are notified of, on its way to all who get it: what of it is the same for all is made once.

use std::cell::OnceCell;
use std::sync::Arc;

use super::plan::PlannedMail;
use super::planner::SchedulePlanner;
use crate::ical::invitation::{Mailing, Unmailable, invitations};
use crate::ical::itip::context::Violation;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::people::CalendarUser;
use crate::ical::line::Property;
use crate::model::mail::Addressing;
use crate::tree::edit::content::InboxItem;
use crate::tree::edit::mail::MailOccasion;

/// A message that people are notified of.
pub struct SchedulingNotice<'a> {
    planner: &'a SchedulePlanner,
    message: &'a Arc<SchedulingMessage>,
    /// All that those who get it may know, where the message is about a part of it.
    whole: Option<&'a Arc<SchedulingMessage>>,
    /// What it is sent for.
    pub occasion: MailOccasion,
    item: OnceCell<Option<InboxItem>>,
    mailed: OnceCell<Arc<SchedulingMessage>>,
    mailed_whole: OnceCell<Arc<SchedulingMessage>>,
    mailable: OnceCell<Result<(), Violation>>,
}

impl<'a> SchedulingNotice<'a> {
    /// The one of a message; `view` is all that those who get it may know of the meeting.
    pub fn of(
        planner: &'a SchedulePlanner,
        message: &'a Arc<SchedulingMessage>,
        view: Option<&'a Arc<SchedulingMessage>>,
        occasion: MailOccasion,
    ) -> Self {
        let (item, mailable) = (OnceCell::new(), OnceCell::new());
        let (mailed, mailed_whole) = (OnceCell::new(), OnceCell::new());
        let whole = view.filter(|view| !Arc::ptr_eq(view, message));
        Self { planner, message, whole, occasion, item, mailed, mailed_whole, mailable }
    }

    /// The message.
    pub const fn message(&self) -> &Arc<SchedulingMessage> {
        self.message
    }

    /// What stands in inboxes. `None`: all that it is about is over.
    pub fn item(&self) -> Option<&InboxItem> {
        self.item.get_or_init(|| self.planner.item(self.message, true)).as_ref()
    }

    /// Is there nothing in it that is still to come? An answer says only when the first of a series was.
    pub fn is_over(&self) -> bool {
        self.message.method != SchedulingMethod::Reply && self.item().is_none()
    }

    /// The mail to someone.
    pub fn mail(&self, addressing: Addressing) -> PlannedMail {
        let message = Arc::clone(self.mailed.get_or_init(|| self.addressed(self.message)));
        let whole = self.whole.map(|whole| Arc::clone(self.mailed_whole.get_or_init(|| self.addressed(whole))));
        PlannedMail { message, whole, addressing, occasion: self.occasion }
    }

    /// A message as it leaves: answers come to the address that bears the tag of the meeting, also where a person
    /// organizes it; and people are called by addresses of mail, for nobody elsewhere knows another.
    fn addressed(&self, message: &Arc<SchedulingMessage>) -> Arc<SchedulingMessage> {
        let organizer = self.planner.meeting.mailed_address.as_deref();
        let Some(organizer) = organizer.filter(|_| message.method != SchedulingMethod::Reply) else {
            return Arc::clone(message);
        };
        let mut mailed = SchedulingMessage::clone(message);
        let lines = mailed.object.calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut());
        for line in lines {
            if line.name == "ORGANIZER" {
                *line = line.with_value(organizer);
            } else if line.name == "ATTENDEE"
                && let Some(known) = self.mail_address_of(line)
            {
                *line = line.with_value(known);
            }
        }
        Arc::new(mailed)
    }

    /// The address of mail of an attendee who is called otherwise.
    fn mail_address_of(&self, line: &Property) -> Option<&str> {
        let address = CalendarUser::of(line).address();
        if address.mailbox().is_some() {
            return None;
        }
        let user = self.planner.meeting.users.get(&address)?;
        user.principal.addresses.first().map(String::as_str)
    }

    /// Refuses what nobody elsewhere could be invited to: the organizer is to hear of it at once.
    pub fn check_mailable(&self) -> Result<(), Violation> {
        if self.message.method != SchedulingMethod::Request {
            return Ok(());
        }
        let check = || {
            let SchedulePlanner { now, floating, budget, .. } = self.planner;
            match invitations(self.message, &Mailing { planner: None, now: *now, floating, budget }) {
                Err(Unmailable::TooManyOccurrences) => Err(Violation::Unmailable),
                Err(Unmailable::TooMuch) => Err(Violation::TooMuch),
                _ => Ok(()),
            }
        };
        *self.mailable.get_or_init(check)
    }
}
