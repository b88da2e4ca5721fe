//! The portal's own database and its key store. All of the portal's SQL is here, one file an aggregate.
//!
//! A repository is a set of plain functions over [`Tx`] with one text of SQL that serves SQLite and PostgreSQL.
//! A new aggregate is a new file here, a migration of the same name in `migrations/sqlite` and `migrations/postgres`,
//! and a test in the contract suite (`tests/contract`), which runs on both engines.

pub mod accounts;
pub mod api_keys;
pub mod contact_points;
pub mod customer_refs;
pub mod db;
pub mod decisions;
pub mod erasures;
pub mod exports;
pub mod factors;
pub mod grants;
pub mod idempotency_keys;
pub mod jobs;
mod key_rotation;
pub mod keys;
pub mod known_devices;
pub mod links;
pub mod log_in_tries;
pub mod looks;
pub mod memberships;
pub mod outbox;
pub mod paused_asks;
pub mod pending_joins;
pub mod points;
pub mod records;
pub mod rewards;
pub mod seal;
pub mod second_facts;
pub mod sessions;
pub mod shown_asks;
pub mod staff;
pub mod told_findings;
pub mod webhook_deliveries;

pub use db::{Db, StoreError, Tx, Value};
pub use seal::{Random, Sealed, SecretKey};
