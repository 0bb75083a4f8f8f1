//! VERSION-CONTROL and UPDATE (RFC 3253 sections 3.5 and 7.1).

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use super::call::Call;
use crate::exchange::Response;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::wire::header::href;
use crate::wire::multistatus::XmlWriter;
use crate::wire::request::update as parse;

/// Every document is under version control already: nothing changes (RFC 3253 section 3.5).
pub(super) async fn version_control(mut call: Call) -> Result<Response> {
    call.take_whole().await?;
    call.tree.read(&call.request).await?;
    let mut response = Call::status(StatusCode::OK);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// A document takes the content of a version, as a new one; a folder becomes what it was.
pub(super) async fn update(mut call: Call) -> Result<Response> {
    call.tree.precheck(&call.request).await?;
    let body = call.take_whole().await?;
    let version = parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    let version = href(&version).ok_or_else(|| Refusal::of(Condition::VersionMissing))?;
    let address = call.tree.update(&call.request, &version).await?.href();
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    writer.status_response(&address, 200, None);
    writer.end_multistatus(None);
    let mut response = Call::xml(StatusCode::MULTI_STATUS, writer);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
