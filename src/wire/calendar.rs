//! Bodies of CalDAV's reports as values (RFC 4791 section 9).

use super::request::Asked;
use super::xml::Element;
use crate::model::calendar::{
    COLLATIONS, Collation, ComponentFilter, ComponentSelection, ParameterFilter, PropertyFilter, Selection, TextMatch,
    TimeRange,
};
use crate::model::civil::seconds_of;
use crate::model::condition::Condition;
use crate::model::id::Timestamp;

/// How deep filters and selections may stand within each other.
const MAX_DEPTH: usize = 8;
/// How many conditions one filter may hold, and how many names a selection.
const MAX_CONDITIONS: usize = 500;

/// The media types of calendar objects.
pub const CALENDAR: &str = "text/calendar";
/// jCal (RFC 7265).
pub const JSON: &str = "application/calendar+json";

/// A report of RFC 4791.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CalendarReport {
    /// Section 7.8.
    Query {
        /// Properties of each object.
        asked: Asked,
        /// Parts of each object.
        selection: Selection,
        /// What must hold, from VCALENDAR down.
        filter: ComponentFilter,
        /// The time zone in which what floats is told: a VTIMEZONE, or the name of one.
        zone: Option<String>,
    },
    /// Section 7.9.
    Multiget {
        /// Properties of each object.
        asked: Asked,
        /// Parts of each object.
        selection: Selection,
        /// Addresses of the objects.
        hrefs: Vec<String>,
    },
    /// Section 7.10.
    FreeBusy(TimeRange),
}

/// Reads the body of a report whose root is in CalDAV's namespace. `None`: we do not know it.
pub fn report(root: &Element, asked: Asked) -> Option<Result<CalendarReport, Condition>> {
    let child = |local: &str| root.elements().find(|element| element.name.is_caldav(local));
    let data = root.dav("prop").and_then(|prop| prop.elements().find(|e| e.name.is_caldav("calendar-data")));
    let selected = || data.map_or(Ok(Selection::default()), selection);
    Some(match &*root.name.local {
        "calendar-query" => selected().and_then(|selection| {
            let top = child("filter").and_then(|filter| filter.elements().find(|e| e.name.is_caldav("comp-filter")));
            let mut left = MAX_CONDITIONS;
            let filter = component_filter(top.ok_or(Condition::ValidFilter)?, 0, &mut left)?;
            let zone = child("timezone").or_else(|| child("timezone-id")).map(Element::text);
            Ok(CalendarReport::Query { asked, selection, filter, zone })
        }),
        "calendar-multiget" => selected().map(|selection| {
            let hrefs = root.elements().filter(|element| element.name.is_dav("href")).map(Element::text).collect();
            CalendarReport::Multiget { asked, selection, hrefs }
        }),
        "free-busy-query" => {
            child("time-range").ok_or(Condition::ValidFilter).and_then(time_range).map(CalendarReport::FreeBusy)
        }
        _ => return None,
    })
}

fn name_of(element: &Element) -> Result<String, Condition> {
    element.attribute("name").map(str::to_ascii_uppercase).ok_or(Condition::ValidFilter)
}

fn component_filter(element: &Element, depth: usize, left: &mut usize) -> Result<ComponentFilter, Condition> {
    let mut filter = ComponentFilter { name: name_of(element)?, ..ComponentFilter::default() };
    if depth > MAX_DEPTH {
        return Err(Condition::SupportedFilter);
    }
    for child in element.elements() {
        *left = left.checked_sub(1).ok_or(Condition::SupportedFilter)?;
        match &*child.name.local {
            "is-not-defined" => filter.is_not_defined = true,
            "time-range" => filter.range = Some(time_range(child)?),
            "prop-filter" => filter.properties.push(property_filter(child, left)?),
            "comp-filter" => filter.components.push(component_filter(child, depth + 1, left)?),
            _ => return Err(Condition::SupportedFilter),
        }
    }
    Ok(filter)
}

