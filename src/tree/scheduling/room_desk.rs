//! Who is asked by mail for a room that its manager decides about, and where the answers come.

use super::users::{AddressBook, mailbox_of};
use crate::model::error::Failure;
use crate::model::filename::match_name;
use crate::model::id::{Id, now};
use crate::model::mailbox::{MailAddress, Mailbox};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::room::Room;
use crate::model::token::TokenSeal;
use crate::store::executor::Executor;
use crate::store::scheduling::{self, CalendarPrincipal};

/// So many managers are asked at most.
const MAX_MANAGERS: i64 = 20;

/// Where a room is asked by mail.
#[derive(Clone, Debug)]
pub struct RoomDesk {
    /// The name of the room as it is shown.
    pub name: String,
    /// The address to which answers about the meeting come.
    pub address: MailAddress,
    /// The managers who want mail.
    pub by_mail: Vec<Mailbox>,
}

/// What the tag in the address of answers by managers is made of: others who know the tag of the meeting do not know
/// this one, and no UID has a line end.
#[must_use]
pub fn desk_tag(uid: &str) -> String {
    format!("{uid}\nmanager")
}

/// The desk of a room. `None`: nobody decides for it, or there is no mail.
pub async fn desk_of(
    c: &mut impl Executor,
    book: &AddressBook,
    seal: &TokenSeal,
    known: &Room,
    room: &Principal,
    uid: &str,
) -> Result<Option<RoomDesk>, Failure> {
    let Some(manager) = known.manager.as_deref() else { return Ok(None) };
    let address = book.mailed_address_of(room, &seal.meeting_tag(&desk_tag(uid)));
    let address = address.as_deref().and_then(|address| address.strip_prefix("mailto:")?.parse().ok());
    let Some(address) = address else { return Ok(None) };
    let found = scheduling::users(c, &[match_name(manager)]).await?.into_iter().map(|(_, user)| user);
    let (groups, mut people): (Vec<CalendarPrincipal>, Vec<CalendarPrincipal>) =
        found.partition(|user| user.principal.kind == PrincipalKind::Group);
    let groups: Vec<Id> = groups.iter().map(|group| group.principal.id).collect();
    if !groups.is_empty() {
        people.extend(scheduling::members_of(c, &groups, MAX_MANAGERS).await?.into_iter().map(|(_, user)| user));
    }
    let now = now();
    let wants = |user: &&CalendarPrincipal| user.principal.disabled_at.is_none() && user.reach.by_mail(now);
    let by_mail = people.iter().filter(wants).filter_map(|user| mailbox_of(&user.principal)).collect();
    Ok(Some(RoomDesk { name: room.display_name.clone(), address, by_mail }))
}
