//! Flashing: when a lamp that flashes is on. All flash together, and start with their light when a new alarm comes.
use crate::clock::{MS, Nanos, Time};
use crate::codes::Indication;

/// Half of the 2 Hz, and half of the 0.5 Hz.
const FAST: Nanos = 250 * MS;
const SLOW: Nanos = 1000 * MS;

#[derive(Clone, Debug, Default)]
pub struct Flash {
    /// When the light came on.
    since: Time,
    /// It is to come on at the next update: at once, or only if it has been on for long enough.
    begins: Option<Begin>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Begin {
    AtOnce,
    /// Others flash already: a module that raises without end must not make their lamps look steady.
    InTime,
}

/// How long a flash lasts before it may begin again.
const CYCLE: Nanos = 2 * SLOW;

impl Flash {
    /// A lamp begins to flash; `alone` if none has until now.
    pub fn begin(&mut self, alone: bool) {
        if alone {
            self.begins = Some(Begin::AtOnce);
        } else if self.begins.is_none() {
            self.begins = Some(Begin::InTime);
        }
    }

    pub fn update(&mut self, now: Time) {
        match self.begins.take() {
            Some(Begin::AtOnce) => self.since = now,
            Some(Begin::InTime) if now.since(self.since) >= CYCLE => self.since = now,
            _ => {}
        }
    }

    pub fn is_on(&self, shows: Indication, now: Time) -> bool {
        match half(shows) {
            Some(half) => now.since(self.since) / half % 2 == 0,
            None => shows == Indication::Alarm,
        }
    }

    /// When it changes.
    pub fn due(&self, shows: Indication, now: Time) -> Time {
        half(shows).map_or(Time::NEVER, |half| now + (half - now.since(self.since) % half))
    }
}

fn half(shows: Indication) -> Option<Nanos> {
    match shows {
        Indication::Flash => Some(FAST),
        Indication::SlowFlash => Some(SLOW),
        Indication::Nothing | Indication::Alarm => None,
    }
}
