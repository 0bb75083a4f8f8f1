//! Device passwords.

use super::{AdministrationError, AdministrationResult, find};
use crate::model::id::{Timestamp, now};
use crate::model::principal::{Device, DeviceScope, PrincipalKind};
use crate::store::principal;
use crate::tree::Tree;
use crate::tree::authentication::{device_secret_hash, new_device_password};
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;

impl Tree {
    /// Makes a device password; it is returned this once and kept nowhere.
    pub async fn add_device(
        &self,
        person: &str,
        label: &str,
        scope: DeviceScope,
        read_only: bool,
        expires_at: Option<Timestamp>,
    ) -> AdministrationResult<String> {
        let password = new_device_password()?;
        let device = Device { label: label.to_owned(), scope, read_only, created_at: now(), used_at: None, expires_at };
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), person).await?;
        let txn = edit.doing(Verb::AddDevice, AffectedObjects::about(&person))?;
        if !principal::insert_device(txn, person.id, &device, &device_secret_hash(&password)).await? {
            return Err(AdministrationError::DeviceTaken(person.name, label.to_owned()));
        }
        edit.commit().await?;
        Ok(password)
    }

    /// A person's devices.
    pub async fn devices(&self, person: &str) -> AdministrationResult<Vec<Device>> {
        let mut snapshot = self.store.read().await?;
        let person = find(&mut snapshot, Some(PrincipalKind::Person), person).await?;
        Ok(principal::devices(&mut snapshot, person.id).await?)
    }

    /// Ends a device password.
    pub async fn revoke_device(&self, person: &str, label: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), person).await?;
        let txn = edit.doing(Verb::RevokeDevice, AffectedObjects::about(&person))?;
        if !principal::delete_device(txn, person.id, label).await? {
            return Err(AdministrationError::NoDevice(person.name, label.to_owned()));
        }
        Ok(edit.commit().await?)
    }
}
