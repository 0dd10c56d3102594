//! Refuses a segment, or accepts it again.
use log::{error, info};

use super::reader::Monitor;
use super::refusal::{Refusal, Rejection};
use super::settings::ModuleSettings;
use crate::alarm::Transition;

impl Monitor {
    /// Why the segment is not read, or has no key.
    pub fn refusal(&self) -> Option<Refusal> {
        self.rejection.map(Refusal::from).or(self.key_error.map(Refusal::from))
    }

    /// Refuses the segment, or accepts it again. A reason that lasts is logged once.
    pub(super) fn reject(
        &mut self,
        module: &ModuleSettings,
        rejection: Option<Rejection>,
        report: &mut dyn FnMut(Transition),
    ) {
        if rejection == self.rejection {
            return;
        }
        let before = core::mem::replace(&mut self.rejection, rejection).map(Rejection::origin);
        let name = &module.name;
        match (rejection, self.key) {
            (Some(Rejection::Restored(_)), _) => {}
            (Some(rejection), Some(key)) => {
                error!("module {name}: segment refused (key {key}): {}", Refusal::from(rejection))
            }
            (Some(_), None) => {}
            (None, _) => info!("module {name}: segment accepted"),
        }
        let now = rejection.map(Rejection::origin);
        if now != before {
            before.into_iter().for_each(|origin| self.report_condition(module, origin, false, report));
            now.into_iter().for_each(|origin| self.report_condition(module, origin, true, report));
        }
    }
}
