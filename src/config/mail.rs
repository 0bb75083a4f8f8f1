//! `[mail]`: what goes out by mail, and what comes in.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use serde::de::{Deserialize, Deserializer, Error};

use crate::model::mailbox::{MailDomain, Mailbox};

/// Mail. Without a domain there is none at all.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Projects and rooms have the address NAME@domain.
    #[serde(deserialize_with = "given")]
    pub domain: Option<MailDomain>,
    /// Who takes our mail. Without it none goes out: it waits.
    #[serde(deserialize_with = "given")]
    pub smtp: Option<SmtpServer>,
    /// Where the password for it stands.
    #[serde(deserialize_with = "given")]
    pub smtp_password_file: Option<PathBuf>,
    /// Who notices come from.
    #[serde(deserialize_with = "given")]
    pub from: Option<Mailbox>,
    /// Where mail for us is handed over.
    pub lmtp: Vec<LmtpAddress>,
    /// The name in `Authentication-Results` that is believed.
    #[serde(deserialize_with = "given")]
    pub trusted_authserv: Option<MailDomain>,
}

/// An empty text stands for what is not given.
fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    let text = String::deserialize(deserializer)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|why| Error::custom(format!("{text:?} is {why}")))
}

/// How a server for outgoing mail is spoken to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmtpServer {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name to log in with.
    pub user: Option<String>,
    /// How what is said is hidden from others.
    pub security: SmtpSecurity,
}

/// How what is said to a server for outgoing mail is hidden from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SmtpSecurity {
    /// By STARTTLS, where the server offers it.
    Offered,
    /// By STARTTLS, or nothing is sent.
    Required,
    /// By TLS from the first byte on.
    Wrapped,
}

/// Why something is no setting, as a part of a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotMail {
    /// Not the address of a server for outgoing mail.
    #[error("no address of a mail server (smtp://HOST:25, smtp://USER@HOST:587?tls=required or smtps://USER@HOST:465)")]
    Smtp,
    /// A password in the settings.
    #[error("an address with a password in it, which belongs into a file (smtp_password_file)")]
    Password,
    /// A user without TLS.
    #[error("a log-in that others could read: add ?tls=required, or use smtps://")]
    OpenLogIn,
    /// Not an address to take mail at.
    #[error("no address to take mail at (127.0.0.1:PORT, [::1]:PORT or unix:/PATH): only programs of this machine may")]
    Lmtp,
}

impl FromStr for SmtpServer {
    type Err = NotMail;

    fn from_str(text: &str) -> Result<Self, NotMail> {
        let (scheme, rest) = text.split_once("://").ok_or(NotMail::Smtp)?;
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (security, usual_port) = match (scheme.to_ascii_lowercase().as_str(), query) {
            ("smtp", None) => (SmtpSecurity::Offered, 25),
            ("smtp", Some("tls=required")) => (SmtpSecurity::Required, 587),
            ("smtps", None | Some("tls=required")) => (SmtpSecurity::Wrapped, 465),
            _ => return Err(NotMail::Smtp),
        };
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => return Err(NotMail::Password),
            Some((user, place)) => (Some(decoded(user)?), place),
            None => (None, rest),
        };
        let (host, port) = host_and_port(place.strip_suffix('/').unwrap_or(place)).ok_or(NotMail::Smtp)?;
        if user.is_some() && security == SmtpSecurity::Offered {
            return Err(NotMail::OpenLogIn);
        }
        Ok(Self { host, port: port.unwrap_or(usual_port), user, security })
    }
}

/// A name to log in with, which may be an address itself (`agenda%40ville.fr`).
fn decoded(user: &str) -> Result<String, NotMail> {
    let decoded = percent_encoding::percent_decode_str(user).decode_utf8().map_err(|_| NotMail::Smtp)?;
    let good = !decoded.is_empty() && !decoded.contains(char::is_control);
    good.then(|| decoded.into_owned()).ok_or(NotMail::Smtp)
}

fn host_and_port(place: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !place.ends_with(']') => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
        _ => (place, None),
    };
    if let Some(inner) = host.strip_prefix('[') {
        let address: IpAddr = inner.strip_suffix(']')?.parse().ok()?;
        return Some((address.to_string(), port));
    }
    let name: MailDomain = host.parse().ok()?;
    Some((name.to_string(), port))
}

