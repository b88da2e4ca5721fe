//! The contract of the store: one suite, and each test of it runs on SQLite and on PostgreSQL.
//!
//! PostgreSQL needs a server whose user may create databases, as `scripts/with-databases.sh` starts one; its address is
//! in `FAIRHOLD_TEST_POSTGRES`. Without it each test says on a line of its own that this half was skipped. A new
//! aggregate is a new file here, with [`support::for_each_engine`] around each of its tests.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod accounts;
mod api_keys;
mod contact_points;
mod customer_refs;
mod db;
mod erasures;
mod exports;
mod factors;
mod grants;
mod idempotency_keys;
mod jobs;
mod keys;
mod links;
mod log_in_tries;
mod looks;
mod memberships;
mod outbox;
mod pending_joins;
mod points;
mod records;
mod rewards;
mod schema;
mod second_facts;
mod sessions;
mod shown_asks;
mod sqlite;
mod staff;
mod support;
mod tampering;
mod told_findings;
mod webhook_deliveries;
