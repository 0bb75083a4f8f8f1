//! `beffroi holidays`: calendars of holidays that an administrator offers.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;

use super::calendar::put_object;
use super::files::{address_of, at_address, at_path, request};
use super::output::{Terminal, told};
use crate::ical::holidays::{Holiday, REGIONS, Unreadable, public, school};
use crate::model::calendar::ComponentSet;
use crate::model::condition::Condition;
use crate::model::error::Error;
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::Tree;
use crate::tree::calendar::{CALENDARS, prepare};
use crate::tree::edit::{At, Content};

#[derive(Subcommand)]
pub(super) enum Holidays {
    /// Put the French public holidays into a calendar; it is made if there is none
    Public {
        /// Such as /calendars/NAME/CALENDAR
        address: String,
        /// Where
        #[arg(long, default_value = "metropole", value_parser = PossibleValuesParser::new(REGIONS.iter().map(|(name, _)| *name)))]
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

impl Holidays {
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
                    Unreadable::Columns => told("fault-holidays-columns", &[("path", &path)]),
                    Unreadable::Line(line) => {
                        told("fault-holidays-line", &[("path", &path), ("number", &line.to_string())])
                    }
                })?;
                if days.is_empty() {
                    return Err(told("fault-holidays-zone", &[("path", &path), ("text", &zone)]));
                }
                (address, days)
            }
        };
        let (path, owner) = address_of(tree, &address, &[CALENDARS])
            .await
            .map_err(|_| told("fault-calendar-address", &[("address", &address)]))?;
        make_calendar(tree, &path, &owner).await.map_err(|error| at_address(terminal, &path, error))?;
        let made = fill(tree, &path, &owner, &days).await.map_err(|error| at_address(terminal, &path, error))?;
        let (number, all) = (made.to_string(), days.len().to_string());
        terminal.say("done-holidays", &[("number", &number), ("text", &all), ("address", &address)]);
        terminal.note("holidays-hint", &[("address", &address)]);
        Ok(())
    }
}

/// Makes a calendar of events unless it is there.
async fn make_calendar(tree: &Tree, path: &Path, owner: &Actor) -> Result<(), Error> {
    let mut admitted = match tree.write(&request(Method::Mkcalendar, path.clone(), owner)).await {
        Ok(admitted) => admitted,
        Err(Error::Refused(refusal)) if refusal.condition == Condition::ResourceMustBeNull => return Ok(()),
        Err(error) => return Err(error),
    };
    let calendar = admitted.bind(At::Target, Content::Folder).await?;
    admitted.furnish(&calendar, ComponentSet::of(["VEVENT"]).unwrap_or(ComponentSet::ALL)).await?;
    admitted.commit().await
}

/// Stores those that are not there yet; how many they were.
async fn fill(tree: &Tree, path: &Path, owner: &Actor, days: &[Holiday]) -> Result<usize, Error> {
    let mut made = 0;
    for day in days {
        let object = prepare(day.text.clone().into())?;
        match put_object(tree, &path.join(&format!("{}.ics", day.uid)), object, owner).await {
            Ok(new) => made += usize::from(new),
            Err(Error::Refused(refusal)) if refusal.condition == Condition::NoUidConflict => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}
