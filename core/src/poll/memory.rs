//! Going on where a daemon that was killed has left off.
use core::sync::atomic::{AtomicU32, Ordering};

use heapless::Vec;
use log::info;

use super::own::Owns;
use super::{Poll, StartError, tell};
use crate::alarm::{ModuleId, Name, Transition, daemon};
use crate::annunciator::Latched;
use crate::clock;
use crate::codes::DaemonType;
use crate::errno::Errno;
use crate::limits::{OUTPUTS, SEGMENTS};
use crate::monitor::{Monitor, Role};
use crate::output::{LineError, Output, Step};
use crate::settings::{ModuleSettings, OutputSettings};
use crate::sysv::Key;
use crate::wire::{MemoryCopy, SavedOutput, SavedSegment, unpack_text};

use super::publisher::Publisher;

fn get(word: &AtomicU32) -> u32 {
    word.load(Ordering::Relaxed)
}

/// True if it was saved for this output.
fn is_of(saved: &SavedOutput, output: &OutputSettings) -> bool {
    let words = saved.name.each_ref().map(get);
    unpack_text(&words, &mut [0; 32]) == output.name.as_str() && get(&saved.kind) == output.kind as u32
}

impl Poll {
    /// Takes the status block, and over what the daemon before has left in it: what was seen in each segment and which outputs
    /// had failed. What became of that meanwhile is then told as any change is.
    pub(super) fn take_over(&mut self) -> Result<(), StartError> {
        let publisher = Publisher::claim(self.guardian)?;
        let (mut any_gone, mut latched) = (false, Vec::<Latched, OUTPUTS>::new());
        if let Some(kept) = publisher.memory().kept() {
            self.owns = Owns { active: get(&kept.own), acknowledged: get(&kept.own_acknowledged) };
            self.restore_outputs(kept);
            latched.extend(self.settings.outputs.iter().map(|output| {
                let saved = kept.outputs().iter().find(|saved| is_of(saved, output));
                saved.map_or(Latched::default(), |saved| Latched::from_word(get(&saved.latched)))
            }));
            for saved in kept.segments() {
                match self.module_of(saved) {
                    Some(module) => {
                        // There is room: they were saved from a table as large as this.
                        let restored = Monitor::restore(module, &self.settings.modules[module], saved);
                        self.monitors.extend(restored);
                    }
                    None => any_gone = true,
                }
            }
            if !self.monitors.is_empty() {
                info!("going on with {} segments that the daemon before has watched", self.monitors.len());
            }
        }
        self.announce(&latched);
        if any_gone {
            self.forget_gone(publisher);
        } else {
            self.publisher = Some(publisher);
        }
        Ok(())
    }

    /// Position of the module that a segment belongs to; `None` if it is watched no more, or elsewhere.
    fn module_of(&self, saved: &SavedSegment) -> Option<usize> {
        let module = self.settings.modules.iter().position(|module| module.id.get() == get(&saved.module))?;
        let settings = &self.settings.modules[module];
        let is_found = match Role::from_number(get(&saved.role))? {
            Role::Fixed => Key::fixed(get(&saved.key)) == Some(settings.key),
            Role::Ftok | Role::Former => settings.ftok.is_some(),
        };
        is_found.then_some(module)
    }

    /// The alarms of what is watched no more have ended. When all else has been taken over, for it may have to be published in
    /// between. Apart, because it takes much of the stack, and hardly ever comes.
    #[cold]
    #[inline(never)]
    fn forget_gone(&mut self, publisher: Publisher) {
        let mut gone = Vec::<(ModuleSettings, Monitor), SEGMENTS>::new();
        for saved in publisher.memory().kept().into_iter().flat_map(MemoryCopy::segments) {
            let module = Name::new("gone").zip(ModuleId::new(get(&saved.module)));
            let Some((name, id)) = module.filter(|_| self.module_of(saved).is_none()) else { continue };
            let module = ModuleSettings::new(name, id);
            let Some(monitor) = Monitor::restore(0, &module, saved) else { continue };
            monitor.each_active(&module, &mut |alarm| self.annunciator.prime(&alarm));
            gone.extend([(module, monitor)]);
        }
        self.publisher = Some(publisher);
        for (module, monitor) in &mut gone {
            if self.is_full() {
                self.tell_all();
                self.publish(clock::now());
            }
            monitor.forget(module, &mut tell(&mut self.annunciator, &mut self.transitions));
        }
    }

    fn restore_outputs(&mut self, kept: &MemoryCopy) {
        let saved: Vec<&SavedOutput, OUTPUTS> = kept.outputs().iter().collect();
        for (number, saved) in saved.iter().enumerate() {
            let failed = get(&saved.failed);
            let failure = Step::from_number(failed)
                .map(|step| LineError { step, errno: Errno::from_raw(get(&saved.errno) as i32) });
            let same = self.settings.outputs.get(number).filter(|output| is_of(saved, output));
            let restored = if same.is_some() {
                Output::restored(failure, get(&saved.failure_acknowledged) != 0, get(&saved.writes))
            } else {
                if failure.is_some() {
                    let alarm = daemon::alarm(DaemonType::Failed, 0, number as u32 + 1);
                    tell(&mut self.annunciator, &mut self.transitions)(Transition::Cleared(alarm));
                }
                Output::default()
            };
            let _ = self.outputs.push(restored);
        }
    }
}
