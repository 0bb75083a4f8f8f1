//! What the store does when statements fail, and what goes to the database in one round trip.

use futures_util::FutureExt as _;

use super::Store;
use super::db::Control::{BeginPart, BeginRead, BeginWrite, Commit, EndPart, Rollback};
use super::db::double::{Script, Step};
use super::principal::{insert_setting, setting};
use crate::model::error::Cause;

async fn store(folder: &tempfile::TempDir) -> (Store, Script) {
    let store = Store::open(folder.path(), true).await.expect("a store");
    let script = store.script();
    script.trips();
    (store, script)
}

async fn is_set(store: &Store, name: &str) -> bool {
    let mut view = store.read().await.expect("a view");
    setting(&mut view, name).await.expect("an answer").is_some()
}

#[tokio::test]
async fn a_connection_whose_statement_failed_is_nobody_elses() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, script) = store(&folder).await;
    for (cause, name) in [(Cause::Fault, "b"), (Cause::Busy, "c")] {
        script.fail(0, "FROM setting", cause);
        let mut view = store.read().await.expect("a view");
        assert_eq!(setting(&mut view, "a").await.expect_err("a failure").cause, cause);
        setting(&mut view, "a").await.expect_err("a view that has failed");
        drop(view);
        assert!(!is_set(&store, "a").await);
        script.fail(0, "FROM setting", cause);
        let mut glance = store.glance(None);
        assert_eq!(setting(&mut glance, name).await.expect_err("a failure").cause, cause);
        assert_eq!(setting(&mut glance, name).await.expect("an answer"), None);
        drop(glance);
        assert!(!is_set(&store, name).await);
        assert_eq!(script.reused(), 0);
    }
}

/// Writes two settings, the second after a question.
async fn write(store: &Store, round: usize) -> Result<(), crate::model::error::Failure> {
    let mut txn = store.write().await?;
    insert_setting(&mut txn, &format!("one {round}"), "set").await?;
    setting(&mut txn, "one").await?;
    insert_setting(&mut txn, &format!("two {round}"), "set").await?;
    txn.commit().await
}

#[tokio::test]
async fn whichever_statement_fails_all_of_the_write_is_undone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, script) = store(&folder).await;
    for round in 0.. {
        script.fail(round, "setting", Cause::Full);
        let done = write(&store, round).await;
        let was_pending = script.is_pending();
        script.fail(usize::MAX, "", Cause::Full);
        for name in ["one", "two"] {
            assert_eq!(is_set(&store, &format!("{name} {round}")).await, done.is_ok(), "{name} {round}");
        }
        match done {
            Ok(()) => {
                assert!(was_pending && round == 3, "{round}");
                break;
            }
            Err(failure) => assert_eq!(failure.cause, Cause::Full),
        }
    }
    // Those who write after one that failed are not harmed by it, nor those in its group.
    script.fail(0, "SELECT value FROM setting", Cause::Full);
    let done = tokio::join!(write(&store, 100), write(&store, 101), write(&store, 102));
    assert!(done.0.is_err() && done.1.is_ok() && done.2.is_ok());
    for (round, there) in [(100, false), (101, true), (102, true)] {
        assert_eq!(is_set(&store, &format!("two {round}")).await, there, "{round}");
    }
}

#[tokio::test]
async fn what_can_wait_goes_with_what_cannot() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, script) = store(&folder).await;
    let shown = |trips: Vec<Vec<Step>>| -> Vec<Vec<String>> {
        let step = |step: &Step| match step {
            Step::Control(control) => format!("{control:?}"),
            Step::Statement(sql) => sql.split(' ').next().unwrap_or_default().to_owned(),
        };
        // A view that is closed says so whenever it gets round to it.
        let told = trips.iter().filter(|trip| **trip != [Step::Control(Rollback)]);
        told.map(|trip| trip.iter().map(step).collect()).collect()
    };
    let expected = |trips: &[&[&str]]| -> Vec<Vec<String>> {
        trips.iter().map(|trip| trip.iter().map(ToString::to_string).collect()).collect()
    };
    let (begin, part) = (format!("{BeginWrite:?}"), format!("{BeginPart:?}"));
    let (commit, end) = (format!("{Commit:?}"), format!("{EndPart:?}"));
    let mut txn = store.write().await.expect("a transaction");
    insert_setting(&mut txn, "a", "1").await.expect("noted");
    txn.commit().await.expect("a commit");
    assert_eq!(shown(script.trips()), expected(&[&[&begin, "INSERT", &commit]]));
    write(&store, 0).await.expect("a write");
    assert_eq!(shown(script.trips()), expected(&[&[&begin, "INSERT", "SELECT"], &["INSERT", &commit]]));
    let mut view = store.read().await.expect("a view");
    setting(&mut view, "a").await.expect("an answer");
    setting(&mut view, "b").await.expect("an answer");
    let read = format!("{BeginRead:?}");
    assert_eq!(shown(script.trips()), expected(&[&[&read, "SELECT"], &["SELECT"]]));
    drop(view);
    // Who waits joins the transaction that is open, and one commit is for all.
    let mut first = store.write().await.expect("a transaction");
    insert_setting(&mut first, "c", "1").await.expect("noted");
    let mut second = Box::pin(store.write());
    assert!(second.as_mut().now_or_never().is_none());
    let other = async {
        let mut second = second.await?;
        insert_setting(&mut second, "d", "1").await?;
        second.commit().await
    };
    let (one, other) = tokio::join!(first.commit(), other);
    assert!(one.is_ok() && other.is_ok());
    let trips = shown(script.trips());
    assert_eq!(trips, expected(&[&[&begin, "INSERT"], &[&part, "INSERT", &end], &[&commit]]));
}
