//! What is attached to a calendar object becomes a document in the folder of its meeting, in the same transaction. Who
//! may change the object may do that, whatever they may do among the documents; locks are held to.

use super::Edit;
use super::authority::bug;
use super::content::{ArrivingObject, CarriedDocument, CarriedDocuments, Content, FileContent, PropertyChange};
use super::precomputed::MissingInput;
use super::verbs::BindTarget;
use crate::ical::itip::attachments::mentions_managed;
use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::filename::{among_documents, match_name};
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::lock::Lock;
use crate::model::method::Method;
use crate::model::name::{BEFFROI, DAV, QName};
use crate::model::node::{Blob, Link, Node, ROOT};
use crate::model::path::Path;
use crate::model::version::{is_litter, nth};
use crate::store::node::{self, Walk};
use crate::store::property::{self, Selection};
use crate::store::scheduling::MeetingKey;
use crate::store::{body, meeting_folder, version};
use crate::tree::gate::{Admitted, Request, is_shown, shown};
use crate::tree::target::{FILES, Target, keys};

/// The folder of a home's documents in which the folders of its meetings are made.
pub const MEETINGS: &str = "Meetings";
/// Says of the folder of a meeting which event that is.
pub const MEETING: QName = QName::of(BEFFROI, "meeting");
/// How many names are tried where others bear the same.
const NAMES: usize = 1000;
/// Links from the root to the folder of all documents of a home.
const TOP: usize = 3;

/// A document of a meeting.
#[derive(Clone, Debug)]
pub struct MeetingDocument {
    /// The hash of the object that it was planned for.
    pub before: Option<String>,
    /// The meeting.
    pub uid: String,
    /// What a folder for it is called, if there is none yet.
    pub folder: String,
    /// What becomes of the document; `None`: it stays as it is.
    pub change: Option<DocumentChange>,
}

/// What becomes of a document.
#[derive(Clone, Debug)]
pub enum DocumentChange {
    /// It is new, and is called so if it can be.
    New(String, FileContent),
    /// It has other content.
    Replace(Id, FileContent),
}

impl Admitted<Edit> {
    /// What goes along with each of the objects that are moved to the destination. `None`: nothing, for it stays in its
    /// home, or nothing of that is attached to it. `arriving`: what one says there.
    pub(super) async fn carried_documents(
        &mut self,
        objects: &[Node],
        arriving: Option<&ArrivingObject>,
    ) -> Result<Vec<Option<CarriedDocuments>>> {
        let to = self.destination.as_ref().and_then(Target::parent).map(|parent| parent.node.home_id);
        let blob = arriving.and_then(|arriving| arriving.content.as_ref()).map(|content| &content.blob);
        let (mut carried, mut missing) = (Vec::new(), Vec::new());
        for source in objects {
            let leaves = self.request.method == Method::Move && to.is_some_and(|to| to != source.home_id);
            let stored = source.hash.as_deref().filter(|_| leaves && source.copied_kind() == Kind::Object);
            let (Some(stored), Some(to)) = (stored, to) else {
                carried.push(None);
                continue;
            };
            let text = body::inline(&mut self.store.txn, stored).await?;
            if !text.is_some_and(|text| mentions_managed(&text)) || !self.store.has_documents(to).await? {
                carried.push(None);
                continue;
            }
            let hash = blob.map_or(stored, |blob| blob.hash.as_str());
            let is_its = |known: &&CarriedDocuments| known.object == source.id && known.of == hash;
            match self.store.precomputed.carried.iter().find(is_its) {
                Some(known) => carried.push(Some(known.clone()).filter(|known| known.content.is_some())),
                None => missing.push(source.id),
            }
        }
        if missing.is_empty() { Ok(carried) } else { self.store.missing(MissingInput::Documents(missing)) }
    }

    /// The documents of what was moved come to stand at the destination.
    pub(super) async fn bind_carried(&mut self, carried: &CarriedDocuments) -> Result<()> {
        let to = self.destination.as_ref().and_then(Target::parent).map(|parent| parent.node.home_id);
        let to = to.ok_or_else(|| bug("documents without a destination"))?;
        let (authority, collection) = self.store.begin_delivery(Path::root());
        let done = self.store.add_carried(&self.request, to, carried).await;
        self.store.end_delivery(authority, collection);
        done
    }

    /// Stores a document of the meeting whose object the request changes.
    pub(super) async fn store_attached(&mut self, document: &MeetingDocument) -> Result<()> {
        let home = self.node()?.home_id;
        let (authority, collection) = self.store.begin_delivery(Path::root());
        let request = &self.request;
        let done = match &document.change {
            None => Ok(()),
            Some(DocumentChange::New(name, content)) => {
                self.store.add_document(request, home, document, name, content.clone()).await
            }
            Some(DocumentChange::Replace(id, content)) => {
                self.store.replace_document(request, home, *id, content.clone()).await
            }
        };
        self.store.end_delivery(authority, collection);
        done
    }
}

