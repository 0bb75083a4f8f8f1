//! Who logs in: device passwords and account passwords.
//!
//! A device password is 160 random bits kept as SHA-256: one indexed look-up, never throttled, for it cannot be
//! guessed. An account password costs argon2id; what it was found to be is cached, salted and hashed, with the stored
//! hash it was verified against: so a changed password is never accepted for a moment longer, and a program that comes
//! again and again with an old one costs no more than a look.
//!
//! Of a device that logs in by HTTP Digest the characters are kept: what a client shows is hashed from them and from a
//! user name that it spells as it likes, with any Windows domain. Whoever reads the database has these passwords, and
//! no other.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Tree;
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use crate::model::digest::{DigestCredentials, DigestProof};
use crate::model::error::{Cause, Error, Failure, Result};
use crate::model::filename::match_name;
use crate::model::header::program_name;
use crate::model::id::{Id, Timestamp, now};
use crate::model::password::{
    DEVICE_ALPHABET, DEVICE_CHARS, are_device_letters, device_letters, is_of_device_form, spellings,
};
use crate::model::principal::{Actor, DeviceScope, Principal, VerifiedLogin};
use crate::store::body::sha256;
use crate::store::device::{self, OwnedDevice};
use crate::store::principal::{self, Login};

/// How long a right account password is cached after it was last used: who works is let in without a pause.
const RIGHT: Duration = Duration::from_secs(3600);
/// How long a wrong one is cached.
const WRONG: Duration = Duration::from_secs(600);
/// How many of each are cached at once.
const MAX_REMEMBERED: usize = 10_000;
/// What is verified where there is no account password, so that it takes the same time. Nobody knows a password that
/// fits.
const NOBODY_S_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$TGVCZWZmcm9pU29ubmU$h5Zr0m2y0Jt3gFq1Q8lE6s0R9cVnX4uKa7PbYwDoTzM";
/// The device's last use is written at most this often, seconds.
const USED_GRAIN_S: i64 = 3600;

/// A device password as shown once: 32 characters in groups of four (160 bits).
pub fn new_device_password() -> Result<String> {
    let mut bytes = [0u8; DEVICE_CHARS];
    getrandom::fill(&mut bytes).map_err(|e| Failure::new("making a device password", e))?;
    let letters: String =
        bytes.iter().filter_map(|byte| DEVICE_ALPHABET.get(usize::from(byte & 31))).copied().map(char::from).collect();
    let [shown, ..] = spellings(&letters);
    Ok(shown)
}

/// A new secret to stand in an address.
pub(super) fn new_address_secret() -> Result<String> {
    Ok(new_device_password()?.replace('-', ""))
}

/// What is kept of a device password, and of a secret in an address.
#[must_use]
pub fn device_secret_hash(password: &str) -> String {
    sha256(device_letters(password).as_bytes())
}

/// argon2id of an account password, in PHC form.
pub async fn hash_password(password: String) -> Result<String> {
    let work = move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string());
    let hashed = tokio::task::spawn_blocking(work).await.map_err(|e| Failure::new("hashing a password", e))?;
    Ok(hashed.map_err(|e| Failure::new("hashing a password", e.to_string()))?)
}

/// Holds `turn` as long as it takes, even when nobody waits for it any more.
async fn verify<T: Send + 'static>(password: String, phc: String, turn: T) -> Result<bool> {
    let work = move || {
        let _turn = turn;
        argon2::password_hash::phc::PasswordHash::new(&phc)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    };
    Ok(tokio::task::spawn_blocking(work).await.map_err(|e| Failure::new("verifying a password", e))?)
}

/// Account passwords that were verified. Each is kept as a salted hash of it, of whom it was said to be of, and of the
/// stored hash it was verified against.
pub struct PasswordCache {
    salt: [u8; 16],
    /// The right one of each person.
    right: Mutex<HashMap<Id, (Digest, Instant)>>,
    wrong: Mutex<HashMap<Digest, Instant>>,
}

type Digest = [u8; 32];

impl PasswordCache {
    /// Nothing cached yet.
    pub fn new() -> Result<Self> {
        let mut salt = [0u8; 16];
        getrandom::fill(&mut salt).map_err(|e| Failure::new("salting", e))?;
        Ok(Self { salt, right: Mutex::default(), wrong: Mutex::default() })
    }

    fn digest(&self, whom: &str, phc: &str, password: &str) -> Digest {
        let mut hasher = Sha256::new().chain_update(self.salt);
        for text in [whom, phc, password] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        hasher.finalize().into()
    }

