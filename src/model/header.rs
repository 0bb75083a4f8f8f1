//! Request headers of RFC 4918 section 10 as values.

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
    /// Tell of the members alone, not of what was asked itself.
    pub rootless: bool,
}
