//! The methods by which one logs in, a row each: how clients are asked who they are, and how they show it. Whether that
//! is right,
//! `auth` finds out.

use base64::Engine as _;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Uri};

use crate::model::digest::{DigestCredentials, REALM};
use crate::wire::digest;
use crate::wire::header::href;

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
    /// What HTTP Digest shows of one.
    Digest(Box<DigestCredentials>),
}

/// How a client is asked to log in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginChallenge {
    /// By any method.
    Any,
    /// By any; its password was right, and the nonce with which it was shown is used up.
    Stale,
    /// By its password alone. What was shown of it by Digest was wrong, and of most passwords Digest can show nothing:
    /// a program that prefers Digest is to try the other way.
    Password,
}

/// A way to log in.
pub struct LoginMethod {
    /// How the client is asked to (RFC 9110 section 11.6.1), with a nonce where Digest is offered: a line each.
    pub challenges: fn(LoginChallenge, Option<&str>) -> Vec<String>,
    /// Reads what it shows; `None`: nothing of this kind.
    pub read: fn(&Parts) -> Option<Proof>,
}

/// RFC 7617. The realm is shown in the log-in dialogue.
pub static BASIC: LoginMethod = LoginMethod {
    challenges: |_, _| vec![format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"")],
    read: |head| basic(credentials(&head.headers, b"basic")?),
};

/// RFC 7616.
pub static DIGEST: LoginMethod = LoginMethod {
    challenges: |challenge, nonce| match nonce {
        Some(nonce) if challenge != LoginChallenge::Password => {
            digest::challenges(nonce, challenge == LoginChallenge::Stale).collect()
        }
        _ => Vec::new(),
    },
    read: |head| {
        digest::credentials(credentials(&head.headers, b"digest")?).map(|shown| Proof::Digest(Box::new(shown)))
    },
};

/// What follows a scheme in `Authorization`. An empty Bearer is what Office sends first; it shows nothing.
fn credentials<'a>(headers: &'a HeaderMap, scheme: &[u8]) -> Option<&'a [u8]> {
    // Of two, a proxy may have believed the other.
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let header = lines.next().filter(|_| lines.next().is_none())?.as_bytes().trim_ascii();
    let (named, rest) = header.split_at_checked(scheme.len())?;
    let credentials = rest.strip_prefix(b" ")?;
    named.eq_ignore_ascii_case(scheme).then_some(credentials)
}

/// Is the address that a client signed the one that it asked? Proxies write the one anew, clients escape the other in
/// their own way, and some leave the query out.
pub fn signs(shown: &DigestCredentials, asked: &Uri) -> bool {
    let asked = asked.path_and_query().map_or("/", |path| path.as_str());
    let Ok(signed) = std::str::from_utf8(&shown.uri) else { return false };
    let parts = |address: &str| {
        let (path, query) = address.split_once('?').map_or((address, None), |(path, query)| (path, Some(query)));
        Some((href(path)?, query.map(str::to_owned)))
    };
    match (parts(signed), parts(asked)) {
        _ if signed == asked => true,
        (Some((signed, signed_query)), Some((asked, asked_query))) => {
            signed == asked && (signed_query == asked_query || signed_query.is_none())
        }
        _ => false,
    }
}

/// UTF-8, or Latin-1 where it is not.
fn basic(encoded: &[u8]) -> Option<Proof> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim_ascii()).ok()?;
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().iter().map(|byte| char::from(*byte)).collect());
    let (login, password) = text.split_once(':')?;
    let login = login.rsplit('\\').next().unwrap_or(login);
    Some(Proof::Password { login: login.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::{Proof, basic, signs};
    use crate::wire::digest::credentials;

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
                basic(encode(bytes).as_bytes()),
                Some(Proof::Password { login: login.to_owned(), password: password.to_owned() })
            );
        }
        assert_eq!(basic(b"?"), None);
        assert_eq!(basic(encode(b"no colon").as_bytes()), None);
    }

    #[test]
    fn an_address_is_signed_however_it_is_spelled() {
        for (signed, asked, same) in [
            ("/files/a", "/files/a", true),
            ("/files/a, b \u{e9}.txt", "/files/a,%20b%20%C3%A9.txt", true),
            ("http://h:8/files/a", "/files/a", true),
            ("/files/a", "http://h/files/a", true),
            ("/files/%7Ea/", "/files/~a/", true),
            ("/files/a", "/files/a?web=1", true),
            ("*", "*", true),
            ("/files/a?x", "/files/a?x", true),
            ("/files/a?x", "/files/a", false),
            ("/files/a?x", "/files/a?y", false),
            ("/files/b", "/files/a", false),
            ("/files/a/../b", "/files/b", false),
            ("", "/", false),
        ] {
            let header = format!(
                "username=\"max\", realm=\"Beffroi\", nonce=\"n\", uri=\"{signed}\", qop=auth, nc=00000001, \
                 cnonce=\"c\", response=\"00\""
            );
            let shown = credentials(header.as_bytes()).expect("credentials");
            assert_eq!(signs(&shown, &asked.parse().expect("an address")), same, "{signed} {asked}");
        }
    }
}
