//! Properties of RFC 3744 and RFC 5397 that clients read.

use std::fmt::Write as _;

use super::{LiveProperty, PropertyContext, Read, Write};
use crate::model::acl::AcePrincipal;
use crate::model::kind::Kind;
use crate::model::name::{CALENDARSERVER, QName};
use crate::model::path::Path;
use crate::model::principal::Principal;
use crate::model::privilege::{PRIVILEGES, PROXY_GROUPS, PrivilegeRow, Role};
use crate::tree::resource::{Needs, Resource};
use crate::tree::target::PRINCIPALS_SEGMENT;
use crate::wire::multistatus::{PropertyValue, empty, href};
use crate::wire::xml::escape;

/// The status of a list that one may not read.
const NEED_PRIVILEGES: u16 = 403;
/// The status of a list that is too long to be listed.
const TOO_MANY: u16 = 507;

const fn row(local: &'static str, needs: Needs, read: Read, source: &'static str) -> LiveProperty {
    LiveProperty { name: QName::dav(local), in_allprop: false, needs, read, write: Write::Protected, source }
}

const fn live(local: &'static str, read: Read, source: &'static str) -> LiveProperty {
    row(local, Needs::NOTHING, read, source)
}

const fn principal(local: &'static str, read: Read, source: &'static str) -> LiveProperty {
    row(local, Needs { principal: true, ..Needs::NOTHING }, read, source)
}

const fn proxy(local: &'static str, read: Read, source: &'static str) -> LiveProperty {
    let name = QName::of(CALENDARSERVER, local);
    LiveProperty { name, in_allprop: false, needs: DELEGATIONS, read, write: Write::Protected, source }
}

/// The rows.
pub static PROPERTIES: &[LiveProperty] = &[
    live("current-user-principal", current_user_principal, "RFC 5397 section 3"),
    live("owner", owner, "RFC 3744 section 5.1"),
    live("group", group, "RFC 3744 section 5.2"),
    live("supported-privilege-set", supported_privilege_set, "RFC 3744 section 5.3"),
    live("current-user-privilege-set", current_user_privilege_set, "RFC 3744 section 5.4"),
    row("acl", Needs { acl: true, ..Needs::NOTHING }, acl, "RFC 3744 section 5.5"),
    live("acl-restrictions", acl_restrictions, "RFC 3744 section 5.6"),
    live("inherited-acl-set", inherited_acl_set, "RFC 3744 section 5.7"),
    live("principal-collection-set", principal_collection_set, "RFC 3744 section 5.8"),
    live("principal-URL", principal_url, "RFC 3744 section 4.2"),
    principal("alternate-URI-set", alternate_uri_set, "RFC 3744 section 4.1"),
    LiveProperty {
        name: QName::dav("group-member-set"),
        in_allprop: false,
        needs: MEMBERSHIP,
        read: group_members,
        write: Write::Delegates,
        source: "RFC 3744 section 4.3",
    },
    row("group-membership", MEMBERSHIP, group_membership, "RFC 3744 section 4.4"),
    proxy("calendar-proxy-read-for", read_for, "caldav-proxy section 5.3.1"),
    proxy("calendar-proxy-write-for", write_for, "caldav-proxy section 5.3.2"),
];

const DELEGATIONS: Needs = Needs { delegations: true, ..Needs::NOTHING };
const MEMBERSHIP: Needs = Needs { groups: true, ..DELEGATIONS };

fn read_for(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    delegators(resource, Role::Reader)
}

fn write_for(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    delegators(resource, Role::Member)
}

/// For whom a person is a delegate in a role; it is shown to themselves.
fn delegators(resource: &Resource, role: Role) -> Option<PropertyValue<'static>> {
    if resource.node.kind != Kind::Principal {
        return None;
    }
    let of = resource.delegations.as_ref()?.of.iter().filter(|(_, held)| *held == role);
    Some(PropertyValue::xml(of.map(|(name, _)| principal_element(name)).collect::<String>()))
}

fn principal_element(name: &str) -> String {
    href(&Path::of(&[PRINCIPALS_SEGMENT, name]).href(true))
}

fn principal_href(name: &str) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml(principal_element(name)))
}

fn principal_hrefs(principals: &[Principal]) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml(principals.iter().map(|one| principal_element(&one.name)).collect::<String>()))
}

fn current_user_principal(_: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    principal_href(&context.actor)
}

fn owner(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    resource.owner.as_deref().map_or(Some(PropertyValue::Empty), principal_href)
}

