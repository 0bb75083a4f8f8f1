//! The front ends: each answers the requests of one protocol, and knows nothing of the others; `answer` is what they
//! share.

pub mod answer;
pub mod dav;
pub mod feed;
pub mod freebusy;
pub mod timezones;
