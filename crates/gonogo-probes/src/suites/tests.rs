#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the files that are looked at"
)]

mod documents;
mod hostile;
mod observing;
