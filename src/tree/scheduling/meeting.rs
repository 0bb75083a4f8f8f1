//! All that must be known to say what a change of a meeting means to others, read in one view.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ledger::ledger_of;
use super::meeting_copy::MeetingCopy;
use super::plan::SeenObject;
use super::room_desk::desk_of;
use super::rooms::{BookedRoom, is_undecided};
use super::users::{AddressBook, BookableRoom, CalendarUsers};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::copy::organizer_address;
use crate::ical::itip::folder_link::is_linked;
use crate::ical::itip::ledger::ReplyLedger;
use crate::ical::itip::people::CalendarUser as Line;
use crate::ical::object::Object;
use crate::ical::recur::recurs;
use crate::model::budget::Budget;
use crate::model::calendar::{COMPONENTS, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::id::{Id, now};
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::room::{Booking, Room};
use crate::model::token::TokenSeal;
use crate::store::executor::Executor;
use crate::store::scheduling::{self, CalendarPrincipal, DefaultCalendar};
use crate::store::{body, meeting_folder, node, principal, room};
use crate::tree::acquaintance::known_to_outsider;
use crate::tree::target::CALENDARS;

/// Copies of a meeting of so many bytes in all are many; and by so much one is longer than others then that its owner
/// has made long.
const MANY_BYTES: i64 = 32 * 1024 * 1024;
const LONG_COPY_BYTES: i64 = 256 * 1024;
/// The most objects of a room that a meeting is held to, and how much of all rooms in it is read.
const MAX_BOOKINGS: i64 = 5000;
const MAX_BOOKED_BYTES: i64 = 16 * 1024 * 1024;

/// How many requests one may have at a room that its manager has not decided: at the time of another, and in all to
/// come.
struct RequestLimits {
    at_once: usize,
    in_all: i64,
}

/// Whose requests are counted at a room; `organizer`: `None` for all who ask by mail.
#[derive(Clone, Copy)]
struct Requesters<'a> {
    room: &'a Addresses,
    organizer: Option<&'a Addresses>,
}

const OF_PERSON: RequestLimits = RequestLimits { at_once: 10, in_all: 200 };
/// Of all who ask by mail, together: addresses cost nothing.
const OF_MAIL: RequestLimits = RequestLimits { at_once: 100, in_all: 1000 };

/// A meeting as it stands before a change of one of its objects.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// Its UID.
    pub uid: String,
    /// In whose home the object is changed.
    pub owner: Principal,
    /// That home.
    pub home: Id,
    /// The addresses of that principal.
    pub addresses: Addresses,
    /// How addresses are made.
    pub book: AddressBook,
    /// Makes the addresses at which attendees open what is attached.
    pub seal: Arc<TokenSeal>,
    /// The address to which answers come by mail, where there is mail.
    pub mailed_address: Option<String>,
    /// Who stands behind the addresses in the object, before and after.
    pub users: CalendarUsers,
    /// What others have of it, by home.
    pub copies: HashMap<Id, MeetingCopy>,
    /// Why its home can hold no other object of it, if it holds one.
    pub twin: Option<Refusal>,
    /// The homes of all who are in it, and that of the change.
    pub homes: Vec<Id>,
    /// The objects in these as they are.
    pub seen: Vec<SeenObject>,
    /// Where those without a copy receive one, by home; those whose calendar holds another object of that UID are not
    /// among them.
    pub receiving: HashMap<Id, DefaultCalendar>,
    /// The rooms in it, by home.
    pub rooms: HashMap<Id, BookedRoom>,
    /// Where it has a folder to which it bears the link: those in it who may read that.
    pub folder_readers: HashSet<Id>,
    /// What is known of answers.
    pub ledger: ReplyLedger,
    /// The highest SEQUENCE that was ever sent from the organizer's home, if something was.
    pub highest_sent: Option<u64>,
}

/// A change of an object.
#[derive(Clone, Debug)]
pub struct ChangedObject {
    /// Whose home it is in.
    pub owner: Id,
    /// That home.
    pub home: Id,
    /// The node, if there is one.
    pub node: Option<Id>,
    /// The object of another home that goes with the change.
    pub leaves: Option<Id>,
    /// What it says before.
    pub old: Option<Object>,
    /// What it is to say; `None`: it goes.
    pub new: Option<Object>,
    /// When it takes place then; never too narrow.
    pub range: TimeRange,
    /// Who makes the change.
    pub writer: Id,
    /// Addresses that the owner had, and that are nobody's any more.
    pub former_addresses: Vec<String>,
}

