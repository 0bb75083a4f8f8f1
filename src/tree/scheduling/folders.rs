//! The folder of a meeting that a project organizes, where the project says so: made after the meeting, and the two
//! name each other.

use std::sync::Arc;

use bytes::Bytes;

use super::planner::content_of;
use super::{OrganizerUpdate, StandingObject, standing_object};
use crate::ical::itip::attachments::{AttachedFile, while_in_folder};
use crate::ical::itip::attendance_sheet::{AttendanceSheet, attendance_sheet, next_end};
use crate::ical::itip::context::SchedulingContext;
use crate::ical::itip::folder_link::linked;
use crate::ical::itip::minutes::{ArrivedDocument, with_minutes};
use crate::ical::object::Object;
use crate::ical::zone::Zone;
use crate::model::attachment::{MAX_UID_BYTES, ManagedId};
use crate::model::budget::Budget;
use crate::model::error::Result;
use crate::model::id::{Id, Timestamp, now};
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::token::TokenSeal;
use crate::store::executor::Executor;
use crate::store::meeting_folder::{ChangedFolder, FolderArrival};
use crate::store::scheduling::MeetingKey;
use crate::store::{meeting_folder, node};
use crate::tree::Tree;
use crate::tree::attachment::folder_name;
use crate::tree::calendar::blob;
use crate::tree::edit::content::FileContent;
use crate::tree::target::{CALENDARS, FILES, zone};

/// The most of what came into a folder that is looked at.
const MAX_ARRIVALS: i64 = 1000;
const CSV_TYPE: &str = "text/csv; charset=utf-8";

/// What a folder is made of.
pub(in crate::tree) struct PlannedFolder {
    /// What it is called.
    pub name: String,
    /// Where its event stands.
    pub event: Path,
    /// When the next occurrence ends that is not over.
    pub ends_at: Option<Timestamp>,
}

/// A table of who was invited to an occurrence that is over.
pub(in crate::tree) struct PlannedAttendance {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub content: FileContent,
    /// When the occurrence after it ends.
    pub next: Option<Timestamp>,
}

