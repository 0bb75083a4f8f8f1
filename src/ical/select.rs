//! The parts of an object that a query wants (RFC 4791 section 9.6): all of them the client's own lines, but for the
//! times of expanded instances.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

use super::exceptions::Base;
use super::extent::Extent;
use super::freebusy::periods_of;
use super::jcal;
use super::object::{Component, Object, Property, fold_into, parse};
use super::recur::{Instance, each, instances, overrides};
use super::time::{Clock, Length, When, write_date, write_local, write_utc};
use super::tzid::{key, name_of, registered};
use super::vtimezone::vtimezone;
use super::zone::{Zone, Zones};
use crate::model::budget::Exhausted;
use crate::model::calendar::{CalendarDataSelection, ComponentSelection, TimeRange};
use crate::model::id::Timestamp;

/// The most that is sent of one object, bytes: more than the largest takes as it is stored.
const MAX_SENT_BYTES: usize = 16 * 1024 * 1024;
/// What it costs to look a time zone up and to describe it.
const STEPS_OF_ZONE: u64 = 100;
/// How many names of lines are compared in a step.
const NAMES_A_STEP: u64 = 64;
/// For how long after an object begins its zones are described: ten years.
const DESCRIBED_S: i64 = 10 * 366 * 86_400;

/// Writes what is wanted of an object: component by component, for the instances of a series may be a thousand times
/// what is stored. Refused where it is more than `MAX_SENT_BYTES`, or the request's budget is spent.
pub fn select(object: &Object, selection: &CalendarDataSelection, zones: &Zones<'_>) -> Result<String, Exhausted> {
    let mut calendar = object.calendar.clone();
    let expansion = selection.expand.map(|range| instances(object, zones, range));
    if expansion.as_ref().is_some_and(|expansion| expansion.cut) {
        return Err(Exhausted::Request);
    }
    let instances = expansion.map(|expansion| expansion.instances);
    if instances.is_none()
        && let Some(range) = selection.limit_recurrence
    {
        limit(&mut calendar, object, zones, range);
    }
    if let Some(describe) = selection.describe_zones {
        if describe {
            describe_zones(&mut calendar, zones)?
        } else {
            calendar.components.retain(|part| !is_known_zone(part))
        }
    }
    if let Some(range) = selection.limit_freebusy {
        limit_freebusy(&mut calendar, range, zones);
    }
    let mut stored = std::mem::take(&mut calendar.components);
    if instances.is_some() {
        stored.clear();
    }
    let wanted = selection.component.as_ref();
    if let Some(wanted) = wanted {
        reduce(&mut calendar, wanted);
    }
    let mut out = ObjectWriter { text: String::new(), left: MAX_SENT_BYTES, json: selection.json, parts: 0 };
    out.begin(&calendar)?;
    let inner = wanted.and_then(|wanted| wanted.components.as_deref());
    let names = wanted.map_or(0, names_of);
    for part in stored {
        zones.steps.work(lines_of(&part) * names / NAMES_A_STEP)?;
        out.part(part, inner)?;
    }
    for instance in instances.into_iter().flatten() {
        zones.steps.work(1 + lines_of(instance.component) * (1 + names / NAMES_A_STEP))?;
        out.check_disk_space(instance.component)?;
        out.part(alone(&instance, zones), inner)?;
    }
    out.end(&calendar);
    Ok(out.text)
}

/// An object as it is written.
struct ObjectWriter {
    text: String,
    left: usize,
    json: bool,
    parts: usize,
}

impl ObjectWriter {
    fn begin(&mut self, calendar: &Component) -> Result<(), Exhausted> {
        self.check_disk_space(calendar)?;
        if self.json {
            return jcal::begin(&mut self.text, calendar);
        }
        fold_into(&mut self.text, &format!("BEGIN:{}", calendar.name));
        calendar.properties.iter().for_each(|property| fold_into(&mut self.text, property.raw()));
        Ok(())
    }

    /// A component of the calendar, if it is wanted, and as much of it as is.
    fn part(&mut self, mut part: Component, wanted: Option<&[ComponentSelection]>) -> Result<(), Exhausted> {
        if let Some(wanted) = wanted {
            let Some(wanted) = wanted.iter().find(|wanted| wanted.name == part.name) else { return Ok(()) };
            reduce(&mut part, wanted);
        }
        self.left -= self.check_disk_space(&part)?;
        if !self.json {
            part.write(&mut self.text);
            return Ok(());
        }
        jcal::separate(&mut self.text, self.parts);
        self.parts += 1;
        jcal::write(&mut self.text, &part)
    }

