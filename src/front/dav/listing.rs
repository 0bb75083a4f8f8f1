//! GET of a collection: a plain page of links, for phones and for whoever opens the address in a browser.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};

use crate::exchange::{Body, Response};
use crate::message::{self, Language};
use crate::model::budget::Budget;
use crate::model::error::Result;
use crate::tree::gate::Admitted;
use crate::tree::resource::{Needs, Resource};
use crate::tree::walk::Cursor;
use crate::wire::header::http_date;
use crate::wire::xml::escape;

/// A request that is only read.
pub(super) type ReadHandle = Admitted<crate::tree::CachedReader>;

/// The most entries a page shows, and about the most bytes; a browser chokes on more, and file clients do not come
/// here.
const MAX_ENTRIES: usize = 20_000;
const MAX_BYTES: usize = 16 * 1024 * 1024;

pub(super) async fn listing(language: Language, budget: &Budget, admitted: &mut ReadHandle) -> Result<Response> {
    let mut page = String::new();
    let word = |key: &str| message::text(language, key, &[]);
    let mut title = String::new();
    escape(&format!("/{}", admitted.target.path.segments().join("/")), &mut title);
    let _ = write!(
        page,
        "<!DOCTYPE html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>body{{font:1rem/1.6 sans-serif;margin:1rem}}\
         td,th{{padding:0 1rem 0 0;text-align:left}}td+td{{white-space:nowrap}}</style></head><body><h1>{title}</h1>\
         <table><tr><th>{}</th><th>{}</th><th>{}</th></tr>",
        language.tag(),
        word("listing-name"),
        word("listing-size"),
        word("listing-modified")
    );
    for hold in admitted.holds().await? {
        let project = admitted.target.path.segments().last().cloned().unwrap_or_default();
        let mut notice = String::new();
        escape(&message::text(language, "held", &[("name", hold.principal), ("project", project)]), &mut notice);
        let _ = write!(page, "<tr><td colspan=\"3\"><strong>{notice}</strong></td></tr>");
    }
    if !admitted.target.path.segments().is_empty() {
        let mut parent = String::new();
        escape(&admitted.target.parent_href(), &mut parent);
        let _ = write!(page, "<tr><td><a href=\"{parent}\">{}</a></td></tr>", word("listing-parent"));
    }
    let mut at = Cursor::default();
    let mut shown = 0;
    loop {
        let members = admitted.members(&at, Needs::default()).await?;
        shown += members.resources.len();
        let before = page.capacity();
        for resource in &members.resources {
            if page.len() < MAX_BYTES {
                entry(resource, &mut page);
            }
        }
        budget.bytes(page.capacity() - before)?;
        match members.next {
            Some(next) if shown < MAX_ENTRIES && page.len() < MAX_BYTES => at = next,
            _ => break,
        }
    }
    page.push_str("</table></body></html>");
    let mut response = http::Response::new(Body::Full(Bytes::from(page)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    );
    Ok(response)
}

fn entry(resource: &Resource, page: &mut String) {
    let mut name = String::new();
    escape(&resource.node.name, &mut name);
    let slash = if resource.node.is_collection() { "/" } else { "" };
    let mut href = String::new();
    escape(&resource.href, &mut href);
    let is_known = slash.is_empty() && !resource.node.is_altered();
    let size = if is_known { readable_size(resource.node.size_bytes) } else { String::new() };
    let _ = write!(
        page,
        "<tr><td><a href=\"{href}\">{name}{slash}</a></td><td>{size}</td><td>{}</td></tr>",
        http_date(resource.node.modified_at)
    );
}

/// A size for people, in binary units.
#[must_use]
pub fn readable_size(bytes: i64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}
