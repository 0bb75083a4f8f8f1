//! Calendars shared from clients: a sharer invites people, who accept or decline. What was accepted is a role like any
//! other.

use super::Edit;
use super::authority::Verb;
use super::event::AffectedObjects;
use crate::model::condition::Condition;
use crate::model::error::{Detail, Refusal, Result};
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::privilege::Privilege;
use crate::model::sharing::{
    Invitation, InvitationReply, InvitationStatus, Notice, ShareChange, ShareTerms, ShareeAddress,
};
use crate::model::view::View;
use crate::store::body::{self, sha256};
use crate::store::grant::{self, NewGrant, Origin};
use crate::store::share::Notification;
use crate::store::{node, principal, share, version};
use crate::tree::gate::Admitted;
use crate::tree::target::{CALENDARS, PRINCIPALS_SEGMENT, link_of};

/// The most people that a calendar is shared with from clients, and the most changes of them in one request.
const MAX_SHAREES: usize = 100;

/// How a notice is written: that is for the front end to say.
pub type WriteNotice = fn(&Notice) -> String;

impl Admitted<Edit> {
    /// Invites people to the calendar at the target, changes what they are invited to, or takes that back.
    pub async fn share(&mut self, changes: &[ShareChange], write: WriteNotice) -> Result<()> {
        let calendar = self.node()?;
        if calendar.kind != Kind::Calendar {
            return Err(Refusal::of(Condition::BadRequest).text("only calendars are shared").into());
        }
        self.store.doing(Verb::Share, AffectedObjects::of(&calendar))?;
        for change in changes.iter().take(MAX_SHAREES) {
            let sharee = self.sharee(&change.address, &calendar).await?;
            let address = match &sharee {
                Some(sharee) => address_of(sharee),
                None => change.address.text.clone(),
            };
            let known = share::of_calendar(&mut self.store, calendar.id).await?;
            // A person is invited once, whatever name is used; what nobody had may be somebody's address by now.
            let id = sharee.as_ref().map(|sharee| sharee.id);
            let of_person = known.iter().find(|invitation| id.is_some() && invitation.sharee == id);
            let of_nobody =
                known.iter().find(|invitation| invitation.sharee.is_none() && invitation.address == address);
            let before = of_person.or(of_nobody).cloned();
            match (&change.terms, before) {
                (None, None) => {}
                (None, Some(before)) => self.store.uninvite(&calendar, before, write).await?,
                (Some(_), None) if known.len() >= MAX_SHAREES => return Err(Condition::LimitedNumberOfAces.into()),
                (Some(terms), before) => {
                    let new = self.invitation(&calendar, (address, sharee.as_ref()), terms, before.as_ref());
                    if before.as_ref() != Some(&new) {
                        self.store.invite(&calendar, new, write).await?;
                    }
                }
            }
        }
        if changes.len() > MAX_SHAREES { Err(Condition::LimitedNumberOfAces.into()) } else { Ok(()) }
    }

