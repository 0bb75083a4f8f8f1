//! Time zones: from the TZID of an object to instants.
//!
//! A TZID is tried as an IANA name, as an IANA name after a path (`/softwarestudio.org/Olson_20011030_5/Europe/Paris`),
//! as a Windows name, and last by the VTIMEZONE that the object brings along. What is still unknown floats.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::str::FromStr as _;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp as Instant};
use windows_timezones::WindowsTimezone;

use super::object::Component;
use super::recur::starts_of_observance;
use super::time::{Clock, When};
use crate::model::budget::{Budget, Exhausted};
use crate::model::civil::{civil_of, seconds_of};
use crate::model::id::Timestamp;

/// The most steps through its rules and lists that one object may take.
const OBJECT_STEPS: u64 = 50_000;
/// What it costs to look a name up that nobody knows.
const STEPS_OF_NAME: u64 = 20;
/// No name of a zone is longer, and none has more segments.
const MAX_NAME_BYTES: usize = 255;
const MAX_SEGMENTS: usize = 10;

/// A clock that can be read.
#[derive(Clone, Debug)]
pub enum Zone {
    /// One of the zones that the world agrees on.
    Known(TimeZone),
    /// One that only its object describes.
    Described(Rc<Described>),
}

/// A zone as a VTIMEZONE describes it: when which offset begins, ascending.
#[derive(Debug)]
pub struct Described {
    onsets: Vec<Onset>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Onset {
    /// By the clock before.
    local: DateTime,
    from_s: i64,
    to_s: i64,
}

/// The offset of a zone where instants of the library end.
fn offset_beyond(zone: &TimeZone, later: bool) -> i64 {
    zone.to_offset(if later { Instant::MAX } else { Instant::MIN }).seconds().into()
}

impl Zone {
    /// The instant at which the clock shows a time. What it never shows (in spring) is moved forward; of what it shows twice
    /// (in autumn) the first counts.
    #[must_use]
    pub fn instant(&self, local: DateTime) -> Timestamp {
        match self {
            Self::Known(zone) => {
                let beyond = |_| seconds_of(local) - offset_beyond(zone, local.year() > 0);
                zone.to_ambiguous_timestamp(local).compatible().map_or_else(beyond, Instant::as_second)
            }
            Self::Described(described) => seconds_of(local) - described.offset_at_local(local),
        }
    }

    /// What the clock shows at an instant.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> DateTime {
        match self {
            Self::Known(zone) => {
                let beyond = |_| civil_of(at.saturating_add(offset_beyond(zone, at > 0)));
                Instant::from_second(at).map_or_else(beyond, |instant| zone.to_datetime(instant))
            }
            Self::Described(described) => civil_of(at.saturating_add(described.offset_at(at))),
        }
    }
}

impl Described {
    fn read(zone: &Component, zones: &Zones<'_>) -> Option<Self> {
        let mut onsets = Vec::new();
        let parts = zone.components.iter().filter(|part| part.name == "STANDARD" || part.name == "DAYLIGHT");
        for part in parts.take_while(|_| zones.step(1)) {
            let from_s = offset(part.value("TZOFFSETFROM")?)?;
            let to_s = offset(part.value("TZOFFSETTO")?)?;
            onsets.extend(starts_of_observance(part, zones).into_iter().map(|local| Onset { local, from_s, to_s }));
        }
        onsets.sort_unstable();
        (!onsets.is_empty()).then_some(Self { onsets })
    }

    fn offset_at_local(&self, local: DateTime) -> i64 {
        let next = self.onsets.partition_point(|onset| onset.local <= local);
        let Some(onset) = next.checked_sub(1).and_then(|last| self.onsets.get(last)) else {
            return self.onsets.first().map_or(0, |first| first.from_s);
        };
        // A time that is skipped is told by the clock before.
        let skipped = SignedDuration::from_secs((onset.to_s - onset.from_s).max(0));
        let resumes = onset.local.checked_add(skipped).unwrap_or(onset.local);
        if local < resumes { onset.from_s } else { onset.to_s }
    }

    fn offset_at(&self, at: Timestamp) -> i64 {
        let next = self.onsets.partition_point(|onset| seconds_of(onset.local) - onset.from_s <= at);
        match next.checked_sub(1).and_then(|last| self.onsets.get(last)) {
            Some(onset) => onset.to_s,
            None => self.onsets.first().map_or(0, |first| first.from_s),
        }
    }
}

/// `+0100`, `-033000` in seconds.
fn offset(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).map_or(Some(0), |part| part.parse::<i64>().ok());
    Some(sign * (part(0)? * 3600 + part(2)? * 60 + part(4)?))
}

