//! The queue of mail and the jobs that work it off, with a mail server that does what a test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::timeout;

use super::mail::{MAIL_JOBS, MAILS_OF_SENDER_PER_DAY, MAILS_PER_DAY, Mailer, Sending};
use crate::ical::itip::message::SchedulingMessage;
use crate::model::id::{Id, Timestamp, now};
use crate::model::mail::{Addressing, MailOutcome, MailState, QueuedMail, SendOutcome, WaitingMail};
use crate::model::mailbox::Mailbox;
use crate::model::node::ROOT;
use crate::store::executor::execute;
use crate::store::statement::Statement;
use crate::store::{body_references, mail};
use crate::tree::Tree;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::mail::{MailOccasion, NewMail, SEND_MAIL};

const EVENT: Id = Id(77);
const DAY_S: i64 = 86_400;

/// What was handed to the mail server: token and bytes.
type Sent = Vec<(String, String)>;

/// A mail server that answers as it is said, and accepts when nothing is.
#[derive(Default)]
struct FakeMailer {
    sent: Mutex<Sent>,
    answers: Mutex<VecDeque<Option<SendOutcome>>>,
    parts: Mutex<usize>,
}

impl FakeMailer {
    /// The next answers; `None`: none ever comes.
    fn answers(&self, answers: impl IntoIterator<Item = Option<SendOutcome>>) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn sent(&self) -> Sent {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

impl Mailer for FakeMailer {
    fn compose(&self, mail: &QueuedMail, message: &[u8], _: &str) -> Result<Vec<Vec<u8>>, String> {
        let text = String::from_utf8_lossy(message).into_owned();
        if text.contains("SUMMARY:unmailable") {
            return Err("it cannot be mailed".to_owned());
        }
        let update = Addressing::read(&mail.letter).unwrap().is_update;
        let parts = (*self.parts.lock().unwrap()).max(1);
        Ok((0..parts).map(|part| format!("{part} {update} {} {text}", mail.queued_at).into_bytes()).collect())
    }

    fn notices_from(&self) -> Option<Mailbox> {
        "Beffroi <beffroi@agenda.ville.fr>".parse().ok()
    }

    fn digest(&self, _: &QueuedMail, held: &[WaitingMail]) -> Result<Vec<u8>, String> {
        let text = |held: &WaitingMail| String::from_utf8_lossy(&held.message).into_owned();
        Ok(format!("digest {}", held.iter().map(text).collect::<String>()).into_bytes())
    }

    fn send(&self, mail: &QueuedMail, bytes: Vec<u8>) -> Sending {
        self.sent.lock().unwrap().push((mail.token.clone(), String::from_utf8(bytes).unwrap()));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Some(SendOutcome::Accepted));
        Box::pin(async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

struct Office {
    _folder: tempfile::TempDir,
    tree: Tree,
    mailer: Arc<FakeMailer>,
    outcomes: Arc<Mutex<Vec<MailOutcome>>>,
}

fn message(method: &str, sequence: i64, lines: &str) -> SchedulingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\nBEGIN:VEVENT\nUID:u\nDTSTAMP:{}Z\nSEQUENCE:{sequence}\n\
         DTSTART:20260102T000000Z\n{lines}END:VEVENT\nEND:VCALENDAR\n",
        jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S")
    );
    SchedulingMessage::parse(text.as_bytes()).unwrap()
}

const ONCE: &str = "RECURRENCE-ID:20260109T000000Z\n";

impl Office {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::open(folder.path(), true).await.unwrap();
        let (mailer, outcomes) = (Arc::new(FakeMailer::default()), Arc::<Mutex<Vec<MailOutcome>>>::default());
        tree.set_mailer(mailer.clone());
        let heard = Arc::clone(&outcomes);
        tree.on_mail_outcome(move |_, came| {
            heard.lock().unwrap().extend(came);
            Box::pin(async { Ok(()) })
        });
        Self { _folder: folder, tree, mailer, outcomes }
    }

    async fn queue_to(&self, to: &str, message: &SchedulingMessage, occasion: MailOccasion) {
        self.queue_about(EVENT, to, message, occasion).await;
    }

    async fn queue_about(&self, event: Id, to: &str, message: &SchedulingMessage, occasion: MailOccasion) {
        let addressing = Addressing {
            to: to.parse().unwrap(),
            from: "Projet <gymnase+t@agenda.ville.fr>".parse().unwrap(),
            reply_to: None,
            planner: None,
            language: "fr".to_owned(),
            is_update: false,
        };
        let new = NewMail { message, whole: None, addressing: &addressing, occasion };
        self.tree.queue_mail(event, &[new]).await.unwrap();
    }

    async fn queue(&self, message: &SchedulingMessage) {
        self.queue_to("Jean <Jean@ailleurs.fr>", message, MailOccasion::Change).await;
    }

    /// Begins each job that is due; what it comes to may take for ever.
    async fn work(&self, at: Timestamp) {
        for job in self.tree.jobs().await.unwrap() {
            if job.kind == SEND_MAIL && job.due_at <= at {
                let _ = timeout(Duration::from_millis(300), self.tree.send_mail(&job, at)).await;
            }
        }
    }

    async fn due_at(&self) -> Timestamp {
        let mails = self.mails().await;
        let of = |mail: &QueuedMail| format!("{} {}", mail.id, mail.attempt);
        let jobs = self.tree.jobs().await.unwrap();
        let waiting = mails.iter().filter(|mail| mail.finished_at.is_none());
        waiting.filter_map(|mail| Some(jobs.iter().find(|job| job.payload == of(mail))?.due_at)).min().unwrap()
    }

    async fn mails(&self) -> Vec<QueuedMail> {
        self.tree.mail_about(EVENT).await.unwrap()
    }

    /// How many bodies are named, and how many of those that nothing names are named all the same.
    async fn bodies(&self) -> (usize, usize) {
        let mut snapshot = self.tree.store.read().await.unwrap();
        let part = body_references::parts(&mut snapshot).await.unwrap().remove(0);
        let named = body_references::named(&mut snapshot, &part).await.unwrap();
        let unnamed = body_references::unnamed(&mut snapshot, &part, now() + DAY_S, &[]).await.unwrap();
        let kept: Vec<String> = named.into_iter().filter(|hash| hash.len() == 64).collect();
        (kept.len(), kept.iter().filter(|hash| unnamed.contains(hash)).count())
    }

    /// What was reported since, of whom.
    async fn reported(&self) -> Vec<(String, String)> {
        while let crate::tree::job::JobPoll::Again = self.tree.run_next(&MAIL_JOBS[2], now() + DAY_S * 3).await.unwrap()
        {
        }
        let outcomes = std::mem::take(&mut *self.outcomes.lock().unwrap());
        outcomes.into_iter().map(|outcome| (outcome.address.to_string(), outcome.status)).collect()
    }
}

fn status(status: &str) -> Vec<(String, String)> {
    vec![("jean@ailleurs.fr".to_owned(), status.to_owned())]
}

fn later() -> Option<SendOutcome> {
    Some(SendOutcome::Later("450 later".to_owned()))
}

fn in_doubt() -> Option<SendOutcome> {
    Some(SendOutcome::InDoubt("connection lost".to_owned()))
}

fn refused() -> Option<SendOutcome> {
    Some(SendOutcome::Refused("550 no such user".to_owned()))
}

/// After the time in which changes are merged.
fn soon() -> Timestamp {
    now() + 10
}

#[tokio::test]
async fn a_mail_is_sent_once_and_its_end_reported() {
    let office = Office::new().await;
    office.queue(&message("REQUEST", 0, "")).await;
    office.work(now()).await;
    assert!(office.mailer.sent().is_empty(), "it waits for what comes after it");
    office.work(soon()).await;
    assert_eq!(office.mailer.sent().len(), 1);
    let mail = office.mails().await.remove(0);
    assert_eq!((mail.state, mail.mail_hash, mail.message_hash), (MailState::Accepted, None, None));
    assert_eq!(office.reported().await, status("1.1"));
    // The job once more, and the same once more.
    office.work(soon()).await;
    office.queue(&message("REQUEST", 0, "")).await;
    office.work(soon()).await;
    assert!(office.mailer.sent().is_empty() && office.reported().await.is_empty());
    // Unless that is wanted.
    office.queue_to("jean@ailleurs.fr", &message("REQUEST", 0, ""), MailOccasion::Again).await;
    office.work(soon()).await;
    let sent = office.mailer.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].0 != mail.token && sent[0].1.starts_with("0 true"), "{sent:?}");
}

