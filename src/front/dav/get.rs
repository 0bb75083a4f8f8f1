//! GET and HEAD: documents with ranges, collections as a page (RFC 9110 sections 9.3.1 and 14).

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};
use jiff::tz::TimeZone;

use super::call::Call;
use super::listing;
use crate::exchange::{Body, Response};
use crate::front::content::{ContentRequest, ContentSource, as_stored, describe, part, response};
use crate::ical::object::Object;
use crate::ical::select::select;
use crate::ical::zone::Zones;
use crate::model::budget::Budget;
use crate::model::calendar::CalendarDataSelection;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::method::Method;
use crate::model::node::Node;
use crate::model::view::View;
use crate::tree::calendar::bytes_of;
use crate::tree::resource::Needs;
use crate::tree::work::WorkSlice;
use crate::tree::{BodyContent, Tree};
use crate::wire::calendar::{CALENDAR, JSON};
use crate::wire::header::{acceptance, describe_zones};
use crate::wire::range::ByteRange;

pub(super) async fn get(call: Call) -> Result<Response> {
    let mut admitted = call.tree.read_one(&call.request).await?;
    let Some(node) = admitted.target.node().cloned() else { return Err(Condition::NotFound.into()) };
    if node.is_collection() {
        return listing::listing(call.language, &call.request.budget, &mut admitted).await;
    }
    let size = node.content_bytes();
    let etag = node.etag(admitted.seal());
    let mut headers = describe(&node, etag.as_ref());
    if admitted.not_modified {
        headers.remove(CONTENT_TYPE);
        return Ok(response(StatusCode::NOT_MODIFIED, headers, Body::Empty));
    }
    let Some(etag) = etag else { return Err(Condition::NotFound.into()) };
    if node.is_altered() {
        return made(call, admitted, &node, headers).await;
    }
    if let Some(selection) = conversion(&call, &node) {
        headers.insert(VARY, HeaderValue::from_static("Authorization, Accept, CalDAV-Timezones"));
        let body = {
            let mut source = AdmittedContent { tree: &call.tree, admitted: &mut admitted, node: &node };
            part(&mut source, ByteRange { start: 0, length: size }).await?
        };
        // Others want the connection while this works.
        drop(admitted);
        // What nobody can read is sent as it is stored.
        if let Body::Full(stored) = body
            && let Some(page) =
                converted(&call.tree, call.request.actor.id, &call.request.budget, (stored, selection.clone())).await?
        {
            headers.remove(ACCEPT_RANGES);
            if selection.json {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/calendar+json; charset=utf-8"));
            }
            return Ok(response(StatusCode::OK, headers, Body::Full(page.into())));
        }
        admitted = call.tree.read_one(&call.request).await?;
    }
    let mut source = AdmittedContent { tree: &call.tree, admitted: &mut admitted, node: &node };
    let asked = ContentRequest { method: call.request.method, headers: &call.headers };
    as_stored(asked, &mut source, &node, &etag, headers).await
}

/// An object that shows otherwise than it is stored: a private event to those who may only know when someone is busy,
/// or any to who has something of their own there. It is made for the answer, and sent whole.
async fn made(call: Call, mut admitted: listing::ReadHandle, node: &Node, mut headers: HeaderMap) -> Result<Response> {
    let run = Vec::from_iter(admitted.resource(Needs::NOTHING).await?);
    call.request.budget.bytes(bytes_of(&run))?;
    let seal = Arc::clone(admitted.seal());
    let read = admitted.texts(run).await?.into_iter().next().ok_or(Condition::NotFound)?;
    drop(admitted);
    if let Some(tag) = read.node.etag(&seal).and_then(|tag| HeaderValue::from_str(&tag.header_value()).ok()) {
        headers.insert(ETAG, tag);
    }
    let (person, budget) = (call.request.actor.id, &call.request.budget);
    let seen = call.tree.work(person, budget, move |_| Some(read.seen_text())).await?;
    let mut text = seen.ok_or(Condition::NotFound)?;
    headers.remove(ACCEPT_RANGES);
    if let Some(selection) = conversion(&call, node) {
        headers.insert(VARY, HeaderValue::from_static("Authorization, Accept, CalDAV-Timezones"));
        let of = (text.clone(), selection.clone());
        if let Some(page) = converted(&call.tree, call.request.actor.id, &call.request.budget, of).await? {
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

/// What a request reads of its document.
struct AdmittedContent<'a> {
    tree: &'a Tree,
    admitted: &'a mut listing::ReadHandle,
    node: &'a Node,
}

impl ContentSource for AdmittedContent<'_> {
    async fn content(&mut self, start: u64, length: u64) -> Result<BodyContent> {
        self.admitted.content(self.tree, self.node, start, length).await
    }
}
