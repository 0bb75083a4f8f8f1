//! Which properties a request asks for.

use crate::model::name::QName;

/// What a PROPFIND, or the `DAV:prop` of a report, asks for (RFC 4918 section 14.20).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PropertyRequest {
    /// `allprop`, and these besides.
    All(Vec<QName>),
    /// `propname`.
    Names,
    /// These.
    These(Vec<QName>),
}
