//! PROPPATCH: all instructions or none, in order (RFC 4918 section 9.2).

use std::collections::BTreeMap;

use http::StatusCode;

use super::call::{Call, heeded};
use super::property::{InboxProperty, Write, find, is_reserved};
use crate::exchange::Response;
use crate::ical::availability::{Availability, MAX_BYTES};
use crate::ical::tzid::known;
use crate::ical::validate::is_one_zone;
use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::kind::Kind;
use crate::model::name::{CALENDARSERVER, QName};
use crate::model::node::Node;
use crate::model::property::other_of;
use crate::model::view::Traits;
use crate::tree::edit::Edit;
use crate::tree::edit::content::PropertyChange;
use crate::tree::gate::Admitted;
use crate::wire::header::href;
use crate::wire::multistatus::XmlWriter;
use crate::wire::request::{Update, propertyupdate};
use crate::wire::xml::Element;

/// The most properties changed by one request.
const MAX_UPDATES: usize = 1000;

/// The most calendars that one says to show when their owner is busy.
const MAX_CALENDARS: usize = 200;

/// The longest comment of a version, in bytes.
const MAX_COMMENT_BYTES: usize = 4096;

impl Call {
    /// Does an instruction set a zone that is none? To be called before anything is written: following rules takes
    /// long.
    pub(super) async fn is_no_zone(&mut self, update: &Update) -> Result<bool> {
        let sets_zone = find(update.name()).is_some_and(|property| matches!(property.write, Write::Zone));
        let text = match update {
            Update::Set(element) if sets_zone => element.text(),
            _ => return Ok(false),
        };
        let known = self.tree.zone_of_text(self.request.actor.id, &self.request.budget, text.clone());
        Ok(!is_one_zone(&text) || known.await?.is_none())
    }
}

/// What an instruction asks of the tree, or why it cannot be. `no_zone`: it sets a zone that is none.
pub(super) fn plan(update: &Update, on: &Traits, no_zone: bool) -> std::result::Result<PropertyChange, Condition> {
    let write = find(update.name()).map_or(Write::Dead, |property| property.write);
    if let Some(planned) = scheduling_plan(write, update, on) {
        return planned;
    }
    match (write, update) {
        // What older versions let clients set may be taken away.
        (Write::Dead, Update::Set(element)) if is_reserved(&element.name) => {
            Err(Condition::CannotModifyProtectedProperty)
        }
        (Write::Shown, _) if !on.is_calendar() => Err(Condition::CannotModifyProtectedProperty),
        (Write::Zone, Update::Set(_)) if no_zone => Err(Condition::ValidCalendarData),
        (Write::ZoneId, Update::Set(element)) if known(&element.text()).is_none() => Err(Condition::ValidTimezone),
        (Write::Delegates, Update::Set(element)) if on.kind.proxy_role().is_some() => {
            let hrefs = element.elements().filter(|child| child.name.is_dav("href"));
            Ok(PropertyChange::Delegates(hrefs.map(|child| href(&child.text())).collect()))
        }
        (Write::Dead, _) if on.kind.proxy_role().is_some() => Err(Condition::CannotModifyProtectedProperty),
        // The calendar is as it was until somebody is invited (caldav-sharing section 5.3.2).
        (Write::ResourceType, Update::Set(element)) if on.is_calendar() && is_shared_calendar(element) => {
            Ok(PropertyChange::Shareable)
        }
        (Write::Protected | Write::Delegates | Write::ResourceType | Write::OfInbox(_), _) => {
            Err(Condition::CannotModifyProtectedProperty)
        }
        (Write::ModifiedAt(parse), Update::Set(element)) => {
            parse(&element.text()).map(PropertyChange::ModifiedAt).ok_or(Condition::PropertyValue)
        }
        (Write::Comment, Update::Set(element)) if element.text().len() <= MAX_COMMENT_BYTES => {
            Ok(PropertyChange::Comment(Some(element.text()).filter(|text| !text.is_empty())))
        }
        (Write::Comment, Update::Remove(_)) => Ok(PropertyChange::Comment(None)),
        (Write::Kept, Update::Set(element)) => match element.text().as_str() {
            "1" => Ok(PropertyChange::Kept(true)),
            "0" => Ok(PropertyChange::Kept(false)),
            _ => Err(Condition::PropertyValue),
        },
        (Write::Kept, Update::Remove(_)) => Ok(PropertyChange::Kept(false)),
        (Write::Comment, Update::Set(_)) => Err(Condition::PropertyValue),
        (
            Write::Dead
            | Write::Shown
            | Write::Zone
            | Write::ZoneId
            | Write::Transparency
            | Write::Availability
            | Write::ModifiedAt(_),
            Update::Remove(name),
        ) => Ok(PropertyChange::Remove(name.clone())),
        (
            Write::Dead | Write::Shown | Write::Zone | Write::ZoneId | Write::Transparency | Write::Availability,
            Update::Set(element),
        ) => Ok(PropertyChange::Set(element.name.clone(), element.to_xml())),
        (Write::DeadAndModifiedAt(parse), Update::Set(element)) => match parse(&element.text()) {
            Some(_) => Ok(PropertyChange::Set(element.name.clone(), element.to_xml())),
            None => Err(Condition::PropertyValue),
        },
        (Write::DeadAndModifiedAt(_), Update::Remove(name)) => Ok(PropertyChange::Remove(name.clone())),
    }
}

