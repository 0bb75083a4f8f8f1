//! The slot of a connection: whether a request is under way, whether the client takes its answer, and which signal the
//! connection is sent.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

use super::streams::Stream;
use crate::model::budget::Budget;

/// What a connection is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Signal {
    /// It may go on.
    Stay,
    /// It is to finish what is under way.
    Finish,
    /// It is to end, unless a request has come that nobody knew of.
    GiveWay,
    /// It is to end.
    Leave,
}

/// The slot of a connection.
pub struct ConnectionSlot {
    /// Whose share it counts in; `None`: a trusted proxy, which speaks for many.
    pub origin: Option<IpAddr>,
    began: Instant,
    active: AtomicU32,
    answering: AtomicU32,
    /// Since when nothing is under way, or when the client last took something, milliseconds since the limit was made.
    pub(super) since: AtomicU64,
    /// Something waits for the client to take it.
    unsent: AtomicBool,
    /// Is what is under way of no use to a client that has gone? Of HTTP/1, where there is one request at a time.
    droppable: AtomicBool,
    pub(super) signal: AtomicU8,
    waker: AtomicWaker,
}

/// A length of time as slots count it.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl ConnectionSlot {
    /// A slot of a limit that was made then.
    pub fn new(origin: Option<IpAddr>, began: Instant) -> Self {
        let slot = Self {
            origin,
            began,
            active: AtomicU32::new(0),
            answering: AtomicU32::new(0),
            since: AtomicU64::new(0),
            unsent: AtomicBool::new(false),
            droppable: AtomicBool::new(false),
            signal: AtomicU8::new(Signal::Stay as u8),
            waker: AtomicWaker::new(),
        };
        slot.moved();
        slot
    }

    /// Something went on between the client and us.
    pub fn moved(&self) {
        self.since.store(milliseconds(self.began.elapsed()), Ordering::Relaxed);
    }

    /// Is a request under way?
    pub fn is_busy(&self) -> bool {
        self.active.load(Ordering::Relaxed) > 0
    }

    /// Is nothing under way, and nothing left to be taken?
    pub fn is_idle(&self) -> bool {
        !self.is_busy() && !self.unsent.load(Ordering::Relaxed)
    }

    /// Is nothing under way but answers that the client does not take?
    pub fn is_untaken(&self) -> bool {
        self.is_busy() && self.active.load(Ordering::Relaxed) == self.answering.load(Ordering::Relaxed)
    }

    /// Is what is under way of no use to a client that has gone, and has its answer not begun?
    pub fn is_droppable(&self) -> bool {
        self.droppable.load(Ordering::Relaxed)
    }

    /// Does something wait for the client to take it?
    pub fn wait_for_client(&self, unsent: bool) {
        self.unsent.store(unsent, Ordering::Relaxed);
        self.moved();
    }

    /// Since when nothing is under way, or when the client last took something, milliseconds since the limit was made.
    pub fn silent_since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }

    /// The connection is sent this, unless it was sent more.
    pub fn send_signal(&self, signal: Signal) {
        self.signal.fetch_max(signal as u8, Ordering::Relaxed);
        self.waker.wake();
    }

    /// The connection is sent this, whatever it was sent before.
    pub fn set_signal(&self, signal: Signal) {
        self.signal.store(signal as u8, Ordering::Relaxed);
        self.waker.wake();
    }

    /// What the connection is sent now; whoever asked is woken when there is another signal.
    pub fn signal(&self, cx: &Context<'_>) -> Signal {
        self.waker.register(cx.waker());
        match self.signal.load(Ordering::Relaxed) {
            0 => Signal::Stay,
            1 => Signal::Finish,
            2 => Signal::GiveWay,
            _ => Signal::Leave,
        }
    }

    /// Returns when the connection is to end.
    pub async fn ended(&self) {
        poll_fn(|cx| if self.signal(cx) == Signal::Stay { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    /// A request has come.
    pub fn begin(self: &Arc<Self>, budget: Budget) -> ActiveRequest {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.droppable.store(true, Ordering::Relaxed);
        let (kept, answering) = (AtomicBool::new(false), AtomicBool::new(false));
        ActiveRequest { slot: Arc::clone(self), budget, kept, answering, beside: None }
    }
}

/// A request under way, until its answer is sent or nobody waits for it.
pub struct ActiveRequest {
    slot: Arc<ConnectionSlot>,
    budget: Budget,
    kept: AtomicBool,
    answering: AtomicBool,
    /// It stands beside another of its connection.
    pub beside: Option<Stream>,
}

impl ActiveRequest {
    /// What the request may cost.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// From now on it runs to its end even when the client goes away.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
        self.slot.droppable.store(false, Ordering::Relaxed);
    }

    /// The answer is there: from now on it is the client that is waited for.
    pub fn answer(&self) {
        self.slot.droppable.store(false, Ordering::Relaxed);
        self.answering.store(true, Ordering::Relaxed);
        self.slot.answering.fetch_add(1, Ordering::Relaxed);
        self.slot.moved();
    }

    /// The client takes the answer.
    pub fn moved(&self) {
        self.slot.moved();
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        if !*self.kept.get_mut() {
            self.budget.give_up();
        }
        if *self.answering.get_mut() {
            self.slot.answering.fetch_sub(1, Ordering::Relaxed);
        }
        self.slot.moved();
        self.slot.active.fetch_sub(1, Ordering::Relaxed);
    }
}
