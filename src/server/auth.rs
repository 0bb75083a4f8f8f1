//! Who asks: whether what a client shows of itself is right, and the bounds of guessing.
//!
//! Every method is challenged, OPTIONS too, or Office and Windows stay anonymous. A device password, and an account
//! password that was seen lately, right or wrong, are looked up and wait for nobody. Any other waits to be verified
//! (`login_queue`), where a flood waits behind itself; a wrong one costs its sender time afterwards, and a name that
//! nobody bears goes the same way. So the rightful person is neither locked out nor kept waiting by someone who
//! guesses. A device password that HTTP Digest shows is looked up in the same way.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::thread::available_parallelism;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::request::Parts;

use super::login::{LoginChallenge, LoginMethod, Proof, signs};
use super::login_queue::{LoginQueue, LoginSource, QueueFull};
use super::nonce::{NonceVerdict, Nonces};
use crate::model::condition::Condition;
use crate::model::digest::DigestCredentials;
use crate::model::error::{Refusal, Result};
use crate::model::filename::match_name;
use crate::model::principal::Actor;
use crate::tree::Tree;
use crate::tree::authentication::{Credentials, LoginOrigin, PasswordCache};
use crate::wire::digest;

/// How long a wrong password waits for its answer, so that a client in a loop does not spin.
const WRONG: Duration = Duration::from_millis(200);
/// Wrong ones answered so for one person, or one address; one more comes every so often. The others wait longer, and so
/// do all while others wait: who guesses in a loop comes back later, and those get through.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);
const PERIOD: Duration = Duration::from_secs(6);
const WRONG_AGAIN: Duration = Duration::from_secs(4);
/// Account passwords verified side by side, at least and at most: each takes a processor for some 30 ms, and 19 MiB.
const SIDE_BY_SIDE: (usize, usize) = (2, 8);

/// What failures are counted of.
#[derive(Clone, PartialEq, Eq, Hash)]
enum FailureKey {
    Person(u64),
    Address(IpAddr),
}

/// Finds out who asks.
pub struct Authenticator {
    cache: PasswordCache,
    failures: DefaultKeyedRateLimiter<FailureKey>,
    queue: LoginQueue,
    /// Makes numbers of names.
    numbers: RandomState,
    account_passwords: bool,
    /// Where one may log in by HTTP Digest.
    nonces: Option<Nonces>,
}

/// What became of a log-in.
pub enum LoginOutcome {
    /// Right; and what the client is sent of that (`Authentication-Info`).
    Known(Actor, Option<String>),
    /// Not right: it is asked (401).
    Refused(LoginChallenge),
}

impl Authenticator {
    /// Accepts account passwords besides device passwords, if `account_passwords`; and HTTP Digest with `nonces`.
    pub fn new(account_passwords: bool, nonces: Option<Nonces>) -> Result<Self> {
        let quota = Quota::with_period(PERIOD).unwrap_or(Quota::per_second(BURST)).allow_burst(BURST);
        let (least, most) = SIDE_BY_SIDE;
        let processors = available_parallelism().map_or(least, NonZeroUsize::get);
        Ok(Self {
            cache: PasswordCache::new()?,
            failures: RateLimiter::keyed(quota),
            queue: LoginQueue::new((processors / 2).clamp(least, most)),
            numbers: RandomState::new(),
            account_passwords,
            nonces,
        })
    }

    /// Whose proof a request shows. 429 when too many wait to be looked at.
    pub async fn log_in(
        &self,
        tree: &Tree,
        proof: &Proof,
        head: &Parts,
        client: LoginOrigin<'_>,
    ) -> Result<LoginOutcome> {
        match (proof, &self.nonces) {
            (Proof::Password { login, password }, _) => {
                let found = self.actor(tree, login, password, client).await?;
                Ok(found.map_or(LoginOutcome::Refused(LoginChallenge::Any), |actor| LoginOutcome::Known(actor, None)))
            }
            // Boxed, so that other requests do not carry it about.
            (Proof::Digest(shown), Some(nonces)) => Box::pin(self.digest(tree, shown, nonces, head, client)).await,
            (Proof::Digest(_), None) => Ok(LoginOutcome::Refused(LoginChallenge::Any)),
        }
    }

    /// The lines by which a client is asked to log in.
    pub fn challenges(&self, by: &[&LoginMethod], challenge: LoginChallenge) -> Result<Vec<String>> {
        let nonce = self.nonces.as_ref().map(Nonces::make).transpose()?;
        Ok(by.iter().flat_map(|method| (method.challenges)(challenge, nonce.as_deref())).collect())
    }

    /// Only who knows the password learns that a nonce is used up.
    async fn digest(
        &self,
        tree: &Tree,
        shown: &DigestCredentials,
        nonces: &Nonces,
        head: &Parts,
        client: LoginOrigin<'_>,
    ) -> Result<LoginOutcome> {
        if !signs(shown, &head.uri) {
            return Err(Refusal::of(Condition::BadRequest).text("the log-in was signed for another address").into());
        }
        let Some((device, proof)) = tree.authenticate_digest(shown, head.method.as_str()).await? else {
            self.refuse(&shown.login, client.address, false).await;
            return Ok(LoginOutcome::Refused(LoginChallenge::Password));
        };
        let next = match nonces.take(&shown.nonce, u32::from_str_radix(&shown.count, 16).unwrap_or(0)) {
            NonceVerdict::Stale => return Ok(LoginOutcome::Refused(LoginChallenge::Stale)),
            NonceVerdict::Ageing => Some(nonces.make()?),
            NonceVerdict::Good => None,
        };
        let information = digest::information(shown, &shown.answer(&proof), next.as_deref());
        Ok(LoginOutcome::Known(tree.used(device, &client).await?, Some(information)))
    }