/// Nothing is of a group: roles are granted to groups.
fn group(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::Empty)
}

fn supported_privilege_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let mut out = String::new();
    let mut depths: Vec<usize> = Vec::new();
    let close = |out: &mut String, depths: &mut Vec<usize>, depth: usize| {
        while depths.last().is_some_and(|open| *open >= depth) {
            depths.pop();
            out.push_str("</D:supported-privilege>");
        }
    };
    let kind = resource.node.kind;
    for row in PRIVILEGES.iter().filter(|row| row.place.includes(kind)) {
        close(&mut out, &mut depths, row.depth);
        depths.push(row.depth);
        let granted = row.granted.is_some_and(|place| place.includes(kind));
        let _ = write!(
            out,
            "<D:supported-privilege>{}{}<D:description xml:lang=\"en\">{}</D:description>",
            privilege(row),
            if granted { "" } else { "<D:abstract/>" },
            row.description
        );
    }
    close(&mut out, &mut depths, 0);
    Some(PropertyValue::xml(out))
}

/// Every privilege held, aggregates and their parts alike: some clients know only the ones, some only the others
///.
fn current_user_privilege_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let here = |row: &&PrivilegeRow| row.place.includes(resource.node.kind) && resource.privileges.includes(row.parts);
    Some(PropertyValue::xml(PRIVILEGES.iter().filter(here).map(privilege).collect::<String>()))
}

fn privilege(row: &PrivilegeRow) -> String {
    format!("<D:privilege>{}</D:privilege>", empty(&row.element))
}

fn acl(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let Some(entries) = &resource.acl else { return Some(PropertyValue::Withheld(NEED_PRIVILEGES)) };
    let mut out = String::new();
    for entry in entries {
        let principal = match &entry.principal {
            AcePrincipal::Owner => "<D:property><D:owner/></D:property>".to_owned(),
            AcePrincipal::Authenticated => "<D:authenticated/>".to_owned(),
            AcePrincipal::Named(name) => principal_element(name),
        };
        let granted: String = entry.role.named().map(privilege).collect();
        let protected = if entry.protected { "<D:protected/>" } else { "" };
        let _ = write!(out, "<D:ace><D:principal>{principal}</D:principal><D:grant>{granted}</D:grant>{protected}");
        if let Some(path) = &entry.inherited {
            let _ = write!(out, "<D:inherited>{}</D:inherited>", href(&path.href(true)));
        }
        out.push_str("</D:ace>");
    }
    Some(PropertyValue::xml(out))
}

fn acl_restrictions(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml("<D:grant-only/><D:no-invert/>"))
}

/// None: what is inherited stands in the list itself, and no other list has to agree with it.
fn inherited_acl_set(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::Empty)
}

fn principal_collection_set(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml(href(&Path::of(&[PRINCIPALS_SEGMENT]).href(true))))
}

fn principal_url(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    match resource.node.kind {
        Kind::Principal => principal_href(&resource.node.name),
        kind => kind.proxy_role().map(|_| PropertyValue::xml(href(&resource.href))),
    }
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

fn group_members(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.kind.proxy_role().is_some() {
        let Some(known) = &resource.delegations else { return Some(PropertyValue::Withheld(NEED_PRIVILEGES)) };
        return Some(PropertyValue::xml(
            known.delegates.iter().map(|name| principal_element(name)).collect::<String>(),
        ));
    }
    match resource.groups.as_ref().map(|groups| groups.members.as_deref()) {
        _ if resource.node.kind != Kind::Principal => None,
        None => Some(PropertyValue::Empty),
        Some(None) => Some(PropertyValue::Withheld(TOO_MANY)),
        Some(Some(members)) => principal_hrefs(members),
    }
}

fn group_membership(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.kind != Kind::Principal {
        return None;
    }
    let groups = resource.groups.iter().flat_map(|groups| &groups.of);
    let of = resource.delegations.iter().flat_map(|delegations| &delegations.of);
    let proxy_group = |(name, held): &(String, Role)| {
        let (group, _) = PROXY_GROUPS.iter().find(|(_, role)| role == held)?;
        Some(href(&Path::of(&[PRINCIPALS_SEGMENT, name, group.row().code]).href(true)))
    };
    let hrefs = groups.map(|group| principal_element(&group.name)).chain(of.filter_map(proxy_group));
    Some(PropertyValue::xml(hrefs.collect::<String>()))
}
