//! Projects, and who has a part in them.

use super::grants::{give, holder};
use super::people::{NewPrincipal, add_principal};
use super::{AdministrationError, AdministrationResult, find, home_of};
use crate::model::id::{Timestamp, now};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::privilege::{Role, RolePlace};
use crate::store::grant::{self, NewGrant, Origin};
use crate::store::{meeting_folder, principal};
use crate::tree::Tree;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;

impl Tree {
    /// Adds a project with a home.
    pub async fn add_project(
        &self,
        name: &str,
        display_name: &str,
        quota_bytes: Option<i64>,
    ) -> AdministrationResult<Principal> {
        let mut edit = self.administer().await?;
        let new = NewPrincipal { kind: PrincipalKind::Project, name, display_name, address: None, quota_bytes };
        let project = add_principal(&mut edit, new, None).await?;
        edit.commit().await?;
        Ok(project)
    }

    /// Gives a person or a group a role in a project, in place of the one held before. A partner wants more:
    /// [`Tree::add_partner`].
    pub async fn add_member(
        &self,
        project: &str,
        member: &str,
        role: Role,
        until: Option<Timestamp>,
    ) -> AdministrationResult<()> {
        if role.place() == RolePlace::Calendar {
            return Err(AdministrationError::NoCalendar(project.to_owned()));
        }
        if role == Role::Partner {
            return Err(AdministrationError::Partner);
        }
        self.take_part(project, member, Participation { role, until, sponsor: None }).await
    }

    /// Makes an outside person, or a group of them, partner in a project: what they may see is granted on single
    /// collections, and ends with this. `sponsor`: the person who answers for them.
    pub async fn add_partner(
        &self,
        project: &str,
        partner: &str,
        sponsor: &str,
        until: Timestamp,
    ) -> AdministrationResult<()> {
        self.take_part(
            project,
            partner,
            Participation { role: Role::Partner, until: Some(until), sponsor: Some(sponsor) },
        )
        .await
    }

    async fn take_part(&self, project: &str, member: &str, part: Participation<'_>) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let project = find(&mut edit, Some(PrincipalKind::Project), project).await?;
        let member = holder(&mut edit, member).await?;
        let sponsor = match part.sponsor {
            Some(name) => Some(find(&mut edit, Some(PrincipalKind::Person), name).await?.id),
            None => None,
        };
        let home = home_of(&mut edit, &project).await?;
        let grant = NewGrant { until_at: part.until, sponsor, ..NewGrant::of(part.role, home, home, member.id) };
        give(&mut edit, &project, &member, &grant).await?;
        Ok(edit.commit().await?)
    }

    /// Takes someone's role in a project; with that of a partner all that was granted to them in it, and of a group of
    /// partners to those in it who have no other part.
    pub async fn remove_member(&self, project: &str, member: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let project = find(&mut edit, Some(PrincipalKind::Project), project).await?;
        let member = holder(&mut edit, member).await?;
        let home = home_of(&mut edit, &project).await?;
        let held = grant::granted(&mut edit, home, member.id, Origin::Granted).await?;
        let txn = edit.doing(Verb::Revoke, AffectedObjects::about(&member).in_home(home))?;
        match held {
            None => return Err(AdministrationError::NoRole(member.name, project.name)),
            Some(held) if held.role == Role::Partner => {
                grant::remove_all(txn, home, member.id).await?;
                grant::remove_without_part(txn, home, member.id).await?;
            }
            Some(_) => _ = grant::remove(txn, home, member.id, Origin::Granted).await?,
        }
        grant::settle(txn, home).await?;
        Ok(edit.commit().await?)
    }

    /// Closes a project: from now on it is only read, whatever roles are held in it.
    pub async fn close_project(&self, name: &str) -> AdministrationResult<()> {
        self.set_closed(name, Some(now())).await
    }

    /// Opens a project that was closed: roles are again what was granted.
    pub async fn reopen_project(&self, name: &str) -> AdministrationResult<()> {
        self.set_closed(name, None).await
    }

    /// Has each meeting that a project organizes a folder among its documents?
    pub async fn has_meeting_folders(&self, name: &str) -> AdministrationResult<bool> {
        let mut snapshot = self.store.read().await?;
        let project = find(&mut snapshot, Some(PrincipalKind::Project), name).await?;
        let home = home_of(&mut snapshot, &project).await?;
        Ok(meeting_folder::has_folders(&mut snapshot, home).await?)
    }

    /// From now on each has one; or none is made any more, and those that there are stay.
    pub async fn set_meeting_folders(&self, name: &str, folders: bool) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let project = find(&mut edit, Some(PrincipalKind::Project), name).await?;
        let home = home_of(&mut edit, &project).await?;
        let txn = edit.doing(Verb::SetFolders, AffectedObjects::about(&project).in_home(home))?;
        meeting_folder::set_folders(txn, home, folders).await?;
        Ok(edit.commit().await?)
    }

    async fn set_closed(&self, name: &str, closed_at: Option<Timestamp>) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let project = find(&mut edit, Some(PrincipalKind::Project), name).await?;
        let home = home_of(&mut edit, &project).await?;
        let verb = if closed_at.is_some() { Verb::CloseProject } else { Verb::ReopenProject };
        let txn = edit.doing(verb, AffectedObjects::about(&project).in_home(home))?;
        principal::set_closed(txn, project.id, closed_at).await?;
        grant::settle(txn, home).await?;
        Ok(edit.commit().await?)
    }
}

/// Someone's part in a project.
struct Participation<'a> {
    role: Role,
    until: Option<Timestamp>,
    sponsor: Option<&'a str>,
}
