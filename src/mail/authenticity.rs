//! Whether the server before us vouches for who wrote a mail (`Authentication-Results`, RFC 8601).

use mail_parser::Message;

use super::header_values::values;
use crate::model::mailbox::{MailAddress, MailDomain};

/// Does the trusted server say that a mail is from its author's domain? Only its newest word counts: what stands below
/// may have come with the mail.
pub(super) fn vouched(mail: &Message<'_>, author: &MailAddress, trusted: Option<&MailDomain>) -> bool {
    let Some(trusted) = trusted else { return false };
    let results = values(mail, "Authentication-Results").map(|value| statements(&value));
    let mut by_it = results.filter(|statements| is_by(statements, trusted));
    by_it.next().is_some_and(|statements| states(&statements, author.domain()))
}

fn is_by(statements: &[Vec<String>], trusted: &MailDomain) -> bool {
    let server = statements.first().and_then(|words| words.first());
    server.is_some_and(|server| server.eq_ignore_ascii_case(trusted.as_str()))
}

/// `method=result` with the properties that were checked.
fn states(statements: &[Vec<String>], domain: &str) -> bool {
    let mut passed = false;
    for words in statements.iter().skip(1) {
        let mut words = words.iter().filter_map(|word| word.split_once('='));
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

/// The words of a value, by what stands between semicolons. Comments in round brackets may stand anywhere. What is
/// quoted is one word with its quotes, whatever is in it: an address that was checked is as its sender wrote it.
fn statements(value: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut depth, mut is_quoted) = (0_u32, false);
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        let escaped = if character == '\\' { characters.next() } else { None };
        match character {
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '"' => {
                is_quoted = !is_quoted;
                word.push('"');
            }
            ' ' | ';' if !is_quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                if character == ';' {
                    all.push(std::mem::take(&mut words));
                }
            }
            other => {
                word.push(other);
                word.extend(escaped);
            }
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    all.push(words);
    all
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
            // What a sender calls themselves is no word of the server.
            (&["mx.ville.fr; dmarc=none; spf=pass smtp.mailfrom=\"x; dmarc=pass x\"@envoi.example"], false),
            (&["mx.ville.fr; spf=pass smtp.mailfrom=\"; dkim=pass header.d=ailleurs.fr x\"@envoi.example"], false),
            (&["mx.ville.fr; spf=pass smtp.mailfrom=\"a\\\"; dmarc=pass ;\"@envoi.example"], false),
            (&["mx.ville.fr; spf=pass smtp.mailfrom=\"(\"@envoi.example; dmarc=fail (\")\") x=y"], false),
            (&["mx.ville.fr; spf=pass smtp.mailfrom=\"x@ailleurs.fr \"@envoi.example"], false),
            (&["mx.ville.fr; spf=pass smtp.mailfrom=\"a b\"@ailleurs.fr"], true),
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
