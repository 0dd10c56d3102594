//! A line that can be driven: the `value` of a GPIO, the `brightness` of an LED, a file.
//!
//! Hazards: another process may unexport the line (ENODEV on the descriptor for ever), turn it into an input, or change its
//! level. So a line is read back at each health check and set up again when it fails, and its failure is an alarm. Setting up
//! needs std and is behind [`Hardware`]. Driving is one `pwrite` on a descriptor that stays open.
mod channel;
mod error;
mod line;
mod settings;

pub use channel::{Channel, SavedLine, failed, failure_from_words};
pub use error::LineError;
pub use line::Line;
pub use settings::{OutputSettings, Target};

pub use crate::codes::LineStep;

/// What sets a line up.
pub trait Hardware {
    /// Makes the line an output at this level, without a glitch, and opens it.
    ///
    /// # Errors
    /// What failed, and how.
    fn set_up(&mut self, output: &OutputSettings, energised: bool) -> Result<Line, LineError>;
}
