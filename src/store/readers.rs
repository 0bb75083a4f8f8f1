//! The reading connections. Whichever was given back last goes out first: its pages are at hand, and those that are not
//! needed hold none.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::db::{Adapter as _, Connection, Database, Session as _};
use crate::model::error::Failure;

/// How many read side by side.
const READERS: usize = 4;
/// For how long one that is in use is waited for where no other can be opened.
const PATIENCE: Duration = Duration::from_secs(2);

/// The reading connections of a database.
pub struct Readers {
    database: Arc<Database>,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
    /// One was given back.
    returned: Notify,
}

impl Readers {
    /// Opens the first; the others are opened when they are needed.
    pub async fn open(database: Arc<Database>) -> Result<Arc<Self>, Failure> {
        let idle = Mutex::new(vec![database.reader().await?]);
        Ok(Arc::new(Self { database, idle, room: Arc::new(Semaphore::new(READERS)), returned: Notify::new() }))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database that they read.
    #[cfg(test)]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Waits for one.
    pub async fn take(self: &Arc<Self>) -> Result<Reader, Failure> {
        let place = Arc::clone(&self.room).acquire_owned().await;
        let place = place.map_err(|closed| Failure::new("taking a connection", closed))?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            // Rarely needed, so its room is not set aside in each question.
            None => match Box::pin(self.database.reader()).await {
                Ok(opened) => opened,
                // No file can be opened: who reads gives theirs back soon.
                Err(failure) => Box::pin(self.given_back()).await.ok_or(failure)?,
            },
        };
        Ok(Reader { connection: Some(connection), readers: Arc::clone(self), place: Some(place) })
    }

    /// Waits for one that is in use. `None`: none is, or not given back in time.
    async fn given_back(&self) -> Option<Connection> {
        if self.room.available_permits() + 1 >= READERS {
            return None;
        }
        let wait = async {
            loop {
                let mut returned = std::pin::pin!(self.returned.notified());
                returned.as_mut().enable();
                if let Some(connection) = self.idle().pop() {
                    return connection;
                }
                returned.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.ok()
    }

    /// Closes those that are idle, and lets nobody take one any more.
    pub async fn close(&self) {
        self.room.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            connection.close().await;
        }
    }
}

/// A reading connection; it goes back when it is dropped.
pub struct Reader {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    place: Option<OwnedSemaphorePermit>,
}

impl Reader {
    /// It must not be anyone's again.
    pub fn discard(mut self) {
        self.connection = None;
    }
}

impl Deref for Reader {
    type Target = Connection;

    #[expect(
        clippy::expect_used,
        reason = "the connection is there until drop or discard, both of which consume the value"
    )]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a reader in use has its connection")
    }
}

impl DerefMut for Reader {
    #[expect(
        clippy::expect_used,
        reason = "the connection is there until drop or discard, both of which consume the value"
    )]
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a reader in use has its connection")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| !self.readers.room.is_closed()) {
            self.readers.idle().push(connection);
            self.readers.returned.notify_waiters();
        }
        // Only now may the next one come: it would open a connection of its own.
        self.place = None;
    }
}

#[cfg(test)]
mod tests {
    use crate::store::Store;

    /// A server that may open no more files reads on with what it has open.
    #[tokio::test]
    async fn where_none_can_be_opened_one_in_use_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let (there, away) = (folder.path().join("data"), folder.path().join("away"));
        std::fs::create_dir(&there).expect("a folder");
        let store = Store::open(&there, true).await.expect("a store");
        // Whatever else is open is held as well.
        let mut held = vec![store.readers.take().await.expect("a connection")];
        while let Some(idle) = { store.readers.idle().pop() } {
            drop(idle);
        }
        std::fs::rename(&there, &away).expect("moved away");
        let second = store.readers.take();
        let gives_back = async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            held.clear();
        };
        let (second, ()) = tokio::join!(second, gives_back);
        assert!(second.is_ok(), "the one that was given back");
        std::fs::rename(&away, &there).expect("moved back");
    }
}
