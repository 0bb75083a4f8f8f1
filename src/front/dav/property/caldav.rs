//! Properties of RFC 4791 and RFC 6638 that say what a calendar is and where calendars are, and those of other servers
//! that clients ask for. What people set of a calendar (colour, order, description, time zone) is kept as sent.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{InboxProperty, LiveProperty, PropertyContext, Read, Write};
use crate::ical::object::{MAX_ATTENDEES, MAX_BYTES, readable};
use crate::ical::rule::SCALES;
use crate::ical::select::select;
use crate::ical::vtimezone::vtimezone;
use crate::ical::zone::{Zone, Zones};
use crate::model::attachment::{MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS};
use crate::model::calendar::{COLLATIONS, ComponentSet, TimeRange};
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::name::{CALDAV, CALENDARSERVER, QName};
use crate::model::path::{Path, TIMEZONES};
use crate::model::principal::PrincipalKind;
use crate::model::privilege::Privilege;
use crate::model::property::ZONE;
use crate::tree::calendar::{named_zone, whole_zone};
use crate::tree::resource::{Needs, Resource, Text};
use crate::tree::target::{CALENDARS, INBOX, OUTBOX, PRINCIPALS_SEGMENT};
use crate::wire::calendar::{CALENDAR, JSON};
use crate::wire::multistatus::{PropertyValue, href};
use crate::wire::xml::escape;

/// Zones are described by the rules of the coming year, seconds.
const YEAR_S: i64 = 366 * 86_400;

const NOTHING: Needs = Needs::NOTHING;
const PRINCIPAL: Needs = Needs { principal: true, ..NOTHING };
const OF_CALENDAR: Needs = Needs { components: true, ..NOTHING };
const DEAD: Needs = Needs { dead: true, ..NOTHING };

const TEXT: Needs = Needs { text: true, ..Needs::TAG };

const fn live(local: &'static str, needs: Needs, read: Read, source: &'static str) -> LiveProperty {
    LiveProperty { name: QName::caldav(local), in_allprop: false, needs, read, write: Write::Protected, source }
}

const fn set(local: &'static str, read: Read, write: Write, source: &'static str) -> LiveProperty {
    LiveProperty { name: QName::caldav(local), in_allprop: false, needs: DEAD, read, write, source }
}

const fn calendar_server(local: &'static str, needs: Needs, read: Read) -> LiveProperty {
    let name = QName::of(CALENDARSERVER, local);
    LiveProperty { name, in_allprop: false, needs, read, write: Write::Protected, source: "Calendar Server" }
}

