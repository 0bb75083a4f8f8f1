//! What `beffroi demo` shows: people, projects, a room, documents, meetings, and a feed.

use super::demo_meetings;
pub use super::demo_meetings::{DemoError, OUTSIDE};
use super::object::{ComponentKind, PropertyLine, ValueForm, object};
use super::write::{make_folder, put_document, put_object};
use crate::model::budget::Budget;
use crate::model::calendar::FeedDetail;
use crate::model::error::Error;
use crate::model::path::Path;
use crate::model::principal::DeviceScope;
use crate::model::privilege::Role;
use crate::model::room::Room;
use crate::tree::target::{CALENDARS, FILES};
use crate::tree::{self, Tree, feed};

/// Names and shown names.
pub const PEOPLE: [(&str, &str); 4] =
    [("alice", "Alice Martin"), ("bruno", "Bruno Lefèvre"), ("chloe", "Chloé Nguyen"), ("david", "David Roux")];

/// Name, shown name, members.
pub type DemoProject = (&'static str, &'static str, &'static [(&'static str, Role)]);

/// The projects.
pub const PROJECTS: [DemoProject; 2] = [
    (
        "tramway",
        "Tramway T2",
        &[("alice", Role::Lead), ("bruno", Role::Member), ("chloe", Role::Member), ("david", Role::Reader)],
    ),
    ("quartiers", "Conseils de quartier", &[("chloe", Role::Lead), ("alice", Role::Member), ("david", Role::Member)]),
];

/// The room: name, shown name, address.
pub const ROOM: (&str, &str, &str) = ("salle-du-conseil", "Salle du conseil", "salle-du-conseil@ville.example");

