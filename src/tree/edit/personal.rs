//! PUT into a calendar of others: what is everybody's is stored for all, and what is the sender's own beside it. A
//! change of one's own part takes no more than reading the object, and nobody is notified of it.

use std::borrow::Cow;

use bytes::Bytes;

use super::Edit;
use super::authority::Verb;
use super::content::{ArrivingObject, FileContent, ObjectArrival};
use super::event::AffectedObjects;
use super::precomputed::MissingInput;
use crate::ical::itip::personal::{MAX_PART_BYTES, SplitObject, composed, may_say_own, says_own, split};
use crate::ical::object::Object;
use crate::model::calendar::Indexed;
use crate::model::condition::Condition;
use crate::model::error::{Detail, Refusal, Result};
use crate::model::filename::match_name;
use crate::model::id::now;
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::node::{Blob, Node};
use crate::model::precondition::EntityTags;
use crate::model::privilege::Privilege;
use crate::model::view::View;
use crate::store::body::sha256;
use crate::store::executor::Executor;
use crate::store::node::Added;
use crate::store::personal_part::{self, PersonalPart};
use crate::store::{body, grant, principal};
use crate::tree::Tree;
use crate::tree::calendar::{blob, index, written};
use crate::tree::gate::{Admitted, Request};
use crate::tree::resolve::resolve;
use crate::tree::scheduling::{refused, text_of};
use crate::tree::target::{CALENDARS, Target, link_of};

/// The most parts that a person has, and the most bytes of them.
const MAX_PARTS: i64 = 10_000;
const MAX_PARTS_BYTES: i64 = 16 * 1024 * 1024;

/// What a PUT comes to in a calendar of others.
pub(in crate::tree) struct SplitPut {
    /// What is stored for all; `None`: nothing changes of that.
    pub shared: Option<FileContent>,
    /// What the sender has of their own from now on.
    pub own: Option<PersonalPart>,
    /// The hash of the text that it was held against.
    pub before: Option<String>,
    /// Does the sender know the present state, by a tag that says what is their own, too?
    pub knows_present: bool,
    /// Would the sender read what was sent?
    pub is_exact: bool,
}

/// What is sent, taken apart beside the serving threads.
struct TakenApart {
    /// What is everybody's, where that is another text than what was sent.
    shared: Option<(Blob, Indexed)>,
    own: Option<PersonalPart>,
    is_shared_change: bool,
    is_exact: bool,
}

/// Refuses what cannot be taken apart, and what its sender would not read again. `None`: it is stored as it is, for
/// nothing of it is anybody's own.
fn taken_apart(bytes: &Bytes, stored: Option<&Object>) -> Result<Option<TakenApart>> {
    let Ok(sent) = Object::stored(bytes) else { return Ok(None) };
    let SplitObject { shared, own, is_shared_change, is_whole } = match split(&sent, stored) {
        Ok(apart) => apart,
        Err(violation) if says_own(&sent) || stored.is_some_and(says_own) => return Err(refused(violation)),
        Err(_) => return Ok(None),
    };
    let all = stored.filter(|_| !is_shared_change).unwrap_or(&shared);
    let is_exact = own.as_ref().map_or_else(|| *all == sent, |own| written(&composed(all, own)) == *bytes);
    let own = own.map(|own| {
        let text = written(&own);
        PersonalPart { hash: sha256(&text), text: String::from_utf8_lossy(&text).into_owned() }
    });
    if !is_whole || own.as_ref().is_some_and(|own| own.text.len() > MAX_PART_BYTES) {
        return Err(Condition::MaxResourceSize.into());
    }
    let shared = (shared != sent).then(|| (blob(written(&shared)), index(&shared)));
    Ok(Some(TakenApart { shared, own, is_shared_change, is_exact }))
}

/// Does a path lead into a home of the actor's own, and through no link?
fn is_surely_own(request: &Request) -> bool {
    match request.path.segments() {
        [first, home, calendar, ..] if first == CALENDARS => {
            match_name(home) == match_name(&request.actor.name) && link_of(calendar).is_none()
        }
        _ => true,
    }
}