    /// Whose password this is; `None`: nobody's that we know.
    async fn actor(&self, tree: &Tree, login: &str, password: &str, client: LoginOrigin<'_>) -> Result<Option<Actor>> {
        let address = client.address;
        match tree.authenticate(&self.cache, login, password, self.account_passwords).await? {
            Credentials::Right(actor) => Ok(Some(actor)),
            Credentials::Device(device) => Ok(Some(tree.used(device, &client).await?)),
            Credentials::Wrong => Ok(self.refuse(login, address, false).await),
            // Boxed, so that other requests do not carry it about.
            Credentials::AccountPassword(costly) => {
                let person = match costly.named() {
                    Some(person) => self.numbers.hash_one(person),
                    None => self.numbers.hash_one(match_name(login)),
                };
                let source = LoginSource::new(person, address);
                let found = Box::pin(self.verified(tree, login, password, source)).await?;
                self.queue.came_to(source, found.is_some());
                if found.is_some() {
                    return Ok(found);
                }
                let failed = |of| self.failures.check_key(&of).is_err();
                let often = failed(FailureKey::Person(source.person)) | failed(FailureKey::Address(source.address));
                Ok(self.refuse(login, address, often || self.queue.are_waited_for()).await)
            }
        }
    }

    /// Verifies an account password with a permit, which is given on before anything else is done.
    async fn verified(&self, tree: &Tree, login: &str, password: &str, source: LoginSource) -> Result<Option<Actor>> {
        let permit = self.queue.take(source).await.map_err(|QueueFull| Condition::TooManyLogins)?;
        // As of now: it may have taken a while, and someone with the same password may have been first.
        match tree.authenticate(&self.cache, login, password, self.account_passwords).await? {
            Credentials::AccountPassword(costly) => tree.verify(&self.cache, costly, permit).await,
            Credentials::Right(actor) => Ok(Some(actor)),
            // An account password is of another form.
            Credentials::Device(_) | Credentials::Wrong => Ok(None),
        }
    }

    /// Answers a wrong password, after a while.
    async fn refuse(&self, login: &str, address: IpAddr, late: bool) -> Option<Actor> {
        tokio::time::sleep(if late { WRONG_AGAIN } else { WRONG }).await;
        tracing::info!(login, %address, late, "log-in refused");
        None
    }

    /// Forgets names and addresses that have calmed down.
    pub fn forget(&self) {
        self.failures.retain_recent();
        self.failures.shrink_to_fit();
        self.queue.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Authenticator, LoginOrigin, LoginSource};
    use crate::model::condition::Condition;
    use crate::model::error::Error;
    use crate::model::principal::Actor;
    use crate::tree::Tree;
    use futures_util::FutureExt as _;
    use tokio::task::JoinSet;

    const RIGHT: &str = "right-Password-1";

    async fn ask(authenticator: &Authenticator, tree: &Tree, password: &str) -> Result<Option<Actor>, Error> {
        let client = LoginOrigin { address: IpAddr::from([10, 0, 0, 1]), program: "" };
        authenticator.actor(tree, "ada", password, client).await
    }

    #[tokio::test]
    async fn who_is_known_and_who_is_one_too_many_are_answered_while_all_permits_are_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Tree::open(folder.path(), true).await.expect("a tree");
        tree.add_person("ada", "Ada", "ada@ville.example", Some(RIGHT.to_owned())).await.expect("a person");
        let authenticator = Arc::new(Authenticator::new(true, None).expect("an authenticator"));
        assert!(matches!(ask(&authenticator, &tree, RIGHT).await, Ok(Some(_))));
        assert!(matches!(ask(&authenticator, &tree, "old").await, Ok(None)));
        // From here to the end nobody gets a permit.
        let other = LoginSource::new(0, IpAddr::from([10, 0, 0, 2]));
        let mut taken = Vec::new();
        while let Some(Ok(permit)) = authenticator.queue.take(other).now_or_never() {
            taken.push(permit);
        }
        let mut guesses = JoinSet::new();
        for number in 0..65 {
            let (authenticator, tree) = (Arc::clone(&authenticator), tree.clone());
            guesses.spawn(async move { ask(&authenticator, &tree, &format!("guess {number}")).await });
        }
        let first = guesses.join_next().await.expect("an answer").expect("no panic");
        assert!(matches!(first, Err(Error::Refused(refusal)) if refusal.condition == Condition::TooManyLogins));
        assert!(matches!(ask(&authenticator, &tree, RIGHT).await, Ok(Some(_))));
        assert!(matches!(ask(&authenticator, &tree, "old").await, Ok(None)));
        assert_eq!(guesses.len(), 64, "the others wait");
        // Who may not log in any more is looked at like who guesses, and is known again when that has an end.
        tree.set_disabled("ada", true).await.expect("disabled");
        let disabled = tokio::time::timeout(Duration::from_millis(500), ask(&authenticator, &tree, RIGHT));
        assert!(disabled.await.is_err());
        tree.set_disabled("ada", false).await.expect("enabled");
        assert!(matches!(ask(&authenticator, &tree, RIGHT).await, Ok(Some(_))));
    }
}