#[tokio::test]
async fn what_is_not_made_sends_nothing() {
    let office = Office::new().await;
    let mut edit = office.tree.job_edit().await.unwrap();
    let message = message("REQUEST", 0, "");
    let addressing = Addressing::read("a <a@x.fr>\nb <b@x.fr>\n\n\nfr\n\n").unwrap();
    let occasion = MailOccasion::Change;
    edit.queue_mail(EVENT, &[NewMail { message: &message, whole: None, addressing: &addressing, occasion }])
        .await
        .unwrap();
    edit.give_up().await;
    assert!(office.mails().await.is_empty() && office.tree.jobs().await.unwrap().is_empty());
}

/// A process that dies while a mail leaves: the next one sends the same bytes under the same name.
#[tokio::test]
async fn what_may_have_left_is_sent_again_byte_for_byte() {
    for lost in [None, in_doubt()] {
        let office = Office::new().await;
        office.queue(&message("REQUEST", 0, "")).await;
        office.mailer.answers([lost.clone()]);
        office.work(soon()).await;
        let state = if lost.is_none() { MailState::Sending } else { MailState::InDoubt };
        assert_eq!(office.mails().await[0].state, state);
        let at = office.due_at().await;
        assert!(at <= now() + 70, "the first retry comes within a minute");
        office.work(at.max(soon())).await;
        let sent = office.mailer.sent();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0], sent[1]);
        assert_eq!(office.reported().await, status("1.1"));
    }
}

