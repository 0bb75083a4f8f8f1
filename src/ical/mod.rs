//! iCalendar (RFC 5545): reading what clients stored, and answering questions about it. Pure: no input, no output.
//!
//! The client's bytes are the truth. [`object::Object`] is a view of them that keeps each content line as it stands, so
//! whatever is handed out again is made of the client's own lines.

pub mod availability;
pub mod busy_form;
pub mod busy_request;
mod count_skip;
mod described;
#[cfg(test)]
mod examples;
mod exceptions;
mod extent;
pub mod filter;
mod follow;
pub mod freebusy;
pub mod invitation;
pub mod itip;
pub mod jcal;
pub mod jcal_read;
pub mod line;
pub mod object;
pub mod occasion;
pub mod outlook;
mod outlook_event;
pub mod outlook_people;
mod period;
pub mod published;
pub mod recur;
pub mod rule;
mod rule_plan;
pub mod select;
pub mod span;
mod steps;
pub mod stream;
mod template;
pub mod text_format;
pub mod time;
pub mod tzdist;
pub mod tzid;
pub mod validate;
pub mod vtimezone;
pub mod zone;
