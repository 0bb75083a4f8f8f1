//! The front ends: each answers the requests of one protocol, and knows nothing of the others; `answer` and `content`
//! are what they share, and `page` what those of them share that people read.

pub mod answer;
pub mod answer_page;
pub mod attachment;
pub mod content;
pub mod dav;
pub mod feed;
pub mod freebusy;
pub mod page;
pub mod timezones;
