//! The content of a document as an answer: whole, or the ranges of it that are asked for (RFC 9110 section 14).

use std::future::{Future, ready};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{iter, once};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED, VARY,
};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::exchange::{Body, Response};
use crate::front::answer::bare;
use crate::model::condition::Condition;
use crate::model::error::{Detail, Refusal, Result};
use crate::model::etag::ETag;
use crate::model::media_type::UNKNOWN;
use crate::model::method::Method;
use crate::model::node::{ContentStream, Node};
use crate::tree::BodyContent;
use crate::wire::header::{SCHEDULE_TAG, http_date};
use crate::wire::range::{ByteRange, RangeSelection, select as select_ranges};

/// Separates the parts of a multi-range answer; a document cannot guess it, and RFC 2046 forbids nothing in it.
const BOUNDARY: &str = "beffroi-part-7f3a91c2d4e8";

/// Room for the headers of a document, with the date and the length that the HTTP library adds.
const MAX_DESCRIBED: usize = 12;

/// What reads a document's content.
pub trait ContentSource: Send {
    /// The content from `start` on, `length` bytes long.
    fn content(&mut self, start: u64, length: u64) -> impl Future<Output = Result<BodyContent>> + Send;
}

/// What a GET or HEAD of a document asks for.
#[derive(Clone, Copy)]
pub struct ContentRequest<'a> {
    /// GET or HEAD.
    pub method: Method,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// Headers of a document, whatever part of it is sent.
pub fn describe(node: &Node, etag: Option<&ETag>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MAX_DESCRIBED);
    if let Some(etag) = etag {
        insert(&mut headers, ETAG, &etag.header_value());
    }
    if let Some(tag) = node.schedule_tag() {
        insert(&mut headers, SCHEDULE_TAG, &tag.header_value());
    }
    insert(&mut headers, LAST_MODIFIED, &http_date(node.modified_at));
    insert(&mut headers, CONTENT_TYPE, node.media_type().as_deref().unwrap_or(UNKNOWN));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Authorization"));
    headers
}

/// The document, or the ranges of it that are asked for.
pub async fn as_stored(
    asked: ContentRequest<'_>,
    source: &mut impl ContentSource,
    node: &Node,
    etag: &ETag,
    mut headers: HeaderMap,
) -> Result<Response> {
    let size = node.content_bytes();
    // Ranges are of GET only (RFC 9110 section 14.2).
    let ranges = match asked.method {
        Method::Get => select_ranges(asked.headers, size, etag, node.modified_at),
        Method::Head => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
            return Ok(response(StatusCode::OK, headers, Body::Empty));
        }
        _ => RangeSelection::Whole,
    };
    match ranges {
        RangeSelection::Unsatisfiable => {
            Err(Refusal::of(Condition::RangeNotSatisfiable).because(Detail::Size(size)).into())
        }
        RangeSelection::Whole => {
            let body = part(source, ByteRange { start: 0, length: size }).await?;
            Ok(response(StatusCode::OK, headers, body))
        }
        RangeSelection::Parts(parts) => {
            let body = match parts.as_slice() {
                [one] => {
                    insert(&mut headers, CONTENT_RANGE, &content_range(*one, size));
                    part(source, *one).await?
                }
                several => {
                    insert(&mut headers, CONTENT_TYPE, &format!("multipart/byteranges; boundary={BOUNDARY}"));
                    parts_body(source, node, several, size).await?
                }
            };
            Ok(response(StatusCode::PARTIAL_CONTENT, headers, body))
        }
    }
}

/// An answer with headers.
pub fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = bare(status, body);
    *response.headers_mut() = headers;
    response
}

/// Sets a header whose value is made of what clients or rows say.
pub fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn content_range(part: ByteRange, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.start + part.length - 1)
}

/// A part of the content as a body.
pub async fn part(source: &mut impl ContentSource, part: ByteRange) -> Result<Body> {
    Ok(match source.content(part.start, part.length).await? {
        BodyContent::Whole(bytes) => Body::Full(bytes),
        BodyContent::Blocks(blocks) => Body::Blocks(blocks, Some(part.length)),
    })
}

/// Several ranges, each with its own header (RFC 9110 section 14.6).
async fn parts_body(source: &mut impl ContentSource, node: &Node, parts: &[ByteRange], size: u64) -> Result<Body> {
    let media_type = node.media_type();
    let content_type = media_type.as_deref().unwrap_or(UNKNOWN);
    let whole = |bytes: Bytes| -> ContentStream { Box::pin(once(ready(Ok(bytes)))) };
    let mut pieces = Vec::new();
    let mut length = 0;
    for one in parts {
        let head = format!(
            "\r\n--{BOUNDARY}\r\nContent-Type: {content_type}\r\nContent-Range: {}\r\n\r\n",
            content_range(*one, size)
        );
        length = one.length.saturating_add(length + head.len() as u64);
        pieces.push(whole(head.into()));
        pieces.push(match source.content(one.start, one.length).await? {
            BodyContent::Whole(bytes) => whole(bytes),
            BodyContent::Blocks(blocks) => blocks,
        });
    }
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    length = length.saturating_add(tail.len() as u64);
    pieces.push(whole(tail.into()));
    Ok(Body::Blocks(Box::pin(iter(pieces).flatten()), Some(length)))
}
