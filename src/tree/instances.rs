//! When events take place, kept in the cache by their content.

use std::sync::Arc;

use super::Tree;
use crate::ical::span::{FoundSpans, Span, SpanBlock, SpanCache, SpanQuery};
use crate::ical::zone::Zone;
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;
use crate::store::cache::{Cache, Key};

impl Tree {
    /// Begins to read when many objects take place. `None`: the range is too long for what is kept.
    #[must_use]
    pub fn instances(&self, zone: &Zone, range: TimeRange, budget: &Budget) -> Option<SpanQuery> {
        SpanQuery::ask(Arc::clone(&self.store.cache) as Arc<dyn SpanCache>, zone, range, budget)
    }
}

fn key(block: SpanBlock<'_>) -> Key {
    let SpanBlock { content, zone, number } = block;
    let mut key = Vec::with_capacity(content.len() + size_of::<i64>() + zone.len());
    key.extend_from_slice(content.as_bytes());
    key.extend_from_slice(&number.to_ne_bytes());
    key.extend_from_slice(zone.as_bytes());
    Key::derived("instances", key)
}

impl SpanCache for Cache {
    fn get(&self, block: SpanBlock<'_>) -> Option<FoundSpans> {
        self.get(&key(block))
    }

    fn put(&self, block: SpanBlock<'_>, followed: &FoundSpans) {
        let spans = followed.as_ref().as_ref().map_or(0, Vec::len);
        self.put(key(block), Arc::clone(followed), spans * size_of::<Span>());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use jiff::tz::TimeZone;

    use super::{Budget, TimeRange, Tree, Zone};
    use crate::ical::object::Object;

    #[tokio::test]
    async fn an_object_is_followed_once_for_each_content_zone_and_block() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Tree::open(folder.path(), true).await.expect("a tree");
        let text =
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260701T090000\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n";
        let followed = Cell::new(0);
        let asks = |content: &str, zone: &str, start: i64| {
            let zone = Zone::from(&TimeZone::get(zone).expect("a zone"));
            let asked = tree.instances(&zone, TimeRange { start, end: start + 3600 }, &Budget::default());
            let object = || {
                followed.set(followed.get() + 1);
                Object::parse(text.as_bytes()).ok()
            };
            asked.expect("a question").instances(content, object).expect("instances").len()
        };
        let nine_in_paris = 1_782_889_200;
        for _ in 0..2 {
            assert_eq!(asks("a", "Europe/Paris", nine_in_paris), 1);
            assert_eq!(asks("b", "Europe/Paris", nine_in_paris), 1);
            assert_eq!(asks("a", "Asia/Tokyo", nine_in_paris), 0);
            assert_eq!(asks("a", "Europe/Paris", nine_in_paris + 400 * 86_400), 0);
        }
        assert_eq!(followed.get(), 4);
        tree.close().await;
    }
}
