//! Properties of sharing (caldav-sharing, caldav-notifications): who a calendar is shared with, and where people find
//! what they are notified of.

use super::{LiveProperty, PropertyContext, Read, Write};
use crate::model::kind::Kind;
use crate::model::name::{CALENDARSERVER, QName};
use crate::model::path::Path;
use crate::model::privilege::Privilege;
use crate::model::sharing::REPLY;
use crate::tree::resource::{Needs, Resource};
use crate::tree::target::{CALENDARS, NOTIFICATIONS, link_of};
use crate::wire::multistatus::{PropertyValue, href};
use crate::wire::sharing::invited;

const fn live(local: &'static str, needs: Needs, read: Read, source: &'static str) -> LiveProperty {
    let name = QName::of(CALENDARSERVER, local);
    LiveProperty { name, in_allprop: false, needs, read, write: Write::Protected, source }
}

const SHARING: Needs = Needs { sharing: true, ..Needs::TAG };

/// The rows.
pub static PROPERTIES: &[LiveProperty] = &[
    live("invite", SHARING, invite, "caldav-sharing section 5.2.2"),
    live("allowed-sharing-modes", Needs::TAG, allowed_sharing_modes, "caldav-sharing section 5.2.3"),
    live("shared-url", SHARING, shared_url, "caldav-sharing section 5.2.4"),
    live("notification-URL", Needs::TAG, notification_url, "caldav-notifications section 4.1.1"),
    live("notificationtype", Needs::TAG, notification_type, "caldav-notifications section 4.2.1"),
];

fn may_share(resource: &Resource) -> bool {
    resource.node.traits().is_calendar() && resource.privileges.contains(Privilege::Share)
}

/// Of a calendar that is shared from clients, to who may share it.
fn invite(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let sharing = resource.sharing.as_ref().filter(|sharing| !sharing.invitations.is_empty())?;
    Some(PropertyValue::xml(invited(&sharing.invitations)))
}

fn allowed_sharing_modes(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let modes = format!("<CS:can-be-shared xmlns:CS=\"{CALENDARSERVER}\"/>");
    may_share(resource).then(|| PropertyValue::xml(modes))
}

/// Where the calendar itself is, of one that was accepted.
fn shared_url(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    resource.sharing.as_ref().filter(|sharing| sharing.accepted)?;
    let (calendar, home) = link_of(&resource.node.name)?;
    Some(PropertyValue::xml(href(&Path::of(&[CALENDARS, home, calendar]).href(true))))
}

/// Nobody reads what another is notified of.
fn notification_url(resource: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    let own = resource.node.kind == Kind::Principal && resource.node.name == context.actor;
    own.then(|| PropertyValue::xml(href(&Path::of(&[CALENDARS, &context.actor, NOTIFICATIONS]).href(true))))
}

fn notification_type(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let kind = if resource.node.name.starts_with(REPLY) { "invite-reply" } else { "invite-notification" };
    let element = format!("<CS:{kind} xmlns:CS=\"{CALENDARSERVER}\" shared-type=\"calendar\"/>");
    (resource.node.kind == Kind::Notification).then(|| PropertyValue::xml(element))
}
