//! `beffroi import files` and `beffroi export files`: a directory in, a directory out, in the name of the home's owner.

use std::ffi::OsString;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use futures_util::StreamExt as _;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::calendar;
use super::directory::Directory;
use super::output::{Terminal, told};
use crate::message;
use crate::model::condition::Condition;
use crate::model::error::Error;
use crate::model::id::Id;
use crate::model::media_type;
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::edit::{At, Content, FileContent};
use crate::tree::gate::Request;
use crate::tree::resolve::FILES;
use crate::tree::resource::Needs;
use crate::tree::walk::Cursor;
use crate::tree::{self, Tree};

/// A line of progress each so many files.
const EVERY: u64 = 500;

#[derive(Subcommand)]
pub(super) enum Import {
    /// Import a directory into a folder of documents; what has the same name gets a new version
    Files {
        /// Such as /files/NAME or /files/NAME/FOLDER
        address: String,
        /// The directory
        dir: PathBuf,
    },
    /// Import an iCalendar file of any size into a calendar; what is there already stays, and is named
    Calendar {
        /// Such as /calendars/NAME/CALENDAR
        address: String,
        /// The file
        file: PathBuf,
    },
}

#[derive(Subcommand)]
pub(super) enum Export {
    /// Export a folder of documents into a directory
    Files {
        /// Such as /files/NAME or /files/NAME/FOLDER
        address: String,
        /// The directory; it is made if there is none
        dir: PathBuf,
    },
    /// Write a calendar to standard output, as one iCalendar stream
    Calendar {
        /// Such as /calendars/NAME/CALENDAR
        address: String,
    },
}

/// A directory that stands in one that is held open, by its name.
type Place = (Arc<Directory>, OsString);

/// How much was done.
#[derive(Default)]
struct Done {
    files: u64,
    folders: u64,
}

/// A request of the home's owner.
pub(super) fn request(method: Method, path: Path, actor: &Actor) -> Request {
    Request::of(method, path, actor.clone())
}

/// The path that an address in one of these parts of a home names, and the owner of the home.
pub(super) async fn address_of(tree: &Tree, address: &str, parts: &[&str]) -> anyhow::Result<(Path, Actor)> {
    // The whole address of a server is understood, too.
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    let wrong = || told("fault-files-address", &[("address", address)]);
    let path = Path::parse(path).map_err(|_| wrong())?;
    match path.segments() {
        [first, name, ..] if parts.contains(&first.as_str()) => {
            let owner = tree.owner(name).await?;
            Ok((path, owner))
        }
        _ => Err(wrong()),
    }
}

pub(super) fn at_path(path: &FilePath, error: &std::io::Error) -> anyhow::Error {
    told("fault-directory", &[("path", &path.display().to_string()), ("why", &error.to_string())])
}

/// What is told when the tree refuses.
pub(super) fn at_address(terminal: &Terminal, path: &Path, error: Error) -> anyhow::Error {
    match error {
        Error::Refused(refusal) => {
            let why = message::refusal(terminal.language, &refusal);
            let why = if why.is_empty() { format!("{:?}", refusal.condition) } else { why };
            told("fault-refused", &[("address", &format!("/{}", path.segments().join("/"))), ("why", &why)])
        }
        failed @ Error::Failed(_) => failed.into(),
    }
}

impl Import {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let (address, dir) = match self {
            Self::Calendar { address, file } => return calendar::import(tree, terminal, &address, &file).await,
            Self::Files { address, dir } => (address, dir),
        };
        let (top, owner) = address_of(tree, &address, &[FILES]).await?;
        let mut done = Done::default();
        let mut waiting = vec![(None, top)];
        while let Some((place, path)) = waiting.pop() {
            let directory = directory_at(&dir, place, false).await?;
            make_folder(tree, &path, &owner).await.map_err(|e| at_address(terminal, &path, e))?;
            done.folders += 1;
            let mut entries = directory.entries().await.map_err(|e| at_path(&directory.shown, &e))?;
            while let Some(entry) = entries.next_entry().await.map_err(|e| at_path(&directory.shown, &e))? {
                let name = entry.file_name();
                let from = directory.shown.join(&name);
                let kind = entry.file_type().await.map_err(|e| at_path(&from, &e))?;
                let to = path.join(&name.to_string_lossy());
                if kind.is_dir() {
                    waiting.push((Some((Arc::clone(&directory), name)), to));
                } else if kind.is_file() {
                    let file = directory.file(&name).await.map_err(|e| at_path(&from, &e))?;
                    put(tree, (file, &from), &to, &owner, terminal).await?;
                    done.files += 1;
                    if done.files.is_multiple_of(EVERY) {
                        terminal.note("progress-import", &[("files", &done.files.to_string())]);
                    }
                } else {
                    terminal.note("fault-not-a-file", &[("path", &from.display().to_string())]);
                }
            }
        }
        let (files, folders) = (done.files.to_string(), (done.folders - 1).to_string());
        terminal.say("done-import", &[("files", &files), ("folders", &folders), ("address", &address)]);
        Ok(())
    }
}

