//! The daemon's own alarms that are neither a segment's nor an output's.
use log::warn;

use super::{Poll, tell};
use crate::alarm::{Alarm, Transition, daemon};
use crate::annunciator::Annunciator;
use crate::clock;
use crate::codes::{DaemonType, Own};
use crate::sysv::Error;

/// Which of them are active, and which of these acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owns {
    pub active: u32,
    pub acknowledged: u32,
}

impl Owns {
    pub fn each_active(self, tell: &mut impl FnMut(Alarm)) {
        for own in Own::ALL.into_iter().filter(|own| self.active & *own as u32 != 0) {
            tell(Alarm { acknowledged: self.acknowledged & own as u32 != 0, ..daemon::lasting(own) });
        }
    }

    fn acknowledge(&mut self, tell: &mut impl FnMut(Transition)) {
        self.each_active(&mut |alarm| {
            if !alarm.acknowledged {
                tell(Transition::Acknowledged(Alarm { acknowledged: true, ..alarm }));
            }
        });
        self.acknowledged = self.active;
    }

    fn set(&mut self, own: Own, up: bool, tell: &mut impl FnMut(Transition)) {
        let bit = own as u32;
        if (self.active & bit != 0) != up {
            self.active ^= bit;
            self.acknowledged &= !bit;
            let alarm = daemon::lasting(own);
            tell(if up { Transition::Raised(alarm) } else { Transition::Cleared(alarm) });
        }
    }

    /// The annunciator must know what is active before it is told of changes.
    pub fn prime(self, annunciator: &mut Annunciator) {
        self.each_active(&mut |alarm| annunciator.prime(&alarm));
    }
}

impl Poll {
    /// The configuration was refused, or is good again.
    pub fn note_configuration(&mut self, refused: bool) {
        self.set_own(Own::Configuration, refused);
    }

    /// The guardian had to start another worker, this one: how often, and by which signal the last one died (0: it hung).
    pub fn note_restart(&mut self, restarts: u32, signal: u32) {
        self.restarts = restarts;
        self.tell_moment(daemon::alarm(DaemonType::Restarted, signal, restarts));
    }

    /// Has the wall clock gone back since the last look?
    pub(super) fn check_clock(&mut self) {
        let wall = clock::wall();
        let back = self.wall.saturating_sub(wall);
        if back > 1 {
            warn!("the clock went back by {back} s; times of events before and after do not compare");
            self.tell_moment(daemon::alarm(DaemonType::Clock, back, 0));
        }
        self.wall = wall;
    }

    /// A call that makes one of our own segments failed, or did not: is it for want of memory or segments, or for another's?
    pub(super) fn set_owned(&mut self, [limit, refused]: [Own; 2], error: Option<Error>) {
        self.set_own(limit, error.is_some_and(Error::is_limit));
        self.set_own(refused, error.is_some_and(|error| !error.is_limit()));
    }

    /// An operator has seen those that last.
    pub(super) fn acknowledge_owns(&mut self) {
        self.owns.acknowledge(&mut tell(&mut self.annunciator, &mut self.transitions));
    }

    fn set_own(&mut self, own: Own, up: bool) {
        self.owns.set(own, up, &mut tell(&mut self.annunciator, &mut self.transitions));
    }

    /// Something that has happened and does not last: it is in the log and in the history, and moves no output.
    fn tell_moment(&mut self, alarm: Alarm) {
        // Past the annunciator, whose sequences would keep it: what was shown before a restart is what is shown after it.
        for transition in [Transition::Raised(alarm), Transition::Cleared(alarm)] {
            let _ = self.transitions.push(transition);
        }
    }
}
