//! COPY and MOVE (RFC 4918 sections 9.8 and 9.9).

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};

use super::{Call, bad_header};
use crate::exchange::Response;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::header::Depth;
use crate::wire::header::depth;

pub(super) async fn copy(call: Call) -> Result<Response> {
    let deep = match depth(&call.headers).map_err(bad_header)? {
        Some(Depth::Zero) => false,
        Some(Depth::One) => return Err(Refusal::of(Condition::BadRequest).text("Depth: 1 is not defined here").into()),
        Some(Depth::Infinity) | None => true,
    };
    let mut admitted = call.tree.write(&call.request).await?;
    let done = admitted.copy(deep).await;
    let (admitted, overwritten) = call.tree.braked(admitted, done).await?;
    let location = location(&admitted.destination, &admitted.target);
    admitted.commit().await?;
    Ok(answer(overwritten, location))
}

pub(super) async fn relocate(call: Call) -> Result<Response> {
    let depth = depth(&call.headers).map_err(bad_header)?;
    let mut admitted = call.tree.write(&call.request).await?;
    let collection = admitted.target.node().is_some_and(|node| node.kind.is_collection());
    if collection && depth.is_some_and(|depth| depth != Depth::Infinity) {
        return Err(Refusal::of(Condition::BadRequest).text("a folder is moved with Depth: infinity only").into());
    }
    let done = admitted.relocate().await;
    let (admitted, overwritten) = call.tree.braked(admitted, done).await?;
    let location = location(&admitted.destination, &admitted.target);
    admitted.commit().await?;
    Ok(answer(overwritten, location))
}

fn location(
    destination: &Option<crate::tree::resolve::Target>,
    source: &crate::tree::resolve::Target,
) -> Option<HeaderValue> {
    let collection = source.node().is_some_and(|node| node.kind.is_collection());
    destination.as_ref().and_then(|d| HeaderValue::from_str(&d.path.href(collection)).ok())
}

fn answer(overwritten: bool, location: Option<HeaderValue>) -> Response {
    let mut response = Call::status(if overwritten { StatusCode::NO_CONTENT } else { StatusCode::CREATED });
    if let Some(location) = location.filter(|_| !overwritten) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