#[tokio::test]
async fn waits_grow_until_it_is_given_up() {
    let office = Office::new().await;
    office.queue(&message("REQUEST", 0, "")).await;
    let begun = now();
    let (mut at, mut waits) = (soon(), Vec::new());
    while office.mails().await[0].finished_at.is_none() {
        office.mailer.answers([later()]);
        office.work(at).await;
        if office.mails().await[0].finished_at.is_none() {
            let next = office.due_at().await;
            waits.push(next - at);
            at = next;
        }
    }
    assert!(waits[0] <= 60 && waits.windows(2).all(|pair| pair[1] >= pair[0]), "{waits:?}");
    assert!((10..40).contains(&waits.len()), "{waits:?}");
    assert!((2 * DAY_S..2 * DAY_S + 5 * 3600).contains(&(at - begun)));
    assert_eq!(office.reported().await, status("5.1"));
    assert_eq!(office.mails().await[0].reason.as_deref(), Some("it could not be sent for two days"));
}

#[tokio::test]
async fn a_refusal_is_final_and_so_is_what_comes_back() {
    let office = Office::new().await;
    office.queue(&message("REQUEST", 0, "")).await;
    office.mailer.answers([refused()]);
    office.work(soon()).await;
    assert_eq!(office.reported().await, status("5.2"));
    assert_eq!(office.mails().await[0].reason.as_deref(), Some("550 no such user"));
    office.queue(&message("REQUEST", 1, "")).await;
    office.work(soon()).await;
    assert_eq!(office.reported().await, status("1.1"));
    let token = office.mails().await[1].token.clone();
    assert!(office.tree.mail_came_back(&token, true, "550").await.unwrap());
    assert_eq!(office.reported().await, status("5.2"));
    // It comes back once more, and what nobody sent.
    assert!(office.tree.mail_came_back(&token, false, "").await.unwrap());
    assert!(!office.tree.mail_came_back("0123", true, "").await.unwrap());
    assert!(office.reported().await.is_empty());
    office.queue(&message("REQUEST", 2, "SUMMARY:unmailable\n")).await;
    office.work(soon()).await;
    assert_eq!(office.reported().await, status("5.1"));
    assert_eq!(office.mails().await[2].reason.as_deref(), Some("it cannot be mailed"));
}

