//! `beffroi import calendar` and `beffroi export calendar`: a file in, a stream out, in the name of the calendar's
//! owner.

use std::io::{BufWriter, Write as _};
use std::path::Path as FilePath;

use tokio::fs::File;

use super::address::{address_of, at_address, at_path};
use super::output::{Terminal, fault};
use crate::message;
use crate::model::error::Error;
use crate::service::calendars::{Calendar, Exported, ImportError, Imported, ObjectLabel};
use crate::tree::Tree;
use crate::tree::target::CALENDARS;

/// A line of progress each so many objects.
const EVERY: u64 = 1000;
/// So many objects that are not taken are named one by one.
const NAMED: u64 = 50;

/// How much was done.
#[derive(Default)]
struct ImportCounts {
    stored: u64,
    known: u64,
    refused: u64,
}

impl ImportCounts {
    fn count(&mut self, imported: &Imported, from: &FilePath, terminal: &Terminal) {
        let named = self.known + self.refused < NAMED;
        let at = |line: &usize| format!("{}:{line}", from.display());
        let note = |key, places: &[(&'static str, &str)]| {
            if named {
                terminal.note(key, places);
            }
        };
        match imported {
            Imported::Stored => self.stored += 1,
            Imported::Known { uid } => {
                self.known += 1;
                note("import-there", &[("text", uid)]);
            }
            Imported::Duplicate { line, uid } => {
                self.refused += 1;
                note("import-twice", &[("text", uid), ("at", &at(line))]);
            }
            Imported::Refused { which, refusal } => {
                self.refused += 1;
                let which = match which {
                    ObjectLabel::Uid(uid) => uid.clone(),
                    ObjectLabel::Line(line) => at(line),
                };
                note("import-refused", &[("text", &which), ("why", &message::refusal(terminal.language, refusal))]);
            }
        }
        let all = self.stored + self.known + self.refused;
        if all.is_multiple_of(EVERY) {
            terminal.note("progress-import-calendar", &[("number", &all.to_string())]);
        }
    }
}

/// The calendar that an address names, in the name of its owner.
async fn calendar(tree: &Tree, address: &str, terminal: &Terminal) -> anyhow::Result<Calendar> {
    let wrong = || fault("fault-calendar-address", &[("address", address)]);
    let (path, owner) = address_of(tree, address, &[CALENDARS]).await.map_err(|_| wrong())?;
    let found = Calendar::find(tree, path.clone(), owner).await.map_err(|error| at_address(terminal, &path, error))?;
    found.ok_or_else(wrong)
}

pub(super) async fn import(tree: &Tree, terminal: &Terminal, address: &str, from: &FilePath) -> anyhow::Result<()> {
    let calendar = calendar(tree, address, terminal).await?;
    let mut done = ImportCounts::default();
    let mut file = File::open(from).await.map_err(|error| at_path(from, &error))?;
    let imported = calendar.import(&mut file, |imported| done.count(&imported, from, terminal)).await;
    imported.map_err(|error| match error {
        ImportError::Read(error) => at_path(from, &error),
        ImportError::NotACalendar => fault("fault-not-a-calendar", &[("path", &from.display().to_string())]),
        ImportError::Refused(reason) => {
            let why = message::reason(terminal.language, &reason);
            fault("fault-calendar-file", &[("path", &from.display().to_string()), ("why", &why)])
        }
        ImportError::Failed(failure) => Error::from(failure).into(),
    })?;
    let (stored, known) = (done.stored.to_string(), done.known.to_string());
    terminal.say("done-import-calendar", &[("number", &stored), ("text", &known), ("address", address)]);
    match done.refused {
        0 => Ok(()),
        refused => Err(fault("fault-import-refused", &[("number", &refused.to_string())])),
    }
}

pub(super) async fn export(tree: &Tree, terminal: &Terminal, address: &str) -> anyhow::Result<()> {
    let mut export = calendar(tree, address, terminal).await?.export().await?;
    let mut unreadable = 0_u64;
    let mut out = BufWriter::new(std::io::stdout().lock());
    while let Some(parts) = export.next().await? {
        for part in parts {
            match part {
                Exported::Text(text) => out.write_all(text.as_bytes())?,
                Exported::Unreadable(address) => {
                    unreadable += 1;
                    terminal.note("export-unreadable", &[("address", &address)]);
                }
            }
        }
    }
    out.flush()?;
    match unreadable {
        0 => Ok(()),
        number => Err(fault("fault-export-unreadable", &[("number", &number.to_string())])),
    }
}
