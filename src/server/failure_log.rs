//! What is logged of failures: a fault each time, under the id in the answer; what the machine lacks now and
//! then, for it strikes all requests alike and none of them can help it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::exchange::Response;
use crate::front::answer::failure_answer;
use crate::message::Language;
use crate::model::error::{Cause, Failure};
use crate::model::id::Id;

/// What the machine lacks is logged again after so many seconds.
const AGAIN_S: u64 = 60;

/// What was logged lately.
pub(super) struct FailureLog {
    started: Instant,
    /// From when on, in seconds since the start, a full disk, and a lack of anything else, is logged again.
    full: AtomicU64,
    busy: AtomicU64,
}

impl FailureLog {
    pub fn new() -> Self {
        Self { started: Instant::now(), full: AtomicU64::new(0), busy: AtomicU64::new(0) }
    }

    /// Logs a failure, within the span of its request; gives the answer.
    pub fn answer(&self, failure: &Failure, language: Language) -> Response {
        let next = match failure.cause {
            Cause::Full => &self.full,
            Cause::Busy => &self.busy,
            Cause::Fault => {
                let id = format!("{:x}", Id::generate().0);
                tracing::error!(id, %failure, "a request failed");
                return failure_answer(failure.cause, &id, language);
            }
        };
        let now = self.started.elapsed().as_secs();
        let due = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| (at <= now).then_some(now + AGAIN_S));
        if due.is_ok() {
            tracing::warn!(%failure, "requests fail for what the machine lacks");
        }
        failure_answer(failure.cause, "", language)
    }
}
