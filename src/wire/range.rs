//! `Range` and `If-Range`, RFC 9110 section 14.

use http::HeaderMap;
use http::header;

use super::header::{date, entity_tag, text};
use crate::model::etag::ETag;
use crate::model::id::Timestamp;

/// The most ranges answered in one response; more are answered with the whole (RFC 9110 section 14.2 allows it).
pub const MAX_RANGES: usize = 16;

/// Part of a body: first byte and length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// How many.
    pub length: u64,
}

/// What is to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RangeSelection {
    /// All of it: 200.
    Whole,
    /// These parts: 206.
    Parts(Vec<ByteRange>),
    /// None of the ranges touches the body: 416.
    Unsatisfiable,
}

/// What the range headers select of a body of `size` bytes.
#[must_use]
pub fn select(headers: &HeaderMap, size: u64, etag: &ETag, modified_at: Timestamp) -> RangeSelection {
    let Some(range) = text(headers, header::RANGE) else { return RangeSelection::Whole };
    if let Some(condition) = text(headers, header::IF_RANGE) {
        // A date must match exactly, a tag strongly (RFC 9110 section 13.1.5).
        let holds = match date(&condition) {
            Some(at) => at == modified_at,
            None => entity_tag(&condition).is_some_and(|(tag, _)| tag.matches_strongly(etag)),
        };
        if !holds {
            return RangeSelection::Whole;
        }
    }
    let Some(specs) = range.strip_prefix("bytes=") else { return RangeSelection::Whole };
    let mut parts = Vec::new();
    for (number, spec) in specs.split(',').enumerate() {
        if number == MAX_RANGES {
            return RangeSelection::Whole;
        }
        match part(spec.trim(), size) {
            None => return RangeSelection::Whole,
            Some(None) => {}
            Some(Some(part)) => parts.push(part),
        }
    }
    if parts.is_empty() { RangeSelection::Unsatisfiable } else { RangeSelection::Parts(parts) }
}

/// `None`: not a range at all, or the end of what has none; `Some(None)`: one that does not touch the body.
fn part(spec: &str, size: u64) -> Option<Option<ByteRange>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        // The last bytes of nothing are all there is (RFC 9110 section 14.1.2), and cannot be sent as a part.
        if size == 0 && last.parse::<u64>().ok()? > 0 {
            return None;
        }
        let suffix = last.parse::<u64>().ok()?.min(size);
        return Some((suffix > 0).then_some(ByteRange { start: size - suffix, length: suffix }));
    }
    let start = first.parse::<u64>().ok()?;
    let end = if last.is_empty() { u64::MAX } else { last.parse::<u64>().ok()? };
    if end < start {
        return None;
    }
    Some((start < size).then(|| ByteRange { start, length: end.min(size - 1) - start + 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let etag = ETag { opaque: "a".into(), weak: false };
        let at = |start, length| ByteRange { start, length };
        for (range, if_range, expected) in [
            ("bytes=0-3", None, RangeSelection::Parts(vec![at(0, 4)])),
            ("bytes=5-", None, RangeSelection::Parts(vec![at(5, 5)])),
            ("bytes=-3", None, RangeSelection::Parts(vec![at(7, 3)])),
            ("bytes=-30", None, RangeSelection::Parts(vec![at(0, 10)])),
            ("bytes=8-99", None, RangeSelection::Parts(vec![at(8, 2)])),
            ("bytes=0-0, 9-9", None, RangeSelection::Parts(vec![at(0, 1), at(9, 1)])),
            ("bytes=10-", None, RangeSelection::Unsatisfiable),
            ("bytes=-0", None, RangeSelection::Unsatisfiable),
            ("bytes=3-2", None, RangeSelection::Whole),
            ("lines=1-2", None, RangeSelection::Whole),
            ("bytes=x", None, RangeSelection::Whole),
            ("bytes=0-3", Some("\"a\""), RangeSelection::Parts(vec![at(0, 4)])),
            ("bytes=0-3", Some("\"b\""), RangeSelection::Whole),
            ("bytes=0-3", Some("W/\"a\""), RangeSelection::Whole),
            ("bytes=0-3", Some("Sun, 06 Nov 1994 08:49:37 GMT"), RangeSelection::Parts(vec![at(0, 4)])),
            ("bytes=0-3", Some("Sun, 06 Nov 1994 08:49:38 GMT"), RangeSelection::Whole),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("range", range.parse().expect("a header"));
            if let Some(condition) = if_range {
                headers.insert("if-range", condition.parse().expect("a header"));
            }
            assert_eq!(select(&headers, 10, &etag, 784_111_777), expected, "{range} {if_range:?}");
        }
    }

    #[test]
    fn ranges_of_nothing() {
        let etag = ETag { opaque: "a".into(), weak: false };
        for (range, expected) in [
            ("bytes=-5", RangeSelection::Whole),
            ("bytes=0-, -1", RangeSelection::Whole),
            ("bytes=-0", RangeSelection::Unsatisfiable),
            ("bytes=0-", RangeSelection::Unsatisfiable),
            ("bytes=0-0", RangeSelection::Unsatisfiable),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("range", range.parse().expect("a header"));
            assert_eq!(select(&headers, 0, &etag, 0), expected, "{range}");
        }
    }
}
