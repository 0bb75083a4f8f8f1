//! COPY and MOVE (RFC 4918 sections 9.8 and 9.9).

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};

use super::call::Call;
use crate::exchange::Response;
use crate::front::answer::bad_header;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::header::Depth;
use crate::tree::Tree;
use crate::tree::gate::Request;
use crate::wire::header::{SCHEDULE_TAG, depth};

pub(super) async fn copy(call: Call) -> Result<Response> {
    let deep = match depth(&call.headers).map_err(bad_header)? {
        Some(Depth::Zero) => false,
        Some(Depth::One) => return Err(Refusal::of(Condition::BadRequest).text("Depth: 1 is not defined here").into()),
        Some(Depth::Infinity) | None => true,
    };
    transfer(call.tree, call.request, deep).await
}

pub(super) async fn relocate(call: Call) -> Result<Response> {
    let depth = depth(&call.headers).map_err(bad_header)?;
    transfer(call.tree, call.request, depth.is_none_or(|depth| depth == Depth::Infinity)).await
}

async fn transfer(tree: Tree, request: Request, deep: bool) -> Result<Response> {
    let done = tree.transfer(&request, deep).await?;
    let mut response = Call::status(if done.overwritten { StatusCode::NO_CONTENT } else { StatusCode::CREATED });
    let href = done.destination.filter(|_| !done.overwritten).map(|at| at.path.href(done.collection));
    if let Some(location) = href.and_then(|href| HeaderValue::from_str(&href).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    if let Some(Ok(tag)) = done.schedule_tag.map(|tag| HeaderValue::from_str(&tag.header_value())) {
        response.headers_mut().insert(SCHEDULE_TAG, tag);
    }
    Ok(response)
}
