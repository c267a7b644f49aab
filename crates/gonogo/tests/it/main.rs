//! The program as a user has it: plan in, verdict and reports out. One test program, so that one thing is linked.

mod bad_input;
mod bundle;
mod case_s1;
mod crash_disk;
mod crash_kill;
mod crash_rig;
mod example;
mod limits;
mod resume;
mod rig;
mod roads_to_green;
