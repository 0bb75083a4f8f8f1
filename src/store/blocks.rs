//! Large documents on their way out: read block by block, each while the one before it is sent.

use std::io::Read as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::model::error::Failure;
use crate::model::node::ContentStream;

/// The least and the most of a document that is read at a time. A client that takes nothing holds two of the least.
const BLOCK_BYTES: Range<u64> = 128 * 1024..2 * 1024 * 1024;
/// Blocks grow when so much has been taken: more than the system keeps for a client that does not read.
const SHOWN_BYTES: u64 = 5 * 1024 * 1024;
/// By so much.
const GROWTH: u64 = 4;
/// What the larger blocks of all documents that are being read may hold together, in parts of the least.
const LARGE_BLOCKS: usize = 128;
/// A client that takes a block in less time gets larger ones, one that takes longer smaller ones.
const FAST: Duration = Duration::from_millis(20);
const SLOW: Duration = Duration::from_millis(80);

/// What the larger blocks of all documents that are being read share.
pub fn shared() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(LARGE_BLOCKS))
}

/// So many bytes of a file, from where it stands. Nothing is read before it is taken: of many ranges of one answer only
/// one is held in memory.
pub fn of_file(file: std::fs::File, length: u64, large: &Arc<Semaphore>) -> ContentStream {
    let unread = UnreadFile { file, length, pace: BlockSize::default(), large: Arc::clone(large) };
    Box::pin(async move { unfold(Some(RemainingBlocks::of(unread)), RemainingBlocks::next) }.flatten_stream())
}

/// A block of a file, with its part of what the larger ones may hold.
struct FileBlock {
    bytes: Vec<u8>,
    _large: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for FileBlock {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What is left of a file that is being sent.
enum RemainingBlocks {
    /// The second half of a block, and then the rest from here, of which nothing is being read yet.
    Half(Bytes, Option<UnreadFile>),
    /// It begins with a block that is being read while the one before it is sent.
    Ahead(ReadAhead),
}

/// The rest of a file, and how it is to be read.
struct UnreadFile {
    file: std::fs::File,
    length: u64,
    pace: BlockSize,
    large: Arc<Semaphore>,
}

impl RemainingBlocks {
    fn of(unread: UnreadFile) -> Self {
        Self::Ahead(ReadAhead::read(unread))
    }

    /// The next piece. A block of the least size goes out in halves, and the one after it is begun with the second: so
    /// the library, which takes a piece more than it has sent, and what is read ahead hold two such blocks.
    async fn next(rest: Option<Self>) -> Option<(Result<Bytes, Failure>, Option<Self>)> {
        let ahead = match rest? {
            Self::Half(half, unread) => return Some((Ok(half), unread.map(Self::of))),
            Self::Ahead(ahead) => ahead,
        };
        Some(match ahead.end().await {
            Ok((mut block, unread)) if block.len() as u64 <= BLOCK_BYTES.start => {
                let half = block.split_off(block.len() / 2);
                (Ok(block), Some(Self::Half(half, unread)))
            }
            Ok((block, unread)) => (Ok(block), unread.map(Self::of)),
            Err(failure) => (Err(failure), None),
        })
    }
}

/// A block of a file that is being read.
struct ReadAhead {
    block: JoinHandle<std::io::Result<(std::fs::File, Bytes)>>,
    size: u64,
    pace: BlockSize,
    /// How many bytes are to be read after it.
    rest: u64,
    begun: Instant,
    large: Arc<Semaphore>,
}

impl ReadAhead {
    fn read(UnreadFile { file, length, pace, large }: UnreadFile) -> Self {
        let beyond = u32::try_from((pace.size - 1) / BLOCK_BYTES.start).unwrap_or(u32::MAX);
        let permit = Arc::clone(&large).try_acquire_many_owned(beyond).ok();
        let size = length.min(if permit.is_some() { pace.size } else { BLOCK_BYTES.start });
        let block = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(size as usize);
            (&file).take(size).read_to_end(&mut bytes)?;
            Ok((file, Bytes::from_owner(FileBlock { bytes, _large: permit })))
        });
        Self { block, size, pace, rest: length - size, begun: Instant::now(), large }
    }

    /// The block, and what comes after it; a file that ends too soon ends the blocks.
    async fn end(self) -> Result<(Bytes, Option<UnreadFile>), Failure> {
        let Self { block, size, pace, rest, begun, large } = self;
        let pace = pace.next(size, begun.elapsed());
        let read = block.await.map_err(std::io::Error::other).flatten();
        let (file, block) = read.map_err(|error| Failure::new("reading a document", error))?;
        let goes_on = rest > 0 && block.len() as u64 == size;
        Ok((block, goes_on.then_some(UnreadFile { file, length: rest, pace, large })))
    }
}

