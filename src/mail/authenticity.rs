//! Whether the server before us vouches for who wrote a mail (`Authentication-Results`, RFC 8601).

use mail_parser::Message;

use super::header_values::values;
use crate::model::mailbox::{MailAddress, MailDomain};

/// Does the trusted server say that a mail is from its author's domain? Only its newest word counts: what stands below
/// may have come with the mail.
pub(super) fn vouched(mail: &Message<'_>, author: &MailAddress, trusted: Option<&MailDomain>) -> bool {
    let Some(trusted) = trusted else { return false };
    let results = values(mail, "Authentication-Results").map(|value| without_comments(&value));
    let mut by_it = results.filter(|value| is_by(value, trusted));
    by_it.next().is_some_and(|value| states(&value, author.domain()))
}

fn is_by(value: &str, trusted: &MailDomain) -> bool {
    let server = value.split(';').next().unwrap_or_default().split_whitespace().next();
    server.is_some_and(|server| server.eq_ignore_ascii_case(trusted.as_str()))
}

/// `method=result` with the properties that were checked.
fn states(value: &str, domain: &str) -> bool {
    let mut passed = false;
    for result in value.split(';').skip(1) {
        let mut words = result.split_whitespace().filter_map(|word| word.split_once('='));
        let Some((method, outcome)) = words.next() else { continue };
        let properties: Vec<(&str, &str)> = words.collect();
        let property =
            |name: &str| properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        let is_pass = outcome.eq_ignore_ascii_case("pass");
        let aligned = |name: &str| property(name).is_some_and(|value| is_aligned(value, domain));
        match method.to_ascii_lowercase().as_str() {
            // Of which domain it is said is the author's, unless it is named.
            "dmarc" if is_pass => passed |= property("header.from").is_none_or(|from| is_aligned(from, domain)),
            "dmarc" if outcome.eq_ignore_ascii_case("fail") => return false,
            "spf" => passed |= is_pass && aligned("smtp.mailfrom"),
            "dkim" => passed |= is_pass && (aligned("header.d") || aligned("header.i")),
            _ => {}
        }
    }
    passed
}

/// Is a domain, or the domain of an address, the author's own or one above it?
fn is_aligned(value: &str, domain: &str) -> bool {
    let checked = value.trim_matches('"').rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let domain = domain.to_ascii_lowercase();
    // A top-level domain vouches for nobody.
    checked.contains('.') && (domain == checked || domain.ends_with(&format!(".{checked}")))
}

/// Comments in round brackets may stand anywhere.
fn without_comments(value: &str) -> String {
    let (mut out, mut depth) = (String::with_capacity(value.len()), 0_u32);
    for character in value.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            other if depth == 0 => out.push(other),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::vouched;

    #[test]
    fn only_the_trusted_server_vouches() {
        let table = [
            (&["mx.ville.fr; dmarc=pass header.from=ailleurs.fr"][..], true),
            (&["MX.ville.fr 1; spf=none; dmarc=pass (p=none) header.from=ailleurs.fr"], true),
            (&["mx.ville.fr; dmarc=pass"], true),
            (&["mx.ville.fr; spf=pass smtp.mailfrom=jean@ailleurs.fr"], true),
            (&["mx.ville.fr; spf=pass smtp.mailfrom=ailleurs.fr; dmarc=fail header.from=ailleurs.fr"], false),
            (&["mx.ville.fr; dkim=pass header.d=ailleurs.fr"], true),
            (&["mx.ville.fr; dkim=pass header.i=@ailleurs.fr"], true),
            (&["mx.ville.fr; dkim=pass header.d=envoi.example"], false),
            (&["mx.ville.fr; spf=pass smtp.mailfrom=x@envoi.example"], false),
            (&["mx.ville.fr; dmarc=pass header.from=envoi.example"], false),
            (&["mx.ville.fr; dkim=pass header.d=fr"], false),
            (&["mx.ville.fr; dkim=pass header.d=leurs.fr"], false),
            (&["mx.ville.fr; spf=fail smtp.mailfrom=ailleurs.fr"], false),
            (&["mx.ville.fr; none"], false),
            (&["mx.envoi.example; dmarc=pass header.from=ailleurs.fr"], false),
            (&["mx.ville.fr.envoi.example; dmarc=pass"], false),
            (&["(mx.ville.fr;) x; dmarc=pass"], false),
            // The newest stands first, and only that one counts.
            (&["mx.ville.fr; dmarc=fail", "mx.ville.fr; dmarc=pass"], false),
            (&["other; dmarc=fail", "mx.ville.fr; dmarc=pass header.from=ailleurs.fr"], true),
            (&[], false),
        ];
        for (values, expected) in table {
            let headers: String = values.iter().map(|value| format!("Authentication-Results: {value}\r\n")).collect();
            let text = format!("{headers}From: jean@ailleurs.fr\r\n\r\n");
            let mail = MessageParser::default().parse(text.as_bytes()).unwrap();
            let author = "jean@ailleurs.fr".parse().unwrap();
            let trusted = "mx.ville.fr".parse().unwrap();
            assert_eq!(vouched(&mail, &author, Some(&trusted)), expected, "{values:?}");
            assert!(!vouched(&mail, &author, None));
        }
    }
}
