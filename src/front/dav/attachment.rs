//! POST to a calendar object: files that are attached to it (RFC 8607).

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::call::Call;
use super::put::{describe_stored, represented};
use crate::exchange::Response;
use crate::model::attachment::{AttachmentAction, MAX_ATTACHMENT_BYTES};
use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::kind::Kind;
use crate::model::media_type;
use crate::model::node::Node;
use crate::tree::attachment::{AttachmentChange, UploadedFile, file_name};
use crate::tree::quota::RemainingQuota;
use crate::wire::attachment::read;
use crate::wire::header::{CAL_MANAGED_ID, attached_name, text};

/// What a file is called whose client gave it no name.
const NAMELESS: &str = "attachment";

pub(super) async fn post(mut call: Call) -> Result<Response> {
    let precheck = call.tree.precheck(&call.request).await?;
    if precheck.target.node().map(|node: &Node| node.kind) != Some(Kind::Object) {
        return Err(Condition::AddressWithQuery.into());
    }
    call.tree.may_attach(&call.request).await?;
    let action = read(call.action.as_deref().unwrap_or_default())?;
    let file = match &action {
        AttachmentAction::Add(_) | AttachmentAction::Update(_) => Some(take_file(&mut call, &precheck.room).await?),
        AttachmentAction::Remove(..) => None,
    };
    let is_new = matches!(action, AttachmentAction::Add(_));
    let change = AttachmentChange { action, file, server: call.server.clone() };
    let done = call.tree.attach(&call.request, &change).await?;
    let mut response = Call::status(if is_new { StatusCode::CREATED } else { StatusCode::NO_CONTENT });
    describe_stored(response.headers_mut(), &done.stored, true);
    if let Some(Ok(id)) = done.managed_id.map(|id| HeaderValue::from_str(&id)) {
        response.headers_mut().insert(CAL_MANAGED_ID, id);
    }
    if call.preferences().representation {
        return Box::pin(represented(call, response)).await;
    }
    Ok(response)
}

/// The file of the request: it is streamed like a document.
async fn take_file(call: &mut Call, room: &RemainingQuota) -> Result<UploadedFile> {
    let name = attached_name(&call.headers).map(|name| file_name(&name)).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| NAMELESS.to_owned());
    let media_type = media_type::kept(text(&call.headers, CONTENT_TYPE).as_deref(), &name);
    let most = call.limits.max_body_bytes;
    call.limits.max_body_bytes = most.min(MAX_ATTACHMENT_BYTES);
    let blob = call.take_document(room).await.map_err(|error| match error {
        Error::Refused(refusal) if refusal.condition == Condition::TooLarge => Condition::MaxAttachmentSize.into(),
        error => error,
    })?;
    Ok(UploadedFile { blob, media_type, name })
}
