//! Does an object match a query (RFC 4791 sections 9.7 and 9.9)?

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::exceptions::Base;
use super::freebusy::periods_of;
use super::object::{Component, Object, Property};
use super::recur::{Instance, each, end_of};
use super::time::{Length, When};
use super::zone::{Zone, Zones};
use crate::model::calendar::{ComponentFilter, ParameterFilter, PropertyFilter, TimeRange};
use crate::model::id::Timestamp;

const DAY_S: i64 = 86_400;
/// Times that are looked at where an alarm repeats: between the first that is reckoned and the one that is sought lie
/// at most as many.
const NEAR: usize = 6;

/// How many bytes of a value are looked at in a step.
const BYTES_A_STEP: usize = 64;
/// How many lines are passed over in a step.
const NAMES_A_STEP: usize = 64;

/// Does an object match? `filter` is that of VCALENDAR. What could not be looked at to its end may match.
#[must_use]
pub fn matches(filter: &ComponentFilter, object: &Object, zones: &Zones<'_>) -> bool {
    calendar_matches(filter, object, zones) || zones.steps.is_cut()
}

fn calendar_matches(filter: &ComponentFilter, object: &Object, zones: &Zones<'_>) -> bool {
    if filter.name != "VCALENDAR" || filter.is_not_defined {
        return false;
    }
    properties_match(filter, &object.calendar, zones)
        && filter.range.is_none_or(|range| !placed(object, zones, range).is_empty())
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
        placed.as_ref().is_none_or(|placed| placed.contains(&address(part)))
            && properties_match(filter, part, zones)
            && filter.components.iter().all(|inner| alarm_matches(inner, part, object, zones))
    })
}

