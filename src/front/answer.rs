//! Answers that the front ends share: refusals, failures, headers of XML.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::exchange::{Body, Response};
use crate::message::{self, Language};
use crate::model::condition::Condition;
use crate::model::error::{self, Cause, Detail, Error, Refusal};
use crate::model::etag::ETag;
use crate::model::id::Timestamp;
use crate::model::precondition::{Outcome, ResourceState};
use crate::wire::header::{self, BadHeader};
use crate::wire::multistatus::error_body;

const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// How many seconds later a client should try again that was answered that we are busy.
const RETRY: HeaderValue = HeaderValue::from_static("5");
/// And one whose password could not be looked at.
const RETRY_LOGIN: HeaderValue = HeaderValue::from_static("1");

/// Classes and extensions we answer for, the class 1 first: Thunderbird drops the first token.
pub const DAV_HEADER: &str = "1, 2, 3, access-control, extended-mkcol, version-control, update, \
    calendar-access, calendar-auto-schedule, calendar-managed-attachments, \
    calendar-no-timezone, calendar-proxy, calendarserver-sharing";

/// The `DAV` header's name.
pub const DAV: HeaderName = HeaderName::from_static("dav");

/// Marks an answer as XML, and repeats our classes, which Apple's clients read there.
pub fn is_xml(response: &mut Response) {
    response.headers_mut().insert(CONTENT_TYPE, XML);
    response.headers_mut().insert(DAV, HeaderValue::from_static(DAV_HEADER));
}

/// The answer to a refused request.
#[must_use]
pub fn refusal_answer(refusal: &Refusal, language: Language) -> Response {
    let sentence = message::refusal(language, refusal);
    let mut response = match error_body(refusal, &sentence, language.tag()) {
        Some(xml) => {
            let mut response = http::Response::new(Body::Full(Bytes::from(xml)));
            is_xml(&mut response);
            response
        }
        None if sentence.is_empty() => http::Response::new(Body::Empty),
        None => plain(format!("{sentence}\n")),
    };
    *response.status_mut() =
        StatusCode::from_u16(refusal.condition.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    match &refusal.detail {
        Detail::Allow(methods) => {
            if let Ok(value) = HeaderValue::from_str(methods) {
                headers.insert(ALLOW, value);
            }
        }
        Detail::Size(size) => {
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                headers.insert(CONTENT_RANGE, value);
            }
        }
        _ => {}
    }
    match refusal.condition.status() {
        429 => drop(headers.insert(RETRY_AFTER, RETRY_LOGIN)),
        503 => drop(headers.insert(RETRY_AFTER, RETRY)),
        _ => {}
    }
    match refusal.condition {
        // Windows would cache the name as missing for a minute.
        Condition::NotFound => drop(headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"))),
        // RFC 9110 section 12.5.3.
        Condition::ContentCoding => drop(headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"))),
        _ => {}
    }
    response
}

/// The answer when we failed: what the machine lacks, else the id under which the cause is in the log.
#[must_use]
pub fn failure_answer(cause: Cause, id: &str, language: Language) -> Response {
    if let Some(condition) = cause.condition() {
        return refusal_answer(&Refusal::of(condition), language);
    }
    let mut response = plain(format!("{}\n", message::text(language, "failed", &[("id", id.to_owned())])));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// An answer of this status, and no header.
#[must_use]
pub fn bare(status: StatusCode, body: Body) -> Response {
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    response
}

/// The answer to a method other than GET and HEAD, of a front end that is only read; `None` for those two.
#[must_use]
pub fn only_read(method: &Method) -> Option<Response> {
    let status = match *method {
        Method::GET | Method::HEAD => return None,
        Method::OPTIONS => StatusCode::OK,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    let mut response = bare(status, Body::Empty);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("OPTIONS, GET, HEAD"));
    Some(response)
}

/// The headers of a calendar that is shown to whoever knows its address. `tag` is of these very bytes.
#[must_use]
pub fn calendar_headers(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        headers.insert(ETAG, tag);
    }
    headers
}

/// 304 with the headers of what would be sent, where the client has that; `None` where it is to be sent, 412 where it
/// shall not be.
pub fn not_modified(
    asked: &HeaderMap,
    sent: &HeaderMap,
    modified_at: Option<Timestamp>,
) -> error::Result<Option<Response>> {
    let preconditions = header::preconditions(asked).map_err(bad_header)?;
    let etag = header::text(sent, ETAG).map(|tag| ETag { opaque: tag.trim_matches('"').to_owned(), weak: false });
    let state = ResourceState { exists: true, etag, modified_at, ..ResourceState::default() };
    match preconditions.http(&state, true) {
        Outcome::Proceed => Ok(None),
        Outcome::NotModified => {
            let mut response = bare(StatusCode::NOT_MODIFIED, Body::Empty);
            *response.headers_mut() = sent.clone();
            response.headers_mut().remove(CONTENT_TYPE);
            Ok(Some(response))
        }
        Outcome::Failed => Err(Condition::PreconditionFailed.into()),
    }
}

fn plain(text: String) -> Response {
    let mut response = http::Response::new(Body::Full(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    response
}

/// The refusal of a header that cannot be understood.
pub fn bad_header(error: BadHeader) -> Error {
    Refusal::of(Condition::BadRequest).text(format!("the header {} cannot be understood", error.0)).into()
}

/// HEAD: the length stays, the body goes.
pub fn without_body(response: &mut Response) {
    let length = match response.body() {
        Body::Full(bytes) => Some(bytes.len() as u64),
        Body::Blocks(_, length) => *length,
        Body::Empty => None,
    };
    *response.body_mut() = Body::Empty;
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;

    use super::refusal_answer;
    use crate::message::Language;
    use crate::model::budget::Exhausted;
    use crate::model::condition::CONDITIONS;
    use crate::model::error::{Error, Refusal};

    #[test]
    fn what_passes_says_when_to_ask_again() {
        for row in &CONDITIONS {
            let answer = refusal_answer(&Refusal::of(row.condition), Language::English);
            let passes = [429, 503].contains(&row.status);
            assert_eq!(answer.headers().contains_key(RETRY_AFTER), passes, "{:?}", row.condition);
        }
        // What all requests share may be held by others.
        let refused = Error::from(Exhausted::Process);
        assert!(matches!(refused, Error::Refused(refusal) if refusal.condition.status() == 503));
    }
}
