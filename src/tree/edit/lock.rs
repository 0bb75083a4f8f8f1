//! LOCK, refresh and UNLOCK, RFC 4918 sections 6, 7, 9.10 and 9.11; and what becomes of locks where nodes change
//! places.
//!
//! A lock is on an address and covers what stands there (section 6.1). It ends when its address leads nowhere (6.1),
//! and otherwise stays where it is, whatever comes to stand there. A deep one covers what is below by its address
//! alone.
//!
//! | what happens | locks of the name that is left | locks of the name that is taken |
//! |---|---|---|
//! | DELETE | end, with those below (9.6.1) | |
//! | MOVE | end, with those below (7.5, 9.9) | the name was free |
//! | MOVE to another spelling of the same name | stay, with those below | the same |
//! | PUT; COPY or MOVE of a document onto one | of what was moved: end | stay |
//! | COPY or MOVE of or onto anything else | of what was moved: end | stay; those below end (9.6.1) |
//! | what was deleted comes back: by PUT, LOCK, MOVE, the same UID, or from the trash | ended when it was deleted | the name was free |
//! | what was set aside comes back by PUT, LOCK or MOVE | stay, on the copy that stays there | the name was free |
//! | a rewind | as of DELETE or MOVE | stay; those below end |
//!
//! With a lock goes its session: where it ends, what was written under it is a version; where it stays while its
//! document leaves, an empty document that waited for content waits on in what stays. Locks of others forbid each of
//! these by the gate, which asks for the tokens of both names; what a program left about is not cleared away while it,
//! or something in it, is locked. A succession takes a document from a name that the request does not speak of: where
//! others hold a lock there, nobody is succeeded.

use super::Edit;
use super::authority::{Verb, bug};
use super::event::AffectedObjects;
use crate::model::condition::Condition;
use crate::model::error::{Failure, Refusal, Result};
use crate::model::id::{Id, Timestamp};
use crate::model::kind::Kind;
use crate::model::lock::{LAPSED_S, Lock, LockRequest, MAX_LOCKS_PER_HOME, MAX_LOCKS_PER_NODE, admitted, conflict};
use crate::model::node::Node;
use crate::model::privilege::Privilege;
use crate::store::list::list;
use crate::store::{lock, node};
use crate::tree::gate::{Admitted, root_below};
use crate::tree::target::Target;

impl Admitted<Edit> {
    /// Locks `locked`, the target or what this request has just bound there. 423 `no-conflicting-lock` with the root of
    /// a lock that stands in the way.
    pub async fn lock(&mut self, locked: &Node, asked: LockRequest) -> Result<Lock> {
        // What is locked was there, or this request has just made it.
        let authorized = self.store.authorize(Verb::Lock, locked.id);
        authorized.or_else(|_| self.store.authorize(Verb::Bind, locked.parent_id))?;
        let deep = asked.deep && locked.is_collection();
        let covering: Vec<(Lock, String)> = self.target.covering().map(|(lock, root)| (lock.clone(), root)).collect();
        if covering.len() >= MAX_LOCKS_PER_NODE {
            return Err(Condition::TooManyLocks.into());
        }
        if let Some((_, root)) = covering.iter().find(|(held, _)| conflict(held.shared, asked.shared)) {
            return Err(Refusal::of(Condition::NoConflictingLock).at(root.clone()).into());
        }
        if deep {
            self.no_conflict_below(locked, asked.shared).await?;
        }
        let actor = self.request.actor.id;
        let mut until = self.now;
        // The row of what has lapsed is kept for a while, but never in the way of another.
        for lapsed_before in [self.now - LAPSED_S, self.now] {
            lock::delete_lapsed(&mut self.store.txn, locked.home_id, lapsed_before).await?;
            let (held, writes_until) = lock::room(&mut self.store.txn, locked.home_id, locked.id, actor).await?;
            until = writes_until;
            if held < MAX_LOCKS_PER_HOME {
                break;
            }
            if lapsed_before == self.now {
                return Err(Condition::TooManyLocks.into());
            }
        }
        let made = Lock {
            token: new_token()?,
            node_id: locked.id,
            principal_id: actor,
            deep,
            shared: asked.shared,
            owner_xml: asked.owner_xml,
            timeout_s: asked.timeout_s,
            expires_at: until.min(self.now.saturating_add(asked.timeout_s)),
        };
        lock::insert(&mut self.store.txn, &made, locked.home_id).await?;
        self.store.record(Verb::Lock, || AffectedObjects::of(locked));
        if !locked.sealed && locked.draft.is_none() && !deep {
            // What was made empty just now waits for its content as long as this lock stands.
            node::set_session(&mut self.store.txn, locked.id, Some(&made.token)).await?;
        }
        Ok(made)
    }

    async fn no_conflict_below(&mut self, top: &Node, shared: bool) -> Result<()> {
        let below = lock::below(&mut self.store.txn, top.home_id, top.id, self.now).await?;
        let Some(held) = below.iter().find(|held| conflict(held.shared, shared)) else { return Ok(()) };
        let root = root_below(&mut self.store.txn, &self.target, top.id, held).await?;
        Err(Refusal::of(Condition::NoConflictingLock).at(root).into())
    }

