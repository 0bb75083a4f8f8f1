//! Beffroi: a server that makes a public project's documents appear in the file explorer, over WebDAV.
//!
//! Follow a request: [`server`] accepts it and finds out who asks; a front end ([`front::dav`]) reads its head, asks
//! [`tree`] to admit it, and answers; [`tree`] resolves the path, passes the gate and carries out its verbs on
//! [`store`]. [`wire`] turns XML and headers into the plain values of [`model`] and back. Nothing in a lower layer
//! calls a higher one;
//! `tests/layers.rs` holds the imports to that. `ARCHITECTURE.md` is the map.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that panics has failed, as it should"
    )
)]

pub mod app;
pub mod cli;
pub mod config;
pub mod exchange;
pub mod front;
pub mod ical;
pub mod mail;
pub mod message;
pub mod model;
pub mod server;
pub mod service;
pub mod store;
pub mod tree;
pub mod wire;
pub mod wording;
