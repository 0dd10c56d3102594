//! Going over to other settings while everything runs.
use core::mem::take;

use heapless::Vec;

use super::{Poll, StartError, tell};
use crate::annunciator::{Annunciator, Latched, Rule, Shows};
use crate::clock::{self, MS, Nanos, Time};
use crate::limits::OUTPUTS;
use crate::monitor::{Monitor, Role};
use crate::output::{Hardware, Order, Output};
use crate::settings::{OutputSettings, Settings};

impl Poll {
    /// Goes over to other settings. What stays the same stays untouched: segments attached, lines at their level.
    ///
    /// # Errors
    /// [`StartError::Runs`]
    pub fn reconfigure(&mut self, settings: Settings, hardware: &mut dyn Hardware) -> Result<(), StartError> {
        let now = clock::now();
        // By its name, as after a restart.
        let before = |output: &OutputSettings| {
            let same = |other: &OutputSettings| (other.kind, &other.name) == (output.kind, &output.name);
            self.settings.outputs.iter().position(same)
        };
        let latched: Vec<Option<usize>, OUTPUTS> = settings.outputs.iter().map(before).collect();
        // All in its place: a copy of the monitors would be a tenth of the memory that the daemon may use.
        for number in (0..self.monitors.len()).rev() {
            let monitor = &mut self.monitors[number];
            let before = &self.settings.modules[monitor.module];
            if !settings.modules.iter().any(|module| monitor.serves(before, module)) {
                monitor.forget(before, &mut tell(&mut self.annunciator, &mut self.transitions));
                drop(self.monitors.remove(number));
                self.settle(now, hardware);
            }
        }

        let mut kept: Vec<Option<Output>, OUTPUTS> = settings.outputs.iter().map(|_| None).collect();
        let mut outputs = take(&mut self.outputs);
        for (number, (before, output)) in self.settings.outputs.iter().zip(&mut outputs).enumerate() {
            // One that flashes is held with its light.
            let alarm = self.annunciator.shows(number) != Shows::Nothing;
            let order = Order { number, settings: before, alarm, now };
            let same =
                |output: &OutputSettings| output.target == before.target && output.active_low == before.active_low;
            let position = settings.outputs.iter().position(same);
            if position == Some(number) {
                output.retry();
            } else {
                // A line that failed is set up anew, under the number it has now.
                output.forget(&order, &mut tell(&mut self.annunciator, &mut self.transitions));
            }
            match position {
                Some(position) => kept[position] = Some(take(output)),
                None => output.rest(&order, hardware),
            }
        }
        // Nothing is published from here on until every output has its line again, or what each keeps would be lost with a
        // daemon killed meanwhile.

        for monitor in &mut self.monitors {
            let before = &self.settings.modules[monitor.module];
            // There is one, or it would have been forgotten.
            let position = settings.modules.iter().position(|module| monitor.serves(before, module));
            monitor.module = position.unwrap_or(0);
        }
        self.outputs = kept.into_iter().map(Option::unwrap_or_default).collect();
        self.settings = settings;
        let before = take(&mut self.annunciator);
        let latched: Vec<Latched, OUTPUTS> =
            latched.iter().map(|at| at.map_or(Latched::default(), |at| before.latched(at))).collect();
        self.announce(&latched);
        self.annunciator.keep_time(&before);
        self.adopt(hardware)
    }

    /// Makes the annunciator for the settings: what is active, and what each output has kept.
    pub(super) fn announce(&mut self, latched: &[Latched]) {
        self.annunciator = Annunciator::default();
        for output in &self.settings.outputs {
            self.annunciator.add(Rule::from(output));
        }
        for monitor in &self.monitors {
            let annunciator = &mut self.annunciator;
            let module = &self.settings.modules[monitor.module];
            monitor.each_active(module, &mut |alarm| annunciator.prime(&alarm));
        }
        for (number, (output, settings)) in self.outputs.iter().zip(&self.settings.outputs).enumerate() {
            let order = Order { number, settings, alarm: false, now: Time::default() };
            output.alarm(&order).iter().for_each(|alarm| self.annunciator.prime(alarm));
        }
        self.owns.prime(&mut self.annunciator);
        latched.iter().enumerate().for_each(|(output, latched)| self.annunciator.resume(output, *latched));
    }

    /// Goes on with the settings: what there is of monitors and outputs is theirs already.
    pub(super) fn adopt(&mut self, hardware: &mut dyn Hardware) -> Result<(), StartError> {
        let now = clock::now();
        // Half of these: guardian and watchdog expect a round in that time.
        let Settings { poll_ms, hang_ms, watchdog_s, .. } = self.settings;
        self.poll = Nanos::from(poll_ms.min(hang_ms / 2).min(watchdog_s * 500)) * MS;
        while self.outputs.len() < self.settings.outputs.len() {
            let _ = self.outputs.push(Output::default());
        }
        self.outputs.truncate(self.settings.outputs.len());
        // Its mode and group may be others now.
        self.doorbell_right = false;
        for (position, module) in self.settings.modules.iter().enumerate() {
            for role in [Role::Fixed, Role::Ftok] {
                let served = |monitor: &Monitor| monitor.module == position && monitor.role() == role;
                let wanted = role == Role::Fixed || module.ftok.is_some();
                if wanted && !self.monitors.iter().any(served) {
                    // There is room: three segments a module.
                    let _ = self.monitors.push(Monitor::new(position, role, module));
                }
            }
        }
        self.drive(now, hardware);
        self.check_health(now, hardware)
    }
}
