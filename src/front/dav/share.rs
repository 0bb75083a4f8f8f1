//! POST about sharing (caldav-sharing): whom a calendar is shared with, and what they answer.

use bytes::Bytes;
use http::StatusCode;

use super::call::Call;
use crate::exchange::{Body, Response};
use crate::front::answer::is_xml;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::wire::sharing::{SharingMessage, message, notification, shared_as};

pub(super) async fn post(mut call: Call) -> Result<Response> {
    let body = call.take_whole().await?;
    let posted = message(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    call.request.about_sharing = true;
    let mut admitted = call.tree.write(&call.request).await?;
    let shared = match &posted {
        SharingMessage::Share(changes) => {
            admitted.share(changes, notification).await?;
            None
        }
        SharingMessage::Reply(reply) => admitted.answer_invitation(reply, notification).await?,
    };
    admitted.commit().await?;
    let Some(path) = shared else { return Ok(Call::status(StatusCode::OK)) };
    let mut response = http::Response::new(Body::Full(Bytes::from(shared_as(&path.href(true)))));
    is_xml(&mut response);
    Ok(response)
}