/// Makes a folder unless it is there.
pub(super) async fn make_folder(tree: &Tree, path: &Path, actor: &Actor) -> Result<(), Error> {
    let mut admitted = match tree.write(&request(Method::Mkcol, path.clone(), actor)).await {
        Ok(admitted) => admitted,
        Err(Error::Refused(refusal)) if refusal.condition == Condition::AlreadyMapped => return Ok(()),
        Err(error) => return Err(error),
    };
    admitted.bind(At::Target, Content::Folder).await?;
    admitted.commit().await
}

/// A directory that a command works in: the one that was named, or one that stands in another.
async fn directory_at(named: &FilePath, place: Option<Place>, made: bool) -> anyhow::Result<Arc<Directory>> {
    let (found, shown) = match place {
        None if made => (Directory::made(named).await, named.to_owned()),
        None => (Directory::named(named).await, named.to_owned()),
        Some((above, name)) => {
            let shown = above.shown.join(&name);
            (if made { above.make(&name).await } else { above.enter(&name).await }, shown)
        }
    };
    found.map(Arc::new).map_err(|error| at_path(&shown, &error))
}

async fn put(
    tree: &Tree,
    (mut file, from): (File, &FilePath),
    to: &Path,
    owner: &Actor,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let modified = file.metadata().await.and_then(|m| m.modified()).ok();
    // What is older than the oldest date that can be told has that.
    let modified_at = modified.map(|at| at.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64));
    let mut staging = tree.stage();
    let mut buffer = vec![0u8; 256 * 1024];
    loop {
        let read = file.read(&mut buffer).await.map_err(|e| at_path(from, &e))?;
        if read == 0 {
            break;
        }
        staging.write(buffer.get(..read).unwrap_or_default()).await?;
    }
    let blob = tree::finish(staging).await?;
    put_blob(tree, to, blob, modified_at, owner).await.map_err(|e| at_address(terminal, to, e))
}

/// Writes a document.
pub(super) async fn put_blob(
    tree: &Tree,
    to: &Path,
    blob: crate::model::node::Blob,
    modified_at: Option<i64>,
    actor: &Actor,
) -> Result<(), Error> {
    let mut admitted = tree.write(&request(Method::Put, to.clone(), actor)).await?;
    let content_type = media_type::of_name(admitted.target.name()).to_owned();
    let content = FileContent { blob, content_type, modified_at, indexed: None };
    if admitted.target.node().is_some() {
        admitted.replace(content).await?;
    } else {
        admitted.bind(At::Target, Content::File(content)).await?;
    }
    admitted.commit().await
}

impl Export {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let (address, dir) = match self {
            Self::Calendar { address } => return calendar::export(tree, terminal, &address).await,
            Self::Files { address, dir } => (address, dir),
        };
        let (top, owner) = address_of(tree, &address, &[FILES]).await?;
        let mut done = Done::default();
        let mut waiting = vec![(None, top)];
        while let Some((place, path)) = waiting.pop() {
            let directory = directory_at(&dir, place, true).await?;
            done.folders += 1;
            let mut at = Cursor::default();
            loop {
                let request = request(Method::Propfind, path.clone(), &owner);
                let mut admitted = tree.read(&request).await.map_err(|e| at_address(terminal, &path, e))?;
                let page = admitted.members(&at, Needs::default()).await?;
                for resource in &page.resources {
                    let name = &resource.node.name;
                    if resource.node.kind.is_collection() {
                        waiting.push((Some((Arc::clone(&directory), name.into())), path.join(name)));
                    } else {
                        let length = u64::try_from(resource.node.size_bytes).unwrap_or(0);
                        let content = admitted.content(tree, &resource.node, 0, length).await?;
                        let saved = save(content, &directory, name, resource.node.modified_at).await;
                        saved.map_err(|e| at_path(&directory.shown.join(name), &e))?;
                        done.files += 1;
                    }
                }
                match page.next {
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
        let (files, folders) = (done.files.to_string(), (done.folders - 1).to_string());
        let path = dir.display().to_string();
        terminal.say("done-export", &[("files", &files), ("folders", &folders), ("path", &path)]);
        Ok(())
    }
}

/// Writes a file under another name, and gives it its own when it is complete: what bore that may lead elsewhere.
async fn save(content: tree::Content, to: &Directory, name: &str, modified_at: i64) -> std::io::Result<()> {
    let temporary = format!(".beffroi-{:x}", Id::generate().0);
    let written = match write(content, to.create(&temporary).await?, modified_at).await {
        Ok(()) => to.rename(&temporary, name).await,
        failed => failed,
    };
    if written.is_err() {
        let _ = to.remove(&temporary).await;
    }
    written
}

async fn write(content: tree::Content, mut file: File, modified_at: i64) -> std::io::Result<()> {
    match content {
        tree::Content::Whole(bytes) => file.write_all(&bytes).await?,
        tree::Content::Blocks(mut blocks) => {
            while let Some(block) = blocks.next().await {
                file.write_all(&block.map_err(std::io::Error::other)?).await?;
            }
        }
    }
    file.flush().await?;
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(modified_at).unwrap_or(0));
    file.into_std().await.set_modified(at)
}
