//! Documents that people put into the folder of a meeting after it began are attached to it: those who were invited
//! find them in their copies. Some minutes after they came, so that what is still being written is not given out.

use std::sync::Arc;

use super::folders::unless_lasting;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Timestamp;
use crate::model::node::Node;
use crate::store::meeting_folder::{self, FolderArrival};
use crate::store::scheduling::MeetingKey;
use crate::tree::Tree;
use crate::tree::edit::authority::Verb;
use crate::tree::scheduling::PLAN_ATTEMPTS;

/// How long a document lies in the folder before it is attached, seconds.
pub const WAIT_S: i64 = 300;
/// How many are looked at in one go.
const MOST: i64 = 500;

impl Tree {
    /// Attaches what came before a moment, each once. How many documents were looked at.
    pub async fn attach_all_minutes(&self, before: Timestamp) -> Result<u64> {
        let Some(server) = self.public_url.clone() else { return Ok(0) };
        let arrived = meeting_folder::arrived(&mut self.store.read().await?, MOST).await?;
        let (mut looked_at, mut waiting): (u64, Vec<MeetingKey>) = (0, Vec::new());
        for FolderArrival { of, document } in arrived {
            // One after the other: how far a folder was looked at is one number.
            if waiting.contains(&of) {
                continue;
            }
            if !document.sealed || document.placed_at > before {
                waiting.push(of);
                continue;
            }
            if let Err(error) = unless_lasting(&of, self.attach_minutes(&of, &document, &server).await) {
                // One meeting is in no other's way.
                tracing::warn!(%error, uid = of.uid, "what came into the folder of a meeting is attached later");
                waiting.push(of);
                continue;
            }
            let mut edit = self.job_edit().await?;
            meeting_folder::set_reported(edit.statements(Verb::RunJob)?, &of, document.placed_seq).await?;
            edit.commit().await?;
            looked_at += 1;
        }
        Ok(looked_at)
    }

    async fn attach_minutes(&self, of: &MeetingKey, document: &Node, server: &Arc<str>) -> Result<()> {
        for _ in 0..PLAN_ATTEMPTS {
            let _turn = self.turns.of(&of.uid).await;
            let Some(planned) = self.plan_minutes(of, document, server).await? else { return Ok(()) };
            if self.apply_plan_in(planned.plan, planned.object, &planned.calendar).await? {
                return Ok(());
            }
        }
        Err(Condition::Busy.into())
    }
}
