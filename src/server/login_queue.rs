//! The queue of what costs a processor: a few log-ins are verified at a time, a bounded number waits.
//!
//! Before a password is verified nobody knows who is right and who guesses. So nobody is kept out for what others
//! do: next comes a try of the source that has failed the fewest times of late, of these of one that has the fewest
//! waiting, of these the newest; and where too many wait for one person, from one address, or at all, the oldest of the
//! source that has failed the most times, or has the most waiting, goes away. A flood then waits behind itself.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::tally::{Tally, origin};

/// How many wait for one person, from one address, and in all: some one, five and ten seconds of work. Behind one
/// address a town hall of three hundred may begin its day.
const FOR_ONE_PERSON: usize = 64;
const FROM_ONE_ADDRESS: usize = 320;
const IN_ALL: usize = 640;
/// Of so many sources it is known that they failed.
const FAILED: usize = 4096;
/// The longest that anyone waits.
const LONGEST: Duration = Duration::from_secs(10);

/// Who tries to be whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LoginSource {
    /// Stands for the person, whatever name is used, or for a name that nobody bears.
    pub person: u64,
    /// What stands for the address: all that one customer has.
    pub address: IpAddr,
}

impl LoginSource {
    /// Who comes from this address.
    pub fn new(person: u64, address: IpAddr) -> Self {
        Self { person, address: origin(address) }
    }
}

/// Too many are waiting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueFull;

/// Permits to verify, handed out and waited for. Cheap to clone.
#[derive(Clone)]
pub struct LoginQueue(Arc<Mutex<LoginQueueState>>);

#[derive(Default)]
struct LoginQueueState {
    /// Permits that nobody has; while there are any, nobody waits.
    free: usize,
    /// In the order of their coming.
    waiting: Vec<Waiting>,
    crowds: Tally<LoginSource>,
    /// How often a source was wrong, or sent away, of late.
    failed: Tally<LoginSource>,
    numbers: u64,
}

struct Waiting {
    number: u64,
    source: LoginSource,
    permit: oneshot::Sender<LoginPermit>,
}

/// A permit; dropped, it is the next one's.
pub struct LoginPermit(Option<LoginQueue>);

impl Drop for LoginPermit {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.hand_on();
        }
    }
}

/// Someone who waits, and may go away.
struct WaitGuard<'a> {
    queue: &'a LoginQueue,
    number: u64,
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        if let Ok(at) = state.waiting.binary_search_by_key(&self.number, |waiting| waiting.number) {
            state.leave(at);
        }
    }
}

impl LoginQueueState {
    fn crowd(&self, source: LoginSource) -> usize {
        self.crowds.of(Some(source))
    }

    fn join(&mut self, source: LoginSource, permit: oneshot::Sender<LoginPermit>) -> u64 {
        self.numbers += 1;
        self.crowds.add(Some(source));
        self.waiting.push(Waiting { number: self.numbers, source, permit });
        self.numbers
    }

    fn leave(&mut self, at: usize) -> Waiting {
        let waiting = self.waiting.remove(at);
        self.crowds.subtract(Some(waiting.source));
        waiting
    }

    /// What speaks against a source: how often it failed, and how many of it wait.
    fn against(&self, source: LoginSource) -> (usize, usize) {
        (self.failed.of(Some(source)), self.crowd(source))
    }

    fn fail(&mut self, source: LoginSource) {
        if self.failed.len() >= FAILED {
            self.failed = Tally::default();
        }
        self.failed.add(Some(source));
    }

    /// Who is next: the newest of a source that the least speaks against.
    fn choose(&mut self) -> Option<Waiting> {
        let places = self.waiting.iter().enumerate().map(|(at, waiting)| (self.against(waiting.source), at));
        let (_, at) = places.min_by_key(|(against, at)| (*against, std::cmp::Reverse(*at)))?;
        Some(self.leave(at))
    }