    /// What a component will take; refused where there is no room for it.
    fn check_disk_space(&self, component: &Component) -> Result<usize, Exhausted> {
        let size = size_of(component);
        if size > self.left { Err(Exhausted::Request) } else { Ok(size) }
    }

    fn end(&mut self, calendar: &Component) {
        if self.json { jcal::end(&mut self.text) } else { fold_into(&mut self.text, &format!("END:{}", calendar.name)) }
    }
}

/// About what a component takes when it is written.
fn size_of(component: &Component) -> usize {
    let lines = component.properties.iter().map(|line| line.raw().len() + 2 + line.raw().len() / 24);
    lines.sum::<usize>() + component.components.iter().map(size_of).sum::<usize>() + 2 * component.name.len() + 14
}

/// How many lines a component has.
fn lines_of(component: &Component) -> u64 {
    component.properties.len() as u64 + component.components.iter().map(lines_of).sum::<u64>()
}

/// How many names a selection has.
fn names_of(selection: &ComponentSelection) -> u64 {
    let properties = selection.properties.as_ref().map_or(0, |names| names.len() as u64);
    properties + selection.components.iter().flatten().map(|inner| 1 + names_of(inner)).sum::<u64>()
}

/// Leaves what is wanted of a component (RFC 4791 section 9.6.1).
fn reduce(component: &mut Component, selection: &ComponentSelection) {
    if let Some(wanted) = &selection.properties {
        let properties = std::mem::take(&mut component.properties);
        component.properties = properties
            .into_iter()
            .filter_map(|property| match wanted.iter().find(|(name, _)| *name == property.name)? {
                (_, false) => Some(property),
                (_, true) => line(&format!("{}:", property.head())),
            })
            .collect();
    }
    if let Some(wanted) = &selection.components {
        component.components.retain_mut(|part| match wanted.iter().find(|wanted| wanted.name == part.name) {
            Some(selection) => {
                reduce(part, selection);
                true
            }
            None => false,
        });
    }
}

/// A description of a zone that the world knows by its name in the register.
fn is_known_zone(part: &Component) -> bool {
    part.name == "VTIMEZONE" && name_of(part).is_some_and(|name| registered(&name).is_some())
}

/// Describes the zones that an object names and does not describe, as far as two yearly rules can.
fn describe_zones(calendar: &mut Component, zones: &Zones<'_>) -> Result<(), Exhausted> {
    let described = calendar.components.iter().filter(|part| part.name == "VTIMEZONE").filter_map(name_of);
    let mut described: HashSet<String> = described.map(|name| key(&name)).collect();
    let names: BTreeSet<String> = calendar.zones().into_iter().collect();
    for name in names {
        zones.steps.work(STEPS_OF_ZONE)?;
        if !described.insert(key(&name)) {
            continue;
        }
        let Some(zone @ Zone::Known(_)) = zones.resolve(&name) else { continue };
        let start = calendar
            .components
            .iter()
            .filter_map(|part| part.property("DTSTART").and_then(When::of))
            .min_by_key(|when| when.local);
        let at = start.map_or(0, |when| zone.instant(when.local));
        let text = vtimezone(&name, &zone, TimeRange { start: at, end: at.saturating_add(DESCRIBED_S) });
        let text = text.map(|text| format!("BEGIN:VCALENDAR\r\n{text}END:VCALENDAR\r\n"));
        if let Some(described) = text.and_then(|text| parse(text.as_bytes()).ok()) {
            calendar.components.splice(0..0, described.components);
        }
    }
    Ok(())
}

fn line(text: &str) -> Option<Property> {
    Property::parse(text)
}

/// A time in UTC; what floats, and whole days, stay as they are, unless it is the second time that the clock shows it.
fn in_utc(name: &str, when: &When, at: Timestamp, zones: &Zones<'_>) -> Option<Property> {
    line(&match when.clock {
        Clock::Day => format!("{name};VALUE=DATE:{}", write_date(when.local)),
        Clock::Floating if zones.instant(when) == at => format!("{name}:{}", write_local(when.local)),
        Clock::Floating | Clock::Utc | Clock::Zone(_) => format!("{name}:{}", write_utc(at)),
    })
}