fn property_filter(element: &Element, left: &mut usize) -> Result<PropertyFilter, Condition> {
    let mut filter = PropertyFilter { name: name_of(element)?, ..PropertyFilter::default() };
    for child in element.elements() {
        *left = left.checked_sub(1).ok_or(Condition::SupportedFilter)?;
        match &*child.name.local {
            "is-not-defined" => filter.is_not_defined = true,
            "time-range" => filter.range = Some(time_range(child)?),
            "text-match" => filter.text = Some(text_match(child)?),
            "param-filter" => {
                let mut parameter = ParameterFilter { name: name_of(child)?, ..ParameterFilter::default() };
                for inner in child.elements() {
                    *left = left.checked_sub(1).ok_or(Condition::SupportedFilter)?;
                    match &*inner.name.local {
                        "is-not-defined" => parameter.is_not_defined = true,
                        "text-match" => parameter.text = Some(text_match(inner)?),
                        _ => return Err(Condition::SupportedFilter),
                    }
                }
                filter.parameters.push(parameter);
            }
            _ => return Err(Condition::SupportedFilter),
        }
    }
    Ok(filter)
}

fn text_match(element: &Element) -> Result<TextMatch, Condition> {
    let collation = match element.attribute("collation") {
        None | Some("default") => Collation::default(),
        Some(name) => COLLATIONS
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(collation, _)| *collation)
            .ok_or(Condition::SupportedCollation)?,
    };
    let negate = element.attribute("negate-condition") == Some("yes");
    TextMatch::new(&element.text(), collation, negate).ok_or(Condition::SupportedFilter)
}

/// At least one end, in UTC, in their order (RFC 4791 section 9.9).
fn time_range(element: &Element) -> Result<TimeRange, Condition> {
    let end_of = |name: &str| match element.attribute(name) {
        None => Ok(None),
        Some(text) => instant(text).map(Some).ok_or(Condition::ValidFilter),
    };
    let (start, end) = (end_of("start")?, end_of("end")?);
    if start.is_none() && end.is_none() {
        return Err(Condition::ValidFilter);
    }
    let range = TimeRange { start: start.unwrap_or(Timestamp::MIN), end: end.unwrap_or(Timestamp::MAX) };
    if range.start < range.end { Ok(range) } else { Err(Condition::ValidFilter) }
}

/// `20260101T000000Z`
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim().strip_suffix('Z')?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", text).ok()?;
    Some(seconds_of(civil))
}

/// The parts that `calendar-data` wants (RFC 4791 section 9.6).
fn selection(data: &Element) -> Result<Selection, Condition> {
    let kind = data.attribute("content-type").unwrap_or(CALENDAR);
    if !matches!(kind, CALENDAR | JSON) || data.attribute("version").is_some_and(|version| version != "2.0") {
        return Err(Condition::SupportedCalendarData);
    }
    let mut selection = Selection { json: kind == JSON, ..Selection::default() };
    let mut left = MAX_CONDITIONS;
    for child in data.elements() {
        match &*child.name.local {
            "comp" => selection.component = Some(component_selection(child, 0, &mut left)?),
            "expand" => selection.expand = Some(both_ends(child)?),
            "limit-recurrence-set" => selection.limit_recurrence = Some(both_ends(child)?),
            "limit-freebusy-set" => selection.limit_freebusy = Some(both_ends(child)?),
            _ => {}
        }
    }
    Ok(selection)
}

fn both_ends(element: &Element) -> Result<TimeRange, Condition> {
    let range = time_range(element)?;
    let open = range.start == Timestamp::MIN || range.end == Timestamp::MAX;
    if open { Err(Condition::ValidFilter) } else { Ok(range) }
}

fn component_selection(element: &Element, depth: usize, left: &mut usize) -> Result<ComponentSelection, Condition> {
    if depth > MAX_DEPTH {
        return Err(Condition::SupportedFilter);
    }
    let mut selection = ComponentSelection { name: name_of(element)?, ..ComponentSelection::default() };
    let (mut properties, mut components) = (Vec::new(), Vec::new());
    let (mut all_properties, mut all_components) = (false, false);
    for child in element.elements() {
        *left = left.checked_sub(1).ok_or(Condition::SupportedCalendarData)?;
        match &*child.name.local {
            "allprop" => all_properties = true,
            "allcomp" => all_components = true,
            "prop" => properties.push((name_of(child)?, child.attribute("novalue") == Some("yes"))),
            "comp" => components.push(component_selection(child, depth + 1, left)?),
            _ => {}
        }
    }
    // Where nothing is said of what is in it, a component is wanted whole (RFC 4791 section 9.6.1).
    let bare = properties.is_empty() && components.is_empty() && !all_properties && !all_components;
    selection.properties = (!all_properties && !bare).then_some(properties);
    selection.components = (!all_components && !bare).then_some(components);
    Ok(selection)
}
