mod comparing;
mod given;
mod limits;
mod published;
mod simulation;