impl Tree {
    /// What the folder of a meeting is to be. `None`: the meeting is gone, or is to have none.
    pub(in crate::tree) async fn plan_folder(&self, of: &MeetingKey) -> Result<Option<PlannedFolder>> {
        let planned = |object: &Object, event: &Path, at: SchedulingContext<'_>| PlannedFolder {
            name: folder_name(object, at.floating, at.budget),
            event: event.clone(),
            // What takes too long to follow has a folder all the same.
            ends_at: next_end(object, at.now, at).unwrap_or_default(),
        };
        self.work_on_meeting(of, planned).await
    }

    /// The table for the occurrence of a meeting that ends at a moment. `None`: none does, or it is to have none.
    pub(in crate::tree) async fn plan_attendance(
        &self,
        of: &MeetingKey,
        ends_at: Timestamp,
    ) -> Result<Option<PlannedAttendance>> {
        let planned = move |object: &Object, _: &Path, at: SchedulingContext<'_>| {
            let AttendanceSheet { name, text } = attendance_sheet(object, ends_at, at).ok().flatten()?;
            Some(PlannedAttendance {
                name,
                content: FileContent::document(blob(Bytes::from(text)), CSV_TYPE.to_owned()),
                next: next_end(object, ends_at, at).unwrap_or_default(),
            })
        };
        Ok(self.work_on_meeting(of, planned).await?.flatten())
    }

    /// What is worked out of a meeting that is to have a folder, and of where it stands. `None`: it is gone, or is to
    /// have none.
    async fn work_on_meeting<T: Send + 'static>(
        &self,
        of: &MeetingKey,
        planned: impl Fn(&Object, &Path, SchedulingContext<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let mut view = self.store.read().await?;
        let Some(StandingObject { node, object, .. }) = standing_object(&mut view, of).await? else { return Ok(None) };
        if !meeting_folder::has_folders(&mut view, of.home).await? {
            return Ok(None);
        }
        let Some(event) = path_of(&mut view, of.home, node.id, CALENDARS).await? else { return Ok(None) };
        drop(view);
        let budget = Budget::default();
        let share = budget.clone();
        let planned = move |_: &_| {
            let floating = Zone::Known(zone());
            let at = SchedulingContext { now: now(), floating: &floating, budget: &share };
            Some(planned(&object, &event, at))
        };
        Ok(Some(self.work(node.owner_id, &budget, planned).await?))
    }

    /// The change of an event by which it bears the link to its folder. `None`: it says what it is to say.
    pub(in crate::tree) async fn plan_folder_link(&self, of: &MeetingKey) -> Result<Option<OrganizerUpdate>> {
        let Some(server) = &self.public_url else { return Ok(None) };
        let mut view = self.store.read().await?;
        let Some(standing) = standing_object(&mut view, of).await? else { return Ok(None) };
        let StandingObject { node, calendar, object, .. } = standing;
        let folder = match meeting_folder::folder(&mut view, of.home, &of.uid).await? {
            Some(folder) => path_of(&mut view, of.home, folder, FILES).await?,
            None => None,
        };
        drop(view);
        let address = folder.map(|folder| format!("{server}{}", folder.href(true)));
        match linked(&object, address.as_deref()) {
            Some(with) => self.plan_quiet_update(node, calendar, &with).await,
            None => Ok(None),
        }
    }

    /// Documents that people have put into the folder of a meeting, and that are still to be attached to it. `None`:
    /// it does not stand among the documents.
    pub(in crate::tree) async fn arrivals(&self, folder: &ChangedFolder) -> Result<Option<Vec<FolderArrival>>> {
        let mut view = self.store.read().await?;
        if node::names_between(&mut view, folder.of.home, folder.folder).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(meeting_folder::arrivals(&mut view, folder, MAX_ARRIVALS).await?))
    }

    /// The change of an event by which documents of its folder are attached to it, and those hear of them who take
    /// part. `None`: they are already, or came before the meeting began.
    pub(in crate::tree) async fn plan_minutes(
        &self,
        of: &MeetingKey,
        documents: &[FolderArrival],
        server: &str,
    ) -> Result<Option<OrganizerUpdate>> {
        let mut view = self.store.read().await?;
        let found = standing_object(&mut view, of).await?.filter(|_| of.uid.len() <= MAX_UID_BYTES);
        let Some(StandingObject { node, calendar, object, .. }) = found else { return Ok(None) };
        let budget = Budget::default();
        let Some((_, planner)) = self.standing_meeting(view, of.home, &of.uid, &budget).await? else { return Ok(None) };
        let seal = Arc::clone(&self.store.seal);
        let arrived: Vec<_> = documents.iter().map(|arrival| arrived(arrival, &of.uid, server, &seal)).collect();
        let attached = move |_: &_| {
            // An event that can hold no more stays as it is.
            let attached = with_minutes(&object, &arrived, &seal, planner.at()).ok().flatten()?;
            Some((attached.object, planner.letters(&attached.notices)))
        };
        let attached = self.work(node.owner_id, &budget, move |slice: &_| Some(attached(slice))).await?;
        let Some((with, mails)) = attached else { return Ok(None) };
        let mut update = self.plan_quiet_update(node, calendar, &with).await?;
        update.iter_mut().for_each(|update| update.plan.mails.extend(mails.iter().cloned()));
        Ok(update)
    }

    /// A change of an event's text that is the same meeting to who has it.
    async fn plan_quiet_update(&self, node: Node, calendar: Node, with: &Object) -> Result<Option<OrganizerUpdate>> {
        let tag = node.schedule_hash.clone();
        let Some(mut update) = self.plan_update(node, calendar, content_of(with, None)).await? else {
            return Ok(None);
        };
        update.plan.has_folder = false;
        update.plan.content.iter_mut().for_each(|content| content.schedule_hash.clone_from(&tag));
        Ok(Some(update))
    }
}

/// How a document that came is attached to a meeting.
fn arrived(arrival: &FolderArrival, uid: &str, server: &str, seal: &TokenSeal) -> ArrivedDocument {
    let document = &arrival.document;
    let file = AttachedFile {
        server,
        id: ManagedId::of(document.id, document.hash.as_deref().unwrap_or_default()),
        name: &document.name,
        media_type: document.content_type.as_deref().unwrap_or_default(),
        size_bytes: document.size_bytes,
    };
    ArrivedDocument { id: document.id, at: arrival.came_at, line: while_in_folder(&file.line(uid, seal)) }
}

/// Where something of a home stands in a space. `None`: nowhere there.
async fn path_of(c: &mut impl Executor, home: Id, id: Id, space: &str) -> Result<Option<Path>> {
    let names = node::names_between(c, home, id).await?;
    let (Some(names), Some(owner)) = (names, node::home_name(c, home).await?) else { return Ok(None) };
    // The first is that of the space itself.
    Ok(Some(names.iter().skip(1).fold(Path::of(&[space, &owner]), |path, name| path.join(name))))
}
