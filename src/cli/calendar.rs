//! `beffroi import calendar` and `beffroi export calendar`: a file of any size in, a stream out, in the name of the
//! calendar's owner. Objects go in many at a time, each whole; readers wait for none of them.

use std::io::{BufWriter, SeekFrom, Write as _};
use std::path::Path as FilePath;
use std::sync::Arc;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncSeekExt as _, BufReader};
use tokio::task::JoinSet;

use super::files::{address_of, at_address, at_path, request};
use super::output::{Terminal, told};
use crate::ical::judge::reason;
use crate::ical::object::MAX_BYTES;
use crate::ical::select::write;
use crate::ical::stream::{Contents, Joined, Skipped};
use crate::message;
use crate::model::calendar::{Indexed, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::Error;
use crate::model::filename;
use crate::model::method::Method;
use crate::model::node::Blob;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::Tree;
use crate::tree::calendar::{CALENDAR_TYPE, CALENDARS, prepare, runs, size_of};
use crate::tree::edit::{At, Content, FileContent};
use crate::tree::resource::Needs;

/// A line of progress each so many objects.
const EVERY: u64 = 1000;
/// Objects under way at a time: they share the flush to disk.
const SIDE_BY_SIDE: usize = 16;
/// So many objects that are not taken are named one by one.
const NAMED: u64 = 50;

/// What came of an object.
enum Outcome {
    Stored,
    /// Its UID is in the calendar already.
    There(String),
    Refused(String, Error),
    /// Another component of the file has its UID and counts; where it stands.
    Twice(String, String),
}

#[derive(Default)]
struct Done {
    stored: u64,
    there: u64,
    refused: u64,
}

impl Done {
    fn told(&self) -> u64 {
        self.there + self.refused
    }

    fn count(&mut self, outcome: Outcome, terminal: &Terminal) -> anyhow::Result<()> {
        let named = self.told() < NAMED;
        match outcome {
            Outcome::Stored => self.stored += 1,
            Outcome::There(uid) => {
                self.there += 1;
                if named {
                    terminal.note("import-there", &[("text", &uid)]);
                }
            }
            Outcome::Twice(at, uid) => {
                self.refused += 1;
                if named {
                    terminal.note("import-twice", &[("text", &uid), ("at", &at)]);
                }
            }
            Outcome::Refused(_, Error::Failed(failure)) => return Err(failure.into()),
            Outcome::Refused(what, Error::Refused(refusal)) => {
                self.refused += 1;
                if named {
                    let why = message::refusal(terminal.language, &refusal);
                    terminal.note("import-refused", &[("text", &what), ("why", &why)]);
                }
            }
        }
        let all = self.stored + self.there + self.refused;
        if all.is_multiple_of(EVERY) {
            terminal.note("progress-import-calendar", &[("number", &all.to_string())]);
        }
        Ok(())
    }
}

/// The calendar that an address names, and its owner.
async fn calendar(tree: &Tree, address: &str, terminal: &Terminal) -> anyhow::Result<(Path, Actor)> {
    let wrong = || told("fault-calendar-address", &[("address", address)]);
    let (path, owner) = address_of(tree, address, &[CALENDARS]).await.map_err(|_| wrong())?;
    let asked = request(Method::Propfind, path.clone(), &owner);
    let admitted = tree.peek(&asked).await.map_err(|error| at_address(terminal, &path, error))?;
    let found = admitted.target.node().is_some_and(|node| node.kind.is_calendar());
    if found { Ok((path, owner)) } else { Err(wrong()) }
}

pub(super) async fn import(tree: &Tree, terminal: &Terminal, address: &str, from: &FilePath) -> anyhow::Result<()> {
    let (path, owner) = calendar(tree, address, terminal).await?;
    let mut done = Done::default();
    let mut file = File::open(from).await.map_err(|error| at_path(from, &error))?;
    let contents = read(&mut file, from, &mut done, terminal).await?;
    let (path, owner) = (Arc::new(path), Arc::new(owner));
    let mut under_way = JoinSet::new();
    for entry in &contents.entries {
        let mut parts = Vec::with_capacity(entry.spans.len());
        for span in &entry.spans {
            let mut part = vec![0; span.length];
            file.seek(SeekFrom::Start(span.start)).await.map_err(|error| at_path(from, &error))?;
            file.read_exact(&mut part).await.map_err(|error| at_path(from, &error))?;
            parts.push(part);
        }
        if under_way.len() >= SIDE_BY_SIDE
            && let Some(outcome) = under_way.join_next().await
        {
            done.count(outcome?, terminal)?;
        }
        under_way.spawn(store(
            tree.clone(),
            Arc::clone(&path),
            Arc::clone(&owner),
            entry.uid.clone(),
            contents.object(&parts),
        ));
    }
    while let Some(outcome) = under_way.join_next().await {
        done.count(outcome?, terminal)?;
    }
    let (stored, there) = (done.stored.to_string(), done.there.to_string());
    terminal.say("done-import-calendar", &[("number", &stored), ("text", &there), ("address", address)]);
    match done.refused {
        0 => Ok(()),
        refused => Err(told("fault-import-refused", &[("number", &refused.to_string())])),
    }
}

/// First reading: which components belong together.
async fn read(file: &mut File, from: &FilePath, done: &mut Done, terminal: &Terminal) -> anyhow::Result<Contents> {
    let wrong = || told("fault-not-a-calendar", &[("path", &from.display().to_string())]);
    let at = |line: usize| format!("{}:{line}", from.display());
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let mut contents = Contents::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(MAX_BYTES as u64).read_until(b'\n', &mut line).await;
        if read.map_err(|error| at_path(from, &error))? == 0 {
            break;
        }
        match contents.line(&line).map_err(|_| wrong())? {
            None => {}
            Some(Skipped::Twice(line, uid)) => done.count(Outcome::Twice(at(line), uid), terminal)?,
            Some(Skipped::Invalid(line, why)) => {
                done.count(Outcome::Refused(at(line), reason(why).into()), terminal)?;
            }
        }
    }
    if contents.is_cut() { Err(wrong()) } else { Ok(contents) }
}

