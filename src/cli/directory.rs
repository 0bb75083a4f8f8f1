//! A directory of this machine, held open: what is reached through it stands in it, whatever others put in its place
//! meanwhile. No symbolic link in it is followed.

use std::ffi::OsStr;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tokio::fs::{self, File, OpenOptions, ReadDir};

/// A directory, held open.
pub(super) struct Directory {
    /// Keeps `inside` leading to it.
    _held: File,
    inside: PathBuf,
    /// As it was named.
    pub shown: PathBuf,
}

impl Directory {
    /// One that the administrator names, who may name it by a link.
    pub async fn named(path: &Path) -> Result<Self> {
        Self::open(&fs::canonicalize(path).await?, path.to_owned()).await
    }

    /// The same, made if there is none.
    pub async fn made(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).await?;
        Self::named(path).await
    }

    async fn open(path: &Path, shown: PathBuf) -> Result<Self> {
        let held = open_itself(path).await?;
        let inside = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        // Where the system shows no open files there is only the name.
        let inside = if fs::try_exists(&inside).await? { inside } else { path.to_owned() };
        Ok(Self { _held: held, inside, shown })
    }

    /// What stands in it.
    pub async fn entries(&self) -> Result<ReadDir> {
        fs::read_dir(&self.inside).await
    }

    /// A directory in it.
    pub async fn enter(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        let name = Path::new(name.as_ref());
        Self::open(&self.inside.join(name), self.shown.join(name)).await
    }

    /// A directory in it, made if there is none.
    pub async fn make(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        match fs::create_dir(self.inside.join(name.as_ref())).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => self.enter(name).await,
        }
    }

    /// A file in it, to be read.
    pub async fn file(&self, name: impl AsRef<OsStr>) -> Result<File> {
        open_itself(&self.inside.join(name.as_ref())).await
    }

    /// A new file in it, which bears a name that nobody uses until it is complete.
    pub async fn create(&self, name: impl AsRef<OsStr>) -> Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.inside.join(name.as_ref())).await
    }

    /// A file gets its name, in place of the file or link that bore it.
    pub async fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> Result<()> {
        fs::rename(self.inside.join(from.as_ref()), self.inside.join(to.as_ref())).await
    }

    /// Removes a file.
    pub async fn remove(&self, name: impl AsRef<OsStr>) -> Result<()> {
        fs::remove_file(self.inside.join(name.as_ref())).await
    }
}

/// Opens what stands at a path itself, and not what a link there leads to: neither one that was there nor one that came
/// just now.
async fn open_itself(path: &Path) -> Result<File> {
    let link = || Error::new(ErrorKind::InvalidInput, "it is a symbolic link, and none is followed");
    let there = fs::symlink_metadata(path).await?;
    if there.is_symlink() {
        return Err(link());
    }
    let file = File::open(path).await?;
    let found = file.metadata().await?;
    if (found.dev(), found.ino()) == (there.dev(), there.ino()) { Ok(file) } else { Err(link()) }
}

#[cfg(test)]
mod tests {
    use tokio::fs;
    use tokio::io::AsyncWriteExt as _;

    use super::Directory;

    #[tokio::test]
    async fn what_stands_in_a_directory_is_not_led_elsewhere() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["target/sub", "outside"] {
            fs::create_dir_all(at(name)).await.unwrap();
        }
        fs::write(at("outside/secret"), "secret").await.unwrap();
        for (link, to) in [("target/link", "outside"), ("target/file", "outside/secret"), ("named", "target")] {
            fs::symlink(at(to), at(link)).await.unwrap();
        }
        // The administrator may name a directory by a link; none in it is followed.
        let target = Directory::named(&at("named")).await.unwrap();
        assert!(target.enter("link").await.is_err() && target.make("link").await.is_err());
        assert!(target.file("file").await.is_err());
        let mut file = target.create("new").await.unwrap();
        file.write_all(b"new").await.unwrap();
        file.flush().await.unwrap();
        assert!(target.create("file").await.is_err());
        target.rename("new", "file").await.unwrap();
        // One that is replaced while it is held stays where it is.
        let sub = target.make("sub").await.unwrap();
        fs::rename(at("target/sub"), at("target/moved")).await.unwrap();
        fs::symlink(at("outside"), at("target/sub")).await.unwrap();
        sub.create("secret").await.unwrap();
        assert!(fs::try_exists(at("target/moved/secret")).await.unwrap());
        assert_eq!(fs::read_to_string(at("outside/secret")).await.unwrap(), "secret");
        assert_eq!(fs::read_to_string(at("target/file")).await.unwrap(), "new");
    }
}
