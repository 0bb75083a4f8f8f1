//! What keeps browsers from being turned against who uses them: each answer says what may be done with it, and no
//! change is made that a page of another site asks for.

use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, ORIGIN, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName};

use crate::model::media_type::is_passive;

const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");
/// Shown as if it came from nowhere, and it may load and run nothing.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");
/// A year.
const ENCRYPTED_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Says what may be done with an answer. What says nothing of its type has no content that could be run (or is a 304,
/// and leaves the browser with the rule that it has). `encrypted`: clients reach us by https.
pub fn guard(headers: &mut HeaderMap, encrypted: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
    if encrypted {
        headers.insert(STRICT_TRANSPORT_SECURITY, ENCRYPTED_ONLY);
    }
    let passive = headers.get(CONTENT_TYPE).map(|kind| kind.to_str().is_ok_and(is_passive));
    if passive == Some(false) && !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    }
}

/// Does a page of another site ask? Browsers say so (Fetch standard sections 3.1 and 3.6); programs send neither
/// header. `own` are the hosts by which we are known; the first of `schemes` that is said is the one by which clients
/// reach us.
pub fn is_foreign(headers: &HeaderMap, own: impl FnOnce() -> Vec<String>, encrypted: bool) -> bool {
    if headers.get_all(FETCH_SITE).iter().any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site")) {
        return true;
    }
    if !headers.contains_key(ORIGIN) {
        return false;
    }
    let own = own();
    let origins = headers.get_all(ORIGIN).iter();
    !origins.map(|origin| origin.to_str().unwrap_or_default()).all(|origin| is_own(origin, &own, encrypted))
}

/// Was a form sent by anything but a page of ours? A neighbour by name is somebody else here: only programs that are no
/// browsers say nothing of where they are.
pub fn is_from_elsewhere(headers: &HeaderMap, own: impl FnOnce() -> Vec<String>, encrypted: bool) -> bool {
    let mut sites = headers.get_all(FETCH_SITE).iter();
    let is_same = |site: &HeaderValue| ["same-origin", "none"].iter().any(|known| site.as_bytes() == known.as_bytes());
    !sites.all(is_same) || is_foreign(headers, own, encrypted)
}

/// Is it one of our hosts, by a scheme that is ours? A page that came in the clear may be anyone's.
fn is_own(origin: &str, own: &[String], encrypted: bool) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let port = match scheme.to_ascii_lowercase().as_str() {
        "https" => ":443",
        "http" if !encrypted => ":80",
        _ => return false,
    };
    let host = |authority: &str| {
        let authority = authority.to_ascii_lowercase();
        authority.strip_suffix(port).map(str::to_owned).unwrap_or(authority)
    };
    own.iter().any(|ours| host(ours) == host(authority))
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY};

    use super::{guard, is_foreign, is_from_elsewhere};

    #[test]
    fn whatever_is_not_known_to_be_harmless_is_sandboxed() {
        for (kind, sandboxed) in [
            (Some("image/png"), false),
            (Some("application/pdf"), false),
            (Some("text/html"), true),
            (Some("image/svg+xml"), true),
            (Some("image/png, text/html"), true),
            (Some("application/xml; charset=utf-8"), true),
            (Some("multipart/byteranges; boundary=x"), true),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            guard(&mut headers, false);
            assert_eq!(headers.contains_key(CONTENT_SECURITY_POLICY), sandboxed, "{kind:?}");
            assert!(headers.contains_key("x-content-type-options") && !headers.contains_key(STRICT_TRANSPORT_SECURITY));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        guard(&mut headers, true);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert!(headers.contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn foreign_pages() {
        let own = || vec!["beffroi.ville.fr".to_owned(), "10.0.0.1:8008".to_owned()];
        for (lines, in_the_clear, encrypted) in [
            (&[][..], false, false),
            (&[("origin", "https://beffroi.ville.fr")], false, false),
            (&[("origin", "https://BEFFROI.ville.fr:443")], false, false),
            (&[("origin", "http://beffroi.ville.fr:80")], false, true),
            (&[("origin", "http://10.0.0.1:8008")], false, true),
            (&[("origin", "https://10.0.0.1")], true, true),
            (&[("origin", "https://beffroi.ville.fr:8443")], true, true),
            (&[("origin", "https://evil.example")], true, true),
            (&[("origin", "https://beffroi.ville.fr.evil.example")], true, true),
            (&[("origin", "null")], true, true),
            (&[("origin", "")], true, true),
            (&[("origin", "moz-extension://beffroi.ville.fr")], true, true),
            (&[("origin", "https://beffroi.ville.fr"), ("origin", "https://evil.example")], true, true),
            (&[("sec-fetch-site", "cross-site")], true, true),
            (&[("sec-fetch-site", "Cross-Site"), ("origin", "https://beffroi.ville.fr")], true, true),
            (&[("sec-fetch-site", "same-origin")], false, false),
            (&[("sec-fetch-site", "none")], false, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_foreign(&headers, own, false), in_the_clear, "{lines:?}");
            assert_eq!(is_foreign(&headers, own, true), encrypted, "{lines:?}, encrypted");
            // What is foreign to a program is so to a form.
            assert!(is_from_elsewhere(&headers, own, false) || !in_the_clear, "{lines:?}");
        }
    }

    #[test]
    fn forms_are_sent_by_pages_of_ours() {
        for (site, elsewhere) in [
            (None, false),
            (Some("same-origin"), false),
            (Some("none"), false),
            (Some("same-site"), true),
            (Some(""), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(site.map(|site| (super::FETCH_SITE, HeaderValue::from_static(site))));
            assert_eq!(is_from_elsewhere(&headers, Vec::new, false), elsewhere, "{site:?}");
        }
    }
}
