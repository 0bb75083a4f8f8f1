//! By which addresses calendar programs call principals: their own, and those of projects and rooms in the domain of
//! mail.

use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::model::error::Failure;
use crate::model::mailbox::{MailAddress, MailDomain};
use crate::model::path::Path;
use crate::model::principal::{Principal, PrincipalKind};
use crate::store::executor::Executor;
use crate::store::principal;
use crate::tree::target::PRINCIPALS_SEGMENT;

/// The address of a project or room in a domain of mail, where its name may be one.
fn address_in(principal: &Principal, domain: &MailDomain) -> Option<String> {
    let name = &principal.name;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let has_one = matches!(principal.kind, PrincipalKind::Project | PrincipalKind::Room);
    let address = (plain && has_one).then(|| format!("{name}@{domain}"))?;
    address.parse::<MailAddress>().ok().map(|_| principal::mailto(&address))
}

/// A principal with all its addresses of mail, those that are its own first.
pub(super) fn with_address(mut found: Principal, domain: Option<&MailDomain>) -> Principal {
    if let Some(address) = domain.and_then(|domain| address_in(&found, domain))
        && !found.addresses.contains(&address)
    {
        found.addresses.push(address);
    }
    found
}

/// The address that is the principal itself.
fn path_of(found: &Principal) -> String {
    Path::of(&[PRINCIPALS_SEGMENT, &found.name]).href(true)
}

/// All addresses of a principal.
pub(super) fn addresses_of(found: &Principal, domain: Option<&MailDomain>) -> Addresses {
    let found = with_address(found.clone(), domain);
    let own = path_of(&found);
    Addresses::of(found.addresses.iter().map(String::as_str).chain([own.as_str()]))
}

/// The principal that is called by an address.
pub(super) async fn called(
    c: &mut impl Executor,
    address: &CalendarUserAddress,
    domain: Option<&MailDomain>,
) -> Result<Option<Principal>, Failure> {
    let name = match address.mailbox() {
        Some(mailbox) => match principal::by_address(c, address.as_str()).await? {
            Some(name) => Some(name),
            None => mailbox
                .rsplit_once('@')
                .filter(|(_, host)| domain.is_some_and(|domain| domain.as_str() == *host))
                .map(|(name, _)| name.to_owned()),
        },
        None => match Path::parse(address.as_str()).as_ref().map(Path::segments) {
            Ok([first, name]) if first == PRINCIPALS_SEGMENT => Some(name.clone()),
            _ => None,
        },
    };
    let Some(name) = name else { return Ok(None) };
    let found = principal::by_name(c, &name).await?;
    // A person's name in the domain is no address.
    Ok(found.filter(|found| addresses_of(found, domain).contains(address)))
}
