//! The operator's commands: acknowledge, silence, lamp test.
use core::sync::atomic::Ordering;

use log::info;

use super::rounds::Poll;
use crate::annunciator::lamp_test;
use crate::clock::{S, Time};
use crate::codes::Command;
use crate::monitor::Monitor;
use crate::output::Hardware;

impl Poll {
    /// Carries out the doorbell's commands. They are taken first: a command lost with the daemon must be repeated by the
    /// operator; one executed twice would acknowledge later alarms.
    pub(super) fn handle_commands(&mut self, now: Time, hardware: &mut dyn Hardware) {
        let Some(doorbell) = self.bell.view() else { return };
        let lamp_test = lamp_test(doorbell.lamp_test_s.load(Ordering::Relaxed));
        let is_wanted = doorbell.take_commands();
        if is_wanted(Command::LampTest) {
            info!("command: lamp test for {} s", lamp_test / S);
            self.annunciator.test(now + lamp_test);
        }
        if is_wanted(Command::Silence) {
            info!("command: silence");
            self.channels.iter_mut().for_each(|channel| channel.point.silence());
        }
        if is_wanted(Command::Acknowledge) {
            info!("command: acknowledge");
            self.acknowledge(now, hardware);
        }
        self.drive(now, hardware);
        self.log_transitions();
        self.publish(now);
        if let Some(doorbell) = self.bell.view() {
            doorbell.completed.fetch_add(1, Ordering::Release);
        }
    }

    fn acknowledge(&mut self, now: Time, hardware: &mut dyn Hardware) {
        self.channels.iter_mut().for_each(|channel| channel.point.acknowledge());
        for number in 0..self.monitors.len() {
            self.make_room(now, hardware);
            self.with_monitor(number, Monitor::acknowledge);
        }
        self.make_room(now, hardware);
        self.each_channel(|channel, _, report| channel.acknowledge(report));
        self.acknowledge_daemon_alarms();
    }
}
