//! A proposal by mail of who may write in the calendar that the meeting stands in: it is made at once, as the change
//! that they could have made themselves.

use super::incoming::{MailedMessage, recipient_of};
use super::meeting_copy::MeetingCopy;
use super::planner::SchedulePlanner;
use super::users::CalendarUsers;
use super::{MeetingPart, refused};
use crate::ical::itip::address::CalendarUserAddress;
use crate::ical::itip::context::Violation;
use crate::ical::itip::message::SchedulingMethod;
use crate::ical::object::Object;
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::{Actor, DeviceScope, Principal, PrincipalKind};
use crate::store::node;
use crate::store::reading::Snapshot;
use crate::tree::Tree;
use crate::tree::edit::content::FileContent;
use crate::tree::edit::put::PutContext;
use crate::tree::gate::Request;
use crate::tree::target::CALENDARS;

/// Someone as who acts by mail.
pub(super) fn actor_of(person: &Principal) -> Actor {
    Actor {
        id: person.id,
        name: person.name.clone(),
        display_name: person.display_name.clone(),
        scope: DeviceScope::All,
        project: None,
        read_only: false,
        device: None,
        login: None,
    }
}

impl Tree {
    /// Makes the change that a mail proposes, where its author may make it: was it made? `false`: it is for whose
    /// meeting it is to say.
    pub(super) async fn take_proposal(&self, mailed: &MailedMessage) -> Result<bool> {
        let is_tagged = self.is_tagged(mailed);
        // The tag is known to all who are invited: where a server vouches for authors, nothing less changes a time.
        let is_trusted = mailed.is_vouched || (mailed.is_from_party && is_tagged && !mailed.is_judged);
        if mailed.message.method != SchedulingMethod::Counter || !is_trusted {
            return Ok(false);
        }
        let mut view = self.store.read().await?;
        let Some(author) = self.author_here(&mut view, mailed).await? else { return Ok(false) };
        let user = recipient_of(&mut view, &self.address_book(), &mailed.recipient, is_tagged).await?;
        let Some(user) = user.filter(|user| user.principal.kind == PrincipalKind::Project) else { return Ok(false) };
        let Some(home) = user.home else { return Ok(false) };
        let budget = Budget::default();
        let uid = &mailed.message.object.uid;
        let Some((have, planner)) = self.standing_meeting(view, home, uid, &budget).await? else { return Ok(false) };
        let mailed = mailed.clone();
        let (standing, name) = (have.clone(), user.principal.name);
        let proposed = self.work(author.id, &budget, move |_| Some(planner.proposed(&standing, &mailed))).await?;
        let Some(proposed) = proposed.map_err(refused)? else { return Ok(false) };
        self.store_as(&author, &name, &have, &proposed).await
    }

    /// Stores what an object of a home is to say from now on, as someone would who may: was it stored? `false`: they
    /// may not. Busy: it is another one by now.
    pub(super) async fn store_as(
        &self,
        person: &Principal,
        home: &str,
        have: &MeetingCopy,
        object: &Object,
    ) -> Result<bool> {
        let names = node::names_between(&mut self.store.read().await?, have.node.home_id, have.node.id).await?;
        let Some([_, calendar, name]) = names.as_deref() else { return Ok(false) };
        let path = Path::of(&[CALENDARS, home, calendar, name]);
        let request = Request::of(Method::Put, path, actor_of(person));
        let mut text = String::new();
        object.calendar.write(&mut text);
        let (blob, indexed) = self.prepare(person.id, &Budget::default(), text.into()).await?;
        let context = PutContext { made_of: Some(&have.node.hash), ..PutContext::default() };
        match self.put_with(&request, FileContent::object(blob, indexed), context).await {
            Ok(_) => Ok(true),
            Err(Error::Refused(refusal)) if is_forbidden(refusal.condition) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whoever here wrote a mail, as it says.
    pub(super) async fn author_here(&self, view: &mut Snapshot, mailed: &MailedMessage) -> Result<Option<Principal>> {
        let Some(from) = &mailed.from else { return Ok(None) };
        let address = CalendarUserAddress::new(&format!("mailto:{from}"));
        let users = CalendarUsers::find(view, &self.address_book(), [address.clone()]).await?;
        let author = users.get(&address).map(|user| user.principal.clone());
        Ok(author.filter(|author| author.kind == PrincipalKind::Person && author.disabled_at.is_none()))
    }
}

/// Does the gate refuse it for who asks?
pub(super) fn is_forbidden(condition: Condition) -> bool {
    matches!(condition, Condition::NeedPrivileges | Condition::NotFound | Condition::MethodNotAllowed)
}

impl SchedulePlanner {
    /// The meeting as it would be. `None`: nothing is proposed that could be made of it, or it says nothing new.
    fn proposed(&self, have: &MeetingCopy, mailed: &MailedMessage) -> std::result::Result<Option<Object>, Violation> {
        let Some(stored) = have.object().filter(|stored| self.part_in(stored, true) == MeetingPart::Organizer) else {
            return Ok(None);
        };
        let counter = self.counter(stored, mailed)?;
        let Some(object) = counter.object else { return Ok(None) };
        // What came before, or again, proposes nothing any more.
        let answered = self.answered(stored, &counter.answer, &mailed.author())?;
        Ok(Some(object).filter(|_| !answered.taken.is_empty()))
    }
}
