//! OPTIONS: 200 on every address, mapped or not, with what is true of it for who asks.

use http::StatusCode;
use http::header::{ALLOW, HeaderValue};

use super::call::Call;
use crate::exchange::Response;
use crate::front::answer::{DAV, DAV_HEADER};
use crate::model::error::Result;

pub(super) async fn options(call: Call) -> Result<Response> {
    let methods = call.tree.allow(&call.request.actor, &call.request.path).await?;
    let mut response = Call::status(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(DAV, HeaderValue::from_static(DAV_HEADER));
    headers.insert("ms-author-via", HeaderValue::from_static("DAV"));
    if let Ok(allow) = HeaderValue::from_str(&methods.allow()) {
        headers.insert(ALLOW, allow);
    }
    Ok(response)
}
