//! Plain values that every layer shares: names, paths, kinds, effects, preconditions, errors.
//!
//! Nothing here does I/O or knows of a database or a socket, and of XML only whether a piece is whole. The tables that
//! the protocol is made of ([`kind::KINDS`], [`method::METHODS`], [`effect::EFFECTS`], [`condition::Condition`]) live
//! here, so that each layer reads the same rows.

pub mod acl;
pub mod answer_link;
pub mod attachment;
pub mod budget;
pub mod calendar;
pub mod civil;
pub mod condition;
pub mod digest;
pub mod effect;
pub mod error;
pub mod etag;
pub mod filename;
pub mod header;
pub mod hourly_rate;
pub mod id;
pub mod invitations;
pub mod job;
pub mod kind;
pub mod lock;
pub mod mail;
pub mod mailbox;
pub mod markup;
pub mod media_type;
pub mod method;
pub mod name;
pub mod node;
pub mod password;
pub mod path;
pub mod precondition;
pub mod principal;
pub mod privilege;
pub mod property;
pub mod room;
pub mod secret_address;
pub mod sharing;
pub mod token;
pub mod version;
pub mod view;
