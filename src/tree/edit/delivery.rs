//! Delivery: what a change puts into the calendars of others, in the same transaction.

use super::Edit;
use super::authority::Authority;
use super::content::{Content, FileContent};
use super::verbs::BindTarget;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::filename::match_name;
use crate::model::kind::Kind;
use crate::model::node::{Node, ROOT};
use crate::model::path::Path;
use crate::store::node::{self, Walk};
use crate::tree::target::{CALENDARS, keys};

/// A calendar of someone else.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// Whose home it is in.
    pub home: &'a str,
    /// Its name.
    pub calendar: &'a str,
}

impl Edit {
    /// Puts a calendar object there, whatever the person may do there whose change it is. Who delivers to many claims
    /// all their homes first (`Edit::claim_homes`).
    pub async fn deliver(&mut self, to: Recipient<'_>, name: &str, content: FileContent) -> Result<Node> {
        self.claim_homes([match_name(to.home)]).await?;
        let names = keys(to.home, CALENDARS, &[to.calendar.to_owned(), name.to_owned()]);
        let walk = Walk { actor: self.person(), now: self.now, start: ROOT, names: &names };
        let mut links = node::walk(&mut self.txn, walk).await?.into_iter().skip(3).map(|link| link.node);
        let Some(parent) = links.next().filter(|node| node.kind == Kind::Calendar) else {
            return Err(Condition::NotFound.into());
        };
        let (authority, collection) = self.begin_delivery(Path::of(&[CALENDARS, to.home, to.calendar]));
        let delivered = match links.next() {
            Some(object) => self.replace(object, &parent, content, None).await,
            None => {
                self.bind(BindTarget { parent, name: name.to_owned(), session: None }, Content::File(content)).await
            }
        };
        self.end_delivery(authority, collection);
        delivered
    }

    /// What is done from now on is a delivery into a collection; returned is what it was before. A refusal names
    /// nothing of the home that the person's request is about.
    pub(super) fn begin_delivery(&mut self, collection: Path) -> (Authority, Path) {
        let authority = std::mem::replace(&mut self.authority, Authority::Delivery);
        (authority, std::mem::replace(&mut self.collection, collection))
    }

    /// See [`Self::begin_delivery`].
    pub(super) fn end_delivery(&mut self, authority: Authority, collection: Path) {
        (self.authority, self.collection) = (authority, collection);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::retry::ATTEMPTS;
    use super::{Edit, Recipient};
    use crate::model::budget::Budget;
    use crate::model::calendar::Indexed;
    use crate::model::condition::Condition;
    use crate::model::error::{Error, Result};
    use crate::model::id::Id;
    use crate::model::job::NewJob;
    use crate::model::method::Method;
    use crate::model::node::Blob;
    use crate::model::path::Path;
    use crate::model::principal::PrincipalKind;
    use crate::tree::Tree;
    use crate::tree::edit::authority::{Authority, Verb};
    use crate::tree::edit::content::{Content, FileContent};
    use crate::tree::edit::event::AffectedObjects;
    use crate::tree::gate::Request;

    async fn meeting(tree: &Tree, uid: &str) -> FileContent {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART:20260102T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let prepared = tree.prepare(Id(1), &Budget::default(), text.into()).await;
        let (blob, indexed): (Blob, Indexed) = prepared.expect("an object");
        FileContent::object(blob, indexed)
    }

    async fn people(names: &[&str]) -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Tree::open(folder.path(), true).await.expect("a tree");
        for name in names {
            tree.add_person(name, name, &format!("{name}@x.example"), None).await.expect("a person");
        }
        (folder, tree)
    }

    /// A meeting of `from` that also comes to stand in the calendars of others, one after the other; how often it was
    /// begun.
    async fn invite(tree: &Tree, from: &str, to: &[&str], at_once: bool) -> Result<usize> {
        let actor = tree.owner(from).await.expect("a person");
        let request = Request::of(Method::Put, Path::of(&["calendars", from, "personal", "m.ics"]), actor);
        let meeting = meeting(tree, "m").await;
        let mut admitted = tree.write(&request).await?;
        for begun in 1.. {
            let mut done = admitted.bind(Content::File(meeting.clone())).await.map(drop);
            if at_once && done.is_ok() {
                done = admitted.store.claim_homes(to.iter().map(|name| (*name).to_owned())).await;
            }
            for home in to {
                if done.is_ok() {
                    let to = Recipient { home, calendar: "personal" };
                    done = admitted.store.deliver(to, "m.ics", meeting.clone()).await.map(drop);
                }
            }
            if let Some(missing) = admitted.store.precomputed.missing.take() {
                admitted = tree.retry(admitted, missing).await?;
                continue;
            }
            done?;
            admitted.commit().await?;
            return Ok(begun);
        }
        Ok(0)
    }

    async fn has_meeting(tree: &Tree, home: &str) -> bool {
        let actor = tree.owner(home).await.expect("a person");
        let request = Request::of(Method::Get, Path::of(&["calendars", home, "personal", "m.ics"]), actor);
        tree.read_one(&request).await.is_ok()
    }