/// How much is read at a time. Each block costs a change of threads, so they grow while the client takes them fast;
/// while it does not they shrink, so that what is held in memory follows from how much is sent, not from to how many.
#[derive(Clone, Copy)]
struct BlockSize {
    size: u64,
    taken: u64,
}

impl Default for BlockSize {
    fn default() -> Self {
        Self { size: BLOCK_BYTES.start, taken: 0 }
    }
}

impl BlockSize {
    /// After so much was taken in such a time.
    fn next(self, bytes: u64, time: Duration) -> Self {
        let taken = self.taken + bytes;
        let size = match time {
            time if time < FAST && taken >= SHOWN_BYTES => self.size * GROWTH,
            time if time > SLOW => self.size / 2,
            _ => self.size,
        };
        Self { size: size.clamp(BLOCK_BYTES.start, BLOCK_BYTES.end), taken }
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::{Blobs, BodyContent};
    use super::super::data_directory::DataDirectory;
    use super::{BLOCK_BYTES, BlockSize, FAST, GROWTH, LARGE_BLOCKS, SHOWN_BYTES, SLOW};
    use futures_util::StreamExt as _;

    #[test]
    fn blocks_grow_for_fast_clients_and_shrink_for_slow_ones() {
        let after = |taken, times: usize, time| {
            (0..times).fold(BlockSize { taken, ..BlockSize::default() }, |pace, _| pace.next(pace.size, time)).size
        };
        let (least, most) = (BLOCK_BYTES.start, BLOCK_BYTES.end);
        assert_eq!(after(SHOWN_BYTES, 1, FAST / 2), GROWTH * least);
        assert_eq!(after(SHOWN_BYTES, 9, FAST / 2), most);
        assert_eq!(after(SHOWN_BYTES, 9, FAST), least);
        assert_eq!(BlockSize { size: most, taken: SHOWN_BYTES }.next(most, SLOW * 2).size, most / 2);
        assert_eq!(after(SHOWN_BYTES, 9, SLOW * 2), least);
        // Who has not shown yet that it reads may be one that never does.
        assert_eq!(after(0, (SHOWN_BYTES / least) as usize - 1, FAST / 2), least);
    }

    #[tokio::test]
    async fn large_blocks_have_a_bound_for_all_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let locked = DataDirectory::enter(folder.path(), &[]).await.expect("a directory");
        let bodies = locked.directory.join("bodies");
        let blobs = Blobs::open(locked.directory, bodies, false).await.expect("a directory");
        let mut staging = blobs.stage();
        let whole: Vec<u8> = (0..20_000_000u32).map(|n| (n % 251) as u8).collect();
        staging.write(&whole).await.expect("written");
        let hash = staging.finish().await.expect("kept").hash;
        let mut readers = Vec::new();
        for _ in 0..12 {
            let Ok(Some(BodyContent::Blocks(mut blocks))) = blobs.read(&hash, 0, whole.len() as u64).await else {
                panic!("it is there")
            };
            // Each takes most of it, fast, and keeps the last blocks.
            let mut taken = 0;
            let mut kept = Vec::new();
            while taken < 14_000_000 {
                let block = blocks.next().await.expect("a block").expect("read");
                assert_eq!(block, whole[taken..taken + block.len()]);
                taken += block.len();
                kept = vec![kept.pop(), Some(block)].into_iter().flatten().collect();
            }
            readers.push((blocks, kept));
        }
        let held = |readers: &[(_, Vec<bytes::Bytes>)]| {
            let all = readers.iter().flat_map(|(_, kept)| kept.iter().map(bytes::Bytes::len));
            all.map(|length| length.saturating_sub(BLOCK_BYTES.start as usize)).sum::<usize>()
        };
        assert!(held(&readers) <= LARGE_BLOCKS * BLOCK_BYTES.start as usize, "{}", held(&readers));
        assert!(held(&readers) > 0 && blobs.large.available_permits() < LARGE_BLOCKS / 4);
        drop(readers);
        // What is still being read ends by itself.
        for _ in 0..100 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            if blobs.large.available_permits() == LARGE_BLOCKS {
                return;
            }
        }
        panic!("the permits have not come back");
    }
}
