//! What holds after any sequence of changes, answers, and messages that are late, lost and sent again, or come twice.
//!
//! `world` has the organizer, the attendees and what is on its way between them, `edits` what an organizer's program
//! stores, `answers` what an attendee's does, `checks` what has to hold. The sequences are the same each time, so that
//! what fails can be seen to fail again; of a failure the shortest story is shown. For more of them, and others:
//!
//! ```sh
//! CONVERGENCE_CASES=20000 CONVERGENCE_SEED=7 cargo test --lib convergence
//! ```

mod answers;
mod checks;
mod edits;
mod world;

use std::str::FromStr;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use self::world::{MeetingWorld, MessageOrder, WorldStep};

/// How many cases each order has, where nobody asks for more.
const CASES: u32 = 256;
/// How an environment variable has it, or what holds without.
fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn run(arrival: MessageOrder) {
    let config =
        ProptestConfig { cases: setting("CONVERGENCE_CASES", CASES), failure_persistence: None, ..Default::default() };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&setting("CONVERGENCE_SEED", 0_u64).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key));
    let step = (any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>());
    let sequences = (prop::collection::vec(step, 1..40), any::<u64>());
    let failed = runner.run(&sequences, |(steps, order)| {
        converge(MeetingWorld::new(arrival), &steps, order);
        Ok(())
    });
    if let Err(TestError::Fail(why, (steps, order))) = failed {
        converge(MeetingWorld::new(arrival).noted(), &steps, order);
        panic!("{why}");
    }
}

fn converge(first: MeetingWorld, steps: &[WorldStep], mut order: u64) {
    let mut worlds = vec![first];
    for (kind, one, two, three) in steps.iter().copied() {
        let number = usize::from(kind / 4) % worlds.len();
        let world = &mut worlds[number];
        world.step((kind % 4, one, two, three));
        if let Some(later) = world.later.take() {
            let world = world.beside(later);
            worlds.push(world);
        }
    }
    for mut world in worlds {
        // All that is still under way arrives, in some order.
        while !world.under_way.is_empty() {
            order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            world.step((2, (order >> 33) as u8, 0, 0));
        }
        world.check();
    }
}

/// On one server, where each change is carried out with all that follows from it.
#[test]
fn copies_agree_at_once_on_one_server() {
    run(MessageOrder::AtOnce);
}

/// Wherever messages take their time.
#[test]
fn copies_converge_in_any_order() {
    run(MessageOrder::AnyOrder);
}
