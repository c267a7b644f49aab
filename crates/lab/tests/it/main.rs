//! The lab's systems as their users meet them: over HTTP, beside another process on the database, as a program.
#![cfg(test)]

mod binary;
mod clean;
mod client;
mod databases;
mod faults;
mod postgres;
mod scenario;
