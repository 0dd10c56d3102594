//! What the levels that producers give mean.
use crate::codes::{self, Severity};
use crate::limits::LEVELS;

/// The `alarm_level` that the default table reads as this severity; 0 for what has none.
pub const fn default_level(severity: Severity) -> u32 {
    let mut at = 0;
    while at < codes::LEVELS.len() {
        if codes::LEVELS[at].1 as u32 == severity as u32 {
            return codes::LEVELS[at].0;
        }
        at += 1;
    }
    0
}

/// From `alarm_level` to severity: a module's own entries before the default 1 critical, 2 major, 3 minor, 4 warning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels(heapless::Vec<(u32, Severity), LEVELS>);

impl Levels {
    /// Adds or replaces an entry; false if the table is full.
    pub fn set(&mut self, level: u32, severity: Severity) -> bool {
        match self.0.iter_mut().find(|entry| entry.0 == level) {
            Some(entry) => {
                entry.1 = severity;
                true
            }
            None => self.0.push((level, severity)).is_ok(),
        }
    }

    /// A level that means this; `None` if none does.
    pub fn level(&self, severity: Severity) -> Option<u32> {
        let own = self.0.iter().find(|entry| entry.1 == severity).map(|entry| entry.0);
        own.or(Some(default_level(severity)).filter(|level| self.severity(*level) == severity))
    }

    /// What this level means. Unknown levels are indeterminate.
    pub fn severity(&self, level: u32) -> Severity {
        match self.0.iter().find(|entry| entry.0 == level) {
            Some(entry) => entry.1,
            None => {
                codes::LEVELS.iter().find(|entry| entry.0 == level).map_or(Severity::Indeterminate, |entry| entry.1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_levels_are_indeterminate_and_configured_levels_come_first() {
        let mut levels = Levels::default();
        assert_eq!(levels.severity(2), Severity::Major);
        assert_eq!(levels.severity(0x13), Severity::Indeterminate);
        assert!(levels.set(0x13, Severity::Major));
        assert!(levels.set(2, Severity::Warning));
        assert_eq!(levels.severity(0x13), Severity::Major);
        assert_eq!(levels.severity(2), Severity::Warning);
        assert_eq!(levels.level(Severity::Major), Some(0x13));
        assert_eq!(levels.level(Severity::Critical), Some(1));
        assert!(levels.set(1, Severity::Minor));
        assert_eq!(levels.level(Severity::Critical), None);
    }
}
