//! Device passwords.

use super::{AdministrationError, AdministrationResult, find};
use crate::model::id::{Timestamp, now};
use crate::model::password::device_letters;
use crate::model::principal::{Device, DeviceScope, PrincipalKind};
use crate::store::device::{self, DeviceSecret, MAX_DIGEST};
use crate::tree::Tree;
use crate::tree::authentication::{device_secret_hash, new_device_password};
use crate::tree::edit::authority::Verb;
use crate::tree::edit::event::AffectedObjects;

/// What a new device password opens, and how it may be shown.
#[derive(Clone, Copy, Debug)]
pub struct NewDevice<'a> {
    /// What it opens.
    pub scope: DeviceScope,
    /// The one project that it opens; `None`: all that the person may.
    pub project: Option<&'a str>,
    /// Does it log in by HTTP Digest, too?
    pub digest: bool,
}

impl From<DeviceScope> for NewDevice<'_> {
    fn from(scope: DeviceScope) -> Self {
        Self { scope, project: None, digest: false }
    }
}

impl Tree {
    /// Makes a device password. It is returned this once and kept nowhere, but for one that logs in by HTTP Digest:
    /// what a client shows there is computed from the password and from a name that the client spells as it likes.
    pub async fn add_device<'a>(
        &self,
        person: &str,
        label: &str,
        opens: impl Into<NewDevice<'a>>,
        read_only: bool,
        expires_at: Option<Timestamp>,
    ) -> AdministrationResult<String> {
        let NewDevice { scope, project, digest } = opens.into();
        let password = new_device_password()?;
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), person).await?;
        let project = match project {
            Some(name) => Some(find(&mut edit, Some(PrincipalKind::Project), name).await?),
            None => None,
        };
        let device = Device {
            label: label.to_owned(),
            scope,
            project: project.map(|project| (project.id, project.name)),
            read_only,
            digest,
            created_at: now(),
            used_at: None,
            used_from: None,
            used_by: None,
            expires_at,
        };
        let letters = device_letters(&password);
        let secret = DeviceSecret { hash: &device_secret_hash(&password), digest: digest.then_some(letters.as_str()) };
        let txn = edit.doing(Verb::AddDevice, AffectedObjects::about(&person))?;
        if !device::insert(txn, person.id, &device, secret).await? {
            return Err(AdministrationError::DeviceTaken(person.name, label.to_owned()));
        }
        if digest && device::count_digest(txn, person.id).await? > MAX_DIGEST {
            return Err(AdministrationError::DigestDevices(person.name));
        }
        edit.commit().await?;
        Ok(password)
    }

    /// A person's devices.
    pub async fn devices(&self, person: &str) -> AdministrationResult<Vec<Device>> {
        let mut snapshot = self.store.read().await?;
        let person = find(&mut snapshot, Some(PrincipalKind::Person), person).await?;
        Ok(device::of_person(&mut snapshot, person.id).await?)
    }

    /// Ends a device password.
    pub async fn revoke_device(&self, person: &str, label: &str) -> AdministrationResult<()> {
        let mut edit = self.administer().await?;
        let person = find(&mut edit, Some(PrincipalKind::Person), person).await?;
        let txn = edit.doing(Verb::RevokeDevice, AffectedObjects::about(&person))?;
        if !device::delete(txn, person.id, label).await? {
            return Err(AdministrationError::NoDevice(person.name, label.to_owned()));
        }
        Ok(edit.commit().await?)
    }
}
