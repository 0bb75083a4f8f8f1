//! Bodies of sharing (caldav-sharing): what sharers and sharees send, what people are notified of, who is invited.

use std::fmt::Write as _;

use jiff::Timestamp as Instant;

use super::header::href;
use super::multistatus::href as href_element;
use super::xml::{Element, XmlError, escape, parse};
use crate::model::id::Id;
use crate::model::name::CALENDARSERVER;
use crate::model::privilege::Role;
use crate::model::sharing::{
    Invitation, InvitationReply, InvitationStatus, Notice, ShareChange, ShareTerms, ShareeAddress,
};

/// The longest name or summary that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 1000;

/// What is posted about sharing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SharingMessage {
    /// To a calendar: whom it is to be shared with.
    Share(Vec<ShareChange>),
    /// To a home: the answer to an invitation.
    Reply(InvitationReply),
}

/// Reads what is posted.
pub fn message(body: &[u8]) -> Result<SharingMessage, XmlError> {
    let root = parse(body)?;
    match &*root.name.local {
        "share" if root.name.namespace == CALENDARSERVER => {
            root.elements().filter_map(change).collect::<Result<_, _>>().map(SharingMessage::Share)
        }
        "invite-reply" if root.name.namespace == CALENDARSERVER => {
            let accepts = match (child(&root, "invite-accepted"), child(&root, "invite-declined")) {
                (Some(_), None) => true,
                (None, Some(_)) => false,
                _ => return error("CS:invite-reply accepts or declines"),
            };
            let id = child(&root, "in-reply-to").and_then(|uid| uid.text().parse().ok()).map(Id);
            Ok(SharingMessage::Reply(InvitationReply { id, accepts }))
        }
        _ => error("the root element is neither CS:share nor CS:invite-reply"),
    }
}

fn error<T>(text: &str) -> Result<T, XmlError> {
    Err(XmlError(text.to_owned()))
}

fn child<'a>(element: &'a Element, local: &str) -> Option<&'a Element> {
    element.elements().find(|child| child.name.namespace == CALENDARSERVER && child.name.local == local)
}

fn change(element: &Element) -> Option<Result<ShareChange, XmlError>> {
    let sets = match &*element.name.local {
        "set" => true,
        "remove" => false,
        _ => return None,
    };
    Some(changed(element, sets))
}

fn changed(element: &Element, sets: bool) -> Result<ShareChange, XmlError> {
    let text = element.dav("href").map(Element::text).filter(|text| !text.is_empty() && text.len() <= MAX_TEXT_BYTES);
    let Some(text) = text else { return error("a sharee has a DAV:href") };
    let role = match (child(element, "read"), child(element, "read-write")) {
        _ if !sets => None,
        (Some(_), None) => Some(Role::Reader),
        (None, Some(_)) => Some(Role::Member),
        _ => return error("CS:set grants CS:read or CS:read-write"),
    };
    let kept = |local: &str| {
        let text = child(element, local).map(Element::text);
        text.filter(|text| !text.is_empty() && text.len() <= MAX_TEXT_BYTES)
    };
    let terms = role.map(|role| ShareTerms { common_name: kept("common-name"), summary: kept("summary"), role });
    Ok(ShareChange { address: ShareeAddress { path: href(&text), text }, terms })
}

/// An element with a text, or nothing.
fn text_element(out: &mut String, local: &str, text: Option<&str>) {
    if let Some(text) = text {
        let _ = write!(out, "<CS:{local}>");
        escape(text, out);
        let _ = write!(out, "</CS:{local}>");
    }
}

fn status_element(status: InvitationStatus) -> &'static str {
    match status {
        InvitationStatus::NoResponse => "<CS:invite-noresponse/>",
        InvitationStatus::Accepted => "<CS:invite-accepted/>",
        InvitationStatus::Declined => "<CS:invite-declined/>",
        InvitationStatus::Invalid => "<CS:invite-invalid/>",
    }
}

fn access_element(role: Role) -> &'static str {
    if role >= Role::Member { "<CS:access><CS:read-write/></CS:access>" } else { "<CS:access><CS:read/></CS:access>" }
}

/// What someone is notified of, as the resource that it is.
#[must_use]
pub fn notification(notice: &Notice) -> String {
    let invitation = &notice.invitation;
    let at = Instant::from_second(notice.at).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<CS:notification xmlns:D=\"DAV:\" \
         xmlns:CS=\"{CALENDARSERVER}\"><CS:dtstamp>{at}</CS:dtstamp>"
    );
    let sharee = href_element(&invitation.address);
    let calendar = href_element(&notice.calendar.href(true));
    let status = if notice.taken_back { "<CS:invite-deleted/>" } else { status_element(invitation.status) };
    if notice.is_reply {
        let _ = write!(
            out,
            "<CS:invite-reply shared-type=\"calendar\">{sharee}{status}<CS:hosturl>{calendar}</CS:hosturl>\
             <CS:in-reply-to>{}</CS:in-reply-to>",
            invitation.id
        );
        text_element(&mut out, "summary", invitation.summary.as_deref());
        text_element(&mut out, "common-name", invitation.common_name.as_deref());
        out.push_str("</CS:invite-reply>");
    } else {
        let (address, name) = &notice.sharer;
        let _ = write!(
            out,
            "<CS:invite-notification shared-type=\"calendar\"><CS:uid>{}</CS:uid>{sharee}{status}{}\
             <CS:hosturl>{calendar}</CS:hosturl><CS:organizer>{}",
            invitation.id,
            access_element(invitation.role),
            href_element(address)
        );
        text_element(&mut out, "common-name", Some(name));
        out.push_str("</CS:organizer>");
        text_element(&mut out, "summary", invitation.summary.as_deref());
        out.push_str("</CS:invite-notification>");
    }
    out + "</CS:notification>\n"
}

/// Who is invited: the content of CS:invite.
#[must_use]
pub fn invited(invitations: &[Invitation]) -> String {
    let mut out = String::new();
    for invitation in invitations {
        let _ = write!(out, "<CS:user xmlns:CS=\"{CALENDARSERVER}\">{}", href_element(&invitation.address));
        text_element(&mut out, "common-name", invitation.common_name.as_deref());
        out.push_str(status_element(invitation.status));
        out.push_str(access_element(invitation.role));
        text_element(&mut out, "summary", invitation.summary.as_deref());
        out.push_str("</CS:user>");
    }
    out
}

/// Where a calendar that was accepted stands: the answer to who accepts it.
#[must_use]
pub fn shared_as(address: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<CS:shared-as xmlns:D=\"DAV:\" xmlns:CS=\"{CALENDARSERVER}\">{}\
         </CS:shared-as>\n",
        href_element(address)
    )
}
