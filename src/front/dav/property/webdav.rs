//! Properties of RFC 4918, 4331, 5842 and 6578, and of Windows.

use std::borrow::Cow;

use jiff::Timestamp as Instant;

use super::{LiveProperty, PropertyContext, Read, Write};
use crate::model::etag::ETag;
use crate::model::id::{Timestamp, representable};
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::name::{CALENDARSERVER, MICROSOFT, QName};
use crate::model::view::View;
use crate::tree::calendar::text_of;
use crate::tree::resource::{Needs, Resource};
use crate::tree::target::link_of;
use crate::wire::header::{file_date, http_date, unix_seconds};
use crate::wire::multistatus::{PropertyValue, empty, href, lockdiscovery};

/// What a home without quota says it still takes: Finder refuses to copy where there is no number.
const UNLIMITED_BYTES: i64 = 1 << 40;

/// The modification time, as Windows sets it.
pub(super) const WIN32_LAST_MODIFIED: QName = QName::of(MICROSOFT, "Win32LastModifiedTime");

const BRIEF: Needs = Needs::BRIEF;
const DEAD: Needs = Needs { dead: true, ..Needs::TAG };
const SHARING: Needs = Needs { sharing: true, ..Needs::TAG };
const LOCKS: Needs = Needs { locks: true, ..Needs::TAG };
const QUOTA: Needs = Needs { quota: true, ..BRIEF };

const fn live(local: &'static str, in_allprop: bool, needs: Needs, read: Read, source: &'static str) -> LiveProperty {
    written(local, in_allprop, needs, read, Write::Protected, source)
}

const fn written(
    local: &'static str,
    in_allprop: bool,
    needs: Needs,
    read: Read,
    write: Write,
    source: &'static str,
) -> LiveProperty {
    LiveProperty { name: QName::dav(local), in_allprop, needs, read, write, source }
}

/// The rows.
pub static PROPERTIES: &[LiveProperty] = &[
    live("creationdate", true, BRIEF, creationdate, "RFC 4918 section 15.1"),
    written("displayname", true, DEAD, displayname, Write::Shown, "RFC 4918 section 15.2"),
    live("getcontentlength", true, BRIEF, getcontentlength, "RFC 4918 section 15.4"),
    live("getcontenttype", true, BRIEF, getcontenttype, "RFC 4918 section 15.5"),
    live("getetag", true, Needs::TAG, getetag, "RFC 4918 section 15.6"),
    live("getlastmodified", true, BRIEF, getlastmodified, "RFC 4918 section 15.7"),
    live("lockdiscovery", true, LOCKS, lock_discovery, "RFC 4918 section 15.8"),
    written("resourcetype", true, SHARING, resourcetype, Write::ResourceType, "RFC 4918 section 15.9"),
    live("supportedlock", true, Needs::TAG, supportedlock, "RFC 4918 section 15.10"),
    live("quota-available-bytes", false, QUOTA, quota_available, "RFC 4331 section 3"),
    live("quota-used-bytes", false, QUOTA, quota_used, "RFC 4331 section 4"),
    live("resource-id", false, BRIEF, resource_id, "RFC 5842 section 3.1"),
    live("sync-token", false, Needs::NOTHING, token, "RFC 6578 section 4"),
    // Dead properties that say something to us as well. `allprop` lists them with the dead ones.
    dead(QName::dav("lastmodified"), DEAD, Write::ModifiedAt(seconds_or_date), "rclone, Cyberduck"),
    dead(QName::dav("getcontentlanguage"), DEAD, Write::Dead, "RFC 4918 section 15.3"),
    dead(WIN32_LAST_MODIFIED, DEAD.and(BRIEF), Write::DeadAndModifiedAt(file_date), "Windows"),
];

/// A property whose value, if it has one, is kept as sent.
const fn dead(name: QName, needs: Needs, write: Write, source: &'static str) -> LiveProperty {
    LiveProperty { name, in_allprop: false, needs, read: absent, write, source }
}

fn text<'a>(value: impl Into<Cow<'a, str>>) -> Option<PropertyValue<'a>> {
    Some(PropertyValue::text(value))
}

