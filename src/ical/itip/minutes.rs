//! Minutes: documents that came into the folder of a meeting after that began are attached to what took place, and
//! those who took part are sent word of them.

use std::collections::BTreeMap;

use super::super::object::{Component, Object, Property};
use super::super::recur::{Instance, bounds, instances, recurs};
use super::super::time::write_utc;
use super::address::CalendarUserAddress;
use super::attachments::{AttachmentFault, attach, for_attendee, managed_ids};
use super::context::{SchedulingContext, complete};
use super::fields::is_cancelled;
use super::message::{SchedulingMessage, SchedulingMethod, compose, sent_part};
use super::occurrence::OccurrenceSet;
use super::people::{CalendarUser, ScheduleAgent};
use super::view::{attending, organizer_of, with_people};
use crate::model::attachment::{AttachedOccurrences, AttachmentAction, MAX_ATTACHMENTS, ManagedId};
use crate::model::calendar::TimeRange;
use crate::model::id::{Id, Timestamp};
use crate::model::token::TokenSeal;

/// How far back the occurrence of a series is sought that a document is about, seconds.
const BACK_S: i64 = 2 * 366 * 86_400;
/// Of what came so long ago nobody is sent word, seconds: it may be all that came before there were links.
const NEWS_S: i64 = 7 * 86_400;
/// The most documents that one message speaks of.
const MAX_NAMED: usize = 20;
/// What a message about documents says of what took place: nothing that could be answered.
const PUBLISHED: [&str; 9] =
    ["UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "SUMMARY", "LOCATION", "ORGANIZER"];

/// A document that came into the folder of a meeting.
#[derive(Clone, Debug)]
pub struct ArrivedDocument {
    /// Which.
    pub id: Id,
    /// When.
    pub at: Timestamp,
    /// The line by which it is attached.
    pub line: Property,
}

/// What follows from documents that came.
#[derive(Clone, Debug)]
pub struct AttachedMinutes {
    /// The object with them.
    pub object: Object,
    /// What those hear of it who took part.
    pub notices: Vec<MinutesNotice>,
}

/// A message about documents: it publishes them, and asks for nothing.
#[derive(Clone, Debug)]
pub struct MinutesNotice {
    message: SchedulingMessage,
    /// All who were invited to what it is about, whatever they answered.
    pub recipients: Vec<MinutesRecipient>,
}

/// Somebody who hears of documents.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MinutesRecipient {
    /// The address.
    pub address: CalendarUserAddress,
    /// What the meeting calls them.
    pub name: String,
    /// The language that they read, where the meeting says it.
    pub language: Option<String>,
}

impl MinutesNotice {
    /// The message to one of its recipients, who opens the documents at addresses of their own.
    #[must_use]
    pub fn to(&self, recipient: &MinutesRecipient, seal: &TokenSeal) -> SchedulingMessage {
        for_attendee(&self.message, &recipient.address, seal)
    }
}

/// The object with the documents, each in the last occurrence that had begun when it came. `None`: none is to be
/// attached. What the object has no room for is left out.
pub fn with_minutes(
    object: &Object,
    documents: &[ArrivedDocument],
    seal: &TokenSeal,
    context: SchedulingContext<'_>,
) -> Result<Option<AttachedMinutes>, AttachmentFault> {
    let known = managed_ids(object);
    let known: Vec<Id> = known.iter().filter_map(|id| ManagedId::read(id, seal)).map(|id| id.document).collect();
    let new: Vec<_> = documents.iter().filter(|document| !known.contains(&document.id)).collect();
    let set = OccurrenceSet::of(object, context)?;
    let (Some(earliest), Some(latest)) = (new.iter().map(|new| new.at).min(), new.iter().map(|new| new.at).max())
    else {
        return Ok(None);
    };
    let since = if object.parts().any(recurs) { earliest.saturating_sub(BACK_S) } else { Timestamp::MIN };
    let start = bounds(object, &set.zones).start.max(since);
    let found = instances(object, &set.zones, TimeRange { start, end: latest.saturating_add(1) });
    complete(&set.zones.steps)?;
    let held: Vec<_> = found.instances.iter().filter(|instance| !is_cancelled(instance.component)).collect();
    let mut by_instance: BTreeMap<usize, Vec<&ArrivedDocument>> = BTreeMap::new();
    for document in new.into_iter().take(MAX_ATTACHMENTS.saturating_sub(known.len())) {
        if let Some(last) = held.iter().rposition(|instance| instance.start <= document.at) {
            by_instance.entry(last).or_default().push(document);
        }
    }
    if by_instance.is_empty() {
        return Ok(None);
    }
    let mut attached = AttachedMinutes { object: object.clone(), notices: Vec::new() };
    for (last, documents) in by_instance {
        let Some(about) = held.get(last) else { continue };
        let lines: Vec<Property> = documents.iter().map(|document| document.line.clone()).collect();
        attached.object = attach(&attached.object, &AttachmentAction::Add(occurrences_of(about)), &lines, context)?;
        let is_news = |document: &&&ArrivedDocument| document.at >= context.now.saturating_sub(NEWS_S);
        let news: Vec<Property> = documents.iter().filter(is_news).map(|document| document.line.clone()).collect();
        attached.notices.extend(news.chunks(MAX_NAMED).map(|lines| notice(&set, about, lines, context.now)));
    }
    Ok(Some(attached))
}

/// Which components an instance stands in.
fn occurrences_of(instance: &Instance<'_>) -> AttachedOccurrences {
    match &instance.id {
        None => AttachedOccurrences::All,
        Some(id) if id.when.is_day() => AttachedOccurrences::These(vec![id.when.local.strftime("%Y%m%d").to_string()]),
        Some(id) => AttachedOccurrences::These(vec![write_utc(id.at)]),
    }
}

/// The message about documents that are attached to an instance. Who is excused wants to know, too; whoever is not
/// invited any more is not among its people.
fn notice(set: &OccurrenceSet<'_>, about: &Instance<'_>, lines: &[Property], now: Timestamp) -> MinutesNotice {
    let whole = about.id.as_ref().and_then(|id| set.effective(id.at)).unwrap_or_else(|| about.component.clone());
    let mut part = sent_part(&with_people(set, &whole), now);
    part.properties.retain(|line| PUBLISHED.contains(&line.name.as_str()));
    part.properties.extend(lines.iter().cloned());
    part.components.clear();
    let message = compose(SchedulingMethod::Publish, set.object, vec![part], about.id.is_none());
    MinutesNotice { message, recipients: recipients(set, about.component) }
}

fn recipients(set: &OccurrenceSet<'_>, part: &Component) -> Vec<MinutesRecipient> {
    let Some(organizer) = organizer_of(set).filter(|organizer| organizer.agent() == ScheduleAgent::Server) else {
        return Vec::new();
    };
    let is_notified = |user: &CalendarUser<'_>| {
        user.agent() == ScheduleAgent::Server
            && user.address() != organizer.address()
            && !["ROOM", "RESOURCE", "GROUP"].contains(&user.kind().as_str())
    };
    let recipient = |user: CalendarUser<'_>| MinutesRecipient {
        address: user.address(),
        name: user.line().parameter("CN").unwrap_or_default(),
        language: user.language(),
    };
    let mut all: Vec<MinutesRecipient> = attending(set, part).filter(is_notified).map(recipient).collect();
    all.sort();
    all.dedup_by(|one, other| one.address == other.address);
    all
}
