//! The policy of eviction: two generations. What was not asked for while half of the room was filled again goes.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::{Cache, ENTRY_BYTES, Key, MAX_ENTRY_BYTES};

type CacheEntry = (Arc<dyn Any + Send + Sync>, usize);

/// Entries by their keys.
pub struct Generations {
    young: HashMap<Key, CacheEntry>,
    old: HashMap<Key, CacheEntry>,
    /// Of the young.
    bytes: usize,
    /// The most that either may hold.
    most: usize,
}

impl Generations {
    /// That hold so many bytes together.
    pub fn within(bytes: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), bytes: 0, most: bytes / 2 }
    }

    /// Adds an entry. What has to go for it is to be dropped when others may come in again.
    fn insert(&mut self, key: Key, entry: CacheEntry) -> HashMap<Key, CacheEntry> {
        let mut gone = HashMap::new();
        if self.bytes + entry.1 > self.most {
            gone = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.bytes = 0;
        }
        self.bytes += entry.1;
        if let Some((_, bytes)) = self.young.insert(key, entry) {
            self.bytes -= bytes;
        }
        gone
    }
}

impl Cache {
    /// An entry, if it is there.
    pub fn get<T: Send + Sync + 'static>(&self, key: &Key) -> Option<Arc<T>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = HashMap::new();
        let found = match kept.young.get(key) {
            Some((found, _)) => Arc::clone(found),
            None => {
                let (key, entry) = kept.old.remove_entry(key)?;
                let found = Arc::clone(&entry.0);
                gone = kept.insert(key, entry);
                found
            }
        };
        drop(kept);
        drop(gone);
        found.downcast().ok()
    }

    /// Keeps an entry that takes so many bytes.
    pub fn put<T: Send + Sync + 'static>(&self, key: Key, entry: Arc<T>, bytes: usize) {
        let bytes = bytes + key.1.len() + ENTRY_BYTES;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes <= MAX_ENTRY_BYTES.min(kept.most) {
            let gone = kept.insert(key, (entry, bytes));
            drop(kept);
            drop(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Cache, Key, MAX_ENTRY_BYTES};
    use crate::store::Store;

    const ROOM: usize = 8 * MAX_ENTRY_BYTES;

    async fn cache(bytes: usize) -> (Arc<Cache>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open_within(folder.path(), true, bytes).await.expect("a store");
        (Arc::clone(&store.cache), folder)
    }

    #[tokio::test]
    async fn what_is_asked_for_stays_and_room_is_bounded() {
        let (cache, _folder) = cache(ROOM).await;
        let key = |number: usize| Key::of_body(&number.to_string());
        let bytes = MAX_ENTRY_BYTES / 4;
        for number in 0..8 * ROOM / bytes {
            cache.put(key(number), Arc::new(number), bytes);
            assert_eq!(cache.get(&key(0)), Some(Arc::new(0_usize)), "{number}");
            let kept = cache.kept.lock().unwrap();
            assert!((kept.young.len() + kept.old.len()) * bytes <= ROOM, "{number}");
        }
        assert_eq!(cache.get::<usize>(&key(1)), None);
        cache.put(key(1), Arc::new(1_usize), MAX_ENTRY_BYTES);
        assert_eq!(cache.get::<usize>(&key(1)), None, "it is too large");
    }

    #[tokio::test]
    async fn without_room_nothing_is_kept() {
        let (cache, _folder) = cache(0).await;
        cache.put(Key::of_body("a"), Arc::new(1_usize), 0);
        assert_eq!(cache.get::<usize>(&Key::of_body("a")), None);
    }
}
