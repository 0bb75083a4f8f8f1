//! Properties of RFC 3744 and RFC 5397 that clients read.

use std::fmt::Write as _;

use super::{LiveProperty, PropertyContext, Read, Write};
use crate::model::kind::Kind;
use crate::model::name::QName;
use crate::model::path::Path;
use crate::model::privilege::PRIVILEGES;
use crate::model::view::View;
use crate::tree::resource::{Needs, Resource};
use crate::tree::target::PRINCIPALS_SEGMENT;
use crate::wire::multistatus::{PropertyValue, empty, href};
use crate::wire::xml::escape;

const fn row(local: &'static str, needs: Needs, read: Read, source: &'static str) -> LiveProperty {
    LiveProperty { name: QName::dav(local), in_allprop: false, needs, read, write: Write::Protected, source }
}

const fn live(local: &'static str, read: Read, source: &'static str) -> LiveProperty {
    row(local, Needs::NOTHING, read, source)
}

const fn principal(local: &'static str, read: Read, source: &'static str) -> LiveProperty {
    row(local, Needs { principal: true, ..Needs::NOTHING }, read, source)
}

/// The rows.
pub static PROPERTIES: &[LiveProperty] = &[
    live("current-user-principal", current_user_principal, "RFC 5397 section 3"),
    live("owner", owner, "RFC 3744 section 5.1"),
    live("supported-privilege-set", supported_privilege_set, "RFC 3744 section 5.3"),
    live("current-user-privilege-set", current_user_privilege_set, "RFC 3744 section 5.4"),
    live("acl-restrictions", acl_restrictions, "RFC 3744 section 5.6"),
    live("inherited-acl-set", inherited_acl_set, "RFC 3744 section 5.7"),
    live("principal-collection-set", principal_collection_set, "RFC 3744 section 5.8"),
    live("principal-URL", principal_url, "RFC 3744 section 4.2"),
    principal("alternate-URI-set", alternate_uri_set, "RFC 3744 section 4.1"),
    live("group-membership", group_membership, "RFC 3744 section 4.4"),
];

fn principal_href(name: &str) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml(href(&Path::of(&[PRINCIPALS_SEGMENT, name]).href(true))))
}

fn current_user_principal(_: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    principal_href(&context.actor)
}

fn owner(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    principal_href(resource.owner.as_deref()?)
}

fn supported_privilege_set(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let mut out = String::new();
    let mut depths: Vec<usize> = Vec::new();
    let close = |out: &mut String, depths: &mut Vec<usize>, depth: usize| {
        while depths.last().is_some_and(|open| *open >= depth) {
            depths.pop();
            out.push_str("</D:supported-privilege>");
        }
    };
    for row in &PRIVILEGES {
        close(&mut out, &mut depths, row.depth);
        depths.push(row.depth);
        let _ = write!(
            out,
            "<D:supported-privilege><D:privilege>{}</D:privilege><D:description xml:lang=\"en\">{}</D:description>",
            empty(&row.element),
            row.description
        );
    }
    close(&mut out, &mut depths, 0);
    Some(PropertyValue::xml(out))
}

/// Every privilege held, aggregates and their parts alike: some clients know only the ones, some only the others
///.
fn current_user_privilege_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let mut out = String::new();
    for row in PRIVILEGES.iter().filter(|row| resource.privileges.includes(row.parts)) {
        let _ = write!(out, "<D:privilege>{}</D:privilege>", empty(&row.element));
    }
    Some(PropertyValue::xml(out))
}

fn acl_restrictions(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml("<D:grant-only/><D:no-invert/>"))
}

fn inherited_acl_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    match (resource.node.view, resource.node.kind, resource.owner.as_deref()) {
        (View::Present, Kind::Folder | Kind::File, Some(owner)) => {
            Some(PropertyValue::xml(href(&Path::of(&["files", owner]).href(true))))
        }
        _ => Some(PropertyValue::Empty),
    }
}

fn principal_collection_set(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml(href(&Path::of(&[PRINCIPALS_SEGMENT]).href(true))))
}

fn principal_url(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.kind == Kind::Principal { principal_href(&resource.node.name) } else { None }
}

fn alternate_uri_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let principal = resource.principal.as_ref().filter(|_| resource.node.kind == Kind::Principal)?;
    let mut out = String::new();
    for uri in &principal.addresses {
        out.push_str("<D:href>");
        escape(uri, &mut out);
        out.push_str("</D:href>");
    }
    Some(if out.is_empty() { PropertyValue::Empty } else { PropertyValue::xml(out) })
}

fn group_membership(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.kind == Kind::Principal { Some(PropertyValue::Empty) } else { None }
}
