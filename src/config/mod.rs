//! Every setting: its unit, default and check. From one TOML file, each overridable by `BEFFROI_<SECTION>_<KEY>`.

mod mail;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

pub use self::mail::{LmtpAddress, MailConfig, NotMail, SmtpSecurity, SmtpServer};
use crate::model::budget::CACHE_MIB;

/// The settings. Unknown ones are refused, so that a misspelled one is not silently without effect.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Listening and limits.
    pub server: ServerConfig,
    /// Certificates; without them plain HTTP.
    pub tls: TlsConfig,
    /// Logging in.
    pub login: LoginConfig,
    /// Where all is kept.
    pub store: StoreConfig,
    /// Subscribed calendars.
    pub feeds: FeedsConfig,
    /// Files of meetings.
    pub meetings: MeetingsConfig,
    /// Mail out and in.
    pub mail: MailConfig,
    /// Logs.
    pub log: LogConfig,
}

/// Listening and limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Addresses to listen on.
    pub listen: Vec<String>,
    /// The address by which clients know us, behind a proxy (`https://beffroi.ville.fr`).
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Connections at once, half of them from one address at most; fewer where the system allows few open files.
    pub max_connections: usize,
    /// The largest document, bytes.
    pub max_document_bytes: u64,
    /// Seconds for the head of a request, and between two on one connection.
    pub head_timeout_s: u64,
    /// Seconds that a client may keep us waiting in the middle of a body, of which each KiB that comes gives one back,
    /// or leave an answer untaken.
    pub idle_timeout_s: u64,
    /// Seconds that requests get to finish when the server stops.
    pub drain_timeout_s: u64,
}

/// Certificates.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificate chain, PEM. Reloaded when it changes.
    pub certificate: Option<PathBuf>,
    /// Private key, PEM.
    pub key: Option<PathBuf>,
}

/// Logging in.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginConfig {
    /// Is the account password accepted besides device passwords?
    pub dav_account_password: bool,
    /// May devices that were made for it log in by HTTP Digest?
    pub dav_digest: bool,
}

/// Where all is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Is a change on disk before it is acknowledged? `false` is for comparisons: a power failure then takes what was
    /// acknowledged.
    pub flush: bool,
    /// How much memory is for what is kept of the database, of bodies and of the instances of events, MiB.
    pub cache_mib: usize,
}

/// Subscribed calendars.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedsConfig {
    /// How far they reach into the past, days.
    pub past_days: u32,
    /// How far they reach into the future, days.
    pub future_days: u32,
}

/// Files of meetings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeetingsConfig {
    /// For how long after a meeting those who were invited open its files without logging in, days.
    pub links_days: u32,
}

/// Logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// One JSON object a line?
    pub json: bool,
    /// What is logged (`info`, `beffroi=debug`, ...).
    pub filter: String,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8008".to_owned()],
            public_url: None,
            trusted_proxies: Vec::new(),
            max_connections: 4096,
            max_document_bytes: 1 << 40,
            head_timeout_s: 75,
            idle_timeout_s: 120,
            drain_timeout_s: 30,
        }
    }
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self { dav_account_password: true, dav_digest: false }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { flush: true, cache_mib: CACHE_MIB }
    }
}

impl Default for FeedsConfig {
    fn default() -> Self {
        Self { past_days: 90, future_days: 548 }
    }
}

impl Default for MeetingsConfig {
    fn default() -> Self {
        Self { links_days: 30 }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { json: false, filter: "info".to_owned() }
    }
}

impl Config {
    /// Reads the file, if there is one, and what the environment overrides.
    pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> anyhow::Result<Self> {
        let mut table = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
                text.parse::<toml::Table>().with_context(|| format!("reading {}", path.display()))?
            }
            None => toml::Table::new(),
        };
        for (name, value) in environment {
            override_setting(&mut table, &name, &value)?;
        }
        let config: Self = table.try_into().context("reading the settings")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            bail!("[tls] needs both certificate and key");
        }
        if self.server.listen.is_empty() || self.server.max_connections == 0 {
            bail!("[server] listen and max_connections may not be empty");
        }
        if let Some(url) = &self.server.public_url
            && !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme))
        {
            bail!("[server] public_url must begin with https:// or http://");
        }
        self.mail.check()
    }
}

