//! Rules are followed in the turn of who asks, beside the threads that serve, and while no change is open: whatever is
//! asked.
//!
//! Server and client share the one thread of a test, so what that thread worked is what the server worked on threads
//! that serve.

use std::cell::Cell;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use beffroi::ical::object::Object;
use beffroi::ical::recur::bounds;
use beffroi::ical::zone::{Zone, Zones};
use beffroi::model::budget::Budget;
use beffroi::model::calendar::FeedDetail;
use beffroi::model::id::{Id, now};
use beffroi::model::method::Method;
use beffroi::model::path::Path;
use beffroi::service::calendars::{Calendar, Imported};
use beffroi::tree::gate::Request;
use beffroi::tree::work::WorkSlice;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::kit::{Answer, Client, World};

const HOME: &str = "/calendars/tram/";
const CALDAV: &str = "xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";
/// How often each operation is done: what the machine does besides is not counted.
const TIMES: usize = 3;
/// How often others write while a operation waits, and how long they would wait for that.
const WRITES: usize = 10;
const PATIENCE: Duration = Duration::from_secs(20);
/// How many zones are sent at once: one may take a tenth of the steps of an object.
const ZONES: usize = 10;

/// What this thread has worked so far, in nanoseconds.
fn worked() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn cost<T>(work: impl Fn() -> T) -> u64 {
    let costs = (0..TIMES).map(|_| {
        let before = worked();
        work();
        worked() - before
    });
    costs.min().unwrap()
}

/// A zone that changes each day for so many days, under a name that says what it is, or under one that only it
/// explains.
fn zone(name: &str, days: u32) -> String {
    format!(
        "BEGIN:VTIMEZONE\r\nTZID:{name}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n\
         TZOFFSETTO:+0100\r\n\
         RRULE:FREQ=DAILY;COUNT={days}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
}

fn calendar(parts: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n{parts}END:VCALENDAR\r\n")
}

/// What is stored: with rules that are long to follow, or the same without any.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Texts {
    zone: &'static str,
    rule: &'static str,
}

const LONG: Texts = Texts { zone: "Ours", rule: "RRULE:FREQ=DAILY;COUNT=3000" };
const PLAIN: Texts = Texts { zone: "Europe/Paris", rule: "X-RULE:FREQ=DAILY;COUNT=3000" };

impl Texts {
    /// An object that begins today: its zone takes a good part of the steps that one may take.
    fn object(self, uid: &str) -> String {
        let (zone, today) = (zone(self.zone, 12_000), Timestamp::now().strftime("%Y%m%d").to_string());
        calendar(&format!(
            "{zone}BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID={}:{today}T100000\r\n\
             DURATION:PT1H\r\n{}\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\n",
            self.zone, self.rule
        ))
    }

    /// The zone of a calendar, as good as the one of an object, but shorter: it may take a tenth of the steps.
    fn zone(self) -> String {
        calendar(&zone(self.zone, 4_000))
    }

    /// Sets it, several times: the last counts, and each must be one.
    fn set(self) -> String {
        let zone = format!("<C:calendar-timezone {CALDAV}>{}</C:calendar-timezone>", self.zone());
        format!("<D:set><D:prop>{}</D:prop></D:set>", zone.repeat(ZONES))
    }
}

/// This moment, and a second later.
async fn moment() -> i64 {
    let now = now();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    now
}

/// A day from now on.
fn day(from_now: i64) -> String {
    let at = Timestamp::now() + jiff::SignedDuration::from_hours(24 * from_now);
    at.strftime("%Y%m%dT000000Z").to_string()
}

fn range(element: &str) -> String {
    format!("<C:{element} start=\"{}\" end=\"{}\"/>", day(10), day(12))
}

fn query(data: &str, filter: &str, zone: &str) -> String {
    format!(
        "<C:calendar-query {CALDAV} xmlns:D=\"DAV:\"><D:prop><D:getetag/>{data}</D:prop><C:filter>\
         <C:comp-filter name=\"VCALENDAR\"><C:comp-filter \
         name=\"VEVENT\">{filter}</C:comp-filter></C:comp-filter></C:filter>{zone}\
         </C:calendar-query>"
    )
}

