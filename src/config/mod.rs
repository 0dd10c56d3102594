//! The configuration: an INI file, read whole, every error told at once with its line.
//!
//! What can bite: a half-read configuration that leaves a relay undriven. So nothing is guessed: unknown sections and
//! keys, doubled names, bad numbers and two outputs on one line are errors, each with what would be right.
mod accounts;
mod daemon;
mod load;
mod module;
mod output;
pub mod parse;
mod problem;
mod reader;
#[cfg(test)]
mod tests;
mod text;

pub use load::{DEFAULT_FILE, Loaded, load};
pub use problem::Refused;
