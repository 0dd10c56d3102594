//! Continues where a daemon that was killed stopped.
use core::sync::atomic::{AtomicU32, Ordering};

use heapless::Vec;
use log::info;

use super::daemon_alarms::DaemonAlarms;
use super::error::StartError;
use super::publisher::Publisher;
use super::rounds::{Poll, find_module};
use crate::alarm::{ModuleId, Name, Transition};
use crate::annunciator::Latched;
use crate::clock;
use crate::codes::SegmentRole;
use crate::limits::{OUTPUTS, SEGMENTS};
use crate::monitor::{ModuleSettings, Monitor};
use crate::output::{OutputSettings, SavedLine, failed, failure_from_words};
use crate::sysv::Key;
use crate::wire::{SavedCopy, SavedOutput, SavedSegment, unpack_text};

fn get(word: &AtomicU32) -> u32 {
    word.load(Ordering::Relaxed)
}

/// True if it was saved for this output.
fn is_of(saved: &SavedOutput, output: &OutputSettings) -> bool {
    let words = saved.name.each_ref().map(get);
    unpack_text(&words, &mut [0; 32]) == output.name.as_str() && get(&saved.kind) == output.rule.kind.number()
}

impl Poll {
    /// Claims the status block and takes over what the previous daemon has left in it: what was seen in each segment and which
    /// outputs had failed. What changed meanwhile is then reported as any change is.
    pub(super) fn restore(&mut self) -> Result<(), StartError> {
        let publisher = Publisher::claim(self.guardian)?;
        let (mut any_gone, mut latched) = (false, Vec::<Latched, OUTPUTS>::new());
        if let Some(copy) = publisher.saved().valid_copy() {
            self.daemon_alarms = DaemonAlarms { active: get(&copy.own), acknowledged: get(&copy.own_acknowledged) };
            self.restore_outputs(copy);
            latched.extend(self.channels.iter().map(|channel| {
                let saved = copy.outputs().iter().find(|saved| is_of(saved, &channel.settings));
                saved.map_or(Latched::default(), |saved| Latched::from_word(get(&saved.latched)))
            }));
            for saved in copy.segments() {
                match self.module_of(saved) {
                    // There is room: they were saved from a table as large as this.
                    Some(module) => self.monitors.extend(Monitor::restore(module, saved)),
                    None => any_gone = true,
                }
            }
            if !self.monitors.is_empty() {
                info!("state restored from the previous daemon: {} segments", self.monitors.len());
            }
        }
        self.rebuild_annunciator(&latched);
        if any_gone {
            self.clear_unconfigured(publisher);
        } else {
            self.publisher = Some(publisher);
        }
        Ok(())
    }

    /// The module to which a segment belongs; `None` if it is not watched any more, or found elsewhere.
    fn module_of(&self, saved: &SavedSegment) -> Option<&ModuleSettings> {
        let module = find_module(&self.modules, ModuleId::new(get(&saved.module))?)?;
        let is_found = match SegmentRole::from_number(get(&saved.role))? {
            SegmentRole::Fixed => Key::fixed(get(&saved.key)) == Some(module.key),
            SegmentRole::Ftok | SegmentRole::Former => module.ftok.is_some(),
        };
        is_found.then_some(module)
    }

    /// Ends the alarms of what is not watched any more. After all else is restored, for it may have to be published in between.
    /// Apart, because it needs much of the stack and is rare.
    #[cold]
    #[inline(never)]
    fn clear_unconfigured(&mut self, publisher: Publisher) {
        let mut gone = Vec::<(ModuleSettings, Monitor), SEGMENTS>::new();
        for saved in publisher.saved().valid_copy().into_iter().flat_map(SavedCopy::segments) {
            let module = Name::new("gone").zip(ModuleId::new(get(&saved.module)));
            let Some((name, id)) = module.filter(|_| self.module_of(saved).is_none()) else { continue };
            let module = ModuleSettings::new(name, id);
            let Some(monitor) = Monitor::restore(&module, saved) else { continue };
            monitor.each_active(&module, &mut |alarm| {
                self.channels.iter_mut().for_each(|channel| channel.point.add_active(&alarm));
            });
            gone.extend([(module, monitor)]);
        }
        self.publisher = Some(publisher);
        for (module, monitor) in &mut gone {
            if self.is_full() {
                self.log_transitions();
                self.publish(clock::now());
            }
            monitor.forget(module, &mut |transition| self.report(transition));
        }
    }

    fn restore_outputs(&mut self, copy: &SavedCopy) {
        for (number, saved) in (1..).zip(copy.outputs()) {
            let failure = failure_from_words(get(&saved.failed), get(&saved.errno));
            let channel = self.channels.get_mut(number as usize - 1).filter(|channel| is_of(saved, &channel.settings));
            match channel {
                Some(channel) => channel.restore(SavedLine {
                    failure,
                    acknowledged: get(&saved.failure_acknowledged) != 0,
                    writes: get(&saved.writes),
                }),
                None if failure.is_some() => self.report(Transition::Cleared(failed(number))),
                None => {}
            }
        }
    }
}
