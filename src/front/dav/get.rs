//! GET and HEAD: documents with ranges, collections as a page (RFC 9110 sections 9.3.1 and 14).

use std::future::ready;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{iter, once};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED, VARY,
};
use http::{HeaderMap, StatusCode};
use jiff::tz::TimeZone;

use super::call::Call;
use super::listing;
use crate::exchange::{Body, Response};
use crate::front::answer::bare;
use crate::ical::object::Object;
use crate::ical::select::select;
use crate::ical::zone::Zones;
use crate::model::budget::Budget;
use crate::model::calendar::CalendarDataSelection;
use crate::model::condition::Condition;
use crate::model::error::{Detail, Refusal, Result};
use crate::model::etag::ETag;
use crate::model::id::Id;
use crate::model::media_type::UNKNOWN;
use crate::model::method::Method;
use crate::model::node::{ContentStream, Node};
use crate::model::view::View;
use crate::tree::resource::{Needs, Text};
use crate::tree::work::WorkSlice;
use crate::tree::{BodyContent, Tree};
use crate::wire::calendar::{CALENDAR, JSON};
use crate::wire::header::{SCHEDULE_TAG, acceptance, describe_zones, http_date};
use crate::wire::range::{ByteRange, RangeSelection, select as select_ranges};

/// Separates the parts of a multi-range answer; a document cannot guess it, and RFC 2046 forbids nothing in it.
const BOUNDARY: &str = "beffroi-part-7f3a91c2d4e8";

/// Room for the headers of a document, with the date and the length that the HTTP library adds.
const MAX_DESCRIBED: usize = 12;

pub(super) async fn get(call: Call) -> Result<Response> {
    let mut admitted = call.tree.read_one(&call.request).await?;
    let Some(node) = admitted.target.node().cloned() else { return Err(Condition::NotFound.into()) };
    if node.is_collection() {
        return listing::listing(call.language, &call.budget, &mut admitted).await;
    }
    let size = node.content_bytes();
    let etag = node.etag(admitted.seal());
    let mut headers = describe(&node, etag.as_ref());
    if admitted.not_modified {
        headers.remove(CONTENT_TYPE);
        return Ok(response(StatusCode::NOT_MODIFIED, headers, Body::Empty));
    }
    let Some(etag) = etag else { return Err(Condition::NotFound.into()) };
    if node.view == View::Masked {
        return masked(call, admitted, &node, headers).await;
    }
    if let Some(selection) = conversion(&call, &node) {
        headers.insert(VARY, HeaderValue::from_static("Authorization, Accept, CalDAV-Timezones"));
        let body = part(&call.tree, &mut admitted, &node, ByteRange { start: 0, length: size }).await?;
        // Others want the connection while this works.
        drop(admitted);
        // What nobody can read is sent as it is stored.
        if let Body::Full(stored) = body
            && let Some(page) =
                converted(&call.tree, call.request.actor.id, &call.budget, (stored, selection.clone())).await?
        {
            headers.remove(ACCEPT_RANGES);
            if selection.json {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/calendar+json; charset=utf-8"));
            }
            return Ok(response(StatusCode::OK, headers, Body::Full(page.into())));
        }
        admitted = call.tree.read_one(&call.request).await?;
    }
    as_stored(call, &mut admitted, &node, &etag, headers).await
}

/// A private event to those who may only know when someone is busy: it is made for the answer, and sent whole.
async fn masked(
    call: Call,
    mut admitted: listing::ReadHandle,
    node: &Node,
    mut headers: HeaderMap,
) -> Result<Response> {
    let size = usize::try_from(node.size_bytes).unwrap_or(usize::MAX);
    call.budget.bytes(size)?;
    let resource = admitted.resource(Needs::NOTHING).await?.ok_or(Condition::NotFound)?;
    let read = admitted.texts(vec![resource]).await?.into_iter().next();
    drop(admitted);
    let Some(Text::Read(mut text)) = read.map(|resource| resource.text) else {
        return Err(Condition::NotFound.into());
    };
    headers.remove(ACCEPT_RANGES);
    if let Some(selection) = conversion(&call, node) {
        headers.insert(VARY, HeaderValue::from_static("Authorization, Accept, CalDAV-Timezones"));
        let of = (text.clone(), selection.clone());
        if let Some(page) = converted(&call.tree, call.request.actor.id, &call.budget, of).await? {
            text = page.into();
            if selection.json {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/calendar+json; charset=utf-8"));
            }
        }
    }
    if call.request.method == Method::Head {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
        return Ok(response(StatusCode::OK, headers, Body::Empty));
    }
    Ok(response(StatusCode::OK, headers, Body::Full(text)))
}

