//! Mail about meetings, to those who are not of this server and to people here who want it: to whom it goes, and from
//! whom it comes.
//!
//! What goes out is from an address of ours in the domain of mail, with the tag of the meeting, so that answers come
//! back to this server; what people write by hand goes to whoever planned it.

use std::sync::Arc;

use super::notice::SchedulingNotice;
use super::plan::{PlannedMail, SchedulePlan};
use super::planner::{SchedulePlanner, status};
use super::users::{AddressBook, mailbox_of};
use crate::ical::itip::address::CalendarUserAddress;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::minutes::{MinutesNotice, MinutesRecipient};
use crate::ical::itip::people::CalendarUser;
use crate::model::mail::Addressing;
use crate::model::mailbox::Mailbox;
use crate::store::scheduling::CalendarPrincipal;
use crate::tree::edit::mail::MailOccasion;

/// The language of people of whom nothing is known.
pub(super) const LANGUAGE: &str = "fr";

impl SchedulePlanner {
    /// Sends a message to someone who is not of this server: how that fares so far. `None`: nothing was sent, for all
    /// that it is about is over.
    pub(super) fn mail(
        &self,
        to: &CalendarUserAddress,
        notice: &SchedulingNotice<'_>,
        plan: &mut SchedulePlan,
    ) -> Option<&'static str> {
        if AddressBook::is_path(to) {
            return Some(status::NO_SUCH_USER);
        }
        if notice.is_over() {
            return None;
        }
        let message = notice.message();
        let address = to.mailbox().and_then(|mailbox| mailbox.parse().ok());
        let language = language_in(message, |address| address == to);
        let to = address.map(|address| Mailbox { name: name_in(message, to), address });
        let Some(addressing) = to.and_then(|to| self.addressing(to, language, message)) else {
            return Some(status::NO_WAY);
        };
        plan.mails.push(notice.mail(addressing));
        Some(status::QUEUED)
    }

    /// Sends a message to someone who has a calendar here, and is to get it by mail, too. What cannot be mailed is in
    /// their calendar all the same.
    pub(super) fn mail_beside(&self, user: &CalendarPrincipal, notice: &SchedulingNotice<'_>, plan: &mut SchedulePlan) {
        if !self.wants_mail(user) || notice.is_over() || notice.check_mailable().is_err() {
            return;
        }
        let own = self.meeting.book.addresses_of(&user.principal);
        let language = language_in(notice.message(), |address| own.contains(address));
        let addressing = mailbox_of(&user.principal).and_then(|to| self.addressing(to, language, notice.message()));
        plan.mails.extend(addressing.map(|addressing| notice.mail(addressing)));
    }

    /// The mails by which those hear of documents who took part in what these are about: people elsewhere, and those
    /// here who want mail. All others find them in their copies.
    pub(super) fn letters(&self, notices: &[MinutesNotice]) -> Vec<PlannedMail> {
        let letter = |notice: &MinutesNotice, recipient: &MinutesRecipient| {
            let to = self.mailbox_for(recipient)?;
            let message = Arc::new(notice.to(recipient, &self.meeting.seal));
            let addressing = self.addressing(to, recipient.language.clone(), &message)?;
            Some(PlannedMail { message, whole: None, addressing, occasion: MailOccasion::default() })
        };
        let all = notices.iter().flat_map(|notice| notice.recipients.iter().map(move |to| (notice, to)));
        all.filter_map(|(notice, to)| letter(notice, to)).collect()
    }

    /// Where someone hears of documents by mail. `None`: they do not.
    fn mailbox_for(&self, recipient: &MinutesRecipient) -> Option<Mailbox> {
        let address = &recipient.address;
        match self.meeting.users.get(address) {
            _ if self.meeting.addresses.contains(address) => None,
            Some(user) => mailbox_of(&user.principal).filter(|_| self.wants_mail(user)),
            None => Some(Mailbox { name: recipient.name.clone(), address: address.mailbox()?.parse().ok()? }),
        }
    }

    /// Is someone who has a calendar here to get mail, too?
    fn wants_mail(&self, user: &CalendarPrincipal) -> bool {
        !user.is_room() && user.reach.by_mail(self.now) && user.principal.disabled_at.is_none()
    }

    fn addressing(&self, to: Mailbox, language: Option<String>, message: &SchedulingMessage) -> Option<Addressing> {
        let from = self.meeting.mailed_address.as_deref()?.strip_prefix("mailto:")?.parse().ok()?;
        let planner = self.planner.clone().filter(|_| message.method != SchedulingMethod::Reply);
        Some(Addressing {
            to,
            from: Mailbox { name: self.meeting.owner.display_name.clone(), address: from },
            reply_to: planner.clone().or_else(|| mailbox_of(&self.meeting.owner)),
            planner: planner.filter(|_| self.is_project()),
            language: language.unwrap_or_else(|| LANGUAGE.to_owned()),
            is_update: false,
        })
    }
}

/// The language of someone, as a message says it: who invites them has written it, or they have answered in it.
fn language_in(message: &SchedulingMessage, is_theirs: impl Fn(&CalendarUserAddress) -> bool) -> Option<String> {
    let lines = message.object.parts().flat_map(CalendarUser::attendees);
    lines.filter(|line| is_theirs(&line.address())).find_map(CalendarUser::language)
}

/// What a message calls someone.
fn name_in(message: &SchedulingMessage, who: &CalendarUserAddress) -> String {
    let named = |line: CalendarUser<'_>| line.line().parameter("CN").filter(|_| line.address() == *who);
    let lines = message.object.parts().flat_map(CalendarUser::attendees);
    let organizers = message.object.parts().filter_map(CalendarUser::organizer);
    lines.chain(organizers).find_map(named).unwrap_or_default()
}
