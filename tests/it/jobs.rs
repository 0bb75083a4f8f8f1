//! Jobs: entered with the change that wants them, done once whatever the number of processes, also when one of them
//! dies.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use beffroi::model::error::{Failure, Result};
use beffroi::model::id::{Timestamp, now};
use beffroi::model::job::{Job, NewJob};
use beffroi::model::method::Method;
use beffroi::model::path::Path;
use beffroi::tree::Tree;
use beffroi::tree::edit::authority::{Authority, Verb};
use beffroi::tree::edit::content::Content;
use beffroi::tree::gate::Request;
use beffroi::tree::job::{JOBS, JobPoll, JobRow, LEASE_S, Work};

use super::kit::World;

const fn once(kind: &'static str, tries: i64, run: fn(Tree, Job) -> Work) -> JobRow {
    JobRow { kind, run, every_s: None, tries }
}

/// A change that makes a folder and wants a job.
async fn enter(world: &World, folder: &str, job: NewJob<'_>, commits: bool) {
    let actor = world.tree.owner("tram").await.unwrap();
    let request = Request::of(Method::Mkcol, Path::of(&["files", "tram", folder]), actor);
    let mut admitted = world.tree.write(&request).await.unwrap();
    admitted.bind(Content::Folder).await.unwrap();
    admitted.enqueue(job).await.unwrap();
    if commits {
        admitted.commit().await.unwrap();
    }
}

fn of<'a>(row: &JobRow, key: &'a str, due_at: Timestamp) -> NewJob<'a> {
    NewJob { key, kind: row.kind, payload: key, due_at }
}

/// The jobs that are done again and again; all others are entered by changes.
fn recurring() -> impl Iterator<Item = &'static JobRow> {
    JOBS.iter().filter(|row| row.every_s.is_some())
}

/// Another process on the same data.
async fn beside(world: &World) -> Tree {
    Tree::open(world.data.path(), true).await.unwrap()
}

async fn work_off(tree: &Tree, row: &JobRow, at: Timestamp) {
    while tree.run_next(row, at).await.unwrap() == JobPoll::Again {}
}

