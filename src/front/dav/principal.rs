//! Reports on principals: a calendar program completes the names of those it invites, and finds out who has rights
//! (RFC 3744 section 9).

use http::StatusCode;

use super::call::Call;
use super::property::{PropertyContext, find, value};
use super::propfind::PropertyPlan;
use crate::exchange::Response;
use crate::model::budget::{Budget, more};
use crate::model::calendar::{Collation, TextMatch};
use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::method::Method;
use crate::model::name::{CALENDARSERVER, QName};
use crate::model::path::Path;
use crate::model::precondition::Preconditions;
use crate::model::principal::Principal;
use crate::tree::gate::Request;
use crate::tree::resource::{Needs, Resource};
use crate::tree::walk::{Cursor, Selection};
use crate::wire::header::href;
use crate::wire::multistatus::{PropertyValue, XmlWriter, empty};
use crate::wire::request::{PrincipalSearch, PropertyRequest};
use crate::wire::xml::parse as read_xml;

/// The most principals that one search returns.
const MAX_FOUND: usize = 100;
/// A text shorter than this says nothing of whom it seeks.
const LEAST: usize = 2;
/// The most texts that one search seeks.
const MAX_MATCHES: usize = 20;
/// The most resources that `principal-match` lists, and the most collections that it has still to look into.
const MAX_MATCHED: usize = 1000;
const MAX_WAITING: usize = 10_000;
/// What looking at one resource costs of the budget.
const STEPS_EACH: u64 = 10;

/// A property that may be searched.
struct SearchedProperty {
    name: QName,
    /// What it is for people.
    description: &'static str,
    /// What every value begins with: it says nothing of whom is sought.
    prefix: &'static str,
    texts: fn(&Principal) -> Vec<String>,
}

static SEARCHED: [SearchedProperty; 5] = [
    SearchedProperty {
        name: QName::dav("displayname"),
        description: "Name",
        prefix: "",
        texts: |found| vec![found.display_name.clone(), found.name.clone()],
    },
    SearchedProperty {
        name: QName::caldav("calendar-user-address-set"),
        description: "Address",
        prefix: MAILTO,
        texts: mail,
    },
    SearchedProperty {
        name: QName::of(CALENDARSERVER, "email-address-set"),
        description: "E-mail address",
        prefix: MAILTO,
        texts: mail,
    },
    SearchedProperty {
        name: QName::caldav("calendar-home-set"),
        description: "Calendars",
        prefix: "/calendars/",
        texts: |found| vec![format!("{}/", found.name)],
    },
    SearchedProperty {
        name: CALENDAR_USER_TYPE,
        description: "Person, group, room or resource",
        prefix: "",
        texts: |found| vec![found.calendar_user_type().code().to_owned()],
    },
];

const MAILTO: &str = "mailto:";
const CALENDAR_USER_TYPE: QName = QName::caldav("calendar-user-type");
/// Types of which all may be listed: people are found by name.
const LISTED_TYPES: [&str; 2] = ["ROOM", "RESOURCE"];

fn mail(found: &Principal) -> Vec<String> {
    found.addresses.iter().map(|address| address.trim_start_matches(MAILTO).to_owned()).collect()
}

/// A text, and the properties each of which must contain it.
struct Criterion {
    /// Each with the text, without what every value begins with. Empty: one of them cannot be searched, and so matches
    /// nobody.
    each: Vec<(&'static SearchedProperty, TextMatch)>,
    /// Does it say nothing of whom is sought?
    vague: bool,
}

impl Criterion {
    fn new(names: &[QName], text: &str) -> Result<Self> {
        let rows: Option<Vec<_>> = names.iter().map(|name| SEARCHED.iter().find(|row| row.name == *name)).collect();
        let rows = rows.unwrap_or_default();
        let text = text.trim();
        let sought = |row: &SearchedProperty| text.strip_prefix(row.prefix).unwrap_or(text);
        let listed = LISTED_TYPES.iter().any(|listed| listed.eq_ignore_ascii_case(text));
        let says_whom = |row: &&'static SearchedProperty| {
            sought(row).chars().count() >= LEAST && (row.name != CALENDAR_USER_TYPE || listed)
        };
        let vague = !rows.is_empty() && !rows.iter().any(says_whom);
        let each = rows.into_iter().map(|row| {
            let text = TextMatch::new(sought(row), Collation::UnicodeCasemap, false);
            let too_long = || Refusal::of(Condition::TooLarge).text("the text that is sought is too long");
            Ok((row, text.ok_or_else(too_long)?))
        });
        Ok(Self { each: each.collect::<Result<_>>()?, vague })
    }

