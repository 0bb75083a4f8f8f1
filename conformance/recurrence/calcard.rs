//! What calcard makes of recurrence rules, on local times without a zone: the same lines in and out as `libical.c`.

use std::io::{BufRead as _, Write as _};

use calcard::common::timezone::Tz;
use calcard::icalendar::ICalendar;

/// More than any rule of the suite has up to the end of its window.
const MOST: usize = 20_000;

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let [name, start, rule, limit, from, to] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        match instances(start, rule, limit.parse().unwrap_or(0), from, to) {
            Ok((first, found)) => writeln!(out, "{name}\t{first}\t{}", found.join(","))?,
            Err(why) => writeln!(out, "{name}\t! {why}")?,
        }
    }
    out.flush()
}

fn instances(start: &str, rule: &str, limit: usize, from: &str, to: &str) -> Result<(String, Vec<String>), String> {
    let day = start.len() == 8;
    let kind = if day { ";VALUE=DATE" } else { "" };
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Suite//EN\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART{kind}:{start}\r\nDURATION:PT1S\r\nRRULE:{rule};UNTIL={to}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let calendar = ICalendar::parse(&text).map_err(|_| "not read".to_owned())?;
    let expanded = calendar.expand_dates(Tz::Floating, if limit > 0 { limit } else { MOST });
    if !expanded.errors.is_empty() || limit == 0 && expanded.events.len() >= MOST {
        return Err(format!("{:?}", expanded.errors));
    }
    let form = if day { "%Y%m%d" } else { "%Y%m%dT%H%M%S" };
    let told: Vec<String> = expanded.events.iter().map(|event| event.start.format(form).to_string()).collect();
    let first = told.first().cloned().unwrap_or_default();
    let within = |at: &String| at.as_str() < to && (limit > 0 || at.as_str() >= from);
    Ok((first, told.into_iter().filter(within).collect()))
}
