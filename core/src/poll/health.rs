//! The health check, once a second: clock, doorbell, status block, segments, lines.
use heapless::Vec;
use log::warn;

use super::error::StartError;
use super::publisher::Publisher;
use super::rounds::{Poll, find_module};
use crate::clock::{self, Nanos, S, Time};
use crate::codes::{DaemonAlarm, SegmentRole};
use crate::limits::{MODULES, SEGMENTS};
use crate::monitor::{Monitor, Verdict};
use crate::output::Hardware;
use crate::sysv::{Error, Key};

/// How often.
const HEALTH: Nanos = S;

/// How many segments to which ftok paths led before are watched, of all modules together.
const FORMERS: usize = SEGMENTS - 2 * MODULES;

impl Poll {
    /// Checks everything: segments, lines, doorbell, status block.
    ///
    /// # Errors
    /// As [`Poll::run`].
    pub fn check_health(&mut self, now: Time, hardware: &mut dyn Hardware) -> Result<(), StartError> {
        self.health_due = now + HEALTH;
        self.check_clock();
        let error = self.bell.check(&self.policy, self.poll_ms, now);
        self.set_from_error([DaemonAlarm::Doorbell, DaemonAlarm::DoorbellRefused], error.map(Error::is_limit));
        self.check_status()?;
        self.check_segments(now, hardware);
        // The nearest may be nearer now.
        self.beat_due = self.monitors.iter().map(Monitor::beat_due).min().unwrap_or(Time::NEVER);
        self.each_channel(|channel, annunciator, report| {
            channel.check(annunciator.is_on(&channel.point, now), now, hardware, report);
        });
        self.drive(now, hardware);
        self.log_transitions();
        self.publish(now);
        Ok(())
    }

    fn check_status(&mut self) -> Result<(), StartError> {
        let error = match self.publisher.as_mut().map_or(Ok(()), Publisher::check) {
            Ok(()) => None,
            Err(error @ StartError::Runs(_)) => return Err(error),
            Err(error) => Some(error),
        };
        if let Some(error) = error.filter(|error| self.status_error != Some(*error)) {
            warn!("{error}; alarmctl cannot read the status until this is fixed");
        }
        self.status_error = error;
        self.set_from_error([DaemonAlarm::Status, DaemonAlarm::StatusRefused], error.map(StartError::is_limit));
        Ok(())
    }

    fn check_segments(&mut self, now: Time, hardware: &mut dyn Hardware) {
        let mut number = 0;
        while number < self.monitors.len() {
            self.make_room(now, hardware);
            let keys: Vec<Key, SEGMENTS> = (self.monitors.iter().enumerate())
                .filter(|(other, monitor)| *other != number && monitor.role() != SegmentRole::Former)
                .filter_map(|(_, monitor)| monitor.key())
                .collect();
            let taken = |key| keys.contains(&key) || [Key::DOORBELL, Key::STATUS].contains(&key);
            let policy = self.policy.clone();
            let verdict =
                self.with_monitor(number, |monitor, module, report| monitor.check(now, module, &policy, taken, report));
            match verdict {
                Some(Verdict::Stay) => number += 1,
                // A monitor whose module is not configured has no more to do.
                Some(Verdict::Leave) | None => drop(self.monitors.swap_remove(number)),
                // The path's new segment is looked up by another check of the same monitor.
                Some(Verdict::Split(former)) => self.add_former(former),
            }
        }
        self.end_returned_formers(now, hardware);
    }

    /// Watches a former segment; one that is watched already makes room for it where there is none.
    fn add_former(&mut self, former: Monitor) {
        let formers = || self.monitors.iter().enumerate().filter(|(_, m)| m.role() == SegmentRole::Former);
        if formers().count() < FORMERS {
            let _ = self.monitors.push(former);
            return;
        }
        let Some((number, _)) = formers().find(|(_, m)| !m.is_up()).or(formers().next()) else { return };
        if let Some(module) = find_module(&self.modules, self.monitors[number].module()) {
            warn!("module {}: more than {FORMERS} former segments; one is not watched any more", module.name);
        }
        self.with_monitor(number, Monitor::forget);
        self.monitors[number] = former;
    }

    /// A path that led elsewhere for a while leads back to the segment that is still watched as former.
    fn end_returned_formers(&mut self, now: Time, hardware: &mut dyn Hardware) {
        let back: Vec<_, SEGMENTS> = (self.monitors.iter())
            .filter(|monitor| monitor.role() == SegmentRole::Ftok)
            .filter_map(|monitor| monitor.id())
            .collect();
        for number in (0..self.monitors.len()).rev() {
            let monitor = &self.monitors[number];
            if monitor.role() == SegmentRole::Former && monitor.id().is_some_and(|id| back.contains(&id)) {
                self.make_room(now, hardware);
                self.with_monitor(number, Monitor::forget);
                drop(self.monitors.swap_remove(number));
            }
        }
    }

    pub(super) fn check_beats(&mut self, now: Time, hardware: &mut dyn Hardware) {
        // The real time: after a stall the times of time-outs follow each other faster than a producer can beat.
        let real_now = clock::now();
        self.beat_due = Time::NEVER;
        for number in 0..self.monitors.len() {
            self.make_room(now, hardware);
            self.with_monitor(number, |monitor, module, report| monitor.check_beat(module, real_now, report));
            self.beat_due = self.beat_due.min(self.monitors[number].beat_due());
        }
    }
}
