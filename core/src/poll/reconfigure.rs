//! Applies other settings while everything runs.
use core::mem::take;

use heapless::Vec;

use super::error::StartError;
use super::rounds::{Poll, find_module};
use super::settings::Settings;
use crate::annunciator::Latched;
use crate::clock::{self, MS, Nanos};
use crate::codes::{Indication, SegmentRole};
use crate::limits::OUTPUTS;
use crate::monitor::{ModuleSettings, Monitor};
use crate::output::{Channel, Hardware, OutputSettings};

impl Poll {
    /// Applies other settings. What stays the same is not touched: segments stay attached, lines stay at their level.
    ///
    /// # Errors
    /// [`StartError::Runs`]
    pub fn reconfigure(&mut self, settings: &Settings, hardware: &mut dyn Hardware) -> Result<(), StartError> {
        let now = clock::now();
        // In place: a copy of the monitors would be a tenth of the memory that the daemon may use.
        for number in (0..self.monitors.len()).rev() {
            let served = |monitor: &Monitor, before: &ModuleSettings| {
                settings.modules.iter().any(|module| monitor.serves(before, module))
            };
            let ended = self.with_monitor(number, |monitor, module, report| {
                let ends = !served(monitor, module);
                if ends {
                    monitor.forget(module, report);
                }
                ends
            });
            if ended.unwrap_or(true) {
                drop(self.monitors.remove(number));
                self.settle(now, hardware);
            }
        }
        let latched = self.latches_for(settings);
        self.take_outputs(settings, hardware);
        self.take_settings(settings);
        self.rebuild_annunciator(&latched);
        self.apply_settings(hardware)
    }

    /// What each of the new outputs keeps: by its name, as after a restart.
    fn latches_for(&self, settings: &Settings) -> Vec<Latched, OUTPUTS> {
        let same = |output: &OutputSettings, channel: &Channel| {
            (output.rule.kind, &output.name) == (channel.settings.rule.kind, &channel.settings.name)
        };
        let latched = |output| self.channels.iter().find(|channel| same(output, channel)).map(|c| c.point.latched());
        settings.outputs.iter().map(|output| latched(output).unwrap_or_default()).collect()
    }

    /// Gives each new output the line of the old one that has the same. A line that no new output has is set as `on_stop` says.
    fn take_outputs(&mut self, settings: &Settings, hardware: &mut dyn Hardware) {
        let now = clock::now();
        for number in 0..self.channels.len() {
            let position = settings.outputs.iter().position(|output| self.channels[number].has_line_of(output));
            let before = self.transitions.len();
            let (channel, transitions) = (&mut self.channels[number], &mut self.transitions);
            if position == Some(number) {
                channel.retry();
            } else {
                // A line that failed is set up again, under the number that it has now.
                channel.end_failure(&mut |transition| {
                    let _ = transitions.push(transition);
                });
            }
            if position.is_none() {
                // One that flashes is held with its light on.
                let alarm = channel.point.shows() != Indication::Nothing;
                channel.apply_on_stop(alarm, now, hardware);
            }
            for transition in &self.transitions[before..] {
                self.annunciator.apply(&mut self.channels, transition);
            }
        }
        // Nothing is published from here on until every output has its line, or what each keeps would be lost with a daemon
        // that is killed meanwhile.
        let mut old = take(&mut self.channels);
        for (number, output) in (1..).zip(&settings.outputs) {
            let mut channel = Channel::new(number, output.clone());
            if let Some(before) = old.iter_mut().find(|channel| channel.has_line_of(output)) {
                channel.take_line(before);
            }
            let _ = self.channels.push(channel);
        }
    }

    /// Takes over all but the outputs. Each by itself: the settings as a whole are 30 KB of stack.
    pub(super) fn take_settings(&mut self, settings: &Settings) {
        self.poll_ms = settings.poll_ms;
        // Half of it: guardian and watchdog expect a round in that time.
        self.poll = (Nanos::from(settings.poll_ms) * MS).min(settings.longest_wait);
        self.policy = settings.policy.clone();
        self.modules.clear();
        self.modules.extend(settings.modules.iter().cloned());
    }

    /// Makes each point show what is active, and what its output has kept.
    pub(super) fn rebuild_annunciator(&mut self, latched: &[Latched]) {
        let Poll { channels, monitors, modules, .. } = self;
        let mut add = |alarm| channels.iter_mut().for_each(|channel| channel.point.add_active(&alarm));
        for monitor in monitors {
            if let Some(module) = find_module(modules, monitor.module()) {
                monitor.each_active(module, &mut add);
            }
        }
        self.daemon_alarms.iter().for_each(&mut add);
        for number in 0..self.channels.len() {
            if let Some(alarm) = self.channels[number].alarm() {
                self.channels.iter_mut().for_each(|channel| channel.point.add_active(&alarm));
            }
        }
        for (channel, latched) in self.channels.iter_mut().zip(latched) {
            channel.point.restore_latch(*latched);
        }
    }

    /// Continues with the settings: what there is of monitors and channels is theirs already.
    pub(super) fn apply_settings(&mut self, hardware: &mut dyn Hardware) -> Result<(), StartError> {
        let now = clock::now();
        self.bell.policy_changed();
        for module in &self.modules {
            for role in [SegmentRole::Fixed, SegmentRole::Ftok] {
                let served = |monitor: &Monitor| monitor.module() == module.id && monitor.role() == role;
                let wanted = role == SegmentRole::Fixed || module.ftok.is_some();
                if wanted && !self.monitors.iter().any(served) {
                    // There is room: three segments a module.
                    let _ = self.monitors.push(Monitor::new(role, module));
                }
            }
        }
        self.drive(now, hardware);
        self.check_health(now, hardware)
    }
}
