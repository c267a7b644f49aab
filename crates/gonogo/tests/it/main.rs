//! The program as a user has it: plan in, verdict and reports out. One test program, so that one thing is linked.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    unreachable_pub,
    clippy::format_push_string,
    reason = "tests make files and start programs, and stop where something is not as it must be"
)]

mod backup;
mod bad_input;
mod bundle;
mod capacity;
mod case_s1;
mod case_s2;
mod case_s3;
mod case_s4;
mod case_s5;
mod containers;
mod copies;
mod crash_disk;
mod crash_kill;
mod crash_rig;
mod crash_sim;
mod example;
mod github;
mod limits;
mod matrix;
mod migrations;
mod openapi;
mod paper;
mod reach;
mod readme;
mod resume;
mod rig;
mod roads_to_green;
mod rollback;
mod rolled_back;
mod schema;
mod sql;
mod suites;
mod terraform;
mod tls;
mod web;
mod webhook;
