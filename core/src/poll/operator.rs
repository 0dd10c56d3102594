//! What an operator tells the daemon: acknowledge, silence, lamp test.
use core::sync::atomic::Ordering;

use log::info;

use super::{Poll, tell};
use crate::annunciator::lamp_test;
use crate::clock::{S, Time};
use crate::codes::Command;
use crate::output::{Hardware, Order};

impl Poll {
    /// Does what the doorbell's command says. It is taken away first: one that is lost with the daemon is given again by an
    /// operator who sees that nothing came of it; one that is obeyed twice would acknowledge what nobody has seen.
    pub(super) fn obey(&mut self, now: Time, hardware: &mut dyn Hardware) {
        let Some(doorbell) = self.bell() else { return };
        let lamp_test = lamp_test(doorbell.lamp_test_s.load(Ordering::Relaxed));
        let is_wanted = doorbell.take_commands();
        if is_wanted(Command::LampTest) {
            info!("lamp test for {} s", lamp_test / S);
            self.annunciator.test(now + lamp_test);
        }
        if is_wanted(Command::Silence) {
            info!("silenced");
            self.annunciator.silence();
        }
        if is_wanted(Command::Acknowledge) {
            self.acknowledge(now, hardware);
        }
        self.drive(now, hardware);
        self.tell_all();
        self.publish(now);
        if let Some(doorbell) = self.bell() {
            doorbell.obeyed.fetch_add(1, Ordering::Release);
        }
    }

    fn acknowledge(&mut self, now: Time, hardware: &mut dyn Hardware) {
        info!("acknowledged");
        self.annunciator.acknowledge();
        for number in 0..self.monitors.len() {
            self.make_room(now, hardware);
            let monitor = &mut self.monitors[number];
            let module = &self.settings.modules[monitor.module];
            monitor.acknowledge(module, &mut tell(&mut self.annunciator, &mut self.transitions));
        }
        self.make_room(now, hardware);
        for (number, (output, settings)) in self.outputs.iter_mut().zip(&self.settings.outputs).enumerate() {
            let order = Order { number, settings, alarm: false, now };
            output.acknowledge(&order, &mut tell(&mut self.annunciator, &mut self.transitions));
        }
        self.acknowledge_owns();
    }
}
