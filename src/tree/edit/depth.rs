//! How deep things may stand: nothing comes to stand where no address leads.
//!
//! The gate refuses a single node (`gate::checked_place`); what comes with others below it is measured here, before
//! anything is changed. What is too deep from former times may still be renamed, taken out and deleted.

use super::Edit;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::node::Node;
use crate::model::path::Path;

impl Edit {
    /// 403 `depth-within-limits` where a node, or something below it, would stand too deep at `to`. `from`: where it
    /// stands now with all that is below it, unless that is no address of a live node.
    pub(super) async fn within_depth(&mut self, node: &Node, from: Option<&Path>, to: &Path) -> Result<()> {
        let depth = to.segments().len();
        if from.is_some_and(|from| from.segments().len() >= depth) {
            return Ok(());
        }
        let levels = to.levels_below().ok_or(Condition::TooDeep)?;
        if node.is_collection() && self.is_deeper(node, levels).await? {
            return Err(Condition::TooDeep.into());
        }
        Ok(())
    }
}