/// The same of what scheduling goes by; `None`: it is nothing of that, or kept as sent.
fn scheduling_plan(
    write: Write,
    update: &Update,
    on: &Traits,
) -> Option<std::result::Result<PropertyChange, Condition>> {
    Some(match (write, update) {
        (Write::OfInbox(InboxProperty::DefaultCalendar), Update::Remove(_)) if on.kind == Kind::Inbox => {
            Err(Condition::DefaultCalendarNeeded)
        }
        (Write::OfInbox(InboxProperty::DefaultCalendar), Update::Set(element)) if on.kind == Kind::Inbox => {
            let path = element.dav("href").and_then(|child| href(&child.text()));
            path.map(PropertyChange::DefaultCalendar).ok_or(Condition::ValidScheduleDefaultCalendarUrl)
        }
        (Write::OfInbox(InboxProperty::BusyCalendars), Update::Set(element)) if on.kind == Kind::Inbox => {
            let hrefs = element.elements().filter(|child| child.name.is_dav("href"));
            let paths: Option<Vec<_>> = hrefs.map(|child| href(&child.text())).collect();
            let paths = paths.filter(|paths| paths.len() <= MAX_CALENDARS);
            paths.map(PropertyChange::BusyCalendars).ok_or(Condition::PropertyValue)
        }
        (Write::Availability, _) if !matches!(on.kind, Kind::Inbox | Kind::CalendarHome) => {
            Err(Condition::CannotModifyProtectedProperty)
        }
        (Write::Availability, Update::Set(element)) => Err(no_availability(element)?),
        (Write::Transparency, _) if !on.is_calendar() => Err(Condition::CannotModifyProtectedProperty),
        (Write::Transparency, Update::Set(element)) if !is_transparency(element) => Err(Condition::PropertyValue),
        _ => return None,
    })
}

/// Does DAV:resourcetype say that it is of a calendar that is to be shared, and nothing else?
fn is_shared_calendar(types: &Element) -> bool {
    let [collection, calendar, shared] =
        [QName::dav("collection"), QName::caldav("calendar"), QName::of(CALENDARSERVER, "shared-owner")];
    let wanted = [&collection, &calendar, &shared];
    wanted.iter().all(|name| types.elements().any(|kind| kind.name == **name))
        && types.elements().all(|kind| wanted.contains(&&kind.name))
}

/// Why a text is no availability; `None`: it is.
fn no_availability(element: &Element) -> Option<Condition> {
    let text = element.text();
    if text.len() > MAX_BYTES {
        return Some(Condition::MaxResourceSize);
    }
    Availability::read(&text).is_none().then_some(Condition::ValidCalendarData)
}

/// Do the objects of a calendar take the time of its owner, or not (RFC 6638 section 9.1)?
fn is_transparency(element: &Element) -> bool {
    let mut said = element.elements();
    let known = |word: &Element| word.name.is_caldav("opaque") || word.name.is_caldav("transparent");
    said.next().is_some_and(known) && said.next().is_none()
}

