//! Request headers as values: those of RFC 4918 section 10, preferences, lists with weights.

/// `Depth`, RFC 4918 section 10.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// The resource alone.
    Zero,
    /// And its members.
    One,
    /// And everything below.
    Infinity,
}

/// What `Prefer` and `Brief` ask for, RFC 8144.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Preferences {
    /// Leave out what was not found, and what merely confirms.
    pub minimal: bool,
    /// Answer a change with what is there now.
    pub representation: bool,
    /// List the members alone, not the resource itself.
    pub rootless: bool,
}

/// The members of a list with weights, each with its own in thousandths (RFC 9110 section 12.4.2): all of it where none
/// is said.
pub fn weighted(list: &str) -> impl Iterator<Item = (&str, u32)> {
    list.split(',').map(|member| {
        let mut parts = member.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok()).unwrap_or(1.0);
        (name, (weight.clamp(0.0, 1.0) * 1000.0) as u32)
    })
}
