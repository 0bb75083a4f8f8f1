//! Observers are notified of every change: what was done, to what, by whom, for whom and by what right.

use std::sync::{Arc, Mutex};

use beffroi::model::calendar::FeedDetail;
use beffroi::model::id::{Id, now};
use beffroi::model::principal::DeviceScope;
use beffroi::model::privilege::Role;
use beffroi::model::room::Room;
use beffroi::model::version::{Retention, Thinning};
use beffroi::tree::administration::people::PersonChange;
use beffroi::tree::edit::authority::{Authority, VERBS, Verb};
use beffroi::tree::edit::event::ChangeEvent;

use super::kit::{World, event};

const DAY: i64 = 86_400;

pub type Events = Arc<Mutex<Vec<ChangeEvent>>>;

pub fn listening(world: &World) -> Events {
    let events = Events::default();
    let heard = Arc::clone(&events);
    world.tree.observe(move |event| heard.lock().unwrap().push(event.clone()));
    events
}

/// The events since this was called last.
pub fn since(events: &Events) -> Vec<ChangeEvent> {
    std::mem::take(&mut events.lock().unwrap())
}

fn verbs(events: &[ChangeEvent]) -> Vec<(Verb, &str)> {
    events.iter().map(|event| (event.verb, event.affected.name.as_str())).collect()
}

#[tokio::test]
async fn a_change_names_who_did_what_for_whom() {
    let world = World::new().await;
    let events = listening(&world);
    let max = world.client("max");
    // That a device was used is an event once an hour.
    max.get("/files/tram/").expect(200).await;
    assert_eq!(verbs(&since(&events)), [(Verb::NoteUse, "")]);
    max.put("/files/tram/plan.txt", "one").expect(201).await;
    let made = since(&events);
    assert_eq!(verbs(&made), [(Verb::Bind, "plan.txt")]);
    let ChangeEvent { actor, device, on_behalf_of, address, authority, affected, .. } = made[0].clone();
    let id = async |kind, name: &str| world.tree.principal(kind, name).await.unwrap().id;
    let person = beffroi::model::principal::PrincipalKind::Person;
    assert_eq!(actor, Some(id(person, "max").await));
    assert_eq!(on_behalf_of, Some(id(beffroi::model::principal::PrincipalKind::Project, "tram").await));
    assert_eq!((device.as_deref(), address.as_deref()), (Some("test"), Some("/files/tram/plan.txt")));
    assert_eq!((authority, affected.objects.len(), affected.home.is_some()), (Authority::Gate, 1, true));
    // In one's own home one acts for nobody else.
    max.put("/files/max/own.txt", "one").expect(201).await;
    assert_eq!(since(&events)[0].on_behalf_of, None);
    // The same node is named by all that is done to it.
    max.put("/files/tram/plan.txt", "two").expect(204).await;
    max.relocate("/files/tram/plan.txt", "/files/tram/other.txt").expect(201).await;
    max.delete("/files/tram/other.txt").expect(204).await;
    let done = since(&events);
    assert_eq!(verbs(&done), [(Verb::Replace, "plan.txt"), (Verb::Move, "other.txt"), (Verb::Unbind, "other.txt")]);
    assert!(done.iter().all(|event| event.affected.objects == affected.objects));
    // What is refused, or only read, is no event.
    world.client("rita").put("/files/tram/no.txt", "x").expect(403).await;
    max.get("/files/tram/").expect(200).await;
    assert!(verbs(&since(&events)).iter().all(|(verb, _)| *verb == Verb::NoteUse));
}

/// A change that is made is acknowledged, and all other observers are notified, whatever becomes of one.
#[tokio::test]
async fn an_observer_that_panics_harms_nobody() {
    let world = World::new().await;
    let before = listening(&world);
    world.tree.observe(|_| panic!("as it should"));
    let after = listening(&world);
    let max = world.client("max");
    max.put("/files/tram/a.txt", "one").expect(201).await;
    max.put("/files/tram/a.txt", "two").expect(204).await;
    max.get("/files/tram/a.txt").expect(200).await;
    let reported = since(&before);
    assert_eq!(reported.iter().filter(|event| event.verb == Verb::Replace).count(), 1);
    assert_eq!(reported, since(&after));
    world.tree.add_person("nina", "Nina", "nina@ville.example", None).await.unwrap();
    assert_eq!(since(&after).len(), 1);
}

