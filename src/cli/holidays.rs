//! `beffroi holidays`: calendars of holidays that an administrator offers.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;

use super::address::{address_of, at_address, at_path};
use super::output::{Terminal, fault};
use crate::service::holidays::{REGIONS, Unreadable, offer, public, school};
use crate::tree::Tree;
use crate::tree::target::CALENDARS;

#[derive(Subcommand)]
pub(super) enum HolidaysCommand {
    /// Put the French public holidays into a calendar; it is made if there is none
    Public {
        /// Such as /calendars/NAME/CALENDAR
        address: String,
        /// Where
        #[arg(
            long,
            default_value = "metropole",
            value_parser = PossibleValuesParser::new(REGIONS.iter().map(|(name, _)| *name)),
        )]
        region: String,
    },
    /// Put the school holidays of the ministry's table (CSV, semicolons) into a calendar; it is made if there is none
    School {
        /// Such as /calendars/NAME/CALENDAR
        address: String,
        /// The table, as data.education.gouv.fr publishes it
        file: PathBuf,
        /// Which zone: A, B, C, Corse, Guadeloupe, Réunion, ...
        #[arg(long)]
        zone: String,
    },
}

impl HolidaysCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let (address, days) = match self {
            Self::Public { address, region } => {
                let year = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).year();
                (address, public(&region, year.saturating_sub(1)))
            }
            Self::School { address, file, zone } => {
                let table = tokio::fs::read_to_string(&file).await.map_err(|error| at_path(&file, &error))?;
                let path = file.display().to_string();
                let days = school(&table, &zone).map_err(|why| match why {
                    Unreadable::Columns => fault("fault-holidays-columns", &[("path", &path)]),
                    Unreadable::Line(line) => {
                        fault("fault-holidays-line", &[("path", &path), ("number", &line.to_string())])
                    }
                })?;
                if days.is_empty() {
                    return Err(fault("fault-holidays-zone", &[("path", &path), ("text", &zone)]));
                }
                (address, days)
            }
        };
        let (path, owner) = address_of(tree, &address, &[CALENDARS])
            .await
            .map_err(|_| fault("fault-calendar-address", &[("address", &address)]))?;
        let made = offer(tree, &path, &owner, &days).await.map_err(|error| at_address(terminal, &path, error))?;
        let (number, all) = (made.to_string(), days.len().to_string());
        terminal.say("done-holidays", &[("number", &number), ("text", &all), ("address", &address)]);
        terminal.note("holidays-hint", &[("address", &address)]);
        Ok(())
    }
}
