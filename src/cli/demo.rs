//! `beffroi demo`: a temporary server with people, projects, documents and meetings, and how to connect to it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::calendar::put_object;
use super::files::{make_folder, put_blob};
use super::output::Terminal;
use crate::app::{Running, open_tree, start_logging, stop_signal};
use crate::config::Config;
use crate::model::calendar::Detail;
use crate::model::path::Path;
use crate::model::principal::Scope;
use crate::model::privilege::Role;
use crate::tree::calendar::{CALENDARS, prepare};
use crate::tree::resolve::FILES;
use crate::tree::{self, Tree};

#[derive(Args)]
pub(super) struct Demo {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8008", value_name = "ADDR")]
    listen: String,
}

const PEOPLE: [(&str, &str); 4] =
    [("alice", "Alice Martin"), ("bruno", "Bruno Lefèvre"), ("chloe", "Chloé Nguyen"), ("david", "David Roux")];

/// Name, shown name, members.
type DemoProject = (&'static str, &'static str, &'static [(&'static str, Role)]);

const PROJECTS: [DemoProject; 2] = [
    (
        "tramway",
        "Tramway T2",
        &[("alice", Role::Lead), ("bruno", Role::Member), ("chloe", Role::Member), ("david", Role::Reader)],
    ),
    ("quartiers", "Conseils de quartier", &[("chloe", Role::Lead), ("alice", Role::Member), ("david", Role::Member)]),
];

/// Address below `/files/`, author, and the contents in order: each after the first is a new version.
const DOCUMENTS: [(&[&str], &str, &[&str]); 7] = [
    (
        &["tramway", "Réunions", "Compte rendu du comité de pilotage.txt"],
        "bruno",
        &[
            "Comité de pilotage du 3 novembre 2026\n\n1. Tracé retenu : variante B\n",
            "Comité de pilotage du 3 novembre 2026\n\n1. Tracé retenu : variante B\n2. Enquête publique en février\n",
            "Comité de pilotage du 3 novembre 2026\n\n1. Tracé retenu : variante B\n2. Enquête publique du 1er février au \
             3 mars\n3. Prochaine réunion le 8 décembre\n",
        ],
    ),
    (
        &["tramway", "Budget", "Budget prévisionnel.csv"],
        "chloe",
        &[
            "poste;montant\nÉtudes;1200000\nTravaux;48000000\n",
            "poste;montant\nÉtudes;1350000\nTravaux;48000000\nCommunication;180000\n",
        ],
    ),
    (&["tramway", "Budget", "Subventions.csv"], "chloe", &["financeur;montant\nRégion;12000000\nÉtat;9000000\n"]),
    (
        &["tramway", "Lisez-moi.txt"],
        "alice",
        &["Ce dossier appartient au projet Tramway T2. Tous ses membres y lisent et y écrivent.\n"],
    ),
    (
        &["quartiers", "Ordre du jour - Quartier Nord.txt"],
        "chloe",
        &["1. Square des Tilleuls\n2. Stationnement\n", "1. Square des Tilleuls\n2. Stationnement\n3. Fête de juin\n"],
    ),
    (&["quartiers", "Charte.md"], "alice", &["# Charte des conseils de quartier\n\nOuverts à tous les habitants.\n"]),
    (&["alice", "Notes.txt"], "alice", &["Dossier personnel : personne d'autre ne le voit.\n"]),
];