impl Tree {
    /// Takes apart what a request brings. `None`: it is stored as it is.
    pub(super) async fn split_put(&self, request: &Request, content: &FileContent) -> Result<Option<SplitPut>> {
        let Some(bytes) = content.blob.inline.clone().filter(|_| content.indexed.is_some()) else { return Ok(None) };
        if is_surely_own(request) {
            return Ok(None);
        }
        let mut view = self.store.read().await?;
        let target = resolve(&mut view, &request.actor, now(), &request.path).await?;
        let object = target.node().cloned();
        if !may_have_parts(&target, request) || object.as_ref().is_some_and(|object| object.view != View::Present) {
            return Ok(None);
        }
        if keeps_for_owner(&mut view, request, &target).await? {
            return Ok(None);
        }
        let had = object.as_ref().and_then(|object| object.own_part.clone());
        let before = object.as_ref().and_then(|object| object.hash.clone());
        if had.is_none() && !may_say_own(&bytes) {
            let stored = match &before {
                Some(hash) => body::inline(&mut view, hash).await?,
                None => None,
            };
            if stored.is_none_or(|stored| !may_say_own(&stored)) {
                return Ok(None);
            }
        }
        let mut put = SplitPut { shared: None, own: None, before, knows_present: false, is_exact: true };
        let stored = text_of(&mut view, put.before.as_deref()).await?;
        drop(view);
        let is_new = object.is_none();
        let work = move |_: &_| Some(taken_apart(&bytes, stored.as_ref()));
        let Some(apart) = self.work(request.actor.id, &request.budget, work).await?? else { return Ok(None) };
        let may_write = is_new || target.privileges.contains(Privilege::WriteContent);
        let is_same = apart.own.as_ref().map(|own| &own.hash) == had.as_ref();
        let has_none = is_same && had.is_none();
        if apart.is_shared_change && !may_write || has_none && (apart.shared.is_none() || !may_write) {
            // It is refused, or nothing of it is anybody's own.
            return Ok(None);
        }
        if apart.is_shared_change || may_write && is_same {
            put.shared = Some(match apart.shared {
                Some((blob, indexed)) => FileContent { blob, indexed: Some(indexed), ..content.clone() },
                None => content.clone(),
            });
        }
        let tag = object.filter(|_| had.is_some()).and_then(|object| object.etag(&self.store.seal));
        put.knows_present = match (&request.preconditions.if_match, &tag) {
            (Some(EntityTags::List(tags)), Some(own)) => tags.iter().any(|tag| tag.matches_strongly(own)),
            _ => false,
        };
        Ok(Some(SplitPut { own: apart.own, is_exact: apart.is_exact, ..put }))
    }

    /// Stores what is the sender's own, and nothing else: the object as they see it then.
    pub(super) async fn put_own_part(&self, request: &Request, put: &SplitPut) -> Result<Node> {
        let mut admitted = self.write(&Request { of_own_part: true, ..request.clone() }).await?;
        let (object, calendar) = (admitted.node()?, admitted.parent()?);
        if object.hash != put.before {
            return Err(Condition::Busy.into());
        }
        let owner = principal::by_id(&mut admitted.store.txn, calendar.owner_id).await?;
        if owner.is_some_and(|owner| owner.closed_at.is_some()) {
            let missing = Refusal::of(Condition::NeedPrivileges).at(admitted.target.href());
            return Err(missing.because(Detail::Privilege(Privilege::WriteContent)).into());
        }
        admitted.store.authorize(Verb::Personalize, object.id)?;
        admitted.store.record(Verb::Personalize, || AffectedObjects::of(&object));
        let had = object.own_part.clone();
        let object = admitted.store.keep_own_part(object, put.own.as_ref()).await?;
        if object.own_part != had {
            let seq = admitted.store.seq(object.home_id)?;
            personal_part::number(&mut admitted.store.txn, object.id, seq).await?;
            admitted.store.stamp(&calendar, seq, Added::default()).await?;
        }
        admitted.commit().await?;
        Ok(object)
    }
}

