//! MKCOL, also extended, and MKCALENDAR (RFC 4918 section 9.3, RFC 5689, RFC 4791 section 5.3.1).

use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::Call;
use super::proppatch::plan;
use crate::exchange::Response;
use crate::model::calendar::ComponentSet;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::name::QName;
use crate::tree::edit::{At, Content, PropertyChange};
use crate::wire::header::text;
use crate::wire::multistatus::Writer;
use crate::wire::request::{Update, mkcol as parse};
use crate::wire::xml::Element;

pub(super) async fn mkcol(mut call: Call) -> Result<Response> {
    let glimpse = call.tree.look(&call.request).await?;
    let body = call.take_whole().await?;
    let mut properties: Vec<(QName, String)> = Vec::new();
    let mkcalendar = call.request.method == Method::Mkcalendar;
    let kind = glimpse.target.parent().and_then(|parent| parent.node.kind.row().mkcol).unwrap_or_default();
    let makes_calendar = kind == Kind::Calendar;
    let mut components = Some(ComponentSet::ALL);
    if body.is_empty() && makes_calendar != mkcalendar {
        return Err(misplaced(mkcalendar).into());
    }
    if !body.is_empty() {
        let is_xml = text(&call.headers, CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("/xml"));
        if !is_xml {
            return Err(Condition::UnsupportedMediaType.into());
        }
        let made = parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
        let plain = made.resource_types.is_empty() || made.resource_types == [QName::dav("collection")];
        let calendar = made.resource_types.iter().any(|name| name.is_caldav("calendar"))
            && made.resource_types.iter().all(|name| name.is_caldav("calendar") || name.is_dav("collection"));
        if makes_calendar != (calendar || mkcalendar) || !(plain || calendar) {
            return Err(misplaced(mkcalendar).into());
        }
        let mut verdicts = Vec::new();
        for element in made.properties {
            let name = element.name.clone();
            // A folder's shown name is its name; a client that says so says nothing wrong.
            if name.is_dav("displayname") && !makes_calendar && element.text() == glimpse.target.name() {
                continue;
            }
            if makes_calendar && name.is_caldav("supported-calendar-component-set") {
                components = component_set(&element);
                let verdict = components.map(|_| PropertyChange::Remove(name.clone()));
                verdicts.push((name, verdict.ok_or(Condition::SupportedCalendarComponent)));
                continue;
            }
            verdicts.push((name, plan(&Update::Set(element), kind)));
        }
        if verdicts.iter().any(|(_, verdict)| verdict.is_err()) {
            return Ok(refused(&verdicts));
        }
        properties.extend(verdicts.into_iter().filter_map(|(_, verdict)| match verdict {
            Ok(PropertyChange::Set(name, xml)) => Some((name, xml)),
            _ => None,
        }));
    }
    let mut admitted = call.tree.write(&call.request).await?;
    let node = admitted.bind(At::Target, Content::Folder).await?;
    if makes_calendar {
        admitted.furnish(&node, components.unwrap_or(ComponentSet::ALL)).await?;
    }
    admitted.adorn(&node, &properties).await?;
    admitted.commit().await?;
    Ok(Call::status(StatusCode::CREATED))
}

/// Calendars stand in the calendars of a home and folders among its documents.
fn misplaced(calendar: bool) -> Condition {
    if calendar { Condition::CalendarCollectionLocationOk } else { Condition::ValidResourceType }
}

/// What a calendar is to hold (RFC 4791 section 5.2.3); `None`: something that we do not know.
fn component_set(element: &Element) -> Option<ComponentSet> {
    ComponentSet::of(element.elements().filter_map(|comp| comp.attribute("name")))
}

/// All or none: the answer says which property stood in the way (RFC 5689 section 3).
fn refused(verdicts: &[(QName, std::result::Result<PropertyChange, Condition>)]) -> Response {
    let mut writer = Writer::document();
    writer.raw("<D:mkcol-response xmlns:D=\"DAV:\">");
    for (name, verdict) in verdicts {
        let condition = verdict.as_ref().err().copied().unwrap_or(Condition::FailedDependency);
        writer.begin_propstat();
        writer.name(name);
        writer.end_propstat(condition.status(), Some(condition));
    }
    writer.raw("</D:mkcol-response>");
    Call::xml(StatusCode::FORBIDDEN, writer.out)
}