/// Home and calendar, name, component, and its lines besides UID and DTSTAMP.
const OBJECTS: [([&str; 2], &str, &str, &str); 7] = [
    (
        ["tramway", "meetings"],
        "comite-de-pilotage",
        "VEVENT",
        "DTSTART;TZID=Europe/Paris:20260106T100000\r\nDTEND;TZID=Europe/Paris:20260106T113000\r\nRRULE:FREQ=MONTHLY;BYDAY=1TU\r\n\
         SUMMARY:Comité de pilotage\r\nLOCATION:Salle du conseil",
    ),
    (
        ["tramway", "meetings"],
        "point-hebdomadaire",
        "VEVENT",
        "DTSTART;TZID=Europe/Paris:20260105T090000\r\nDTEND;TZID=Europe/Paris:20260105T093000\r\nRRULE:FREQ=WEEKLY\r\n\
         SUMMARY:Point hebdomadaire\r\nLOCATION:Atelier",
    ),
    (
        ["tramway", "meetings"],
        "mise-en-service",
        "VEVENT",
        "DTSTART;VALUE=DATE:20290901\r\nSUMMARY:Mise en service de la ligne T2\r\nTRANSP:TRANSPARENT",
    ),
    (
        ["tramway", "tasks"],
        "enquete-publique",
        "VTODO",
        "DUE;VALUE=DATE:20270131\r\nSUMMARY:Préparer l’enquête publique",
    ),
    (
        ["tramway", "tasks"],
        "plan-de-financement",
        "VTODO",
        "DUE;VALUE=DATE:20261215\r\nPRIORITY:1\r\nSUMMARY:Boucler le plan de financement",
    ),
    (
        ["quartiers", "meetings"],
        "conseil-quartier-nord",
        "VEVENT",
        "DTSTART;TZID=Europe/Paris:20260115T183000\r\nDTEND;TZID=Europe/Paris:20260115T203000\r\nRRULE:FREQ=MONTHLY;BYDAY=3TH\r\n\
         SUMMARY:Conseil du quartier Nord\r\nLOCATION:Maison des associations",
    ),
    (
        ["alice", "personal"],
        "conges",
        "VEVENT",
        "DTSTART;VALUE=DATE:20261221\r\nDTEND;VALUE=DATE:20270104\r\nSUMMARY:Congés",
    ),
];

impl Demo {
    pub(super) async fn run(
        self,
        data: Option<PathBuf>,
        mut config: Config,
        terminal: &Terminal,
    ) -> anyhow::Result<ExitCode> {
        config.server.listen = vec![self.listen];
        "warn".clone_into(&mut config.log.filter);
        start_logging(&config.log)?;
        let kept = data.is_some();
        let data = data.unwrap_or_else(|| std::env::temp_dir().join(format!("beffroi-demo-{}", std::process::id())));
        let tree = open_tree(&data, &config.store).await?;
        let (passwords, feed) = fill(&tree).await.context("filling the demonstration")?;
        let running = Running::open(tree, config).await?;
        let address = running.addresses.first().context("no address to listen on")?;
        let url = format!("{}://{address}/", running.scheme);
        introduce(terminal, &url, &address.to_string(), &data.display().to_string(), kept, &passwords);
        terminal.say("demo-feed", &[("url", &format!("{url}{feed}"))]);
        println!();
        println!("ready: {url}");
        running.serve(stop_signal()).await;
        if !kept {
            tokio::fs::remove_dir_all(&data).await.context("removing the demonstration's data")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Makes people, projects and documents; the device passwords in the order of [`PEOPLE`].
async fn fill(tree: &Tree) -> anyhow::Result<(Vec<String>, String)> {
    let mut passwords = Vec::new();
    for (name, display_name) in PEOPLE {
        tree.add_person(name, display_name, &format!("{name}@ville.example"), None).await?;
        passwords.push(tree.add_device(name, "demo", Scope::All, false, None).await?);
    }
    for (name, display_name, members) in PROJECTS {
        tree.add_project(name, display_name, Some(10 << 30)).await?;
        for (member, role) in members {
            tree.add_member(name, member, *role, None).await?;
        }
    }
    for (segments, author, contents) in DOCUMENTS {
        let actor = tree.owner(author).await?;
        let mut path = Path::of(&[FILES]);
        for (depth, segment) in segments.iter().enumerate() {
            path = path.join(segment);
            if depth > 0 && depth + 1 < segments.len() {
                make_folder(tree, &path, &actor).await?;
            }
        }
        for content in contents {
            let mut staging = tree.stage();
            staging.write(content.as_bytes()).await?;
            put_blob(tree, &path, tree::finish(staging).await?, None, &actor).await?;
        }
    }
    for ([home, calendar], name, component, lines) in OBJECTS {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Beffroi//Beffroi//FR\r\nBEGIN:{component}\r\nUID:{name}@{home}\r\n\
             DTSTAMP:20260101T000000Z\r\n{lines}\r\nEND:{component}\r\nEND:VCALENDAR\r\n"
        );
        let path = Path::of(&[CALENDARS, home, calendar, &format!("{name}.ics")]);
        put_object(tree, &path, prepare(text.into())?, &tree.owner(home).await?).await?;
    }
    let (name, _) = PEOPLE[0];
    let (secret, calendar) = tree.add_feed(name, "/calendars/tramway/meetings", Detail::Title, None).await?;
    Ok((passwords, format!("feeds/{secret}/{calendar}.ics")))
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