#[tokio::test]
async fn only_the_last_state_is_sent() {
    let office = Office::new().await;
    for sequence in 0..3 {
        office.queue(&message("REQUEST", sequence, &format!("SUMMARY:{sequence}\n"))).await;
    }
    office.work(soon()).await;
    let sent = office.mailer.sent();
    assert!(sent.len() == 1 && sent[0].1.contains("SUMMARY:2"), "{sent:?}");
    // The end of what was never sent is no mail; the end of what was, or may have been, is one.
    let table: [(Vec<Option<SendOutcome>>, bool, usize); 4] =
        [(vec![], false, 0), (vec![], true, 1), (vec![later()], true, 0), (vec![in_doubt()], true, 1)];
    for (answers, is_tried, number) in table {
        let office = Office::new().await;
        office.queue(&message("REQUEST", 0, "")).await;
        office.mailer.answers(answers.clone());
        if is_tried {
            office.work(soon()).await;
        }
        office.mailer.sent();
        office.queue(&message("CANCEL", 1, "")).await;
        office.work(now() + 4 * DAY_S / 3).await;
        let sent = office.mailer.sent();
        assert_eq!(sent.len(), number, "{answers:?} {is_tried}");
        assert!(sent.iter().all(|(_, text)| text.contains("METHOD:CANCEL")), "{sent:?}");
    }
}

/// Of two that are both worth sending the first goes first, however long it takes; those to others do not wait.
#[tokio::test]
async fn mail_to_one_person_stays_in_order() {
    let office = Office::new().await;
    office.queue(&message("REQUEST", 0, "")).await;
    office.queue(&message("CANCEL", 1, ONCE)).await;
    office.queue_to("anna@ailleurs.fr", &message("REQUEST", 0, ""), MailOccasion::Change).await;
    office.mailer.answers([later()]);
    office.work(soon()).await;
    let sent: Vec<bool> = office.mailer.sent().iter().map(|(_, text)| text.contains("METHOD:CANCEL")).collect();
    assert_eq!(sent, [false, false]);
    office.work(now() + 120).await;
    office.work(now() + 240).await;
    let sent: Vec<bool> = office.mailer.sent().iter().map(|(_, text)| text.contains("METHOD:CANCEL")).collect();
    assert_eq!(sent, [false, true]);
    // What waits for long does not look all the time.
    office.queue(&message("REQUEST", 2, "")).await;
    office.queue(&message("CANCEL", 3, ONCE)).await;
    let mut at = soon();
    while at < now() + DAY_S {
        office.mailer.answers([later()]);
        office.work(at).await;
        at = office.due_at().await.max(at + 1);
    }
    assert!(office.mails().await.last().unwrap().attempt < 150, "{:?}", office.mails().await.last());
}

