//! Mail: what goes out to people without a program of ours, and what comes back.
//!
//! Out: what a change queued ([`crate::tree::edit::mail`]) becomes a letter ([`compose`]) and goes to the next server
//! ([`smtp`]). In: what the mail server of this machine hands over ([`lmtp`]) is read ([`receive`]), and acted upon
//! ([`incoming`]).

mod authenticity;
pub mod bounce;
pub mod compose;
mod header_values;
mod held_words;
pub mod incoming;
pub mod lmtp;
mod mime_parts;
pub mod outgoing;
pub mod receive;
pub mod smtp;
#[cfg(test)]
mod smtp_double;
mod smtp_stream;
mod words;
