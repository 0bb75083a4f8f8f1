//! Bodies of CalDAV's reports as values (RFC 4791 section 9).

use super::property_request::PropertyRequest;
use super::xml::Element;
use crate::model::calendar::{
    COLLATIONS, CalendarDataSelection, Collation, ComponentFilter, ComponentSelection, ParameterFilter, PropertyFilter,
    TextMatch, TimeRange,
};
use crate::model::civil::seconds_of;
use crate::model::condition::Condition;
use crate::model::id::Timestamp;
use crate::model::name::CALDAV;

/// How deep filters and selections may stand within each other.
const MAX_DEPTH: usize = 8;
/// How many conditions one filter may hold, and how many names a selection.
const MAX_CONDITIONS: usize = 500;

/// The media types of calendar objects.
pub const CALENDAR: &str = "text/calendar";
/// jCal (RFC 7265).
pub const JSON: &str = "application/calendar+json";

/// A time zone that a query brings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum QueryTimezone {
    /// An iCalendar object with one VTIMEZONE (RFC 4791 section 9.8).
    Definition(String),
    /// The name of one (RFC 7809 section 6.2).
    Named(String),
}

/// A report of RFC 4791.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CalendarReport {
    /// Section 7.8.
    Query {
        /// Properties of each object.
        asked: PropertyRequest,
        /// Parts of each object.
        selection: CalendarDataSelection,
        /// What must hold, from VCALENDAR down.
        filter: ComponentFilter,
        /// The time zone in which floating times are, if it is not the calendar's own.
        zone: Option<QueryTimezone>,
    },
    /// Section 7.9.
    Multiget {
        /// Properties of each object.
        asked: PropertyRequest,
        /// Parts of each object.
        selection: CalendarDataSelection,
        /// Addresses of the objects.
        hrefs: Vec<String>,
    },
    /// Section 7.10.
    FreeBusy(TimeRange),
}

/// Reads the body of a report whose root is in CalDAV's namespace. `None`: we do not know it.
pub fn report(root: &Element, asked: PropertyRequest) -> Option<Result<CalendarReport, Condition>> {
    let data = root.dav("prop").and_then(|prop| prop.elements().find(|e| e.name.is_caldav("calendar-data")));
    let selected = || data.map_or(Ok(CalendarDataSelection::default()), selection);
    Some(match &*root.name.local {
        "calendar-query" => selected().and_then(|selection| {
            let filter = filter(only(root, "filter", Condition::ValidFilter)?.ok_or(Condition::ValidFilter)?)?;
            let whole = only(root, "timezone", Condition::ValidCalendarData)?
                .map(|zone| QueryTimezone::Definition(zone.text()));
            let named =
                only(root, "timezone-id", Condition::ValidTimezone)?.map(|zone| QueryTimezone::Named(zone.text()));
            // One of them alone may stand there (RFC 7809 section 6.1).
            if whole.is_some() && named.is_some() {
                return Err(Condition::ValidTimezone);
            }
            Ok(CalendarReport::Query { asked, selection, filter, zone: whole.or(named) })
        }),
        "calendar-multiget" => selected().map(|selection| {
            let hrefs = root.elements().filter(|element| element.name.is_dav("href")).map(Element::text).collect();
            CalendarReport::Multiget { asked, selection, hrefs }
        }),
        "free-busy-query" => only(root, "time-range", Condition::ValidFilter)
            .and_then(|range| time_range(range.ok_or(Condition::ValidFilter)?))
            .map(CalendarReport::FreeBusy),
        _ => return None,
    })
}

/// The one element of a name in CalDAV's namespace that another may hold.
fn only<'a>(within: &'a Element, local: &str, several: Condition) -> Result<Option<&'a Element>, Condition> {
    let mut found = within.elements().filter(|element| element.name.is_caldav(local));
    let one = found.next();
    if found.next().is_some() { Err(several) } else { Ok(one) }
}

/// The components of RFC 5545: in which others each stands, and whether it takes place at a time (RFC 4791 section
/// 9.9). Others may stand anywhere.
static COMPONENTS: [(&str, &[&str], bool); 9] = [
    ("VCALENDAR", &[], true),
    ("VEVENT", &["VCALENDAR"], true),
    ("VTODO", &["VCALENDAR"], true),
    ("VJOURNAL", &["VCALENDAR"], true),
    ("VFREEBUSY", &["VCALENDAR"], true),
    ("VTIMEZONE", &["VCALENDAR"], false),
    ("STANDARD", &["VTIMEZONE"], false),
    ("DAYLIGHT", &["VTIMEZONE"], false),
    ("VALARM", &["VEVENT", "VTODO"], true),
];

/// Properties whose value lies in time.
const TIMED: [&str; 13] = [
    "ACKNOWLEDGED",
    "COMPLETED",
    "CREATED",
    "DTEND",
    "DTSTAMP",
    "DTSTART",
    "DUE",
    "EXDATE",
    "FREEBUSY",
    "LAST-MODIFIED",
    "RDATE",
    "RECURRENCE-ID",
    "TRIGGER",
];