#[tokio::test]
async fn one_address_gets_so_much_a_day() {
    let office = Office::new().await;
    for sequence in 0..MAILS_PER_DAY {
        office.queue(&message("REQUEST", sequence, "")).await;
        office.work(soon()).await;
    }
    assert_eq!(office.mailer.sent().len(), usize::try_from(MAILS_PER_DAY).unwrap());
    for sequence in [90, 91, 92] {
        office.queue(&message("REQUEST", sequence, "")).await;
        office.work(soon()).await;
    }
    office.queue_to("anna@ailleurs.fr", &message("REQUEST", 93, ""), MailOccasion::Change).await;
    office.work(soon()).await;
    assert_eq!(office.mailer.sent().len(), 1, "others get theirs");
    // What is held back is listed, once, whatever more there is.
    for _ in 0..2 {
        office.tree.queue_digest("jean@ailleurs.fr", soon()).await.unwrap();
        office.work(soon()).await;
        office.queue(&message("REQUEST", 93, "")).await;
        office.work(soon()).await;
    }
    let sent = office.mailer.sent();
    assert!(sent.len() == 1 && sent[0].1.starts_with("digest") && sent[0].1.contains("SEQUENCE:92"), "{sent:?}");
    // The next day the last state goes, and only that; however long it had to wait, it is no fault of its recipient.
    for day in 1..4 {
        office.work(now() + day * DAY_S - 7_200).await;
    }
    assert!(office.mails().await.iter().all(|mail| mail.state != MailState::Refused));
    let sent = office.mailer.sent();
    assert!(sent.len() == 1 && sent[0].1.contains("SEQUENCE:93"), "{sent:?}");
    // Nothing is held back, and nothing listed.
    office.tree.queue_digest("jean@ailleurs.fr", now() + 5 * DAY_S).await.unwrap();
    office.work(now() + 5 * DAY_S).await;
    assert!(office.mailer.sent().is_empty());
}

/// A message that goes out as several mails: each is kept and sent by itself.
#[tokio::test]
async fn a_message_may_be_several_mails() {
    let office = Office::new().await;
    *office.mailer.parts.lock().unwrap() = 3;
    office.queue(&message("REQUEST", 0, "")).await;
    office.mailer.answers([None]);
    office.work(soon()).await;
    office.work(soon()).await;
    let sent = office.mailer.sent();
    let token = office.mails().await[0].token.clone();
    let mut tokens: Vec<String> = sent.iter().map(|(token, _)| token.clone()).collect();
    tokens.sort();
    assert_eq!(tokens, [token.clone(), token.clone(), format!("{token}-1"), format!("{token}-2")]);
    assert_eq!(office.mails().await.iter().filter(|mail| mail.state == MailState::Accepted).count(), 3);
    assert!(office.tree.mail_came_back(&format!("{token}-2"), true, "").await.unwrap());
}

/// What is queued is in the database, and so is its content, until it is sent; then the last of each stays.
#[tokio::test]
async fn what_is_queued_is_kept_and_what_is_old_forgotten() {
    let office = Office::new().await;
    for sequence in 0..2 {
        office.queue(&message("REQUEST", sequence, "")).await;
        assert_eq!(office.bodies().await, (1, 0));
        office.mailer.answers([in_doubt()]);
        office.work(soon()).await;
        assert_eq!(office.bodies().await, (2, 0), "the message and the mail");
        office.work(now() + 120).await;
        assert_eq!(office.bodies().await.0, 0);
        assert!(office.tree.check(|_| {}).await.unwrap().damage.is_empty());
    }
    assert_eq!(office.reported().await.len(), 2);
    assert_eq!(office.tree.forget_mail(now()).await.unwrap(), 0);
    assert_eq!(office.tree.forget_mail(now() + 100 * DAY_S).await.unwrap(), 2, "the object is not there");
    assert!(office.mails().await.is_empty());
}

