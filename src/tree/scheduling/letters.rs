//! Mail to those in a meeting who are not of this server: to whom it goes, and from whom it comes.
//!
//! What goes out is from an address of ours in the domain of mail, with the tag of the meeting, so that answers come
//! back to this server; what people write by hand goes to whoever planned it.

use std::sync::Arc;

use super::plan::{PlannedMail, SchedulePlan};
use super::planner::{SchedulePlanner, status};
use super::users::AddressBook;
use crate::ical::itip::address::CalendarUserAddress;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::people::CalendarUser;
use crate::model::mail::Addressing;
use crate::model::mailbox::Mailbox;
use crate::model::principal::Principal;
use crate::tree::edit::mail::MailOccasion;

/// The language of people of whom nothing is known.
const LANGUAGE: &str = "fr";

/// A principal as mail names people: the own address, if there is one.
pub fn mailbox_of(principal: &Principal) -> Option<Mailbox> {
    let address = principal.addresses.first()?.strip_prefix("mailto:")?;
    Some(Mailbox { name: principal.display_name.clone(), address: address.parse().ok()? })
}

impl SchedulePlanner {
    /// Sends a message to someone who is not of this server: how that fares so far.
    pub(super) fn mail(
        &self,
        to: &CalendarUserAddress,
        message: &Arc<SchedulingMessage>,
        plan: &mut SchedulePlan,
    ) -> &'static str {
        self.mail_for(MailOccasion::Change, to, message, plan)
    }

    /// The same for another reason than a change.
    pub(super) fn mail_for(
        &self,
        occasion: MailOccasion,
        to: &CalendarUserAddress,
        message: &Arc<SchedulingMessage>,
        plan: &mut SchedulePlan,
    ) -> &'static str {
        if AddressBook::is_path(to) {
            return status::NO_SUCH_USER;
        }
        let Some(addressing) = self.addressing(to, message) else { return status::NO_WAY };
        plan.mails.push(PlannedMail { message: self.mailed(message), addressing, occasion });
        status::QUEUED
    }

    fn addressing(&self, to: &CalendarUserAddress, message: &SchedulingMessage) -> Option<Addressing> {
        let from = self.meeting.mailed_address.as_deref()?.strip_prefix("mailto:")?.parse().ok()?;
        let named = |line: CalendarUser<'_>| line.line().parameter("CN").filter(|_| line.address() == *to);
        let lines = message.object.parts().flat_map(CalendarUser::attendees);
        let organizers = message.object.parts().filter_map(CalendarUser::organizer);
        let name = lines.chain(organizers).find_map(named).unwrap_or_default();
        let planner = self.planner.clone().filter(|_| message.method != SchedulingMethod::Reply);
        Some(Addressing {
            to: Mailbox { name, address: to.mailbox()?.parse().ok()? },
            from: Mailbox { name: self.meeting.owner.display_name.clone(), address: from },
            reply_to: planner.clone().or_else(|| mailbox_of(&self.meeting.owner)),
            planner: planner.filter(|_| self.is_project()),
            language: LANGUAGE.to_owned(),
            answer_token: None,
            is_update: false,
        })
    }

    /// The message as it leaves: answers come to the address that bears the tag of the meeting, also where a person
    /// organizes it.
    fn mailed(&self, message: &Arc<SchedulingMessage>) -> Arc<SchedulingMessage> {
        let Some(address) = self.meeting.mailed_address.as_deref() else { return Arc::clone(message) };
        if message.method == SchedulingMethod::Reply {
            return Arc::clone(message);
        }
        let mut mailed = SchedulingMessage::clone(message);
        let lines = mailed.object.calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut());
        for line in lines.filter(|line| line.name == "ORGANIZER") {
            *line = line.with_value(address);
        }
        Arc::new(mailed)
    }
}
