//! The body of ACL (RFC 3744 section 8.1).

use super::header::href;
use super::xml::{Element, XmlError, parse};
use crate::model::acl::{RequestedAce, RequestedPrincipal};

/// The entries of an access control list.
pub fn acl(body: &[u8]) -> Result<Vec<RequestedAce>, XmlError> {
    let root = parse(body)?;
    if !root.name.is_dav("acl") {
        return error("the root element is not DAV:acl");
    }
    root.elements().filter(|element| element.name.is_dav("ace")).map(entry).collect()
}

fn error<T>(text: &str) -> Result<T, XmlError> {
    Err(XmlError(text.to_owned()))
}

fn entry(ace: &Element) -> Result<RequestedAce, XmlError> {
    let inverted = ace.dav("invert");
    let principal = inverted.and_then(|invert| invert.dav("principal")).or_else(|| ace.dav("principal"));
    let (Some(principal), true) = (principal, one_of(ace, ["principal", "invert"])) else {
        return error("DAV:ace speaks of one DAV:principal");
    };
    let denied = ace.dav("deny");
    let (Some(rights), true) = (ace.dav("grant").or(denied), one_of(ace, ["grant", "deny"])) else {
        return error("DAV:ace holds one DAV:grant or one DAV:deny");
    };
    let named = rights.elements().filter(|element| element.name.is_dav("privilege")).flat_map(Element::elements);
    let privileges: Vec<_> = named.map(|privilege| privilege.name.clone()).collect();
    if privileges.is_empty() {
        return error("DAV:grant names no DAV:privilege");
    }
    let inherited = ace.dav("inherited").map(|inherited| inherited.dav("href").and_then(|from| href(&from.text())));
    Ok(RequestedAce {
        principal: whom(principal)?,
        inverted: inverted.is_some(),
        denies: denied.is_some(),
        privileges,
        protected: ace.dav("protected").is_some(),
        inherited,
    })
}

/// Is just one of these in it, and once?
fn one_of(ace: &Element, names: [&str; 2]) -> bool {
    ace.elements().filter(|element| names.iter().any(|name| element.name.is_dav(name))).count() == 1
}

fn whom(principal: &Element) -> Result<RequestedPrincipal, XmlError> {
    let mut said = principal.elements();
    let (Some(word), None) = (said.next(), said.next()) else {
        return error("DAV:principal says in one way who it is");
    };
    Ok(match &*word.name.local {
        "href" => RequestedPrincipal::At(href(&word.text())),
        "authenticated" => RequestedPrincipal::Authenticated,
        "property" if word.dav("owner").is_some() => RequestedPrincipal::Owner,
        _ => RequestedPrincipal::Other,
    })
}