/// The rows.
pub static PROPERTIES: &[LiveProperty] = &[
    live("calendar-home-set", NOTHING, calendar_home_set, "RFC 4791 section 6.2.1"),
    live("calendar-user-address-set", PRINCIPAL, calendar_user_address_set, "RFC 6638 section 2.4.1"),
    live("calendar-user-type", PRINCIPAL, calendar_user_type, "RFC 6638 section 2.4.2"),
    LiveProperty {
        name: QName::caldav("calendar-availability"),
        in_allprop: false,
        needs: DEAD,
        read: kept,
        write: Write::Availability,
        source: "RFC 7953 section 7.2.4",
    },
    LiveProperty {
        name: QName::of(CALENDARSERVER, "calendar-availability"),
        in_allprop: false,
        needs: DEAD,
        read: kept,
        write: Write::Availability,
        source: "Calendar Server",
    },
    live("schedule-inbox-URL", PRINCIPAL, schedule_inbox_url, "RFC 6638 section 2.2.1"),
    live("schedule-outbox-URL", PRINCIPAL, schedule_outbox_url, "RFC 6638 section 2.1.1"),
    LiveProperty {
        name: QName::caldav("schedule-default-calendar-URL"),
        in_allprop: false,
        needs: Needs { default_calendar: true, ..NOTHING },
        read: schedule_default_calendar_url,
        write: Write::OfInbox(InboxProperty::DefaultCalendar),
        source: "RFC 6638 section 9.2",
    },
    LiveProperty {
        name: QName::caldav("calendar-free-busy-set"),
        in_allprop: false,
        needs: Needs { busy_calendars: true, ..NOTHING },
        read: calendar_free_busy_set,
        write: Write::OfInbox(InboxProperty::BusyCalendars),
        source: "draft-desruisseaux-caldav-sched-03",
    },
    live("supported-calendar-component-set", OF_CALENDAR, supported_components, "RFC 4791 section 5.2.3"),
    live("supported-calendar-data", NOTHING, supported_data, "RFC 4791 section 5.2.4"),
    live("max-resource-size", NOTHING, max_resource_size, "RFC 4791 section 5.2.5"),
    live("max-attendees-per-instance", NOTHING, max_attendees, "RFC 4791 section 5.2.9"),
    live("max-attachment-size", NOTHING, max_attachment_size, "RFC 8607 section 6.2"),
    live("max-attachments-per-resource", NOTHING, max_attachments, "RFC 8607 section 6.3"),
    live("supported-rscale-set", NOTHING, supported_rscales, "RFC 7529"),
    live("supported-collation-set", NOTHING, supported_collations, "RFC 4791 section 7.5.1"),
    live("schedule-tag", NOTHING, schedule_tag, "RFC 6638 section 9.3"),
    live("calendar-data", TEXT, calendar_data, "RFC 4791 section 9.6"),
    set("schedule-calendar-transp", schedule_calendar_transp, Write::Transparency, "RFC 6638 section 9.1"),
    set("calendar-timezone", calendar_timezone, Write::Zone, "RFC 4791 section 5.2.2"),
    set("calendar-timezone-id", calendar_timezone_id, Write::ZoneId, "RFC 7809 section 5.2"),
    live("timezone-service-set", NOTHING, timezone_services, "RFC 7809 section 5.1"),
    live("supported-calendar-component-sets", NOTHING, component_sets, "Calendar Server"),
    LiveProperty {
        name: QName::dav("add-member"),
        in_allprop: false,
        needs: NOTHING,
        read: add_member,
        write: Write::Protected,
        source: "RFC 5995 section 3.2.1",
    },
    calendar_server("getctag", NOTHING, getctag),
    calendar_server("email-address-set", PRINCIPAL, email_address_set),
];

fn text<'a>(value: impl Into<Cow<'a, str>>) -> Option<PropertyValue<'a>> {
    Some(PropertyValue::text(value))
}

fn schedule_tag(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    text(resource.node.schedule_tag()?.header_value())
}

/// The zone that a calendar was given by name is described, where two yearly rules can; what was sent stays as it was.
fn calendar_timezone(resource: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    let zone = Zone::Known(named_zone(&resource.dead).filter(|_| resource.node.traits().is_calendar())?);
    let range = TimeRange { start: context.now, end: context.now.saturating_add(YEAR_S) };
    let zone = vtimezone(zone.iana_name()?, &zone, range)?;
    let product = "PRODID:-//Beffroi//Beffroi//EN\r\n";
    text(format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{product}{zone}END:VCALENDAR\r\n"))
}

/// The name of the zone that a calendar was given whole.
fn calendar_timezone_id(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let whole = whole_zone(&resource.dead).filter(|_| resource.node.traits().is_calendar())?;
    text(Zone::named_in(&whole)?.iana_name()?.to_owned())
}

/// Is a zone that was stored whole still the one that its calendar goes by?
pub(super) fn holds(resource: &Resource, name: &QName) -> bool {
    let [_, whole] = ZONE;
    *name != whole || named_zone(&resource.dead).is_none()
}

/// Where the zones are described that objects need not describe: this server itself.
fn timezone_services(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    (resource.node.kind == Kind::CalendarHome).then(|| PropertyValue::xml(href(TIMEZONES)))
}

/// What one may ask of a new calendar: any kind alone, or all together.
fn component_sets(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let set = |names: &[&str]| {
        let comps: String = names.iter().map(|name| comp(name)).collect();
        format!("<C:supported-calendar-component-set xmlns:C=\"{CALDAV}\">{comps}</C:supported-calendar-component-set>")
    };
    let all: Vec<&str> = ComponentSet::ALL.names().collect();
    let alone = all.iter().map(|name| set(&[name]));
    (resource.node.kind == Kind::CalendarHome).then(|| PropertyValue::xml(alone.chain([set(&all)]).collect::<String>()))
}

/// Members are added by POST to the calendar itself.
fn add_member(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let adds = resource.node.traits().methods.contains(Method::Post) && resource.privileges.contains(Privilege::Bind);
    adds.then(|| PropertyValue::xml(href(&resource.href)))
}

fn comp(name: &str) -> String {
    format!("<C:comp xmlns:C=\"{CALDAV}\" name=\"{name}\"/>")
}

fn xml(value: String) -> Option<PropertyValue<'static>> {
    Some(PropertyValue::xml(value))
}

