//! The trash as it is read, and what an administrator says of deletions that are held.

use super::Tree;
use super::administration;
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use super::gate::Admitted;
use super::target::{CALENDARS, FILES};
use crate::model::error::Result;
use crate::model::id::{Timestamp, now};
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::privilege::Privilege;
use crate::model::view::View;
use crate::store::executor::Executor;
use crate::store::trash;
pub use crate::store::trash::DeletionHold;

/// How long released deletions go on, seconds.
pub const RELEASED_S: i64 = 3_600;

impl<T: Executor> Admitted<T> {
    /// Whose deletions are held in the home whose documents or trash the target is; shown to leads only.
    pub async fn holds(&mut self) -> Result<Vec<DeletionHold>> {
        let top = self
            .target
            .node()
            .filter(|node| node.view == View::Present && matches!(node.kind, Kind::Documents | Kind::Trash))
            .cloned();
        match top.filter(|_| self.target.privileges.contains(Privilege::Unlock)) {
            Some(top) => Ok(trash::holds(&mut self.store, top.home_id, self.now).await?),
            None => Ok(Vec::new()),
        }
    }

    /// When a deleted node went, and the address it had.
    pub(super) async fn old_place(&mut self, node: &Node) -> Result<Option<(Timestamp, Path)>> {
        let Some(home) = self.target.path.segments().get(1).cloned() else { return Ok(None) };
        let Some(place) = trash::old_place(&mut self.store, node.id).await? else { return Ok(None) };
        let part = if place.calendars { CALENDARS } else { FILES };
        let (at, path) =
            (place.gone_at, place.names.iter().fold(Path::of(&[part, &home]), |path, name| path.join(name)));
        Ok(Some((at, path)))
    }
}

impl Tree {
    /// Whose deletions are held in the home of a person or project.
    pub async fn holds(&self, name: &str) -> administration::AdministrationResult<Vec<DeletionHold>> {
        let mut snapshot = self.store.read().await?;
        let home = administration::home_named(&mut snapshot, name).await?;
        Ok(trash::holds(&mut snapshot, home, now()).await?)
    }

    /// Lets held deletions go on for an hour: of one person, or of all. How many were held.
    pub async fn release(&self, name: &str, person: Option<&str>) -> administration::AdministrationResult<u64> {
        let mut edit = self.administer().await?;
        let home = administration::home_named(&mut edit, name).await?;
        let person = match person {
            Some(person) => Some(administration::find(&mut edit, None, person).await?.id),
            None => None,
        };
        let until = edit.now() + RELEASED_S;
        let released =
            trash::release(edit.doing(Verb::Release, AffectedObjects::within(home, person))?, home, person, until)
                .await?;
        edit.commit().await?;
        Ok(released)
    }
}
