//! `/assets/`: what pages load. Each has a name that is made of its content, so that a browser keeps it for good and
//! never shows an old one.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::guards;
use crate::exchange::{Body, Response};
use crate::front::answer::only_read;
use crate::model::condition::Condition;
use crate::model::error::Result;

/// Below which address they are.
pub const ASSETS: &str = "/assets";
/// So many letters of a hash distinguish the states of an asset.
const HASH: usize = 16;

struct Asset {
    kind: &'static str,
    content: &'static str,
    address: String,
}

/// The style sheet, and the icon.
static ALL: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    [
        ("style", "css", "text/css; charset=utf-8", include_str!("../../../assets/style.css")),
        ("icon", "svg", "image/svg+xml", include_str!("../../../assets/icon.svg")),
    ]
    .map(|(name, ending, kind, content)| {
        let hash: String = hex::encode(Sha256::digest(content)).chars().take(HASH).collect();
        Asset { kind, content, address: format!("{ASSETS}/{name}.{hash}.{ending}") }
    })
});

/// Where the style sheet is.
pub(super) fn style() -> &'static str {
    let [style, _] = &*ALL;
    &style.address
}

/// Where the icon is.
pub(super) fn icon() -> &'static str {
    let [_, icon] = &*ALL;
    &icon.address
}

/// Answers a request below `/assets`.
pub fn serve(head: &Parts) -> Result<Response> {
    let asset = ALL.iter().find(|asset| asset.address == head.uri.path()).ok_or(Condition::NotFound)?;
    if let Some(response) = only_read(&head.method) {
        return Ok(response);
    }
    let mut response = http::Response::new(Body::Full(Bytes::from_static(asset.content.as_bytes())));
    let headers = response.headers_mut();
    headers.extend(guards());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}
