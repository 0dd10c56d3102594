//! The lines of fail-safe outputs, which the guardian sets to alarm when the worker does not run.
use alarmd_core::output::{Hardware, Line, OutputSettings};
use log::error;

use super::shared_state::SharedState;
use crate::lines::BoardLines;

/// The guardian's own descriptors of the lines.
#[derive(Default)]
pub struct FailSafeLines {
    lines: Vec<(OutputSettings, Option<Line>)>,
    /// The version of the published lines that `lines` were opened from.
    version: (u32, u32),
}

impl FailSafeLines {
    /// Opens the published lines if they changed, or were set up again, since the last call.
    pub fn open_lines(&mut self, shared: &SharedState) {
        let version = shared.version();
        if version == self.version {
            return;
        }
        // While the worker writes the list, the earlier lines stay open.
        let Some(outputs) = shared.lines() else { return };
        self.version = version;
        let open = |output| {
            let line = BoardLines::open_existing(&output);
            (output, line)
        };
        self.lines = outputs.into_iter().map(open).collect();
    }

    /// Sets all fail-safe outputs to alarm.
    pub fn set_alarm(&mut self, shared: &SharedState) {
        self.open_lines(shared);
        for (output, line) in &mut self.lines {
            if line.as_ref().is_some_and(|line| line.write(false).is_ok()) {
                continue;
            }
            match BoardLines::default().set_up(output, false) {
                Ok(new) => *line = Some(new),
                Err(error) => error!("fail-safe output: not set to alarm: {}", error.of(&output.target)),
            }
        }
    }
}
