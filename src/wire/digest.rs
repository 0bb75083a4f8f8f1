//! The headers of HTTP Digest (RFC 7616): challenges, what clients answer, what they are answered.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use crate::model::digest::{ALGORITHMS, DigestAlgorithm, DigestCredentials, QOP, REALM};

/// More is no client's: bytes of the header, and its parameters.
const MAX_BYTES: usize = 16 * 1024;
const MAX_PARAMETERS: usize = 32;
/// Digits of a count.
const COUNT_DIGITS: usize = 8;

/// The challenges of all algorithms with one nonce. `stale`: the password was right, and the nonce is used up.
pub fn challenges(nonce: &str, stale: bool) -> impl Iterator<Item = String> {
    let stale = if stale { ", stale=true" } else { "" };
    ALGORITHMS.iter().map(move |(_, algorithm)| {
        format!(
            "Digest realm=\"{REALM}\", qop=\"{QOP}\", algorithm={algorithm}, nonce=\"{nonce}\", charset=UTF-8, \
             userhash=false{stale}"
        )
    })
}

/// `Authentication-Info`: that we know the password, too, and a nonce to go on with.
#[must_use]
pub fn information(shown: &DigestCredentials, answer: &str, next: Option<&str>) -> String {
    let DigestCredentials { cnonce, count, .. } = shown;
    let next = next.map(|nonce| format!(", nextnonce=\"{nonce}\"")).unwrap_or_default();
    format!("rspauth=\"{answer}\", qop={QOP}, cnonce=\"{cnonce}\", nc={count}{next}")
}

/// The value of a parameter.
struct DigestParameter {
    /// As it stands between the quotes.
    raw: Vec<u8>,
    /// With what is escaped in it taken for what it stands for.
    plain: Vec<u8>,
}

impl DigestParameter {
    /// As text in which nothing is escaped.
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.raw).ok().filter(|text| !text.contains(['"', '\\']))
    }
}

/// Reads what follows the scheme in `Authorization`. `None`: it answers none of our challenges.
#[must_use]
pub fn credentials(header: &[u8]) -> Option<DigestCredentials> {
    let parameters = parameters(header)?;
    let get = |name: &str| parameters.get(name);
    let text = |name: &str| get(name)?.text();
    let algorithm = match get("algorithm") {
        Some(named) => DigestAlgorithm::from_name(named.text()?)?,
        None => DigestAlgorithm::Md5,
    };
    let plain = get("userhash").is_none_or(|hashed| hashed.raw.eq_ignore_ascii_case(b"false"));
    if text("realm")? != REALM || text("qop")? != QOP || !plain {
        return None;
    }
    let (count, response, cnonce) = (text("nc")?, text("response")?, text("cnonce")?);
    let digits = count.len() == COUNT_DIGITS && count.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits || cnonce.is_empty() {
        return None;
    }
    let usernames = match (get("username"), text("username*")) {
        (Some(name), None) => usernames(name),
        (None, Some(extended)) => vec![extended_value(extended)?.into_bytes()],
        _ => return None,
    };
    Some(DigestCredentials {
        login: login(usernames.first()?),
        usernames,
        algorithm,
        nonce: text("nonce")?.to_owned(),
        uri: get("uri")?.plain.clone(),
        cnonce: cnonce.to_owned(),
        count: count.to_owned(),
        response: response.to_ascii_lowercase(),
    })
}

/// What a client may have hashed as user name: what it wrote, with a backslash escaped or not.
fn usernames(name: &DigestParameter) -> Vec<Vec<u8>> {
    let mut all = vec![name.raw.clone()];
    if name.plain != name.raw {
        all.push(name.plain.clone());
    }
    all
}

/// The user name without a Windows domain: UTF-8, or Latin-1 where it is not.
fn login(name: &[u8]) -> String {
    let name = match std::str::from_utf8(name) {
        Ok(text) => text.to_owned(),
        Err(_) => name.iter().map(|byte| char::from(*byte)).collect(),
    };
    name.rsplit('\\').next().unwrap_or_default().to_owned()
}

