//! MKCOL, also extended (RFC 4918 section 9.3, RFC 5689).

use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::Call;
use super::proppatch::plan;
use crate::exchange::Response;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::name::QName;
use crate::tree::edit::{At, Content, PropertyChange};
use crate::wire::header::text;
use crate::wire::multistatus::Writer;
use crate::wire::request::{Update, mkcol as parse};

pub(super) async fn mkcol(mut call: Call) -> Result<Response> {
    let glimpse = call.tree.look(&call.request).await?;
    let body = call.take_whole().await?;
    let mut properties: Vec<(QName, String)> = Vec::new();
    if !body.is_empty() {
        let is_xml = text(&call.headers, CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("/xml"));
        if !is_xml {
            return Err(Condition::UnsupportedMediaType.into());
        }
        let made = parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
        if !made.resource_types.is_empty() && made.resource_types != [QName::dav("collection")] {
            return Err(Condition::ValidResourceType.into());
        }
        let mut verdicts = Vec::new();
        for element in made.properties {
            let name = element.name.clone();
            // A folder's shown name is its name; a client that says so says nothing wrong.
            if name.is_dav("displayname") && element.text() == glimpse.target.name() {
                continue;
            }
            verdicts.push((name, plan(&Update::Set(element))));
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
    admitted.adorn(&node, &properties).await?;
    admitted.commit().await?;
    Ok(Call::status(StatusCode::CREATED))
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
