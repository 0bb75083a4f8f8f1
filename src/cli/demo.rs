//! `beffroi demo`: a temporary server with people, projects, documents and meetings, and how to connect to it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::output::Terminal;
use crate::app::{Running, open_tree, start_logging, stop_signal};
use crate::config::{Config, MailConfig};
use crate::mail::outgoing::MailOffice;
use crate::model::mailbox::MailDomain;
use crate::service::demo::{DemoError, Demonstration, OUTSIDE, PEOPLE, PROJECTS, ROOM, make};
use crate::tree::target::FILES;

/// Projects have addresses in this domain.
const DOMAIN: &str = "agenda.ville.example";

#[derive(Args)]
pub(super) struct Demo {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8008", value_name = "ADDR")]
    listen: String,
}

impl Demo {
    pub(super) async fn run(
        self,
        data: Option<PathBuf>,
        mut config: Config,
        terminal: &Terminal,
    ) -> anyhow::Result<ExitCode> {
        config.server.listen = vec![self.listen];
        // Whatever the settings say, nobody gets mail from a demonstration.
        let domain: MailDomain = DOMAIN.parse()?;
        config.mail = MailConfig { domain: Some(domain.clone()), ..MailConfig::default() };
        "warn".clone_into(&mut config.log.filter);
        start_logging(&config.log)?;
        let kept = data.is_some();
        let data = data.unwrap_or_else(|| std::env::temp_dir().join(format!("beffroi-demo-{}", std::process::id())));
        let tree = open_tree(&data, &config.store).await?.in_mail_domain(config.mail.domain.clone());
        let Demonstration { passwords, feed } =
            make(&tree).await.map_err(explained).context("filling the demonstration")?;
        let mut running = Running::open(tree, config).await?;
        let address = *running.addresses.first().context("no address to listen on")?;
        let url = format!("{}://{address}/", running.scheme);
        let mail = data.join("mail");
        tokio::fs::create_dir_all(&mail).await.context("making a folder for mail")?;
        running.send_mail_by(MailOffice::in_folder(mail.clone(), domain, url.clone()));
        introduce(terminal, &url, &address.to_string(), &data.display().to_string(), kept, &passwords);
        terminal.say("demo-feed", &[("url", &format!("{}{}", url.trim_end_matches('/'), feed.href(false)))]);
        terminal.say("demo-mail", &[("folder", &mail.display().to_string()), ("address", OUTSIDE)]);
        println!();
        println!("ready: {url}");
        running.serve(stop_signal()).await;
        if !kept {
            tokio::fs::remove_dir_all(&data).await.context("removing the demonstration's data")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn explained(error: DemoError) -> anyhow::Error {
    match error {
        DemoError::Fault(fault) => fault.into(),
        DemoError::Refused(error) => error.into(),
    }
}

fn introduce(terminal: &Terminal, url: &str, host: &str, data: &str, kept: bool, passwords: &[String]) {
    terminal.say("demo-title", &[("url", url)]);
    terminal.say(if kept { "demo-kept" } else { "demo-temporary" }, &[("data", data)]);
    println!();
    terminal.say("demo-people", &[]);
    for ((name, display_name), password) in PEOPLE.iter().zip(passwords) {
        let roles: Vec<String> = PROJECTS
            .iter()
            .flat_map(|(project, _, members)| members.iter().map(move |(member, role)| (project, member, role)))
            .filter(|(_, member, _)| *member == name)
            .map(|(project, _, role)| format!("{project}: {}", terminal.text(&format!("role-{}", role.code()), &[])))
            .collect();
        println!("  {name:<6} {password}  {display_name} ({})", roles.join(", "));
    }
    println!();
    terminal.say("demo-projects", &[]);
    for (name, display_name, _) in PROJECTS {
        println!("  {url}{FILES}/{name}/  {display_name}");
    }
    let (_, name, email) = ROOM;
    terminal.say("demo-room", &[("name", name), ("email", email)]);
    println!();
    terminal.say("demo-connect", &[("url", url)]);
    let (name, password) = (PEOPLE.first().map_or("", |(name, _)| name), passwords.first().map_or("", String::as_str));
    let places = [("url", url), ("host", host), ("name", name), ("password", password)];
    for key in [
        "demo-windows",
        "demo-finder",
        "demo-gnome",
        "demo-davfs",
        "demo-rclone",
        "demo-libreoffice",
        "demo-browser",
        "demo-history",
        "demo-trash",
    ] {
        println!("  {}", terminal.text(key, &places));
    }
    println!();
    terminal.say("demo-calendars", &[]);
    for key in ["demo-iphone", "demo-android", "demo-thunderbird", "demo-outlook"] {
        println!("  {}", terminal.text(key, &places));
    }
    println!();
}
