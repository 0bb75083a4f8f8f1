//! The headers of a mail, as they are written.

use mail_parser::Message;

/// The values of a header, each on one line.
pub(super) fn values<'a>(mail: &'a Message<'_>, name: &str) -> impl Iterator<Item = String> + 'a {
    let name = name.to_owned();
    let raw = mail.headers_raw().filter(move |(known, _)| known.eq_ignore_ascii_case(&name));
    raw.map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
}