    fn holds(&self, found: &Principal) -> bool {
        let contains =
            |(row, text): &(&SearchedProperty, TextMatch)| (row.texts)(found).iter().any(|of| text.holds(of));
        !self.each.is_empty() && self.each.iter().all(contains)
    }
}

/// Who seeks next to nothing finds only themselves: the directory answers questions, it is not handed out.
pub(super) async fn search(mut call: Call, search: PrincipalSearch) -> Result<Response> {
    if search.matches.len() > MAX_MATCHES {
        return Err(Refusal::of(Condition::TooLarge).into());
    }
    let plan = PropertyPlan::new(search.asked, call.preferences().minimal)?;
    call.request.dead = plan.dead.clone();
    let criteria =
        search.matches.iter().map(|(names, text)| Criterion::new(names, text)).collect::<Result<Vec<_>>>()?;
    let vague = criteria.iter().all(|criterion| criterion.vague);
    let actor = call.request.actor.id;
    let holds = |found: &Principal| match search.any {
        _ if vague => found.id == actor,
        true => criteria.iter().any(|criterion| !criterion.vague && criterion.holds(found)),
        false => criteria.iter().all(|criterion| criterion.holds(found)),
    };
    let mut admitted = call.tree.read(&call.request).await?;
    let context = PropertyContext::of(&admitted);
    let (found, more) = admitted.principals_that(holds, plan.needs, MAX_FOUND, &call.request.budget).await?;
    Ok(principals(&found, more, (&plan, &context), &admitted.target.href()))
}

/// The answer to a report that finds principals. `more`: these are not all.
fn principals(
    found: &[Resource],
    more: bool,
    (plan, context): (&PropertyPlan, &PropertyContext),
    asked: &str,
) -> Response {
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    for resource in found {
        plan.write(resource, context, &mut writer);
    }
    if more {
        writer.status_response(asked, 507, Some("number-of-matches-within-limits"));
    }
    writer.end_multistatus(None);
    Call::xml(StatusCode::MULTI_STATUS, writer)
}

pub(super) async fn searched_properties(call: Call) -> Result<Response> {
    call.tree.read(&call.request).await?;
    let mut writer = XmlWriter::document();
    writer.raw("<D:principal-search-property-set xmlns:D=\"DAV:\">");
    for row in &SEARCHED {
        writer.raw("<D:principal-search-property><D:prop>");
        writer.raw(&empty(&row.name));
        writer.raw("</D:prop><D:description xml:lang=\"en\">");
        writer.text(row.description);
        writer.raw("</D:description></D:principal-search-property>");
    }
    writer.raw("</D:principal-search-property-set>");
    Ok(Call::xml(StatusCode::OK, writer))
}

/// The principals to whom something is granted on the target or above it (RFC 3744 section 9.2).
pub(super) async fn of_acl(mut call: Call, asked: PropertyRequest) -> Result<Response> {
    let plan = PropertyPlan::new(asked, call.preferences().minimal)?;
    call.request.dead = plan.dead.clone();
    let mut admitted = call.tree.read(&call.request).await?;
    let context = PropertyContext::of(&admitted);
    let (found, more) = admitted.principals_of_acl(plan.needs, MAX_MATCHED, &call.request.budget).await?;
    Ok(principals(&found, more, (&plan, &context), &admitted.target.href()))
}