impl ChangedObject {
    fn texts(&self) -> impl Iterator<Item = &Object> {
        self.old.iter().chain(&self.new)
    }

    /// What the address of its organizer bears behind a `+`.
    fn tag(&self, seal: &TokenSeal) -> String {
        self.texts().next().map(|object| seal.meeting_tag(&object.uid)).unwrap_or_default()
    }

    /// All who are named in it.
    fn people(&self) -> impl Iterator<Item = CalendarUserAddress> {
        let lines = |object: &Object| -> Vec<CalendarUserAddress> {
            let named = object.parts().flat_map(|part| part.all("ORGANIZER").chain(part.all("ATTENDEE")));
            named.map(|line| Line::of(line).address()).collect()
        };
        let all: std::collections::BTreeSet<CalendarUserAddress> = self.texts().flat_map(lines).collect();
        all.into_iter()
    }
}

impl Meeting {
    /// Reads it.
    pub async fn read(
        c: &mut impl Executor,
        book: &AddressBook,
        seal: &Arc<TokenSeal>,
        change: &ChangedObject,
        budget: &Budget,
    ) -> Result<Option<Self>> {
        let Some(uid) = change.texts().next().map(|object| object.uid.clone()) else { return Ok(None) };
        let Some(mut owner) = principal::by_id(c, change.owner).await? else { return Ok(None) };
        owner.addresses.extend(change.former_addresses.iter().cloned());
        let mailed_address = book.mailed_address_of(&owner, &change.tag(seal));
        let mailed = Addresses::of(mailed_address.as_deref());
        let addresses = book.addresses_of(&owner).with(&mailed);
        let mut users = CalendarUsers::find(c, book, change.people()).await?;
        let homes: Vec<Id> = users.homes().chain([change.home]).collect();
        let nodes = scheduling::objects(c, &uid, &homes).await?;
        forget_strangers(c, &mut users, &nodes, change.writer).await?;
        let twin = second_object(c, &nodes, change, &owner).await?;
        let seen = nodes.iter().map(SeenObject::of).collect();
        let is_other = |node: &Node| Some(node.id) != change.node && Some(node.id) != change.leaves;
        let others: Vec<Node> = nodes.into_iter().filter(is_other).collect();
        let organizer = change.texts().last().and_then(organizer_address).and_then(|organizer| users.get(&organizer));
        let organizes_in = organizer.and_then(|organizer| organizer.home).unwrap_or(change.home);
        let organizes_in = if owner.kind == PrincipalKind::Project { change.home } else { organizes_in };
        let copies = read_copies(c, others, organizes_in, budget).await?;
        let copies: HashMap<Id, MeetingCopy> = copies.into_iter().map(|copy| (copy.node.home_id, copy)).collect();
        let component = change.texts().next().map_or("VEVENT", |object| object.component.as_str());
        let without: Vec<Id> =
            users.homes().filter(|home| !copies.contains_key(home) && *home != change.home).collect();
        let receiving = receiving(c, &without, component, &uid).await?;
        let ledger = ledger_of(scheduling::answers(c, organizes_in, &uid).await?);
        let desks = Desks { book, seal };
        let rooms = read_rooms(c, &users, change, &addresses, desks, budget).await?;
        let folder_readers = read_folder_readers(c, change, &uid, &users).await?;
        let highest_sent = scheduling::highest_sent(c, organizes_in, &uid).await?;
        let highest_sent = highest_sent.and_then(|sequence| u64::try_from(sequence).ok());
        let (book, home, seal) = (book.clone(), change.home, Arc::clone(seal));
        Ok(Some(Self {
            uid,
            owner,
            home,
            addresses,
            book,
            seal,
            mailed_address,
            users,
            copies,
            twin,
            homes,
            seen,
            receiving,
            rooms,
            folder_readers,
            ledger,
            highest_sent,
        }))
    }
}

