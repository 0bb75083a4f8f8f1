//! Work that runs to its end even when whoever waits for it goes away, and panics that are answers.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tracing::Instrument as _;

/// Runs in the task that waits for it, which saves the way to a task of its own; dropped before its end, it goes on in
/// one.
pub struct RunToCompletion<F: Future + Send + 'static>(Option<Pin<Box<F>>>);

/// The work panicked; the panic hook has logged where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work panicked")]
pub struct Panicked;

/// What the work comes to; a panic in it is an answer like others.
pub async fn caught<F: Future>(work: F) -> Result<F::Output, Panicked> {
    let mut work = pin!(work);
    poll_fn(|cx| poll_caught(work.as_mut(), cx)).await
}

fn poll_caught<F: Future>(work: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Panicked>> {
    match catch_unwind(AssertUnwindSafe(|| work.poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(_) => Poll::Ready(Err(Panicked)),
    }
}

impl<F: Future<Output: Send> + Send + 'static> RunToCompletion<F> {
    /// This work.
    pub fn of(work: F) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for RunToCompletion<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let work = &mut self.get_mut().0;
        let Some(running) = work.as_mut() else { return Poll::Ready(Err(Panicked)) };
        let polled = poll_caught(running.as_mut(), cx);
        if polled.is_ready() {
            *work = None;
        }
        polled
    }
}

impl<F: Future + Send + 'static> Drop for RunToCompletion<F> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { drop(work.await) }.in_current_span());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Panicked, RunToCompletion, caught};
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_nobody_waits_for_is_done_all_the_same() {
        let (sender, receiver) = oneshot::channel();
        let work = RunToCompletion::of(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            sender.send("done")
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), caught(work)).await.is_err());
        assert_eq!(receiver.await, Ok("done"));
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let nothing: Option<u8> = std::hint::black_box(None);
        assert_eq!(RunToCompletion::of(async move { nothing.expect("something") }).await, Err(Panicked));
        assert_eq!(caught(async move { nothing.expect("something") }).await, Err(Panicked));
    }
}