/// `BEFFROI_SERVER_LISTEN=a,b` and the like; values are read as TOML where they are TOML, else as text.
fn override_setting(table: &mut toml::Table, name: &str, value: &str) -> anyhow::Result<()> {
    const SECTIONS: [&str; 8] = ["store", "feeds", "meetings", "server", "tls", "login", "mail", "log"];
    let lower = name.to_ascii_lowercase();
    let Some((section, key)) = lower.strip_prefix("beffroi_").and_then(|rest| rest.split_once('_')) else {
        return Ok(());
    };
    if !SECTIONS.contains(&section) {
        return Ok(());
    }
    let lists = ["listen", "trusted_proxies", "lmtp"];
    let parsed = format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut parsed| parsed.remove("v"));
    let value = match parsed {
        Some(parsed) if parsed.is_array() || !lists.contains(&key) => parsed,
        // An address of IPv6 begins like a list of TOML's.
        _ if lists.contains(&key) => {
            toml::Value::Array(value.split(',').map(|part| toml::Value::String(part.trim().to_owned())).collect())
        }
        _ => toml::Value::String(value.to_owned()),
    };
    let entry = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    match entry.as_table_mut() {
        Some(section) => {
            section.insert(key.to_owned(), value);
            Ok(())
        }
        None => bail!("[{section}] is not a section"),
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn environment(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn environment_overrides() {
        let pairs = [
            ("BEFFROI_SERVER_LISTEN", "[::1]:2,127.0.0.1:1"),
            ("BEFFROI_SERVER_MAX_CONNECTIONS", "7"),
            ("BEFFROI_LOGIN_DAV_ACCOUNT_PASSWORD", "false"),
            ("BEFFROI_LOG_FILTER", "beffroi=debug"),
            ("BEFFROI_DATA", "/x"),
        ];
        let config = Config::load(None, environment(&pairs)).expect("settings");
        assert_eq!(config.server.listen, ["[::1]:2", "127.0.0.1:1"]);
        assert_eq!(config.server.max_connections, 7);
        assert!(!config.login.dav_account_password);
        assert_eq!(config.log.filter, "beffroi=debug");
    }

    #[test]
    fn mail_has_its_settings() {
        let text = "[mail]\ndomain = \"Agenda.Ville.fr\"\nsmtp = \"smtp://b@relais.ville.fr?tls=required\"\n\
                    smtp_password_file = \"/etc/beffroi/smtp\"\nfrom = \"Beffroi <beffroi@agenda.ville.fr>\"\n\
                    lmtp = [\"127.0.0.1:2424\", \"unix:/run/beffroi/lmtp\"]\ntrusted_authserv = \"mx.ville.fr\"\n";
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let mail = Config::load(Some(file.path()), environment(&[])).expect("settings").mail;
        assert_eq!(mail.domain.expect("a domain").as_str(), "agenda.ville.fr");
        assert_eq!(mail.smtp.expect("a server").user.as_deref(), Some("b"));
        assert_eq!(mail.from.expect("a sender").name, "Beffroi");
        assert_eq!(mail.lmtp.len(), 2);
        let pairs =
            [("BEFFROI_MAIL_DOMAIN", "x.fr"), ("BEFFROI_MAIL_LMTP", "[::1]:24,unix:/x"), ("BEFFROI_MAIL_SMTP", "")];
        let mail = Config::load(None, environment(&pairs)).expect("settings").mail;
        assert_eq!((mail.domain.expect("a domain").as_str(), mail.smtp, mail.lmtp.len()), ("x.fr", None, 2));
        assert!(Config::load(None, environment(&[])).expect("settings").mail.domain.is_none());
    }

    /// What is wrong is named by its key, with what would be right.
    #[test]
    fn mistakes_about_mail_are_refused() {
        let domain = ("BEFFROI_MAIL_DOMAIN", "agenda.ville.fr");
        let user = ("BEFFROI_MAIL_SMTP", "smtps://b@x.fr");
        let table: [(&[(&str, &str)], &str); 11] = [
            (&[("BEFFROI_MAIL_DOMAIN", "marie@ville.fr")], "domain"),
            (&[domain, ("BEFFROI_MAIL_SMPT", "smtp://x.fr")], "smpt"),
            (&[domain, ("BEFFROI_MAIL_SMTP", "x.fr")], "smtp"),
            (&[domain, ("BEFFROI_MAIL_SMTP", "smtp://b@x.fr")], "tls=required"),
            (&[domain, user], "smtp_password_file"),
            (&[domain, ("BEFFROI_MAIL_SMTP_PASSWORD_FILE", "/x")], "smtp_password_file"),
            (&[domain, ("BEFFROI_MAIL_FROM", "Beffroi")], "from"),
            (&[domain, ("BEFFROI_MAIL_LMTP", "0.0.0.0:24")], "lmtp"),
            (&[domain, ("BEFFROI_MAIL_TRUSTED_AUTHSERV", "mx ville")], "trusted_authserv"),
            (&[("BEFFROI_MAIL_SMTP", "smtp://x.fr")], "domain"),
            (&[("BEFFROI_MAIL_LMTP", "127.0.0.1:24")], "domain"),
        ];
        for (pairs, named) in table {
            let error = format!("{:#}", Config::load(None, environment(pairs)).expect_err(named));
            assert!(error.contains("mail") && error.contains(named), "{pairs:?}: {error}");
        }
    }

    #[test]
    fn mistakes_are_refused() {
        for pairs in [
            [("BEFFROI_SERVER_LISTNE", "x")],
            [("BEFFROI_SERVER_MAX_CONNECTIONS", "many")],
            [("BEFFROI_TLS_KEY", "key.pem")],
            [("BEFFROI_SERVER_PUBLIC_URL", "beffroi.fr")],
        ] {
            assert!(Config::load(None, environment(&pairs)).is_err(), "{pairs:?}");
        }
    }
}
