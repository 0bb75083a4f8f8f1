//! Minutes: a document that came into the folder of a meeting after that began is attached to what took place.

use super::super::object::{Object, Property};
use super::super::recur::{bounds, instances, recurs};
use super::super::time::write_utc;
use super::attachments::{AttachmentFault, attach, managed_ids};
use super::context::{SchedulingContext, complete};
use super::fields::is_cancelled;
use super::occurrence::OccurrenceSet;
use crate::model::attachment::{AttachedOccurrences, AttachmentAction, ManagedId};
use crate::model::calendar::TimeRange;
use crate::model::id::{Id, Timestamp};
use crate::model::token::TokenSeal;

/// How far back the occurrence of a series is sought that a document is about, seconds.
const BACK_S: i64 = 2 * 366 * 86_400;

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

/// The object with the document, in the last occurrence that had begun. `None`: none had, or it is attached already.
pub fn with_minutes(
    object: &Object,
    document: &ArrivedDocument,
    seal: &TokenSeal,
    context: SchedulingContext<'_>,
) -> Result<Option<Object>, AttachmentFault> {
    let is_its = |id: &String| ManagedId::read(id, seal).is_some_and(|id| id.document == document.id);
    if managed_ids(object).iter().any(is_its) {
        return Ok(None);
    }
    let set = OccurrenceSet::of(object, context)?;
    let since = if object.parts().any(recurs) { document.at.saturating_sub(BACK_S) } else { Timestamp::MIN };
    let start = bounds(object, &set.zones).start.max(since);
    let found = instances(object, &set.zones, TimeRange { start, end: document.at.saturating_add(1) });
    complete(&set.zones.steps)?;
    let begun = found.instances.iter().filter(|instance| instance.start <= document.at);
    let Some(last) = begun.rev().find(|instance| !is_cancelled(instance.component)) else { return Ok(None) };
    let occurrences = match &last.id {
        None => AttachedOccurrences::All,
        Some(id) if id.when.is_day() => AttachedOccurrences::These(vec![id.when.local.strftime("%Y%m%d").to_string()]),
        Some(id) => AttachedOccurrences::These(vec![write_utc(id.at)]),
    };
    attach(object, &AttachmentAction::Add(occurrences), Some(&document.line), context).map(Some)
}