/// Address below `/files/`, author, and the contents in order: each after the first is a new version.
const DOCUMENTS: [(&[&str], &str, &[&str]); 7] = [
    (
        &["tramway", "Réunions", "Compte rendu du comité de pilotage.txt"],
        "bruno",
        &[
            "Comité de pilotage du 3 novembre 2026\n\n1. Tracé retenu : variante B\n",
            "Comité de pilotage du 3 novembre 2026\n\n1. Tracé retenu : variante B\n2. Enquête publique en février\n",
            "Comité de pilotage du 3 novembre 2026\n\n1. Tracé retenu : variante B\n2. Enquête publique du 1er février \
             au \
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

/// An object of a calendar: in which home and calendar, its name, what it is and says.
struct DemoObject {
    home: &'static str,
    calendar: &'static str,
    name: &'static str,
    kind: ComponentKind,
    lines: &'static [PropertyLine<'static>],
}

static OBJECTS: [DemoObject; 7] = [
    DemoObject {
        home: "tramway",
        calendar: "meetings",
        name: "comite-de-pilotage",
        kind: ComponentKind::Event,
        lines: &[
            ("DTSTART", ValueForm::Paris, "20260106T100000"),
            ("DTEND", ValueForm::Paris, "20260106T113000"),
            ("RRULE", ValueForm::Itself, "FREQ=MONTHLY;BYDAY=1TU"),
            ("SUMMARY", ValueForm::Itself, "Comité de pilotage"),
            ("LOCATION", ValueForm::Itself, "Salle du conseil"),
        ],
    },
    DemoObject {
        home: "tramway",
        calendar: "meetings",
        name: "point-hebdomadaire",
        kind: ComponentKind::Event,
        lines: &[
            ("DTSTART", ValueForm::Paris, "20260105T090000"),
            ("DTEND", ValueForm::Paris, "20260105T093000"),
            ("RRULE", ValueForm::Itself, "FREQ=WEEKLY"),
            ("SUMMARY", ValueForm::Itself, "Point hebdomadaire"),
            ("LOCATION", ValueForm::Itself, "Atelier"),
        ],
    },
    DemoObject {
        home: "tramway",
        calendar: "meetings",
        name: "mise-en-service",
        kind: ComponentKind::Event,
        lines: &[
            ("DTSTART", ValueForm::Day, "20290901"),
            ("SUMMARY", ValueForm::Itself, "Mise en service de la ligne T2"),
            ("TRANSP", ValueForm::Itself, "TRANSPARENT"),
        ],
    },
    DemoObject {
        home: "tramway",
        calendar: "tasks",
        name: "enquete-publique",
        kind: ComponentKind::Task,
        lines: &[("DUE", ValueForm::Day, "20270131"), ("SUMMARY", ValueForm::Itself, "Préparer l’enquête publique")],
    },
    DemoObject {
        home: "tramway",
        calendar: "tasks",
        name: "plan-de-financement",
        kind: ComponentKind::Task,
        lines: &[
            ("DUE", ValueForm::Day, "20261215"),
            ("PRIORITY", ValueForm::Itself, "1"),
            ("SUMMARY", ValueForm::Itself, "Boucler le plan de financement"),
        ],
    },
    DemoObject {
        home: "quartiers",
        calendar: "meetings",
        name: "conseil-quartier-nord",
        kind: ComponentKind::Event,
        lines: &[
            ("DTSTART", ValueForm::Paris, "20260115T183000"),
            ("DTEND", ValueForm::Paris, "20260115T203000"),
            ("RRULE", ValueForm::Itself, "FREQ=MONTHLY;BYDAY=3TH"),
            ("SUMMARY", ValueForm::Itself, "Conseil du quartier Nord"),
            ("LOCATION", ValueForm::Itself, "Maison des associations"),
        ],
    },
    DemoObject {
        home: "alice",
        calendar: "personal",
        name: "conges",
        kind: ComponentKind::Event,
        lines: &[
            ("DTSTART", ValueForm::Day, "20261221"),
            ("DTEND", ValueForm::Day, "20270104"),
            ("SUMMARY", ValueForm::Itself, "Congés"),
        ],
    },
];

/// What was made.
pub struct Demonstration {
    /// A device password of each of [`PEOPLE`], in that order.
    pub passwords: Vec<String>,
    /// The address of a feed.
    pub feed: Path,
}

/// Makes it all in an empty tree.
pub async fn make(tree: &Tree) -> Result<Demonstration, DemoError> {
    let mut passwords = Vec::new();
    for (name, display_name) in PEOPLE {
        tree.add_person(name, display_name, &format!("{name}@ville.example"), None).await?;
        passwords.push(tree.add_device(name, "demo", DeviceScope::All, false, None).await?);
    }
    for (name, display_name, members) in PROJECTS {
        tree.add_project(name, display_name, Some(10 << 30)).await?;
        for (member, role) in members {
            tree.add_member(name, member, *role, None).await?;
        }
    }
    let (name, display_name, email) = ROOM;
    let room = Room {
        capacity: Some(24),
        manager: Some(PEOPLE[0].0.to_owned()),
        hours: "mon-fri 08:00-19:00".to_owned(),
        ..Room::default()
    };
    tree.add_room(name, display_name, email, &room).await?;
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
            staging.write(content.as_bytes()).await.map_err(Error::from)?;
            put_document(tree, &path, tree::finish(staging).await?, None, &actor).await?;
        }
    }
    for DemoObject { home, calendar, name, kind, lines } in &OBJECTS {
        let text = object(*kind, &format!("{name}@{home}"), lines);
        let path = Path::of(&[CALENDARS, home, calendar, &format!("{name}.ics")]);
        let owner = tree.owner(home).await?;
        let (blob, indexed) = tree.prepare(owner.id, &Budget::default(), text.into()).await?;
        put_object(tree, &path, blob, indexed, &owner).await?;
    }
    demo_meetings::hold(tree).await?;
    let (name, _) = PEOPLE[0];
    let (secret, calendar) = tree.add_feed(name, "/calendars/tramway/meetings", FeedDetail::Title, None).await?;
    Ok(Demonstration { passwords, feed: feed::address(&secret, &calendar) })
}
