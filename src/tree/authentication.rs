//! Who logs in: device passwords and account passwords.
//!
//! A device password is 160 random bits kept as SHA-256: one indexed look-up, never throttled, for it cannot be guessed.
//! An account password costs argon2id; a verified one is remembered, salted and hashed, with the stored hash it was
//! verified against, so that a changed password is never accepted for a moment longer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Tree;
use crate::model::error::{Cause, Failure, Result};
use crate::model::id::{Id, Timestamp, now};
use crate::model::principal::{Actor, Principal, Scope};
use crate::store::Seen;
use crate::store::body::sha256;
use crate::store::principal::{self, Login};

/// How long a verified account password is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How many verified passwords are remembered at once.
const MAX_REMEMBERED: usize = 10_000;
/// Characters of a device password: 32 letters and digits that nobody confuses, 5 bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS: usize = 8;
const GROUP: usize = 4;
/// The device's last use is written at most this often, seconds.
const USED_GRAIN_S: i64 = 3600;

/// A device password as shown once: 32 characters in groups of four (160 bits).
pub fn new_device_password() -> Result<String> {
    let mut bytes = [0u8; GROUPS * GROUP];
    getrandom::fill(&mut bytes).map_err(|e| Failure::new("making a device password", e))?;
    let letters: Vec<char> =
        bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31))).copied().map(char::from).collect();
    let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

/// What is kept of a device password. Dashes, spaces and case are forgiven: people type it on phones.
#[must_use]
pub fn device_secret_hash(password: &str) -> String {
    let letters: String = password.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    sha256(letters.to_lowercase().as_bytes())
}

/// argon2id of an account password, in PHC form.
pub async fn hash_password(password: String) -> Result<String> {
    let work = move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string());
    let hashed = tokio::task::spawn_blocking(work).await.map_err(|e| Failure::new("hashing a password", e))?;
    Ok(hashed.map_err(|e| Failure::new("hashing a password", e.to_string()))?)
}

async fn verify(password: String, phc: String) -> Result<bool> {
    let work = move || {
        argon2::password_hash::phc::PasswordHash::new(&phc)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    };
    Ok(tokio::task::spawn_blocking(work).await.map_err(|e| Failure::new("verifying a password", e))?)
}

/// Verified account passwords: per person the stored hash it was verified against, and the salted hash of the password.
pub struct Remembered {
    salt: [u8; 16],
    entries: Mutex<HashMap<Id, Entry>>,
}

struct Entry {
    phc: String,
    digest: [u8; 32],
    until: Instant,
}

impl Remembered {
    /// Nothing remembered yet.
    pub fn new() -> Result<Self> {
        let mut salt = [0u8; 16];
        getrandom::fill(&mut salt).map_err(|e| Failure::new("salting", e))?;
        Ok(Self { salt, entries: Mutex::new(HashMap::new()) })
    }

    fn digest(&self, password: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.salt).chain_update(password).finalize().into()
    }

    fn knows(&self, person: Id, phc: &str, password: &str) -> bool {
        let entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        entries.get(&person).is_some_and(|entry| {
            entry.until > Instant::now() && entry.phc == phc && bool::from(entry.digest.ct_eq(&self.digest(password)))
        })
    }

    fn remember(&self, person: Id, phc: String, password: &str) {
        let mut entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if entries.len() >= MAX_REMEMBERED {
            let now = Instant::now();
            entries.retain(|_, entry| entry.until > now);
        }
        if entries.len() < MAX_REMEMBERED {
            let digest = self.digest(password);
            entries.insert(person, Entry { phc, digest, until: Instant::now() + REMEMBERED });
        }
    }
}

/// An account password that must be verified at the price of argon2id.
pub struct Costly {
    person: Principal,
    phc: String,
    password: String,
}

/// What a look at the credentials found.
pub enum Credentials {
    /// Right, at no cost.
    Right(Actor),
    /// An account password that was not seen lately: ask [`Tree::verify`], after the throttle agreed.
    Costly(Costly),
    /// Wrong, whatever it costs.
    Wrong,
}

impl Tree {
    /// Looks at a name and a password as far as that is cheap.
    pub async fn authenticate(
        &self,
        remembered: &Remembered,
        (login, password): (&str, &str),
        account_passwords: bool,
        seen: Seen,
    ) -> Result<Credentials> {
        let now = now();
        let mut glance = self.store.glance(seen);
        let device = principal::device_by_secret(&mut glance, &device_secret_hash(password), login).await?;
        if let Some((person, id, device)) = device {
            drop(glance);
            if person.disabled_at.is_some() || device.expires_at.is_some_and(|at| at <= now) {
                return Ok(Credentials::Wrong);
            }
            if device.used_at.is_none_or(|at| at + USED_GRAIN_S <= now) {
                noted(self.touch_device(id, now - now.rem_euclid(USED_GRAIN_S)).await)?;
            }
            return Ok(Credentials::Right(Actor {
                device: Some(device.label),
                ..actor(person, device.scope, device.read_only)
            }));
        }
        match principal::login(&mut glance, login).await? {
            Some(Login { principal: person, password_hash: Some(phc) })
                if account_passwords && person.disabled_at.is_none() =>
            {
                if remembered.knows(person.id, &phc, password) {
                    return Ok(Credentials::Right(actor(person, Scope::All, false)));
                }
                Ok(Credentials::Costly(Costly { person, phc, password: password.to_owned() }))
            }
            _ => Ok(Credentials::Wrong),
        }
    }

    async fn touch_device(&self, device: Id, at: Timestamp) -> std::result::Result<(), Failure> {
        let mut txn = self.store.write().await?;
        principal::touch_device(&mut txn, device, at).await?;
        txn.commit().await
    }

    /// Verifies an account password.
    pub async fn verify(&self, remembered: &Remembered, costly: Costly) -> Result<Option<Actor>> {
        if !verify(costly.password.clone(), costly.phc.clone()).await? {
            return Ok(None);
        }
        remembered.remember(costly.person.id, costly.phc, &costly.password);
        Ok(Some(actor(costly.person, Scope::All, false)))
    }
}

/// Notes of use are written beside what is asked, which goes on where the disk is full or the database is held by another.
pub(super) fn noted(done: std::result::Result<(), Failure>) -> Result<()> {
    match done {
        Err(failure) if failure.cause == Cause::Fault => Err(failure.into()),
        _ => Ok(()),
    }
}

fn actor(person: Principal, scope: Scope, read_only: bool) -> Actor {
    Actor { id: person.id, name: person.name, display_name: person.display_name, scope, read_only, device: None }
}

#[cfg(test)]
mod tests {
    use super::{device_secret_hash, new_device_password};

    #[test]
    fn device_passwords_have_160_bits_and_forgive_typing() {
        let password = new_device_password().expect("randomness");
        assert_eq!(password.chars().filter(|c| *c != '-').count() * 5, 160);
        let typed = password.replace('-', " ").to_uppercase();
        assert_eq!(device_secret_hash(&password), device_secret_hash(&typed));
        assert_ne!(password, new_device_password().expect("randomness"));
    }
}
