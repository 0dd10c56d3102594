//! Going on where a daemon that was killed has left off.
use core::sync::atomic::{AtomicU32, Ordering};

use heapless::Vec;
use log::info;

use super::own::Owns;
use super::{Poll, StartError, tell};
use crate::alarm::{Alarm, AlarmId, ModuleId, Name, Origin, Severity, Transition};
use crate::monitor::{Monitor, Role};
use crate::output::{LineError, Output, Step};
use crate::settings::{ModuleSettings, Settings};
use crate::sysv::Errno;
use crate::wire::{MemoryCopy, SavedOutput, SavedSegment, unpack_text};

use super::publisher::Publisher;

fn get(word: &AtomicU32) -> u32 {
    word.load(Ordering::Relaxed)
}

impl Poll {
    /// Takes the status block, and over what the daemon before has left in it: what was seen in each segment and which outputs
    /// had failed. What became of that meanwhile is then told as any change is.
    pub(super) fn take_over(&mut self, settings: &Settings) -> Result<(), StartError> {
        let publisher = Publisher::claim(self.guardian)?;
        if let Some(kept) = publisher.memory().kept() {
            self.owns = Owns(get(&kept.own));
            for saved in kept.segments() {
                self.restore_segment(settings, saved);
            }
            self.restore_outputs(settings, kept);
            if !self.monitors.is_empty() {
                info!("going on with {} segments that the daemon before has watched", self.monitors.len());
            }
        }
        self.publisher = Some(publisher);
        Ok(())
    }

    fn restore_segment(&mut self, settings: &Settings, saved: &SavedSegment) {
        let Some(id) = ModuleId::new(get(&saved.module)) else { return };
        let position = settings.modules.iter().position(|module| module.id == id);
        let served = |monitor: &Monitor, module: &ModuleSettings| match monitor.role() {
            Role::Fixed => monitor.key() == Some(module.key),
            Role::Ftok | Role::Former => module.ftok.is_some(),
        };
        let mut tell = tell(&mut self.annunciator, &mut self.transitions);
        if let Some(position) = position {
            let module = &settings.modules[position];
            if let Some(monitor) = Monitor::restore(position, module, saved, &mut tell) {
                if served(&monitor, module) {
                    // There is room: it was saved from a table as large as this.
                    let _ = self.monitors.push(monitor);
                    return;
                }
            }
        }
        // A module that is watched no more, or elsewhere: its alarms have ended.
        if let Some(name) = Name::new("gone") {
            let module = ModuleSettings::new(name, id);
            if let Some(mut monitor) = Monitor::restore(0, &module, saved, &mut tell) {
                monitor.forget(&module, &mut tell);
            }
        }
    }

    fn restore_outputs(&mut self, settings: &Settings, kept: &MemoryCopy) {
        let saved: Vec<&SavedOutput, { crate::wire::OUTPUTS }> = kept.outputs().iter().collect();
        for (number, saved) in saved.iter().enumerate() {
            let failed = get(&saved.failed);
            let step = failed.checked_sub(1).and_then(|step| Step::ALL.get(step as usize));
            let failure = step.map(|step| LineError { step: *step, errno: Errno::from_raw(get(&saved.errno) as i32) });
            let mut bytes = [0; 32];
            let words = saved.name.each_ref().map(get);
            let name = unpack_text(&words, &mut bytes);
            let same = settings
                .outputs
                .get(number)
                .filter(|output| output.name.as_str() == name && output.kind as u32 == get(&saved.kind));
            let restored = if same.is_some() {
                Output::restored(failure, get(&saved.writes))
            } else {
                if failure.is_some() {
                    let id = AlarmId { kind: 2, code: 0, index: number as u32 + 1 };
                    let alarm = Alarm::own(0, Origin::Failed, id, Severity::Major);
                    tell(&mut self.annunciator, &mut self.transitions)(Transition::Cleared(alarm));
                }
                Output::default()
            };
            let _ = self.outputs.push(restored);
        }
    }
}
