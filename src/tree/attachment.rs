//! Files attached to calendar objects (RFC 8607): what an action makes of the object, and who opens a file by its
//! address.
//!
//! A file is a document in the folder of its meeting (`edit::attachment`), and the line in the object is what binds the
//! two. So the address of an attendee opens what is attached to what they attend, and ends when either is no longer so.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;

use super::calendar::{blob, index};
use super::edit::attachment::{DocumentChange, MeetingDocument};
use super::edit::content::{CarriedDocument, CarriedDocuments, FileContent};
use super::edit::put::{PutContext, StoredContent};
use super::gate::Request;
use super::scheduling::text_of;
use super::target::{CALENDARS, FILES, zone};
use super::{BodyContent, CachedReader, Snapshot, Tree};
use crate::ical::itip::attachments::{
    AttachedFile, AttachmentFault, attach, attended, bears, is_while_in_folder, managed_id, managed_ids, managed_lines,
    mentions_managed, restored, while_in_folder,
};
use crate::ical::itip::context::SchedulingContext;
use crate::ical::object::{MAX_BYTES, Object, Property};
use crate::ical::time::When;
use crate::ical::zone::{Zone, Zones};
use crate::model::attachment::{
    AttachmentAction, AttachmentToken, LoginAddress, MAX_ATTACHMENTS, MAX_UID_BYTES, ManagedId,
};
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::{Detail, Error, Refusal, Result};
use crate::model::filename::{MAX_BYTES as MAX_NAME_BYTES, among_documents};
use crate::model::id::{Id, now};
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::node::{Blob, Node};
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::model::privilege::Privilege;
use crate::model::token::TokenSeal;
use crate::model::view::View;
use crate::store::executor::Executor;
use crate::store::{body, meeting_folder, node, principal, version};
use crate::tree::scheduling::users::CalendarUsers;

/// How often an action is planned where others change the object meanwhile.
const ATTEMPTS: usize = 8;
const DAY_S: i64 = 86_400;

/// A file that is attached.
#[derive(Clone, Debug)]
pub struct UploadedFile {
    /// Its bytes.
    pub blob: Blob,
    /// Its media type.
    pub media_type: String,
    /// Its name.
    pub name: String,
}

/// What is done with the attachments of an object.
#[derive(Clone, Debug)]
pub struct AttachmentChange {
    /// What.
    pub action: AttachmentAction,
    /// The file that comes.
    pub file: Option<UploadedFile>,
    /// How this server is reached, as addresses begin.
    pub server: String,
}

/// What came of it.
pub struct AttachedObject {
    /// The object.
    pub stored: StoredContent,
    /// What the attachment is called from now on.
    pub managed_id: Option<String>,
}

/// The object as it is to be, and its document.
struct PlannedAttachment {
    content: FileContent,
    document: MeetingDocument,
    managed_id: Option<String>,
}

/// A document that is opened by its address.
pub struct OpenedDocument {
    /// The document.
    pub node: Node,
    tree: Tree,
    reader: CachedReader,
}

impl OpenedDocument {
    /// Its content.
    pub async fn read(&mut self, start: u64, length: u64) -> Result<BodyContent> {
        self.tree.content(&mut self.reader, &self.node, start, length).await
    }
}

impl Tree {
    /// Changes what is attached to the object at the path of a request.
    pub async fn attach(&self, request: &Request, change: &AttachmentChange) -> Result<AttachedObject> {
        for _ in 0..ATTEMPTS {
            let PlannedAttachment { content, document, managed_id } = self.plan_attachment(request, change).await?;
            let context =
                PutContext { made_of: Some(&document.before), document: Some(&document), ..PutContext::default() };
            match self.put_with(request, content, context).await {
                Err(Error::Refused(refusal)) if refusal.condition == Condition::Busy => {}
                stored => return Ok(AttachedObject { stored: stored?, managed_id }),
            }
        }
        Err(Condition::Busy.into())
    }

    /// May what is attached to the object at the path of a request be changed? Asked before the file comes, too.
    pub async fn may_attach(&self, request: &Request) -> Result<()> {
        self.attachable(request).await.map(drop)
    }

