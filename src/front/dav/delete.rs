//! DELETE: the node leaves its name, with all below it (RFC 4918 section 9.6);
//! in the trash it goes for good.

use http::StatusCode;

use super::call::Call;
use crate::exchange::Response;
use crate::front::answer::bad_header;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::header::Depth;
use crate::model::id::Id;
use crate::model::view::View;
use crate::tree::Tree;
use crate::tree::gate::Request;
use crate::tree::target::AddressSpace;
use crate::wire::header::depth;
use crate::wire::sharing::notification;

pub(super) async fn delete(call: Call) -> Result<Response> {
    let depth = depth(&call.headers).map_err(bad_header)?;
    let (tree, request) = (&call.tree, &call.request);
    if let Some(rest) = tree.retry_when_full(|| remove(tree, request, depth)).await? {
        tree.finish_purge(rest).await?;
    }
    Ok(Call::status(StatusCode::NO_CONTENT))
}

/// What is still to be purged of it.
async fn remove(tree: &Tree, request: &Request, depth: Option<Depth>) -> Result<Option<Id>> {
    let mut admitted = tree.write(request).await?;
    let collection = admitted.target.node().is_some_and(|node| node.is_collection());
    if collection && depth.is_some_and(|depth| depth != Depth::Infinity) {
        return Err(Refusal::of(Condition::BadRequest).text("a folder is deleted with Depth: infinity only").into());
    }
    if admitted.target.node().is_some_and(|node| node.view == View::Linked) {
        admitted.leave_calendar(notification).await?;
        admitted.commit().await?;
        return Ok(None);
    }
    if admitted.target.realm == AddressSpace::Trash {
        return tree.purge(admitted).await;
    }
    tree.remove(admitted).await?;
    Ok(None)
}
