//! The limit of connections: how many slots there are, how many of them one address may hold, and who gives way to
//! whom.
//!
//! Who has a request under way is never closed for a newcomer. Who has none gives way when a slot is wanted, the
//! longest silent first and of the address that holds most; and in any case after the time that a head may take, be it
//! in a TLS handshake, before the first byte, in the middle of a head, between two requests, or on an HTTP/2 connection
//! without streams.
//!
//! Who gives way may turn out to be sending a request, and comes back. So an address may come to hold more than its
//! share; what it holds beyond takes no slot of others, gets no newcomer in, and is bounded.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::connection_slot::{ConnectionSlot, Signal, milliseconds};
use super::tally::{Tally, origin};

/// One address may hold one of so many parts of the slots: a town hall behind one address is large.
const SHARE: usize = 2;
/// When a slot is wanted, one of so many parts is made free at once: who has to give way is looked for among all.
const CLEARED: usize = 64;
/// Those who have given way count apart until they are gone, and may come back; all together are so many times the
/// slots at most.
const CROWD: usize = 2;
/// All slots.
pub struct ConnectionLimit {
    head: Duration,
    idle: Duration,
    began: Instant,
    connections: Mutex<ConnectionTable>,
    /// Someone has left, or come back.
    changed: Notify,
}

#[derive(Default)]
struct ConnectionTable {
    /// How many slots there are.
    most: usize,
    next: u64,
    closing: bool,
    slots: HashMap<u64, Arc<ConnectionSlot>>,
    /// Those who have given way and are not gone yet.
    leaving: HashMap<u64, Arc<ConnectionSlot>>,
    /// How many slots are taken: of what an address holds, its share at most.
    taken: usize,
    /// How many slots each address holds.
    held: Tally,
    /// How many connections each address has, those included who have given way.
    present: Tally,
}

/// Holds a slot until it is dropped.
pub struct ConnectionPermit {
    limit: Arc<ConnectionLimit>,
    number: u64,
    /// The slot.
    pub slot: Arc<ConnectionSlot>,
}

impl ConnectionTable {
    fn share(&self) -> usize {
        self.most.div_ceil(SHARE)
    }

    fn is_within_share(&self, origin: Option<IpAddr>) -> bool {
        self.held.of(origin) <= self.share()
    }

    fn insert(&mut self, number: u64, slot: Arc<ConnectionSlot>) {
        self.held.add(slot.origin);
        self.taken += usize::from(self.is_within_share(slot.origin));
        self.slots.insert(number, slot);
    }

    fn remove(&mut self, number: u64) -> Option<Arc<ConnectionSlot>> {
        let slot = self.slots.remove(&number)?;
        self.taken -= usize::from(self.is_within_share(slot.origin));
        self.held.subtract(slot.origin);
        Some(slot)
    }

    /// Has those of some give way who have nothing under way, until it is enough.
    fn clear(&mut self, among: impl Fn(&ConnectionSlot) -> bool, enough: impl Fn(&Self) -> bool) {
        let idle = self.slots.iter().filter(|(_, slot)| among(slot) && slot.is_idle());
        let mut idle: Vec<_> =
            idle.map(|(number, slot)| (Reverse(self.held.of(slot.origin)), slot.silent_since(), *number)).collect();
        idle.sort_unstable();
        for (_, _, number) in idle {
            if enough(self) {
                break;
            }
            if let Some(slot) = self.remove(number) {
                slot.send_signal(Signal::GiveWay);
                self.leaving.insert(number, slot);
            }
        }
    }

    /// Makes room for one more where `most` slots may be taken; is there any?
    fn make_room(
        &mut self,
        most: usize,
        taken: impl Fn(&Self) -> usize,
        among: impl Fn(&ConnectionSlot) -> bool,
    ) -> bool {
        if taken(self) >= most {
            self.clear(among, |connections| taken(connections) + most.div_ceil(CLEARED) <= most);
        }
        taken(self) < most
    }

    /// Are there as many as may ever be of this address, if all come back who have given way, or of all? However many
    /// one address has, the slots beyond its share are left to others. Where there is room, some of these have given
    /// way.
    fn is_crowded(&self, origin: Option<IpAddr>) -> bool {
        let all = CROWD * self.most;
        self.all() >= all || self.present.of(origin) >= all - (self.most - self.share())
    }

