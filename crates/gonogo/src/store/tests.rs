//! The store against a disk that fails, a machine that stops and a second owner.

mod chain;
mod crash;
mod defects;
mod fencing;
mod harness;
mod real;
mod registry;
mod writing;