/// Where mail for us is handed over: to programs of this machine alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LmtpAddress {
    /// A loopback address.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl FromStr for LmtpAddress {
    type Err = NotMail;

    fn from_str(text: &str) -> Result<Self, NotMail> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() { Ok(Self::Unix(path)) } else { Err(NotMail::Lmtp) };
        }
        let address: SocketAddr = text.parse().map_err(|_| NotMail::Lmtp)?;
        if address.ip().is_loopback() { Ok(Self::Tcp(address)) } else { Err(NotMail::Lmtp) }
    }
}

impl<'de> Deserialize<'de> for LmtpAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.trim().parse().map_err(|why| Error::custom(format!("{text:?} is {why}")))
    }
}

impl MailConfig {
    /// The password for the next server. It is read each time one logs in, so it may be replaced meanwhile.
    pub fn password(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.smtp_password_file else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading [mail] smtp_password_file {}", path.display()))?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => bail!("[mail] smtp_password_file {} is empty", path.display()),
            password => Ok(Some(password.to_owned())),
        }
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        let given = [
            ("smtp", self.smtp.is_some()),
            ("from", self.from.is_some()),
            ("lmtp", !self.lmtp.is_empty()),
            ("trusted_authserv", self.trusted_authserv.is_some()),
        ];
        if self.domain.is_none()
            && let Some((key, _)) = given.iter().find(|(_, given)| *given)
        {
            bail!("[mail] {key} has no effect without domain: set that, too");
        }
        match (self.smtp.as_ref().is_some_and(|smtp| smtp.user.is_some()), &self.smtp_password_file) {
            (true, None) => bail!("[mail] smtp names a user: smtp_password_file has to name the file of its password"),
            (false, Some(_)) => {
                bail!("[mail] smtp_password_file needs a user in smtp (smtp://USER@HOST:587?tls=required)")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LmtpAddress, NotMail, SmtpSecurity, SmtpServer};

    #[test]
    fn servers_for_outgoing_mail() {
        let server = |host: &str, port, user: Option<&str>, security| {
            Ok(SmtpServer { host: host.to_owned(), port, user: user.map(str::to_owned), security })
        };
        let table = [
            ("smtp://relais.ville.fr:2525", server("relais.ville.fr", 2525, None, SmtpSecurity::Offered)),
            ("smtp://127.0.0.1", server("127.0.0.1", 25, None, SmtpSecurity::Offered)),
            ("smtp://[::1]:25/", server("::1", 25, None, SmtpSecurity::Offered)),
            ("smtp://relais.ville.fr?tls=required", server("relais.ville.fr", 587, None, SmtpSecurity::Required)),
            ("smtp://b@x.fr:587?tls=required", server("x.fr", 587, Some("b"), SmtpSecurity::Required)),
            ("smtps://b%40ville.fr@x.fr", server("x.fr", 465, Some("b@ville.fr"), SmtpSecurity::Wrapped)),
            ("smtp://b@x.fr:25", Err(NotMail::OpenLogIn)),
            ("smtps://b:secret@x.fr", Err(NotMail::Password)),
            ("x.fr:25", Err(NotMail::Smtp)),
            ("http://x.fr", Err(NotMail::Smtp)),
            ("smtp://x.fr:0", Err(NotMail::Smtp)),
            ("smtp://x.fr:99999", Err(NotMail::Smtp)),
            ("smtp://", Err(NotMail::Smtp)),
            ("smtp://x.fr/path", Err(NotMail::Smtp)),
            ("smtp://x.fr?tls=none", Err(NotMail::Smtp)),
            ("smtps://%0d%0a@x.fr", Err(NotMail::Smtp)),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<SmtpServer>(), expected, "{text}");
        }
    }

    #[test]
    fn mail_comes_from_this_machine() {
        for good in ["127.0.0.1:2424", "[::1]:24", "unix:/run/beffroi/lmtp"] {
            assert!(good.parse::<LmtpAddress>().is_ok(), "{good}");
        }
        for bad in ["0.0.0.0:24", "192.0.2.1:24", "localhost:24", "127.0.0.1", "unix:lmtp", "unix:", ""] {
            assert_eq!(bad.parse::<LmtpAddress>(), Err(NotMail::Lmtp), "{bad}");
        }
    }
}
