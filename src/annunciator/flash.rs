//! Flashing: when a lamp that flashes is on. All flash together, and start with their light when a new alarm comes.
use super::Shows;
use crate::clock::{MS, Nanos, Time};

/// Half of the 2 Hz, and half of the 0.5 Hz.
const FAST: Nanos = 250 * MS;
const SLOW: Nanos = 1000 * MS;

#[derive(Clone, Debug, Default)]
pub struct Flash {
    /// When the light came on.
    since: Time,
    /// It is to come on at the next look.
    begins: bool,
}

impl Flash {
    pub fn begin(&mut self) {
        self.begins = true;
    }

    pub fn look(&mut self, now: Time) {
        if core::mem::take(&mut self.begins) {
            self.since = now;
        }
    }

    pub fn is_on(&self, shows: Shows, now: Time) -> bool {
        match half(shows) {
            Some(half) => now.since(self.since) / half % 2 == 0,
            None => shows == Shows::Alarm,
        }
    }

    /// When it changes.
    pub fn due(&self, shows: Shows, now: Time) -> Time {
        half(shows).map_or(Time::NEVER, |half| now + (half - now.since(self.since) % half))
    }
}

fn half(shows: Shows) -> Option<Nanos> {
    match shows {
        Shows::Flash => Some(FAST),
        Shows::SlowFlash => Some(SLOW),
        Shows::Nothing | Shows::Alarm => None,
    }
}
