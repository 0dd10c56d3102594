//! What is looked after once a second: doorbell, status block, segments, lines.
use core::mem::size_of;

use heapless::Vec;
use log::{info, warn};

use super::publisher::Publisher;
use super::{Poll, StartError, tell};
use crate::clock::{self, Nanos, S, Time};
use crate::codes::Own;
use crate::errno::Errno;
use crate::limits::{LARGEST, MODULES, SEGMENTS};
use crate::monitor::{Monitor, Role, Verdict};
use crate::output::{Hardware, Order};
use crate::settings::Settings;
use crate::sysv::{Error, Key, Segment, Stat};
use crate::wire::Doorbell;

/// How often.
const HEALTH: Nanos = S;

/// How many segments to which ftok paths led before are watched, of all modules together.
const FORMERS: usize = SEGMENTS - 2 * MODULES;

impl Poll {
    /// Looks after everything: segments, lines, doorbell, status block.
    ///
    /// # Errors
    /// As [`Poll::run`].
    pub fn check_health(&mut self, now: Time, hardware: &mut dyn Hardware) -> Result<(), StartError> {
        self.health_due = now + HEALTH;
        self.check_clock();
        self.check_doorbell();
        self.check_status()?;
        self.check_segments(now, hardware);
        // The nearest may have moved nearer.
        self.beat_due = self.monitors.iter().map(Monitor::beat_due).min().unwrap_or(Time::NEVER);
        for (number, (output, settings)) in self.outputs.iter_mut().zip(&self.settings.outputs).enumerate() {
            let order = Order { number, settings, alarm: self.annunciator.is_on(number, now), now };
            output.check(&order, hardware, &mut tell(&mut self.annunciator, &mut self.transitions));
        }
        self.drive(now, hardware);
        self.tell_all();
        self.publish(now);
        Ok(())
    }

    fn check_status(&mut self) -> Result<(), StartError> {
        let checked = self.publisher.as_mut().map_or(Ok(()), Publisher::check);
        let error = match checked {
            Ok(()) => None,
            Err(StartError::Status(error)) => Some(error),
            Err(runs) => return Err(runs),
        };
        if let Some(error) = error.filter(|error| self.status_error != Some(*error)) {
            let error = StartError::Status(error);
            warn!("{error}; alarmctl cannot see this daemon until it is mended");
        }
        self.status_error = error;
        self.set_owned([Own::Status, Own::StatusRefused], error);
        Ok(())
    }

    fn check_segments(&mut self, now: Time, hardware: &mut dyn Hardware) {
        let mut number = 0;
        while number < self.monitors.len() {
            self.make_room(now, hardware);
            let keys: Vec<Key, SEGMENTS> = (self.monitors.iter().enumerate())
                .filter(|(other, monitor)| *other != number && monitor.role() != Role::Former)
                .filter_map(|(_, monitor)| monitor.key())
                .collect();
            let taken = |key| keys.contains(&key) || [Key::DOORBELL, Key::STATUS].contains(&key);
            let mut told = tell(&mut self.annunciator, &mut self.transitions);
            let monitor = &mut self.monitors[number];
            match monitor.check(&self.settings, taken, &mut told) {
                Verdict::Stay => number += 1,
                Verdict::Leave => drop(self.monitors.swap_remove(number)),
                // The path's new segment is looked up by another check of the same monitor.
                Verdict::Split(former) => {
                    let formers = || self.monitors.iter().enumerate().filter(|(_, m)| m.role() == Role::Former);
                    if formers().count() < FORMERS {
                        let _ = self.monitors.push(former);
                    } else if let Some((given_up, _)) = formers().find(|(_, m)| !m.is_up()).or(formers().next()) {
                        let mut given_up = core::mem::replace(&mut self.monitors[given_up], former);
                        let module = &self.settings.modules[given_up.module];
                        warn!("module {}: more than {FORMERS} former segments; one is watched no more", module.name);
                        given_up.forget(module, &mut told);
                    }
                }
            }
        }
        // A path that led elsewhere for a while leads back to the segment that is still watched as former.
        let back: Vec<_, SEGMENTS> = (self.monitors.iter())
            .filter(|monitor| monitor.role() == Role::Ftok)
            .filter_map(|monitor| monitor.id())
            .collect();
        for number in (0..self.monitors.len()).rev() {
            let monitor = &self.monitors[number];
            if monitor.role() == Role::Former && monitor.id().is_some_and(|id| back.contains(&id)) {
                self.make_room(now, hardware);
                let mut monitor = self.monitors.swap_remove(number);
                let module = &self.settings.modules[monitor.module];
                monitor.forget(module, &mut tell(&mut self.annunciator, &mut self.transitions));
            }
        }
    }

