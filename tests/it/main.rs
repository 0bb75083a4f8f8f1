//! The server as clients see it: one binary of tests, a file a protocol area. `kit` starts the server in-process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod alike;
mod asking;
mod auth;
mod authz;
mod browsers;
mod budgets;
mod calendar;
mod commands;
mod connections;
mod conversations;
mod coverage;
mod damaged;
mod depth;
mod dialects;
mod door;
mod examples;
mod feed;
mod forms;
mod growth;
mod holds;
mod hrefs;
mod keeping;
mod kit;
mod lacks;
mod litter;
mod locks;
mod losses;
mod model;
mod names;
mod past;
mod properties;
mod quota;
mod races;
mod remembered;
mod returned;
mod robustness;
mod slices;
mod succession;
mod sync;
mod transport;
mod versions;
mod views;
mod webdav;
mod zones;
