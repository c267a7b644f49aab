//! Everything around the pure core that touches the world: what the `gonogo` program is made of.

pub mod store;
pub mod world;