impl Tree {
    /// What an object that a request copies says at its destination.
    pub(super) async fn arriving_object(&self, request: &Request) -> Result<Option<ArrivingObject>> {
        let mut admitted = self.read(request).await?;
        let (Some(source), Some(to)) = (admitted.target.node().cloned(), admitted.destination.clone()) else {
            return Ok(None);
        };
        let Some(of) = arrival(request, &source, &to) else { return Ok(None) };
        let view = &mut admitted.store;
        let mut own = None;
        if source.own_part.is_some() {
            own = personal_part::parts(view, request.actor.id, &[source.id]).await?.remove(&source.id);
        }
        let is_owners = is_of(&to, request) || keeps_for_owner(view, request, &to).await?;
        let (stored, over) = (text_of(view, source.hash.as_deref()).await?, text_of(view, of.over.as_deref()).await?);
        drop(admitted);
        let modified_at = Some(source.modified_at);
        let work = move |_: &_| {
            let Some(stored) = &stored else { return Some(Ok((None, None))) };
            let own = own.as_ref().and_then(|own| Object::stored(own.text.as_bytes()).ok());
            let seen = own.map_or_else(|| stored.clone(), |own| composed(stored, &own));
            let apart = if is_owners { Ok(None) } else { taken_apart(&written(&seen), over.as_ref()) };
            let (shared, own) = match apart {
                Ok(apart) => apart.map_or((None, None), |apart| (apart.shared, apart.own)),
                Err(error) => return Some(Err(error)),
            };
            let other = || (seen != *stored).then(|| (blob(written(&seen)), index(&seen)));
            Some(Ok((shared.or_else(other), own)))
        };
        let (content, own) = self.work(request.actor.id, &request.budget, work).await??;
        let content = content.map(|(blob, indexed)| FileContent { modified_at, ..FileContent::object(blob, indexed) });
        Ok(Some(ArrivingObject { of, content, own }))
    }
}

impl Admitted<Edit> {
    /// What an object says at the destination. `None`: what it says here.
    pub(super) fn arriving(&mut self, source: &Node) -> Result<Option<ArrivingObject>> {
        let of = self.destination.as_ref().and_then(|to| arrival(&self.request, source, to));
        let Some(of) = of else { return Ok(None) };
        match self.store.precomputed.arriving.clone().filter(|known| known.of == of) {
            Some(known) => Ok(Some(known)),
            None => self.store.missing(MissingInput::OwnParts),
        }
    }
}

/// A copy in which somebody may have something of their own: but for what stays the same object, and what comes into
/// one's own calendars, or stays in its home, from who has nothing of their own in it.
fn arrival(request: &Request, source: &Node, to: &Target) -> Option<ObjectArrival> {
    let calendar = to.parent().map(|link| &link.node).filter(|node| node.kind == Kind::Calendar)?;
    let stays = request.method == Method::Move && calendar.home_id == source.home_id;
    let is_plain = source.own_part.is_none() && (is_of(to, request) || calendar.home_id == source.home_id);
    if source.copied_kind() != Kind::Object || stays || is_plain {
        return None;
    }
    let (seen, over) = (source.content_key().map(Cow::into_owned), to.node().and_then(|there| there.hash.clone()));
    Some(ObjectArrival { object: source.id, seen, calendar: calendar.id, over })
}

/// Is the calendar of a target the actor's?
fn is_of(target: &Target, request: &Request) -> bool {
    target.parent().is_some_and(|link| link.node.owner_id == request.actor.id)
}

/// Do people have something of their own in what stands at a target: is it in a calendar that is not the actor's?
fn may_have_parts(target: &Target, request: &Request) -> bool {
    let in_calendar = target.parent().is_some_and(|link| link.node.kind == Kind::Calendar);
    target.privileges.contains(Privilege::Read) && in_calendar && !is_of(target, request)
}

/// Does the actor keep these calendars for whose they are? Then what they write is the owner's, as what they read is.
async fn keeps_for_owner(c: &mut impl Executor, request: &Request, target: &Target) -> Result<bool> {
    match target.parent().map(|link| link.node.owner_id) {
        Some(owner) => Ok(grant::keeps_calendars(c, request.actor.id, owner, now()).await?),
        None => Ok(false),
    }
}

impl Edit {
    /// The person of this change has this of their own on an object from now on, or nothing. Refused where that is too
    /// much with what they have on others.
    pub(super) async fn keep_own_part(&mut self, mut object: Node, part: Option<&PersonalPart>) -> Result<Node> {
        let person = self.person();
        if let Some(part) = part {
            let held = personal_part::held_beside(&mut self.txn, person, object.id).await?;
            let bytes = held.bytes.saturating_add(part.text.len() as i64);
            if held.number >= MAX_PARTS || bytes > MAX_PARTS_BYTES {
                return Err(Condition::PersonalPartsWithinLimits.into());
            }
            personal_part::set(&mut self.txn, object.id, person, part).await?;
            self.mark_parts(&object).await?;
        } else if object.personal_parts {
            personal_part::remove(&mut self.txn, object.id, person).await?;
        }
        object.personal_parts |= part.is_some();
        object.own_part = part.map(|part| part.hash.clone());
        Ok(object)
    }

    /// Somebody has something of their own on an object where it stands.
    pub(super) async fn mark_parts(&mut self, object: &Node) -> Result<()> {
        Ok(personal_part::mark(&mut self.txn, object.id, object.parent_id).await?)
    }
}