/// A zone that the world knows by a name: IANA's, IANA's after a path, or Windows'.
#[must_use]
pub fn known(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    if name.len() > MAX_NAME_BYTES || name.split('/').count() > MAX_SEGMENTS {
        return None;
    }
    if let Some(zone) = iana(name) {
        return Some(zone);
    }
    let windows = WindowsTimezone::from_str(name).ok();
    let windows = windows.map(|zone| zone.tzdb_id()).or_else(|| shown_by_windows(name));
    if let Some(zone) = windows.and_then(iana) {
        return Some(zone);
    }
    // `.../America/Argentina/Salta`: the longest tail that is a name.
    let mut rest = name;
    while let Some((_, tail)) = rest.split_once('/') {
        if let Some(zone) = iana(tail) {
            return Some(zone);
        }
        rest = tail;
    }
    None
}

/// By the text that Windows shows: `(UTC+01:00) Bruxelles, ...`. Only the English ones are known.
fn shown_by_windows(name: &str) -> Option<&'static str> {
    if !name.starts_with('(') {
        return None;
    }
    use strum::IntoEnumIterator as _;
    WindowsTimezone::iter().find(|zone| zone.description() == name).map(|zone| zone.tzdb_id())
}

fn iana(name: &str) -> Option<TimeZone> {
    // `posixrules`, `localtime` and the like would be the machine's own business.
    let place = name.contains('/') || matches!(name, "UTC" | "GMT" | "Z" | "CET" | "EET" | "WET" | "MET");
    if !place {
        return None;
    }
    TimeZone::get(name).ok()
}

/// The zones of one object, and the one in which floating times are told.
///
/// Following rules, those of zones among them, takes steps, of which an object has so many and no more; they go from the
/// budget of the request, too.
pub struct Zones<'a> {
    calendar: &'a Component,
    floating: Zone,
    seen: RefCell<HashMap<String, Option<Zone>>>,
    budget: Option<Budget>,
    left: Cell<u64>,
    cut: Cell<bool>,
}

impl<'a> Zones<'a> {
    /// For the times of an object; what floats is told in `floating`.
    #[must_use]
    pub fn new(calendar: &'a Component, floating: &TimeZone) -> Self {
        let floating = Zone::Known(floating.clone());
        let (seen, left, cut) = (RefCell::default(), Cell::new(OBJECT_STEPS), Cell::new(false));
        Self { calendar, floating, seen, budget: None, left, cut }
    }

    /// For a request with a budget.
    #[must_use]
    pub fn within(self, budget: &Budget) -> Self {
        Self { budget: Some(budget.clone()), ..self }
    }

    /// To be asked before so many steps. When there are no more, what follows is cut short.
    pub(super) fn step(&self, number: u64) -> bool {
        let enough = self.left.get() >= number && self.work(number).is_ok();
        if !enough {
            self.cut();
        }
        self.left.set(self.left.get().saturating_sub(number));
        enough
    }

    /// Steps that were taken before anybody could know how many.
    pub(super) fn spend(&self, number: u64) {
        let _ = self.work(number);
        self.left.set(self.left.get().saturating_sub(number));
    }

    /// Work on this object that is no step through its rules: it goes from the budget of the request alone.
    pub(super) fn work(&self, steps: u64) -> Result<(), Exhausted> {
        self.budget.as_ref().map_or(Ok(()), |budget| budget.steps(steps))
    }

    /// To be asked before so many bytes are built.
    pub(super) fn bytes(&self, number: usize) -> Result<(), Exhausted> {
        self.budget.as_ref().map_or(Ok(()), |budget| budget.bytes(number))
    }

    /// So many bytes are held no more.
    pub(super) fn give_back(&self, number: usize) {
        if let Some(budget) = &self.budget {
            budget.give_back(number);
        }
    }

    /// Not all has been looked at.
    pub(super) fn cut(&self) {
        self.cut.set(true);
    }

    /// Was anything cut short?
    pub(super) fn is_cut(&self) -> bool {
        self.cut.get()
    }

    /// The zone of a clock.
    #[must_use]
    pub fn of(&self, clock: &Clock) -> Zone {
        match clock {
            Clock::Day | Clock::Floating => self.floating.clone(),
            Clock::Utc => Zone::Known(TimeZone::UTC),
            Clock::Zone(name) => self.named(name).unwrap_or_else(|| self.floating.clone()),
        }
    }

    /// Does anybody know a zone of this name?
    pub(super) fn knows(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    fn named(&self, name: &str) -> Option<Zone> {
        if let Some(zone) = self.seen.borrow().get(name) {
            return zone.clone();
        }
        self.step(STEPS_OF_NAME);
        let zone = known(name).map(Zone::Known).or_else(|| self.described(name));
        self.seen.borrow_mut().insert(name.to_owned(), zone.clone());
        zone
    }

    fn described(&self, name: &str) -> Option<Zone> {
        let described = self
            .calendar
            .components
            .iter()
            .find(|part| part.name == "VTIMEZONE" && part.value("TZID").map(str::trim) == Some(name.trim()))?;
        Described::read(described, self).map(|described| Zone::Described(Rc::new(described)))
    }

    /// The instant of a time.
    #[must_use]
    pub fn instant(&self, when: &When) -> Timestamp {
        self.of(&when.clock).instant(when.local)
    }
}