    fn signal_all_to_finish(&mut self) {
        self.closing = true;
        self.slots.values().for_each(|slot| slot.send_signal(Signal::Finish));
    }

    fn all(&self) -> usize {
        self.slots.len() + self.leaving.len()
    }
}

impl ConnectionLimit {
    /// A limit of so many connections, the time for a head, and the time that an answer may be left untaken.
    pub fn new(most: usize, head: Duration, idle: Duration) -> Arc<Self> {
        let connections = Mutex::new(ConnectionTable { most, ..ConnectionTable::default() });
        Arc::new(Self { head, idle, began: Instant::now(), connections, changed: Notify::new() })
    }

    fn connections(&self) -> MutexGuard<'_, ConnectionTable> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for a connection from this address, which counts in no share if it is `trusted`; waits while too many
    /// have given way and are not gone. `None`: everybody is busy.
    pub async fn enter(self: &Arc<Self>, address: IpAddr, trusted: bool) -> Option<ConnectionPermit> {
        let origin = (!trusted).then(|| origin(address));
        loop {
            let changed = self.changed.notified();
            if let Poll::Ready(entered) = self.try_enter(origin) {
                return entered;
            }
            changed.await;
        }
    }

    fn try_enter(self: &Arc<Self>, origin: Option<IpAddr>) -> Poll<Option<ConnectionPermit>> {
        let mut connections = self.connections();
        let (share, most) = (connections.share(), connections.most);
        let limit =
            connections.make_room(share, |connections| connections.held.of(origin), |slot| slot.origin == origin)
                && connections.make_room(most, |connections| connections.taken, |_| true);
        if !limit {
            return Poll::Ready(None);
        }
        if connections.is_crowded(origin) {
            return Poll::Pending;
        }
        let slot = Arc::new(ConnectionSlot::new(origin, self.began));
        let number = connections.next;
        connections.next += 1;
        connections.present.add(origin);
        connections.insert(number, Arc::clone(&slot));
        drop(connections);
        Poll::Ready(Some(ConnectionPermit { limit: Arc::clone(self), number, slot }))
    }

    /// Something other than slots runs short: some who have nothing under way give way. Were there any?
    pub fn make_way(&self) -> bool {
        let mut connections = self.connections();
        let before = connections.slots.len();
        connections
            .clear(|_| true, |connections| connections.slots.len() + connections.most.div_ceil(CLEARED) <= before);
        connections.slots.len() < before
    }

    /// Closes those whose time is over, every so often, for ever.
    pub async fn watch(&self) {
        let mut ticks = tokio::time::interval((self.head / 4).clamp(Duration::from_millis(50), Duration::from_secs(1)));
        loop {
            ticks.tick().await;
            self.look(milliseconds(self.began.elapsed()));
        }
    }

    fn look(&self, now: u64) {
        for slot in self.connections().slots.values() {
            let silent = now.saturating_sub(slot.silent_since());
            if slot.is_idle() && silent >= milliseconds(self.head) {
                slot.send_signal(Signal::GiveWay);
            } else if slot.is_untaken() && silent >= milliseconds(self.idle) {
                slot.send_signal(Signal::Leave);
            }
        }
    }

    /// Everybody is to finish; returns when all have left.
    pub async fn close(&self) {
        self.connections().signal_all_to_finish();
        loop {
            let changed = self.changed.notified();
            if self.connections().all() == 0 {
                return;
            }
            changed.await;
        }
    }
}