    /// Is it the right one? Then it is cached for longer.
    fn is_right(&self, person: Id, digest: &Digest) -> bool {
        let now = Instant::now();
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        let known = right.get_mut(&person).filter(|(known, until)| *until > now && bool::from(known.ct_eq(digest)));
        known.map(|(_, until)| *until = now + RIGHT).is_some()
    }

    fn is_wrong(&self, digest: &Digest) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(digest).is_some_and(|until| *until > Instant::now())
    }

    fn cache_right(&self, person: Id, digest: Digest) {
        let now = Instant::now();
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= MAX_REMEMBERED {
            right.retain(|_, (_, until)| *until > now);
        }
        if right.len() < MAX_REMEMBERED || right.contains_key(&person) {
            right.insert(person, (digest, now + RIGHT));
        }
    }

    fn cache_wrong(&self, digest: Digest) {
        let now = Instant::now();
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= MAX_REMEMBERED {
            wrong.retain(|_, until| *until > now);
        }
        // Someone guesses. What comes again and again is soon known again.
        if wrong.len() >= MAX_REMEMBERED {
            wrong.clear();
        }
        wrong.insert(digest, now + WRONG);
    }
}

/// An account password that must be verified at the price of argon2id. That it may be nobody's is not seen from
/// outside.
pub struct PasswordVerification {
    /// Whom the name means, if anyone bears it.
    named: Option<Id>,
    /// Who it is if the password is right.
    person: Option<Principal>,
    phc: String,
    password: String,
    digest: Digest,
}

impl PasswordVerification {
    /// Whom the name means, whichever of a person's names it is; `None`: nobody bears it.
    #[must_use]
    pub fn named(&self) -> Option<Id> {
        self.named
    }
}

/// What a look at the credentials found.
pub enum Credentials {
    /// Right, at no cost.
    Right(Actor),
    /// The password of a device: ask [`Tree::used`].
    Device(KnownDevice),
    /// An account password that was not seen lately: ask [`Tree::verify`], after the throttle agreed.
    AccountPassword(PasswordVerification),
    /// Wrong, whatever it costs.
    Wrong,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct LoginOrigin<'a> {
    /// The address of who asks.
    pub address: IpAddr,
    /// The program, as it calls itself.
    pub program: &'a str,
}

/// A device whose password was shown.
pub struct KnownDevice {
    actor: Actor,
    id: Id,
    at: Timestamp,
    /// Is it to be noted that it is used?
    is_due: bool,
}

impl KnownDevice {
    /// `None`: it opens nothing any more.
    pub(super) fn of(found: OwnedDevice, now: Timestamp) -> Option<Self> {
        let OwnedDevice { person, id, device } = found;
        if person.disabled_at.is_some() || device.expires_at.is_some_and(|at| at <= now) {
            return None;
        }
        let is_due = device.used_at.is_none_or(|at| at.saturating_add(USED_GRAIN_S) <= now);
        let actor = Actor {
            scope: device.scope,
            project: device.project.map(|(id, _)| id),
            read_only: device.read_only,
            device: Some(device.label),
            login: Some(VerifiedLogin { device: Some(id) }),
            ..actor(person)
        };
        Some(Self { actor, id, at: now, is_due })
    }
}

impl Tree {
    /// Looks at a name and a password as far as that is cheap.
    pub async fn authenticate(
        &self,
        cache: &PasswordCache,
        login: &str,
        password: &str,
        account_passwords: bool,
    ) -> Result<Credentials> {
        let now = now();
        let mut reader = self.store.cached();
        if let Some(found) = device::by_secret(&mut reader, &device_secret_hash(password), login).await? {
            return Ok(KnownDevice::of(found, now).map_or(Credentials::Wrong, Credentials::Device));
        }
        // What looks like a device password is none of an account: a device in a loop costs no more than this.
        if !account_passwords || is_of_device_form(password) {
            return Ok(Credentials::Wrong);
        }
        let found = principal::login(&mut reader, login).await?;
        let named = found.as_ref().map(|login| login.principal.id);
        let (person, phc) = match found {
            Some(Login { principal: person, password_hash: Some(phc) }) if person.disabled_at.is_none() => {
                (Some(person), phc)
            }
            _ => (None, NOBODY_S_HASH.to_owned()),
        };
        // A name that nobody bears is looked at like others.
        let whom = named.map_or_else(|| match_name(login), |person| format!("/{person}"));
        let digest = cache.digest(&whom, &phc, password);
        match person {
            Some(person) if cache.is_right(person.id, &digest) => Ok(Credentials::Right(actor(person))),
            _ if cache.is_wrong(&digest) => Ok(Credentials::Wrong),
            person => Ok(Credentials::AccountPassword(PasswordVerification {
                named,
                person,
                phc,
                password: password.to_owned(),
                digest,
            })),
        }
    }

