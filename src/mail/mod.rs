//! Mail: what goes out to people without a program of ours, and what comes back.

pub mod compose;
mod words;
