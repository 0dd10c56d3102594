//! What the levels that producers give mean.
use super::Severity;

/// The most entries a module may add to the default table of levels.
pub const LEVELS: usize = 16;

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
        own.or(Some(severity.default_level()).filter(|level| self.severity(*level) == severity))
    }

    /// What this level means. Unknown levels are indeterminate.
    pub fn severity(&self, level: u32) -> Severity {
        match self.0.iter().find(|entry| entry.0 == level) {
            Some(entry) => entry.1,
            None => match level {
                1 => Severity::Critical,
                2 => Severity::Major,
                3 => Severity::Minor,
                4 => Severity::Warning,
                _ => Severity::Indeterminate,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_levels_are_indeterminate_and_own_entries_come_first() {
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