    /// The person whom an address is of: one whom the actor may know of, and not whose calendar it is.
    async fn sharee(&mut self, address: &ShareeAddress, calendar: &Node) -> Result<Option<Principal>> {
        let mail = address.text.split_once(':').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("mailto"));
        let path = match (&address.path, mail.map(|(_, mail)| mail)) {
            (Some(path), _) => path.clone(),
            (None, Some(mail)) => match principal::by_address(&mut self.store, &principal::mailto(mail)).await? {
                Some(name) => Path::of(&[PRINCIPALS_SEGMENT, &name]),
                None => return Ok(None),
            },
            (None, None) => return Ok(None),
        };
        let found = self.principal_at(&path).await?;
        Ok(found.filter(|found| found.kind == PrincipalKind::Person && found.id != calendar.owner_id))
    }

    /// What an invitation is to be after a change.
    fn invitation(
        &self,
        calendar: &Node,
        (address, sharee): (String, Option<&Principal>),
        terms: &ShareTerms,
        before: Option<&Invitation>,
    ) -> Invitation {
        let status = match (sharee, before.map(|before| before.status)) {
            (None, _) => InvitationStatus::Invalid,
            (Some(_), Some(InvitationStatus::Accepted)) => InvitationStatus::Accepted,
            (Some(_), _) => InvitationStatus::NoResponse,
        };
        Invitation {
            id: before.map_or_else(Id::generate, |before| before.id),
            calendar: calendar.id,
            sharer: before.map_or(self.request.actor.id, |before| before.sharer),
            sharee: sharee.map(|sharee| sharee.id),
            address,
            common_name: sharee.map(|sharee| sharee.display_name.clone()).or_else(|| terms.common_name.clone()),
            summary: terms.summary.clone().or_else(|| before.and_then(|before| before.summary.clone())),
            role: terms.role,
            status,
        }
    }

    /// The owner of the home at the target answers an invitation; where the calendar stands there, if it does.
    pub async fn answer_invitation(&mut self, reply: &InvitationReply, write: WriteNotice) -> Result<Option<Path>> {
        let home = self.node()?;
        let known = match reply.id {
            Some(id) => share::by_id(&mut self.store, id).await?,
            None => None,
        };
        let known = known.filter(|known| known.sharee == Some(home.owner_id));
        let invitation = known.ok_or(Condition::InvitationExists)?;
        let (calendar, stands_in) = self.offered(&invitation, reply.accepts).await?;
        self.store.doing(Verb::AnswerInvitation, AffectedObjects::within(home.home_id, [home.id, calendar.id]))?;
        self.store.answer(&calendar, invitation, reply.accepts, write).await?;
        let link = format!("{}@{stands_in}", calendar.name);
        Ok(reply.accepts.then(|| self.target.path.join(&link)))
    }

    /// The calendar of an invitation, and the name of its home. What is accepted must still be the sharer's to give.
    async fn offered(&mut self, invitation: &Invitation, accepts: bool) -> Result<(Node, String)> {
        let found = version::node(&mut self.store, invitation.calendar).await?;
        let standing = found.filter(|(_, gone)| gone.is_none()).map(|(node, _)| node);
        let calendar = standing.ok_or(Condition::InvitationExists)?;
        let sharer = node::role_above(&mut self.store, invitation.sharer, self.now, calendar.id).await?;
        if accepts && !sharer.is_some_and(|role| role.grants().contains(Privilege::Share)) {
            return Err(Condition::InvitationExists.into());
        }
        let home = principal::by_id(&mut self.store, calendar.owner_id).await?;
        Ok((calendar, home.ok_or(Condition::InvitationExists)?.name))
    }

    /// The actor no longer wants the calendar of another that stands at the target, and so declines it. 403 for one
    /// that was not shared from a client: it is there by a role that others gave.
    pub async fn leave_calendar(&mut self, write: WriteNotice) -> Result<()> {
        let calendar = self.node()?;
        let known = share::to(&mut self.store, calendar.id, self.request.actor.id).await?;
        let Some(invitation) = known.filter(|known| known.status == InvitationStatus::Accepted) else {
            let refusal = Refusal::of(Condition::NeedPrivileges).at(self.target.parent_href());
            return Err(refusal.because(Detail::Privilege(Privilege::Unbind)).into());
        };
        self.store.doing(Verb::LeaveCalendar, AffectedObjects::of(&calendar))?;
        self.store.answer(&calendar, invitation, false, write).await
    }

    /// What the actor was notified of is done with.
    pub(super) async fn dismiss(&mut self, notification: &Node, collection: &Node) -> Result<()> {
        let affected = AffectedObjects::within(notification.home_id, [collection.id, notification.id]);
        let txn = self.store.doing(Verb::Dismiss, affected)?;
        share::dismiss(txn, collection.owner_id, &notification.name).await?;
        Ok(())
    }
}

/// The address by which others write to a person.
fn address_of(person: &Principal) -> String {
    let own = || Path::of(&[PRINCIPALS_SEGMENT, &person.name]).href(true);
    person.addresses.first().cloned().unwrap_or_else(own)
}

