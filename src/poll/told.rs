//! A transition as one log line: what, which module, which alarm, which outputs.
use core::fmt;

use crate::alarm::{Origin, Transition};
use crate::annunciator::Annunciator;
use crate::settings::Settings;

/// `raised: module sdhmgt: type 0x14 code 0x11 index 0x12 level 0x13 (indeterminate), slot 0: lamp critical, relay office`
pub struct Told<'a> {
    pub transition: &'a Transition,
    pub settings: &'a Settings,
    pub annunciator: &'a Annunciator,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alarm = self.transition.alarm();
        let what = Transition::WORDS[self.transition.number() as usize];
        let module = self.settings.modules.iter().find(|module| module.id.get() == alarm.module);
        let name = module.map_or("alarmd", |module| module.name.as_str());
        write!(f, "{what}: module {name}: ")?;
        match alarm.origin {
            Origin::Slot(_) => {
                write!(f, "{} level {:#x} ({}), {}", alarm.id, alarm.level, alarm.severity, alarm.origin)?;
            }
            Origin::Silent | Origin::Lost => write!(f, "{} ({})", alarm.origin, alarm.severity)?,
            Origin::Refused => write!(f, "segment of module {} refused ({})", alarm.id.code, alarm.severity)?,
            Origin::Failed => write!(f, "output {} failed ({})", alarm.id.index, alarm.severity)?,
        }
        let mut separator = ": ";
        for output in self.annunciator.listeners(alarm).filter_map(|output| self.settings.outputs.get(output)) {
            write!(f, "{separator}{} {}", output.kind.word(), output.name)?;
            separator = ", ";
        }
        if separator == ": " {
            f.write_str(": no output listens")?;
        }
        Ok(())
    }
}
