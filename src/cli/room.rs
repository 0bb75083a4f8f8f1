//! `beffroi room`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::Terminal;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::room::{BOOKINGS, Booking, ROOM_KINDS, Room, RoomKind};
use crate::tree::Tree;

#[derive(Subcommand)]
pub(super) enum RoomCommand {
    /// Add a room, with the one calendar `bookings`
    Add(AddRoom),
    /// List rooms
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a room
    Show {
        /// Which
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a room with its bookings
    Remove {
        /// Which
        name: String,
    },
}

#[derive(Args)]
pub(super) struct AddRoom {
    /// Its name, also in addresses
    name: String,
    /// Name shown to people
    #[arg(long)]
    display_name: String,
    /// E-mail address by which it is invited
    #[arg(long)]
    email: String,
    /// A room, or something else that is booked
    #[arg(long, default_value = "room", value_parser = PossibleValuesParser::new(ROOM_KINDS.map(|(_, code)| code)))]
    kind: String,
    /// For how many people
    #[arg(long, value_name = "N")]
    capacity: Option<i64>,
    /// Who answers requests: the room itself, its manager, nobody
    #[arg(long, default_value = "auto", value_parser = PossibleValuesParser::new(BOOKINGS.map(|(_, code)| code)))]
    booking: String,
    /// Who manages it, a person or a group
    #[arg(long, value_name = "PRINCIPAL")]
    manager: Option<String>,
    /// When it may be booked, such as "mon-fri 08:00-19:00", several separated by ; [default: always]
    #[arg(long)]
    hours: Option<String>,
    /// Who may book it, a person or a group; more than once for several [default: everyone]
    #[arg(long, value_name = "PRINCIPAL")]
    bookable_by: Vec<String>,
}

const COLUMNS: [&str; 9] =
    ["name", "display_name", "email", "kind", "capacity", "booking", "manager", "hours", "bookable_by"];

fn row((principal, room): &(Principal, Room)) -> Vec<Value> {
    vec![
        json!(principal.name),
        json!(principal.display_name),
        json!(principal.addresses.first().and_then(|uri| uri.strip_prefix("mailto:"))),
        json!(room.kind.code()),
        json!(room.capacity),
        json!(room.booking.code()),
        json!(room.manager),
        json!(Some(&room.hours).filter(|hours| !hours.is_empty())),
        json!(room.bookable_by),
    ]
}

impl RoomCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run(tree, terminal).await?,
            Self::List { json } => {
                let mut rows = Vec::new();
                for room in tree.list_principals(PrincipalKind::Room).await? {
                    rows.push(row(&tree.room(&room.name).await?));
                }
                terminal.table(json, &COLUMNS, &rows)?;
            }
            Self::Show { name, json } => terminal.table(json, &COLUMNS, &[row(&tree.room(&name).await?)])?,
            Self::Remove { name } => {
                let meetings = tree.meetings_to_come(PrincipalKind::Room, &name).await?;
                tree.remove_room(&name).await?;
                terminal.say("done-room-removed", &[("name", &name)]);
                if meetings > 0 {
                    terminal.say("done-bookings-declined", &[("name", &name), ("number", &meetings.to_string())]);
                }
            }
        }
        Ok(())
    }
}

impl AddRoom {
    async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let room = Room {
            kind: RoomKind::from_code(&self.kind).unwrap_or_default(),
            capacity: self.capacity,
            booking: Booking::from_code(&self.booking).unwrap_or_default(),
            manager: self.manager,
            hours: self.hours.unwrap_or_default().trim().to_owned(),
            bookable_by: self.bookable_by,
        };
        let added = tree.add_room(&self.name, &self.display_name, &self.email, &room).await?;
        terminal.say("done-room", &[("name", &added.name)]);
        Ok(())
    }
}