/// The document, or the ranges of it that are asked for.
async fn as_stored(
    call: Call,
    admitted: &mut listing::ReadHandle,
    node: &Node,
    etag: &ETag,
    mut headers: HeaderMap,
) -> Result<Response> {
    let size = node.content_bytes();
    // Ranges are of GET only (RFC 9110 section 14.2).
    let ranges = match call.request.method {
        Method::Get => select_ranges(&call.headers, size, etag, node.modified_at),
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
            let body = part(&call.tree, admitted, node, ByteRange { start: 0, length: size }).await?;
            Ok(response(StatusCode::OK, headers, body))
        }
        RangeSelection::Parts(parts) => {
            let body = match parts.as_slice() {
                [one] => {
                    insert(&mut headers, CONTENT_RANGE, &content_range(*one, size));
                    part(&call.tree, admitted, node, *one).await?
                }
                several => {
                    insert(&mut headers, CONTENT_TYPE, &format!("multipart/byteranges; boundary={BOUNDARY}"));
                    parts_body(&call.tree, admitted, node, several, size).await?
                }
            };
            Ok(response(StatusCode::PARTIAL_CONTENT, headers, body))
        }
    }
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = bare(status, body);
    *response.headers_mut() = headers;
    response
}

/// An object in another form. `None`: nobody can read it.
async fn converted(
    tree: &Tree,
    person: Id,
    budget: &Budget,
    (stored, selection): (Bytes, CalendarDataSelection),
) -> Result<Option<String>> {
    let of = budget.clone();
    let work = move |_: &WorkSlice| {
        let Ok(object) = Object::stored(&stored) else { return Some(Ok(None)) };
        let zones = Zones::new(&object.calendar, &TimeZone::UTC).within(&of);
        Some(select(&object, &selection, &zones).map(Some))
    };
    let text = tree.work(person, budget, work).await??;
    budget.bytes(text.as_ref().map_or(0, String::len))?;
    Ok(text)
}

/// A calendar object in another form than it is stored: as jCal, or with other time zones. Its tag is that of what is
/// stored, for clients change that.
fn conversion(call: &Call, node: &Node) -> Option<CalendarDataSelection> {
    if !matches!(node.view, View::Present | View::Masked) || !node.kind.holds_calendar_object() {
        return None;
    }
    let json = acceptance(&call.headers, JSON) > acceptance(&call.headers, CALENDAR);
    let selection = CalendarDataSelection {
        json,
        describe_zones: describe_zones(&call.headers),
        ..CalendarDataSelection::default()
    };
    (!selection.is_all()).then_some(selection)
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Headers of a document, whatever part of it is sent.
fn describe(node: &Node, etag: Option<&ETag>) -> HeaderMap {
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

fn content_range(part: ByteRange, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.start + part.length - 1)
}

async fn part(tree: &Tree, admitted: &mut listing::ReadHandle, node: &Node, part: ByteRange) -> Result<Body> {
    Ok(match admitted.content(tree, node, part.start, part.length).await? {
        BodyContent::Whole(bytes) => Body::Full(bytes),
        BodyContent::Blocks(blocks) => Body::Blocks(blocks, Some(part.length)),
    })
}

/// Several ranges, each with its own header (RFC 9110 section 14.6).
async fn parts_body(
    tree: &Tree,
    admitted: &mut listing::ReadHandle,
    node: &Node,
    parts: &[ByteRange],
    size: u64,
) -> Result<Body> {
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
        pieces.push(match admitted.content(tree, node, one.start, one.length).await? {
            BodyContent::Whole(bytes) => whole(bytes),
            BodyContent::Blocks(blocks) => blocks,
        });
    }
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    length = length.saturating_add(tail.len() as u64);
    pieces.push(whole(tail.into()));
    Ok(Body::Blocks(Box::pin(iter(pieces).flatten()), Some(length)))
}
