//! Places for connections: how many there are, how many of them one address may hold, and who gives way to whom.
//!
//! Who has a request under way is never sent away for a newcomer. Who has none gives way when room is wanted, the
//! longest silent first and of the address that holds most; and in any case after the time that a head may take, be it
//! in a TLS handshake, before the first byte, in the middle of a head, between two requests, or on an HTTP/2 connection
//! without streams.
//!
//! Who gives way may turn out to be asking, and comes back. So an address may come to hold more than its share; what it
//! holds beyond takes no place of others, gets no newcomer in, and is bounded.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::place::{ConnectionSlot, Signal, milliseconds};
use super::tally::{Tally, origin};

/// One address may hold one of so many parts of the places: a town hall behind one address is large.
const SHARE: usize = 2;
/// When room is wanted, one of so many parts is made free at once: who has to give way is looked for among all.
const CLEARED: usize = 64;
/// Those who have given way count apart until they are gone, and may come back; all together are so many times the
/// places at most.
const CROWD: usize = 2;
/// All places.
pub struct Room {
    head: Duration,
    idle: Duration,
    began: Instant,
    guests: Mutex<Guests>,
    /// Someone has left, or come back.
    changed: Notify,
}

#[derive(Default)]
struct Guests {
    /// How many places there are.
    most: usize,
    next: u64,
    closing: bool,
    places: HashMap<u64, Arc<ConnectionSlot>>,
    /// Those who have given way and are not gone yet.
    leaving: HashMap<u64, Arc<ConnectionSlot>>,
    /// How many places are taken: of what an address holds, its share at most.
    taken: usize,
    /// How many places each address holds.
    held: Tally,
    /// How many connections each address has, those included who have given way.
    present: Tally,
}

/// Holds a place until it is dropped.
pub struct Guest {
    room: Arc<Room>,
    number: u64,
    /// The place.
    pub place: Arc<ConnectionSlot>,
}

impl Guests {
    fn share(&self) -> usize {
        self.most.div_ceil(SHARE)
    }

    fn is_within_share(&self, origin: Option<IpAddr>) -> bool {
        self.held.of(origin) <= self.share()
    }

    fn insert(&mut self, number: u64, place: Arc<ConnectionSlot>) {
        self.held.add(place.origin);
        self.taken += usize::from(self.is_within_share(place.origin));
        self.places.insert(number, place);
    }

    fn remove(&mut self, number: u64) -> Option<Arc<ConnectionSlot>> {
        let place = self.places.remove(&number)?;
        self.taken -= usize::from(self.is_within_share(place.origin));
        self.held.subtract(place.origin);
        Some(place)
    }

    /// Has those of some give way who have nothing under way, until it is enough.
    fn clear(&mut self, among: impl Fn(&ConnectionSlot) -> bool, enough: impl Fn(&Self) -> bool) {
        let idle = self.places.iter().filter(|(_, place)| among(place) && place.is_idle());
        let mut idle: Vec<_> =
            idle.map(|(number, place)| (Reverse(self.held.of(place.origin)), place.silent_since(), *number)).collect();
        idle.sort_unstable();
        for (_, _, number) in idle {
            if enough(self) {
                break;
            }
            if let Some(place) = self.remove(number) {
                place.send_signal(Signal::GiveWay);
                self.leaving.insert(number, place);
            }
        }
    }

    /// Makes room for one more where `most` places may be taken; is there any?
    fn make_room(
        &mut self,
        most: usize,
        taken: impl Fn(&Self) -> usize,
        among: impl Fn(&ConnectionSlot) -> bool,
    ) -> bool {
        if taken(self) >= most {
            self.clear(among, |guests| taken(guests) + most.div_ceil(CLEARED) <= most);
        }
        taken(self) < most
    }

