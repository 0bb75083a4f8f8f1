//! Does an object match a query (RFC 4791 sections 9.7 and 9.9)?

use std::collections::HashSet;

use super::freebusy::period;
use super::object::{Component, Object, Property};
use super::recur::{Instance, instances};
use super::time::{Length, When};
use super::zone::Zones;
use crate::model::calendar::{ComponentFilter, ParameterFilter, PropertyFilter, TimeRange};
use crate::model::id::Timestamp;

/// The most repetitions of an alarm that are looked at.
const MAX_REPEATS: i64 = 1000;

/// How many bytes of a value are looked at in a step.
const BYTES_A_STEP: usize = 64;
/// How many lines are passed over in a step.
const NAMES_A_STEP: usize = 64;

/// Does an object match? `filter` is that of VCALENDAR. What could not be looked at to its end may match.
#[must_use]
pub fn matches(filter: &ComponentFilter, object: &Object, zones: &Zones<'_>) -> bool {
    calendar_matches(filter, object, zones) || zones.is_cut()
}

fn calendar_matches(filter: &ComponentFilter, object: &Object, zones: &Zones<'_>) -> bool {
    if filter.name != "VCALENDAR" || filter.is_not_defined {
        return false;
    }
    properties_match(filter, &object.calendar, zones)
        && filter.range.is_none_or(|range| !instances(object, zones, range).instances.is_empty())
        && filter.components.iter().all(|inner| top_matches(inner, object, zones))
}

/// A filter on VEVENT, VTODO, VTIMEZONE, ...
fn top_matches(filter: &ComponentFilter, object: &Object, zones: &Zones<'_>) -> bool {
    let parts: Vec<&Component> = object.calendar.components.iter().filter(|part| part.name == filter.name).collect();
    if filter.is_not_defined {
        return parts.is_empty();
    }
    if parts.is_empty() {
        return false;
    }
    // What takes place in the range is asked once, of the object as a whole.
    let placed = filter.range.map(|range| placed(object, zones, range));
    parts.into_iter().any(|part| {
        placed.as_ref().is_none_or(|placed| placed.contains(&std::ptr::from_ref(part)))
            && properties_match(filter, part, zones)
            && filter.components.iter().all(|inner| alarm_matches(inner, part, object, zones))
    })
}

/// The components of an object of which an instance lies in a range.
fn placed(object: &Object, zones: &Zones<'_>, range: TimeRange) -> HashSet<*const Component> {
    let address = std::ptr::from_ref::<Component>;
    match object.component.as_str() {
        "VTODO" => {
            let untimed = object.parts().filter(|part| untimed_task_matches(part, zones, range));
            // The ends of a task are looked at more closely than those of an event.
            let wide = TimeRange { start: range.start.saturating_sub(1), end: range.end.saturating_add(1) };
            let found = instances(object, zones, wide);
            let timed = found.instances.iter().filter(|instance| task_matches(instance, range));
            timed.map(|instance| instance.component).chain(untimed).map(address).collect()
        }
        "VFREEBUSY" => object.parts().filter(|part| busy_matches(part, zones, range)).map(address).collect(),
        _ => instances(object, zones, range).instances.iter().map(|instance| address(instance.component)).collect(),
    }
}

/// The rows of the table of RFC 4791 section 9.9 for tasks that have DTSTART or DUE.
fn task_matches(instance: &Instance<'_>, range: TimeRange) -> bool {
    let component = instance.component;
    let has = |name| component.property(name).is_some();
    let (start, end) = (instance.start, instance.end);
    match (has("DTSTART"), has("DURATION"), has("DUE")) {
        (true, true, _) => range.start <= end && (range.end > start || range.end >= end),
        (true, false, true) => (range.start < end || range.start <= start) && (range.end > start || range.end >= end),
        (true, false, false) => range.start <= start && range.end > start,
        _ => range.start < end && range.end >= end,
    }
}

/// The rows of that table for busy times: between both ends, or in one of the periods.
fn busy_matches(component: &Component, zones: &Zones<'_>, range: TimeRange) -> bool {
    let at = |name| component.property(name).and_then(When::of).map(|when| zones.instant(&when));
    if let (Some(start), Some(end)) = (at("DTSTART"), at("DTEND")) {
        return range.start <= end && range.end > start;
    }
    let periods = component.all("FREEBUSY").flat_map(|line| line.value().split(','));
    periods
        .take_while(|_| zones.step(1))
        .filter_map(|text| period(text, zones))
        .any(|(start, end)| range.overlaps(start, end))
}

