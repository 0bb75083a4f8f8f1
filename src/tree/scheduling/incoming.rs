//! Mail about meetings as it came in: from whom, to whom, and what came of it. Plain values.

use super::users::{AddressBook, CalendarUsers};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::object::Component;
use crate::model::error::Failure;
use crate::model::mailbox::MailAddress;
use crate::store::executor::Executor;
use crate::store::scheduling::CalendarPrincipal;

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
    /// Is who wrote it the one who answers, or who organizes?
    pub is_from_party: bool,
    /// Does the server that is trusted vouch for who wrote it?
    pub is_vouched: bool,
    /// Is there a server that could?
    pub is_judged: bool,
    /// How what changes nothing is called.
    pub words: HeldWords,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailedOutcome {
    /// It changed the meeting, or said nothing new.
    Taken,
    /// It changed nothing, and is shown to whose meeting it is.
    Held(HeldReason),
    /// There is no such meeting here, or nobody of that address.
    Unknown,
}

/// Why a mail about a meeting changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeldReason {
    /// It is not sure who wrote it.
    Unsure,
    /// Its author is not invited: it was passed on to them.
    NotInvited,
    /// It says what only the organizer says, and is not from them.
    NotOrganizer,
    /// It invites, and nobody has taken that yet.
    Invitation,
    /// Nobody but Outlook reads what is in it.
    Unreadable,
    /// It is about all occurrences from one on, which no two programs mean alike.
    FromOneOn,
}

/// What is said of a mail that changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct HeldMail<'a> {
    /// Why.
    pub reason: HeldReason,
    /// Who says that they wrote it.
    pub author: Option<&'a str>,
    /// What it wants.
    pub method: SchedulingMethod,
    /// The answer that it gives.
    pub answer: Option<&'a str>,
}

/// The words for it: how its author is called, and what there is to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldText {
    /// The author.
    pub name: String,
    /// The rest.
    pub remark: String,
}

/// Where words are found.
pub type HeldWords = fn(HeldMail<'_>) -> HeldText;

impl MailedMessage {
    /// Who wrote it, as addresses are compared.
    pub(super) fn author(&self) -> Addresses {
        self.from.iter().map(|from| CalendarUserAddress::new(&format!("mailto:{from}"))).collect()
    }

    /// Is it about all occurrences from one on? No program that answers means that.
    pub(super) fn is_from_one_on(&self) -> bool {
        let names =
            |part: &Component| part.property("RECURRENCE-ID").is_some_and(|line| line.parameter("RANGE").is_some());
        self.message.object.parts().any(names)
    }
}

/// Who has an address that mail came to. A person has one in the domain of mail for a meeting alone, by its tag.
pub(super) async fn recipient_of(
    c: &mut impl Executor,
    book: &AddressBook,
    recipient: &MailAddress,
    is_tagged: bool,
) -> std::result::Result<Option<CalendarPrincipal>, Failure> {
    let address = CalendarUserAddress::new(&format!("mailto:{recipient}"));
    match CalendarUsers::find(c, book, [address.clone()]).await?.get(&address) {
        Some(user) => Ok(Some(user.clone())),
        None if is_tagged => book.named_by(c, &address).await,
        None => Ok(None),
    }
}
