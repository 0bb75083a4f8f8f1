//! The data directory: one process makes it or brings it up to date while others wait, it is open to its owner alone,
//! and all that is made in it is that owner's, whoever makes it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use crate::model::error::{Failure, ForeignOwner};

/// What only the owner may enter, and read.
const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;
/// What is anyone else's.
const OTHERS: u32 = 0o077;
/// Name of the file that is locked while the data directory is made or brought up to date.
const LOCK: &str = "beffroi.lock";
/// Name of the directory of large bodies.
pub const BODIES: &str = "bodies";

/// Where everything is kept, and whose it is.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    directory: PathBuf,
    user: u32,
    group: u32,
}

/// The directory, while no other process makes or alters it.
pub struct LockedDataDirectory {
    /// The directory.
    pub directory: DataDirectory,
    /// Had others been let in, who are not any more?
    pub tightened: bool,
    /// Released when it is closed.
    _lock: File,
}

impl DataDirectory {
    /// Enters a data directory, makes it where there is none, and waits for others who are about to. What is there
    /// already is closed to everyone but its owner. Of the database's files the first is made, and it makes the others
    /// like that.
    pub async fn enter(
        directory: &Path,
        files: &'static [&'static str],
    ) -> std::result::Result<LockedDataDirectory, Failure> {
        let named = directory.to_owned();
        let entered = tokio::task::spawn_blocking(move || Self::enter_now(&named, files)).await.map_err(Error::other);
        entered.flatten().map_err(|error| {
            let context = "entering the data directory";
            match fs::metadata(directory) {
                Ok(found) if error.kind() == ErrorKind::PermissionDenied => {
                    let path = directory.display().to_string();
                    Failure::new(context, ForeignOwner { path, owner: name_of(found.uid()) })
                }
                _ => Failure::new(context, error),
            }
        })
    }

    fn enter_now(directory: &Path, files: &[&str]) -> Result<LockedDataDirectory> {
        if let Some(above) = directory.parent().filter(|_| !directory.exists()) {
            fs::create_dir_all(above)?;
        }
        make_closed(directory)?;
        let directory = fs::canonicalize(directory)?;
        let found = fs::metadata(&directory)?;
        let place = Self { directory, user: found.uid(), group: found.gid() };
        let lock = place.open(&place.join(LOCK), OpenOptions::new().read(true).write(true).create(true))?;
        lock.lock()?;
        let tightened = place.tighten(files)?;
        for file in files.iter().take(1) {
            place.create(&place.join(file)).map(drop).or_else(unless_there)?;
        }
        Ok(LockedDataDirectory { directory: place, tightened, _lock: lock })
    }

    /// The path of something in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Makes a file that is not there yet.
    pub fn create(&self, path: &Path) -> Result<File> {
        self.open(path, OpenOptions::new().read(true).write(true).create_new(true))
    }

    /// Opens a file as the owner's, or makes it.
    pub(super) fn open(&self, path: &Path, options: &mut OpenOptions) -> Result<File> {
        let file = options.mode(FILE).open(path)?;
        let found = file.metadata()?;
        if found.mode() & 0o777 != FILE {
            file.set_permissions(Permissions::from_mode(FILE))?;
        }
        if found.uid() == self.user {
            return Ok(file);
        }
        self.own(path).inspect_err(|_| drop(fs::remove_file(path)))?;
        Ok(file)
    }

    /// Makes a directory, unless it is there.
    pub fn make_directory(&self, path: &Path) -> Result<()> {
        if make_closed(path)? { self.own(path) } else { Ok(()) }
    }

    /// Gives the owner of the place what another user made in it.
    fn own(&self, path: &Path) -> Result<()> {
        if fs::symlink_metadata(path)?.uid() == self.user {
            return Ok(());
        }
        lchown(path, Some(self.user), Some(self.group))
    }

    /// Closes to others what was made when nobody looked; was there anything? A directory is closed after what it
    /// holds, so that one that is closed needs no second look.
    fn tighten(&self, files: &[&str]) -> Result<bool> {
        let mut tightened = false;
        for file in files {
            tightened |= close(&self.join(file))?;
        }
        tightened |= self.tighten_bodies()?;
        Ok(close(&self.directory)? || tightened)
    }

    fn tighten_bodies(&self) -> Result<bool> {
        let bodies = self.join(BODIES);
        let loose = match fs::symlink_metadata(&bodies) {
            Ok(found) => is_open(&found),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        for folder in fs::read_dir(&bodies)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            let folder = folder.path();
            // Where root worked beside a server of another user, that one could not write any more.
            forgive(&folder, self.own(&folder))?;
            if loose {
                for file in fs::read_dir(&folder).into_iter().flatten() {
                    forgive(&folder, close(&file?.path()).map(|_| ()))?;
                }
                forgive(&folder, close(&folder).map(|_| ()))?;
            }
        }
        close(&bodies)
    }
}

/// What is there already need not be made.
fn unless_there(error: Error) -> Result<()> {
    if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// What another user left here only root can repair: that is no reason not to start.
fn forgive(path: &Path, done: Result<()>) -> Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let path = path.display();
            tracing::warn!(%path, "it belongs to another user than the data directory: any command, run as root, \
                                   repairs that");
            Ok(())
        }
        done => done,
    }
}

/// Makes a directory that only its owner may enter, whatever the mask of this process; `false`: it is there.
fn make_closed(path: &Path) -> Result<bool> {
    match DirBuilder::new().mode(DIRECTORY).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(DIRECTORY)).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// May others than the owner do anything with it?
fn is_open(found: &fs::Metadata) -> bool {
    !found.is_symlink() && found.mode() & OTHERS != 0
}

/// Closes a file or directory to all but its owner; was it open? One that has gone is closed.
fn close(path: &Path) -> Result<bool> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) if is_open(&found) => found,
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mode = if found.is_dir() { DIRECTORY } else { FILE };
    match fs::set_permissions(path, Permissions::from_mode(mode)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        done => done.map(|()| true),
    }
}

/// The name of a user, or the number where it has none.
fn name_of(user: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let number = user.to_string();
    let found = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut named = found.filter(|fields| fields.get(2).is_some_and(|known| **known == number));
    named.next().and_then(|fields| fields.first().map(ToString::to_string)).unwrap_or(number)
}

/// Does what waits for the disk beside the threads that serve.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
