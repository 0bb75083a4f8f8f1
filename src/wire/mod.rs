//! XML and headers into plain values and back. Pure: no I/O, no request, no tree. The only module that names
//! `quick_xml`.

pub mod acl;
pub mod attachment;
pub mod calendar;
pub mod digest;
pub mod encoding;
pub mod header;
pub mod multistatus;
mod property_request;
pub mod range;
pub mod request;
pub mod sharing;
pub mod xml;
