//! A transition as one log line: what, which module, which alarm, which outputs.
use core::fmt;

use crate::alarm::{AlarmId, Origin, Transition};
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
        let what = self.transition.kind();
        let module = self.settings.modules.iter().find(|module| module.id.get() == alarm.module);
        match (module, alarm.module) {
            (Some(module), _) => write!(f, "{what}: module {}: ", module.name)?,
            (None, 0) => write!(f, "{what}: module alarmd: ")?,
            // Its configuration has gone.
            (None, id) => write!(f, "{what}: module {id}: ")?,
        }
        let (origin, severity, id) = (alarm.origin, alarm.severity, alarm.id);
        match origin {
            Origin::Slot(_) => write!(f, "{id} level {:#x} ({severity}), {origin}", alarm.level)?,
            Origin::Refused if id.code != 0 => write!(f, "segment of module {} refused ({severity})", id.code)?,
            Origin::Refused => write!(f, "segment of {} refused ({severity})", whose(id))?,
            Origin::Failed => write!(f, "output {} failed ({severity})", id.index)?,
            Origin::Restarted if id.code == 0 => write!(f, "worker {} restarted: it hung ({severity})", id.index)?,
            Origin::Restarted => write!(f, "worker {} restarted: signal {} ({severity})", id.index, id.code)?,
            Origin::Clock => write!(f, "{origin} by {} s ({severity})", id.code)?,
            Origin::Limit => write!(f, "{origin}: no segment for {} ({severity})", whose(id))?,
            Origin::Silent | Origin::Lost | Origin::NoProducer | Origin::Configuration => {
                write!(f, "{origin} ({severity})")?;
            }
        }
        if matches!(origin, Origin::Restarted | Origin::Clock) {
            // They move no output.
            return Ok(());
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

/// Whose segment it is that could not be had.
fn whose(id: AlarmId) -> &'static str {
    match (id.code, id.index) {
        (0, 1) => "the doorbell",
        (0, _) => "the status block",
        _ => "a module",
    }
}