/// An instance as a component of its own, in UTC (RFC 4791 section 9.6.5).
fn alone(instance: &Instance<'_>, zones: &Zones<'_>) -> Component {
    let source = instance.component;
    let mut properties = Vec::with_capacity(source.properties.len());
    let ends = |name: &str, clock: Clock| {
        let end = When { local: zones.of(&clock).local(instance.end), clock };
        if end.clock == Clock::Floating && zones.instant(&end) != instance.end {
            return line(&format!("DURATION:PT{}S", instance.end.saturating_sub(instance.start)));
        }
        in_utc(name, &end, instance.end, zones)
    };
    let base = Base { start: &instance.local, zone: &zones.of(&instance.local.clock) };
    let mut lasts = false;
    for property in &source.properties {
        match property.name.as_str() {
            "RRULE" | "RDATE" | "EXDATE" | "EXRULE" | "RECURRENCE-ID" => {}
            "DTSTART" => properties.extend(in_utc("DTSTART", &instance.local, instance.start, zones)),
            name @ ("DTEND" | "DUE") => {
                let clock = When::of(property).map(|when| base.clock(&when, zones));
                lasts |= clock.is_some();
                properties.extend(clock.and_then(|clock| ends(name, clock)));
            }
            // Where it is written in UTC its days are of 24 hours.
            "DURATION" if !end_is_clear(instance, Length::read(property.value()), zones) => {}
            name => {
                lasts |= name == "DURATION";
                properties.push(property.clone());
            }
        }
    }
    let due_alone = source.name == "VTODO" && instance.end == instance.start;
    if !due_alone && source.property("DTSTART").is_none() {
        properties.extend(in_utc("DTSTART", &instance.local, instance.start, zones));
    }
    if !lasts && !end_is_clear(instance, None, zones) {
        let name = if source.name == "VTODO" { "DUE" } else { "DTEND" };
        properties.extend(ends(name, instance.local.clock.clone()));
    }
    properties.extend(instance.id.as_ref().and_then(|id| in_utc("RECURRENCE-ID", &id.when, id.at, zones)));
    let components = source.components.clone();
    Component { name: source.name.clone(), properties, components }
}

/// Does whoever reads an instance in UTC, with a DURATION or none, see when it ends?
fn end_is_clear(instance: &Instance<'_>, length: Option<Length>, zones: &Zones<'_>) -> bool {
    let Instance { start, local, .. } = instance;
    let clock = if matches!(local.clock, Clock::Zone(_)) { &Clock::Utc } else { &local.clock };
    let extent = length.map_or_else(|| Extent::by_default(instance.component, local), Extent::Nominal);
    let zone = zones.of(clock);
    extent.end(*start, zone.local(*start), &zone) == instance.end
}

/// The master and the overrides that matter in a range (RFC 4791 section 9.6.6): those that take place in it, and those
/// whose instance would have.
fn limit(calendar: &mut Component, object: &Object, zones: &Zones<'_>, range: TimeRange) {
    let address = std::ptr::from_ref::<Component>;
    let mut placed = HashSet::new();
    each(object, zones, range, |instance| {
        placed.insert(address(instance.component));
        ControlFlow::Continue(())
    });
    let overrides = overrides(object, zones);
    let elsewhere = overrides.values().filter(|moved| {
        let would = range.overlaps(moved.id.at, moved.would_end) || (moved.future && moved.id.at < range.end);
        !would && !placed.contains(&address(moved.component))
    });
    let elsewhere: HashSet<_> = elsewhere.map(|moved| address(moved.component)).collect();
    let mut keeps = object.calendar.components.iter().map(|part| !elsewhere.contains(&address(part)));
    calendar.components.retain(|_| keeps.next().unwrap_or(true));
}

/// Only the periods of FREEBUSY that overlap a range (RFC 4791 section 9.6.7).
fn limit_freebusy(calendar: &mut Component, range: TimeRange, zones: &Zones<'_>) {
    let overlaps = |text: &&str| {
        let line = line(&format!("FREEBUSY:{text}"));
        line.is_none_or(|line| periods_of(&line, zones).all(|(start, end)| range.overlaps(start, end)))
    };
    for part in calendar.components.iter_mut().filter(|part| part.name == "VFREEBUSY") {
        let properties = std::mem::take(&mut part.properties);
        part.properties = properties
            .into_iter()
            .filter_map(|property| {
                if property.name != "FREEBUSY" {
                    return Some(property);
                }
                let kept: Vec<&str> = property.value().split(',').filter(overlaps).collect();
                if kept.is_empty() { None } else { line(&format!("{}:{}", property.head(), kept.join(","))) }
            })
            .collect();
    }
}