/// Word of documents says nothing of the meeting, and that nothing of them: neither takes the place of the other, and
/// what somebody knows of the meeting is not forgotten. Only its end goes before documents that wait.
#[tokio::test]
async fn word_of_documents_stands_beside_what_is_said_of_the_meeting() {
    let office = Office::new().await;
    let queue = async |method: &str, sequence, lines: &str| {
        let message = message(method, sequence, lines);
        office.queue_about(ROOT, "jean@ailleurs.fr", &message, MailOccasion::Change).await;
        let mails = office.tree.mail_about(ROOT).await.unwrap();
        mails.iter().map(|mail| mail.method.clone()).collect::<Vec<_>>()
    };
    queue("REQUEST", 0, "").await;
    office.work(soon()).await;
    queue("PUBLISH", 0, "ATTACH:https://x/a\n").await;
    queue("PUBLISH", 0, "ATTACH:https://x/a\n").await;
    assert_eq!(queue("PUBLISH", 0, "ATTACH:https://x/b\n").await, ["REQUEST", "PUBLISH", "PUBLISH"]);
    assert_eq!(queue("REQUEST", 0, "").await.len(), 3, "it is known");
    office.work(now() + 60).await;
    assert_eq!(office.mailer.sent().len(), 3);
    office.reported().await;
    assert_eq!(office.tree.forget_mail(now() + 100 * DAY_S).await.unwrap(), 2);
    assert_eq!(queue("REQUEST", 0, "").await, ["REQUEST"]);
    assert_eq!(queue("PUBLISH", 0, "ATTACH:https://x/c\n").await.len(), 2);
    assert_eq!(queue("CANCEL", 1, "").await, ["REQUEST", "CANCEL"]);
}

/// Two hundred invitations cost a change a few trips to the database, and not some for each.
#[tokio::test]
async fn many_mails_are_few_trips() {
    let office = Office::new().await;
    let message = message("REQUEST", 0, "");
    let (script, mut trips) = (office.tree.script(), Vec::new());
    for number in [2, 200] {
        let to = |at| Addressing::read(&format!("a{at} <a{number}-{at}@x.fr>\nb <b@x.fr>\n\n\nfr\n\n")).unwrap();
        let all: Vec<Addressing> = (0..number).map(to).collect();
        let occasion = MailOccasion::Change;
        let new = |addressing| NewMail { message: &message, whole: None, addressing, occasion };
        script.trips();
        office.tree.queue_mail(Id(number), &all.iter().map(new).collect::<Vec<_>>()).await.unwrap();
        trips.push(script.trips().len());
        assert_eq!(office.tree.mail_about(Id(number)).await.unwrap().len(), usize::try_from(number).unwrap());
    }
    assert!(trips[1] <= 12, "{trips:?}");
}

/// What is never mailed is no part of what waits; what is too much of the rest is not mailed at all.
#[tokio::test]
async fn books_are_not_mailed() {
    let office = Office::new().await;
    let file = format!("ATTACH;ENCODING=BASE64;VALUE=BINARY:{}\n", "AAAA".repeat(1 << 20));
    let alarm = "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM\n";
    office.queue(&message("REQUEST", 0, &format!("{file}ATTACH:https://b.ville.fr/a\n{alarm}"))).await;
    office.work(soon()).await;
    let sent = office.mailer.sent();
    assert!(sent[0].1.contains("ATTACH:https://b.ville.fr/a") && sent[0].1.len() < 1_000, "{}", sent[0].1.len());
    assert_eq!(office.reported().await, status("1.1"));
    office.queue(&message("REQUEST", 1, &format!("DESCRIPTION:{}\n", "a".repeat(2 << 20)))).await;
    office.work(soon()).await;
    assert_eq!(office.reported().await, status("5.1"));
    assert_eq!(office.mails().await[1].reason.as_deref(), Some("it is too large to be mailed"));
}

/// A row that is damaged is waited for by none.
#[tokio::test]
async fn mail_that_nobody_sends_is_in_no_other_mails_way() {
    let office = Office::new().await;
    office.queue(&message("REQUEST", 0, "")).await;
    let first = office.mails().await.remove(0);
    let mut edit = office.tree.job_edit().await.unwrap();
    let txn = edit.statements(Verb::SendMail).unwrap();
    assert!(mail::set_state(txn, &first, MailState::Refused, 7).await.unwrap());
    edit.commit().await.unwrap();
    office.queue(&message("REQUEST", 1, ONCE)).await;
    office.work(now() + 60).await;
    assert_eq!(office.mailer.sent().len(), 1);
}

