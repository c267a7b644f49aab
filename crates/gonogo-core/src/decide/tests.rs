mod cases;
mod findings;
mod properties;
mod scene;
mod statements;
mod waivers;
