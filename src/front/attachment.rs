//! `/attachments/...`: documents that are attached to meetings. An attendee opens one by an address that is a secret;
//! who belongs to the meeting's home logs in, at `/attachments/own/...`. All that is not opened is the same 404.

use http::HeaderMap;
use http::header::CONTENT_DISPOSITION;

use crate::exchange::{Exchange, Response};
use crate::front::answer::{not_modified, only_read};
use crate::front::content::{ContentRequest, ContentSource, as_stored, describe, insert};
use crate::model::attachment::AttachmentToken;
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::etag::ETag;
use crate::model::method::Method;
use crate::model::path::{ATTACHMENTS, Path, encode};
use crate::tree::attachment::OpenedDocument;
use crate::tree::{BodyContent, Tree};

impl ContentSource for OpenedDocument {
    async fn content(&mut self, start: u64, length: u64) -> Result<BodyContent> {
        self.read(start, length).await
    }
}

/// Answers a request of whoever knows the address. It opens a document until so many days after its meeting.
pub async fn serve(tree: &Tree, head: &http::request::Parts, days: u32, budget: &Budget) -> Result<Response> {
    let token = token_of(head)?;
    let opened = tree.open_for_attendee(&token, days, budget).await?;
    answer(&head.method, &head.headers, opened).await
}

/// Answers a request of who has logged in.
pub async fn serve_login(tree: Tree, exchange: Exchange) -> Result<Response> {
    let token = token_of(&exchange.head)?;
    let opened = tree.open_for_login(&token, &exchange.actor, &exchange.budget).await?;
    answer(&exchange.head.method, &exchange.head.headers, opened).await
}

fn token_of(head: &http::request::Parts) -> Result<AttachmentToken> {
    let path = Path::parse(head.uri.path()).map_err(|_| Condition::NotFound)?;
    let segments: Vec<&str> = path.segments().iter().map(String::as_str).collect();
    match segments.split_first() {
        Some((&ATTACHMENTS, rest)) => Ok(AttachmentToken::read(rest).ok_or(Condition::NotFound)?),
        _ => Err(Condition::NotFound.into()),
    }
}

async fn answer(method: &http::Method, asked: &HeaderMap, opened: Option<OpenedDocument>) -> Result<Response> {
    let mut opened = opened.ok_or(Condition::NotFound)?;
    if let Some(response) = only_read(method) {
        return Ok(response);
    }
    let node = opened.node.clone();
    let etag = node.hash.as_deref().map(ETag::of_hash).ok_or(Condition::NotFound)?;
    let mut headers = describe(&node, Some(&etag));
    insert(&mut headers, CONTENT_DISPOSITION, &disposition(&node.name));
    if let Some(response) = not_modified(asked, &headers, Some(node.modified_at))? {
        return Ok(response);
    }
    let method = if *method == http::Method::HEAD { Method::Head } else { Method::Get };
    as_stored(ContentRequest { method, headers: asked }, &mut opened, &node, &etag, headers).await
}

/// It is saved, and not shown, by its name (RFC 6266).
fn disposition(name: &str) -> String {
    let is_plain = |c: char| c == ' ' || c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut extended = String::new();
    encode(name, &mut extended);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}")
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_name_cannot_end_its_header() {
        for (name, expected) in [
            ("a b.pdf", "attachment; filename=\"a b.pdf\"; filename*=UTF-8''a%20b.pdf"),
            ("é\"\\\r\n%.pdf", "attachment; filename=\"______.pdf\"; filename*=UTF-8''%C3%A9%22%5C%0D%0A%25.pdf"),
        ] {
            assert_eq!(disposition(name), expected);
        }
    }
}