/// Of a damaged row nothing is reported, once; and it keeps nobody else's from being reported.
#[tokio::test]
async fn a_row_without_an_outcome_is_done_with() {
    const WITHOUT_STATUS: Statement = Statement::undeclared("UPDATE mail SET status = NULL WHERE address LIKE 'a@%'");
    const WITHOUT_STATE: Statement = Statement::undeclared("UPDATE mail SET state = 99 WHERE address LIKE 'b@%'");
    let office = Office::new().await;
    for to in ["a@ailleurs.fr", "b@ailleurs.fr", "c@ailleurs.fr"] {
        office.queue_to(to, &message("REQUEST", 0, ""), MailOccasion::Change).await;
    }
    office.work(soon()).await;
    let mut edit = office.tree.job_edit().await.unwrap();
    for damage in [WITHOUT_STATUS, WITHOUT_STATE] {
        let done = execute(edit.statements(Verb::SendMail).unwrap(), damage, &[]).await.unwrap();
        assert_eq!(done, 1);
    }
    edit.commit().await.unwrap();
    let mut view = office.tree.store.read().await.unwrap();
    let first = mail::unreported(&mut view, EVENT, 2).await.unwrap();
    assert_eq!(first.iter().map(|mail| mail.address.as_str()).collect::<Vec<_>>(), ["a@ailleurs.fr", "c@ailleurs.fr"]);
    drop(view);
    assert_eq!(office.reported().await, [("c@ailleurs.fr".to_owned(), "1.1".to_owned())]);
    let mut view = office.tree.store.read().await.unwrap();
    assert_eq!(mail::unreported(&mut view, EVENT, 2).await.unwrap(), []);
}

/// However many addresses somebody thinks of, so many mails leave for them in a day; what is more waits and goes when
/// there is room again, and nobody is sent a list of what waits.
#[tokio::test]
async fn one_sender_causes_so_much_a_day() {
    let office = Office::new().await;
    let run = async |sql: &'static str| {
        let mut edit = office.tree.job_edit().await.unwrap();
        let done = execute(edit.statements(Verb::SendMail).unwrap(), Statement::undeclared(sql), &[]).await.unwrap();
        edit.commit().await.unwrap();
        i64::try_from(done).unwrap()
    };
    let sent_before = "INSERT INTO mail (id, node_id, address, method, instances, sequence, content, round, part, \
                       token, state, attempt, queued_at, finished_at, status, reported, letter, sender_id) WITH \
                       RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) SELECT i, 5, 'p' || \
                       i || '@x.fr', 'REQUEST', '', 0, '', 0, 0, 't' || i, 2, 0, unixepoch(), unixepoch(), '1.1', 1, \
                       '', 7 FROM n";
    assert_eq!(run(sent_before).await, MAILS_OF_SENDER_PER_DAY - 1);
    for to in ["a@ailleurs.fr", "b@ailleurs.fr", "c@ailleurs.fr", "d@ailleurs.fr"] {
        office.queue_to(to, &message("REQUEST", 0, ""), MailOccasion::Change).await;
    }
    assert_eq!(run("UPDATE mail SET sender_id = 7 WHERE address < 'd@' AND node_id = 77").await, 3);
    office.work(soon()).await;
    assert_eq!(office.mailer.sent().len(), 2, "one of theirs, and that of somebody else");
    office.work(soon() + 5 * 3_600).await;
    let digests = office.tree.jobs().await.unwrap().iter().filter(|job| job.kind == MAIL_JOBS[0].kind).count();
    assert_eq!((office.mailer.sent().len(), digests), (0, 0));
    let states = async || office.mails().await.iter().map(|mail| mail.state).collect::<Vec<_>>();
    assert_eq!(states().await.iter().filter(|state| **state == MailState::Queued).count(), 2);
    // The next day, however long it waited.
    for day in 1..4 {
        office.work(now() + day * DAY_S + 6 * 3_600).await;
    }
    assert_eq!(office.mailer.sent().len(), 2);
    assert!(states().await.iter().all(|state| *state == MailState::Accepted));
}
