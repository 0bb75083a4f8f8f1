//! Principals as resources: those that a list names, and those that are the actor.

use super::access::access_control_list;
use super::acquaintance::Acquaintances;
use super::gate::Admitted;
use super::resource::{Needs, Resource};
use super::target::{PRINCIPALS_SEGMENT, Requester};
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::{Detail, Refusal, Result};
use crate::model::id::Id;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::model::path::Path;
use crate::model::principal::{EVERYONE, Principal};
use crate::model::privilege::{PROXY_GROUPS, Privilege};
use crate::store::executor::Executor;
use crate::store::{grant, group, principal};

/// What looking at one principal costs of the budget.
const STEPS_EACH: u64 = 10;

impl<T: Executor> Admitted<T> {
    /// Principals to whom something is granted on the target or above it, its owner among them, each once, as far as
    /// the actor may know of them: at most so many, and whether there are more. 403 for who may not know.
    pub async fn principals_of_acl(
        &mut self,
        needs: Needs,
        limit: usize,
        budget: &Budget,
    ) -> Result<(Vec<Resource>, bool)> {
        if !self.target.privileges.contains(Privilege::ReadAcl) {
            let refusal = Refusal::of(Condition::NeedPrivileges).at(self.target.href());
            return Err(refusal.because(Detail::Privilege(Privilege::ReadAcl)).into());
        }
        let Some(node) = self.target.node().map(|node| node.id) else { return Ok((Vec::new(), false)) };
        let actor = self.request.actor.clone();
        let who = Requester { actor: &actor, now: self.now };
        let mut holders: Vec<Id> = Vec::new();
        for entry in access_control_list(&mut self.store, node, who).await? {
            if entry.holder != EVERYONE && !holders.contains(&entry.holder) {
                holders.push(entry.holder);
            }
        }
        let known = Acquaintances::of(&mut self.store, &actor, self.now).await?;
        let more = holders.len() > limit;
        holders.truncate(limit);
        let mut found = Vec::with_capacity(holders.len());
        for holder in holders {
            budget.steps(STEPS_EACH)?;
            let holder = principal::by_id(&mut self.store, holder).await?;
            if let Some(principal) = holder.filter(|holder| known.include(holder)) {
                let path = Path::of(&[PRINCIPALS_SEGMENT, &principal.name]);
                found.push(self.principal_resource(principal, &path, needs).await?);
            }
        }
        Ok((found, more))
    }

    /// The actor, and the groups that the actor is in, by name; then the groups of delegates. Of all of them those that
    /// the actor finds at their addresses.
    pub async fn own_principals(&mut self, needs: Needs) -> Result<Vec<Resource>> {
        let actor = self.request.actor.clone();
        let known = Acquaintances::of(&mut self.store, &actor, self.now).await?;
        let mut found = Vec::new();
        for principal in group::all_of(&mut self.store, actor.id).await? {
            if known.include(&principal) {
                let path = Path::of(&[PRINCIPALS_SEGMENT, &principal.name]);
                found.push(self.principal_resource(principal, &path, needs).await?);
            }
        }
        for (person, held) in grant::delegators(&mut self.store, actor.id, self.now).await? {
            let person = principal::by_name(&mut self.store, &person).await?.filter(|person| known.include(person));
            let group = PROXY_GROUPS.iter().find(|(_, role)| *role == held).map(|(kind, _)| *kind);
            let Some((person, group)) = person.zip(group) else { continue };
            let path = Path::of(&[PRINCIPALS_SEGMENT, &person.name, group.row().code]);
            let mut resource = self.bare(Node::made(group, person.id, group.row().code), &path);
            self.load(&mut resource, needs).await?;
            found.push(resource);
        }
        Ok(found)
    }

    /// A principal at its address, with what is needed of it.
    pub(super) async fn principal_resource(
        &mut self,
        principal: Principal,
        path: &Path,
        needs: Needs,
    ) -> Result<Resource> {
        let mut resource = self.bare(Node::made(Kind::Principal, principal.id, &principal.name), path);
        self.load(&mut resource, Needs { principal: false, ..needs }).await?;
        resource.principal = Some(Box::new(principal));
        Ok(resource)
    }
}