fn calendar_home_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    (resource.node.kind == Kind::Principal)
        .then(|| PropertyValue::xml(href(&Path::of(&[CALENDARS, &resource.node.name]).href(true))))
}

/// Nothing live: the value, if there is one, is what was sent.
fn kept(_: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    None
}

/// Where a principal has something; a group has no home.
fn in_home(resource: &Resource, collection: &str, has: &[PrincipalKind]) -> Option<PropertyValue<'static>> {
    let principal = resource.principal.as_ref().filter(|_| resource.node.kind == Kind::Principal)?;
    let path = Path::of(&[CALENDARS, &principal.name, collection]);
    has.contains(&principal.kind).then(|| PropertyValue::xml(href(&path.href(true))))
}

fn schedule_inbox_url(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    in_home(resource, INBOX, &[PrincipalKind::Person, PrincipalKind::Project, PrincipalKind::Room])
}

/// A room sends nothing of itself.
fn schedule_outbox_url(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    in_home(resource, OUTBOX, &[PrincipalKind::Person, PrincipalKind::Project])
}

fn schedule_default_calendar_url(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let home = resource.owner.as_deref().filter(|_| resource.node.kind == Kind::Inbox)?;
    let calendar = resource.default_calendar.as_deref();
    let path = calendar.map(|calendar| href(&Path::of(&[CALENDARS, home, calendar]).href(true)));
    Some(path.map_or(PropertyValue::Empty, PropertyValue::xml))
}

/// What is said of each calendar by schedule-calendar-transp, as older clients read it.
fn calendar_free_busy_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let home = resource.owner.as_deref().filter(|_| resource.node.kind == Kind::Inbox)?;
    let path = |calendar: &String| href(&Path::of(&[CALENDARS, home, calendar]).href(true));
    Some(PropertyValue::xml(resource.busy_calendars.iter().map(path).collect::<String>()))
}

/// The address of the log-in first, the principal's own last: clients take the first that they understand.
fn calendar_user_address_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let principal = resource.principal.as_ref().filter(|_| resource.node.kind == Kind::Principal)?;
    let own = Path::of(&[PRINCIPALS_SEGMENT, &principal.name]).href(true);
    xml(principal.addresses.iter().map(|address| href(address)).chain([href(&own)]).collect())
}

fn calendar_user_type(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let principal = resource.principal.as_ref().filter(|_| resource.node.kind == Kind::Principal)?;
    text(principal.calendar_user_type().code())
}

fn email_address_set(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let principal = resource.principal.as_ref().filter(|_| resource.node.kind == Kind::Principal)?;
    let mut out = String::new();
    for address in principal.addresses.iter().filter_map(|uri| uri.strip_prefix("mailto:")) {
        let _ = write!(out, "<CS:email-address xmlns:CS=\"{CALENDARSERVER}\">");
        escape(address, &mut out);
        out.push_str("</CS:email-address>");
    }
    xml(out)
}

