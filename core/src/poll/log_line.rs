//! A transition as one log line: what, which module, which alarm, which outputs.
use core::fmt;

use crate::alarm::{AlarmId, Origin, Transition};
use crate::monitor::ModuleSettings;
use crate::output::Channel;

/// `module sdhmgt: alarm raised: type 0x14 code 0x11 index 0x12 level 0x13 (indeterminate), slot 0; lamp critical, relay office`
pub struct LogLine<'a> {
    pub transition: &'a Transition,
    pub modules: &'a [ModuleSettings],
    pub channels: &'a [Channel],
}

impl fmt::Display for LogLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alarm = self.transition.alarm();
        match (self.modules.iter().find(|module| module.id.get() == alarm.module), alarm.module) {
            (Some(module), _) => write!(f, "module {}", module.name)?,
            (None, 0) => f.write_str("module alarmd")?,
            // It is not configured any more.
            (None, id) => write!(f, "module {id}")?,
        }
        write!(f, ": alarm {}: ", self.transition.kind())?;
        let (origin, severity, id) = (alarm.origin, alarm.severity, alarm.id);
        match origin {
            Origin::Slot(_) => write!(f, "{id} level {:#x} ({severity}), {origin}", alarm.level)?,
            Origin::Refused if id.code != 0 => write!(f, "segment of module {} refused ({severity})", id.code)?,
            Origin::Refused => write!(f, "segment of {} refused ({severity})", owner(id))?,
            Origin::Failed => write!(f, "output {} failed ({severity})", id.index)?,
            Origin::Restarted if id.code == 0 => {
                write!(f, "worker restarted: it hung or exited, restart {} ({severity})", id.index)?
            }
            Origin::Restarted => write!(f, "worker restarted: signal {}, restart {} ({severity})", id.code, id.index)?,
            Origin::Clock => write!(f, "{origin} by {} s ({severity})", id.code)?,
            Origin::Limit => write!(f, "{origin}: no segment for {} ({severity})", owner(id))?,
            Origin::Silent | Origin::Lost | Origin::NoProducer | Origin::Configuration => {
                write!(f, "{origin} ({severity})")?;
            }
        }
        if matches!(origin, Origin::Restarted | Origin::Clock) {
            // They move no output.
            return Ok(());
        }
        let mut separator = "; ";
        for channel in self.channels.iter().filter(|channel| channel.settings.rule.listens(alarm)) {
            write!(f, "{separator}{channel}")?;
            separator = ", ";
        }
        if separator == "; " {
            f.write_str("; no output shows it")?;
        }
        Ok(())
    }
}

/// The segment that could not be created or used.
fn owner(id: AlarmId) -> &'static str {
    match (id.code, id.index) {
        (0, 1) => "the doorbell",
        (0, _) => "the status block",
        _ => "a module",
    }
}
