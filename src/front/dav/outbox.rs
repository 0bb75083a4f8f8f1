//! POST to an outbox: when others are busy (RFC 6638 section 5).

use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::call::Call;
use crate::exchange::Response;
use crate::ical::busy_request::BusyRequest;
use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::id::now;
use crate::model::media_type;
use crate::model::name::CALDAV;
use crate::tree::busy::BusyAnswer;
use crate::tree::target::Target;
use crate::wire::calendar::CALENDAR;
use crate::wire::header::text;
use crate::wire::multistatus::{XmlWriter, href};
use crate::wire::xml::escape;

pub(super) async fn post(mut call: Call, outbox: &Target) -> Result<Response> {
    let given = text(&call.headers, CONTENT_TYPE).unwrap_or_default();
    if !media_type::essence(&given).eq_ignore_ascii_case(CALENDAR) {
        return Err(Condition::SupportedCalendarData.into());
    }
    let body = call.take_whole().await?;
    let question = BusyRequest::read(&body).map_err(|condition| Error::from(Refusal::of(condition)))?;
    let owner = outbox.node().map(|node| node.owner_id).unwrap_or_default();
    let answers = call.tree.busy_answers(&call.request.actor, owner, &question, &call.request.budget).await?;
    let mut writer = XmlWriter::document();
    writer.raw(&format!("<C:schedule-response xmlns:D=\"DAV:\" xmlns:C=\"{CALDAV}\">"));
    for (attendee, answer) in question.attendees().zip(answers) {
        let status = match &answer {
            BusyAnswer::Busy(_) => "2.0;Success",
            BusyAnswer::Unknown => "3.7;Invalid Calendar User",
            BusyAnswer::Refused => "3.8;No authority",
            BusyAnswer::Surplus => "5.1;Service unavailable",
        };
        writer.within(&call.request.budget, |writer| {
            writer.raw("<C:response><C:recipient>");
            writer.raw(&href(attendee.line().value()));
            writer.raw(&format!("</C:recipient><C:request-status>{status}</C:request-status>"));
            if let BusyAnswer::Busy(periods) = &answer {
                let mut data = String::from("<C:calendar-data>");
                escape(&question.answer(attendee, periods, now()), &mut data);
                writer.raw(&data);
                writer.raw("</C:calendar-data>");
            }
            writer.raw("</C:response>");
        })?;
    }
    writer.raw("</C:schedule-response>");
    Ok(Call::xml(StatusCode::OK, writer))
}
