//! The chain of a home: a leaf hashes a version, a link hashes the link before and the leaf.

use crate::model::id::Id;
use crate::model::node::Version;
use crate::store::body::sha256;
use crate::store::node::ChainEnd;
use crate::store::version::ChainLink;

/// Hash over all that makes a version: what may be said of it later (media type, comment) is not part of it.
pub(in crate::tree) fn leaf(version: &Version) -> String {
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let fields = [
        version.node.to_string(),
        version.number.to_string(),
        version.hash.clone(),
        version.size_bytes.to_string(),
        version.author_id.unwrap_or_default().to_string(),
        text(version.device.as_ref()),
        version.written_at.to_string(),
    ];
    // No field holds a line break, so no two versions read alike.
    sha256(fields.join("\n").as_bytes())
}

/// The next link of a chain.
pub(in crate::tree) fn link(before: &str, leaf: &str) -> String {
    sha256(format!("{before}{leaf}").as_bytes())
}

/// How a version enters the chain of a home, that ends with `before`.
pub(in crate::tree) fn entry(home: Id, before: &ChainEnd, version: &Version) -> ChainLink {
    let leaf = leaf(version);
    let (node, number, chain) = (version.node, version.number, link(&before.link, &leaf));
    ChainLink { home, place: before.place.saturating_add(1), node, version: number, chain, leaf }
}
