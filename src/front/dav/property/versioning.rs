//! Properties of RFC 3253 (the part that makes every document version-controlled, versions readable and reports known),
//! and of the trash.

use std::borrow::Cow;

use super::{LiveProperty, PropertyContext, Read, Write, all};
use crate::front::dav::report::REPORTS;
use crate::model::method::METHODS;
use crate::model::name::{BEFFROI, QName};
use crate::model::view::View;
use crate::tree::resource::{Needs, Resource};
use crate::tree::target::version_path;
use crate::wire::header::http_date;
use crate::wire::multistatus::{PropertyValue, empty, href};

const NOTHING: Needs = Needs::NOTHING;
const VERSIONS: Needs = Needs { versions: true, ..NOTHING };
const KEPT: Needs = Needs { kept: true, ..VERSIONS };
const AUTHOR: Needs = Needs { author: true, ..NOTHING };
const OLD_PLACE: Needs = Needs { old_place: true, ..Needs::TAG };

const fn live(local: &'static str, needs: Needs, read: Read, source: &'static str) -> LiveProperty {
    written(local, needs, read, Write::Protected, source)
}

const fn written(local: &'static str, needs: Needs, read: Read, write: Write, source: &'static str) -> LiveProperty {
    LiveProperty { name: QName::dav(local), in_allprop: false, needs, read, write, source }
}

const fn ours(local: &'static str, in_allprop: bool, needs: Needs, read: Read, write: Write) -> LiveProperty {
    LiveProperty { name: QName::of(BEFFROI, local), in_allprop, needs, read, write, source: "ours" }
}

/// The rows.
pub static PROPERTIES: &[LiveProperty] = &[
    written("comment", NOTHING, comment, Write::Comment, "RFC 3253 section 3.1.1"),
    live("creator-displayname", AUTHOR, creator_displayname, "RFC 3253 section 3.1.2"),
    live("supported-method-set", NOTHING, supported_method_set, "RFC 3253 section 3.1.3"),
    live("supported-live-property-set", NOTHING, supported_live_property_set, "RFC 3253 section 3.1.4"),
    live("supported-report-set", NOTHING, supported_report_set, "RFC 3253 section 3.1.5"),
    live("checked-in", VERSIONS, checked_in, "RFC 3253 section 3.2.1"),
    live("auto-version", NOTHING, auto_version, "RFC 3253 section 3.2.2"),
    live("checked-out", VERSIONS, checked_out, "RFC 3253 section 3.3.1"),
    live("predecessor-set", VERSIONS, predecessor_set, "RFC 3253 sections 3.3.2 and 3.4.1"),
    live("successor-set", VERSIONS, successor_set, "RFC 3253 section 3.4.2"),
    live("checkout-set", NOTHING, checkout_set, "RFC 3253 section 3.4.3"),
    live("version-name", NOTHING, version_name, "RFC 3253 section 3.4.4"),
    live("version-set", VERSIONS, version_set, "RFC 3253 section 5.1.1"),
    live("root-version", VERSIONS, root_version, "RFC 3253 section 5.1.2"),
    live("version-history", NOTHING, version_history, "RFC 3253 sections 5.2.1 and 5.3.1"),
    ours("creator-device", false, NOTHING, creator_device, Write::Protected),
    ours("sha256", false, NOTHING, sha256, Write::Protected),
    ours("kept", false, KEPT, kept, Write::Kept),
    ours("deleted-at", true, OLD_PLACE, deleted_at, Write::Protected),
    ours("deleted-from", true, OLD_PLACE, deleted_from, Write::Protected),
];

fn text<'a>(value: impl Into<Cow<'a, str>>) -> Option<PropertyValue<'a>> {
    Some(PropertyValue::text(value))
}

fn is_version(resource: &Resource) -> bool {
    !resource.node.is_collection() && matches!(resource.node.view, View::Version | View::MirroredVersion | View::Former)
}

fn is_document(resource: &Resource) -> bool {
    resource.node.view == View::Present && resource.node.traits().versioned
}

fn hrefs(resource: &Resource, numbers: impl Iterator<Item = i64>) -> Option<PropertyValue<'static>> {
    let history = version_path(resource.node.id, None).href(true);
    let xml: String = numbers.map(|number| href(&format!("{history}{number}"))).collect();
    Some(if xml.is_empty() { PropertyValue::Empty } else { PropertyValue::xml(xml) })
}

