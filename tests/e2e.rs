//! Does the whole thing turn, by its command line and through crashes?

mod crashes;
mod one_shot;
mod wakes;
