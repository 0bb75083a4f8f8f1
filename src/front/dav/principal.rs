//! Reports on principals: a calendar program completes the names of those it invites (RFC 3744 sections 9.4 and 9.5).

use http::StatusCode;

use super::call::Call;
use super::property::PropertyContext;
use super::propfind::PropertyPlan;
use crate::exchange::Response;
use crate::model::calendar::{Collation, TextMatch};
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::name::{CALENDARSERVER, QName};
use crate::model::principal::Principal;
use crate::wire::multistatus::{XmlWriter, empty};
use crate::wire::request::PrincipalSearch;

/// The most principals that one search returns.
const MAX_FOUND: usize = 100;
/// A text shorter than this says nothing of whom it seeks.
const LEAST: usize = 2;
/// The most texts that one search seeks.
const MAX_MATCHES: usize = 20;

type Texts = fn(&Principal) -> Vec<String>;

/// What may be searched, what it is for people, and its texts.
static SEARCHED: [(QName, &str, Texts); 4] = [
    (QName::dav("displayname"), "Name", |found| vec![found.display_name.clone(), found.name.clone()]),
    (QName::caldav("calendar-user-address-set"), "Address", |found| found.addresses.clone()),
    (QName::of(CALENDARSERVER, "email-address-set"), "E-mail address", mail),
    (QName::caldav("calendar-home-set"), "Calendars", |found| vec![format!("/calendars/{}/", found.name)]),
];

fn mail(found: &Principal) -> Vec<String> {
    found.addresses.iter().map(|address| address.trim_start_matches("mailto:").to_owned()).collect()
}

/// A property that cannot be searched matches nobody.
fn contains(found: &Principal, properties: &[QName], text: &TextMatch) -> bool {
    SEARCHED
        .iter()
        .filter(|(name, ..)| properties.contains(name))
        .any(|(_, _, texts)| texts(found).iter().any(|value| text.holds(value)))
}

/// Who seeks next to nothing finds only themselves: the directory answers questions, it is not handed out.
pub(super) async fn search(mut call: Call, search: PrincipalSearch) -> Result<Response> {
    if search.matches.len() > MAX_MATCHES {
        return Err(Refusal::of(Condition::TooLarge).into());
    }
    let plan = PropertyPlan::new(search.asked, call.preferences().minimal)?;
    call.request.dead = plan.dead.clone();
    let vague = search.matches.iter().all(|(_, text)| text.trim().chars().count() < LEAST);
    let prepared = |(names, text): (Vec<QName>, String)| {
        let sought = TextMatch::new(&text, Collation::UnicodeCasemap, false);
        Ok((names, sought.ok_or_else(|| Refusal::of(Condition::TooLarge).text("the text that is sought is too long"))?))
    };
    let sought: Vec<(Vec<QName>, TextMatch)> = search.matches.into_iter().map(prepared).collect::<Result<_>>()?;
    let actor = call.request.actor.id;
    let holds = |found: &Principal| {
        if vague {
            return found.id == actor;
        }
        let mut each = sought.iter().map(|(names, text)| contains(found, names, text));
        if search.any { each.any(|holds| holds) } else { each.all(|holds| holds) }
    };
    let mut admitted = call.tree.read(&call.request).await?;
    let context = PropertyContext::of(&admitted);
    let (views, more) = admitted.principals_that(holds, MAX_FOUND, &call.budget).await?;
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    for view in &views {
        plan.write(view, &context, &mut writer);
    }
    if more {
        writer.status_response(&admitted.target.href(), 507, Some("number-of-matches-within-limits"));
    }
    writer.end_multistatus(None);
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer))
}

pub(super) async fn searched_properties(call: Call) -> Result<Response> {
    call.tree.read(&call.request).await?;
    let mut writer = XmlWriter::document();
    writer.raw("<D:principal-search-property-set xmlns:D=\"DAV:\">");
    for (name, description, _) in &SEARCHED {
        writer.raw("<D:principal-search-property><D:prop>");
        writer.raw(&empty(name));
        writer.raw("</D:prop><D:description xml:lang=\"en\">");
        writer.text(description);
        writer.raw("</D:description></D:principal-search-property>");
    }
    writer.raw("</D:principal-search-property-set>");
    Ok(Call::xml(StatusCode::OK, writer))
}
