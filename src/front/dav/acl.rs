//! ACL: who may do what with a collection is set (RFC 3744 section 8.1).

use http::StatusCode;

use super::call::Call;
use crate::exchange::Response;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::wire::acl::acl as parse;

pub(super) async fn acl(mut call: Call) -> Result<Response> {
    let body = call.take_whole().await?;
    let requested = parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    let mut admitted = call.tree.write(&call.request).await?;
    admitted.set_acl(&requested).await?;
    admitted.commit().await?;
    Ok(Call::status(StatusCode::OK))
}
