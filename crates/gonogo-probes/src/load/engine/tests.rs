//! Against real sockets, with servers that do what a target should not.

mod refusals;
mod rig;
mod schedules;
mod tls;