    /// The object at the path of a request, to whose attachments its owner has the word.
    async fn attachable(&self, request: &Request) -> Result<(Snapshot, Node, Object)> {
        let mut admitted = self.read(request).await?;
        let Some(node) = admitted.target.node().cloned() else { return Err(Condition::NotFound.into()) };
        if node.view == View::Masked {
            let refusal = Refusal::of(Condition::NeedPrivileges).at(admitted.target.href());
            return Err(refusal.because(Detail::Privilege(Privilege::Read)).into());
        }
        let text =
            if node.kind == Kind::Object { text_of(&mut admitted.store, node.hash.as_deref()).await? } else { None };
        let object = text.ok_or(Condition::ValidCalendarObjectResource)?;
        if object.uid.len() > MAX_UID_BYTES {
            return Err(Condition::ValidCalendarObjectResource.into());
        }
        let mut view = admitted.store;
        if node.schedule_hash.is_some() && self.attends(&mut view, &node, &object, request.actor.id).await? {
            return Err(Condition::AllowedAttendeeChange.into());
        }
        Ok((view, node, object))
    }

    async fn plan_attachment(&self, request: &Request, change: &AttachmentChange) -> Result<PlannedAttachment> {
        let (mut view, node, object) = self.attachable(request).await?;
        let (before, uid, home) = (node.hash.clone(), object.uid.clone(), node.home_id);
        let document = match &change.file {
            Some(file) => Some(self.document_change(&mut view, home, change, file).await?),
            None => None,
        };
        drop(view);
        let seal = &self.store.seal;
        let known = document.as_ref().zip(change.file.as_ref()).map(|(document, file)| {
            let (document, name) = match document {
                DocumentChange::New(_, content) => (content.identifier.unwrap_or_default(), &file.name),
                DocumentChange::Replace(id, _) => (*id, &file.name),
            };
            let (id, size_bytes) = (ManagedId::of(document, &file.blob.hash), file.blob.size_bytes);
            AttachedFile { server: &change.server, id, name, media_type: &file.media_type, size_bytes }
        });
        let (line, managed_id) = (known.map(|file| file.line(&uid, seal)), known.map(|file| file.id.write(seal)));
        let (action, of) = (change.action.clone(), request.budget.clone());
        let work = move |_: &_| Some(attached(&object, &action, line.as_slice(), &of));
        let (content, folder) = self.work(request.actor.id, &request.budget, work).await??;
        let document = MeetingDocument { before, uid, folder, change: document };
        Ok(PlannedAttachment { content, document, managed_id })
    }

    /// What becomes of the document: another state of it is its next version, unless it is of another type, or gone.
    async fn document_change(
        &self,
        view: &mut Snapshot,
        home: Id,
        change: &AttachmentChange,
        file: &UploadedFile,
    ) -> Result<DocumentChange> {
        let content = FileContent::document(file.blob.clone(), file.media_type.clone());
        if let AttachmentAction::Update(id) = &change.action {
            let id = ManagedId::read(id, &self.store.seal).ok_or(Condition::ValidManagedIdParameter)?;
            let ending = |name: &str| name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
            let known = standing_document(view, id.document).await?.filter(|known| known.home_id == home);
            if known.is_some_and(|known| ending(&known.name) == ending(&file.name)) {
                return Ok(DocumentChange::Replace(id.document, content));
            }
        }
        let identifier = Some(Id::generate());
        Ok(DocumentChange::New(file.name.clone(), FileContent { identifier, ..content }))
    }

    /// What a client stores, with the lines of attachments as the server has given them. `None`: it has no other.
    /// Refused where it names some that were never given, or not to whose object it is.
    pub(super) async fn with_kept_attachments(
        &self,
        request: &Request,
        content: &FileContent,
    ) -> Result<Option<FileContent>> {
        let text = content.blob.inline.as_ref().filter(|text| content.indexed.is_some() && mentions_managed(text));
        let Some(object) = text.and_then(|text| Object::stored(text).ok()) else { return Ok(None) };
        let sent = managed_ids(&object);
        match sent.len() {
            0 => return Ok(None),
            1..=MAX_ATTACHMENTS => {}
            _ => return Err(Condition::MaxAttachmentsPerResource.into()),
        }
        let mut admitted = self.read(request).await?;
        let Some(home) = admitted.target.parent().map(|parent| parent.node.home_id) else { return Ok(None) };
        let view = &mut admitted.store;
        let mut own = Vec::new();
        for (node, _) in meeting_folder::objects(view, home, &object.uid).await? {
            let lines = text_of(view, node.hash.as_deref()).await?.as_ref().map(managed_lines).unwrap_or_default();
            own.extend(Some((node, lines)).filter(|(_, lines)| sent.iter().any(|id| lines.contains_key(id))));
        }
        drop(admitted);
        let mut known = BTreeMap::new();
        for (node, lines) in own {
            if self.reads(&node, CALENDARS, &request.actor).await? {
                known.extend(lines);
            }
        }
        for id in sent {
            if let Entry::Vacant(unknown) = known.entry(id) {
                let line = self.given_elsewhere(&request.actor, home, &object, unknown.key()).await?;
                unknown.insert(line.ok_or(Condition::ValidManagedId)?);
            }
        }
        let work = move |_: &_| {
            let kept = restored(&object, &known);
            Some(kept.map(|object| content_of(&object)).transpose())
        };
        let kept = self.work(request.actor.id, &Budget::default(), work).await??;
        Ok(kept.map(|kept| FileContent { modified_at: content.modified_at, ..kept }))
    }