impl Edit {
    async fn invite(&mut self, calendar: &Node, invitation: Invitation, write: WriteNotice) -> Result<()> {
        share::put(&mut self.txn, &invitation).await?;
        if invitation.status == InvitationStatus::Accepted {
            self.grant_shared(calendar, &invitation).await?;
        }
        self.notify_sharee(calendar, invitation, false, write).await
    }

    async fn uninvite(&mut self, calendar: &Node, invitation: Invitation, write: WriteNotice) -> Result<()> {
        share::delete(&mut self.txn, invitation.id).await?;
        self.end_shared(calendar, &invitation).await?;
        self.notify_sharee(calendar, invitation, true, write).await
    }

    /// An invitation is answered. Answered so already, nothing changes.
    async fn answer(
        &mut self,
        calendar: &Node,
        mut invitation: Invitation,
        accepts: bool,
        write: WriteNotice,
    ) -> Result<()> {
        let status = if accepts { InvitationStatus::Accepted } else { InvitationStatus::Declined };
        if invitation.status == status {
            return Ok(());
        }
        invitation.status = status;
        share::put(&mut self.txn, &invitation).await?;
        if accepts {
            self.grant_shared(calendar, &invitation).await?;
        } else {
            self.end_shared(calendar, &invitation).await?;
        }
        let to = invitation.sharer;
        let notice = self.notice(calendar, invitation, true).await?;
        self.notify(to, &notice, write).await
    }

    async fn grant_shared(&mut self, calendar: &Node, invitation: &Invitation) -> Result<()> {
        let Some(principal) = invitation.sharee else { return Ok(()) };
        let role = NewGrant::of(invitation.role, calendar.id, calendar.home_id, principal);
        grant::add(&mut self.txn, &NewGrant { origin: Origin::Shared, ..role }).await?;
        Ok(grant::settle(&mut self.txn, calendar.home_id).await?)
    }

    async fn end_shared(&mut self, calendar: &Node, invitation: &Invitation) -> Result<()> {
        if let Some(sharee) = invitation.sharee
            && grant::remove(&mut self.txn, calendar.id, sharee, Origin::Shared).await?
        {
            grant::settle(&mut self.txn, calendar.home_id).await?;
        }
        Ok(())
    }

    async fn notify_sharee(
        &mut self,
        calendar: &Node,
        invitation: Invitation,
        taken_back: bool,
        write: WriteNotice,
    ) -> Result<()> {
        let Some(to) = invitation.sharee else { return Ok(()) };
        let notice = Notice { taken_back, ..self.notice(calendar, invitation, false).await? };
        self.notify(to, &notice, write).await
    }

    async fn notice(&mut self, calendar: &Node, invitation: Invitation, is_reply: bool) -> Result<Notice> {
        let home = principal::by_id(&mut self.txn, calendar.owner_id).await?.map(|home| home.name);
        let sharer = principal::by_id(&mut self.txn, invitation.sharer).await?;
        let sharer = sharer.map(|sharer| (address_of(&sharer), sharer.display_name)).unwrap_or_default();
        // A link bears another name than its calendar.
        let linked = link_of(&calendar.name).filter(|_| calendar.view == View::Linked);
        let name = linked.map_or(calendar.name.as_str(), |(name, _)| name);
        let path = Path::of(&[CALENDARS, &home.unwrap_or_default(), name]);
        Ok(Notice { at: self.now, invitation, is_reply, taken_back: false, calendar: path, sharer })
    }

    async fn notify(&mut self, person: Id, notice: &Notice, write: WriteNotice) -> Result<()> {
        let text = write(notice);
        let hash = sha256(text.as_bytes());
        body::insert(&mut self.txn, &hash, text.as_bytes(), self.now).await?;
        let (name, size_bytes) = (notice.name(), text.len() as i64);
        let new = Notification { id: Id::default(), name, hash, size_bytes, created_at: self.now };
        Ok(share::notify(&mut self.txn, person, &new).await?)
    }
}