/// What is below the target and is the actor, or names the actor by a property, be it through a group (RFC 3744 section
/// 9.3).
pub(super) async fn matching(mut call: Call, by: Option<QName>, asked: PropertyRequest) -> Result<Response> {
    let plan = PropertyPlan::new(asked, call.preferences().minimal)?;
    call.request.dead = plan.dead.clone();
    let mut admitted = call.tree.read(&call.request).await?;
    let context = PropertyContext::of(&admitted);
    let own = admitted.own_principals(plan.needs).await?;
    let href = admitted.target.href();
    drop(admitted);
    match by {
        Some(property) => named_by(call, &property, &own, (&plan, &context)).await,
        None => {
            let below = |found: &Resource| found.href.starts_with(&href);
            let own: Vec<Resource> = own.into_iter().filter(below).collect();
            Ok(principals(&own, false, (&plan, &context), &href))
        }
    }
}

/// Members at any depth whose property names one of these.
async fn named_by(
    call: Call,
    property: &QName,
    own: &[Resource],
    (plan, context): (&PropertyPlan, &PropertyContext),
) -> Result<Response> {
    let asked = call.request.path.href(true);
    let row = find(property);
    let needs = plan.needs.and(row.map_or(Needs { dead: true, ..Needs::TAG }, |row| row.needs));
    let dead = if row.is_some() { plan.dead.clone() } else { Selection::default() };
    let request =
        Request { method: Method::Propfind, preconditions: Preconditions::default(), dead, ..call.request.clone() };
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    let mut waiting = vec![call.request.path.clone()];
    let (mut listed, mut whole) = (0, true);
    'collections: while let Some(path) = waiting.pop() {
        let request = Request { path, ..request.clone() };
        let mut at = Some(Cursor::default());
        while let Some(from) = at {
            let mut admitted = match call.tree.read(&request).await {
                Ok(admitted) => admitted,
                // It has gone meanwhile.
                Err(Error::Refused(refusal)) if refusal.condition == Condition::NotFound => continue 'collections,
                Err(error) => return Err(error),
            };
            let page = admitted.members(&from, needs).await?;
            drop(admitted);
            for resource in &page.resources {
                call.request.budget.steps(STEPS_EACH)?;
                if names(value(resource, context, row, property), own) {
                    let written =
                        write_one(&mut writer, &call.request.budget, |writer| plan.write(resource, context, writer))?;
                    listed += 1;
                    if !written || listed == MAX_MATCHED {
                        whole = false;
                        break 'collections;
                    }
                }
                if resource.node.is_collection()
                    && let Ok(path) = Path::parse(&resource.href)
                {
                    waiting.push(path);
                }
            }
            if waiting.len() > MAX_WAITING {
                whole = false;
                break 'collections;
            }
            at = page.next;
        }
    }
    if !whole {
        writer.status_response(&asked, 507, Some("number-of-matches-within-limits"));
    }
    writer.end_multistatus(None);
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer))
}

/// Writes a piece; `false` when what one answer may hold is full.
fn write_one(writer: &mut XmlWriter, budget: &Budget, write: impl FnOnce(&mut XmlWriter)) -> Result<bool> {
    more(writer.within(budget, write))
}

/// Does a property name one of these principals?
fn names(value: Option<PropertyValue<'_>>, own: &[Resource]) -> bool {
    let whole = match value {
        Some(PropertyValue::Xml(xml)) => format!("<D:x xmlns:D=\"DAV:\">{xml}</D:x>"),
        Some(PropertyValue::Element(xml)) => xml.into_owned(),
        _ => return false,
    };
    let Ok(element) = read_xml(whole.as_bytes()) else { return false };
    let named = element.dav("href").and_then(|named| href(&named.text()));
    named.is_some_and(|path| own.iter().any(|principal| Path::parse(&principal.href).is_ok_and(|own| own == path)))
}
