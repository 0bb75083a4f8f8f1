//! Folders of documents in and out. Whoever calls brings the bytes, and takes them: from a directory, a form, an
//! archive.

use std::vec::IntoIter;

pub use super::write::{make_folder, put_document};
use crate::model::error::Result;
use crate::model::id::Timestamp;
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::gate::{Admitted, Request};
use crate::tree::resource::{Needs, Resource};
use crate::tree::walk::Cursor;
use crate::tree::{BodyContent, Snapshot, Tree};

/// What stands in a folder.
pub enum FolderMember {
    /// A folder of this name.
    Folder(String),
    /// A document.
    Document(Document),
}

/// A document to be taken.
pub struct Document {
    /// Its name.
    pub name: String,
    /// When it was modified.
    pub modified_at: Timestamp,
    /// Its bytes.
    pub content: BodyContent,
}

/// The members of a folder, one after the other. Each page is read in a view of its own.
pub struct FolderMembers {
    tree: Tree,
    request: Request,
    page: Option<(Admitted<Snapshot>, IntoIter<Resource>)>,
    next: Option<Cursor>,
}

impl FolderMembers {
    /// Those of a folder.
    #[must_use]
    pub fn of(tree: &Tree, folder: Path, actor: &Actor) -> Self {
        let request = Request::of(Method::Propfind, folder, actor.clone());
        Self { tree: tree.clone(), request, page: None, next: Some(Cursor::default()) }
    }

    /// The next one; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<FolderMember>> {
        loop {
            if let Some((admitted, resources)) = &mut self.page
                && let Some(resource) = resources.next()
            {
                return member(&self.tree, admitted, resource).await.map(Some);
            }
            self.page = None;
            let Some(at) = self.next.take() else { return Ok(None) };
            let mut admitted = self.tree.read(&self.request).await?;
            let page = admitted.members(&at, Needs::default()).await?;
            self.next = page.next;
            self.page = Some((admitted, page.resources.into_iter()));
        }
    }
}

async fn member(tree: &Tree, admitted: &mut Admitted<Snapshot>, resource: Resource) -> Result<FolderMember> {
    if resource.node.is_collection() {
        return Ok(FolderMember::Folder(resource.node.name.clone()));
    }
    let content = admitted.content(tree, &resource.node, 0, resource.node.content_bytes()).await?;
    Ok(FolderMember::Document(Document {
        name: resource.node.name.clone(),
        modified_at: resource.node.modified_at,
        content,
    }))
}
