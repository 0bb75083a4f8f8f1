//! What goes on where the disk is full: what frees room, and what people need to go on with what they have open
//! (DELETE, LOCK, UNLOCK). It draws on the room that is set aside for it. Whatever else would write is refused for the
//! lack, before it has used up that room.

use std::future::Future;

use super::Tree;
use crate::model::error::{Cause, Error, Failure, Result};
use crate::model::method::Method;

impl Tree {
    /// Sets room aside for when the disk is full; how much there is, bytes.
    pub async fn set_room_aside(&self) -> std::io::Result<u64> {
        self.store.set_aside().await
    }

    /// 507 for what is to wait, when all the room that is left is for what must go on.
    pub(super) async fn check_disk_space(&self, method: Method) -> Result<()> {
        let waits = method.writes() && !matches!(method, Method::Delete | Method::Lock | Method::Unlock);
        if waits && self.store.is_full().await {
            return Err(Failure::new("writing", "the disk is full").by(Cause::Full).into());
        }
        Ok(())
    }

    /// Does `work`, which is one change, again as long as the disk was full and there is room to draw on: each time
    /// more of it.
    pub async fn retry_when_full<T, F: Future<Output = Result<T>>>(&self, work: impl Fn() -> F) -> Result<T> {
        let mut times = 0;
        loop {
            match work().await {
                Err(Error::Failed(failure)) if failure.cause == Cause::Full => {
                    if !self.store.make_room(times).await {
                        return Err(failure.into());
                    }
                    times += 1;
                }
                done => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use crate::model::error::{Cause, Error, Failure, Result};
    use crate::tree::Tree;

    #[tokio::test]
    async fn what_must_go_on_draws_on_the_reserve_until_there_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Tree::open(folder.path(), true).await.expect("a tree");
        let full = || Error::from(Failure::new("writing", "full").by(Cause::Full));
        let tried = AtomicU32::new(0);
        // It goes as soon as there is room enough.
        let after = async |often: u32| -> Result<u32> {
            tried.store(0, Ordering::Relaxed);
            let work = || async {
                let now = tried.fetch_add(1, Ordering::Relaxed);
                if now < often { Err(full()) } else { Ok(now) }
            };
            tree.retry_when_full(work).await
        };
        assert_eq!(after(1).await.ok(), Some(1), "what the log of the database holds is carried over");
        assert!(after(2).await.is_err(), "nothing is set aside yet");
        tree.set_room_aside().await.expect("room");
        assert_eq!(after(2).await.ok(), Some(2));
        assert!(after(u32::MAX).await.is_err(), "it has an end");
        assert!(tried.load(Ordering::Relaxed) < 12);
        // What fails otherwise is not done again.
        let failed: Result<()> = tree
            .retry_when_full(|| async {
                tried.store(1000, Ordering::Relaxed);
                Err(Failure::new("writing", "a bug").into())
            })
            .await;
        assert!(failed.is_err());
        tree.close().await;
    }
}
