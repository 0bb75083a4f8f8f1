//! POST: a new calendar object (RFC 5995), files of one, what is shared, questions to an outbox.

use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};

use super::call::Call;
use super::put::{represented, store};
use super::{attachment, outbox, share};
use crate::exchange::Response;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::media_type;
use crate::model::method::Method;
use crate::tree::edit::content::FileContent;
use crate::tree::gate::Request;
use crate::wire::calendar::CALENDAR;
use crate::wire::header::text;

impl Call {
    /// Is the body said to be XML?
    fn is_xml(&self) -> bool {
        let given = text(&self.headers, CONTENT_TYPE).unwrap_or_default();
        ["application/xml", "text/xml"].iter().any(|xml| media_type::essence(&given).eq_ignore_ascii_case(xml))
    }
}

/// POST to a calendar: a new member, whose name is ours to choose (RFC 5995). Its type has to be said: a page of
/// another site can send no type, or one of a form, in the name of who is logged in, but not this one.
pub(super) async fn post(mut call: Call) -> Result<Response> {
    if call.action.is_some() {
        return attachment::post(call).await;
    }
    if call.is_xml() {
        return share::post(call).await;
    }
    let precheck = call.tree.precheck(&call.request).await?;
    if precheck.target.node().is_some_and(|node| node.kind == Kind::Outbox) {
        return outbox::post(call, &precheck.target).await;
    }
    if precheck.target.node().is_some_and(|node| node.kind == Kind::Object) {
        return Err(Condition::ValidActionParameter.into());
    }
    if precheck.target.node().is_none_or(|node| node.traits().put.is_none()) {
        return Err(Condition::CannotHold.into());
    }
    let given = text(&call.headers, CONTENT_TYPE).unwrap_or_default();
    if !media_type::essence(&given).eq_ignore_ascii_case(CALENDAR) && !call.is_json() {
        return Err(Condition::SupportedCalendarData.into());
    }
    let bytes = call.take_object(precheck.room.most_bytes()).await?;
    let (blob, indexed) = call.tree.prepare(call.request.actor.id, &call.request.budget, bytes).await?;
    let name = format!("{:x}.ics", Id::generate().0);
    let request = Request {
        preconditions: call.request.preconditions.clone(),
        budget: call.request.budget.clone(),
        ..Request::of(Method::Put, precheck.target.path.join(&name), call.request.actor.clone())
    };
    let content = FileContent::object(blob, indexed);
    let mut response = store(&call.tree, &request, content, !call.is_json()).await?;
    if let Ok(location) = HeaderValue::from_str(&request.path.href(false)) {
        response.headers_mut().insert(LOCATION, location);
    }
    if call.preferences().representation {
        call.request = request;
        return Box::pin(represented(call, response)).await;
    }
    Ok(response)
}
