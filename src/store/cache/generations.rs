//! The policy of eviction: two generations. What was not read while half of the room was filled again goes.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::key::Key;

/// The largest entry; a larger one would push out too many others.
const MAX_ENTRY_BYTES: usize = 1024 * 1024;
/// What each entry takes besides its content.
const ENTRY_BYTES: usize = 160;

type CacheEntry = (Arc<dyn Any + Send + Sync>, usize);

struct Generations {
    young: HashMap<Key, CacheEntry>,
    old: HashMap<Key, CacheEntry>,
    /// Of the young.
    bytes: usize,
    /// The most that either may hold.
    most: usize,
}

impl Generations {
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

/// Entries by their keys.
pub struct Entries(Mutex<Generations>);

impl Entries {
    /// That take so many bytes together, at most.
    pub fn within(bytes: usize) -> Self {
        let (young, old) = (HashMap::new(), HashMap::new());
        Self(Mutex::new(Generations { young, old, bytes: 0, most: bytes / 2 }))
    }

    /// An entry, if it is there.
    pub fn get<T: Send + Sync + 'static>(&self, key: &Key) -> Option<Arc<T>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let bytes = bytes + key.bytes() + ENTRY_BYTES;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes <= MAX_ENTRY_BYTES.min(kept.most) {
            let gone = kept.insert(key, (entry, bytes));
            drop(kept);
            drop(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Entries, Key, MAX_ENTRY_BYTES};

    const ROOM: usize = 8 * MAX_ENTRY_BYTES;

    #[test]
    fn what_is_asked_for_stays_and_room_is_bounded() {
        let entries = Entries::within(ROOM);
        let key = |number: usize| Key::of_body(&number.to_string());
        let bytes = MAX_ENTRY_BYTES / 4;
        for number in 0..8 * ROOM / bytes {
            entries.put(key(number), Arc::new(number), bytes);
            assert_eq!(entries.get(&key(0)), Some(Arc::new(0_usize)), "{number}");
            let kept = entries.0.lock().unwrap();
            assert!((kept.young.len() + kept.old.len()) * bytes <= ROOM, "{number}");
        }
        assert_eq!(entries.get::<usize>(&key(1)), None);
        entries.put(key(1), Arc::new(1_usize), MAX_ENTRY_BYTES);
        assert_eq!(entries.get::<usize>(&key(1)), None, "it is too large");
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let entries = Entries::within(0);
        entries.put(Key::of_body("a"), Arc::new(1_usize), 0);
        assert_eq!(entries.get::<usize>(&Key::of_body("a")), None);
    }
}
