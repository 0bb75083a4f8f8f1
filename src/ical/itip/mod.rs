//! Meetings (RFC 5546, RFC 6638): what a change of one is for others, and what others' messages change. Pure: the
//! moment, the zone, the ledger of what was sent and answered are arguments.

pub mod address;
pub mod message;
pub mod people;
