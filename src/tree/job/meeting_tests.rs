//! Each job of meetings may be begun twice, and may end anywhere: whatever it does is done once.

use bytes::Bytes;

use super::{JOBS, JobPoll, JobRow, Work};
use crate::model::budget::Budget;
use crate::model::error::Cause;
use crate::model::id::{Id, Timestamp, now};
use crate::model::job::Job;
use crate::model::method::Method;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::privilege::Role;
use crate::store::body;
use crate::store::columns::Width;
use crate::store::scheduling::MeetingKey;
use crate::tree::Tree;
use crate::tree::calendar::blob;
use crate::tree::edit::content::FileContent;
use crate::tree::gate::Request;
use crate::tree::scheduling::OrganizerUpdate;

const EVENT: [&str; 4] = ["calendars", "tram", "meetings", "one.ics"];
const DAY_S: i64 = 86_400;

/// What a job has to do, and how it is begun.
struct Case {
    kind: &'static str,
    prepare: fn(&PlannedWorld) -> Preparing<'_>,
}

type Preparing<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

const CASES: [Case; 6] = [
    Case { kind: "folders", prepare: |world| Box::pin(async { world.put_meeting(2 * DAY_S).await }) },
    Case { kind: "attendance", prepare: |world| Box::pin(async { world.put_folder(2 * DAY_S).await }) },
    Case {
        kind: "minutes",
        prepare: |world| {
            Box::pin(async {
                world.put_folder(-2 * DAY_S).await;
                let folder = world.folder().await;
                let path = ["files", "tram", "Meetings", &folder, "Compte rendu.odt"];
                let content = FileContent::document(blob(Bytes::from_static(b"x")), "text/plain".to_owned());
                world.put("max", &path, content).await;
            })
        },
    },
    Case {
        kind: "refresh",
        prepare: |world| {
            Box::pin(async {
                world.put_meeting(2 * DAY_S).await;
                let copy = world.members(&["calendars", "mia", "personal"]).await.remove(0);
                let text = world.text(&copy).await;
                let answered = text.replace("NEEDS-ACTION;RSVP=TRUE:mailto:mia@", "ACCEPTED:mailto:mia@");
                assert_ne!(text, answered);
                world.put_object("mia", &["calendars", "mia", "personal", &copy.name], answered).await;
            })
        },
    },
    Case {
        kind: "groups",
        prepare: |world| {
            Box::pin(async {
                world.tree.add_group("equipe", "Equipe").await.unwrap();
                world.put_meeting(2 * DAY_S).await;
                world.tree.join_group("equipe", "zoe").await.unwrap();
            })
        },
    },
    Case {
        kind: "departures",
        prepare: |world| {
            Box::pin(async {
                world.put_meeting(2 * DAY_S).await;
                world.tree.remove_person("mia").await.unwrap();
            })
        },
    },
];

struct PlannedWorld {
    _data: tempfile::TempDir,
    tree: Tree,
}

impl PlannedWorld {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let tree = Tree::open(data.path(), false).await.unwrap();
        let domain = Some("agenda.ville.example".parse().unwrap());
        let tree = tree.in_mail_domain(domain).reached_at(Some("https://b.example"));
        tree.add_project("tram", "Tramway", None).await.unwrap();
        for name in ["lea", "max", "mia", "zoe"] {
            tree.add_person(name, name, &format!("{name}@ville.example"), None).await.unwrap();
        }
        tree.add_member("tram", "max", Role::Member, None).await.unwrap();
        tree.set_meeting_folders("tram", true).await.unwrap();
        Self { _data: data, tree }
    }

    async fn request(&self, method: Method, path: &[&str]) -> Request {
        Request::of(method, Path::of(path), self.tree.owner(path[1]).await.unwrap())
    }

    async fn put_object(&self, by: &str, path: &[&str], text: String) {
        let (blob, indexed) = self.tree.prepare(Id(1), &Budget::default(), text.into()).await.unwrap();
        self.put(by, path, FileContent::object(blob, indexed)).await;
    }

    async fn put(&self, by: &str, path: &[&str], content: FileContent) {
        let actor = self.tree.owner(by).await.unwrap();
        self.tree.put(&Request::of(Method::Put, Path::of(path), actor), content).await.unwrap();
    }

    /// A meeting of an hour that begins so many seconds from now.
    async fn put_meeting(&self, from_now_s: i64) {
        let at = |seconds: i64| {
            let at = jiff::Timestamp::from_second(now() + from_now_s + seconds).unwrap();
            at.strftime("%Y%m%dT%H%M%SZ").to_string()
        };
        let people = ["lea@ville.example", "mia@ville.example", "equipe@agenda.ville.example", "paul@dehors.example"];
        let people = people.map(|who| format!("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{who}\r\n")).concat();
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART:{}\r\nDTEND:{}\r\nSUMMARY:Point\r\nORGANIZER:mailto:max@ville.example\r\n{people}END:VEVENT\r\n\
             END:VCALENDAR\r\n",
            at(0),
            at(3600)
        );
        self.put_object("max", &EVENT, text).await;
    }

    /// The same, with its folder.
    async fn put_folder(&self, from_now_s: i64) {
        self.put_meeting(from_now_s).await;
        self.work("folders").await;
    }

    async fn folder(&self) -> String {
        self.members(&["files", "tram", "Meetings"]).await.remove(0).name
    }

    /// Works off what there is of a kind of job, whenever it is due.
    async fn work(&self, kind: &str) {
        for later in [10, 20, 30] {
            while let Ok(JobPoll::Again) = self.begin(kind, now() + later * DAY_S).await {
                if kind == "minutes" {
                    break;
                }
            }
        }
    }

    async fn begin(&self, kind: &str, at: Timestamp) -> crate::model::error::Result<JobPoll> {
        if kind == "minutes" {
            return self.tree.attach_all_minutes(now() + 60).await.map(|_| JobPoll::Again);
        }
        self.tree.run_next(row(kind), at).await
    }

    async fn members(&self, path: &[&str]) -> Vec<Node> {
        let request = self.request(Method::Propfind, path).await;
        let Ok(mut admitted) = self.tree.read(&request).await else { return Vec::new() };
        let collection = admitted.target.node().cloned().unwrap();
        admitted.stored_members(&collection, "", 100, Width::Whole).await.unwrap().0
    }

    async fn text(&self, node: &Node) -> String {
        let hash = node.hash.as_deref().unwrap();
        let text = body::inline(&mut self.tree.store.read().await.unwrap(), hash).await.unwrap().unwrap();
        String::from_utf8(text.to_vec()).unwrap().replace("\r\n ", "")
    }

    /// All that jobs of meetings make, but for what is another each time: documents and the event with the numbers of
    /// their versions, what stands in that and in copies, mail, and jobs. (How many versions a copy has depends on
    /// whether a second has passed.)
    async fn made(&self) -> Vec<String> {
        let mut all = Vec::new();
        for top in self.members(&["files", "tram", "Meetings"]).await {
            all.push(top.name.clone());
            let inside = self.members(&["files", "tram", "Meetings", &top.name]).await;
            all.extend(inside.iter().map(|node| format!("{} {}", node.name, node.version)));
        }
        for (home, calendar) in [("tram", "meetings"), ("lea", "personal"), ("mia", "personal"), ("zoe", "personal")] {
            if self.tree.owner(home).await.is_err() {
                continue;
            }
            for object in self.members(&["calendars", home, calendar]).await {
                let text = self.text(&object).await;
                let count = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
                let lines = ["ATTACH", "ATTENDEE", "STATUS"].map(count);
                let answers = ["ACCEPTED", "DECLINED"].map(|answer| text.matches(answer).count());
                all.push(format!("{home} {lines:?} {answers:?}"));
                if home == "tram" {
                    all.push(format!("version {}", object.version));
                    let mails = self.tree.mail_about(object.id).await.unwrap();
                    all.extend(mails.iter().map(|mail| format!("{} {}", mail.address, mail.method)));
                }
            }
            all.push(format!("{home} {} notices", self.members(&["calendars", home, "inbox"]).await.len()));
        }
        let mut jobs: Vec<String> = self.tree.jobs().await.unwrap().into_iter().map(|job| job.kind).collect();
        jobs.sort();
        jobs.dedup();
        all.extend(jobs);
        all
    }
}