/// The rows for those that have neither.
fn untimed_task_matches(component: &Component, zones: &Zones<'_>, range: TimeRange) -> bool {
    if component.property("DTSTART").is_some() || component.property("DUE").is_some() {
        return false;
    }
    let at = |name| component.property(name).and_then(When::of).map(|when| zones.instant(&when));
    match (at("COMPLETED"), at("CREATED")) {
        (Some(completed), Some(created)) => {
            (range.start <= created || range.start <= completed) && (range.end >= created || range.end >= completed)
        }
        (Some(completed), None) => range.start <= completed && range.end >= completed,
        (None, Some(created)) => range.end > created,
        (None, None) => true,
    }
}

/// A filter on what stands in a component: its alarms.
fn alarm_matches(filter: &ComponentFilter, parent: &Component, object: &Object, zones: &Zones<'_>) -> bool {
    let mut parts = parent.components.iter().filter(|part| part.name == filter.name).peekable();
    if filter.is_not_defined {
        return parts.peek().is_none();
    }
    parts.any(|alarm| {
        properties_match(filter, alarm, zones)
            && filter.range.is_none_or(|range| alarm_rings(alarm, parent, object, zones, range))
            && filter.components.is_empty()
    })
}

/// Does an alarm ring in a range?
fn alarm_rings(alarm: &Component, parent: &Component, object: &Object, zones: &Zones<'_>, range: TimeRange) -> bool {
    let Some(trigger) = alarm.property("TRIGGER") else { return false };
    let repeats =
        alarm.value("REPEAT").and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or(0).clamp(0, MAX_REPEATS);
    let pause = alarm.value("DURATION").and_then(Length::read).map_or(0, Length::as_seconds).max(0);
    let rings = |first: Timestamp| {
        (0..=repeats).any(|again| {
            let at = first.saturating_add(again.saturating_mul(pause));
            at >= range.start && at < range.end
        })
    };
    let Some(offset) = Length::read(trigger.value()) else {
        return When::of(trigger).is_some_and(|when| rings(zones.instant(&when)));
    };
    let offset = offset.as_seconds();
    let at_end = trigger.parameter("RELATED").is_some_and(|related| related.eq_ignore_ascii_case("END"));
    let spread = offset.abs().saturating_add(repeats.saturating_mul(pause)).saturating_add(1);
    let wide = TimeRange { start: range.start.saturating_sub(spread), end: range.end.saturating_add(spread) };
    instances(object, zones, wide)
        .instances
        .iter()
        .filter(|instance| std::ptr::eq(instance.component, parent))
        .any(|instance| rings((if at_end { instance.end } else { instance.start }).saturating_add(offset)))
}

fn properties_match(filter: &ComponentFilter, component: &Component, zones: &Zones<'_>) -> bool {
    filter.properties.iter().all(|filter| property_matches(filter, component, zones))
}

fn property_matches(filter: &PropertyFilter, component: &Component, zones: &Zones<'_>) -> bool {
    if !goes_on(zones, component.properties.len() / NAMES_A_STEP) {
        return true;
    }
    let mut found = component.all(&filter.name).peekable();
    if filter.is_not_defined {
        return found.peek().is_none();
    }
    found.any(|property| {
        let bytes = if filter.text.is_some() { property.value().len() } else { 0 } + 4 * property.head().len();
        if !goes_on(zones, bytes / BYTES_A_STEP) {
            return true;
        }
        filter.range.is_none_or(|range| {
            When::of(property).map(|when| zones.instant(&when)).is_some_and(|at| at >= range.start && at < range.end)
        }) && filter.text.as_ref().is_none_or(|text| text.holds(&property.text()))
            && filter.parameters.iter().all(|parameter| parameter_matches(parameter, property))
    })
}

/// Is there work to be had? Else what is looked at may match.
fn goes_on(zones: &Zones<'_>, steps: usize) -> bool {
    let worked = zones.work(1 + steps as u64);
    worked.inspect_err(|_| zones.cut()).is_ok()
}

fn parameter_matches(filter: &ParameterFilter, property: &Property) -> bool {
    let value = property.parameter(&filter.name);
    match value {
        None => filter.is_not_defined,
        Some(_) if filter.is_not_defined => false,
        Some(value) => filter.text.as_ref().is_none_or(|text| text.holds(&value)),
    }
}