fn supported_components(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    xml(resource.components?.names().map(comp).collect())
}

fn supported_data(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let of = |kind: &str| format!("<C:calendar-data xmlns:C=\"{CALDAV}\" content-type=\"{kind}\" version=\"2.0\"/>");
    if resource.node.traits().holds_objects() { xml([CALENDAR, JSON].map(of).concat()) } else { None }
}

fn max_resource_size(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.traits().holds_objects() { text(MAX_BYTES.to_string()) } else { None }
}

fn max_attendees(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.traits().holds_objects() { text(MAX_ATTENDEES.to_string()) } else { None }
}

fn max_attachment_size(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.traits().holds_objects() { text(MAX_ATTACHMENT_BYTES.to_string()) } else { None }
}

fn max_attachments(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.traits().holds_objects() { text(MAX_ATTACHMENTS.to_string()) } else { None }
}

/// The calendars by which rules may count (RSCALE).
fn supported_rscales(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let of = |name: &str| format!("<C:supported-rscale xmlns:C=\"{CALDAV}\">{name}</C:supported-rscale>");
    if resource.node.traits().holds_objects() { xml(SCALES.map(of).concat()) } else { None }
}

fn supported_collations(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let of = |name: &str| {
        format!("<C:supported-collation xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{name}</C:supported-collation>")
    };
    if resource.node.traits().holds_objects() {
        xml(COLLATIONS.iter().map(|(_, name)| of(name)).collect())
    } else {
        None
    }
}

/// The object as it is stored, or the parts that are wanted. Of one that nobody can read there are no parts (500): its
/// tag is sent all the same, so it does not vanish, and GET gives the bytes. What would be too much is withheld
/// likewise (507).
fn calendar_data<'a>(resource: &'a Resource, context: &'a PropertyContext) -> Option<PropertyValue<'a>> {
    let (selection, zone, budget) = context.calendar.as_ref()?;
    match &resource.text {
        Text::Unread => return None,
        Text::Missing => return Some(PropertyValue::Withheld(500)),
        Text::Read(stored) if selection.is_all() => return text(readable(stored)),
        Text::Shared(..) if selection.is_all() => return text(readable(&resource.seen_text()?).into_owned()),
        Text::Read(_) | Text::Shared(..) => {}
    }
    let Some(object) = resource.object() else { return Some(PropertyValue::Withheld(500)) };
    let zones = Zones::new(&object.calendar, zone).within(budget);
    let Ok(selected) = select(&object, selection, &zones) else { return Some(PropertyValue::Withheld(507)) };
    if !selection.json {
        return text(selected);
    }
    let mut element = format!("<C:calendar-data xmlns:C=\"{CALDAV}\" content-type=\"{JSON}\" version=\"2.0\">");
    escape(&selected, &mut element);
    Some(PropertyValue::element(element + "</C:calendar-data>"))
}

/// Opaque unless it was set (RFC 6638 section 9.1).
fn schedule_calendar_transp(resource: &Resource, _: &PropertyContext) -> Option<PropertyValue<'static>> {
    let set = resource.dead.iter().any(|(name, _)| name.is_caldav("schedule-calendar-transp"));
    let opaque = "<C:opaque xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>";
    (resource.node.traits().is_calendar() && !set).then(|| PropertyValue::xml(opaque))
}

fn getctag(resource: &Resource, context: &PropertyContext) -> Option<PropertyValue<'static>> {
    if resource.node.kind == Kind::Notifications {
        text(format!("{}-{}", resource.node.members_seq, resource.node.documents))
    } else if resource.node.traits().holds_objects() {
        text(context.seal.write(&resource.node.sync_token()))
    } else {
        None
    }
}
