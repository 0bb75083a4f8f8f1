//! What quota lets in at a place, before the content has come.

use crate::model::node::Node;
use crate::store::usage::Usage;

/// What quota still lets in at a place, as far as it is known before the content has come: it spares us content that
/// would be refused.
#[derive(Clone, Debug, Default)]
pub struct RemainingQuota {
    /// `None`: there is no quota.
    free_bytes: Option<u64>,
    /// The hash of what is there, and its size.
    present: Option<(String, u64)>,
    /// May what is there be refined, so that its bytes are freed?
    refined: bool,
}

impl RemainingQuota {
    pub(super) fn of(usage: Usage, present: Option<&Node>) -> Self {
        let bytes = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
        Self {
            free_bytes: usage.quota_bytes.map(|quota| bytes(quota.saturating_sub(usage.used_bytes))),
            present: present.and_then(|node| Some((node.hash.clone()?, bytes(node.size_bytes)))),
            refined: present.is_some_and(|node| node.litter || !node.sealed),
        }
    }

    /// The largest content that may be let in; whether it is shows its hash.
    #[must_use]
    pub fn most_bytes(&self) -> u64 {
        let present = self.present.as_ref().map_or(0, |(_, size)| *size);
        self.free_bytes.map_or(u64::MAX, |free| free.saturating_add(present))
    }

    /// Must the hash of content of such a size be known before it is let in?
    #[must_use]
    pub fn asks_hash(&self, size_bytes: u64) -> bool {
        !self.refined && self.free_bytes.is_some_and(|free| size_bytes > free)
    }

    /// Is that content there already? The same bytes again need no room.
    #[must_use]
    pub fn holds(&self, hash: &str) -> bool {
        self.present.as_ref().is_some_and(|(present, _)| present == hash)
    }
}
