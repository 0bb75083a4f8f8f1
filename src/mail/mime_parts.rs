//! The parts of a mail, within limits. The library reads headers and undoes encodings; it is not given the whole of a
//! mail, for it follows nested messages by recursion, without an end, and keeps all parts and headers at once.

use mail_parser::{HeaderName, Message, MessageParser, MimeHeaders as _};

/// The longest head of a mail or a part, bytes.
const MAX_HEAD_BYTES: usize = 256 * 1024;
/// How deep parts may lie in each other, and how many there may be.
const MAX_DEPTH: usize = 10;
const MAX_PARTS: usize = 500;

/// A mail: its headers, and what it consists of.
pub(super) struct MailParts<'a> {
    /// The headers, and nothing else.
    pub head: Message<'a>,
    /// What is no container of others, in its order.
    pub leaves: Vec<MailPart<'a>>,
}

/// A part that contains no others, or whose inside is not looked at.
pub(super) struct MailPart<'a> {
    /// Its type in small letters, as `text/calendar`.
    pub kind: String,
    /// The parameter `method` of its type.
    pub method: Option<String>,
    /// The name of the file that it is.
    pub file_name: Option<String>,
    raw: &'a [u8],
}

impl MailPart<'_> {
    /// Its content, in UTF-8 if it is a text. Of a nested message: nothing.
    pub fn content(&self) -> Vec<u8> {
        let is_nested = ["message/rfc822", "message/global", ""].contains(&self.kind.as_str());
        if is_nested || self.kind.starts_with("multipart/") {
            return Vec::new();
        }
        let read = MessageParser::default().parse(self.raw);
        read.and_then(|read| read.parts.first().map(|part| part.contents().to_vec())).unwrap_or_default()
    }
}

/// Reads a mail; `None`: it is none, or its head is too long.
pub(super) fn read(bytes: &[u8]) -> Option<MailParts<'_>> {
    let (head, _) = split_head(bytes)?;
    let head = MessageParser::default().parse_headers(head).filter(|head| !head.parts.is_empty())?;
    let mut leaves = Vec::new();
    add_parts(bytes, 0, &mut leaves);
    Some(MailParts { head, leaves })
}

/// What stands before the first empty line, with that, and what stands behind it; `None`: it is too long.
fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if end > MAX_HEAD_BYTES {
            return None;
        }
        if line == b"\r\n" || line == b"\n" {
            break;
        }
    }
    bytes.split_at_checked(end)
}

fn add_parts<'a>(bytes: &'a [u8], depth: usize, leaves: &mut Vec<MailPart<'a>>) {
    if leaves.len() >= MAX_PARTS {
        return;
    }
    let Some((head, body)) = split_head(bytes) else { return };
    let head = MessageParser::default().parse_headers(head).filter(|head| !head.parts.is_empty());
    let types = head.as_ref().map_or(0, |head| head.header_values(HeaderName::ContentType).count());
    let content_type = head.as_ref().and_then(Message::content_type);
    let kind = match (content_type, types) {
        (Some(kind), 1) => format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_ascii_lowercase(),
        (None, 0) => "text/plain".to_owned(),
        // Which of two is meant nobody knows.
        _ => String::new(),
    };
    let attribute = |name| content_type.and_then(|kind| kind.attribute(name)).map(str::to_owned);
    if let Some(boundary) = attribute("boundary").filter(|_| kind.starts_with("multipart/") && depth < MAX_DEPTH) {
        for part in split_at_boundary(body, boundary.as_bytes()) {
            add_parts(part, depth + 1, leaves);
        }
        return;
    }
    let file_name = head.as_ref().and_then(Message::attachment_name).map(str::to_owned);
    leaves.push(MailPart { method: attribute("method"), kind, file_name, raw: bytes });
}

/// The pieces of a body between lines of `--boundary`, up to `--boundary--` (RFC 2046 section 5.1.1).
fn split_at_boundary<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let (mut pieces, mut begins, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let after = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)).map(<[u8]>::trim_ascii);
        if let Some(after) = after.filter(|after| after.is_empty() || *after == b"--") {
            pieces.extend(begins.and_then(|begins: usize| body.get(begins..at)));
            begins = after.is_empty().then_some(at + line.len());
            if begins.is_none() || pieces.len() >= MAX_PARTS {
                return pieces;
            }
        }
        at += line.len();
    }
    // The end may be missing.
    pieces.extend(begins.and_then(|begins| body.get(begins..)));
    pieces
}

#[cfg(test)]
mod tests {
    use super::{MAX_PARTS, read};

    fn kinds(text: &str) -> Vec<String> {
        read(text.as_bytes()).map_or_else(Vec::new, |mail| mail.leaves.into_iter().map(|part| part.kind).collect())
    }

    #[test]
    fn parts_are_found_at_any_depth() {
        let text = "Content-Type: Multipart/Mixed; boundary=\"a b\"\n\npreamble\n--a b  \n\
                    Content-Type: multipart/alternative; boundary=c\n\n--c\n\nplain\n--c\n\
                    Content-Type: TEXT/Calendar; METHOD=reply; charset=iso-8859-1\n\
                    Content-Transfer-Encoding: base64\n\n6Q==\n--c--\n--a bc\n--a b\n\
                    Content-Type: message/rfc822\n\nSubject: x\n\nx\n--a b--\n--a b\n\nlate\n";
        assert_eq!(kinds(text), ["text/plain", "text/calendar", "message/rfc822"]);
        let mail = read(text.as_bytes()).unwrap();
        assert_eq!(mail.leaves[0].content(), b"plain\n");
        assert_eq!(mail.leaves[1].content(), "é".as_bytes());
        assert_eq!(mail.leaves[1].method.as_deref(), Some("reply"));
        assert!(mail.leaves[2].content().is_empty());
        assert_eq!(kinds("Subject: x\n\ntext"), ["text/plain"]);
        assert_eq!(kinds("Content-Type: text/plain\nContent-Type: message/rfc822\n\nx"), [""]);
    }

    /// Each of these made a reader of the whole end the process, or take half a gigabyte.
    #[test]
    fn no_mail_is_too_much() {
        use std::fmt::Write as _;
        let repeated = |text: &str| text.repeat((16 << 20) / text.len());
        let mut nested = String::new();
        let mut digests = String::new();
        for number in 0..200_000 {
            let _ = write!(nested, "Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n");
            let _ = write!(digests, "Content-Type: multipart/digest; boundary=b{number}\n\n--b{number}\n\n");
        }
        let encoded = "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoKQ29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK\n";
        let mails = [
            repeated("Content-Type: message/rfc822\n\n"),
            format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{}", repeated(encoded)),
            format!("Content-Type: multipart/mixed; boundary=b\n\n{}", repeated("--b\n\n")),
            format!(
                "Content-Type: multipart/digest; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\n{}",
                repeated(encoded)
            ),
            repeated("a:b\n"),
            format!("From: {}\n\n", repeated("a@b,")),
            nested,
            digests,
        ];
        for mail in mails {
            let begun = std::time::Instant::now();
            let parts = read(mail.as_bytes()).map_or(0, |mail| {
                mail.leaves.iter().for_each(|part| drop(part.content()));
                mail.leaves.len()
            });
            assert!(parts <= MAX_PARTS, "{}", &mail[..40]);
            assert!(begun.elapsed().as_secs() < 20, "{}", &mail[..40]);
        }
    }
}