    /// The line of an attachment that was given to another object of the same home (RFC 8607 section 3.7), to who may
    /// open it: whoever could once has not kept that by knowing what it is called.
    async fn given_elsewhere(
        &self,
        actor: &Actor,
        home: Id,
        object: &Object,
        written: &str,
    ) -> Result<Option<Property>> {
        let Some(id) = ManagedId::read(written, &self.store.seal).filter(|_| object.uid.len() <= MAX_UID_BYTES) else {
            return Ok(None);
        };
        let found = standing_document(&mut self.store.cached(), id.document).await?;
        let Some(document) = found.filter(|known| known.home_id == home) else { return Ok(None) };
        if !self.reads(&document, FILES, actor).await? && !self.reads_meeting_of(&document, actor).await? {
            return Ok(None);
        }
        let mut lines = object.parts().flat_map(|part| &part.properties);
        let sent = lines.find(|line| managed_id(line).as_deref() == Some(written));
        Ok(sent.map(|line| document_line(&document, id, line, &object.uid, &self.store.seal)))
    }

    /// What is attached to an object that a request moves to another home, and stands among the documents of its own:
    /// each gets another name. `None`: the object is gone.
    pub(super) async fn carried_documents(
        &self,
        request: &Request,
        object: Id,
        arriving: Option<FileContent>,
    ) -> Result<Option<CarriedDocuments>> {
        let mut view = self.store.read().await?;
        let Some((node, _)) = version::node(&mut view, object).await? else { return Ok(None) };
        let arriving = arriving.map(|content| content.blob);
        let Some(of) = arriving.as_ref().map(|blob| blob.hash.clone()).or(node.hash.clone()) else { return Ok(None) };
        let mut carried = CarriedDocuments {
            object,
            of,
            content: None,
            uid: String::new(),
            folder: String::new(),
            documents: vec![],
        };
        let text = match arriving.and_then(|blob| blob.inline) {
            Some(text) => Object::stored(&text).ok(),
            None => text_of(&mut view, node.hash.as_deref()).await?,
        };
        let Some(object) = text.filter(|object| object.uid.len() <= MAX_UID_BYTES) else { return Ok(Some(carried)) };
        let (mut lines, mut identifiers) = (BTreeMap::new(), BTreeMap::new());
        for (written, line) in managed_lines(&object).into_iter().take(MAX_ATTACHMENTS) {
            let Some(id) = ManagedId::read(&written, &self.store.seal) else { continue };
            let found = standing_document(&mut view, id.document).await?;
            let Some(document) = found.filter(|document| document.home_id == node.home_id) else { continue };
            let identifier = *identifiers.entry(document.id).or_insert_with(Id::generate);
            let id = ManagedId::of(identifier, document.hash.as_deref().unwrap_or_default());
            let new = document_line(&document, id, &line, &object.uid, &self.store.seal);
            // It comes to lie in the folder of the meeting there.
            lines.insert(written, if is_while_in_folder(&line) { while_in_folder(&new) } else { new });
            if carried.documents.iter().all(|known| known.node.id != document.id) {
                carried.documents.push(CarriedDocument { node: document, identifier });
            }
        }
        drop(view);
        let of = request.budget.clone();
        let work = move |_: &_| {
            let changed = restored(&object, &lines);
            let folder = folder_name(&object, &Zone::Known(zone()), &of);
            Some(
                changed
                    .map(|object| content_of(&object))
                    .transpose()
                    .map(|content| (content, object.uid.clone(), folder)),
            )
        };
        let (content, uid, folder) = self.work(request.actor.id, &request.budget, work).await??;
        let modified_at = Some(node.modified_at);
        carried.content = content.map(|content| FileContent { modified_at, ..content });
        Ok(Some(CarriedDocuments { uid, folder, ..carried }))
    }