impl ConnectionPermit {
    /// A request has come after all: the slot is taken again, though the address may hold more for the moment than its
    /// share.
    pub fn stay(&self) {
        let mut connections = self.limit.connections();
        if let Some(slot) = connections.leaving.remove(&self.number) {
            connections.insert(self.number, slot);
        }
        let signal = if connections.closing { Signal::Finish } else { Signal::Stay };
        self.slot.set_signal(signal);
        self.limit.changed.notify_waiters();
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut connections = self.limit.connections();
        connections.remove(self.number);
        connections.leaving.remove(&self.number);
        connections.present.subtract(self.slot.origin);
        self.limit.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::{CROWD, ConnectionLimit, ConnectionPermit};
    use crate::model::budget::Budget;
    use crate::server::connection_slot::{ActiveRequest, Signal};
    use futures_util::FutureExt as _;
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    fn limit(most: usize) -> Arc<ConnectionLimit> {
        ConnectionLimit::new(most, Duration::from_secs(10), Duration::from_secs(20))
    }

    async fn wait(limit: &Arc<ConnectionLimit>, address: &str) -> Option<ConnectionPermit> {
        limit.enter(address.parse::<IpAddr>().expect(address), address == "127.0.0.1").await
    }

    fn enter(limit: &Arc<ConnectionLimit>, address: &str) -> Option<ConnectionPermit> {
        wait(limit, address).now_or_never().expect("an answer at once")
    }

    /// Sets when the connection fell silent.
    fn silent_since(permit: &ConnectionPermit, at: u64) {
        permit.slot.since.store(at, Ordering::Relaxed);
    }

    fn leaves(permit: &ConnectionPermit) -> bool {
        permit.slot.signal.load(Ordering::Relaxed) >= Signal::GiveWay as u8
    }

    #[test]
    fn no_address_holds_more_than_its_share_and_its_own_give_way() {
        for (one, same) in [("1.2.3.4", "1.2.3.4"), ("1.2.3.4", "::ffff:1.2.3.4"), ("2001:db8::1", "2001:db8::ffff:1")]
        {
            let limit = limit(8);
            let silent: Vec<ConnectionPermit> = (0..4).map(|_| enter(&limit, one).expect("a place")).collect();
            silent.iter().zip([7, 5, 8, 9]).for_each(|(permit, at)| silent_since(permit, at));
            let _busy = silent[1].slot.begin(Budget::default());
            let newcomer = enter(&limit, same).expect("a place");
            assert_eq!(silent.iter().map(leaves).collect::<Vec<_>>(), [true, false, false, false]);
            let stranger = enter(&limit, "2001:db8:1::1").expect("a place");
            assert!(!leaves(&newcomer) && !leaves(&stranger));
            let busy: Vec<_> =
                silent[2..].iter().chain([&newcomer]).map(|permit| permit.slot.begin(Budget::default())).collect();
            assert!(enter(&limit, one).is_none(), "all of them have a request under way");
            drop(busy);
            assert!(enter(&limit, one).is_some());
        }
    }

    #[test]
    fn a_proxy_speaks_for_many_and_gives_way_last() {
        let limit = limit(8);
        let proxied: Vec<ConnectionPermit> = (0..6).map(|_| enter(&limit, "127.0.0.1").expect("a place")).collect();
        let others = [enter(&limit, "1.1.1.1").expect("a place"), enter(&limit, "1.1.1.2").expect("a place")];
        let _more = [enter(&limit, "127.0.0.1").expect("a place"), enter(&limit, "127.0.0.1").expect("a place")];
        assert!(others.iter().all(leaves) && !proxied.iter().any(leaves));
        assert!(enter(&limit, "1.1.1.1").is_some());
        assert!(proxied.iter().filter(|permit| leaves(permit)).count() == 1);
    }

    #[test]
    fn a_full_room_is_made_free_by_who_holds_most_of_it() {
        let limit = limit(8);
        let honest = enter(&limit, "9.9.9.9").expect("a place");
        silent_since(&honest, 0);
        let flood: Vec<ConnectionPermit> =
            (0..7).map(|n| enter(&limit, if n % 2 == 0 { "1.1.1.1" } else { "1.1.1.2" }).expect("a place")).collect();
        for _ in 0..20 {
            let newcomer = enter(&limit, "8.8.8.8").expect("a place");
            assert!(!leaves(&honest));
            drop(newcomer);
        }
        assert!(flood.iter().any(leaves));
    }

    /// All of these have a request under way, and those stay who have given way.
    fn ask(connections: &[ConnectionPermit]) -> Vec<ActiveRequest> {
        let active = connections.iter().map(|permit| permit.slot.begin(Budget::default())).collect();
        connections.iter().filter(|permit| leaves(permit)).for_each(ConnectionPermit::stay);
        active
    }

    #[test]
    fn who_turns_out_to_be_asking_keeps_its_place_and_takes_none_of_others() {
        let limit = limit(8);
        let mut burst: Vec<ConnectionPermit> = (0..12).map(|_| enter(&limit, "1.2.3.4").expect("a place")).collect();
        assert!(wait(&limit, "1.2.3.4").now_or_never().is_none(), "more are not let in before some of these are gone");
        burst.truncate(11);
        burst.extend(enter(&limit, "1.2.3.4"));
        let active = ask(&burst);
        assert!(!burst.iter().any(leaves));
        assert!(enter(&limit, "1.2.3.4").is_none(), "all of them have a request under way");
        let others: Vec<ConnectionPermit> = (0..4).map(|_| enter(&limit, "5.6.7.8").expect("a place")).collect();
        let _others = ask(&others);
        assert!(enter(&limit, "9.9.9.9").is_none(), "all are busy");
        drop(active);
        assert!(wait(&limit, "9.9.9.9").now_or_never().is_none(), "these have to be gone first");
        assert!(burst.iter().filter(|permit| leaves(permit)).count() >= 9, "as many give way as are too many");
        burst.retain(|permit| !leaves(permit));
        assert!(enter(&limit, "9.9.9.9").is_some());
    }

    #[test]
    fn no_address_keeps_others_out_however_many_come_back() {
        for addresses in [&["1.1.1.1"][..], &["1.1.1.1", "1.1.1.2"], &["127.0.0.1"]] {
            let limit = limit(8);
            let (mut connections, mut active) = (Vec::new(), Vec::new());
            for address in addresses.repeat(3) {
                // Each is asking, which is not known before it has given way.
                connections.extend((0..100).map_while(|_| wait(&limit, address).now_or_never().flatten()));
                active.extend(ask(&connections[active.len()..]));
            }
            assert!(connections.len() <= CROWD * 8, "{} of {addresses:?}", connections.len());
            let stranger = wait(&limit, "9.9.9.9").now_or_never();
            assert_eq!(stranger.flatten().is_some(), addresses == ["1.1.1.1"], "{addresses:?}");
        }
    }

    #[tokio::test]
    async fn who_waits_hears_of_those_who_come_back() {
        let limit = limit(8);
        let burst: Vec<ConnectionPermit> = (0..12).map(|_| enter(&limit, "1.2.3.4").expect("a place")).collect();
        let coming_back = async { ask(&burst) };
        let heard =
            tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(wait(&limit, "1.2.3.4"), coming_back) });
        let (waited, _under_way) = heard.await.expect("an answer");
        assert!(waited.is_none(), "all of them have a request under way");
    }

    #[test]
    fn silence_ends_and_work_does_not() {
        let limit = limit(8);
        let [silent, working, untaken] = [(); 3].map(|()| enter(&limit, "1.2.3.4").expect("a place"));
        let _work = working.slot.begin(Budget::default());
        let answer = untaken.slot.begin(Budget::default());
        answer.answer();
        [&silent, &working, &untaken].into_iter().for_each(|permit| silent_since(permit, 1_000));
        limit.look(10_999);
        assert!(!leaves(&silent));
        limit.look(11_000);
        assert!(leaves(&silent) && !leaves(&untaken));
        limit.look(21_000);
        assert!(leaves(&untaken) && !leaves(&working));
    }

    #[test]
    fn who_has_gone_asks_for_nothing_more() {
        let limit = limit(8);
        let permit = enter(&limit, "1.2.3.4").expect("a place");
        let reading = permit.slot.begin(Budget::default());
        let budget = reading.budget().clone();
        assert!(permit.slot.is_droppable());
        drop(reading);
        assert!(budget.is_given_up());
        let writing = permit.slot.begin(Budget::default());
        let budget = writing.budget().clone();
        writing.keep();
        assert!(!permit.slot.is_droppable());
        drop(writing);
        assert!(!budget.is_given_up() && !permit.slot.is_busy());
    }
}
