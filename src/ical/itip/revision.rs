//! Which of two states of a component is the newer one.

use super::super::object::Component;
use super::super::time::When;
use crate::model::civil::seconds_of;
use crate::model::id::Timestamp;

/// Which state of a component it is: the higher SEQUENCE is the newer one, then the later DTSTAMP (RFC 5546 section
/// 2.1.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct ComponentRevision {
    /// SEQUENCE.
    pub sequence: u64,
    /// DTSTAMP.
    pub stamp: Timestamp,
}

impl ComponentRevision {
    /// That of a component; what says none is the oldest.
    #[must_use]
    pub fn of(component: &Component) -> Self {
        let stamp = component.property("DTSTAMP").and_then(When::of).map_or(Timestamp::MIN, |at| seconds_of(at.local));
        Self { sequence: sequence_of(component), stamp }
    }
}

/// The highest SEQUENCE: an INTEGER (RFC 5545 section 3.3.8).
const MAX_SEQUENCE: i64 = i32::MAX as i64;

/// The SEQUENCE of a component.
#[must_use]
pub fn sequence_of(component: &Component) -> u64 {
    let number = component.value("SEQUENCE").map(str::trim).and_then(|number| number.parse::<i64>().ok());
    number.map_or(0, |number| number.clamp(0, MAX_SEQUENCE).unsigned_abs())
}
