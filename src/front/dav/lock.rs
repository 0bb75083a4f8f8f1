//! LOCK and UNLOCK (RFC 4918 sections 9.10 and 9.11).

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;

use super::call::Call;
use crate::exchange::Response;
use crate::front::answer::bad_header;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::header::Depth;
use crate::model::lock::{Lock, LockRequest};
use crate::model::media_type;
use crate::model::node::Blob;
use crate::tree::Tree;
use crate::tree::edit::content::{Content, FileContent};
use crate::tree::gate::Request;
use crate::wire::header::{depth, timeout_s};
use crate::wire::multistatus::lock_answer;
use crate::wire::request::lockinfo;
use crate::wire::xml::escape;

/// The longest owner element kept, in bytes.
const MAX_OWNER_BYTES: usize = 4096;
/// SHA-256 of nothing.
const EMPTY_HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) async fn lock(mut call: Call) -> Result<Response> {
    let body = call.take_whole().await?;
    let timeout_s = timeout_s(&call.headers);
    if body.iter().all(u8::is_ascii_whitespace) {
        return call.tree.retry_when_full(|| refresh(&call.tree, &call.request, timeout_s)).await;
    }
    let info = lockinfo(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    let deep = match depth(&call.headers).map_err(bad_header)? {
        Some(Depth::Zero) => false,
        Some(Depth::One) => return Err(Refusal::of(Condition::BadRequest).text("Depth: 1 is not defined here").into()),
        Some(Depth::Infinity) | None => true,
    };
    if info.owner_xml.len() > MAX_OWNER_BYTES {
        return Err(Condition::TooLarge.into());
    }
    let owner_xml = if info.owner_xml.is_empty() {
        // Office and WinSCP show the owner to the person waiting.
        let mut name = String::new();
        escape(&call.request.actor.display_name, &mut name);
        name
    } else {
        info.owner_xml
    };
    let asked = LockRequest { shared: info.shared, deep, owner_xml, timeout_s };
    call.tree.retry_when_full(|| make(&call.tree, &call.request, &asked)).await
}

async fn make(tree: &Tree, request: &Request, asked: &LockRequest) -> Result<Response> {
    let mut admitted = tree.write(request).await?;
    let (node, status) = match admitted.target.node().cloned() {
        Some(node) => (node, StatusCode::OK),
        None => {
            // An empty document appears with the lock (RFC 4918 section 7.3); davfs2 counts on 201.
            let blob = Blob { hash: EMPTY_HASH.to_owned(), size_bytes: 0, inline: Some(Bytes::new()) };
            let content_type = media_type::of_name(admitted.target.name()).to_owned();
            let content = FileContent::document(blob, content_type);
            (admitted.bind(Content::File(content)).await?, StatusCode::CREATED)
        }
    };
    let made = admitted.lock(&node, asked.clone()).await?;
    let root = admitted.target.path.href(node.is_collection());
    let mut locks = crate::tree::edit::lock::covering(&admitted.target);
    locks.push((made.clone(), root));
    let now = admitted.now();
    admitted.commit().await?;
    Ok(locked(status, &made, &locks, now))
}

async fn refresh(tree: &Tree, request: &Request, timeout_s: i64) -> Result<Response> {
    if request.preconditions.submitted().next().is_none() {
        return Err(Refusal::of(Condition::BadRequest).text("a LOCK without body needs the token to refresh").into());
    }
    let mut admitted = tree.write(request).await?;
    if admitted.target.node().is_none() {
        return Err(Condition::LockTokenNotHeld.into());
    }
    let (lock, root) = admitted.refresh(timeout_s).await?;
    let now = admitted.now();
    admitted.commit().await?;
    Ok(locked(StatusCode::OK, &lock, &[(lock.clone(), root)], now))
}

fn locked(status: StatusCode, lock: &Lock, locks: &[(Lock, String)], now: i64) -> Response {
    let mut response = Call::xml(status, lock_answer(locks, now));
    if let Ok(token) = HeaderValue::from_str(&format!("<{}>", lock.token)) {
        response.headers_mut().insert("lock-token", token);
    }
    response
}

pub(super) async fn unlock(call: Call) -> Result<Response> {
    let Some(token) = call.request.preconditions.lock_token.clone() else {
        return Err(Refusal::of(Condition::BadRequest).text("the Lock-Token header is missing").into());
    };
    call.tree.retry_when_full(|| take_off(&call.tree, &call.request, &token)).await?;
    Ok(Call::status(StatusCode::NO_CONTENT))
}

async fn take_off(tree: &Tree, request: &Request, token: &str) -> Result<()> {
    let mut admitted = tree.write(request).await?;
    admitted.unlock(token).await?;
    admitted.commit().await
}