/// Keeps all who work from it until what this returns is dropped.
async fn keep_workers(world: &World) -> Vec<Sender<()>> {
    let workers = std::thread::available_parallelism().map_or(2, |processors| processors.get().max(2));
    let mut kept = Vec::new();
    for _ in 0..workers {
        let (free, wait) = channel::<()>();
        let (sender, begun) = tokio::sync::oneshot::channel();
        let (tree, mut sender) = (world.tree.clone(), Some(sender));
        let wait = move |_: &WorkSlice| {
            let _ = sender.take().map(|sender| sender.send(()));
            let _ = wait.recv();
            Some(())
        };
        tokio::spawn(async move { tree.work(Id(1), &Budget::default(), wait).await });
        begun.await.unwrap();
        kept.push(free);
    }
    kept
}

/// What a operation needs to know of rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Need {
    /// What has to be found out.
    Found,
    /// Nothing, or what is known by the hash of an object.
    Known,
}
use Need::{Found, Known};

/// A server, one who asks it, and what the server did for each operation.
struct Done {
    world: World,
    max: Client,
    texts: Texts,
    /// What the thread worked for each operation.
    operations: Vec<(&'static str, u64)>,
}

impl Done {
    async fn of(texts: Texts) -> Self {
        let world = World::new().await;
        let max = world.client("max");
        let mut done = Self { world, max, texts, operations: Vec::new() };
        done.change().await;
        done.read().await;
        done
    }

    /// Does one thing several times, each for itself; what has to be there for it comes before. The first time all who
    /// work are kept from it until others have written: that they can, and that the operation is done by then or not,
    /// as its `need` says.
    async fn operation(&mut self, what: &'static str, need: Need, operation: impl AsyncFn(&World, usize)) {
        let mut least = u64::MAX;
        for time in 0..TIMES {
            let kept = if time == 0 { keep_workers(&self.world).await } else { Vec::new() };
            let before = worked();
            let done = Cell::new(false);
            let operation = async {
                operation(&self.world, time).await;
                done.set(true);
            };
            let others = async {
                if !kept.is_empty() {
                    let lea = self.world.client("lea");
                    for _ in 0..WRITES {
                        let written = tokio::time::timeout(PATIENCE, lea.put("/files/tram/other", what).send()).await;
                        assert!(written.is_ok(), "{what}: others cannot write while rules are followed");
                    }
                    let right = self.texts != LONG || done.get() == (need == Need::Known);
                    assert!(right, "{what}: {need:?}, and done is {}", done.get());
                }
                drop(kept);
            };
            tokio::join!(operation, others);
            least = least.min(worked() - before);
        }
        self.operations.push((what, least));
    }

    /// The same of a request, which is not refused.
    async fn ask(&mut self, what: &'static str, need: Need, ask: impl AsyncFn(&Client, usize) -> Answer) {
        let max = self.max.clone();
        let asked = async |_: &World, time| {
            let answer = ask(&max, time).await;
            let refused = answer.status >= 400 || answer.text().contains("HTTP/1.1 403");
            assert!(!refused, "{what}: {}", answer.text());
        };
        self.operation(what, need, asked).await;
    }

