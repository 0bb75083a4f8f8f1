//! A calendar in and out as one iCalendar stream of any size. Objects go in many at a time, each whole; readers wait
//! for none of them.

use std::collections::VecDeque;
use std::io::{Error as IoError, SeekFrom};
use std::sync::Arc;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncSeek, AsyncSeekExt as _, BufReader,
};
use tokio::task::JoinSet;

use super::write::put_object;
use crate::ical::object::{Invalid, MAX_BYTES};
use crate::ical::stream::{Contents, Joined, Skipped};
use crate::ical::text_format::TextFormat;
use crate::ical::validate::reason;
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;
use crate::model::condition::Condition;
use crate::model::error::{Error, Failure, Reason, Refusal, Result};
use crate::model::filename;
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::calendar::{runs, size_of};
use crate::tree::gate::{Admitted, Request};
use crate::tree::resource::{Needs, Resource};
use crate::tree::{Snapshot, Tree};

/// Objects under way at a time: they share the flush to disk.
const SIDE_BY_SIDE: usize = 16;
/// So much of a stream is read at a time.
const READ_BYTES: usize = 256 * 1024;
/// The longest name of a resource that is made of a UID.
const MAX_NAME_BYTES: usize = 200;

/// A calendar, in the name of someone.
pub struct Calendar {
    tree: Tree,
    path: Path,
    actor: Actor,
}

/// What became of an object of a stream.
pub enum Imported {
    /// It is in the calendar now.
    Stored,
    /// Its UID is in the calendar already.
    Known {
        /// Its UID.
        uid: String,
    },
    /// It is not taken.
    Refused {
        /// Which.
        which: ObjectLabel,
        /// Why.
        refusal: Refusal,
    },
    /// Another component of the stream has its UID and counts.
    Duplicate {
        /// Where it stands.
        line: usize,
        /// Its UID.
        uid: String,
    },
}

/// How an object is named to people.
pub enum ObjectLabel {
    /// By its UID.
    Uid(String),
    /// By the line where it begins: it has none, or cannot be read.
    Line(usize),
}

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The stream could not be read.
    #[error("reading a calendar: {0}")]
    Read(#[from] IoError),
    /// It is no iCalendar stream, or is cut off.
    #[error("it is no iCalendar stream")]
    NotACalendar,
    /// It is an iCalendar stream of a kind that is not taken.
    #[error("it is not taken: {}", .0.code())]
    Refused(Reason),
    /// Our own fault.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A part of an exported stream.
pub enum Exported {
    /// Its text.
    Text(String),
    /// The address of an object that nobody can read, and that is missing.
    Unreadable(String),
}

impl Calendar {
    /// The calendar at a path; `None` where there is something else.
    pub async fn find(tree: &Tree, path: Path, actor: Actor) -> Result<Option<Self>> {
        let asked = Request::of(Method::Propfind, path.clone(), actor.clone());
        let admitted = tree.read_one(&asked).await?;
        let found = admitted.target.node().is_some_and(|node| node.traits().is_calendar());
        Ok(found.then(|| Self { tree: tree.clone(), path, actor }))
    }

    /// Takes all objects of a stream, which is read twice; `report` is called with what became of each.
    pub async fn import(
        self,
        source: &mut (impl AsyncRead + AsyncSeek + Unpin),
        mut report: impl FnMut(Imported),
    ) -> std::result::Result<(), ImportError> {
        let contents = read(source, &mut report).await?;
        let calendar = Arc::new(self);
        let mut under_way = JoinSet::new();
        for entry in &contents.entries {
            let mut parts = Vec::with_capacity(entry.spans.len());
            for span in &entry.spans {
                let mut part = vec![0; span.length];
                source.seek(SeekFrom::Start(span.start)).await?;
                source.read_exact(&mut part).await?;
                parts.push(part);
            }
            if under_way.len() >= SIDE_BY_SIDE {
                join(&mut under_way, &mut report).await?;
            }
            let (calendar, uid, text) = (Arc::clone(&calendar), entry.uid.clone(), contents.object(&parts));
            under_way.spawn(async move { calendar.store(uid, text).await });
        }
        while join(&mut under_way, &mut report).await? {}
        Ok(())
    }

    async fn store(&self, uid: String, text: Vec<u8>) -> std::result::Result<Imported, Failure> {
        match self.put(&uid, text).await {
            Ok(true) => Ok(Imported::Stored),
            Ok(false) => Ok(Imported::Known { uid }),
            Err(Error::Refused(refusal)) if refusal.condition == Condition::NoUidConflict => {
                Ok(Imported::Known { uid })
            }
            Err(Error::Refused(refusal)) => Ok(Imported::Refused { which: ObjectLabel::Uid(uid), refusal: *refusal }),
            Err(Error::Failed(failure)) => Err(failure),
        }
    }

    async fn put(&self, uid: &str, text: Vec<u8>) -> Result<bool> {
        let (blob, indexed) = self.tree.prepare(self.actor.id, &Budget::default(), text.into()).await?;
        let plain = format!("{uid}.ics");
        let usable = filename::check_free(&plain).is_ok() && plain.len() < MAX_NAME_BYTES;
        // The name of another object, or none that everybody can use: any will do, for clients go by the UID.
        let safe = format!("{}.ics", blob.hash);
        let first = self.path.join(if usable { &plain } else { &safe });
        Ok(put_object(&self.tree, &first, blob.clone(), indexed.clone(), &self.actor).await?
            || put_object(&self.tree, &self.path.join(&safe), blob, indexed, &self.actor).await?)
    }

    /// All of it, as one stream in one view.
    pub async fn export(self) -> Result<CalendarExport> {
        let asked = Request::of(Method::Propfind, self.path, self.actor);
        let mut admitted = self.tree.read(&asked).await?;
        let resource = admitted.resource(Needs::NOTHING).await?;
        let shown = resource.map(|resource| resource.node.name.clone()).unwrap_or_default();
        let (joined, runs) = (Joined::default(), VecDeque::new());
        Ok(CalendarExport { admitted, shown, joined, pass: Some(Pass::Zones), runs, next: Some(String::new()) })
    }
}

/// Waits for an object; `false` when none is under way.
async fn join(
    under_way: &mut JoinSet<std::result::Result<Imported, Failure>>,
    report: &mut impl FnMut(Imported),
) -> std::result::Result<bool, Failure> {
    let Some(done) = under_way.join_next().await else { return Ok(false) };
    report(done.map_err(|died| Failure::new("importing an object", died))??);
    Ok(true)
}

/// First reading: which components belong together.
async fn read(
    source: &mut (impl AsyncRead + Unpin),
    report: &mut impl FnMut(Imported),
) -> std::result::Result<Contents, ImportError> {
    let mut reader = BufReader::with_capacity(READ_BYTES, source);
    let format = TextFormat::of(reader.fill_buf().await?);
    let mut contents = Contents::of(format);
    let mut line = Vec::new();
    let refused = |why| match why {
        Invalid::NotOneCalendar => ImportError::NotACalendar,
        why => ImportError::Refused(reason(why)),
    };
    loop {
        next_line(&mut reader, format, &mut line).await?;
        if line.is_empty() {
            break;
        }
        match contents.line(&line).map_err(refused)? {
            None => {}
            Some(Skipped::Twice(line, uid)) => report(Imported::Duplicate { line, uid }),
            Some(Skipped::Invalid(line, why)) => {
                report(Imported::Refused { which: ObjectLabel::Line(line), refusal: reason(why).into() });
            }
        }
    }
    if contents.is_cut() { Err(ImportError::NotACalendar) } else { Ok(contents) }
}

/// Reads a line as it is written, or as much of it as an object may have; nothing at the end of the stream.
async fn next_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    format: TextFormat,
    line: &mut Vec<u8>,
) -> std::io::Result<()> {
    line.clear();
    loop {
        let room = (MAX_BYTES as u64).saturating_sub(line.len() as u64);
        let mut read = (&mut *reader).take(room).read_until(format.line_end(), line).await?;
        while read > 0 && !line.len().is_multiple_of(format.unit()) {
            read = (&mut *reader).take(1).read_to_end(line).await?;
        }
        if read == 0 || format.is_line(line) {
            return Ok(());
        }
    }
}