/// RFC 8187 section 3.2.1: `UTF-8'language'escaped`.
fn extended_value(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, '\'');
    let (charset, _, escaped) = (parts.next()?, parts.next()?, parts.next()?);
    let decoded = percent_decode_str(escaped).decode_utf8().ok()?;
    charset.eq_ignore_ascii_case("UTF-8").then(|| decoded.into_owned())
}

/// The parameters of a header by their names. `None`: it is malformed, or one stands there twice.
fn parameters(header: &[u8]) -> Option<HashMap<String, DigestParameter>> {
    let mut found = HashMap::new();
    let mut rest = header.get(..header.len().min(MAX_BYTES + 1)).filter(|bytes| bytes.len() <= MAX_BYTES)?;
    loop {
        rest = trimmed(rest, b" \t,");
        if rest.is_empty() {
            return Some(found);
        }
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let (name, after) = (rest.get(..equals)?, trimmed(rest.get(equals + 1..)?, b" \t"));
        let name = std::str::from_utf8(name).ok()?.trim_end().to_ascii_lowercase();
        let value;
        (value, rest) = match after.strip_prefix(b"\"") {
            Some(inside) => quoted(inside)?,
            None => token(after),
        };
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte));
        if !is_name || found.len() == MAX_PARAMETERS || found.insert(name, value).is_some() {
            return None;
        }
    }
}

fn trimmed<'a>(bytes: &'a [u8], of: &[u8]) -> &'a [u8] {
    let begin = bytes.iter().position(|byte| !of.contains(byte)).unwrap_or(bytes.len());
    bytes.get(begin..).unwrap_or_default()
}

/// A quoted value, from behind its first quote, and what follows it: a comma in it ends nothing.
fn quoted(inside: &[u8]) -> Option<(DigestParameter, &[u8])> {
    let (mut plain, mut escaped) = (Vec::new(), false);
    for (at, byte) in inside.iter().enumerate() {
        match byte {
            b'"' if !escaped => {
                let after = trimmed(inside.get(at + 1..)?, b" \t");
                let value = DigestParameter { raw: inside.get(..at)?.to_vec(), plain };
                return (after.is_empty() || after.starts_with(b",")).then_some((value, after));
            }
            b'\\' if !escaped => escaped = true,
            byte => {
                plain.push(*byte);
                escaped = false;
            }
        }
    }
    None
}

