//! Who asks: Basic authentication, and the throttling of failures.
//!
//! Every method is challenged, OPTIONS too, or Office and Windows stay anonymous. A wrong account
//! password costs its sender time, per name and address; a device password, and an account password seen lately, never
//! wait: the rightful user is not locked out by someone who guesses.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use base64::Engine as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::Semaphore;

use crate::model::error::Result;
use crate::model::filename::match_name;
use crate::model::principal::Actor;
use crate::tree::authentication::{Credentials, Remembered};
use crate::tree::{Seen, Tree};
use crate::wire::header::text;

/// Wrong account passwords taken at once for one name from one address, and the seconds that each more costs.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
const PERIOD: Duration = Duration::from_secs(2);
/// The longest anyone is kept waiting before the password is looked at.
const LONGEST: Duration = Duration::from_secs(10);
/// How long a wrong device-like password waits, so that a client in a loop does not spin.
const WRONG: Duration = Duration::from_millis(200);
/// Account passwords verified side by side: each takes a processor for some 30 ms and 19 MiB.
const SIDE_BY_SIDE: usize = 2;

/// The realm shown in the log-in dialogue.
pub const CHALLENGE: &str = "Basic realm=\"Beffroi\", charset=\"UTF-8\"";

/// Finds out who asks.
pub struct Authenticator {
    remembered: Remembered,
    failures: DefaultKeyedRateLimiter<(String, IpAddr)>,
    verifying: Semaphore,
    account_passwords: bool,
}

impl Authenticator {
    /// Accepts account passwords besides device passwords, if `account_passwords`.
    pub fn new(account_passwords: bool) -> Result<Self> {
        let quota = Quota::with_period(PERIOD).unwrap_or(Quota::per_second(BURST)).allow_burst(BURST);
        Ok(Self {
            remembered: Remembered::new()?,
            failures: RateLimiter::keyed(quota),
            verifying: Semaphore::new(SIDE_BY_SIDE),
            account_passwords,
        })
    }

    /// Who sent these headers; `None`: nobody that we know (401).
    pub async fn actor(&self, tree: &Tree, seen: Seen, headers: &HeaderMap, address: IpAddr) -> Result<Option<Actor>> {
        // An empty Bearer is what Office sends first; it counts as no credentials.
        let Some((login, password)) = text(headers, AUTHORIZATION).as_deref().and_then(credentials) else {
            return Ok(None);
        };
        match tree.authenticate(&self.remembered, (&login, &password), self.account_passwords, seen).await? {
            Credentials::Right(actor) => Ok(Some(actor)),
            Credentials::Wrong => {
                tokio::time::sleep(WRONG).await;
                tracing::info!(login, %address, "log-in refused");
                Ok(None)
            }
            Credentials::Costly(costly) => {
                let key = (match_name(&login), address);
                // Waiting costs the guesser time; it refuses nobody, for the right password may be among the guesses.
                if tokio::time::timeout(LONGEST, self.failures.until_key_ready(&key)).await.is_err() {
                    tracing::warn!(login, %address, "log-ins are slowed down: many failures");
                }
                let Ok(_turn) = self.verifying.acquire().await else { return Ok(None) };
                let actor = tree.verify(&self.remembered, costly).await?;
                if actor.is_none() {
                    tokio::time::sleep(WRONG).await;
                    tracing::info!(login, %address, "log-in refused");
                }
                Ok(actor)
            }
        }
    }

    /// Forgets names and addresses that have calmed down.
    pub fn forget(&self) {
        self.failures.retain_recent();
        self.failures.shrink_to_fit();
    }
}

fn credentials(header: &str) -> Option<(String, String)> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") { basic(rest) } else { None }
}

/// Decodes the credentials of Basic authentication: the name without a Windows domain, and the password. UTF-8, or
/// Latin-1 where it is not.
fn basic(encoded: &str) -> Option<(String, String)> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().iter().map(|byte| char::from(*byte)).collect());
    let (login, password) = text.split_once(':')?;
    let login = login.rsplit('\\').next().unwrap_or(login);
    Some((login.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::basic;
    use base64::Engine as _;

    #[test]
    fn basic_credentials() {
        let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        for (bytes, login, password) in [
            (&b"alice:a:b"[..], "alice", "a:b"),
            (b"MAIRIE\\alice:x", "alice", "x"),
            (b"MAIRIE\\\\alice:x", "alice", "x"),
            (b"alice:\xe9", "alice", "\u{e9}"),
            ("alice:\u{e9}".as_bytes(), "alice", "\u{e9}"),
        ] {
            assert_eq!(basic(&encode(bytes)), Some((login.to_owned(), password.to_owned())));
        }
        assert_eq!(basic("?"), None);
        assert_eq!(basic(&encode(b"no colon")), None);
    }
}
