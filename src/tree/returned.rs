//! What went back to the home where it was made (migration 0014) enters the chain of that home, version by version,
//! before anything else is done with the store.

use super::Tree;
use super::edit::authority::Verb;
use super::edit::chain::entry;
use super::edit::event::AffectedObjects;
use crate::model::error::Result;
use crate::model::id::now;
use crate::store::node::ChainEnd;
use crate::store::{returned, version};

/// How many nodes are looked at in one go, and versions of one of them.
const PAGE: i64 = 200;

impl Tree {
    /// Does it for all that is waiting; where nothing is, it is one look.
    pub(super) async fn finish_returned(&self) -> Result<()> {
        while !returned::waiting(&mut self.store.read().await?, 1).await?.is_empty() {
            let mut edit = self.job_edit().await?;
            // Asked again: another process may have been first.
            let waiting = returned::waiting(&mut edit, PAGE).await?;
            let Some((_, home)) = waiting.first().copied() else { continue };
            let txn = edit.doing(Verb::Repair, AffectedObjects::within(home, waiting.iter().map(|(node, _)| *node)))?;
            let mut end = returned::claim(txn, home).await?;
            for (node, _) in waiting.iter().filter(|(_, of)| *of == home) {
                let mut from = 1;
                loop {
                    let versions = version::versions(txn, *node, from..=i64::MAX, PAGE).await?;
                    let Some(last) = versions.last() else { break };
                    for version in &versions {
                        let link = entry(home, &end, version);
                        version::enter(txn, &link).await?;
                        end = ChainEnd { link: link.chain, place: link.place };
                    }
                    let Some(next) = last.number.checked_add(1) else { break };
                    from = next;
                }
                returned::finish(txn, *node, now()).await?;
                if txn.is_long() {
                    break;
                }
            }
            returned::settle(txn, home, &end).await?;
            edit.commit().await?;
        }
        Ok(())
    }
}