async fn the_job(world: &World, key: &str) -> Option<Job> {
    world.tree.jobs().await.unwrap().into_iter().find(|job| job.key == key)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_is_done_once_by_whichever_process() {
    static DONE: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static ROW: JobRow = once("noted", 3, |_, job| {
        Box::pin(async move {
            tokio::task::yield_now().await;
            DONE.lock().unwrap().push(job.payload);
            Ok(())
        })
    });
    let world = World::new().await;
    let (other, at) = (beside(&world).await, now());
    let events = super::edits::listening(&world);
    enter(&world, "first", of(&ROW, "first", at + 200), true).await;
    let events: Vec<_> = super::edits::since(&events).into_iter().map(|event| (event.verb, event.authority)).collect();
    assert!(events.contains(&(Verb::EnterJob, Authority::Gate)), "{events:?}");
    let keys: Vec<String> = (0..30).map(|number| format!("job {number}")).collect();
    for key in &keys {
        enter(&world, key, of(&ROW, key, at), true).await;
    }
    // What is entered twice is done once; what the change did not come to is not done; what is due later waits.
    enter(&world, "again", of(&ROW, &keys[0], at), true).await;
    enter(&world, "dropped", of(&ROW, "dropped", at), false).await;
    enter(&world, "later", of(&ROW, "later", at + 100), true).await;
    tokio::join!(work_off(&world.tree, &ROW, at), work_off(&other, &ROW, at), work_off(&world.tree, &ROW, at));
    let done = std::mem::take(&mut *DONE.lock().unwrap());
    assert_eq!(done.len(), keys.len(), "{done:?}");
    assert_eq!(done.into_iter().collect::<BTreeSet<_>>(), keys.into_iter().collect());
    assert_eq!(world.tree.run_next(&ROW, at).await.unwrap(), JobPoll::NextAt(Some(at + 100)));
    work_off(&other, &ROW, at + 200).await;
    assert_eq!(std::mem::take(&mut *DONE.lock().unwrap()), ["later", "first"]);
    assert_eq!(other.run_next(&ROW, at + 1000).await.unwrap(), JobPoll::NextAt(None));
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_again_and_again_is_there_once() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static ROW: JobRow = JobRow {
        kind: "hourly",
        run: |_, _| {
            Box::pin(async {
                // The first two runs fail: it goes on all the same.
                match RUNS.fetch_add(1, Ordering::SeqCst) {
                    0 | 1 => Err(Failure::new("running", "as it should").into()),
                    _ => Ok(()),
                }
            })
        },
        every_s: Some(3_600),
        tries: 0,
    };
    let world = World::new().await;
    let (other, at) = (beside(&world).await, now());
    for (due, runs) in
        [(at, 1), (at + 29, 1), (at + 31, 2), (at + 95, 3), (at + 3_600, 3), (at + 3_700, 4), (at + 3_701, 4)]
    {
        tokio::join!(work_off(&world.tree, &ROW, due), work_off(&other, &ROW, due));
        assert_eq!(RUNS.load(Ordering::SeqCst), runs, "{}", due - at);
    }
    assert_eq!(world.tree.jobs().await.unwrap().iter().filter(|job| job.kind == ROW.kind).count(), 1);
    other.close().await;
}

/// Whatever a row of it says, what is done again and again is done; and looking for it has an end.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_of_what_is_done_again_and_again_is_set_right() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static ROW: JobRow = JobRow {
        kind: "hourly",
        run: |_, _| {
            Box::pin(async {
                RUNS.fetch_add(1, Ordering::SeqCst);
                Ok(())
            })
        },
        every_s: Some(3_600),
        tries: 0,
    };
    let world = World::new().await;
    let mut database = world.database().await;
    let mut at = now();
    for damage in [
        "kind = 'unknown'",
        "kind = 'sweep'",
        "failed_at = 1",
        "due_at = 'zz'",
        "due_at = due_at + 31536000",
        "due_at = due_at + 31536000, lease = 7",
        "due_at = 9223372036854775807",
        "tries = 9223372036854775807",
        "tries = 'many'",
    ] {
        at += 10_000;
        work_off(&world.tree, &ROW, at).await;
        let sql = format!("UPDATE job SET {damage} WHERE job_key = 'hourly'");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
        at += 10_000;
        let before = RUNS.load(Ordering::SeqCst);
        // The first look may only set it right.
        for look in 0.. {
            assert!(look < 3, "{damage}: it is looked for without end");
            if world.tree.run_next(&ROW, at).await.unwrap() != JobPoll::Again {
                work_off(&world.tree, &ROW, at + 1).await;
                break;
            }
        }
        assert!(RUNS.load(Ordering::SeqCst) > before, "{damage}");
        assert!(matches!(world.tree.run_next(&ROW, at + 1).await.unwrap(), JobPoll::NextAt(_)), "{damage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_process_died_is_taken_when_its_lease_has_ended() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static ROW: JobRow = once("deadly", 2, |_, job| {
        Box::pin(async move {
            RUNS.fetch_add(1, Ordering::SeqCst);
            if job.payload == "always" || job.tries == 1 {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    });
    let world = World::new().await;
    let (other, at) = (beside(&world).await, now());
    enter(&world, "a", of(&ROW, "once", at), true).await;
    let dies = async |tree: &Tree, at: Timestamp, runs: usize| {
        let run = tokio::spawn({
            let tree = tree.clone();
            async move { tree.run_next(&ROW, at).await }
        });
        while RUNS.load(Ordering::SeqCst) < runs {
            tokio::task::yield_now().await;
        }
        run.abort();
        let _ = run.await;
    };
    dies(&world.tree, at, 1).await;
    let job = the_job(&world, "once").await.unwrap();
    assert_eq!((job.state(), job.tries, job.due_at), ("running", 1, at + LEASE_S));
    assert_eq!(other.run_next(&ROW, at + LEASE_S - 1).await.unwrap(), JobPoll::NextAt(Some(at + LEASE_S)));
    assert!(world.tree.retry_jobs(Some("once")).await.is_err(), "what may be running is left alone");
    work_off(&other, &ROW, at + LEASE_S).await;
    assert_eq!((RUNS.load(Ordering::SeqCst), the_job(&world, "once").await), (2, None));
    // What no process survives is given up.
    enter(&world, "b", of(&ROW, "always", at), true).await;
    dies(&world.tree, at, 3).await;
    dies(&world.tree, at + LEASE_S, 4).await;
    work_off(&other, &ROW, at + 2 * LEASE_S).await;
    assert_eq!(RUNS.load(Ordering::SeqCst), 4);
    assert_eq!(the_job(&world, "always").await.unwrap().state(), "failed");
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_waits_longer_each_time_and_is_given_up_until_someone_says_so() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static ROW: JobRow = once("failing", 3, |_, _| {
        Box::pin(async {
            match RUNS.fetch_add(1, Ordering::SeqCst) {
                1 => panic!("as it should"),
                0..4 => Err(Failure::new("running", "the relay is away").into()),
                _ => Result::Ok(()),
            }
        })
    });
    let world = World::new().await;
    let at = now();
    enter(&world, "a", of(&ROW, "mail 1", at), true).await;
    let mut due = at;
    for (tries, wait) in [(1, 30), (2, 60)] {
        work_off(&world.tree, &ROW, due).await;
        let job = the_job(&world, "mail 1").await.unwrap();
        assert_eq!((job.state(), job.tries, job.due_at), ("waiting", tries, due + wait));
        due += wait;
    }
    work_off(&world.tree, &ROW, due).await;
    work_off(&world.tree, &ROW, due + 100_000).await;
    assert_eq!(RUNS.load(Ordering::SeqCst), 3);
    let job = the_job(&world, "mail 1").await.unwrap();
    assert_eq!((job.state(), job.failed_at), ("failed", Some(due)));
    assert!(job.error.unwrap().contains("the relay is away"));

    let listed = super::commands::ok(world.data.path(), &["jobs", "list", "--failed"]);
    assert!(listed.starts_with("mail 1  failing  failed  ") && listed.lines().count() == 1, "{listed}");
    let json = super::commands::ok(world.data.path(), &["jobs", "list", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json.as_array().unwrap().iter().any(|job| job["key"] == "mail 1" && job["tries"] == 3), "{json}");
    let unknown = super::commands::refused(world.data.path(), "fr_FR.UTF-8", &["jobs", "retry", "mail 2"]);
    assert!(unknown.contains("« mail 2 »"), "{unknown}");
    super::commands::ok(world.data.path(), &["jobs", "retry", "mail 1"]);
    work_off(&world.tree, &ROW, now()).await;
    assert_eq!((RUNS.load(Ordering::SeqCst), the_job(&world, "mail 1").await.unwrap().tries), (4, 1));
    super::commands::ok(world.data.path(), &["jobs", "retry", "mail 1"]);
    work_off(&world.tree, &ROW, now()).await;
    assert_eq!((RUNS.load(Ordering::SeqCst), the_job(&world, "mail 1").await), (5, None));
    super::commands::ok(world.data.path(), &["jobs", "retry", "--all"]);
}

/// What stood in the way is gone: all that failed is tried now, given up or not. What runs goes on, and what is to be
/// done later is.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_failed_is_tried_again_and_nothing_else() {
    static AWAY: AtomicUsize = AtomicUsize::new(1);
    static DONE: Mutex<Vec<String>> = Mutex::new(Vec::new());
    const RUN: fn(Tree, Job) -> Work = |_, job| {
        Box::pin(async move {
            if job.payload == "running" {
                std::future::pending::<()>().await;
            }
            if AWAY.load(Ordering::SeqCst) == 1 {
                return Err(Failure::new("running", "the relay is away").into());
            }
            DONE.lock().unwrap().push(job.key);
            Result::Ok(())
        })
    };
    static MAIL: JobRow = once("mail", 2, RUN);
    static DAILY: JobRow = JobRow { kind: "daily", run: RUN, every_s: Some(86_400), tries: 0 };
    let world = World::new().await;
    let at = now();
    enter(&world, "a", of(&MAIL, "given up", at), true).await;
    work_off(&world.tree, &MAIL, at).await;
    work_off(&world.tree, &MAIL, at + 30).await;
    enter(&world, "b", of(&MAIL, "waiting", at), true).await;
    work_off(&world.tree, &MAIL, at).await;
    work_off(&world.tree, &DAILY, at).await;
    enter(&world, "c", of(&MAIL, "later", at + 5_000), true).await;
    enter(&world, "d", of(&MAIL, "running", at), true).await;
    let run = tokio::spawn({
        let tree = world.tree.clone();
        async move { tree.run_next(&MAIL, at).await }
    });
    while the_job(&world, "running").await.unwrap().state() != "running" {
        tokio::task::yield_now().await;
    }
    AWAY.store(0, Ordering::SeqCst);
    assert_eq!(world.tree.retry_jobs(None).await.unwrap(), 3);
    for row in [&MAIL, &DAILY] {
        work_off(&world.tree, row, now()).await;
    }
    let mut done = std::mem::take(&mut *DONE.lock().unwrap());
    done.sort();
    assert_eq!(done, ["daily", "given up", "waiting"]);
    assert_eq!(the_job(&world, "later").await.unwrap().due_at, at + 5_000);
    let running = the_job(&world, "running").await.unwrap();
    assert_eq!((running.state(), running.due_at), ("running", at + LEASE_S));
    run.abort();
}

/// A server enters what is done again and again, and does it; two on the same data share it.
#[tokio::test(flavor = "multi_thread")]
async fn servers_do_what_is_done_again_and_again() {
    let world = World::new().await;
    let (_, _one) = world.beside_with(&JOBS).await;
    let (_, _other) = world.beside_with(&JOBS).await;
    let kinds: BTreeSet<&str> = recurring().map(|row| row.kind).collect();
    let mut jobs = Vec::new();
    for _ in 0..500 {
        jobs = world.tree.jobs().await.unwrap();
        if jobs.len() == kinds.len() && jobs.iter().all(|job| job.state() == "waiting" && job.due_at > now() + 100) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(jobs.iter().map(|job| job.kind.as_str()).collect::<BTreeSet<_>>(), kinds);
    assert_eq!(jobs.len(), kinds.len());
    assert!(jobs.iter().all(|job| job.state() == "waiting" && job.tries == 0 && job.error.is_none()), "{jobs:?}");
    world.sound().await;
}

/// A real process, killed while it begins its jobs: nothing is there twice, and the next that looks does what was left.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_leaves_is_done_by_the_next() {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};

    let data = tempfile::tempdir().unwrap();
    for turn in 0..6 {
        let mut server = Command::new(env!("CARGO_BIN_EXE_beffroi"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("BEFFROI_DATA", data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        std::io::BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready: "), "{ready}");
        std::thread::sleep(std::time::Duration::from_millis(turn * 4));
        server.kill().unwrap();
        server.wait().unwrap();
    }
    let tree = Tree::open(data.path(), true).await.unwrap();
    let entered = tree.jobs().await.unwrap();
    assert!(entered.iter().all(|job| job.key == job.kind && job.failed_at.is_none()), "{entered:?}");
    for row in &JOBS {
        work_off(&tree, row, now() + LEASE_S + 1).await;
    }
    let jobs = tree.jobs().await.unwrap();
    assert_eq!(jobs.len(), recurring().count());
    assert!(jobs.iter().all(|job| job.state() == "waiting" && job.tries == 0 && job.error.is_none()), "{jobs:?}");
    tree.close().await;
}