    /// May someone read a meeting that a document is attached to, and in whose folder it stands?
    async fn reads_meeting_of(&self, document: &Node, actor: &Actor) -> Result<bool> {
        let mut reader = self.store.cached();
        let Some(uid) = meeting_folder::meeting(&mut reader, document.parent_id).await? else { return Ok(false) };
        for (object, _) in meeting_folder::objects(&mut reader, document.home_id, &uid).await? {
            let text = stored_text(&mut reader, &object).await?;
            let object_of = text.and_then(|text| Object::stored(&text).ok());
            let ids = object_of.as_ref().map(managed_ids).unwrap_or_default();
            let is_its =
                |id: &String| ManagedId::read(id, &self.store.seal).is_some_and(|known| known.document == document.id);
            if ids.iter().any(is_its) && self.reads(&object, CALENDARS, actor).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// May someone read what stands in the calendars or among the documents of a home, and sees all of it?
    async fn reads(&self, node: &Node, space: &str, actor: &Actor) -> Result<bool> {
        let mut reader = self.store.cached();
        let Some(owner) = principal::by_id(&mut reader, node.owner_id).await? else { return Ok(false) };
        let Some(names) = node::names_between(&mut reader, node.home_id, node.id).await? else { return Ok(false) };
        let below = names.iter().skip(1);
        let path = below.fold(Path::of(&[space, &owner.name]), |path, name| path.join(name));
        match self.read_one(&Request::of(Method::Get, path, actor.clone())).await {
            Ok(admitted) => {
                let found = admitted.target.node();
                Ok(found.is_some_and(|found| found.id == node.id && found.view == View::Present))
            }
            Err(Error::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The document of an address that was made for an attendee, who opens it until some days after the last
    /// occurrence. `None`: it opens nothing, or nothing any more; which of these, nobody learns.
    pub async fn open_for_attendee(
        &self,
        token: &AttachmentToken,
        days: u32,
        budget: &Budget,
    ) -> Result<Option<OpenedDocument>> {
        let mut reader = self.store.cached();
        let Some(document) = standing_document(&mut reader, token.id.document).await? else { return Ok(None) };
        budget.belongs_to(document.home_id)?;
        let least = now().saturating_sub(i64::from(days).saturating_mul(DAY_S));
        let in_folder = is_in_folder(&mut reader, &document, &token.uid).await?;
        for (object, last_at) in meeting_folder::objects(&mut reader, document.home_id, &token.uid).await? {
            if last_at < least {
                continue;
            }
            let Some(text) = stored_text(&mut reader, &object).await? else { continue };
            let (of, seal) = (token.clone(), std::sync::Arc::clone(&self.store.seal));
            let attendee = move |object: &Object| attended(object, &of, in_folder, &seal);
            let work = move |_: &_| Some(Object::stored(&text).ok().as_ref().and_then(&attendee));
            let Some(address) = self.work(document.home_id, budget, work).await? else { continue };
            let users = CalendarUsers::find(&mut reader, &self.address_book(), [address.clone()]).await?;
            // Who may not log in any more opens nothing in another way.
            if users.get(&address).is_none_or(|user| user.principal.disabled_at.is_none()) {
                return Ok(Some(OpenedDocument { node: document, tree: self.clone(), reader }));
            }
        }
        Ok(None)
    }

    /// The document of an address for those who log in: whoever reads the object that it is attached to, or the
    /// document itself.
    pub async fn open_for_login(
        &self,
        token: &AttachmentToken,
        actor: &Actor,
        budget: &Budget,
    ) -> Result<Option<OpenedDocument>> {
        let mut reader = self.store.cached();
        let Some(document) = standing_document(&mut reader, token.id.document).await? else { return Ok(None) };
        let in_folder = is_in_folder(&mut reader, &document, &token.uid).await?;
        let mut places = Vec::new();
        for (object, _) in meeting_folder::objects(&mut reader, document.home_id, &token.uid).await? {
            let Some(text) = stored_text(&mut reader, &object).await? else { continue };
            let (of, seal) = (token.clone(), std::sync::Arc::clone(&self.store.seal));
            let work =
                move |_: &_| Some(Object::stored(&text).is_ok_and(|object| bears(&object, &of, in_folder, &seal)));
            if self.work(actor.id, budget, work).await? {
                places.push((object, CALENDARS));
            }
        }
        places.push((document.clone(), FILES));
        for (node, space) in places {
            if self.reads(&node, space, actor).await? {
                return Ok(Some(OpenedDocument { node: document, tree: self.clone(), reader }));
            }
        }
        Ok(None)
    }
}

/// A document that stands among the documents of a home.
async fn standing_document(c: &mut impl Executor, id: Id) -> Result<Option<Node>> {
    let found = version::node(c, id).await?.filter(|(node, gone)| node.kind == Kind::File && gone.is_none());
    let Some((document, _)) = found else { return Ok(None) };
    let names = node::names_between(c, document.home_id, id).await?;
    Ok(names.map(|_| document))
}

/// Does a document lie in the folder of the meeting of a UID, or below?
async fn is_in_folder(c: &mut impl Executor, document: &Node, uid: &str) -> Result<bool> {
    let Some(folder) = meeting_folder::folder(c, document.home_id, uid).await? else { return Ok(false) };
    Ok(node::names_between(c, folder, document.id).await?.is_some())
}

/// The line by which a document is attached to an object of a UID under a name, where another line has it already.
fn document_line(document: &Node, id: ManagedId, known: &Property, uid: &str, seal: &TokenSeal) -> Property {
    let named = known.parameter("FILENAME").map(|name| file_name(&name));
    let file = AttachedFile {
        server: LoginAddress::read(known.value()).map_or("", |address| address.server),
        id,
        name: named.as_deref().unwrap_or(&document.name),
        media_type: document.content_type.as_deref().unwrap_or_default(),
        size_bytes: document.size_bytes,
    };
    file.line(uid, seal)
}

async fn stored_text(c: &mut impl Executor, object: &Node) -> Result<Option<Bytes>> {
    let Some(hash) = object.hash.as_deref() else { return Ok(None) };
    Ok(body::inline(c, hash).await?)
}

/// The object after an action, and what a folder for its meeting is called. Rules may be followed for it.
fn attached(
    object: &Object,
    action: &AttachmentAction,
    lines: &[Property],
    budget: &Budget,
) -> Result<(FileContent, String)> {
    let floating = Zone::Known(zone());
    let context = SchedulingContext { now: now(), floating: &floating, budget };
    let changed = attach(object, action, lines, context).map_err(refused)?;
    Ok((content_of(&changed)?, folder_name(&changed, &floating, budget)))
}

/// An object as content.
fn content_of(object: &Object) -> Result<FileContent> {
    let mut text = String::new();
    object.calendar.write(&mut text);
    if text.len() > MAX_BYTES {
        return Err(Condition::MaxResourceSize.into());
    }
    Ok(FileContent::object(blob(Bytes::from(text)), index(object)))
}

/// What the folder of a meeting is called: its day and its title, as Windows can show them.
pub(super) fn folder_name(object: &Object, floating: &Zone, budget: &Budget) -> String {
    let zones = Zones::new(&object.calendar, floating).within(budget);
    let first = object.master().or_else(|| object.parts().next());
    let start = first.and_then(|part| part.property("DTSTART").or_else(|| part.property("DUE"))).and_then(When::of);
    // By the clock of the server, unless it is a day.
    let shown = |when: &When| if when.is_day() { when.local } else { floating.local(zones.instant(when)) };
    let day = start.map(|when| shown(&when).date().to_string()).unwrap_or_default();
    let title = first.and_then(|part| part.property("SUMMARY")).map(Property::text).unwrap_or_default();
    file_name(format!("{day} {}", title.trim()).trim())
}

/// A text as a name among documents, which leaves room for what makes it another.
#[must_use]
pub fn file_name(text: &str) -> String {
    const LONGEST: usize = 120;
    let single: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let ending = single.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| (1..=8).contains(&ending.len()));
    let mut stem =
        ending.and_then(|ending| single.get(..single.len() - ending.len() - 1)).unwrap_or(&single).to_owned();
    while stem.len() > LONGEST {
        stem.pop();
    }
    let whole = ending.map_or_else(|| stem.clone(), |ending| format!("{stem}.{ending}"));
    let name = among_documents(&whole);
    debug_assert!(name.len() <= MAX_NAME_BYTES);
    name
}

/// Why an action is refused.
fn refused(fault: AttachmentFault) -> Error {
    match fault {
        AttachmentFault::Occurrence => Condition::ValidRidParameter.into(),
        AttachmentFault::ManagedId => Condition::ValidManagedIdParameter.into(),
        AttachmentFault::TooMany => Condition::MaxAttachmentsPerResource.into(),
        AttachmentFault::Violation(violation) => super::scheduling::refused(violation),
    }
}
