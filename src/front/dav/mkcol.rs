//! MKCOL, also extended, and MKCALENDAR (RFC 4918 section 9.3, RFC 5689, RFC 4791 section 5.3.1).

use std::ops::ControlFlow;

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

use super::call::{Call, heeded};
use super::proppatch::{changes, plan, set_by};
use crate::exchange::Response;
use crate::model::calendar::ComponentSet;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::name::{CALDAV, CALENDARSERVER, QName};
use crate::model::view::{Traits, View};
use crate::tree::edit::content::{Content, PropertyChange};
use crate::wire::header::text;
use crate::wire::multistatus::XmlWriter;
use crate::wire::request::{Update, mkcol as parse};
use crate::wire::xml::Element;

/// What is to be made.
struct NewCollection {
    kind: Kind,
    /// By MKCALENDAR?
    mkcalendar: bool,
    /// Where, with a final slash; and under which name.
    href: String,
    name: String,
}

/// What it is to have from the beginning.
struct InitialProperties {
    components: ComponentSet,
    properties: Vec<(QName, String)>,
    /// The properties that the client named.
    named: Vec<QName>,
}

impl NewCollection {
    fn is_calendar(&self) -> bool {
        self.kind == Kind::Calendar
    }
}

pub(super) async fn mkcol(mut call: Call) -> Result<Response> {
    let precheck = call.tree.precheck(&call.request).await?;
    let body = call.take_whole().await?;
    let making = NewCollection {
        kind: precheck.target.parent().and_then(|parent| parent.node.traits().mkcol).unwrap_or_default(),
        mkcalendar: call.request.method == Method::Mkcalendar,
        href: precheck.target.path.href(true),
        name: precheck.target.name().to_owned(),
    };
    let wanted = match wanted(&mut call, &making, &body).await? {
        ControlFlow::Continue(wanted) => wanted,
        ControlFlow::Break(refused) => return Ok(refused),
    };
    let mut admitted = call.tree.write(&call.request).await?;
    let node = admitted.bind(Content::Folder).await?;
    if making.is_calendar() {
        admitted.set_supported_components(&node, wanted.components).await?;
    }
    admitted.set_initial_properties(&node, &wanted.properties).await?;
    admitted.commit().await?;
    let preferences = call.preferences();
    let mut response = if preferences.representation {
        let root = if making.mkcalendar { QName::caldav("mkcalendar-response") } else { QName::dav("mkcol-response") };
        made(&root, &wanted.named)
    } else {
        Call::status(StatusCode::CREATED)
    };
    if preferences.representation {
        heeded(&mut response, "return=representation");
    } else if preferences.minimal {
        heeded(&mut response, "return=minimal");
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Reads the body, if there is one. An answer: properties that cannot be set.
async fn wanted(
    call: &mut Call,
    making: &NewCollection,
    body: &[u8],
) -> Result<ControlFlow<Response, InitialProperties>> {
    let mut wanted = InitialProperties { components: ComponentSet::ALL, properties: Vec::new(), named: Vec::new() };
    if body.is_empty() {
        return match making.is_calendar() == making.mkcalendar {
            true => Ok(ControlFlow::Continue(wanted)),
            false => Err(misplaced(making.mkcalendar).into()),
        };
    }
    let is_xml = text(&call.headers, CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("/xml"));
    if !is_xml {
        return Err(Condition::UnsupportedMediaType.into());
    }
    let made = parse(body, making.mkcalendar).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    let calendar = made.resource_types.iter().any(|name| name.is_caldav("calendar"));
    // One that is to be shared is like any other, until somebody is invited.
    let shared = QName::of(CALENDARSERVER, "shared-owner");
    let known = |name: &QName| name.is_caldav("calendar") || name.is_dav("collection") || *name == shared;
    if !made.resource_types.iter().all(known) {
        return Err(Condition::ValidResourceType.into());
    }
    if making.is_calendar() != (calendar || making.mkcalendar) {
        return Err(misplaced(making.mkcalendar).into());
    }
    let (mut verdicts, mut updates) = (Vec::new(), Vec::new());
    for element in made.properties {
        let name = element.name.clone();
        // A folder's shown name is its name; a client that says so says nothing wrong.
        if name.is_dav("displayname") && !making.is_calendar() && element.text() == making.name {
            continue;
        }
        if making.is_calendar() && name.is_caldav("supported-calendar-component-set") {
            let components = component_set(&element);
            wanted.components = components.unwrap_or(ComponentSet::ALL);
            let verdict = components.map(|_| PropertyChange::Remove(name.clone()));
            verdicts.push((name, verdict.ok_or(Condition::SupportedCalendarComponent)));
            updates.push(Update::Set(element));
            continue;
        }
        let update = Update::Set(element);
        let no_zone = call.is_no_zone(&update).await?;
        verdicts.push((name, plan(&update, Traits::of(making.kind, View::Present), no_zone)));
        updates.push(update);
    }
    if verdicts.iter().any(|(_, verdict)| verdict.is_err()) {
        return refused(&verdicts, making.mkcalendar.then(|| making.href.clone())).map(ControlFlow::Break);
    }
    let plans: Vec<PropertyChange> = verdicts.into_iter().filter_map(|(_, verdict)| verdict.ok()).collect();
    wanted.named.extend(plans.iter().filter_map(|plan| match plan {
        PropertyChange::Set(name, _) => Some(name.clone()),
        _ => None,
    }));
    wanted.properties = set_by(changes(&updates, plans));
    Ok(ControlFlow::Continue(wanted))
}

/// What was set (RFC 5689 section 3, RFC 4791 section 5.3.1).
fn made(root: &QName, named: &[QName]) -> Response {
    let mut writer = XmlWriter::document();
    writer.raw(&format!("<x:{} xmlns:x=\"{}\" xmlns:D=\"DAV:\">", root.local, root.namespace));
    writer.begin_propstat();
    named.iter().for_each(|name| writer.name(name));
    writer.end_propstat(200, None);
    writer.raw(&format!("</x:{}>", root.local));
    Call::xml(StatusCode::CREATED, writer)
}

/// Calendars stand in the calendars of a home and folders among its documents.
fn misplaced(calendar: bool) -> Condition {
    if calendar { Condition::CalendarCollectionLocationOk } else { Condition::ValidResourceType }
}

/// What a calendar is to hold (RFC 4791 section 5.2.3); `None`: something that we do not know.
fn component_set(element: &Element) -> Option<ComponentSet> {
    ComponentSet::of(element.elements().filter_map(|comp| comp.attribute("name")))
}

/// All or none: the answer says which property stood in the way (RFC 5689 section 3). Of MKCALENDAR at `calendar` that
/// is a multistatus, and the conditions of CalDAV are those of the request as a whole (RFC 4791 section 5.3.1).
fn refused(
    verdicts: &[(QName, std::result::Result<PropertyChange, Condition>)],
    calendar: Option<String>,
) -> Result<Response> {
    let mut conditions = verdicts.iter().filter_map(|(_, verdict)| verdict.as_ref().err().copied());
    let of_caldav = |condition: &Condition| condition.row().element.as_ref().is_some_and(|e| e.namespace == CALDAV);
    if let Some(condition) = conditions.find(of_caldav).filter(|_| calendar.is_some()) {
        return Err(condition.into());
    }
    let mut writer = XmlWriter::document();
    match &calendar {
        Some(href) => {
            writer.begin_multistatus();
            writer.begin_response(href);
        }
        None => writer.raw("<D:mkcol-response xmlns:D=\"DAV:\">"),
    }
    for (name, verdict) in verdicts {
        let condition = verdict.as_ref().err().copied().unwrap_or(Condition::FailedDependency);
        writer.begin_propstat();
        writer.name(name);
        writer.end_propstat(condition.status(), Some(condition));
    }
    if calendar.is_some() {
        writer.end_response();
        writer.end_multistatus(None);
        return Ok(Call::xml(StatusCode::MULTI_STATUS, writer));
    }
    writer.raw("</D:mkcol-response>");
    Ok(Call::xml(StatusCode::FORBIDDEN, writer))
}
