//! `beffroi import files` and `beffroi export files`: a directory in, a directory out, in the name of the home's owner.

use std::path::{Path as FilePath, PathBuf};

use clap::Subcommand;
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::calendar;
use super::output::{Terminal, told};
use crate::message;
use crate::model::condition::Condition;
use crate::model::error::Error;
use crate::model::media_type;
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::edit::{At, Content, FileContent};
use crate::tree::gate::Request;
use crate::tree::resolve::FILES;
use crate::tree::walk::{Cursor, Needs};
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
        let mut waiting = vec![(dir, top)];
        while let Some((dir, path)) = waiting.pop() {
            make_folder(tree, &path, &owner).await.map_err(|e| at_address(terminal, &path, e))?;
            done.folders += 1;
            let mut entries = tokio::fs::read_dir(&dir).await.map_err(|e| at_path(&dir, &e))?;
            while let Some(entry) = entries.next_entry().await.map_err(|e| at_path(&dir, &e))? {
                let from = entry.path();
                let kind = entry.file_type().await.map_err(|e| at_path(&from, &e))?;
                let to = path.join(&entry.file_name().to_string_lossy());
                if kind.is_dir() {
                    waiting.push((from, to));
                } else if kind.is_file() {
                    put(tree, &from, &to, &owner, terminal).await?;
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

async fn put(tree: &Tree, from: &FilePath, to: &Path, owner: &Actor, terminal: &Terminal) -> anyhow::Result<()> {
    let mut file = tokio::fs::File::open(from).await.map_err(|e| at_path(from, &e))?;
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
        let mut waiting = vec![(top, dir.clone())];
        while let Some((path, dir)) = waiting.pop() {
            tokio::fs::create_dir_all(&dir).await.map_err(|e| at_path(&dir, &e))?;
            done.folders += 1;
            let mut at = Cursor::default();
            loop {
                let request = request(Method::Propfind, path.clone(), &owner);
                let mut admitted = tree.read(&request).await.map_err(|e| at_address(terminal, &path, e))?;
                let page = admitted.members(&at, Needs::default(), tree.epoch()).await?;
                for view in &page.views {
                    let to = dir.join(&view.node.name);
                    if view.node.kind.is_collection() {
                        waiting.push((path.join(&view.node.name), to));
                    } else {
                        let length = u64::try_from(view.node.size_bytes).unwrap_or(0);
                        let content = admitted.content(tree, &view.node, 0, length).await?;
                        save(content, &to, view.node.modified_at).await.map_err(|e| at_path(&to, &e))?;
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

async fn save(content: tree::Content, to: &FilePath, modified_at: i64) -> std::io::Result<()> {
    let mut file = tokio::fs::File::create(to).await?;
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