impl Edit {
    /// The links from the root to the documents of a home, and on by names, as far as they lead.
    async fn documents_of(&mut self, home: Id, below: &[String]) -> Result<Vec<Link>> {
        let name = node::home_name(&mut self.txn, home).await?.ok_or_else(|| bug("a home without a name"))?;
        let names = keys(&name, FILES, below);
        let walk = Walk { actor: self.person(), now: self.now, start: ROOT, names: &names };
        let links = node::walk(&mut self.txn, walk).await?;
        // A room has none.
        if links.len() < TOP { Err(Condition::CannotHold.into()) } else { Ok(links) }
    }

    /// The links from the root to a node that stands among the documents of a home. `None`: it does not.
    async fn document_links(&mut self, home: Id, document: Id) -> Result<Option<Vec<Link>>> {
        let links = self.documents_of(home, &[]).await?;
        let top = links.last().map(|link| link.node.id).unwrap_or_default();
        let Some(names) = node::names_between(&mut self.txn, top, document).await? else { return Ok(None) };
        let links = self.documents_of(home, &names).await?;
        Ok(Some(links).filter(|links| links.last().is_some_and(|link| link.node.id == document)))
    }

    async fn add_document(
        &mut self,
        request: &Request,
        home: Id,
        document: &MeetingDocument,
        name: &str,
        content: FileContent,
    ) -> Result<()> {
        let mut links = self.meeting_folder(Some(request), home, &document.uid, &document.folder).await?;
        let name = among_documents(name);
        // What is attached is no litter, whatever it is called.
        let name = if is_litter(&name) { format!("_{name}") } else { name };
        self.bind_below(Some(request), &mut links, &name, Content::File(content)).await
    }

    /// Has a home documents? A room has none.
    async fn has_documents(&mut self, home: Id) -> Result<bool> {
        match self.documents_of(home, &[]).await {
            Err(Error::Refused(refusal)) if refusal.condition == Condition::CannotHold => Ok(false),
            found => found.map(|_| true),
        }
    }

    async fn add_carried(&mut self, request: &Request, home: Id, carried: &CarriedDocuments) -> Result<()> {
        let links = self.meeting_folder(Some(request), home, &carried.uid, &carried.folder).await?;
        for CarriedDocument { node, identifier } in &carried.documents {
            let found = version::node(&mut self.txn, node.id).await?;
            let (Some(hash), true) =
                (&node.hash, found.is_some_and(|(now, gone)| gone.is_none() && now.hash == node.hash))
            else {
                return self.missing(MissingInput::Documents(vec![carried.object]));
            };
            let blob = Blob { hash: hash.clone(), size_bytes: node.size_bytes, inline: None };
            let content = FileContent {
                identifier: Some(*identifier),
                modified_at: Some(node.modified_at),
                ..FileContent::document(blob, node.content_type.clone().unwrap_or_default())
            };
            self.bind_below(Some(request), &mut links.clone(), &node.name, Content::File(content)).await?;
        }
        Ok(())
    }

    async fn replace_document(&mut self, request: &Request, home: Id, id: Id, content: FileContent) -> Result<()> {
        let links = self.document_links(home, id).await?.ok_or(Condition::Busy)?;
        unlocked(request, &links)?;
        let (Some(document), Some(parent)) = (links.last(), links.iter().rev().nth(1)) else {
            return Err(bug("a document without folder"));
        };
        let held = links.iter().flat_map(|link| &link.locks).find(|lock| is_shown(request, lock));
        let session = held.map(|lock| lock.token.clone());
        self.replace(document.node.clone(), &parent.node, content, session).await?;
        Ok(())
    }

    /// The links from the root to the folder of a meeting, which is made where there is none. `request`: whose locks
    /// are no hindrance.
    pub(super) async fn meeting_folder(
        &mut self,
        request: Option<&Request>,
        home: Id,
        uid: &str,
        name: &str,
    ) -> Result<Vec<Link>> {
        if let Some(known) = meeting_folder::folder(&mut self.txn, home, uid).await?
            && let Some(links) = self.document_links(home, known).await?
        {
            return Ok(links);
        }
        let mut links = self.documents_of(home, &[]).await?;
        let meetings = self.member(&links, MEETINGS).await?;
        match meetings.filter(|link| link.node.kind == Kind::Folder) {
            Some(link) => links.push(link),
            None => self.bind_below(request, &mut links, MEETINGS, Content::Folder).await?,
        }
        self.bind_below(request, &mut links, name, Content::Folder).await?;
        let folder = links.last().map(|link| link.node.id).unwrap_or_default();
        meeting_folder::put(&mut self.txn, home, uid, folder).await?;
        Ok(links)
    }

