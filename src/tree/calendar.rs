//! What makes a document of a calendar a calendar object: its rules (RFC 4791 section 5.3.2), what the index says of
//! it, and the candidates for a query.
//!
//! The index says *perhaps*, [`crate::ical::filter`] says *yes*: bounds may be too wide, never too narrow.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;

use super::Tree;
use super::gate::Admitted;
use super::resolve::{has_outbox, made_in};
use super::resource::{Needs, Resource, Text};
use super::target::{CALENDARS, zone};
use super::visit::LongRead;
use super::walk::{Cursor, PAGE, Page};
use super::work::WorkSlice;
use crate::ical::busy_form::{busy_form, is_private};
use crate::ical::itip::personal::{MAX_GROWTH, MAX_PART_BYTES, composed};
use crate::ical::object::{Component, MAX_BYTES, Object};
use crate::ical::recur::{bounds, recurs};
use crate::ical::tzid::{known, name_of};
use crate::ical::validate::{read, sound, validate};
use crate::ical::zone::{ZONE_STEPS, Zone, Zones};
use crate::model::budget::Budget;
use crate::model::calendar::{Indexed, Privacy, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::filename::match_name;
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::name::QName;
use crate::model::node::{Blob, Node, ROOT};
use crate::model::property::ZONE;
use crate::model::view::View;
use crate::store::body::{INLINE_BYTES, sha256};
use crate::store::calendar::{self, Candidates};
use crate::store::columns::Width;
use crate::store::executor::Executor;
use crate::store::node::Walk;
use crate::store::property::DeadProperty;
use crate::store::{body, node, personal_part};

/// The media type of a calendar object.
pub const CALENDAR_TYPE: &str = "text/calendar; charset=utf-8";
/// What floats lies within so many seconds of where UTC would put it: of old, clocks went by the sun on either side of
/// the date line.
const FLOAT_S: i64 = 16 * 3600;
/// A run of objects ends where their texts have reached so many bytes.
const RUN_BYTES: i64 = 2 * 1024 * 1024;
/// The most bytes of dead properties of objects that are asked for by their names, some hundred at a time.
const MAX_NAMED_BYTES: usize = 32 * 1024 * 1024;
/// What it costs to look at an object, and how many of its bytes are read in a step.
const STEPS_OF_OBJECT: u64 = 5;
const BYTES_A_STEP: u64 = 128;
/// The most calendars of others that a home shows.
const MAX_LINKS: i64 = 1000;

/// Parts objects into runs whose texts are read together, by the size of each.
#[must_use]
pub fn runs<T>(objects: Vec<T>, size_of: impl Fn(&T) -> i64) -> Vec<Vec<T>> {
    let mut runs: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for object in objects {
        let size = size_of(&object);
        match runs.last_mut().filter(|_| bytes < RUN_BYTES) {
            Some(run) => run.push(object),
            None => {
                runs.push(vec![object]);
                bytes = 0;
            }
        }
        // A size that is damaged is reported by the check, and makes no run endless.
        bytes = bytes.saturating_add(size.max(0));
    }
    runs
}

/// The size of an object's text; of one that is made anew for who has something of their own there, the most it may be.
#[must_use]
pub fn size_of(resource: &Resource) -> i64 {
    let stored = resource.node.size_bytes;
    match resource.node.own_part {
        Some(_) => stored.saturating_mul(1 + MAX_GROWTH as i64).saturating_add(MAX_PART_BYTES as i64),
        None => stored,
    }
}

/// Bytes of the texts of a run.
#[must_use]
pub fn bytes_of(run: &[Resource]) -> usize {
    run.iter().map(|resource| usize::try_from(size_of(resource)).unwrap_or(0)).sum()
}

/// What it costs to read an object.
#[must_use]
pub fn steps_of(resource: &Resource) -> u64 {
    STEPS_OF_OBJECT + u64::try_from(resource.node.size_bytes).unwrap_or(0) / BYTES_A_STEP
}

impl Tree {
    /// Reads what is to be stored for a person: its content, and what the index says of it. Refuses by the
    /// preconditions of RFC 4791 section 5.3.2.1. What may take long is done in the person's turn.
    pub async fn prepare(&self, person: Id, budget: &Budget, bytes: Bytes) -> Result<(Blob, Indexed)> {
        if bytes.len() > MAX_BYTES {
            return Err(Condition::MaxResourceSize.into());
        }
        if bytes.len() > INLINE_BYTES {
            let whole = move |_: &WorkSlice| {
                let indexed = validate(&bytes).map(|object| index(&object));
                Some(indexed.map(|indexed| (blob(bytes.clone()), indexed)))
            };
            return Ok(self.work(person, budget, whole).await??);
        }
        let object = read(&bytes)?;
        let costly = object.parts().any(recurs) || object.calendar.components.iter().any(is_own_zone);
        let finish = move || sound(&object).map(|()| index(&object));
        let indexed = if costly { self.work(person, budget, move |_| Some(finish())).await? } else { finish() };
        Ok((blob(bytes), indexed?))
    }

    /// The zone that a text of one VTIMEZONE is about ([`Zone::of_text`]). Where only the text says it, following its
    /// rules is work to be done in the turn of who asks.
    pub async fn zone_of_text(&self, person: Id, budget: &Budget, text: String) -> Result<Option<Zone>> {
        match Zone::named_in(&text) {
            Some(zone) => Ok(Some(zone)),
            None => {
                budget.steps(ZONE_STEPS)?;
                self.work(person, budget, move |_| Some(Zone::of_text(&text))).await
            }
        }
    }
}

/// A time zone that only its object describes.
fn is_own_zone(part: &Component) -> bool {
    part.name == "VTIMEZONE" && name_of(part).is_some_and(|name| known(&name).is_none())
}

/// The text of a calendar object as content.
#[must_use]
pub fn blob(bytes: Bytes) -> Blob {
    Blob { hash: sha256(&bytes), size_bytes: bytes.len() as i64, inline: Some(bytes) }
}

impl Resource {
    /// The object whose text was read, as the actor sees it. `None`: there is none to be read, or it cannot be; who
    /// looks after the server is notified of that here, and by the check.
    #[must_use]
    pub fn object(&self) -> Option<Object> {
        let (stored, own) = match &self.text {
            Text::Unread => return None,
            Text::Missing => return self.unreadable("its content is missing"),
            Text::Read(stored) => (stored, None),
            Text::Shared(stored, own) => (stored, Some(own)),
        };
        let object = match Object::stored(stored) {
            Ok(object) => object,
            Err(invalid) => return self.unreadable(&format!("{invalid:?}")),
        };
        // A part that nobody can read is damage, which the check finds: it hides nothing of what all see.
        let own = own.and_then(|own| Object::stored(own).ok());
        Some(match own {
            Some(own) => composed(&object, &own),
            None => object,
        })
    }

    /// The text that was read, as the actor sees it: where something in it is the actor's own, it is made here. `None`:
    /// there is none.
    #[must_use]
    pub fn seen_text(&self) -> Option<Bytes> {
        match &self.text {
            Text::Unread | Text::Missing => None,
            Text::Read(stored) => Some(stored.clone()),
            // What nobody can read is sent as it is stored.
            Text::Shared(stored, _) => Some(self.object().map_or_else(|| stored.clone(), |object| written(&object))),
        }
    }

    fn unreadable(&self, why: &str) -> Option<Object> {
        tracing::warn!(object = self.href, why, "a calendar object cannot be read");
        None
    }
}

/// An object as a text.
pub(super) fn written(object: &Object) -> Bytes {
    let mut text = String::new();
    object.calendar.write(&mut text);
    text.into()
}

/// Bounds of all instances of an object, whether it is private, and whether it is scheduled.
pub(super) fn index(object: &Object) -> Indexed {
    let TimeRange { start, end } = bounds(object, &Zones::new(&object.calendar, &TimeZone::UTC));
    let (first_at, last_at) = (start.saturating_sub(FLOAT_S), end.saturating_add(FLOAT_S));
    let (uid, component, private) = (object.uid.clone(), object.component.clone(), is_private(object));
    let has = |name| object.parts().any(|part| part.property(name).is_some());
    let scheduling = has("ORGANIZER") && has("ATTENDEE");
    Indexed { uid, component, first_at, last_at, private, scheduling }
}

/// The text of the property `name` that a calendar was given.
#[must_use]
pub fn given(dead: &[DeadProperty], name: &QName) -> Option<String> {
    text_of(&dead.iter().find(|(known, _)| known == name)?.1)
}

/// The text of a dead property that holds nothing else.
#[must_use]
pub fn text_of(xml: &str) -> Option<String> {
    let inner = xml.split_once('>')?.1.rsplit_once("</")?.0;
    Some(
        inner
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#13;", "\r")
            .replace("&amp;", "&"),
    )
}

/// The zone that a calendar was given by name. Where older versions stored a whole one beside it, the name counts.
#[must_use]
pub fn named_zone(dead: &[DeadProperty]) -> Option<TimeZone> {
    let [by_name, _] = ZONE;
    known(&given(dead, &by_name)?)
}

/// The text of the zone that a calendar was given whole, and goes by.
#[must_use]
pub fn whole_zone(dead: &[DeadProperty]) -> Option<String> {
    let [_, whole] = ZONE;
    if named_zone(dead).is_some() { None } else { given(dead, &whole) }
}

impl LongRead {
    /// The zone in which floating times of a calendar are: its own, else that of the server.
    pub async fn floating_zone(&mut self, budget: &Budget, dead: &[DeadProperty]) -> Result<Zone> {
        let own = match whole_zone(dead) {
            Some(text) => self.zone_of_text(budget, text).await?,
            None => named_zone(dead).map(Zone::Known),
        };
        Ok(own.unwrap_or_else(|| Zone::Known(zone())))
    }
}

/// The busy form of a text; `None`: nobody can read it.
pub(super) fn busy(text: &Bytes) -> Option<Bytes> {
    Object::stored(text).ok().map(|object| busy_form(&object).into())
}

impl<T: Executor> Admitted<T> {
    /// Objects of a calendar as the actor sees them: with what is the actor's own there; the private ones only when
    /// they are busy, unless all is seen.
    pub(super) async fn as_seen(&mut self, calendar: &Node, nodes: Arc<Vec<Arc<Node>>>) -> Result<Arc<Vec<Arc<Node>>>> {
        let masks = !self.target.sees_private;
        if calendar.kind != Kind::Calendar || nodes.is_empty() || !(masks || calendar.personal_parts) {
            return Ok(nodes);
        }
        let ids: Vec<Id> = nodes.iter().map(|node| node.id).collect();
        let (mut private, mut own) = (HashMap::new(), HashMap::new());
        if masks {
            private = calendar::private_among(&mut self.store, &ids).await?;
        }
        if calendar.personal_parts {
            let (person, owner) = (self.request.actor.id, calendar.owner_id);
            own = personal_part::hashes(&mut self.store, person, owner, self.now, &ids).await?;
        }
        if private.is_empty() && own.is_empty() {
            return Ok(nodes);
        }
        let as_seen = |node: &Arc<Node>| {
            if private.get(&node.id) == Some(&Privacy::Private) {
                return Arc::new(Node::clone(node).seen(View::Masked));
            }
            match own.get(&node.id) {
                Some(hash) => Arc::new(Node { own_part: Some(hash.clone()), ..Node::clone(node) }),
                None => Arc::clone(node),
            }
        };
        Ok(Arc::new(nodes.iter().map(as_seen).collect()))
    }

    /// A page of objects of the target, a calendar, that may take place in a range and are of a component, without
    /// their texts; and where the next page begins.
    pub async fn objects(
        &mut self,
        range: TimeRange,
        component: Option<&str>,
        after: &str,
        needs: Needs,
    ) -> Result<(Vec<Resource>, Option<String>)> {
        let Some(calendar) = self.target.node().cloned() else { return Ok((Vec::new(), None)) };
        let candidates = Candidates { calendar: &calendar, range, component };
        let width = needs.width.max(Width::Brief);
        let found = match calendar.kind {
            // Of these nothing is indexed.
            Kind::Inbox => node::members(&mut self.store, &calendar, after, PAGE, width).await?,
            _ => calendar::objects(&mut self.store, candidates, after, PAGE, width).await?,
        };
        let nodes = self.as_seen(&calendar, Arc::clone(&found.nodes)).await?;
        let resources = self.seen(&calendar, &nodes, needs).await?;
        let next = match resources.last() {
            // There was no room for all of them.
            Some(last) if resources.len() < found.nodes.len() => Some(last.node.key()),
            _ => found.next_name(),
        };
        Ok((resources, next))
    }

    /// The objects of the target that bear these names, without their texts.
    pub async fn named(&mut self, names: &[String], needs: Needs) -> Result<Vec<Resource>> {
        let Some(calendar) = self.target.node().cloned() else { return Ok(Vec::new()) };
        let keys: Vec<String> = names.iter().map(|name| calendar.kind.member_key(name)).collect();
        let width = needs.width.max(Width::Brief);
        let found = calendar::named(&mut self.store, &calendar, &keys, width).await?.nodes;
        let mut found = self.as_seen(&calendar, found).await?.to_vec();
        found.sort_by_cached_key(|node| node.key());
        let mut resources = Vec::with_capacity(found.len());
        let mut held = 0;
        while let Some(rest) = found.get(resources.len()..).filter(|rest| !rest.is_empty()) {
            let some = self.seen(&calendar, rest, needs).await?;
            held += some.iter().map(Resource::dead_bytes).sum::<usize>();
            if held > MAX_NAMED_BYTES {
                return Err(Condition::WorkWithinLimits.into());
            }
            resources.extend(some);
        }
        Ok(resources)
    }

    /// Reads the texts of objects: of a run that [`runs`] made.
    pub async fn texts(&mut self, mut run: Vec<Resource>) -> Result<Vec<Resource>> {
        let hashes: Vec<&str> = run.iter().filter_map(|resource| resource.node.hash.as_deref()).collect();
        let texts = body::several(&mut self.store, &hashes).await?;
        let mut own = HashMap::new();
        let ids: Vec<Id> = run.iter().filter(|one| one.node.own_part.is_some()).map(|one| one.node.id).collect();
        if !ids.is_empty() {
            own = personal_part::parts(&mut self.store, self.request.actor.id, &ids).await?;
        }
        for resource in &mut run {
            let found = resource.node.hash.as_ref().and_then(|hash| texts.get(hash)).cloned();
            let found = if resource.node.view == View::Masked { found.and_then(|text| busy(&text)) } else { found };
            let part = own.remove(&resource.node.id).filter(|_| found.is_some());
            if resource.node.own_part.is_some() {
                // It may be another one by now: text and tag are of one.
                Arc::make_mut(&mut resource.node).own_part = part.as_ref().map(|part| part.hash.clone());
            }
            resource.text = match (found, part) {
                (None, _) => Text::Missing,
                (Some(text), None) => Text::Read(text),
                (Some(text), Some(part)) => Text::Shared(text, part.text.into()),
            };
        }
        Ok(run)
    }

    /// Views of objects that are in the order of their names; what they need besides is loaded for all at once. Where
    /// their dead properties are many bytes, not of all of them.
    async fn seen(&mut self, calendar: &Node, found: &[Arc<Node>], needs: Needs) -> Result<Vec<Resource>> {
        let mut dead = HashMap::new();
        let mut found = found;
        if needs.dead {
            let covered;
            (dead, covered) = self.dead_of(calendar, found).await?;
            found = found.get(..covered).unwrap_or_default();
        }
        let each = Needs { dead: false, sharing: false, text: false, width: Width::Whole, ..needs };
        let place = self.place();
        let mut resources = Vec::with_capacity(found.len());
        for node in found {
            let mut resource = place.member(Arc::clone(node));
            resource.dead = dead.remove(&resource.node.id).unwrap_or_default();
            if each != Needs::NOTHING {
                self.load(&mut resource, each).await?;
            }
            resources.push(resource);
        }
        Ok(resources)
    }

    /// The home of who asks: nobody else's is theirs to find by listing.
    pub(super) async fn calendar_homes(&mut self) -> Result<Page> {
        let actor = self.request.actor.clone();
        if !actor.scope.opens_calendars() {
            return Ok(Page::default());
        }
        let names = [match_name(&actor.name), CALENDARS.to_owned()];
        let found =
            node::walk(&mut self.store, Walk { actor: actor.id, now: self.now, start: ROOT, names: &names }).await?;
        let path = self.target.path.join(&actor.name);
        let open = actor.opens_home_of(actor.id);
        let home = found.into_iter().nth(2).map(|link| {
            let node = if open { link.node } else { link.node.without_content() };
            Node { name: actor.name.clone(), ..node }
        });
        Ok(Page::whole(home.map(|home| self.bare(home, &path)).into_iter().collect()))
    }

    /// The calendars of a home, and in the home of who asks those of others that they may read.
    pub(super) async fn calendars(&mut self, home: &Node, at: &Cursor, needs: Needs) -> Result<Page> {
        let actor = self.request.actor.clone();
        let Page { mut resources, next } = match actor.opens_home_of(home.owner_id) {
            true => self.stored(home, at, needs).await?,
            false => Page::default(),
        };
        let place = self.place();
        let sends = has_outbox(&actor, home, self.target.role_on_top());
        resources.retain(|resource| resource.node.kind != Kind::Inbox || sends);
        resources.extend((sends && next.is_none()).then(|| place.member(made_in(home, Kind::Outbox))));
        let each = Needs { locks: false, dead: false, quota: false, ..needs };
        for resource in &mut resources {
            self.load(resource, each).await?;
        }
        if next.is_none() && home.owner_id == actor.id {
            let (own, opened) = (home.home_id, actor.project);
            for (node, name, role) in
                calendar::linked(&mut self.store, actor.id, self.now, own, opened, MAX_LINKS).await?
            {
                let node = Node { name: format!("{}@{name}", node.name), view: View::Linked, ..node };
                let mut resource = place.member(node);
                resource.privileges = actor.restrict(role.grants());
                resource.owner = Some(name.into());
                self.load(&mut resource, needs).await?;
                resources.push(resource);
            }
        }
        Ok(Page { resources, next })
    }
}
