//! PUT: a new document, or new content of one (RFC 9110 section 9.3.4, RFC 4918 section 9.7).

use http::header::{
    CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPECT, HeaderName, HeaderValue, IF_RANGE, LAST_MODIFIED,
    LOCATION, RANGE,
};
use http::{HeaderMap, StatusCode};

use super::call::{Call, heeded};
use super::get::get;
use crate::exchange::Response;
use crate::front::answer::refusal_answer;
use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::id::Timestamp;
use crate::model::kind::Kind;
use crate::model::media_type;
use crate::model::method::Method;
use crate::tree::edit::content::FileContent;
use crate::tree::edit::put::StoredContent;
use crate::tree::gate::Request;
use crate::tree::publish::may_be_published;
use crate::tree::quota::RemainingQuota;
use crate::tree::target::AddressSpace;
use crate::tree::{INLINE_BYTES, Tree};
use crate::wire::header::{CAL_MANAGED_ID, SCHEDULE_TAG, http_date, text, unix_seconds};

pub(super) async fn put(mut call: Call) -> Result<Response> {
    let stored = take_and_store(&mut call).await;
    if !call.preferences().representation {
        return stored;
    }
    match stored {
        Ok(done) => Box::pin(represented(call, done)).await,
        // What stands there instead is sent, too (RFC 8144 section 3.2).
        Err(Error::Refused(refusal)) if refusal.condition == Condition::PreconditionFailed => {
            let answer = refusal_answer(&refusal, call.language);
            Box::pin(represented(call, answer)).await
        }
        Err(error) => Err(error),
    }
}

/// The same answer with what is there now as its content (RFC 8144 section 3). Few ask for it: it is boxed.
pub(super) async fn represented(mut call: Call, answer: Response) -> Result<Response> {
    let status = match answer.status() {
        StatusCode::NO_CONTENT => StatusCode::OK,
        status => status,
    };
    let path = call.request.path.clone();
    let Request { actor, budget, .. } = call.request;
    call.request = Request { budget, ..Request::of(Method::Get, path.clone(), actor) };
    [RANGE, IF_RANGE].iter().for_each(|name| drop(call.headers.remove(name)));
    let mut response = match get(call).await {
        Ok(response) => response,
        // It has gone meanwhile, or there is none.
        Err(Error::Refused(_)) => return Ok(answer),
        Err(error) => return Err(error),
    };
    *response.status_mut() = status;
    if let Ok(location) = HeaderValue::from_str(&path.href(false)) {
        response.headers_mut().insert(CONTENT_LOCATION, location);
    }
    for name in [LOCATION, HeaderName::from_static("x-oc-mtime"), CAL_MANAGED_ID] {
        if let Some(value) = answer.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    heeded(&mut response, "return=representation");
    Ok(response)
}

async fn take_and_store(call: &mut Call) -> Result<Response> {
    if may_be_published(&call.request.path) {
        let precheck = call.tree.precheck(&call.request).await?;
        if call.tree.is_published(&precheck).await? {
            let text = call.take_object(u64::MAX).await?;
            let stored = call.tree.publish(&call.request, &call.request.budget, text).await?;
            return Ok(stored_answer(&stored, None));
        }
    }
    if call.headers.contains_key(CONTENT_RANGE) {
        // Cyberduck continues an upload so, and starts again when refused.
        return Err(Refusal::of(Condition::BadRequest)
            .text("a part of a document is not taken; send the whole")
            .into());
    }
    let modified_at = text(&call.headers, "x-oc-mtime").as_deref().and_then(unix_seconds);
    let small = call.is_small();
    let room = if small { RemainingQuota::default() } else { room(&call.tree, &call.request).await? };
    let content = match call.take_content(&room).await {
        Ok(content) => content,
        Err(error) if small => {
            // Who may not write here learns that, and not what was wrong with the content.
            call.tree.precheck(&call.request).await?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    let content = FileContent { modified_at, ..content };
    let as_sent = AddressSpace::of(&call.request.path) != AddressSpace::Calendars || !call.is_json();
    store(&call.tree, &call.request, content, as_sent).await
}

/// How much may come. Who only reads an object of a calendar may change what is their own there: whether that is all
/// shows when it is here.
async fn room(tree: &Tree, request: &Request) -> Result<RemainingQuota> {
    match tree.precheck(request).await {
        Err(Error::Refused(refusal)) if refusal.condition == Condition::NeedPrivileges => {
            let precheck = tree.precheck(&Request { of_own_part: true, ..request.clone() }).await?;
            let is_object = precheck.target.node().is_some_and(|node| node.kind == Kind::Object);
            if is_object { Ok(precheck.room) } else { Err(Error::Refused(refusal)) }
        }
        precheck => Ok(precheck?.room),
    }
}

impl Call {
    /// Is the content so small that it costs less to take it than to ask first whether it may come? The gate of the
    /// write is the one that counts. Who waits for our word before sending gets it.
    fn is_small(&self) -> bool {
        !self.headers.contains_key(EXPECT) && self.declared_length().is_some_and(|length| length <= INLINE_BYTES as u64)
    }

    /// Takes what is put: its bytes, its media type, and of a calendar object what the index says of it.
    async fn take_content(&mut self, room: &RemainingQuota) -> Result<FileContent> {
        if AddressSpace::of(&self.request.path) == AddressSpace::Calendars {
            let bytes = self.take_object(room.most_bytes()).await?;
            let (blob, indexed) = self.tree.prepare(self.request.actor.id, &self.request.budget, bytes).await?;
            return Ok(FileContent::object(blob, indexed));
        }
        let name = self.request.path.name().unwrap_or_default();
        let content_type = media_type::kept(text(&self.headers, CONTENT_TYPE).as_deref(), name);
        Ok(FileContent::document(self.take_document(room).await?, content_type))
    }
}

/// The tag of what is not stored `as_sent` is not sent: the client has to read it (RFC 4791 section 5.3.4).
pub(super) async fn store(tree: &Tree, request: &Request, content: FileContent, as_sent: bool) -> Result<Response> {
    let said = content.modified_at;
    let stored = tree.put(request, content).await?;
    let is_altered = stored.is_altered || !as_sent;
    Ok(stored_answer(&StoredContent { is_altered, ..stored }, said))
}

/// `said`: the modification time that the client stated.
fn stored_answer(stored: &StoredContent, said: Option<Timestamp>) -> Response {
    let status = if stored.is_new { StatusCode::CREATED } else { StatusCode::NO_CONTENT };
    let mut response = Call::status(status);
    let headers = response.headers_mut();
    describe_stored(headers, stored, !stored.is_altered);
    if said.is_some() {
        headers.insert("x-oc-mtime", HeaderValue::from_static("accepted"));
    }
    response
}

/// The tags and the date of what was stored.
pub(super) fn describe_stored(headers: &mut HeaderMap, stored: &StoredContent, shows_tag: bool) {
    let node = &stored.node;
    let etag = stored.etag.as_ref().filter(|_| shows_tag).map(|etag| (ETAG, etag.header_value()));
    let tag = node.schedule_tag().map(|tag| (SCHEDULE_TAG, tag.header_value()));
    for (name, value) in etag.into_iter().chain(tag).chain([(LAST_MODIFIED, http_date(node.modified_at))]) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}
