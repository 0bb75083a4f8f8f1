//! The component that describes one occurrence of a series: the whole of the master, at its time.

use super::super::extent::Extent;
use super::super::object::{Component, Property};
use super::super::time::When;
use super::occurrence::{OccurrenceSet, start_of, write_time};
use crate::model::id::Timestamp;

/// What only a master has.
const OF_SERIES: [&str; 4] = ["RRULE", "RDATE", "EXDATE", "EXRULE"];

impl OccurrenceSet<'_> {
    /// The occurrence at an instant as a component of its own, with all that the master says, its alarms too.
    pub(super) fn derived(&self, at: Timestamp) -> Option<Component> {
        let master = self.master?;
        let start = start_of(master)?;
        let when = self.when(at);
        let zone = self.zones.of(&start.clock);
        let end = Extent::of(master, &start, &self.zones).end(at, when.local, &zone);
        let is_due_alone = master.property("DTSTART").is_none();
        let mut part = master.clone();
        part.properties.retain(|line| !OF_SERIES.contains(&line.name.as_str()) && line.name != "RECURRENCE-ID");
        for line in &mut part.properties {
            match line.name.as_str() {
                "DTSTART" => *line = write_like(line, &when),
                "DUE" if is_due_alone => *line = write_like(line, &when),
                "DTEND" | "DUE" => {
                    if let Some(clock) = When::of(line).map(|when| when.clock) {
                        let local = self.zones.of(&clock).local(end);
                        *line = write_like(line, &When { local, clock });
                    }
                }
                _ => {}
            }
        }
        let after = part.properties.iter().position(|line| line.name == "DTSTART").unwrap_or(0);
        part.properties.insert(after, self.line("RECURRENCE-ID", at));
        Some(part)
    }

    /// What a component says of one occurrence: that of the override, or what the master says of it. `None`: there is
    /// no such occurrence.
    pub(super) fn effective(&self, at: Timestamp) -> Option<Component> {
        let own = self.overrides.get(&at).map(|part| (*part).clone());
        own.or_else(|| self.has(at).then(|| self.derived(at)).flatten())
    }
}

/// Another time on the same clock, in the line as it is written otherwise.
fn write_like(line: &Property, when: &When) -> Property {
    line.with_value(write_time(&line.name, when).value())
}