    #[tokio::test]
    async fn a_meeting_comes_to_stand_with_all_or_with_none() {
        let (_folder, tree) = people(&["ada", "ben", "bob", "cem", "dea"]).await;
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        tree.observe(move |event| heard.lock().expect("no panic").push(event.clone()));
        assert_eq!(invite(&tree, "ada", &["ben", "dea"], false).await.expect("done"), 1, "in the order of names");
        let ada = tree.principal(PrincipalKind::Person, "ada").await.expect("a person").id;
        let heard_since = || std::mem::take(&mut *events.lock().expect("no panic"));
        let events = heard_since();
        let of = |authority| events.iter().filter(|event| event.authority == authority).count();
        assert_eq!((of(Authority::Gate), of(Authority::Delivery), events.len()), (1, 2, 3));
        assert!(events.iter().all(|event| event.verb == Verb::Bind && event.actor == Some(ada)));
        // Where one is, it becomes the next version of that.
        assert_eq!(invite(&tree, "bob", &["dea"], false).await.expect("done"), 1);
        let verbs: Vec<_> = heard_since().iter().map(|event| (event.verb, event.authority)).collect();
        assert_eq!(verbs, [(Verb::Bind, Authority::Gate), (Verb::Replace, Authority::Delivery)]);
        assert!(has_meeting(&tree, "ben").await && has_meeting(&tree, "dea").await);
        // Nobody has a calendar there: the whole is refused.
        let refused = invite(&tree, "cem", &["nobody"], false).await;
        assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.condition == Condition::NotFound));
        assert!(!has_meeting(&tree, "cem").await);
        tree.close().await;
    }

    #[tokio::test]
    async fn what_is_claimed_too_late_is_claimed_when_it_is_begun_anew() {
        let (_folder, tree) = people(&["ada", "ben", "cem", "dea", "eli", "zoe"]).await;
        assert_eq!(invite(&tree, "zoe", &["ada"], false).await.expect("done"), 2);
        tree.close().await;
        let (_folder, tree) = people(&["ada", "ben", "cem", "dea", "eli", "zoe"]).await;
        let all = ["eli", "dea", "cem", "ben", "ada"];
        // One after the other, in the worst order, has an end; and what was begun leaves nothing.
        let refused = invite(&tree, "zoe", &all, false).await;
        assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.condition == Condition::Busy));
        assert!(!has_meeting(&tree, "zoe").await && !has_meeting(&tree, "eli").await);
        assert!(all.len() > ATTEMPTS);
        // All at once, it is begun again once.
        assert_eq!(invite(&tree, "zoe", &all, true).await.expect("done"), 2);
        for home in all {
            assert!(has_meeting(&tree, home).await, "{home}");
        }
        tree.close().await;
    }

    /// Whoever changes something may have work done after it.
    #[tokio::test]
    async fn a_job_is_entered_by_every_authority() {
        let (_folder, tree) = people(&["ada"]).await;
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        tree.observe(move |event| heard.lock().expect("no panic").push((event.verb, event.authority)));
        let all = [Authority::Gate, Authority::Delivery, Authority::Job, Authority::Administration];
        for (key, authority) in ["a", "b", "c", "d"].into_iter().zip(all) {
            let mut edit = Edit::begin(&tree, authority).await.expect("an edit");
            edit.enqueue(NewJob { key, kind: "mail", payload: "", due_at: 1 }).await.expect("entered");
            edit.commit().await.expect("done");
        }
        assert_eq!(*events.lock().expect("no panic"), all.map(|authority| (Verb::EnterJob, authority)));
        let entered: Vec<_> = tree.jobs().await.expect("jobs").into_iter().map(|job| job.key).collect();
        assert_eq!(entered, ["a", "b", "c", "d"]);
        tree.close().await;
    }

    #[tokio::test]
    async fn no_verb_goes_beyond_its_authority() {
        let (_folder, tree) = people(&["ada"]).await;
        let mut job = tree.job_edit().await.expect("an edit");
        assert!(job.doing(Verb::Grant, AffectedObjects::default()).is_err());
        assert!(job.doing(Verb::Sweep, AffectedObjects::default()).is_ok());
        job.give_up().await;
        let mut administration = tree.administer().await.expect("an edit");
        assert!(administration.doing(Verb::Sweep, AffectedObjects::default()).is_err());
        administration.give_up().await;
        // A request writes where it said that it would, and nowhere else.
        let actor = tree.owner("ada").await.expect("a person");
        let request = Request::of(Method::Put, Path::of(&["files", "ada", "a.txt"]), actor);
        let admitted = tree.write(&request).await.expect("admitted");
        let home = admitted.target.parent().map(|link| link.node.home_id).expect("a home");
        let folder = admitted.parent().expect("a folder");
        assert!(admitted.store.authorize(Verb::Bind, folder.id).is_ok());
        assert!(admitted.store.authorize(Verb::Bind, home).is_err());
        assert!(admitted.store.authorize(Verb::Unbind, folder.id).is_err());
        assert!(admitted.store.authorize(Verb::Seal, folder.id).is_err());
        admitted.store.give_up().await;
        tree.close().await;
    }
}
