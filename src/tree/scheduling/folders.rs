//! The folder of a meeting that a project organizes, where the project says so: made after the meeting, and the two
//! name each other. Copies of others do not bear the link: whoever may read the folder reads the event, too.

use std::sync::Arc;

use bytes::Bytes;

use super::planner::content_of;
use super::{OrganizerUpdate, StandingObject, standing_object};
use crate::ical::itip::attachments::AttachedFile;
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
use crate::store::executor::Executor;
use crate::store::scheduling::MeetingKey;
use crate::store::{meeting_folder, node};
use crate::tree::Tree;
use crate::tree::attachment::folder_name;
use crate::tree::calendar::blob;
use crate::tree::edit::content::FileContent;
use crate::tree::target::{CALENDARS, FILES, zone};

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
        let mut view = self.store.read().await?;
        let Some(standing) = standing_object(&mut view, of).await? else { return Ok(None) };
        if !standing.indexed.scheduling || !meeting_folder::has_folders(&mut view, of.home).await? {
            return Ok(None);
        }
        let Some(event) = path_of(&mut view, of.home, standing.node.id, CALENDARS).await? else { return Ok(None) };
        drop(view);
        let budget = Budget::default();
        let (owner, share) = (standing.node.owner_id, budget.clone());
        let planned = move |_: &_| {
            let (object, floating) = (&standing.object, Zone::Known(zone()));
            let at = SchedulingContext { now: now(), floating: &floating, budget: &share };
            // What takes too long to follow has a folder all the same.
            let ends_at = next_end(object, at.now, at).unwrap_or_default();
            Some(PlannedFolder { name: folder_name(object, &floating, &share), event: event.clone(), ends_at })
        };
        Ok(Some(self.work(owner, &budget, planned).await?))
    }

    /// The table for the occurrence of a meeting that ends at a moment. `None`: none does, or it is to have none.
    pub(in crate::tree) async fn plan_attendance(
        &self,
        of: &MeetingKey,
        ends_at: Timestamp,
    ) -> Result<Option<PlannedAttendance>> {
        let mut view = self.store.read().await?;
        let Some(standing) = standing_object(&mut view, of).await? else { return Ok(None) };
        if !standing.indexed.scheduling || !meeting_folder::has_folders(&mut view, of.home).await? {
            return Ok(None);
        }
        drop(view);
        let budget = Budget::default();
        let (owner, share) = (standing.node.owner_id, budget.clone());
        let planned = move |_: &_| {
            let floating = Zone::Known(zone());
            let at = SchedulingContext { now: now(), floating: &floating, budget: &share };
            let sheet = attendance_sheet(&standing.object, ends_at, at).ok().flatten();
            Some(sheet.map(|AttendanceSheet { name, text }| PlannedAttendance {
                name,
                content: FileContent::document(blob(Bytes::from(text)), CSV_TYPE.to_owned()),
                next: next_end(&standing.object, ends_at, at).unwrap_or_default(),
            }))
        };
        self.work(owner, &budget, planned).await
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

    /// The change of an event by which a document of its folder is attached to it. `None`: it is already, or came
    /// before the meeting began.
    pub(in crate::tree) async fn plan_minutes(
        &self,
        of: &MeetingKey,
        document: &Node,
        server: &str,
    ) -> Result<Option<OrganizerUpdate>> {
        let mut view = self.store.read().await?;
        let Some(standing) = standing_object(&mut view, of).await? else { return Ok(None) };
        drop(view);
        if !standing.indexed.scheduling || of.uid.len() > MAX_UID_BYTES {
            return Ok(None);
        }
        let StandingObject { node, calendar, object, .. } = standing;
        let seal = Arc::clone(&self.store.seal);
        let file = AttachedFile {
            server,
            id: ManagedId::of(document.id, document.hash.as_deref().unwrap_or_default()),
            name: &document.name,
            media_type: document.content_type.as_deref().unwrap_or_default(),
            size_bytes: document.size_bytes,
        };
        let line = file.line(&of.uid, &seal);
        let arrived = ArrivedDocument { id: document.id, at: document.placed_at, line };
        let budget = Budget::default();
        let share = budget.clone();
        let attached = move |_: &_| {
            let floating = Zone::Known(zone());
            let at = SchedulingContext { now: now(), floating: &floating, budget: &share };
            // An event that can hold no more stays as it is.
            Some(with_minutes(&object, &arrived, &seal, at).ok().flatten())
        };
        match self.work(node.owner_id, &budget, attached).await? {
            Some(with) => self.plan_quiet_update(node, calendar, &with).await,
            None => Ok(None),
        }
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

/// Where something of a home stands in a space. `None`: nowhere there.
async fn path_of(c: &mut impl Executor, home: Id, id: Id, space: &str) -> Result<Option<Path>> {
    let names = node::names_between(c, home, id).await?;
    let (Some(names), Some(owner)) = (names, node::home_name(c, home).await?) else { return Ok(None) };
    // The first is that of the space itself.
    Ok(Some(names.iter().skip(1).fold(Path::of(&[space, &owner]), |path, name| path.join(name))))
}