    /// Are there as many as may ever be of this address, if all come back who have given way, or of all? However many
    /// one address has, the places beyond its share are left to others. Where there is room, some of these have given
    /// way.
    fn is_crowded(&self, origin: Option<IpAddr>) -> bool {
        let all = CROWD * self.most;
        self.all() >= all || self.present.of(origin) >= all - (self.most - self.share())
    }

    fn signal_all_to_finish(&mut self) {
        self.closing = true;
        self.places.values().for_each(|place| place.send_signal(Signal::Finish));
    }

    fn all(&self) -> usize {
        self.places.len() + self.leaving.len()
    }
}

impl Room {
    /// Room for so many connections, the time for a head, and the time that an answer may be left untaken.
    pub fn new(most: usize, head: Duration, idle: Duration) -> Arc<Self> {
        let guests = Mutex::new(Guests { most, ..Guests::default() });
        Arc::new(Self { head, idle, began: Instant::now(), guests, changed: Notify::new() })
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from this address, which counts in no share if it is `trusted`; waits while too many
    /// have given way and are not gone. `None`: everybody is busy.
    pub async fn enter(self: &Arc<Self>, address: IpAddr, trusted: bool) -> Option<Guest> {
        let origin = (!trusted).then(|| origin(address));
        loop {
            let changed = self.changed.notified();
            if let Poll::Ready(entered) = self.try_enter(origin) {
                return entered;
            }
            changed.await;
        }
    }

    fn try_enter(self: &Arc<Self>, origin: Option<IpAddr>) -> Poll<Option<Guest>> {
        let mut guests = self.guests();
        let (share, most) = (guests.share(), guests.most);
        let room = guests.make_room(share, |guests| guests.held.of(origin), |place| place.origin == origin)
            && guests.make_room(most, |guests| guests.taken, |_| true);
        if !room {
            return Poll::Ready(None);
        }
        if guests.is_crowded(origin) {
            return Poll::Pending;
        }
        let place = Arc::new(ConnectionSlot::new(origin, self.began));
        let number = guests.next;
        guests.next += 1;
        guests.present.add(origin);
        guests.insert(number, Arc::clone(&place));
        drop(guests);
        Poll::Ready(Some(Guest { room: Arc::clone(self), number, place }))
    }

    /// Something other than places runs short: some who have nothing under way give way. Were there any?
    pub fn make_way(&self) -> bool {
        let mut guests = self.guests();
        let before = guests.places.len();
        guests.clear(|_| true, |guests| guests.places.len() + guests.most.div_ceil(CLEARED) <= before);
        guests.places.len() < before
    }

    /// Sends those away whose time is over; to be called now and then, for ever.
    pub async fn watch(&self) {
        let mut ticks = tokio::time::interval((self.head / 4).clamp(Duration::from_millis(50), Duration::from_secs(1)));
        loop {
            ticks.tick().await;
            self.look(milliseconds(self.began.elapsed()));
        }
    }

    fn look(&self, now: u64) {
        for place in self.guests().places.values() {
            let silent = now.saturating_sub(place.silent_since());
            if place.is_idle() && silent >= milliseconds(self.head) {
                place.send_signal(Signal::GiveWay);
            } else if place.is_untaken() && silent >= milliseconds(self.idle) {
                place.send_signal(Signal::Leave);
            }
        }
    }

    /// Everybody is to finish; returns when all have left.
    pub async fn close(&self) {
        self.guests().signal_all_to_finish();
        loop {
            let changed = self.changed.notified();
            if self.guests().all() == 0 {
                return;
            }
            changed.await;
        }
    }
}

impl Guest {
    /// A request has come after all: the place is taken again, though the address may hold more for the moment than its
    /// share.
    pub fn stay(&self) {
        let mut guests = self.room.guests();
        if let Some(place) = guests.leaving.remove(&self.number) {
            guests.insert(self.number, place);
        }
        let signal = if guests.closing { Signal::Finish } else { Signal::Stay };
        self.place.set_signal(signal);
        self.room.changed.notify_waiters();
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.room.guests();
        guests.remove(self.number);
        guests.leaving.remove(&self.number);
        guests.present.subtract(self.place.origin);
        self.room.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::{CROWD, Guest, Room};
    use crate::model::budget::Budget;
    use crate::server::place::{Signal, UnderWay};
    use futures_util::FutureExt as _;
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    fn room(most: usize) -> Arc<Room> {
        Room::new(most, Duration::from_secs(10), Duration::from_secs(20))
    }

    async fn wait(room: &Arc<Room>, address: &str) -> Option<Guest> {
        room.enter(address.parse::<IpAddr>().expect(address), address == "127.0.0.1").await
    }

    fn enter(room: &Arc<Room>, address: &str) -> Option<Guest> {
        wait(room, address).now_or_never().expect("an answer at once")
    }

    /// Tells when the connection fell silent, and whether it is to leave.
    fn silent_since(guest: &Guest, at: u64) {
        guest.place.since.store(at, Ordering::Relaxed);
    }

    fn leaves(guest: &Guest) -> bool {
        guest.place.signal.load(Ordering::Relaxed) >= Signal::GiveWay as u8
    }

    #[test]
    fn no_address_holds_more_than_its_share_and_its_own_give_way() {
        for (one, same) in [("1.2.3.4", "1.2.3.4"), ("1.2.3.4", "::ffff:1.2.3.4"), ("2001:db8::1", "2001:db8::ffff:1")]
        {
            let room = room(8);
            let silent: Vec<Guest> = (0..4).map(|_| enter(&room, one).expect("a place")).collect();
            silent.iter().zip([7, 5, 8, 9]).for_each(|(guest, at)| silent_since(guest, at));
            let _busy = silent[1].place.begin(Budget::default());
            let newcomer = enter(&room, same).expect("a place");
            assert_eq!(silent.iter().map(leaves).collect::<Vec<_>>(), [true, false, false, false]);
            let stranger = enter(&room, "2001:db8:1::1").expect("a place");
            assert!(!leaves(&newcomer) && !leaves(&stranger));
            let busy: Vec<_> =
                silent[2..].iter().chain([&newcomer]).map(|guest| guest.place.begin(Budget::default())).collect();
            assert!(enter(&room, one).is_none(), "all of them have a request under way");
            drop(busy);
            assert!(enter(&room, one).is_some());
        }
    }

    #[test]
    fn a_proxy_speaks_for_many_and_gives_way_last() {
        let room = room(8);
        let proxied: Vec<Guest> = (0..6).map(|_| enter(&room, "127.0.0.1").expect("a place")).collect();
        let others = [enter(&room, "1.1.1.1").expect("a place"), enter(&room, "1.1.1.2").expect("a place")];
        let _more = [enter(&room, "127.0.0.1").expect("a place"), enter(&room, "127.0.0.1").expect("a place")];
        assert!(others.iter().all(leaves) && !proxied.iter().any(leaves));
        assert!(enter(&room, "1.1.1.1").is_some());
        assert!(proxied.iter().filter(|guest| leaves(guest)).count() == 1);
    }

    #[test]
    fn a_full_room_is_made_free_by_who_holds_most_of_it() {
        let room = room(8);
        let honest = enter(&room, "9.9.9.9").expect("a place");
        silent_since(&honest, 0);
        let flood: Vec<Guest> =
            (0..7).map(|n| enter(&room, if n % 2 == 0 { "1.1.1.1" } else { "1.1.1.2" }).expect("a place")).collect();
        for _ in 0..20 {
            let newcomer = enter(&room, "8.8.8.8").expect("a place");
            assert!(!leaves(&honest));
            drop(newcomer);
        }
        assert!(flood.iter().any(leaves));
    }

    /// All of these have a request under way, and those stay who have given way.
    fn ask(guests: &[Guest]) -> Vec<UnderWay> {
        let under_way = guests.iter().map(|guest| guest.place.begin(Budget::default())).collect();
        guests.iter().filter(|guest| leaves(guest)).for_each(Guest::stay);
        under_way
    }

    #[test]
    fn who_turns_out_to_be_asking_keeps_its_place_and_takes_none_of_others() {
        let room = room(8);
        let mut burst: Vec<Guest> = (0..12).map(|_| enter(&room, "1.2.3.4").expect("a place")).collect();
        assert!(wait(&room, "1.2.3.4").now_or_never().is_none(), "more are not let in before some of these are gone");
        burst.truncate(11);
        burst.extend(enter(&room, "1.2.3.4"));
        let under_way = ask(&burst);
        assert!(!burst.iter().any(leaves));
        assert!(enter(&room, "1.2.3.4").is_none(), "all of them have a request under way");
        let others: Vec<Guest> = (0..4).map(|_| enter(&room, "5.6.7.8").expect("a place")).collect();
        let _others = ask(&others);
        assert!(enter(&room, "9.9.9.9").is_none(), "all are busy");
        drop(under_way);
        assert!(wait(&room, "9.9.9.9").now_or_never().is_none(), "these have to be gone first");
        assert!(burst.iter().filter(|guest| leaves(guest)).count() >= 9, "as many give way as are too many");
        burst.retain(|guest| !leaves(guest));
        assert!(enter(&room, "9.9.9.9").is_some());
    }

    #[test]
    fn no_address_keeps_others_out_however_many_come_back() {
        for addresses in [&["1.1.1.1"][..], &["1.1.1.1", "1.1.1.2"], &["127.0.0.1"]] {
            let room = room(8);
            let (mut guests, mut under_way) = (Vec::new(), Vec::new());
            for address in addresses.repeat(3) {
                // Each is asking, which is not known before it has given way.
                guests.extend((0..100).map_while(|_| wait(&room, address).now_or_never().flatten()));
                under_way.extend(ask(&guests[under_way.len()..]));
            }
            assert!(guests.len() <= CROWD * 8, "{} of {addresses:?}", guests.len());
            let stranger = wait(&room, "9.9.9.9").now_or_never();
            assert_eq!(stranger.flatten().is_some(), addresses == ["1.1.1.1"], "{addresses:?}");
        }
    }

    #[tokio::test]
    async fn who_waits_hears_of_those_who_come_back() {
        let room = room(8);
        let burst: Vec<Guest> = (0..12).map(|_| enter(&room, "1.2.3.4").expect("a place")).collect();
        let coming_back = async { ask(&burst) };
        let heard =
            tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(wait(&room, "1.2.3.4"), coming_back) });
        let (waited, _under_way) = heard.await.expect("an answer");
        assert!(waited.is_none(), "all of them have a request under way");
    }

    #[test]
    fn silence_ends_and_work_does_not() {
        let room = room(8);
        let [silent, working, untaken] = [(); 3].map(|()| enter(&room, "1.2.3.4").expect("a place"));
        let _work = working.place.begin(Budget::default());
        let answer = untaken.place.begin(Budget::default());
        answer.answer();
        [&silent, &working, &untaken].into_iter().for_each(|guest| silent_since(guest, 1_000));
        room.look(10_999);
        assert!(!leaves(&silent));
        room.look(11_000);
        assert!(leaves(&silent) && !leaves(&untaken));
        room.look(21_000);
        assert!(leaves(&untaken) && !leaves(&working));
    }

    #[test]
    fn who_has_gone_asks_for_nothing_more() {
        let room = room(8);
        let guest = enter(&room, "1.2.3.4").expect("a place");
        let reading = guest.place.begin(Budget::default());
        let budget = reading.budget().clone();
        assert!(guest.place.is_droppable());
        drop(reading);
        assert!(budget.is_given_up());
        let writing = guest.place.begin(Budget::default());
        let budget = writing.budget().clone();
        writing.keep();
        assert!(!guest.place.is_droppable());
        drop(writing);
        assert!(!budget.is_given_up() && !guest.place.is_busy());
    }
}