fn row(kind: &str) -> &'static JobRow {
    JOBS.iter().find(|row| row.kind == kind).expect("a kind of job")
}

async fn prepared(case: &Case) -> (PlannedWorld, Option<Job>) {
    let world = PlannedWorld::new().await;
    (case.prepare)(&world).await;
    let job = world.tree.jobs().await.unwrap().into_iter().find(|job| job.kind == case.kind);
    (world, job)
}

/// A run that is begun again after all was done.
fn again(world: &PlannedWorld, job: Option<Job>, kind: &str) -> Work {
    let job = job.unwrap_or_else(|| panic!("no job {kind}"));
    (row(kind).run)(world.tree.clone(), job)
}

#[tokio::test]
async fn whatever_fails_and_however_often_it_is_begun_a_job_of_meetings_does_its_work_once() {
    for case in &CASES {
        let (world, job) = prepared(case).await;
        let before = world.made().await;
        world.work(case.kind).await;
        let made = world.made().await;
        assert_ne!(made, before, "{}: there is work", case.kind);
        match case.kind {
            "minutes" => world.work("minutes").await,
            kind => again(&world, job, kind).await.unwrap(),
        }
        assert_eq!(world.made().await, made, "{}: begun twice", case.kind);
        assert!(world.tree.check(|_| {}).await.unwrap().damage.is_empty(), "{}", case.kind);
        let mut places = 0;
        loop {
            let (world, job) = prepared(case).await;
            world.tree.script().fail(places, "", Cause::Fault);
            let _ = world.begin(case.kind, now() + 5 * DAY_S).await;
            if world.tree.script().is_pending() {
                break;
            }
            world.work(case.kind).await;
            if case.kind != "minutes" {
                again(&world, job, case.kind).await.unwrap();
            }
            assert_eq!(world.made().await, made, "{}: the statement {places} fails", case.kind);
            places += 1;
        }
        assert!(places > 10, "{}: {places}", case.kind);
    }
}

/// What was planned of another state of an event than the one that stands is planned anew.
#[tokio::test]
async fn a_change_of_an_event_is_made_of_the_event_that_stands() {
    let world = PlannedWorld::new().await;
    world.put_folder(2 * DAY_S).await;
    let calendar = world.members(&["calendars", "tram", "meetings"]).await;
    let of = MeetingKey { home: calendar[0].home_id, uid: "one".to_owned() };
    let bare = world
        .text(&calendar[0])
        .await
        .lines()
        .filter(|line| !line.starts_with("ATTACH"))
        .fold(String::new(), |text, line| text + line + "\r\n");
    world.put_object("max", &EVENT, bare).await;
    for (is_same, is_made) in [(false, false), (true, true)] {
        let OrganizerUpdate { plan, object, calendar } = world.tree.plan_folder_link(&of).await.unwrap().unwrap();
        let object = if is_same { object } else { Node { hash: Some("another".to_owned()), ..object } };
        assert_eq!(world.tree.apply_plan_in(plan, object, &calendar).await.unwrap(), is_made);
    }
}
