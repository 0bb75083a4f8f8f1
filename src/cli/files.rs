//! `beffroi import files` and `beffroi export files`: a directory in, a directory out, in the name of the home's owner.

use std::ffi::OsString;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use futures_util::StreamExt as _;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::address::{address_of, at_address, at_path};
use super::calendar;
use super::directory::Directory;
use super::output::Terminal;
use crate::model::id::Id;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::service::documents::{Document, FolderMember, FolderMembers, make_folder, put_document};
use crate::tree::target::FILES;
use crate::tree::{self, Tree};

/// A line of progress each so many files.
const EVERY: u64 = 500;

#[derive(Subcommand)]
pub(super) enum ImportCommand {
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
pub(super) enum ExportCommand {
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
type DirectoryEntry = (Arc<Directory>, OsString);

/// How much was done.
#[derive(Default)]
struct FileCounts {
    files: u64,
    folders: u64,
}

impl ImportCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let (address, dir) = match self {
            Self::Calendar { address, file } => return calendar::import(tree, terminal, &address, &file).await,
            Self::Files { address, dir } => (address, dir),
        };
        let (top, owner) = address_of(tree, &address, &[FILES]).await?;
        let mut done = FileCounts::default();
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

/// A directory that a command works in: the one that was named, or one that stands in another.
async fn directory_at(named: &FilePath, place: Option<DirectoryEntry>, made: bool) -> anyhow::Result<Arc<Directory>> {
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
    // What is older than the oldest date that can be written has that.
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
    put_document(tree, to, blob, modified_at, owner).await.map_err(|e| at_address(terminal, to, e))
}

impl ExportCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let (address, dir) = match self {
            Self::Calendar { address } => return calendar::export(tree, terminal, &address).await,
            Self::Files { address, dir } => (address, dir),
        };
        let (top, owner) = address_of(tree, &address, &[FILES]).await?;
        let mut done = FileCounts::default();
        let mut waiting = vec![(None, top)];
        while let Some((place, path)) = waiting.pop() {
            let directory = directory_at(&dir, place, true).await?;
            done.folders += 1;
            let refused = |error| at_address(terminal, &path, error);
            let mut members = FolderMembers::of(tree, path.clone(), &owner);
            while let Some(member) = members.next().await.map_err(refused)? {
                match member {
                    FolderMember::Folder(name) => {
                        let below = path.join(&name);
                        waiting.push((Some((Arc::clone(&directory), name.into())), below));
                    }
                    FolderMember::Document(document) => {
                        let shown = directory.shown.join(&document.name);
                        save(document, &directory).await.map_err(|error| at_path(&shown, &error))?;
                        done.files += 1;
                    }
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
async fn save(document: Document, to: &Directory) -> std::io::Result<()> {
    let temporary = format!(".beffroi-{:x}", Id::generate().0);
    let written = match write(document.content, to.create(&temporary).await?, document.modified_at).await {
        Ok(()) => to.rename(&temporary, &document.name).await,
        failed => failed,
    };
    if written.is_err() {
        let _ = to.remove(&temporary).await;
    }
    written
}

async fn write(content: tree::BodyContent, mut file: File, modified_at: i64) -> std::io::Result<()> {
    match content {
        tree::BodyContent::Whole(bytes) => file.write_all(&bytes).await?,
        tree::BodyContent::Blocks(mut blocks) => {
            while let Some(block) = blocks.next().await {
                file.write_all(&block.map_err(std::io::Error::other)?).await?;
            }
        }
    }
    file.flush().await?;
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(modified_at).unwrap_or(0));
    file.into_std().await.set_modified(at)
}