    /// Whose device password was shown by HTTP Digest, for a request by this method; and what proves it.
    pub async fn authenticate_digest(
        &self,
        shown: &DigestCredentials,
        method: &str,
    ) -> Result<Option<(KnownDevice, DigestProof)>> {
        let now = now();
        let mut reader = self.store.cached();
        let mut devices = device::of_digest(&mut reader, &shown.login).await?;
        // What is damaged might be guessed.
        devices.retain(|(_, letters)| are_device_letters(letters));
        drop(reader);
        if devices.is_empty() {
            // A name that nobody bears takes as long.
            let _ = shown.proof(method, NOBODY_S_HASH);
        }
        let found =
            devices.into_iter().find_map(|(found, letters)| shown.proof(method, &letters).map(|proof| (found, proof)));
        Ok(found.and_then(|(found, proof)| Some((KnownDevice::of(found, now)?, proof))))
    }

    /// The key of the nonces of HTTP Digest, which all processes share.
    pub async fn digest_key(&self) -> Result<[u8; 32]> {
        let mut key = [0u8; 32];
        getrandom::fill(&mut key).map_err(|e| Failure::new("making a key", e))?;
        let kept = self.store.setting_or("digest_key", || hex::encode(key)).await?;
        hex::decode_to_slice(kept, &mut key).map_err(|e| Failure::new("reading the setting digest_key", e))?;
        Ok(key)
    }

    /// Who uses a device; that it was used, by whom, is noted once an hour.
    pub async fn used(&self, device: KnownDevice, client: &LoginOrigin<'_>) -> Result<Actor> {
        if device.is_due {
            noted(Box::pin(self.touch_device(&device, client)).await)?;
        }
        Ok(device.actor)
    }

    async fn touch_device(&self, device: &KnownDevice, client: &LoginOrigin<'_>) -> Result<()> {
        let hour = device.at - device.at.rem_euclid(USED_GRAIN_S);
        let (from, program) = (client.address.to_string(), program_name(client.program));
        let mut edit = self.job_edit().await?;
        let txn = edit.doing(Verb::NoteUse, AffectedObjects::to([device.id]))?;
        device::touch(txn, device.id, hour, &from, &program).await?;
        edit.commit().await
    }

    /// Verifies an account password. `turn` is held until the work is done.
    pub async fn verify<T: Send + 'static>(
        &self,
        cache: &PasswordCache,
        costly: PasswordVerification,
        turn: T,
    ) -> Result<Option<Actor>> {
        let right = verify(costly.password, costly.phc, turn).await?;
        let Some(person) = costly.person.filter(|_| right) else {
            cache.cache_wrong(costly.digest);
            return Ok(None);
        };
        cache.cache_right(person.id, costly.digest);
        Ok(Some(actor(person)))
    }
}

/// Notes of use are written beside the request, which goes on where the disk is full or the database is held by
/// another.
pub(super) fn noted(done: Result<()>) -> Result<()> {
    match done {
        Err(Error::Failed(failure)) if failure.cause != Cause::Fault => Ok(()),
        done => done,
    }
}

/// A person who has just shown the password of the account.
fn actor(person: Principal) -> Actor {
    Actor {
        id: person.id,
        name: person.name,
        display_name: person.display_name,
        scope: DeviceScope::All,
        project: None,
        read_only: false,
        device: None,
        login: Some(VerifiedLogin { device: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::{NOBODY_S_HASH, device_secret_hash, hash_password, new_device_password, verify};

    #[test]
    fn device_passwords_have_160_bits_and_forgive_typing() {
        let password = new_device_password().expect("randomness");
        assert_eq!(password.chars().filter(|c| *c != '-').count() * 5, 160);
        let typed = password.replace('-', " ").to_uppercase();
        assert_eq!(device_secret_hash(&password), device_secret_hash(&typed));
        assert_ne!(password, new_device_password().expect("randomness"));
    }

    #[tokio::test]
    async fn what_nobody_has_costs_as_much() {
        let cost = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let real = hash_password("x".to_owned()).await.expect("a hash");
        assert_eq!(cost(NOBODY_S_HASH), cost(&real));
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODY_S_HASH).is_ok_and(|hash| hash.hash.is_some()));
        assert!(matches!(verify("x".to_owned(), real, ()).await, Ok(true)));
        assert!(matches!(verify("x".to_owned(), NOBODY_S_HASH.to_owned(), ()).await, Ok(false)));
    }
}
