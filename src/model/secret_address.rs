//! Addresses that are themselves secrets: whoever knows one reads what it shows. The secret is kept nowhere.

use super::id::Timestamp;

/// Notes of use are written at most this often, seconds.
const GRAIN_S: i64 = 3600;

/// What is kept of such an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretAddress {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last fetched, to the hour.
    pub fetched_at: Option<Timestamp>,
    /// What the program that fetched it last called itself.
    pub client: Option<String>,
}

impl SecretAddress {
    /// Has it ended?
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// What to write down when a program fetches it now: the hour; `None`: that is written already.
    #[must_use]
    pub fn use_to_note(&self, client: &str, now: Timestamp) -> Option<Timestamp> {
        let known = self.fetched_at.is_some_and(|at| at.saturating_add(GRAIN_S) > now)
            && self.client.as_deref() == Some(client);
        (!known).then(|| now - now.rem_euclid(GRAIN_S))
    }
}

/// An address at which programs look up when people and rooms are busy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FreeBusyAddress {
    /// For whom it was made, in the administrator's words.
    pub label: String,
    /// What is kept of it.
    pub kept: SecretAddress,
}