    async fn change(&mut self) {
        let texts = self.texts;
        let at = |calendar: &str, time: usize| format!("{HOME}{calendar}/{time}.ics");
        let object = |time: usize| texts.object(&time.to_string());
        let max = self.max.clone();
        max.ask("MKCALENDAR", &format!("{HOME}other")).expect(201).await;
        self.ask("PUT", Found, async |max, time| max.put(&at("meetings", time), &object(time)).send().await).await;
        let first = moment().await;
        let again = |time: usize| object(time).replace("Meeting", "Other");
        self.ask("PUT again", Found, async |max, time| max.put(&at("meetings", time), &again(time)).send().await).await;
        let other = moment().await;
        let posted = |time: usize| texts.object(&format!("posted {time}"));
        let post = async |max: &Client, time| {
            max.ask("POST", &format!("{HOME}meetings/"))
                .header("Content-Type", "text/calendar")
                .body(&posted(time))
                .send()
                .await
        };
        self.ask("POST", Found, post).await;
        let owner = self.world.tree.owner("tram").await.unwrap();
        self.operation("import", Found, async |world, time| {
            let path = Path::of(&["calendars", "tram", "other"]);
            let other = Calendar::find(&world.tree, path, owner.clone()).await.unwrap().unwrap();
            let stream = texts.object(&format!("imported {time}"));
            other
                .import(&mut std::io::Cursor::new(stream), |done| assert!(matches!(done, Imported::Stored)))
                .await
                .unwrap();
        })
        .await;
        self.ask("COPY", Known, async |max, time| max.copy(&at("meetings", time), &at("other", time)).send().await)
            .await;
        let copies = |time: usize| format!("{HOME}copy{time}/");
        self.ask("COPY of all", Known, async |max, time| {
            max.copy(&format!("{HOME}meetings/"), &copies(time)).send().await
        })
        .await;
        self.ask("DELETE of all", Known, async |max, time| max.delete(&copies(time)).send().await).await;
        let trash = |name: &str| format!("/trash/tram/{name}");
        self.ask("restore of all", Known, async |max, time| {
            max.relocate(&trash(&format!("copy{time}")), &copies(time)).send().await
        })
        .await;
        self.ask("MOVE", Known, async |max, time| {
            max.relocate(&at("other", time), &format!("{HOME}other/moved {time}.ics").replace(' ', "%20")).send().await
        })
        .await;
        self.ask("DELETE", Known, async |max, time| max.delete(&at("meetings", time)).send().await).await;
        self.ask("restore", Known, async |max, time| {
            max.relocate(&trash(&format!("{time}.ics")), &at("meetings", time)).send().await
        })
        .await;
        let update =
            |to: String| format!("<D:update xmlns:D=\"DAV:\"><D:version><D:href>{to}</D:href></D:version></D:update>");
        self.ask("UPDATE", Found, async |max, time| {
            let history = max.propfind(&at("meetings", time), "0", "<D:version-history/>").expect(207).await;
            let history = history.property("version-history").unwrap().dav("href").unwrap().text();
            max.ask("UPDATE", &at("meetings", time)).body(&update(format!("{history}1"))).send().await
        })
        .await;
        let request = Request::of(Method::Update, Path::of(&["calendars", "tram", "meetings"]), owner.clone());
        self.operation("rewind", Found, async |world, time| {
            let done = world.tree.rewind(&request, if time % 2 == 0 { other } else { first }, &mut |_| {}).await;
            assert!(!done.unwrap().is_empty());
        })
        .await;
        self.ask("PROPPATCH", Found, async |max, _| {
            max.proppatch(&format!("{HOME}meetings/"), &texts.set()).send().await
        })
        .await;
        let made = format!("<C:mkcalendar {CALDAV} xmlns:D=\"DAV:\">{}</C:mkcalendar>", texts.set());
        let make = async |max: &Client, time| {
            let ask = max.ask("MKCALENDAR", &format!("{HOME}made{time}")).header("Content-Type", "application/xml");
            ask.body(&made).send().await
        };
        self.ask("MKCALENDAR", Found, make).await;
    }

