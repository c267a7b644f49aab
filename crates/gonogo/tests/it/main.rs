//! The program as a user has it: plan in, verdict and reports out. One test program, so that one thing is linked.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    unreachable_pub,
    clippy::format_push_string,
    clippy::duration_suboptimal_units,
    clippy::wrong_self_convention,
    clippy::collapsible_str_replace,
    clippy::large_stack_arrays,
    clippy::if_same_then_else,
    clippy::single_match_else,
    reason = "tests make files and start programs, and stop where something is not as it must be"
)]

mod bad_input;
mod bundle;
mod case_s1;
mod crash_disk;
mod crash_kill;
mod crash_rig;
mod crash_sim;
mod example;
mod limits;
mod matrix;
mod readme;
mod resume;
mod rig;
mod roads_to_green;
