//! PROPERTIES: one row a live property. Reading one is a plain function of a view that was loaded before.

mod acl;
mod caldav;
mod sharing;
mod versioning;
mod webdav;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::ical::zone::Zone;
use crate::model::budget::Budget;
use crate::model::calendar::CalendarDataSelection;
use crate::model::id::Timestamp;
use crate::model::markup::is_whole;
use crate::model::name::QName;
use crate::model::token::TokenSeal;
use crate::tree::gate::Admitted;
use crate::tree::resource::{Needs, Resource};
use crate::wire::multistatus::{ElementTags, PropertyValue};

/// What a property's value depends on besides the resource.
#[derive(Clone, Debug)]
pub struct PropertyContext {
    /// Name of the person who asks.
    pub actor: String,
    /// The moment that counts.
    pub now: Timestamp,
    /// Makes sync tokens.
    pub seal: Arc<TokenSeal>,
    /// Which parts of a calendar object are wanted, in which zone floating times are, and what that may cost.
    pub calendar: Option<(CalendarDataSelection, Zone, Budget)>,
}

impl PropertyContext {
    /// For a request without calendar data.
    #[must_use]
    pub fn of<T>(admitted: &Admitted<T>) -> Self {
        let (actor, now, seal) = (admitted.actor().name.clone(), admitted.now(), Arc::clone(admitted.seal()));
        Self { actor, now, seal, calendar: None }
    }
}

/// Reads a property off what was loaded; `None`: this resource has no such property.
pub type Read = for<'a> fn(&'a Resource, &'a PropertyContext) -> Option<PropertyValue<'a>>;

/// A live property.
pub struct LiveProperty {
    /// Its name.
    pub name: QName,
    /// Is it part of `allprop`?
    pub in_allprop: bool,
    /// What must be loaded to read it.
    pub needs: Needs,
    /// Its value.
    pub read: Read,
    /// What PROPPATCH does with it.
    pub write: Write,
    /// Where it is defined.
    pub source: &'static str,
}

/// What PROPPATCH does with a property.
#[derive(Clone, Copy)]
pub enum Write {
    /// Refused: `cannot-modify-protected-property`.
    Protected,
    /// Kept as sent.
    Dead,
    /// Kept as sent for a calendar, refused elsewhere: the shown name of a document is its name.
    Shown,
    /// Kept as sent when it is a time zone.
    Zone,
    /// Kept as sent when it names a time zone.
    ZoneId,
    /// Kept as sent for a calendar when it is one of two elements.
    Transparency,
    /// Kept as sent for an inbox or the calendars of a home when it is availability. Refused elsewhere.
    Availability,
    /// Says of the calendars of a home what their inbox lists. Refused elsewhere.
    OfInbox(InboxProperty),
    /// Sets the modification time.
    ModifiedAt(fn(&str) -> Option<Timestamp>),
    /// Sets or removes what is said of a version.
    Comment,
    /// Marks a version that retention never takes.
    Kept,
    /// Of a group of delegates: says who they are. Refused elsewhere.
    Delegates,
    /// Of a calendar: says that it is to be shared. Refused elsewhere, and where it says anything else.
    ResourceType,
    /// Kept as sent, and sets the modification time.
    DeadAndModifiedAt(fn(&str) -> Option<Timestamp>),
}

/// What an inbox lists of the calendars of its home.
#[derive(Clone, Copy)]
pub enum InboxProperty {
    /// Which one invitations come into.
    DefaultCalendar,
    /// Which ones show when their owner is busy.
    BusyCalendars,
}

/// All rows.
pub fn all() -> impl Iterator<Item = &'static LiveProperty> {
    [webdav::PROPERTIES, acl::PROPERTIES, versioning::PROPERTIES, caldav::PROPERTIES, sharing::PROPERTIES]
        .into_iter()
        .flatten()
}

/// By their names, with their tags.
static KNOWN: LazyLock<HashMap<&'static QName, (&'static LiveProperty, ElementTags)>> =
    LazyLock::new(|| all().map(|property| (&property.name, (property, ElementTags::of(&property.name)))).collect());

/// Live properties that this server does not have. What a client would write there, others would believe to be the
/// server's word: the standards protect them all the same.
static RESERVED: &[(QName, &str)] = &[
    (QName::caldav("min-date-time"), "RFC 4791 sections 5.2.6 to 5.2.8"),
    (QName::caldav("max-date-time"), "RFC 4791 sections 5.2.6 to 5.2.8"),
    (QName::caldav("max-instances"), "RFC 4791 sections 5.2.6 to 5.2.8"),
    (QName::caldav("managed-attachments-server-URL"), "RFC 8607 section 6"),
];

/// Is a property the server's to give, which gives none?
#[must_use]
pub fn is_reserved(name: &QName) -> bool {
    RESERVED.iter().any(|(known, _)| known == name)
}

/// The row of a property, and its tags.
#[must_use]
pub fn find_with_tags(name: &QName) -> Option<&'static (&'static LiveProperty, ElementTags)> {
    KNOWN.get(name)
}

/// The row of a property.
#[must_use]
pub fn find(name: &QName) -> Option<&'static LiveProperty> {
    find_with_tags(name).map(|(property, _)| *property)
}

/// What `allprop` answers, besides dead properties.
pub fn in_allprop() -> impl Iterator<Item = &'static LiveProperty> {
    all().filter(|property| property.in_allprop)
}

/// The dead properties of a resource, without what is no longer so.
pub fn dead(resource: &Resource) -> impl Iterator<Item = &(QName, String)> {
    let holds = |dead: &&(QName, String)| match dead.0 == webdav::WIN32_LAST_MODIFIED {
        true => webdav::holds(resource, &dead.1),
        false => caldav::holds(resource, &dead.0),
    };
    resource.dead.iter().filter(holds)
}

/// A dead property as it is sent: one that is damaged is there, and must not break the answer.
pub fn stored_element(xml: &str) -> PropertyValue<'_> {
    if is_whole(xml, &[]) { PropertyValue::element(xml) } else { PropertyValue::Withheld(500) }
}

/// The value of a property of a resource, live or dead. A listing asks for some twelve of each member.
#[inline]
pub fn value<'a>(
    resource: &'a Resource,
    context: &'a PropertyContext,
    row: Option<&LiveProperty>,
    name: &QName,
) -> Option<PropertyValue<'a>> {
    if let Some(live) = row.and_then(|row| (row.read)(resource, context)) {
        return Some(live);
    }
    if resource.dead.is_empty() { None } else { dead_value(resource, name) }
}

fn dead_value<'a>(resource: &'a Resource, name: &QName) -> Option<PropertyValue<'a>> {
    dead(resource).find(|(known, _)| known == name).map(|(_, xml)| stored_element(xml))
}

/// Names of the live properties that a resource has.
pub fn names_of(resource: &Resource, context: &PropertyContext) -> Vec<QName> {
    all()
        .filter(|property| (property.read)(resource, context).is_some())
        .map(|property| property.name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn no_property_has_two_rows() {
        let names: Vec<_> = all().map(|property| &property.name).collect();
        for (position, name) in names.iter().enumerate() {
            assert!(!names[..position].contains(name), "{name:?}");
        }
    }
}