/// Whom a partner may not know of is a stranger, who is written to, unless they are in the meeting already.
async fn forget_strangers(
    c: &mut impl Executor,
    users: &mut CalendarUsers,
    objects: &[Node],
    writer: Id,
) -> Result<()> {
    if let Some(known) = known_to_outsider(c, writer).await? {
        let takes_part = |user: &CalendarPrincipal| objects.iter().any(|object| Some(object.home_id) == user.home);
        users.retain(|user| known.contains(&user.principal.id) || takes_part(user));
    }
    Ok(())
}

/// Who of those in a meeting may read its folder; nobody is asked for where no link leads there.
async fn read_folder_readers(
    c: &mut impl Executor,
    change: &ChangedObject,
    uid: &str,
    users: &CalendarUsers,
) -> Result<HashSet<Id>> {
    if !change.texts().any(is_linked) {
        return Ok(HashSet::new());
    }
    match meeting_folder::folder(c, change.home, uid).await? {
        Some(folder) => Ok(meeting_folder::readers(c, folder, &users.principals(), now()).await?),
        None => Ok(HashSet::new()),
    }
}

/// The home of who is in a meeting holds one object of it (RFC 6638 section 3.2.4.1): it is named to who would make
/// another.
async fn second_object(
    c: &mut impl Executor,
    nodes: &[Node],
    change: &ChangedObject,
    owner: &Principal,
) -> Result<Option<Refusal>> {
    let twin = nodes.iter().find(|node| node.home_id == change.home && Some(node.id) != change.node);
    let Some(twin) = twin else { return Ok(None) };
    second_of(c, twin.home_id, twin.id, owner).await.map(Some)
}

/// A second object is refused where this one stands in a home.
pub(super) async fn second_of(c: &mut impl Executor, home: Id, object: Id, owner: &Principal) -> Result<Refusal> {
    let refusal = Refusal::of(Condition::UniqueSchedulingObjectResource);
    let names = node::names_between(c, home, object).await?;
    Ok(match names.as_deref() {
        Some([_, calendar, name]) => refusal.at(Path::of(&[CALENDARS, &owner.name, calendar, name]).href(false)),
        _ => refusal,
    })
}

/// What those in a meeting have of it. Where that is much, who has made their copy much longer
/// than others' has none that is read: it is in nobody else's way.
async fn read_copies(
    c: &mut impl Executor,
    nodes: Vec<Node>,
    organizes_in: Id,
    budget: &Budget,
) -> Result<Vec<MeetingCopy>> {
    let sizes = || nodes.iter().map(|node| node.size_bytes.max(0));
    let (all, shortest) = (sizes().fold(0, i64::saturating_add), sizes().min().unwrap_or_default());
    let longest = if all > MANY_BYTES { shortest.saturating_mul(4).saturating_add(LONG_COPY_BYTES) } else { i64::MAX };
    let is_short = |node: &Node| node.home_id == organizes_in || node.size_bytes <= longest;
    let (short, long): (Vec<Node>, Vec<Node>) = nodes.into_iter().partition(is_short);
    let mut copies = read_texts(c, short, budget).await?;
    copies.extend(long.into_iter().map(|node| MeetingCopy::of(node, None)));
    Ok(copies)
}

/// The texts of objects.
async fn read_texts(c: &mut impl Executor, nodes: Vec<Node>, budget: &Budget) -> Result<Vec<MeetingCopy>> {
    let bytes: i64 = nodes.iter().map(|node| node.size_bytes.max(0)).sum();
    budget.bytes(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    let hashes: Vec<&str> = nodes.iter().filter_map(|node| node.hash.as_deref()).collect();
    let texts = body::several(c, &hashes).await?;
    let copy = |node: Node| {
        let text = node.hash.as_ref().and_then(|hash| texts.get(hash)).cloned();
        MeetingCopy::of(node, text)
    };
    Ok(nodes.into_iter().map(copy).collect())
}

/// How the addresses are made at which managers of rooms answer.
#[derive(Clone, Copy)]
struct Desks<'a> {
    book: &'a AddressBook,
    seal: &'a TokenSeal,
}

