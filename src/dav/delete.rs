//! DELETE: the node leaves its name, with all below it (RFC 4918 section 9.6);
//! in the trash it goes for good.

use http::StatusCode;

use super::{Call, bad_header};
use crate::exchange::Response;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::header::Depth;
use crate::tree::edit::At;
use crate::tree::resolve::Realm;
use crate::wire::header::depth;

pub(super) async fn delete(call: Call) -> Result<Response> {
    let depth = depth(&call.headers).map_err(bad_header)?;
    let mut admitted = call.tree.write(&call.request).await?;
    let collection = admitted.target.node().is_some_and(|node| node.kind.is_collection());
    if collection && depth.is_some_and(|depth| depth != Depth::Infinity) {
        return Err(Refusal::of(Condition::BadRequest).text("a folder is deleted with Depth: infinity only").into());
    }
    if admitted.target.realm == Realm::Trash {
        let rest = admitted.purge().await?;
        admitted.commit().await?;
        if let Some(rest) = rest {
            call.tree.finish_purge(rest).await?;
        }
        return Ok(Call::status(StatusCode::NO_CONTENT));
    }
    let done = admitted.unbind(At::Target).await;
    let (admitted, ()) = call.tree.braked(admitted, done).await?;
    admitted.commit().await?;
    Ok(Call::status(StatusCode::NO_CONTENT))
}
