//! News that a mail of ours did not arrive (RFC 3464). Each goes out with an envelope sender of its own, which is where
//! such news comes to: whose mail it is follows from that address, whatever the news is written like.

use mail_parser::Message;

use super::header_values::values;
use super::mime_parts::MailPart;
use crate::model::mailbox::{MailAddress, MailDomain, NotAnAddress};

/// What envelope senders begin with. No project or room can be called so.
const PREFIX: &str = "bounce=";

/// One of our mails did not arrive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounce {
    /// Which.
    pub token: String,
    /// Will it never? Otherwise someone tried for long enough.
    pub is_final: bool,
    /// What was said of it.
    pub reason: String,
}

/// The envelope sender of a mail.
pub fn envelope_sender(token: &str, domain: &MailDomain) -> Result<MailAddress, NotAnAddress> {
    format!("{PREFIX}{token}@{domain}").parse()
}

/// Which mail an address is the envelope sender of.
#[must_use]
pub fn token_of(recipient: &MailAddress) -> Option<String> {
    let (prefix, token) = recipient.local().split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then(|| token.to_ascii_lowercase()).filter(|token| !token.is_empty())
}

/// What came to such an address. `None`: news that a mail is late or arrived, or what a person or a program answered.
pub(super) fn read(mail: &Message<'_>, parts: &[MailPart<'_>], token: String, is_news: bool) -> Option<Bounce> {
    const STATUS: [&str; 2] = ["message/delivery-status", "message/global-delivery-status"];
    let Some(status) = parts.iter().find(|part| STATUS.contains(&part.kind.as_str())) else {
        let is_report =
            values(mail, "Content-Type").any(|kind| kind.to_ascii_lowercase().contains("disposition-notification"));
        let reason = mail.subject().unwrap_or_default().to_owned();
        return (is_news && !is_report).then_some(Bounce { token, is_final: true, reason });
    };
    let content = status.content();
    let text = String::from_utf8_lossy(&content);
    let unfolded = text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    let fields = |name: &str| {
        let lines = unfolded.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(known, _)| known.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .collect::<Vec<_>>()
    };
    if !fields("Action").iter().any(|action| action.eq_ignore_ascii_case("failed")) {
        return None;
    }
    let is_final = !fields("Status").iter().any(|status| status.starts_with("4."));
    let said = [fields("Diagnostic-Code"), fields("Status")].concat();
    Some(Bounce { token, is_final, reason: said.into_iter().next().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::{envelope_sender, token_of};

    #[test]
    fn an_envelope_sender_names_its_mail() {
        let domain = "agenda.ville.fr".parse().unwrap();
        let sender = envelope_sender("0a1b", &domain).unwrap();
        assert_eq!(sender.as_str(), "bounce=0a1b@agenda.ville.fr");
        assert_eq!(token_of(&sender).as_deref(), Some("0a1b"));
        assert_eq!(token_of(&"BOUNCE=0A1B@agenda.ville.fr".parse().unwrap()).as_deref(), Some("0a1b"));
        for other in ["bounce@agenda.ville.fr", "bounce=@agenda.ville.fr", "gymnase+0a1b@agenda.ville.fr"] {
            assert_eq!(token_of(&other.parse().unwrap()), None, "{other}");
        }
    }
}