/// Text of ours that holds no markup: a number, a date, a tag.
fn plain(value: String) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml(value))
}

/// Nothing live: the value, if there is one, is a dead property's.
fn absent(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    None
}

/// rclone says seconds, Cyberduck a date.
fn seconds_or_date(text: &str) -> Option<Timestamp> {
    unix_seconds(text).or_else(|| file_date(text))
}

/// Is what Windows said of the modification time of a resource, in a dead property, still so? It is that time
/// spelled out, and kept only because not all of its dates can be expressed otherwise: whatever gives the resource
/// another time ends it.
pub(super) fn holds(resource: &Resource, xml: &str) -> bool {
    let set = text_of(xml).as_deref().and_then(file_date);
    set.is_some_and(|set| representable(set) == representable(resource.node.modified_at))
}

fn creationdate(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    plain(Instant::from_second(resource.node.created_at).ok()?.to_string())
}

/// The last segment: file managers show it as the name. A principal is shown by its display name.
fn displayname<'a>(resource: &'a Resource, _: &'a PropertyContext) -> Option<PropertyValue<'a>> {
    match (&resource.principal, resource.node.kind) {
        (Some(principal), _) => text(principal.display_name.as_str()),
        // A calendar's own is a dead one.
        (None, _)
            if resource.node.traits().is_calendar()
                && resource.dead.iter().any(|(name, _)| name.is_dav("displayname")) =>
        {
            None
        }
        (None, _) if resource.node.view == View::Linked => {
            let (calendar, home) = link_of(&resource.node.name)?;
            text(format!("{calendar} ({home})"))
        }
        (None, Kind::Root) => text("Beffroi"),
        (None, _) => text(resource.node.name.as_str()),
    }
}

fn getcontentlength(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let is_known = !resource.node.is_collection() && !resource.node.is_altered();
    is_known.then(|| PropertyValue::xml(resource.node.size_bytes.to_string()))
}

fn getcontenttype<'a>(resource: &'a Resource, _: &'a PropertyContext) -> Option<PropertyValue<'a>> {
    text(resource.node.media_type()?)
}

fn getetag(resource: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.is_altered() {
        return plain(resource.node.etag(&context.seal)?.header_value());
    }
    plain(ETag::header_of_hash(resource.node.hash.as_deref()?))
}

fn getlastmodified(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    plain(http_date(resource.node.modified_at))
}

fn lock_discovery(resource: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    if !resource.node.traits().methods.contains(Method::Lock) {
        return None;
    }
    // Who holds a lock is a person, of whom nothing is said here.
    Some(if resource.locks.is_empty() || resource.node.view == View::Masked {
        PropertyValue::Empty
    } else {
        PropertyValue::xml(lockdiscovery(&resource.locks, context.now))
    })
}

fn resourcetype(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let types = resource.node.traits().resource_types;
    if types.is_empty() {
        return Some(PropertyValue::Empty);
    }
    let shared = resource.sharing.as_ref().map(|sharing| match sharing.accepted {
        true => QName::of(CALENDARSERVER, "shared"),
        false => QName::of(CALENDARSERVER, "shared-owner"),
    });
    Some(PropertyValue::xml(types.iter().chain(&shared).map(empty).collect::<String>()))
}

fn supportedlock(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    const BOTH: &str = "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>\
        </D:lockentry><D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype>\
        </D:lockentry>";
    resource.node.traits().methods.contains(Method::Lock).then(|| PropertyValue::xml(BOTH))
}

fn quota_available(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let (_, available) = resource.quota?;
    plain(available.unwrap_or(UNLIMITED_BYTES).to_string())
}

fn quota_used(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    plain(resource.quota?.0.to_string())
}

/// An identifier says when it was made.
fn resource_id(resource: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.view == View::Passage {
        return None;
    }
    Some(PropertyValue::xml(href(&format!("urn:beffroi:{}:{}", context.seal.epoch, resource.node.id))))
}

fn token(resource: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.traits().sync { text(context.seal.write(&resource.node.sync_token())) } else { None }
}