/// A value without quotes, and what follows it.
fn token(bytes: &[u8]) -> (DigestParameter, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b',').unwrap_or(bytes.len());
    let (raw, after) = bytes.split_at(end);
    let raw = raw.trim_ascii().to_vec();
    (DigestParameter { plain: raw.clone(), raw }, after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{challenges, credentials, information};
    use crate::model::digest::DigestAlgorithm;

    const REST: &str =
        "realm=\"Beffroi\", nonce=\"n\", uri=\"/\", qop=auth, nc=0000000A, cnonce=\"c\", response=\"AB\"";

    fn named(name: &str) -> Option<(String, Vec<String>)> {
        let shown = credentials(format!("{name}, {REST}").as_bytes())?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Some((shown.login, shown.usernames.into_iter().map(text).collect()))
    }

    #[test]
    fn what_clients_send() {
        // As Windows spells it: quoted `qop`, no spaces, unescaped commas in the address.
        let windows = "username=\"MAIRIE\\\\max\",realm=\"Beffroi\",nonce=\"0a\",uri=\"/files/a, b.txt\",\
                       cnonce=\"5f\",nc=00000002,algorithm=MD5,response=\"0F\",qop=\"auth\",charset=utf-8";
        let shown = credentials(windows.as_bytes()).expect("credentials");
        assert_eq!((shown.login.as_str(), shown.uri.as_slice()), ("max", &b"/files/a, b.txt"[..]));
        assert_eq!(
            (shown.algorithm, shown.count.as_str(), shown.response.as_str()),
            (DigestAlgorithm::Md5, "00000002", "0f")
        );
        let curl = "username=\"max\", realm=\"Beffroi\", nonce=\"0a\", uri=\"/\", cnonce=\"Nz==\", nc=00000001, \
                    qop=auth, response=\"00\", algorithm=SHA-256, userhash=false";
        let shown = credentials(curl.as_bytes()).expect("credentials");
        assert_eq!((shown.algorithm, shown.cnonce.as_str()), (DigestAlgorithm::Sha256, "Nz=="));
        assert_eq!(
            information(&shown, "1f", Some("0b")),
            "rspauth=\"1f\", qop=auth, cnonce=\"Nz==\", nc=00000001, nextnonce=\"0b\""
        );
    }

    #[test]
    fn names_are_hashed_as_they_are_written_or_as_they_are_meant() {
        let case = |login: &str, names: &[&str]| {
            Some((login.to_owned(), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()))
        };
        for (written, read) in [
            ("username=\"max\"", case("max", &["max"])),
            ("username=max", case("max", &["max"])),
            ("username=\"max@ville.example\"", case("max@ville.example", &["max@ville.example"])),
            ("username=\"MAIRIE\\\\max\"", case("max", &["MAIRIE\\\\max", "MAIRIE\\max"])),
            ("username=\"MAIRIE\\max\"", case("max", &["MAIRIE\\max", "MAIRIEmax"])),
            ("username=\"\u{c9}lodie\"", case("\u{c9}lodie", &["\u{c9}lodie"])),
            ("username*=UTF-8''%C3%89lodie", case("\u{c9}lodie", &["\u{c9}lodie"])),
            ("username*=utf-8'fr'MAIRIE%5Cmax", case("max", &["MAIRIE\\max"])),
            ("username*=ISO-8859-1''%C9lodie", None),
            ("username*=UTF-8''%C9lodie", None),
            ("username*=max", None),
            ("username=\"max\", username*=UTF-8''max", None),
            ("username=\"max\", username=\"max\"", None),
            ("username=\"max\", userhash=true", None),
            ("x=y", None),
        ] {
            assert_eq!(named(written), read, "{written}");
        }
        let latin = [b"username=\"\xc9lodie\", ", REST.as_bytes()].concat();
        assert_eq!(credentials(&latin).map(|shown| shown.login), Some("\u{c9}lodie".to_owned()));
    }

    #[test]
    fn what_answers_no_challenge_of_ours_is_no_credentials() {
        let good = format!("username=\"max\", {REST}");
        assert!(credentials(good.as_bytes()).is_some());
        for (from, to) in [
            ("Beffroi", "Other"),
            ("qop=auth", "qop=auth-int"),
            ("qop=auth, ", ""),
            ("nc=0000000A", "nc=A"),
            ("nc=0000000A", "nc=0000000G"),
            ("cnonce=\"c\"", "cnonce=\"\""),
            ("cnonce=\"c\"", "cnonce=\"\\\"\""),
            ("response=\"AB\"", "response=\"AB"),
            ("response=\"AB\"", "response"),
            ("qop=auth", "qop=auth, algorithm=MD5-sess"),
            ("nonce=\"n\"", "nonce=\"n\"x"),
            ("nonce=\"n\"", "n once=\"n\""),
        ] {
            assert_ne!(good.replace(from, to), good);
            assert_eq!(credentials(good.replace(from, to).as_bytes()), None, "{to}");
        }
        let many: String = (0..40).map(|n| format!("p{n}=x, ")).collect();
        assert_eq!(credentials(format!("{many}{good}").as_bytes()), None);
        assert_eq!(credentials(format!("{good}, x=\"{}\"", "x".repeat(20_000)).as_bytes()), None);
    }

    #[test]
    fn challenges_in_the_order_of_who_takes_the_first() {
        let all: Vec<String> = challenges("0a", true).collect();
        assert_eq!(
            all,
            ["MD5", "SHA-256"].map(|algorithm| format!(
                "Digest realm=\"Beffroi\", qop=\"auth\", algorithm={algorithm}, nonce=\"0a\", charset=UTF-8, \
                 userhash=false, stale=true"
            ))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_credentials_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = credentials(&bytes);
        }

        #[test]
        fn damaged_credentials_are_read_or_refused(at in 0..130usize, byte in any::<u8>(), cut in 0..130usize) {
            let mut bytes = format!("username=\"A\\\\b\", {REST}").into_bytes();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = credentials(&bytes);
            bytes.truncate(cut);
            let _ = credentials(&bytes);
        }
    }
}
