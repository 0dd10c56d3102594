//! The lines of fail-safe outputs.
use alarmd::output::{Hardware, Line};
use alarmd::settings::OutputSettings;
use log::error;

use super::shared_state::Heart;
use crate::lines::BoardLines;

#[derive(Default)]
pub struct FailSafeLines {
    held: Vec<(OutputSettings, Option<Line>)>,
    /// What of the heart `held` was made from.
    version: (u32, u32),
}

impl FailSafeLines {
    /// Opens the lines of fail-safe outputs, where others have been laid down or set up since.
    pub fn hold(&mut self, heart: &Heart) {
        let version = heart.version();
        if version == self.version {
            return;
        }
        // While they are being laid, those from before are held.
        let Some(lines) = heart.lines() else { return };
        self.version = version;
        let hold = |settings| {
            let line = BoardLines::open_existing(&settings);
            (settings, line)
        };
        self.held = lines.into_iter().map(hold).collect();
    }

    /// Lets every fail-safe output show an alarm.
    pub fn alarm(&mut self, heart: &Heart) {
        self.hold(heart);
        for (settings, line) in &mut self.held {
            if line.as_ref().is_some_and(|line| line.write(false).is_ok()) {
                continue;
            }
            match BoardLines::default().set_up(settings, false) {
                Ok(fresh) => *line = Some(fresh),
                Err(error) => {
                    error!("a fail-safe output cannot show an alarm: {}", error.of(&settings.target));
                }
            }
        }
    }
}
