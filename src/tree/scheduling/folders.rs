//! The folder of a meeting that a project organizes, where the project says so: made after the meeting, and the two
//! name each other. Copies of others do not bear the link: whoever may read the folder reads the event, too.

use super::planner::content_of;
use super::{OrganizerUpdate, StandingObject, standing_object};
use crate::ical::itip::folder_link::linked;
use crate::ical::zone::Zone;
use crate::model::budget::Budget;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::path::Path;
use crate::store::executor::Executor;
use crate::store::scheduling::MeetingKey;
use crate::store::{meeting_folder, node};
use crate::tree::Tree;
use crate::tree::attachment::folder_name;
use crate::tree::target::{CALENDARS, FILES, zone};

/// What a folder is made of.
pub(in crate::tree) struct PlannedFolder {
    /// What it is called.
    pub name: String,
    /// Where its event stands.
    pub event: Path,
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
        let named = move |_: &_| Some(folder_name(&standing.object, &Zone::Known(zone()), &share));
        let name = self.work(owner, &budget, named).await?;
        Ok(Some(PlannedFolder { name, event }))
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
        let Some(with) = linked(&object, address.as_deref()) else { return Ok(None) };
        let tag = node.schedule_hash.clone();
        let Some(mut update) = self.plan_update(node, calendar, content_of(&with, None)).await? else {
            return Ok(None);
        };
        update.plan.has_folder = false;
        // It is the same meeting to who has it.
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
