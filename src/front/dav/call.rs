//! A request on its way through a handler, and the answers that handlers share.

use futures_util::stream::iter;
use http::header::{HeaderValue, VARY};
use http::{HeaderMap, HeaderName};

use crate::exchange::{Body, Incoming, Limits, Response};
use crate::front::answer::is_xml;
use crate::message::Language;
use crate::model::header::Preferences;
use crate::tree::Tree;
use crate::tree::gate::Request;
use crate::wire::header;
use crate::wire::multistatus::XmlWriter;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A request on its way through a handler.
pub struct Call {
    pub(super) tree: Tree,
    pub(super) request: Request,
    pub(super) headers: HeaderMap,
    /// The query of a POST that says what is to be done with attachments.
    pub(super) action: Option<String>,
    /// How this server is reached.
    pub(super) server: String,
    pub(super) body: Incoming,
    pub(super) language: Language,
    pub(super) limits: Limits,
}

impl Call {
    pub(super) fn preferences(&self) -> Preferences {
        header::preferences(&self.headers)
    }

    /// An empty answer.
    pub(super) fn status(status: http::StatusCode) -> Response {
        let mut response = http::Response::new(Body::Empty);
        *response.status_mut() = status;
        response
    }

    /// An XML answer.
    pub(super) fn xml(status: http::StatusCode, xml: XmlWriter) -> Response {
        let (mut blocks, last) = xml.end();
        let body = if blocks.is_empty() {
            Body::Full(last)
        } else {
            blocks.push(last);
            let length = blocks.iter().map(|block| block.len() as u64).sum();
            Body::Blocks(Box::pin(iter(blocks.into_iter().map(Ok))), Some(length))
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        is_xml(&mut response);
        response
    }
}

/// Says that a preference was heeded (RFC 7240 section 3), and that the answer depends on that.
pub(super) fn heeded(response: &mut Response, preference: &str) {
    let headers = response.headers_mut();
    for (name, value) in [(PREFERENCE_APPLIED, preference), (VARY, "Brief, Prefer")] {
        let present =
            headers.get(&name).and_then(|present| present.to_str().ok()).filter(|present| !present.contains(value));
        let all = present.map_or_else(|| value.to_owned(), |present| format!("{present}, {value}"));
        if let Ok(all) = HeaderValue::from_str(&all) {
            headers.insert(name, all);
        }
    }
}