    /// Sends away the oldest of the source that the most speaks against, where more wait of a kind than may.
    fn bound(&mut self, most: usize, of_kind: impl Fn(LoginSource) -> bool) {
        let kind = || self.waiting.iter().enumerate().filter(|(_, waiting)| of_kind(waiting.source));
        if kind().count() <= most {
            return;
        }
        let places = kind().map(|(at, waiting)| (self.against(waiting.source), at));
        if let Some((_, at)) = places.max_by_key(|(against, at)| (*against, std::cmp::Reverse(*at))) {
            let source = self.leave(at).source;
            self.fail(source);
        }
    }
}

impl LoginQueue {
    /// So many at a time.
    pub fn new(side_by_side: usize) -> Self {
        Self(Arc::new(Mutex::new(LoginQueueState { free: side_by_side, ..LoginQueueState::default() })))
    }

    fn state(&self) -> MutexGuard<'_, LoginQueueState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit. Who stops waiting takes none.
    pub async fn take(&self, source: LoginSource) -> Result<LoginPermit, QueueFull> {
        let (sender, comes) = oneshot::channel();
        let place = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Ok(LoginPermit(Some(self.clone())));
            }
            let number = state.join(source, sender);
            state.bound(FOR_ONE_PERSON, |other| other.person == source.person);
            state.bound(FROM_ONE_ADDRESS, |other| other.address == source.address);
            state.bound(IN_ALL, |_| true);
            WaitGuard { queue: self, number }
        };
        let permit = tokio::time::timeout(LONGEST, comes).await;
        drop(place);
        permit.ok().and_then(Result::ok).ok_or(QueueFull)
    }

    /// What a try came to: who was wrong waits behind who was not.
    pub fn came_to(&self, source: LoginSource, right: bool) {
        let mut state = self.state();
        if right {
            state.failed.clear(source);
        } else {
            state.fail(source);
        }
    }

    /// Forgets who failed.
    pub fn forget(&self) {
        self.state().failed = Tally::default();
    }

    /// Does anyone wait?
    pub fn are_waited_for(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    /// Gives a permit to the next one.
    fn hand_on(&self) {
        loop {
            let next = {
                let mut state = self.state();
                let next = state.choose();
                if next.is_none() {
                    state.free += 1;
                }
                next
            };
            let Some(next) = next else { return };
            match next.permit.send(LoginPermit(Some(self.clone()))) {
                Ok(()) => return,
                // Gone meanwhile: the permit is still ours to give.
                Err(mut permit) => permit.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::net::IpAddr;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::{FOR_ONE_PERSON, FROM_ONE_ADDRESS, IN_ALL, LoginPermit, LoginQueue, LoginSource, QueueFull};

    fn source(person: u64, address: u8) -> LoginSource {
        LoginSource::new(person, IpAddr::from([10, 0, 0, address]))
    }

    /// Whose each try is.
    type Flood = fn(usize) -> LoginSource;
    type Wait<'a> = Pin<Box<dyn Future<Output = Result<LoginPermit, QueueFull>> + 'a>>;

    /// Comes and waits, unless it is sent away at once.
    fn come(queue: &LoginQueue, source: LoginSource) -> Option<Wait<'_>> {
        let mut wait: Wait<'_> = Box::pin(queue.take(source));
        look(&mut wait).is_none().then_some(wait)
    }

    /// Comes and waits.
    fn wait(queue: &LoginQueue, source: LoginSource) -> Wait<'_> {
        come(queue, source).expect("a place")
    }

    fn look(wait: &mut Wait<'_>) -> Option<Result<LoginPermit, QueueFull>> {
        match pin!(wait).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    fn all_busy() -> (LoginQueue, LoginPermit) {
        let queue = LoginQueue::new(1);
        let mut first: Wait<'_> = Box::pin(queue.take(source(0, 0)));
        let permit = look(&mut first).and_then(Result::ok).expect("a free turn");
        drop(first);
        (queue, permit)
    }

    /// Time, and no scheduler that would interrupt the many looks of a test.
    fn clock() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
    }

    #[test]
    fn a_flood_waits_behind_itself() {
        let clock = clock();
        let _running = clock.enter();
        // Against the same name from other addresses; from the same address against others; from there against the same
        // name; from many against many.
        let floods: [Flood; 4] = [
            |n| source(1, 1 + (n % 4) as u8),
            |n| source(2 + (n % 4) as u64, 9),
            |_| source(1, 9),
            |n| source(2 + n as u64, (n % 200) as u8 + 10),
        ];
        for flood in floods {
            let (queue, busy) = all_busy();
            let _waiting: Vec<_> = (0..500).filter_map(|n| come(&queue, flood(n))).collect();
            let mut right = wait(&queue, source(1, 9));
            drop(busy);
            assert!(matches!(look(&mut right), Some(Ok(_))), "not the next one");
        }
        // What comes afterwards does not get in between, unless it is the same source.
        for flood in floods.into_iter().take(2) {
            let (queue, busy) = all_busy();
            let _before: Vec<_> = (0..250).filter_map(|n| come(&queue, flood(n))).collect();
            let mut right = wait(&queue, source(1, 9));
            let _after: Vec<_> = (0..250).filter_map(|n| come(&queue, flood(n))).collect();
            drop(busy);
            assert!(matches!(look(&mut right), Some(Ok(_))), "not the next one");
        }
    }

    #[test]
    fn only_so_many_wait() {
        let clock = clock();
        let _running = clock.enter();
        let kinds: [(Flood, usize); 3] = [
            (|n| source(1, n as u8), FOR_ONE_PERSON),
            (|n| source(n as u64, 1), FROM_ONE_ADDRESS),
            (|n| source(n as u64, n as u8), IN_ALL),
        ];
        for (kind, most) in kinds {
            let (queue, _busy) = all_busy();
            let mut waits: Vec<_> = (0..most + 10).map(|n| wait(&queue, kind(n))).collect();
            let sent_away = waits.iter_mut().filter_map(look).filter(|answer| answer.is_err()).count();
            assert_eq!(sent_away, 10);
        }
    }

    #[test]
    fn who_did_not_fail_before_is_next_however_many_addresses_come_again_and_again() {
        let clock = clock();
        let _running = clock.enter();
        let (queue, busy) = all_busy();
        let flood = |n: usize| source(1, 10 + (n % 99) as u8);
        (0..99).for_each(|n| queue.came_to(flood(n), false));
        let _before: Vec<_> = (0..64).filter_map(|n| come(&queue, flood(n))).collect();
        let mut right = wait(&queue, source(1, 9));
        let _after: Vec<_> = (0..300).filter_map(|n| come(&queue, flood(n))).collect();
        drop(busy);
        assert!(matches!(look(&mut right), Some(Ok(_))), "not the next one");
    }

    #[test]
    fn a_town_hall_behind_one_address_comes_to_work_while_one_of_its_machines_guesses() {
        let clock = clock();
        let _running = clock.enter();
        let (queue, busy) = all_busy();
        let mut flood: Vec<_> = (0..250).map(|_| wait(&queue, source(1, 9))).collect();
        let mut agents: Vec<_> = (0..300).map(|n| wait(&queue, source(2 + n, 9))).collect();
        flood.extend((0..250).map(|_| wait(&queue, source(1, 9))));
        drop(busy);
        while !agents.is_empty() {
            let waiting = agents.len();
            agents.retain_mut(|agent| look(agent).is_none_or(|answer| answer.is_err()));
            assert!(agents.len() < waiting, "{waiting} do not come in");
        }
    }

    #[test]
    fn who_goes_away_takes_no_turn() {
        let clock = clock();
        let _running = clock.enter();
        let (queue, busy) = all_busy();
        let mut first = wait(&queue, source(1, 1));
        let given_and_left = wait(&queue, source(2, 2));
        drop(wait(&queue, source(3, 3)));
        drop(busy);
        // The newest was handed the permit and never looked.
        drop(given_and_left);
        assert!(matches!(look(&mut first), Some(Ok(_))));
        drop(first);
        let mut again: Wait<'_> = Box::pin(queue.take(source(1, 1)));
        assert!(matches!(look(&mut again), Some(Ok(_))), "the turn is free again");
        assert_eq!((0..4).map(|n| queue.state().crowd(source(n.into(), n))).sum::<usize>(), 0);
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        let at = |address: &str| LoginSource::new(1, address.parse().expect(address));
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:1.2.3.4"), at("1.2.3.4"));
        assert_ne!(at("1.2.3.4"), at("1.2.3.5"));
    }
}