    pub(super) fn check_beats(&mut self, hardware: &mut dyn Hardware) {
        // The real time: after a stall the moments of time-outs follow each other faster than anybody can beat.
        let now = clock::now();
        self.beat_due = Time::NEVER;
        for number in 0..self.monitors.len() {
            self.make_room(now, hardware);
            let monitor = &mut self.monitors[number];
            let module = &self.settings.modules[monitor.module];
            monitor.check_beat(module, now, &mut tell(&mut self.annunciator, &mut self.transitions));
            self.beat_due = self.beat_due.min(monitor.beat_due());
        }
    }

    fn check_doorbell(&mut self) {
        let kept = self.doorbell.as_ref().is_some_and(|doorbell| {
            // Somebody may have removed it, or written over its magic.
            doorbell.view::<Doorbell>().is_ok_and(Doorbell::is_ours)
                && Segment::find(Key::DOORBELL).is_ok_and(|id| id == doorbell.id())
        });
        if kept && self.doorbell_right {
            return;
        }
        let before = self.doorbell.as_ref().map(Segment::id).filter(|_| kept);
        let opened = open_doorbell(&self.settings);
        match &opened {
            Ok(doorbell) if Some(doorbell.id()) == before => {}
            Ok(doorbell) => {
                let id = doorbell.id().raw();
                info!("the doorbell is segment {id} under key {}", Key::DOORBELL);
                // As it was opened.
                let _ = doorbell.view::<Doorbell>().map(Doorbell::drop_commands);
            }
            Err(error) if self.doorbell_error != Some(*error) => {
                let poll_ms = self.settings.poll_ms;
                warn!("{}; nobody can ring, alarms are seen within {poll_ms} ms", error.of("doorbell", Key::DOORBELL));
            }
            Err(_) => {}
        }
        self.doorbell_error = opened.as_ref().err().copied();
        self.set_owned([Own::Doorbell, Own::DoorbellRefused], self.doorbell_error);
        self.doorbell = opened.ok();
        self.doorbell_right = self.doorbell.is_some();
    }
}

/// The doorbell with the configuration's mode and group. One that is too small, or a stranger's who could take it away at any
/// time, is of no use to anybody: it is replaced, where we may.
fn open_doorbell(settings: &Settings) -> Result<Segment, Error> {
    let size = size_of::<Doorbell>();
    if let Ok((id, stat)) = Segment::find(Key::DOORBELL).and_then(|id| id.stat().map(|stat| (id, stat))) {
        if stat.size < size || stat.size > LARGEST || !settings.trusts(&stat) {
            id.remove()?;
            let Stat { size, uid, .. } = stat;
            warn!("doorbell: segment {}, of user {uid} and of {size} bytes, is of no use; replaced", id.raw());
        }
    }
    let (segment, _) = Segment::open_or_create(Key::DOORBELL, size, settings.mode)?;
    match segment.set_permissions(settings.mode, settings.group) {
        // Somebody trusted made it: then it has that one's.
        Ok(()) | Err(Error { errno: Errno::EPERM, .. }) => {}
        Err(error) => return Err(error),
    }
    segment.view::<Doorbell>()?.claim();
    Ok(segment)
}
