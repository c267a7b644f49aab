mod given;
mod limits;
mod published;
