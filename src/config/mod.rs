//! The configuration: an INI file. It is read whole, and all errors are reported at once, each with its line.
//!
//! Hazards: a configuration that is only partly understood would leave a relay undriven. So nothing is guessed: an unknown section
//! or key, a duplicate name, a wrong number and two outputs on one line are errors. Each message says what would be right.
mod accounts;
mod daemon;
mod load;
mod module;
mod output;
pub mod parse;
mod problem;
mod read;
mod reader;
mod settings;
#[cfg(test)]
mod tests;
mod text;

pub use load::{DEFAULT_FILE, Loaded, load};
pub use problem::ConfigError;
pub use settings::Settings;
