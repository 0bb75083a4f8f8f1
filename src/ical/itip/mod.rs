//! Meetings (RFC 5546, RFC 6638): what a change of one is for others, and what others' messages change. Pure: the
//! moment, the zone and the ledger of what was sent and answered are arguments.
//!
//! | who does what | is read by | which gives |
//! |---|---|---|
//! | the organizer stores or deletes a meeting | [`organizer::organizer_diff`] | what is stored, messages, rows of the ledger |
//! | an attendee stores or deletes a copy | [`attendee::attendee_diff`] | what is stored, the answer |
//! | a file is attached, or taken off | [`attachments::attach`] | what is stored |
//! | the organizer's invitation arrives | [`copy::apply_request`] | the copy |
//! | the organizer's cancellation arrives | [`copy::apply_cancel`] | the copy |
//! | an attendee's answer arrives | [`reply::apply_reply`] | the organizer's object, rows of the ledger |
//! | an attendee's proposal arrives | [`counter::apply_counter`] | the organizer's object as it would be |
//! | a manager of a room decides by mail | [`booking_request::manager_answer`] | the room's copy |
//! | anything arrives by mail | [`shown`] | what is shown of it in an inbox |
//! | somebody answers without a copy | [`attendance::chosen_answer`] | the answer, as a message |
//! | somebody has answered | [`organizer::refresh_all`] | what the copies of the others follow |
//! | somebody stores something in a calendar of others | [`personal::split`] | what is everybody's, what is their own |
//!
//! A [`deliveries::SchedulingDelivery`] has two texts. `message` is what people get: an inbox item, a mail; it may be
//! about a single occurrence. `view` is all that its recipients may know: what copies on this server are made of, so
//! that a message that was lost, or comes late, costs nothing. A delivery that is a `Refresh` notifies nobody.
//!
//! All is decided by meaning: DTEND and DURATION of one length, a rule in another order, an address in capitals are no
//! change. Whose a property is stands in one table (`fields`), whose answer holds in another (`organizer_answers`).
//!
//! Work is bounded: rules are compared as rules, at most sixty new occurrences are asked about one by one, all
//! following of rules takes the steps of its object. Those who are invited to the same get one text, and texts are
//! drawn from the budget of the request, which refuses what would be built for a thousand people apart.

pub mod address;
pub mod attachments;
pub mod attendance;
pub mod attendance_sheet;
pub mod attendee;
pub mod booking_request;
mod change;
pub mod context;
pub mod copy;
pub mod counter;
pub mod deliveries;
mod derive;
mod fields;
pub mod folder_link;
pub mod groups;
pub mod ledger;
pub mod message;
pub mod minutes;
pub mod occurrence;
pub mod organizer;
mod organizer_answers;
pub mod people;
pub mod personal;
pub mod reply;
mod revision;
pub mod shown;
#[cfg(test)]
mod tests;
mod timing;
mod view;