/// Time zones stand first, and what cannot share them last, so a calendar is read three times.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Zones,
    Together,
    Apart,
}

impl Pass {
    fn next(self) -> Option<Self> {
        match self {
            Self::Zones => Some(Self::Together),
            Self::Together => Some(Self::Apart),
            Self::Apart => None,
        }
    }
}

/// A calendar on its way out.
pub struct CalendarExport {
    admitted: Admitted<Snapshot>,
    shown: String,
    joined: Joined,
    pass: Option<Pass>,
    /// Objects of the page that was read last.
    runs: VecDeque<Vec<Resource>>,
    /// Where the next page of this pass begins.
    next: Option<String>,
}

impl CalendarExport {
    /// The next parts; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Exported>>> {
        let Some(pass) = self.pass else { return Ok(None) };
        let mut parts = Vec::new();
        if let Some(run) = self.runs.pop_front() {
            for resource in self.admitted.texts(run).await? {
                parts.extend(self.part(pass, &resource));
            }
        } else if let Some(after) = self.next.take() {
            if pass == Pass::Together && after.is_empty() {
                parts.push(Exported::Text(self.joined.head(&self.shown)));
            }
            let (page, next) = self.admitted.objects(TimeRange::ALL, None, &after, Needs::NOTHING).await?;
            self.runs = runs(page, size_of).into_iter().collect();
            self.next = next;
        } else {
            if pass == Pass::Together {
                parts.push(Exported::Text(Joined::tail().to_owned()));
            }
            self.pass = pass.next();
            self.next = Some(String::new());
        }
        Ok(Some(parts))
    }

    fn part(&mut self, pass: Pass, resource: &Resource) -> Option<Exported> {
        let Some(object) = resource.object() else {
            return (pass == Pass::Zones).then(|| Exported::Unreadable(resource.href.clone()));
        };
        match (pass, self.joined.object(&object)) {
            (Pass::Zones, _) => {
                self.joined.note(&object);
                None
            }
            (Pass::Together, Some(text)) => Some(Exported::Text(text)),
            (Pass::Apart, None) => {
                let mut text = String::new();
                object.calendar.write(&mut text);
                Some(Exported::Text(text))
            }
            (Pass::Together, None) | (Pass::Apart, Some(_)) => None,
        }
    }
}