/// The newest version; while a draft is written, the one it began from.
fn newest(resource: &Resource) -> Option<i64> {
    resource.versions().last().copied()
}

fn comment<'a>(resource: &'a Resource, _: &'a PropertyContext) -> Option<PropertyValue<'a>> {
    text(resource.node.comment.as_deref()?)
}

fn creator_displayname<'a>(resource: &'a Resource, _: &'a PropertyContext) -> Option<PropertyValue<'a>> {
    text(resource.author.as_deref()?)
}

fn creator_device<'a>(resource: &'a Resource, _: &'a PropertyContext) -> Option<PropertyValue<'a>> {
    text(resource.node.device.as_deref()?)
}

fn sha256<'a>(resource: &'a Resource, _: &'a PropertyContext) -> Option<PropertyValue<'a>> {
    if resource.node.is_altered() {
        return None;
    }
    text(resource.node.hash.as_deref()?)
}

fn supported_method_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let methods = METHODS.iter().filter(|(method, _)| resource.node.traits().methods.contains(*method));
    Some(PropertyValue::xml(
        methods.map(|(_, name)| format!("<D:supported-method name=\"{name}\"/>")).collect::<String>(),
    ))
}

fn supported_live_property_set(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let mut xml = String::new();
    for property in all() {
        let element = empty(&property.name);
        xml.push_str(&format!("<D:supported-live-property><D:prop>{element}</D:prop></D:supported-live-property>"));
    }
    Some(PropertyValue::xml(xml))
}

fn supported_report_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let reports = REPORTS.iter().filter(|report| (report.on)(resource.node.traits()));
    let xml = |name: &QName| format!("<D:supported-report><D:report>{}</D:report></D:supported-report>", empty(name));
    Some(PropertyValue::xml(reports.map(|report| xml(&report.name)).collect::<String>()))
}

fn checked_in(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if !is_document(resource) || !resource.node.sealed { None } else { hrefs(resource, newest(resource).into_iter()) }
}

fn checked_out(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if !is_document(resource) || resource.node.sealed || resource.versions().is_empty() {
        return None;
    }
    hrefs(resource, newest(resource).into_iter())
}

fn auto_version(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let versioned = is_document(resource) && !resource.node.litter;
    versioned.then(|| PropertyValue::xml("<D:checkout-unlocked-checkin/>"))
}

/// Numbers of the versions before this one.
fn before(resource: &Resource) -> &[i64] {
    resource.versions().split_at(resource.versions().partition_point(|number| *number < resource.node.version)).0
}

fn predecessor_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if is_version(resource) {
        return hrefs(resource, before(resource).last().copied().into_iter());
    }
    (is_document(resource) && !resource.node.sealed).then(|| hrefs(resource, newest(resource).into_iter()))?
}

fn successor_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let after = resource.versions().partition_point(|number| *number <= resource.node.version);
    is_version(resource).then(|| hrefs(resource, resource.versions().get(after).copied().into_iter()))?
}

fn checkout_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    is_version(resource).then_some(PropertyValue::Empty)
}

fn version_name(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if is_version(resource) { text(resource.node.version.to_string()) } else { None }
}

fn version_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.view == View::VersionHistory { hrefs(resource, resource.versions().iter().copied()) } else { None }
}

fn root_version(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.view == View::VersionHistory {
        hrefs(resource, resource.versions().first().copied().into_iter())
    } else {
        None
    }
}

fn version_history(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let of_document = resource.node.kind.row().versioned && !resource.node.is_collection();
    of_document.then(|| PropertyValue::xml(href(&version_path(resource.node.id, None).href(true))))
}

fn kept(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if is_version(resource) && !resource.versions().is_empty() {
        text(if resource.kept { "1" } else { "0" })
    } else {
        None
    }
}

fn deleted_at(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    text(http_date(resource.old_place.as_ref()?.0))
}

fn deleted_from(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let (_, path) = resource.old_place.as_deref()?;
    Some(PropertyValue::xml(href(&path.href(resource.node.is_collection()))))
}