async fn store(tree: Tree, calendar: Arc<Path>, owner: Arc<Actor>, uid: String, text: Vec<u8>) -> Outcome {
    let stored = async {
        let object = prepare(text.into())?;
        let plain = format!("{uid}.ics");
        let usable = filename::check_free(&plain).is_ok() && plain.len() < 200;
        // The name of another object, or none that everybody can use: any will do, for clients go by the UID.
        let safe = format!("{}.ics", object.0.hash);
        let first = if usable { &plain } else { &safe };
        Ok(put_object(&tree, &calendar.join(first), object.clone(), &owner).await?
            || put_object(&tree, &calendar.join(&safe), object, &owner).await?)
    };
    match stored.await {
        Ok(true) => Outcome::Stored,
        Ok(false) => Outcome::There(uid),
        Err(Error::Refused(refusal)) if refusal.condition == Condition::NoUidConflict => Outcome::There(uid),
        Err(error) => Outcome::Refused(uid, error),
    }
}

/// Writes a calendar object; `false` where its name is taken, be it in another spelling.
pub(super) async fn put_object(
    tree: &Tree,
    to: &Path,
    (blob, indexed): (Blob, Indexed),
    actor: &Actor,
) -> Result<bool, Error> {
    let content =
        FileContent { blob, content_type: CALENDAR_TYPE.to_owned(), modified_at: None, indexed: Some(indexed) };
    let mut admitted = match tree.write(&request(Method::Put, to.clone(), actor)).await {
        Err(Error::Refused(refusal)) if refusal.condition == Condition::NameTaken => return Ok(false),
        admitted => admitted?,
    };
    if admitted.target.node().is_some() {
        return Ok(false);
    }
    admitted.bind(At::Target, Content::File(content)).await?;
    admitted.commit().await?;
    Ok(true)
}

pub(super) async fn export(tree: &Tree, terminal: &Terminal, address: &str) -> anyhow::Result<()> {
    let (path, owner) = calendar(tree, address, terminal).await?;
    let mut admitted = tree.read(&request(Method::Propfind, path.clone(), &owner)).await?;
    let shown = admitted.resource(Needs::NOTHING).await?.map(|resource| resource.node.name.clone()).unwrap_or_default();
    let mut joined = Joined::default();
    let mut unreadable = 0_u64;
    let mut out = BufWriter::new(std::io::stdout().lock());
    // Time zones stand first, and what cannot share them last, so the calendar is read three times, in one view of it.
    for pass in [Pass::Zones, Pass::Together, Pass::Apart] {
        if pass == Pass::Together {
            out.write_all(joined.head(&shown).as_bytes())?;
        }
        let mut after = String::new();
        loop {
            let (page, next) = admitted.objects((TimeRange::ALL, None), &after, Needs::NOTHING).await?;
            for run in runs(page, size_of) {
                for resource in admitted.texts(run).await? {
                    let Some(object) = resource.object() else {
                        if pass == Pass::Zones {
                            unreadable += 1;
                            terminal.note("export-unreadable", &[("address", &resource.href)]);
                        }
                        continue;
                    };
                    match (pass, joined.object(&object)) {
                        (Pass::Zones, _) => joined.note(&object),
                        (Pass::Together, Some(text)) => out.write_all(text.as_bytes())?,
                        (Pass::Apart, None) => {
                            let mut text = String::new();
                            write(&mut text, &object.calendar);
                            out.write_all(text.as_bytes())?;
                        }
                        (Pass::Together, None) | (Pass::Apart, Some(_)) => {}
                    }
                }
            }
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        if pass == Pass::Together {
            out.write_all(Joined::tail().as_bytes())?;
        }
    }
    out.flush()?;
    match unreadable {
        0 => Ok(()),
        number => Err(told("fault-export-unreadable", &[("number", &number.to_string())])),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Zones,
    Together,
    Apart,
}