/// What instructions that nobody refuses ask of the tree, in their order, with what each does besides: the modification
/// time, or that the other form of the same value no longer counts (RFC 7809 section 5.2), unless another
/// instruction sets that.
pub(super) fn changes(updates: &[Update], plans: Vec<PropertyChange>) -> Vec<PropertyChange> {
    let sets =
        |name: &QName| updates.iter().any(|update| matches!(update, Update::Set(element) if element.name == *name));
    let besides = |update: &Update| match (update, other_of(update.name())) {
        (Update::Set(_), Some(other)) => Some(PropertyChange::Remove(other)),
        (Update::Remove(_), Some(other)) if !sets(&other) => Some(PropertyChange::Remove(other)),
        (Update::Set(element), None) => match find(&element.name).map(|property| property.write) {
            Some(Write::DeadAndModifiedAt(parse)) => parse(&element.text()).map(PropertyChange::ModifiedAt),
            _ => None,
        },
        (Update::Remove(_), _) => None,
    };
    plans.into_iter().zip(updates).flat_map(|(plan, update)| [Some(plan), besides(update)]).flatten().collect()
}

/// Which dead properties something new has after these changes.
pub(super) fn set_by(changes: Vec<PropertyChange>) -> Vec<(QName, String)> {
    let mut properties = BTreeMap::new();
    for change in changes {
        match change {
            PropertyChange::Set(name, xml) => drop(properties.insert(name, xml)),
            PropertyChange::Remove(name) => drop(properties.remove(&name)),
            PropertyChange::ModifiedAt(_)
            | PropertyChange::Comment(_)
            | PropertyChange::Kept(_)
            | PropertyChange::DefaultCalendar(_)
            | PropertyChange::BusyCalendars(_)
            | PropertyChange::Shareable
            | PropertyChange::Delegates(_) => {}
        }
    }
    properties.into_iter().collect()
}

/// What is asked about a property, or why it cannot be.
type Verdict = (QName, std::result::Result<PropertyChange, Condition>);

/// Only a calendar of the home is one that invitations come into, or that shows when its owner is busy.
async fn choose_calendars(admitted: &mut Admitted<Edit>, verdicts: &mut [Verdict]) -> Result<()> {
    for (_, verdict) in verdicts {
        match verdict {
            Ok(PropertyChange::DefaultCalendar(path)) if admitted.default_calendar(path).await?.is_none() => {
                *verdict = Err(Condition::ValidScheduleDefaultCalendarUrl);
            }
            Ok(PropertyChange::BusyCalendars(paths)) => {
                let mut are_own = true;
                for path in paths.iter() {
                    are_own &= admitted.own_calendar(path).await?.is_some();
                }
                if !are_own {
                    *verdict = Err(Condition::PropertyValue);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) async fn proppatch(mut call: Call) -> Result<Response> {
    let body = call.take_whole().await?;
    let updates = propertyupdate(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    if updates.len() > MAX_UPDATES {
        return Err(Refusal::of(Condition::TooLarge).into());
    }
    let mut no_zones = Vec::with_capacity(updates.len());
    for update in &updates {
        no_zones.push(call.is_no_zone(update).await?);
    }
    let mut admitted = call.tree.write(&call.request).await?;
    let Some(on) = admitted.target.node().map(Node::traits) else { return Err(Condition::NotFound.into()) };
    let mut verdicts: Vec<Verdict> =
        updates.iter().zip(no_zones).map(|(update, none)| (update.name().clone(), plan(update, on, none))).collect();
    choose_calendars(&mut admitted, &mut verdicts).await?;
    let refused = verdicts.iter().any(|(_, verdict)| verdict.is_err());
    let href = admitted.target.href();
    let mut whole = None;
    if !refused {
        let plans = verdicts.iter().filter_map(|(_, verdict)| verdict.clone().ok()).collect();
        match admitted.patch(&changes(&updates, plans)).await {
            Ok(()) => admitted.commit().await?,
            Err(Error::Refused(refusal)) if refusal.condition == Condition::TooManyProperties => {
                whole = Some(refusal.condition);
            }
            Err(error) => return Err(error),
        }
    }
    if call.preferences().minimal && !refused && whole.is_none() {
        let mut response = Call::status(StatusCode::OK);
        heeded(&mut response, "return=minimal");
        return Ok(response);
    }
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    writer.begin_response(&href);
    for (name, verdict) in &verdicts {
        let condition = match (verdict, whole) {
            (_, Some(condition)) => Some(condition),
            (Err(condition), None) => Some(*condition),
            (Ok(_), None) if refused => Some(Condition::FailedDependency),
            (Ok(_), None) => None,
        };
        writer.begin_propstat();
        writer.name(name);
        writer.end_propstat(condition.map_or(200, Condition::status), condition);
    }
    writer.end_response();
    writer.end_multistatus(None);
    let mut response = Call::xml(StatusCode::MULTI_STATUS, writer);
    if call.preferences().representation {
        heeded(&mut response, "return=representation");
    }
    Ok(response)
}
