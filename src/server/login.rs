//! The methods by which one logs in, a row each: how clients are asked who they are, and how they show it. Whether that
//! is right,
//! `auth` finds out.

use base64::Engine as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::wire::header::text;

/// What a client shows to prove who it is.
#[derive(PartialEq, Eq, Debug)]
pub enum Proof {
    /// The password of a person or of one of their devices.
    Password {
        /// The name, without a Windows domain.
        login: String,
        /// The password.
        password: String,
    },
}

/// A way to log in.
pub struct LoginMethod {
    /// How the client is asked to (RFC 9110 section 11.6.1).
    pub challenge: &'static str,
    /// Reads what it shows; `None`: nothing of this kind.
    pub read: fn(&Parts) -> Option<Proof>,
}

/// RFC 7617. The realm is shown in the log-in dialogue.
pub static BASIC: LoginMethod = LoginMethod {
    challenge: "Basic realm=\"Beffroi\", charset=\"UTF-8\"",
    read: |head| basic(&credentials(&head.headers, "basic")?),
};

/// What follows a scheme in `Authorization`. An empty Bearer is what Office sends first; it shows nothing.
fn credentials(headers: &HeaderMap, scheme: &str) -> Option<String> {
    let header = text(headers, AUTHORIZATION)?;
    let (named, credentials) = header.split_once(' ')?;
    named.eq_ignore_ascii_case(scheme).then(|| credentials.to_owned())
}

/// UTF-8, or Latin-1 where it is not.
fn basic(encoded: &str) -> Option<Proof> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().iter().map(|byte| char::from(*byte)).collect());
    let (login, password) = text.split_once(':')?;
    let login = login.rsplit('\\').next().unwrap_or(login);
    Some(Proof::Password { login: login.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::{Proof, basic};

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
            assert_eq!(
                basic(&encode(bytes)),
                Some(Proof::Password { login: login.to_owned(), password: password.to_owned() })
            );
        }
        assert_eq!(basic("?"), None);
        assert_eq!(basic(&encode(b"no colon")), None);
    }
}
