//! What people and administrators ask for as a whole, made of many requests to the tree: a calendar or a folder in and
//! out, holidays, the demonstration. Commands and front ends call it and say themselves what came of it; each request
//! passes the gate as others do.

pub mod calendars;
pub mod demo;
mod demo_meetings;
pub mod documents;
pub mod holidays;
mod object;
mod write;
