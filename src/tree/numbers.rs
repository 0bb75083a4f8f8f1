//! Numbers of versions that are read once for a request.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::id::Id;

/// Numbers of the versions of the document that was looked at last, for a request that looks at one document again and
/// again: each of its versions is listed with its neighbours. Clones, as the requests for parts of an answer are, share
/// them.
#[derive(Clone, Debug, Default)]
pub struct VersionNumbers(Option<Arc<Mutex<Option<Known>>>>);

/// A document, and the numbers of its versions.
type Known = (Id, Arc<[i64]>);

impl VersionNumbers {
    /// They are read once; not for requests that write, which read what they have written.
    #[must_use]
    pub fn read_once() -> Self {
        Self(Some(Arc::default()))
    }

    pub(super) fn of(&self, document: Id) -> Option<Arc<[i64]>> {
        let known = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(of, _)| *of == document).map(|(_, numbers)| Arc::clone(numbers))
    }

    pub(super) fn keep(&self, document: Id, numbers: &Arc<[i64]>) {
        if let Some(known) = &self.0 {
            *known.lock().unwrap_or_else(PoisonError::into_inner) = Some((document, Arc::clone(numbers)));
        }
    }
}
