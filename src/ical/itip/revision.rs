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

/// The SEQUENCE of a component.
#[must_use]
pub fn sequence_of(component: &Component) -> u64 {
    component.value("SEQUENCE").and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}