/// The rooms among those in a meeting, and what they hold at its time. Of one that holds more than may be read only a
/// part is known: it says no, and nobody's change fails for what others have booked.
async fn read_rooms(
    c: &mut impl Executor,
    users: &CalendarUsers,
    change: &ChangedObject,
    owner: &Addresses,
    Desks { book, seal }: Desks<'_>,
    budget: &Budget,
) -> Result<HashMap<Id, BookedRoom>> {
    let (mut rooms, mut left) = (HashMap::new(), MAX_BOOKED_BYTES);
    let uid = change.texts().next().map_or("", |object| object.uid.as_str());
    for BookableRoom { room, home, name } in users.rooms() {
        let Some(known) = room::of(c, room).await? else { continue };
        let may_book = known.bookable_by.is_empty() || room::takes(c, room, &[change.owner, change.writer]).await?;
        let mut nodes = scheduling::bookings(c, home, change.range, uid, MAX_BOOKINGS).await?;
        let number = nodes.len() as i64;
        nodes.sort_by_key(|node| node.size_bytes);
        nodes.retain(|node| {
            left = left.saturating_sub(node.size_bytes.max(0));
            left >= 0
        });
        let is_cut = number >= MAX_BOOKINGS || (nodes.len() as i64) < number;
        let bookings = read_texts(c, nodes, budget).await?;
        let own = users.of_home(home).map(|user| book.addresses_of(&user.principal)).unwrap_or_default();
        // What came by mail is a change in the home of the room.
        let of = Requesters { room: &own, organizer: (change.home != home).then_some(owner) };
        let is_overasked = is_overasked(c, &known, home, change, of, &bookings, budget).await?;
        let seq = scheduling::last_change(c, home).await?;
        let decided = if known.booking == Booking::Manager { principal::by_id(c, room).await? } else { None };
        let desk = match decided {
            Some(room) => desk_of(c, book, seal, &known, &room, uid).await?,
            None => None,
        };
        rooms.insert(home, BookedRoom { room: known, name, may_book, bookings, is_cut, is_overasked, seq, desk });
    }
    Ok(rooms)
}

/// Has whoever asks a room as many undecided requests there already as one may have? All that is there is read by who
/// asks next, and where there is more than is read nobody books. `around`: what the room has at that time.
async fn is_overasked(
    c: &mut impl Executor,
    room: &Room,
    home: Id,
    change: &ChangedObject,
    of: Requesters<'_>,
    around: &[MeetingCopy],
    budget: &Budget,
) -> Result<bool> {
    let Some(new) = change.new.as_ref().filter(|_| room.booking == Booking::Manager) else { return Ok(false) };
    // What came by mail is written by nobody here.
    let author = of.organizer.map(|_| change.writer);
    let limits = if author.is_some() { OF_PERSON } else { OF_MAIL };
    let waits = |copy: &&MeetingCopy| {
        let is_theirs = of.organizer.is_some() || copy.node.author_id.is_none();
        is_theirs && copy.object().is_none_or(|object| is_undecided(object, of.room, of.organizer))
    };
    // A series is asked for at many times.
    if !new.parts().any(recurs) && around.iter().filter(waits).count() >= limits.at_once {
        return Ok(true);
    }
    let written = scheduling::written_by(c, home, author, now(), &new.uid, MAX_BOOKINGS).await?;
    if (written.len() as i64) < limits.in_all {
        return Ok(false);
    }
    let mut left = MAX_BOOKED_BYTES;
    let few = written.into_iter().take_while(|node| {
        left = left.saturating_sub(node.size_bytes.max(0));
        left >= 0
    });
    let written = read_texts(c, few.collect(), budget).await?;
    Ok(written.iter().filter(waits).count() as i64 >= limits.in_all)
}

/// Where some homes receive an object of a UID.
pub(super) async fn receiving(
    c: &mut impl Executor,
    homes: &[Id],
    component: &str,
    uid: &str,
) -> Result<HashMap<Id, DefaultCalendar>> {
    if homes.is_empty() {
        return Ok(HashMap::new());
    }
    let bit = COMPONENTS.iter().position(|known| *known == component).map_or(0, |at| 1_i64 << at);
    let found = scheduling::default_calendars(c, homes, bit).await?;
    let calendars: Vec<Id> = found.iter().map(|found| found.calendar.id).collect();
    let free = scheduling::free(c, &calendars, uid).await?;
    let into = found.into_iter().filter(|found| free.contains(&found.calendar.id));
    Ok(into.map(|found| (found.calendar.home_id, found)).collect())
}