    async fn read(&mut self) {
        let texts = self.texts;
        let meetings = format!("{HOME}meetings/");
        let report =
            async |max: &Client, body: String| max.report_at(&meetings).header("Depth", "1").body(&body).send().await;
        for time in 3..ZONES {
            self.max.copy(&format!("{HOME}made0/"), &format!("{HOME}made{time}/")).expect(201).await;
        }
        let id = format!("<C:calendar-timezone-id {CALDAV}/>");
        self.ask("PROPFIND", Known, async |max, _| max.propfind(HOME, "1", &id).send().await).await;
        let when = range("time-range");
        self.ask("query", Found, async |max, _| report(max, query("", &when, "")).await).await;
        let named = "<C:prop-filter name=\"SUMMARY\"><C:text-match>Meeting</C:text-match></C:prop-filter>";
        let filter = format!("{when}{named}");
        self.ask("query by name", Found, async |max, _| report(max, query("", &filter, "")).await).await;
        // Of a calendar without objects: only its zone is to be followed, or the one of the query.
        let text = format!("<C:timezone>{}</C:timezone>", texts.zone());
        for (what, zone) in [("query in a zone", ""), ("query with a zone", &text)] {
            let body = query("", &when, zone);
            let made = format!("{HOME}made0/");
            self.ask(what, Found, async |max, _| max.report_at(&made).header("Depth", "1").body(&body).send().await)
                .await;
        }
        let expand = format!("<C:calendar-data>{}</C:calendar-data>", range("expand"));
        self.ask("query, expanded", Found, async |max, _| report(max, query(&expand, &when, "")).await).await;
        let multiget = format!(
            "<C:calendar-multiget {CALDAV} xmlns:D=\"DAV:\"><D:prop>{expand}</D:prop><D:href>{meetings}0.ics</D:href>\
             </C:calendar-multiget>"
        );
        self.ask("multiget, expanded", Found, async |max, _| report(max, multiget.clone()).await).await;
        let busy = format!("<C:free-busy-query {CALDAV}>{when}</C:free-busy-query>");
        self.ask("free-busy", Found, async |max, _| report(max, busy.clone()).await).await;
        let object = format!("{meetings}0.ics");
        let json = async |max: &Client, _| max.get(&object).header("Accept", "application/calendar+json").send().await;
        self.ask("GET as jCal", Found, json).await;
        let (secret, name) = self.world.tree.add_feed("max", &meetings, FeedDetail::Full, None).await.unwrap();
        self.ask("feed", Found, async |max, _| max.get(&format!("/feeds/{secret}/{name}.ics")).send().await).await;
    }
}

#[tokio::test]
async fn no_rule_is_followed_on_a_thread_that_serves_or_while_a_change_is_open() {
    let object = Object::stored(LONG.object("x").as_bytes()).unwrap();
    let of_object = cost(|| bounds(&object, &Zones::new(&object.calendar, &TimeZone::UTC)));
    let of_zones = ZONES as u64 * cost(|| Zone::of_text(&LONG.zone()).unwrap());
    let (long, plain) = (Done::of(LONG).await, Done::of(PLAIN).await);
    let mut wrong = Vec::new();
    for ((what, worked), (_, usually)) in long.operations.iter().zip(&plain.operations) {
        let [worked, usually, object, zones] = [*worked, *usually, of_object, of_zones].map(|ns| ns / 1000);
        let line = format!("{what:20} {worked:6} us, {usually:6} without rules; those take {object}, of zones {zones}");
        eprintln!("{line}");
        if worked.saturating_sub(usually) > object.min(zones) / 2 {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The database answers so soon that a request which asks it thousands of times never waits for it.
#[tokio::test]
async fn who_asks_much_of_the_database_keeps_nobody_waiting() {
    let world = World::unflushed().await;
    let lea = world.client("lea");
    lea.mkcol("/files/lea/tree").expect(201).await;
    lea.mkcol("/files/lea/tree/0").expect(201).await;
    for number in 0..40 {
        lea.put(&format!("/files/lea/tree/0/{number}.txt"), "x").expect(201).await;
    }
    for number in 1..250 {
        lea.copy("/files/lea/tree/0/", &format!("/files/lea/tree/{number}/")).expect(201).await;
    }
    let long = tokio::spawn(async move {
        lea.sync("/files/lea/", "", "infinite", "").header("Depth", "0").expect(207).await;
    });
    let (max, mut answered) = (world.client("max"), 0);
    while !long.is_finished() {
        max.options("/files/max/").expect(200).await;
        answered += 1;
    }
    long.await.unwrap();
    assert!(answered >= 5, "{answered} requests were answered meanwhile");
}
