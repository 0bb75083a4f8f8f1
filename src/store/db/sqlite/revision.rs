//! How SQLite shows that nothing has changed.
//!
//! With each commit, of whichever process, it rewrites the header of the index of its write-ahead log, the first bytes
//! of the file `-shm` ("WAL-mode file format", section 2.1). While the header is what it was, every statement would be
//! answered as before.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// One of the two copies of the header.
const HEADER: usize = 48;
/// Where in it the number of commits stands.
const COMMITS: std::ops::Range<usize> = 8..12;

/// A header: equal ones are the same content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Revision([u8; HEADER]);

impl Revision {
    fn commits(&self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.0.get(COMMITS)?.try_into().ok()?))
    }

    /// Is this what one commit made of the other?
    pub fn follows(&self, other: &Self) -> bool {
        matches!((self.commits(), other.commits()), (Some(this), Some(that)) if this == that.wrapping_add(1))
    }
}

/// The index of the log of an open database. It is never closed: POSIX would take SQLite's own locks on the file away
/// from the whole process.
pub struct Index(Option<ManuallyDrop<File>>);

impl Index {
    /// In that file; where it cannot be read, no revision is ever known.
    pub fn open(file: &Path) -> Self {
        Self(File::open(file).ok().map(ManuallyDrop::new))
    }

    /// `None` while a commit is being written.
    pub fn revision(&self) -> Option<Revision> {
        let mut copies = [0u8; 2 * HEADER];
        self.0.as_ref()?.read_exact_at(&mut copies, 0).ok()?;
        let (one, other) = copies.split_at(HEADER);
        if one == other { one.try_into().ok().map(Revision) } else { None }
    }
}