/// Each row of the table of verbs, by each authority that may. A delivery is made by no request so far, and is
/// covered where it is tested (`tree/edit/delivery.rs`), as are who enters jobs, and mail (`tree/job/mail.rs`); what
/// older versions left is set right before anyone listens.
#[tokio::test]
async fn each_verb_is_an_event_by_each_authority_that_may() {
    let world = World::new().await;
    let events = listening(&world);
    let (lea, max) = (world.client("lea"), world.client("max"));
    let tree = &world.tree;

    tree.add_person("nina", "Nina", "nina@ville.example", None).await.unwrap();
    tree.add_device("nina", "phone", DeviceScope::All, false, None).await.unwrap();
    tree.revoke_device("nina", "phone").await.unwrap();
    tree.add_member("tram", "nina", Role::Reader, None).await.unwrap();
    tree.remove_member("tram", "nina").await.unwrap();
    tree.add_feed("lea", "/calendars/tram/meetings", FeedDetail::Busy, None).await.unwrap();
    tree.revoke_feed("lea", "/calendars/tram/meetings").await.unwrap();
    tree.add_freebusy("mairie", None).await.unwrap();
    tree.revoke_freebusy("mairie").await.unwrap();
    tree.add_group("team", "Team").await.unwrap();
    tree.join_group("team", "nina").await.unwrap();
    tree.leave_group("team", "nina").await.unwrap();
    tree.remove_group("team").await.unwrap();
    tree.add_room("hall", "Hall", "hall@ville.example", &Room::default()).await.unwrap();
    tree.remove_room("hall").await.unwrap();
    let change = PersonChange { display_name: Some("Nina Roux".to_owned()), ..PersonChange::default() };
    tree.set_person("nina", change).await.unwrap();
    let group = "<D:group-member-set><D:href>/principals/nina/</D:href></D:group-member-set>";
    let delegates = format!("<D:set><D:prop>{group}</D:prop></D:set>");
    lea.proppatch("/principals/lea/calendar-proxy-read/", &delegates).expect(207).await;
    tree.set_disabled("nina", true).await.unwrap();
    tree.remove_person("nina").await.unwrap();
    tree.add_project("bus", "Bus", None).await.unwrap();
    tree.close_project("bus").await.unwrap();
    tree.reopen_project("bus").await.unwrap();
    tree.set_meeting_folders("bus", true).await.unwrap();
    tree.release("tram", None).await.unwrap();
    tree.retry_jobs(None).await.unwrap();
    let kept =
        Retention { versions_days: Some(1), every: Thinning::Month, trash_days: 1, sync_days: 1, brake_percent: 50 };
    tree.set_retention("tram", &kept).await.unwrap();

    for text in ["one", "two", "three"] {
        lea.put("/files/tram/plan.txt", text).send().await;
    }
    lea.proppatch("/files/tram/plan.txt", "<D:set><D:prop><x xmlns=\"y\">1</x></D:prop></D:set>").expect(207).await;
    lea.put("/calendars/tram/meetings/a.ics", &event("a", "20260614")).expect(201).await;
    let colour = "<D:set><D:prop><c xmlns=\"http://apple.com/ns/ical/\">red</c></D:prop></D:set>";
    max.proppatch("/calendars/max/meetings@tram/", colour).expect(207).await;
    lea.relocate("/files/tram/plan.txt", "/files/tram/moved.txt").expect(201).await;
    super::sharing::shared_and_left(&world).await;
    lea.ask("ACL", "/files/tram/").body("<acl xmlns=\"DAV:\"/>").expect(200).await;
    let token = lea.locked("/files/tram/moved.txt", "exclusive", "0").await;
    lea.put("/files/tram/moved.txt", "a draft").token(&token).expect(204).await;
    lea.unlock_at("/files/tram/moved.txt").header("Lock-Token", &format!("<{token}>")).expect(204).await;
    lea.put("/files/tram/~$moved.txt", "litter").expect(201).await;
    lea.put("/files/tram/goes.txt", "x").expect(201).await;
    lea.delete("/files/tram/goes.txt").expect(204).await;
    lea.relocate("/trash/tram/goes.txt", "/files/tram/goes.txt").expect(201).await;
    lea.delete("/files/tram/goes.txt").expect(204).await;
    lea.delete("/trash/tram/goes.txt").expect(204).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let moment = now();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    lea.put("/files/tram/later.txt", "x").expect(201).await;
    let owner = tree.owner("tram").await.unwrap();
    let path = beffroi::model::path::Path::parse("/files/tram").unwrap();
    let request = beffroi::tree::gate::Request::of(beffroi::model::method::Method::Update, path, owner);
    tree.rewind(&request, moment, &mut |_| {}).await.unwrap();
    lea.put("/files/tram/empty.txt", "").expect(201).await;
    for number in 0..100 {
        lea.put(&format!("/files/lea/{number}"), "x").expect(201).await;
    }
    super::retention::sql(&world, "UPDATE node SET placed_at = placed_at - 7200, created_at = created_at - 7200").await;
    for number in 0..100 {
        lea.delete(&format!("/files/lea/{number}")).send().await;
    }
    tree.maintain(now() + 2 * DAY).await.unwrap();
    tree.maintain(now() + 90 * DAY).await.unwrap();
    super::retention::sql(&world, "UPDATE body SET stored_at = 0").await;
    tree.sweep().await.unwrap();

    let events = since(&events);
    let missing: Vec<_> = VERBS
        .iter()
        .filter(|row| {
            !matches!(row.verb, Verb::Repair | Verb::EnterJob | Verb::RunJob | Verb::QueueMail | Verb::SendMail)
        })
        .flat_map(|row| row.may.iter().map(|authority| (row.verb, *authority)))
        .filter(|(_, authority)| *authority != Authority::Delivery)
        .filter(|(verb, authority)| !events.iter().any(|event| (event.verb, event.authority) == (*verb, *authority)))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Each authority does what is its own.
    assert!(events.iter().all(|event| event.verb.is_of(event.authority)));
    assert!(events.iter().all(|event| (event.authority == Authority::Gate) == event.actor.is_some()));
    names_all_concerned(&world, &events).await;
}

