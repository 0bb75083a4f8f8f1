//! Room that is set aside while the disk has some. When it has none left, what frees room and what people need to go on
//! with their work draws on it, part by part. Whatever else writes may find some of that; once much of it has gone, the
//! rest is not for them. It is set aside once more as soon as there is room.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use super::data_directory::{DataDirectory, blocking};

/// Name of the file that holds the room.
const FILE: &str = "beffroi.reserve";
/// How much is set aside.
const WHOLE: u64 = 8 * 1024 * 1024;
/// So much of it is for nothing but what must go on.
const LAST: u64 = WHOLE / 2;
/// How much is given up first; where that was not enough, twice as much, and so on.
const PART: u64 = 128 * 1024;
/// How often it is doubled: by then it is the whole.
const LARGEST: u32 = WHOLE.ilog2() - PART.ilog2();
/// How much is written at a time.
const BLOCK: usize = 64 * 1024;

/// The room. All processes of a data directory share it: what is left of it is as long as the file.
#[derive(Debug)]
pub struct DiskReserve {
    place: DataDirectory,
    /// What is left of it, as far as this process has seen.
    held: AtomicU64,
}

impl DiskReserve {
    /// That of a data directory.
    pub fn of(place: DataDirectory) -> Self {
        Self { place, held: AtomicU64::new(WHOLE) }
    }

    /// Gives up a part, the larger the more often it was not enough; `false`: nothing is left.
    pub async fn give(&self, times: u32) -> bool {
        let path = self.place.join(FILE);
        let give = move || -> Result<(bool, u64)> {
            let file = OpenOptions::new().write(true).open(path)?;
            let held = file.metadata()?.len();
            let left = held.saturating_sub(PART << times.min(LARGEST));
            file.set_len(left)?;
            file.sync_all()?;
            Ok((held > 0, left))
        };
        let (given, left) = blocking(give).await.unwrap_or_default();
        self.held.store(left, Ordering::Relaxed);
        given
    }

    /// Is no more left than is for what must go on? Unless there is room again.
    pub async fn is_low(&self) -> bool {
        self.held.load(Ordering::Relaxed) < LAST && self.fill().await.is_ok_and(|held| held < LAST)
    }

    /// Sets aside what is missing, as far as there is room. How much there is. While another process does so it is
    /// taken for whole: what is still being written says nothing of the disk.
    pub async fn fill(&self) -> Result<u64> {
        let place = self.place.clone();
        let fill = move || {
            let file = place.open(&place.join(FILE), OpenOptions::new().append(true).create(true))?;
            if file.try_lock().is_err() { Ok(WHOLE) } else { fill(&file) }
        };
        let held = blocking(fill).await?;
        self.held.store(held, Ordering::Relaxed);
        Ok(held)
    }
}

fn fill(mut file: &File) -> Result<u64> {
    let mut held = file.metadata()?.len();
    // What can be compressed might take no room.
    let mut block = vec![0; BLOCK];
    while held < WHOLE {
        getrandom::fill(&mut block).map_err(Error::other)?;
        if let Err(error) = file.write_all(&block) {
            file.set_len(held)?;
            let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
            return if full { Ok(held) } else { Err(error) };
        }
        held += BLOCK as u64;
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::{DiskReserve, FILE, PART, WHOLE};
    use crate::store::data_directory::DataDirectory;

    #[tokio::test]
    async fn it_is_given_up_part_by_part_and_set_aside_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let locked = DataDirectory::enter(folder.path(), &[]).await.expect("a place");
        let reserve = DiskReserve::of(locked.directory.clone());
        let held = || std::fs::metadata(folder.path().join(FILE)).map_or(0, |file| file.len());
        assert!(!reserve.give(0).await, "there is none yet");
        assert_eq!(reserve.fill().await.ok(), Some(WHOLE));
        assert!(reserve.give(0).await && held() == WHOLE - PART);
        assert!(reserve.give(1).await && held() == WHOLE - 3 * PART);
        assert!(!reserve.is_low().await && held() == WHOLE - 3 * PART);
        assert!(reserve.give(100).await && held() == 0);
        assert!(!reserve.give(0).await, "nothing is left");
        assert!(!reserve.is_low().await && held() == WHOLE, "there is room again");
        assert_eq!(reserve.fill().await.ok(), Some(WHOLE));
        assert_eq!(reserve.fill().await.ok(), Some(WHOLE), "it does not grow");
    }

    #[tokio::test]
    async fn what_another_process_is_setting_aside_is_no_lack() {
        let folder = tempfile::tempdir().expect("a folder");
        let locked = DataDirectory::enter(folder.path(), &[]).await.expect("a place");
        let reserve = DiskReserve::of(locked.directory.clone());
        let other = std::fs::File::create(folder.path().join(FILE)).expect("a file");
        other.lock().expect("a lock");
        other.set_len(PART).expect("a beginning");
        assert!(reserve.give(0).await, "there is some, and then none");
        assert!(!reserve.is_low().await);
        drop(other);
        assert!(!reserve.is_low().await);
        assert_eq!(reserve.fill().await.ok(), Some(WHOLE));
    }
}
