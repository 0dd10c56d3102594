//! From alarms to what each output shows. Pure: no memory of others, no file, no clock.
//!
//! The only sequence so far is `follow`: an output shows an alarm while any alarm that it listens to is active.
//!
//! ```
//! use alarmd::alarm::{Alarm, AlarmId, Origin, Severity, Transition};
//! use alarmd::annunciator::{Annunciator, Rule};
//!
//! let mut annunciator = Annunciator::default();
//! annunciator.add(Rule { severity: Some(Severity::Major), ..Rule::default() });
//! let mut alarm = Alarm {
//!     module: 31,
//!     origin: Origin::Slot(1),
//!     id: AlarmId::default(),
//!     level: 3,
//!     severity: Severity::Minor,
//!     raised_at: 0,
//!     count: 1,
//! };
//! annunciator.apply(&Transition::Raised(alarm));
//! assert!(!annunciator.shows(0));
//! let from = alarm;
//! alarm.severity = Severity::Critical;
//! annunciator.apply(&Transition::Changed { from, to: alarm });
//! assert!(annunciator.shows(0));
//! ```
use heapless::Vec;

use crate::alarm::{Alarm, Severity, Transition};
use crate::settings::OutputSettings;
use crate::wire::{MODULES, OUTPUTS};

/// What an output listens to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// This and above; `None`: any. Indeterminate passes always, so that nothing is lost.
    pub severity: Option<Severity>,
    /// Ids of modules, 0 for the daemon's own alarms; empty: all.
    pub modules: Vec<u32, { MODULES + 1 }>,
}

impl Rule {
    /// True if the output listens to this alarm.
    pub fn listens(&self, alarm: &Alarm) -> bool {
        let severe = match alarm.severity {
            Severity::Indeterminate => true,
            Severity::Cleared => false,
            severity => self.severity.is_none_or(|least| severity <= least),
        };
        severe && (self.modules.is_empty() || self.modules.contains(&alarm.module))
    }
}

impl From<&OutputSettings> for Rule {
    fn from(output: &OutputSettings) -> Rule {
        Rule { severity: output.severity, modules: output.modules.clone() }
    }
}

/// The state machine. Outputs are numbered in the order in which their rules were added.
#[derive(Clone, Debug, Default)]
pub struct Annunciator {
    outputs: Vec<(Rule, u32), OUTPUTS>,
}

impl Annunciator {
    /// Adds an output. False if there are too many.
    pub fn add(&mut self, rule: Rule) -> bool {
        self.outputs.push((rule, 0)).is_ok()
    }

    /// Takes in what happened. Each alarm must be raised once before it is changed or cleared.
    pub fn apply(&mut self, transition: &Transition) {
        let (before, now) = match transition {
            Transition::Raised(alarm) => (None, Some(alarm)),
            Transition::Changed { from, to } => (Some(from), Some(to)),
            Transition::Cleared(alarm) => (Some(alarm), None),
        };
        for (rule, active) in &mut self.outputs {
            *active += u32::from(now.is_some_and(|alarm| rule.listens(alarm)));
            *active -= u32::from(before.is_some_and(|alarm| rule.listens(alarm)));
        }
    }

    /// True if this output shows an alarm.
    pub fn shows(&self, output: usize) -> bool {
        self.outputs.get(output).is_some_and(|(_, active)| *active > 0)
    }

    /// The numbers of the outputs that listen to this alarm.
    pub fn listeners<'a>(&'a self, alarm: &'a Alarm) -> impl Iterator<Item = usize> + 'a {
        self.outputs.iter().enumerate().filter(|(_, (rule, _))| rule.listens(alarm)).map(|(output, _)| output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::{AlarmId, Origin};

    fn alarm(module: u32, severity: Severity) -> Alarm {
        Alarm { module, origin: Origin::Slot(1), id: AlarmId::default(), level: 0, severity, raised_at: 0, count: 1 }
    }

    fn one(rule: Rule) -> Annunciator {
        let mut annunciator = Annunciator::default();
        assert!(annunciator.add(rule));
        annunciator
    }

    #[test]
    fn an_output_stays_on_until_its_last_alarm_ends() {
        let mut annunciator = one(Rule::default());
        let (first, second) = (alarm(31, Severity::Major), alarm(32, Severity::Warning));
        annunciator.apply(&Transition::Raised(first));
        annunciator.apply(&Transition::Raised(second));
        annunciator.apply(&Transition::Cleared(first));
        assert!(annunciator.shows(0));
        annunciator.apply(&Transition::Cleared(second));
        assert!(!annunciator.shows(0));
    }

    #[test]
    fn a_severity_filter_passes_this_and_above_and_indeterminate() {
        let rule = Rule { severity: Some(Severity::Major), ..Rule::default() };
        let passes: std::vec::Vec<bool> =
            Severity::ALL.into_iter().map(|severity| rule.listens(&alarm(31, severity))).collect();
        assert_eq!(passes, [true, true, false, false, true, false]);
    }

    #[test]
    fn a_module_filter_passes_only_its_modules() {
        let mut rule = Rule::default();
        rule.modules.push(31).unwrap();
        assert!(rule.listens(&alarm(31, Severity::Warning)));
        assert!(!rule.listens(&alarm(32, Severity::Critical)));
        assert!(!rule.listens(&alarm(0, Severity::Critical)));
    }

    #[test]
    fn a_change_below_the_filter_turns_the_output_off() {
        let mut annunciator = one(Rule { severity: Some(Severity::Major), ..Rule::default() });
        let (from, to) = (alarm(31, Severity::Critical), alarm(31, Severity::Minor));
        annunciator.apply(&Transition::Raised(from));
        assert!(annunciator.shows(0));
        annunciator.apply(&Transition::Changed { from, to });
        assert!(!annunciator.shows(0));
        annunciator.apply(&Transition::Cleared(to));
        assert!(!annunciator.shows(0));
    }
}
