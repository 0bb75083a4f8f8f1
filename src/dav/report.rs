//! REPORT: so far the synchronization of collections (RFC 6578).

use http::StatusCode;

use super::Call;
use super::property::Reading;
use super::propfind::Plan;
use crate::exchange::Response;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::header::Depth;
use crate::tree::changes::Change;
use crate::wire::header::depth;
use crate::wire::multistatus::Writer;
use crate::wire::request::{Asked, Report, report as parse};

pub(super) async fn report(mut call: Call) -> Result<Response> {
    let body = call.take_whole().await?;
    match parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))? {
        Report::SyncCollection { token, deep, limit, asked } => sync(call, &token, deep, limit, asked).await,
        Report::Other(_) => {
            // An unknown address stays unknown, whatever is asked of it.
            call.tree.read(&call.request).await?;
            Err(Condition::SupportedReport.into())
        }
    }
}

/// `Depth` is 0 by the letter, yet many clients send 1; where the level is missing, a Depth of infinity stands for it
/// (RFC 6578 appendix A).
async fn sync(call: Call, token: &str, deep: Option<bool>, limit: Option<usize>, asked: Asked) -> Result<Response> {
    let depth = depth(&call.headers).map_err(super::bad_header)?;
    let deep = deep.unwrap_or(depth == Some(Depth::Infinity));
    let minimal = call.preferences().minimal;
    let plan = Plan::new(asked, minimal)?;
    let mut admitted = call.tree.read(&call.request).await?;
    let reading = Reading { actor: call.request.actor.name.clone(), now: admitted.now() };
    let since = Some(token).filter(|token| !token.is_empty());
    let page = admitted.changes(since, deep, limit, plan.needs, call.tree.epoch()).await?;
    let mut writer = Writer::document();
    writer.begin_multistatus();
    for change in &page.changes {
        match change {
            Change::Live(view) => plan.write(view, &reading, &mut writer),
            Change::Gone(href) => writer.status_response(href, 404, None),
        }
    }
    if page.truncated {
        let href = admitted.target.href();
        writer.status_response(&href, 507, Some("number-of-matches-within-limits"));
    }
    writer.end_multistatus(Some(&page.token.to_string()));
    let mut response = Call::xml(StatusCode::MULTI_STATUS, writer.out);
    if minimal {
        super::proppatch::minimal(&mut response);
    }
    Ok(response)
}
