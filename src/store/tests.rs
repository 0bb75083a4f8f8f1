//! What the store does when statements fail, and what goes to the database in one round trip.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;

use super::Store;
use super::db::Account;
use super::db::Control::{BeginPart, BeginRead, BeginWrite, Commit, EndPart, Rollback};
use super::db::double::{RecordedStep, Script};
use super::executor::{Executor as _, row};
use super::principal::{insert_setting, setting};
use super::statement::{Statement, Tables, reads, tables};
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
        let mut reader = store.cached();
        assert_eq!(setting(&mut reader, name).await.expect_err("a failure").cause, cause);
        assert_eq!(setting(&mut reader, name).await.expect("an answer"), None);
        drop(reader);
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
    let shown = |trips: Vec<Vec<RecordedStep>>| -> Vec<Vec<String>> {
        let step = |step: &RecordedStep| match step {
            RecordedStep::Control(control) => format!("{control:?}"),
            RecordedStep::Statement(sql) => sql.split(' ').next().unwrap_or_default().to_owned(),
        };
        // A view that is closed says so whenever it gets round to it.
        let others = trips.iter().filter(|trip| **trip != [RecordedStep::Control(Rollback)]);
        others.map(|trip| trip.iter().map(step).collect()).collect()
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

/// A file of the store, and its statements.
type File = (&'static str, fn() -> Vec<Statement>);

macro_rules! files {
    ($($file:ident),* $(,)?) => { &[$((stringify!($file), super::$file::statements)),*] };
}

/// The files that have statements.
const FILES: &[File] = files![
    acquaintance,
    body,
    body_references,
    calendar,
    check,
    check_columns,
    check_rights,
    device,
    feed,
    freebusy,
    grant,
    group,
    inbox,
    invitee,
    job,
    lock,
    mail,
    meeting_folder,
    members,
    node,
    past,
    personal_part,
    principal,
    property,
    purge,
    retention,
    returned,
    room,
    scheduling,
    share,
    subtree,
    trash,
    unread,
    usage,
    version,
    way,
];

/// What was prefetched, or is kept, of a statement is found again by its identity: it is that of its text, whichever
/// copy of the constant is asked with.
#[test]
fn a_statement_is_known_by_its_text() {
    let mut texts = std::collections::HashMap::new();
    for statement in FILES.iter().flat_map(|(_, statements)| statements()) {
        let elsewhere: &'static str = Box::leak(statement.text.to_owned().into_boxed_str());
        assert_eq!(reads(&[], elsewhere).identity(), statement.identity(), "{elsewhere}");
        let known = texts.insert(statement.identity(), statement.text);
        assert!(known.is_none_or(|known| known == statement.text), "two of one identity: {}", statement.text);
    }
    assert!(texts.len() > 100);
}

#[tokio::test]
async fn statements_read_and_write_what_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Store::open(folder.path(), true).await.expect("a store"));
    let mut account = Account::open(folder.path()).await;
    let names = |tables: Tables| -> BTreeSet<String> {
        tables::NAMES.iter().filter(|(table, _)| tables.meets(*table)).map(|(_, name)| (*name).to_owned()).collect()
    };
    let mut wrong = Vec::new();
    for (file, statements) in FILES {
        for statement in statements() {
            let (reads, writes) = account.of(statement.text).await;
            let declared = (names(statement.reads), names(statement.writes));
            // What is written is read, too, as far as it must be found; and what says nothing of the answer may be left
            // out.
            let said: BTreeSet<_> = declared.0.union(&declared.1).cloned().collect();
            let idle = |name: &&String| !reads.contains(*name) && !statement.text.contains(name.as_str());
            if !reads.is_subset(&said) || writes != declared.1 || declared.0.iter().any(|name| idle(&name)) {
                wrong
                    .push(format!("{file}: reads {reads:?}, writes {writes:?}, says {declared:?}: {}", statement.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_statement_stands_among_those_of_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut named = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() || ["tests", "statement"].contains(&name.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let (outside, listed) = code.split_once("\nstatements! {\n").unwrap_or((code, ""));
        if !listed.is_empty() {
            named.insert(name.clone());
        }
        // Pieces of statements are macros; a whole one stands in the list.
        let pieces: String = outside
            .split("\nmacro_rules! ")
            .skip(1)
            .map(|rest| rest.split("\n}\n").next().unwrap_or_default())
            .collect();
        for verb in ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE ", "\"WITH "] {
            assert_eq!(outside.matches(verb).count(), pieces.matches(verb).count(), "{name}: {verb}");
        }
        assert!(outside.matches("Statement::undeclared").count() <= usize::from(name == "check"), "{name}");
    }
    assert_eq!(named, FILES.iter().map(|(name, _)| (*name).to_owned()).collect());
}

/// Had the database to be queried for the answer?
async fn asks(store: &Store, script: &Script, sql: Statement) -> bool {
    script.trips();
    row(&mut store.cached(), sql, &[]).await.expect("an answer");
    !script.trips().is_empty()
}

#[tokio::test]
async fn a_commit_makes_stale_what_reads_what_it_wrote() {
    const ONE: Statement = reads(&[tables::SETTING], "SELECT COUNT(*) FROM setting");
    const OTHER: Statement = reads(&[tables::PRINCIPAL], "SELECT COUNT(*) FROM principal");
    const UNDECLARED: Statement = Statement::undeclared("UPDATE setting SET value = value || 'x'");
    let folder = tempfile::tempdir().expect("a folder");
    let (store, script) = store(&folder).await;
    let known = async |script: &Script| [asks(&store, script, ONE).await, asks(&store, script, OTHER).await];
    known(&script).await;
    assert_eq!(known(&script).await, [false, false]);
    write(&store, 0).await.expect("a write");
    assert_eq!(known(&script).await, [true, false]);
    assert_eq!(known(&script).await, [false, false]);
    let mut txn = store.write().await.expect("a transaction");
    setting(&mut txn, "a").await.expect("an answer");
    txn.note(UNDECLARED, &[]).await.expect("noted");
    txn.commit().await.expect("a commit");
    assert_eq!(known(&script).await, [true, true], "what does not say may write anything");
    // Nobody notifies us of what another process wrote.
    let other = Store::open(folder.path(), true).await.expect("a store");
    assert_eq!(known(&script).await, [false, false]);
    write(&other, 1).await.expect("a write");
    assert_eq!(known(&script).await, [true, true]);
    // Who began before a change is not answered from what was, and what they ask is not kept.
    let mut early = store.cached();
    write(&store, 2).await.expect("a write");
    script.trips();
    row(&mut early, OTHER, &[]).await.expect("an answer");
    assert!(!early.was_one_view() && !script.trips().is_empty());
    assert_eq!(known(&script).await, [true, false]);
}

#[tokio::test]
async fn a_request_is_answered_as_of_no_moment_before_it_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = store(&folder).await;
    let other = Store::open(folder.path(), true).await.expect("a store");
    for round in 0..20 {
        let name = format!("two {round}");
        let found = async |moment| setting(&mut store.cached_since(moment), &name).await.expect("an answer").is_some();
        let before = Instant::now();
        assert!(!found(before).await);
        let writer = if round % 2 == 0 { &other } else { &store };
        write(writer, round).await.expect("a write");
        assert!(found(Instant::now()).await, "{round}");
        // Who came before the change may be answered as of then, but not for long.
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(found(before).await, "{round}");
    }
}