/// Each event says what was done to what; that of a request by which device, at which address, and, in the home of
/// another, for whom. What one does to a calendar of another in one's own home is one's own affair.
async fn names_all_concerned(world: &World, events: &[ChangeEvent]) {
    use sqlx::Row as _;
    let homes = sqlx::query("SELECT node_id, principal_id FROM home").fetch_all(&mut world.database().await).await;
    let homes: Vec<(i64, i64)> = homes.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    let owner_of = |home: Id| homes.iter().find(|(known, _)| *known == home.0).map(|(_, owner)| Id(*owner));
    let command = world.tree.owner("tram").await.unwrap().id;
    for event in events {
        let of_all = matches!(event.verb, Verb::Sweep | Verb::RetryJob | Verb::EnterJob);
        assert!(of_all || event.affected.home.is_some() || !event.affected.objects.is_empty(), "{event:?}");
        if event.authority != Authority::Gate || event.verb == Verb::Hold {
            assert!(event.on_behalf_of.is_none() && event.address.is_none(), "{event:?}");
            continue;
        }
        assert!(event.address.is_some() && (event.device.is_some() || event.actor == Some(command)), "{event:?}");
        if matches!(event.verb, Verb::Personalize | Verb::LeaveCalendar | Verb::EnterJob) {
            assert_eq!(event.on_behalf_of, None, "{event:?}");
            continue;
        }
        let owner = event.affected.home.and_then(owner_of);
        assert!(owner.is_some(), "{event:?}");
        assert_eq!(event.on_behalf_of, owner.filter(|owner| Some(*owner) != event.actor), "{event:?}");
    }
}