fn known(name: &str) -> Option<&'static (&'static str, &'static [&'static str], bool)> {
    COMPONENTS.iter().find(|(known, ..)| *known == name)
}

/// What a filter holds, in the grammar of RFC 4791 section 9.7. What that does not know breaks it; what other
/// namespaces add to it is not supported.
fn parts<'a>(element: &'a Element, grammar: &[&str], left: &mut usize) -> Result<Vec<&'a Element>, Condition> {
    let mut parts = Vec::new();
    for part in element.elements() {
        *left = left.checked_sub(1).ok_or(Condition::SupportedFilter)?;
        if part.name.namespace != CALDAV {
            return Err(Condition::SupportedFilter);
        }
        if !grammar.contains(&&*part.name.local) {
            return Err(Condition::ValidFilter);
        }
        parts.push(part);
    }
    let absent = parts.iter().any(|part| part.name.local == "is-not-defined");
    let at_most_one = |names: &[&str]| parts.iter().filter(|part| names.contains(&&*part.name.local)).count() < 2;
    let sound = at_most_one(&["time-range", "text-match"]) && (!absent || parts.len() == 1);
    if sound { Ok(parts) } else { Err(Condition::ValidFilter) }
}

fn filter(element: &Element) -> Result<ComponentFilter, Condition> {
    let mut left = MAX_CONDITIONS;
    match *parts(element, &["comp-filter"], &mut left)? {
        [top] => component_filter(top, None, 0, &mut left),
        _ => Err(Condition::ValidFilter),
    }
}

fn name_of(element: &Element) -> Result<String, Condition> {
    let name = element.attribute("name").filter(|name| !name.is_empty());
    name.map(str::to_ascii_uppercase).ok_or(Condition::ValidFilter)
}

fn component_filter(
    element: &Element,
    within: Option<&str>,
    depth: usize,
    left: &mut usize,
) -> Result<ComponentFilter, Condition> {
    let mut filter = ComponentFilter { name: name_of(element)?, ..ComponentFilter::default() };
    let row = known(&filter.name);
    let placed = match (within, row) {
        (None, _) => filter.name == "VCALENDAR",
        (Some(within), Some((_, places, _))) => places.contains(&within) || known(within).is_none(),
        (Some(_), None) => true,
    };
    if !placed {
        return Err(Condition::ValidFilter);
    }
    if depth > MAX_DEPTH {
        return Err(Condition::SupportedFilter);
    }
    for part in parts(element, &["is-not-defined", "time-range", "prop-filter", "comp-filter"], left)? {
        match &*part.name.local {
            "is-not-defined" => filter.is_not_defined = true,
            "time-range" if row.is_some_and(|(.., timed)| !timed) => return Err(Condition::ValidFilter),
            "time-range" => filter.range = Some(time_range(part)?),
            "prop-filter" => filter.properties.push(property_filter(part, left)?),
            _ => filter.components.push(component_filter(part, Some(&filter.name), depth + 1, left)?),
        }
    }
    Ok(filter)
}

fn property_filter(element: &Element, left: &mut usize) -> Result<PropertyFilter, Condition> {
    let mut filter = PropertyFilter { name: name_of(element)?, ..PropertyFilter::default() };
    let timed = TIMED.contains(&filter.name.as_str()) || filter.name.starts_with("X-");
    for part in parts(element, &["is-not-defined", "time-range", "text-match", "param-filter"], left)? {
        match &*part.name.local {
            "is-not-defined" => filter.is_not_defined = true,
            "time-range" if !timed => return Err(Condition::ValidFilter),
            "time-range" => filter.range = Some(time_range(part)?),
            "text-match" => filter.text = Some(text_match(part)?),
            _ => filter.parameters.push(parameter_filter(part, left)?),
        }
    }
    Ok(filter)
}

fn parameter_filter(element: &Element, left: &mut usize) -> Result<ParameterFilter, Condition> {
    let mut filter = ParameterFilter { name: name_of(element)?, ..ParameterFilter::default() };
    for part in parts(element, &["is-not-defined", "text-match"], left)? {
        match &*part.name.local {
            "is-not-defined" => filter.is_not_defined = true,
            _ => filter.text = Some(text_match(part)?),
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
    let negate = match element.attribute("negate-condition") {
        None | Some("no") => false,
        Some("yes") => true,
        Some(_) => return Err(Condition::ValidFilter),
    };
    if element.elements().next().is_some() {
        return Err(Condition::ValidFilter);
    }
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
    let text = text.trim().strip_suffix('Z').filter(|text| text.len() == "20260101T000000".len())?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", text).ok()?;
    Some(seconds_of(civil))
}

/// The parts that `calendar-data` wants (RFC 4791 section 9.6).
fn selection(data: &Element) -> Result<CalendarDataSelection, Condition> {
    let kind = data.attribute("content-type").unwrap_or(CALENDAR);
    if !matches!(kind, CALENDAR | JSON) || data.attribute("version").is_some_and(|version| version != "2.0") {
        return Err(Condition::SupportedCalendarData);
    }
    let mut selection = CalendarDataSelection { json: kind == JSON, ..CalendarDataSelection::default() };
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