    /// Renews the lock whose token the request shows (RFC 4918 section 9.10.2). 412
    /// `lock-token-matches-request-uri` when no lock of the actor that covers the target is shown.
    pub async fn refresh(&mut self, timeout_s: i64) -> Result<(Lock, String)> {
        let node = self.target.node().cloned().ok_or_else(|| bug("refreshing a lock of nothing"))?;
        self.store.authorize(Verb::Lock, node.id)?;
        let actor = self.request.actor.id;
        let found = self.target.covering().find(|(lock, _)| {
            lock.principal_id == actor && self.request.preconditions.submitted().any(|token| token == lock.token)
        });
        let Some((mut lock, root)) = found.map(|(lock, root)| (lock.clone(), root)) else {
            return Err(Condition::LockTokenNotHeld.into());
        };
        lock.timeout_s = timeout_s;
        let (_, until) = lock::room(&mut self.store.txn, node.home_id, lock.node_id, actor).await?;
        lock.expires_at = until.min(self.now.saturating_add(timeout_s));
        lock::refresh(&mut self.store.txn, &lock.token, timeout_s, lock.expires_at).await?;
        self.store.record(Verb::Lock, || AffectedObjects::of(&node));
        Ok((lock, root))
    }

    /// Takes a lock off (RFC 4918 section 9.11): its maker may, and who holds `DAV:unlock` (RFC 3744 section 3.5). One
    /// that has lapsed is off as asked: programs that slept for a while bring their tokens back. 409
    /// `lock-token-matches-request-uri` for a token that does not cover the target.
    pub async fn unlock(&mut self, token: &str) -> Result<()> {
        let node = self.target.node().cloned().ok_or_else(|| bug("unlocking nothing"))?;
        self.store.authorize(Verb::Unlock, node.id)?;
        let standing = self.target.covering().find(|(lock, _)| !lock.is_veiled() && lock.token == token);
        let standing = standing.map(|(lock, root)| (lock.clone(), root));
        let lapsed = match standing {
            Some(_) => None,
            None => lock::lapsed(&mut self.store.txn, token, self.now).await?,
        };
        let lapsed = lapsed
            .filter(|lock| self.target.covered_by(lock))
            .map(|lock| (lock, self.target.path.href(node.is_collection())));
        let Some((lock, root)) = standing.or(lapsed) else {
            return Err(Condition::LockTokenMatchesRequestUri.into());
        };
        if lock.principal_id != self.request.actor.id && !self.target.privileges.contains(Privilege::Unlock) {
            let detail = crate::model::error::Detail::Privilege(Privilege::Unlock);
            return Err(Refusal::of(Condition::NeedPrivileges).at(root).because(detail).into());
        }
        self.store.record(Verb::Unlock, || AffectedObjects::of(&node));
        self.store.end_locks(&[lock], true).await
    }

    /// Locks whose root is what stands at the destination.
    pub(super) fn locks_at_destination(&self) -> Vec<Lock> {
        let there = self.destination.as_ref().and_then(Target::link);
        there.map(|link| link.locks.clone()).unwrap_or_default()
    }
}

impl Edit {
    /// Ends the locks of a node that leaves its name, and of all below it.
    pub(super) async fn drop_locks(&mut self, node: &Node) -> Result<()> {
        if node.kind == Kind::InboxItem {
            // Nobody locks a notice.
            return Ok(());
        }
        let below = lock::below(&mut self.txn, node.home_id, node.id, Timestamp::MIN).await?;
        self.end_locks(&below, false).await
    }

    /// Takes locks off. `on_purpose`: by UNLOCK.
    async fn end_locks(&mut self, locks: &[Lock], on_purpose: bool) -> Result<()> {
        if locks.is_empty() {
            return Ok(());
        }
        let tokens = list(&locks.iter().map(|lock| &lock.token).collect::<Vec<_>>());
        self.end_sessions(&tokens, on_purpose).await?;
        Ok(lock::delete(&mut self.txn, &tokens).await?)
    }

    /// Locks of a name cover what has come to stand there.
    pub(super) async fn hand_on(&mut self, locks: &[Lock], to: &Node) -> Result<()> {
        for held in locks {
            let stays = Lock { node_id: to.id, deep: held.deep && to.is_collection(), ..held.clone() };
            lock::insert(&mut self.txn, &stays, to.home_id).await?;
        }
        Ok(())
    }
}

/// May a document be taken from where it stands, by what its locks say, its collection's and those above? `locks`: all
/// that cover one of the two. `theirs`: is a lock of who takes it?
pub(in crate::tree) fn leave(locks: &[Lock], document: Id, theirs: impl Fn(&Lock) -> bool) -> bool {
    let on_document = locks.iter().filter(|lock| lock.node_id == document || lock.deep);
    let on_collection = locks.iter().filter(|lock| lock.node_id != document);
    admitted(on_document, &theirs) && admitted(on_collection, &theirs)
}

/// The locks that cover a target, as `DAV:lockdiscovery` shows them: each with the address of its root.
#[must_use]
pub fn covering(target: &Target) -> Vec<(Lock, String)> {
    target.covering().map(|(lock, root)| (lock.clone(), root)).collect()
}

/// A random token, RFC 4918 section 6.5 (a version 4 UUID).
fn new_token() -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Failure::new("making a lock token", e))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().urn().to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_are_version_4_uuids() {
        let token = super::new_token().expect("randomness");
        assert_eq!(token.len(), "urn:uuid:".len() + 36);
        assert_eq!(token.as_bytes()["urn:uuid:".len() + 14], b'4', "{token}");
        assert!(b"89ab".contains(&token.as_bytes()["urn:uuid:".len() + 19]), "{token}");
    }
}