/// The components of an object of which an instance lies in a range.
fn placed(object: &Object, zones: &Zones<'_>, range: TimeRange) -> HashSet<*const Component> {
    let mut placed = HashSet::new();
    let tasks = object.component == "VTODO";
    match object.component.as_str() {
        "VTODO" => placed.extend(object.parts().filter(|part| untimed_task_matches(part, zones, range)).map(address)),
        // What comes to an inbox may say no time: it is at any (RFC 6638 section 2.3).
        "VEVENT" => placed.extend(object.parts().filter(|part| part.property("DTSTART").is_none()).map(address)),
        "VFREEBUSY" => return object.parts().filter(|part| busy_matches(part, zones, range)).map(address).collect(),
        _ => {}
    }
    // The ends of a task are looked at more closely than those of an event.
    let wide = TimeRange { start: range.start.saturating_sub(1), end: range.end.saturating_add(1) };
    let parts = object.parts().count();
    each(object, zones, if tasks { wide } else { range }, |instance| {
        if !tasks || task_matches(&instance, range) {
            placed.insert(address(instance.component));
        }
        if placed.len() < parts { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    placed
}

fn address(component: &Component) -> *const Component {
    std::ptr::from_ref(component)
}

/// The rows of the table of RFC 4791 section 9.9 for tasks that have DTSTART or DUE.
fn task_matches(instance: &Instance<'_>, range: TimeRange) -> bool {
    let component = instance.component;
    let has = |name| component.property(name).is_some();
    let (start, end) = (instance.start, instance.end);
    // A period of RDATE has both ends, whatever the task has.
    let has_both = has("DUE") || end > start;
    match (has("DTSTART") || end > start, has("DURATION"), has_both) {
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
    let periods = component.all("FREEBUSY").flat_map(|line| periods_of(line, zones));
    periods.take_while(|_| zones.steps.take(1)).any(|(start, end)| range.overlaps(start, end))
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
    let bell = AlarmRepeat::of(alarm);
    let Some(offset) = Length::read(trigger.value()) else {
        return When::of(trigger).is_some_and(|when| bell.rings(zones.instant(&when), &zones.of(&when.clock), range));
    };
    let at_end = trigger.parameter("RELATED").is_some_and(|related| related.eq_ignore_ascii_case("END"));
    // A day may be longer by the clock than others.
    let spread = offset.as_seconds().saturating_abs().saturating_add(bell.most_seconds()).saturating_add(2 * DAY_S);
    let wide = TimeRange { start: range.start.saturating_sub(spread), end: range.end.saturating_add(spread) };
    let mut rings = false;
    each(object, zones, wide, |instance| {
        if std::ptr::eq(instance.component, parent) && zones.steps.take(1) {
            let zone = zones.of(&instance.local.clock);
            let related = if at_end { instance.end } else { instance.start };
            rings = bell.rings(offset.from(related, zone.local(related), &zone), &zone, range);
        }
        if rings { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    rings
}

/// How often an alarm rings (RFC 5545 section 3.8.6.2).
struct AlarmRepeat {
    repeats: i64,
    pause: Length,
}

impl AlarmRepeat {
    fn of(alarm: &Component) -> Self {
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let repeats = alarm.value("REPEAT").map(str::trim).filter(digits);
        let repeats = repeats.map_or(0, |text| text.parse().unwrap_or(i64::MAX));
        let pause = alarm.value("DURATION").and_then(Length::read).filter(|pause| pause.as_seconds() > 0);
        Self { repeats: pause.map_or(0, |_| repeats), pause: pause.unwrap_or_default() }
    }

    /// From the first time to the last.
    fn most_seconds(&self) -> i64 {
        self.pause.times(self.repeats).as_seconds()
    }

    /// Does it ring in a range, the first time at an instant?
    fn rings(&self, first: Timestamp, zone: &Zone, range: TimeRange) -> bool {
        let local = zone.local(first);
        let at = |again: i64| self.pause.times(again).from(first, local, zone);
        // The first time that is not before the range, or one or two earlier where days are longer than others.
        let seconds = self.pause.as_seconds().max(1);
        let missed = (range.start.saturating_sub(first) / seconds).saturating_sub(2);
        let from = missed.clamp(0, self.repeats);
        (from..=self.repeats).take(NEAR).map(at).find(|at| *at >= range.start).is_some_and(|at| at < range.end)
    }
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
    let in_range = |range: TimeRange, at: Option<Timestamp>| at.is_some_and(|at| range.overlaps(at, at));
    if let (None, Some(range), None, []) = (found.peek(), filter.range, &filter.text, &*filter.parameters) {
        return in_range(range, effective_end(&filter.name, component, zones));
    }
    let start = component.property("DTSTART").and_then(When::of);
    found.any(|property| {
        let bytes = if filter.text.is_some() { property.value().len() } else { 0 } + 4 * property.head().len();
        if !goes_on(zones, bytes / BYTES_A_STEP) {
            return true;
        }
        filter.range.is_none_or(|range| in_range(range, time_of(property, start.as_ref(), zones)))
            && filter.text.as_ref().is_none_or(|text| text.holds(&property.text()))
            && filter.parameters.iter().all(|parameter| parameter_matches(parameter, property))
    })
}

/// When the time of a property is, beside DTSTART.
fn time_of(property: &Property, start: Option<&When>, zones: &Zones<'_>) -> Option<Timestamp> {
    let when = When::of(property)?;
    let Some(start) = start else { return Some(zones.instant(&when)) };
    Some(Base { start, zone: &zones.of(&start.clock) }.instant(&when, zones))
}

/// The end that a DURATION gives in place of DTEND or DUE (RFC 4791 section 9.9).
fn effective_end(name: &str, component: &Component, zones: &Zones<'_>) -> Option<Timestamp> {
    component
        .property("DURATION")
        .filter(|_| matches!((&*component.name, name), ("VEVENT", "DTEND") | ("VTODO", "DUE")))?;
    let start = component.property("DTSTART").and_then(When::of)?;
    Some(end_of(component, &start, zones))
}

/// Is there work to be had? Else what is looked at may match.
fn goes_on(zones: &Zones<'_>, steps: usize) -> bool {
    let worked = zones.steps.work(1 + steps as u64);
    worked.inspect_err(|_| zones.steps.cut()).is_ok()
}

fn parameter_matches(filter: &ParameterFilter, property: &Property) -> bool {
    let value = property.parameter(&filter.name);
    match value {
        None => filter.is_not_defined,
        Some(_) if filter.is_not_defined => false,
        Some(value) => filter.text.as_ref().is_none_or(|text| text.holds(&value)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{AlarmRepeat, Zone};
    use crate::ical::object::parse;
    use crate::model::calendar::TimeRange;

    /// An alarm rings as often as it says, and it is reckoned, not counted, whether it does.
    #[test]
    fn alarms_ring_as_often_as_they_say() {
        let zone = Zone::Known(TimeZone::get("Europe/Paris").unwrap());
        for (lines, after_s, rings) in [
            ("REPEAT:4000000000\nDURATION:PT1S", 2_000_000_000, true),
            ("REPEAT:99999999999999999999\nDURATION:PT1S", 2_000_000_000, true),
            ("REPEAT:5000\nDURATION:PT1M", 5000 * 60, true),
            ("REPEAT:5000\nDURATION:PT1M", 5001 * 60, false),
            ("REPEAT:5000\nDURATION:P1D", 300 * 86_400, true),
            ("REPEAT:4000000000\nDURATION:P7D", i64::MAX / 4, false),
            ("REPEAT:-1\nDURATION:PT1M", 60, false),
            ("REPEAT:often\nDURATION:PT1M", 60, false),
            ("REPEAT:2", 60, false),
        ] {
            let text = format!("BEGIN:VCALENDAR\nBEGIN:VALARM\n{lines}\nEND:VALARM\nEND:VCALENDAR\n");
            let calendar = parse(text.as_bytes()).unwrap();
            let alarm = calendar.components.first().unwrap();
            let first = 1_767_600_000;
            let range = TimeRange { start: first + after_s, end: (first + after_s).saturating_add(1) };
            assert_eq!(AlarmRepeat::of(alarm).rings(first, &zone, range), rings, "{lines} {after_s}");
        }
    }
}