    /// Makes the folder of a meeting, unless there is one or was one that people have deleted, and says in it which
    /// event it is of.
    pub(in crate::tree) async fn make_meeting_folder(
        &mut self,
        of: &MeetingKey,
        name: &str,
        event: &Path,
    ) -> Result<()> {
        let home = node::home_name(&mut self.txn, of.home).await?;
        self.claim_homes(home.iter().map(|name| match_name(name))).await?;
        let links = match meeting_folder::folder(&mut self.txn, of.home, &of.uid).await? {
            Some(known) => self.document_links(of.home, known).await?,
            None => {
                let (authority, collection) = self.begin_delivery(Path::root());
                let made = self.meeting_folder(None, of.home, &of.uid, name).await;
                self.end_delivery(authority, collection);
                Some(made?)
            }
        };
        let mut links = links.unwrap_or_default().into_iter().rev().map(|link| link.node);
        let (Some(folder), Some(parent)) = (links.next(), links.next()) else { return Ok(()) };
        // What paths are written with is no markup.
        let xml = format!("<meeting xmlns=\"{BEFFROI}\"><href xmlns=\"{DAV}\">{}</href></meeting>", event.href(false));
        let known = property::of(&mut self.txn, folder.id, &Selection::of([&MEETING])).await?;
        if known.iter().all(|(_, known)| *known != xml) {
            self.apply(folder, Some(parent), &[PropertyChange::Set(MEETING, xml)]).await?;
        }
        Ok(())
    }

    /// Puts a document into the folder of a meeting, if there is one and nothing bears the name there.
    pub(in crate::tree) async fn store_in_meeting_folder(
        &mut self,
        of: &MeetingKey,
        name: &str,
        content: FileContent,
    ) -> Result<()> {
        let home = node::home_name(&mut self.txn, of.home).await?;
        self.claim_homes(home.iter().map(|name| match_name(name))).await?;
        let Some(folder) = meeting_folder::folder(&mut self.txn, of.home, &of.uid).await? else { return Ok(()) };
        let Some(mut links) = self.document_links(of.home, folder).await? else { return Ok(()) };
        if self.member(&links, name).await?.is_some() {
            return Ok(());
        }
        let (authority, collection) = self.begin_delivery(Path::root());
        let stored = self.bind_below(None, &mut links, name, Content::File(content)).await;
        self.end_delivery(authority, collection);
        stored
    }

    /// The member of the last link that bears a name.
    async fn member(&mut self, links: &[Link], name: &str) -> Result<Option<Link>> {
        let Some(parent) = links.last() else { return Ok(None) };
        let names = [match_name(name)];
        let walk = Walk { actor: self.person(), now: self.now, start: parent.node.id, names: &names };
        Ok(node::walk(&mut self.txn, walk).await?.into_iter().nth(1))
    }

    /// Something comes to stand in the last link, under a name or one like it that is free.
    async fn bind_below(
        &mut self,
        request: Option<&Request>,
        links: &mut Vec<Link>,
        wanted: &str,
        content: Content,
    ) -> Result<()> {
        match request {
            Some(request) => unlocked(request, links)?,
            None if covering(links).next().is_some() => return Err(Condition::LockTokenSubmitted.into()),
            None => {}
        }
        let parent: Node = links.last().map(|link| link.node.clone()).ok_or_else(|| bug("a name without a folder"))?;
        for number in 0..NAMES {
            let name = nth(wanted, number);
            if self.member(links, &name).await?.is_none() {
                let node = self.bind(BindTarget { parent, name, session: None }, content).await?;
                links.push(Link { node, ..Link::default() });
                return Ok(());
            }
        }
        Err(Condition::NameTaken.into())
    }
}

/// The locks that cover what some links lead to, each with the address of its root.
fn covering(links: &[Link]) -> impl Iterator<Item = (&Lock, String)> {
    let last = links.len().saturating_sub(1);
    // Between the home and its documents there is no segment.
    let names: Vec<&str> = links.iter().skip(TOP).map(|link| link.node.name.as_str()).collect();
    let home = links.get(1).map_or("", |link| link.node.name.as_str());
    links.iter().enumerate().skip(TOP - 1).flat_map(move |(at, link)| {
        let below = names.iter().take((at + 1).saturating_sub(TOP));
        let path = below.fold(Path::of(&[FILES, home]), |path, name| path.join(name));
        let href = path.href(link.node.is_collection());
        link.locks.iter().filter(move |lock| at == last || lock.deep).map(move |lock| (lock, href.clone()))
    })
}

fn unlocked(request: &Request, links: &[Link]) -> Result<()> {
    shown(request, covering(links))
}
