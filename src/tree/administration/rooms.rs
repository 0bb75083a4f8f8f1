//! Rooms and other things that are booked.

use super::grants::{give, holder};
use super::people::{NewPrincipal, add_principal, free_address, remove_principal};
use super::{AdministrationError, AdministrationResult, find, standing};
use crate::model::error::Failure;
use crate::model::id::Id;
use crate::model::path::Path;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::privilege::Role;
use crate::model::room::{Booking, Room, opening_hours};
use crate::store::executor::Executor;
use crate::store::grant::NewGrant;
use crate::store::room;
use crate::tree::Tree;
use crate::tree::edit::Edit;
use crate::tree::edit::authority::Verb;
use crate::tree::target::{CALENDARS, INBOX};

/// The one calendar of a room.
const BOOKINGS: &str = "bookings";

impl Tree {
    /// Adds a room with its calendar; its manager sees and answers there what is asked for.
    pub async fn add_room(
        &self,
        name: &str,
        display_name: &str,
        email: &str,
        room: &Room,
    ) -> AdministrationResult<Principal> {
        if let Some(capacity) = room.capacity.filter(|capacity| *capacity < 1) {
            return Err(AdministrationError::Capacity(capacity));
        }
        if opening_hours(&room.hours).is_none() {
            return Err(AdministrationError::Hours(room.hours.clone()));
        }
        if room.booking == Booking::Manager && room.manager.is_none() {
            return Err(AdministrationError::Manager(name.to_owned()));
        }
        let mut edit = self.administer().await?;
        let manager = match &room.manager {
            Some(name) => Some(holder(&mut edit, name).await?),
            None => None,
        };
        let mut bookable_by = Vec::new();
        for name in &room.bookable_by {
            bookable_by.push(holder(&mut edit, name).await?.id);
        }
        let address = Some(free_address(&mut edit, email, None).await?);
        let new = NewPrincipal { kind: PrincipalKind::Room, name, display_name, address, quota_bytes: None };
        let added = add_principal(&mut edit, new, None).await?;
        let txn = edit.statements(Verb::AddRoom)?;
        room::insert(txn, added.id, room, manager.as_ref().map(|manager| manager.id), &bookable_by).await?;
        if let Some(manager) = &manager {
            manage(&mut edit, &added, manager).await?;
        }
        edit.commit().await?;
        Ok(added)
    }

    /// A room, and what is kept of it.
    pub async fn room(&self, name: &str) -> AdministrationResult<(Principal, Room)> {
        let mut snapshot = self.store.read().await?;
        let found = find(&mut snapshot, Some(PrincipalKind::Room), name).await?;
        let room = kept(&mut snapshot, found.id).await?;
        Ok((found, room))
    }

    /// Removes a room with its bookings: a job declines those that are to come.
    pub async fn remove_room(&self, name: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        remove_principal(&mut edit, PrincipalKind::Room, name, Verb::RemoveRoom).await?;
        Ok(edit.commit().await?)
    }
}

async fn kept(c: &mut impl Executor, room: Id) -> AdministrationResult<Room> {
    let kept = room::of(c, room).await?;
    kept.ok_or_else(|| Failure::new("reading a room", format!("nothing is kept of {room}")).into())
}

/// Whoever manages a room reads its bookings and answers there, and reads what comes to it.
async fn manage(edit: &mut Edit, room: &Principal, manager: &Principal) -> AdministrationResult<()> {
    for name in [BOOKINGS, INBOX] {
        let path = Path::of(&[CALENDARS, &room.name, name]);
        let found = standing(edit, room, &path).await?;
        let node = found.ok_or_else(|| AdministrationError::NoCollection(path.href(true)))?;
        let member = NewGrant::of(Role::Member, node.id, node.home_id, manager.id);
        give(edit, room, manager, &NewGrant { sees_private: true, ..member }).await?;
    }
    Ok(())
}
