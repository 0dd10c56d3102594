//! From alarms and commands to what each output shows. Pure: it reads no shared memory, no file and no clock.
//!
//! Hazards: an alarm that comes and goes before an operator looks. Sequences A and M ([ISA-18.1]) keep it until an operator
//! acknowledges it. So what an output keeps must survive the daemon, and is saved and restored as [`Latched`].
//!
//! ```
//! use alarmd_core::alarm::{Alarm, AlarmId, Origin, Severity, Transition};
//! use alarmd_core::annunciator::{Annunciator, Point, Rule};
//! use alarmd_core::codes::{Indication, Sequence};
//!
//! let rule = Rule { severity: Some(Severity::Major), sequence: Sequence::A, ..Rule::default() };
//! let mut points = [Point::new(rule)];
//! let mut annunciator = Annunciator::default();
//! let alarm = Alarm::own(31, Origin::Slot(1), AlarmId::default(), Severity::Critical);
//! annunciator.apply(&mut points, &Transition::Raised(alarm));
//! assert_eq!(points[0].shows(), Indication::Flash);
//! points[0].acknowledge();
//! assert_eq!(points[0].shows(), Indication::Alarm);
//! annunciator.apply(&mut points, &Transition::Cleared(alarm));
//! assert_eq!(points[0].shows(), Indication::Nothing);
//! ```
//!
//! [ISA-18.1]: https://www.isa.org/standards-and-publications/isa-standards/isa-18-series-of-standards
mod flash;
mod point;
mod rule;

pub use point::{Latched, Point};
pub use rule::Rule;

use crate::alarm::Transition;
use crate::clock::{Nanos, S, Time};
use crate::codes::OutputKind;

use flash::Flash;

/// What all points have in common: the time of the flash, and a lamp test.
#[derive(Clone, Debug, Default)]
pub struct Annunciator {
    flash: Flash,
    /// Every lamp is on until then.
    test_until: Time,
}

impl Annunciator {
    /// Takes in what happened. Each alarm must be raised once before it is changed or cleared.
    pub fn apply<P: AsRef<Point> + AsMut<Point>>(&mut self, points: &mut [P], transition: &Transition) {
        let alone = !points.iter().any(|point| point.as_ref().flashes());
        let mut begins = false;
        for point in points {
            begins |= point.as_mut().apply(transition);
        }
        if begins {
            self.flash.begin(alone);
        }
    }

    /// Every lamp is on until this moment.
    pub fn test(&mut self, until: Time) {
        self.test_until = until;
    }

    /// The outputs are about to be driven: a flash that has begun since starts with its light.
    pub fn update_flash(&mut self, now: Time) {
        self.flash.update(now);
    }

    /// True if this point is on at this moment.
    pub fn is_on(&self, point: &Point, now: Time) -> bool {
        let tested = now < self.test_until && point.rule().kind == OutputKind::Lamp;
        tested || self.flash.is_on(point.shows(), now)
    }

    /// When a point changes by itself.
    pub fn due<P: AsRef<Point>>(&self, points: &[P], now: Time) -> Time {
        let test = if now < self.test_until { self.test_until } else { Time::NEVER };
        points.iter().map(|point| self.flash.due(point.as_ref().shows(), now)).fold(test, Time::min)
    }
}

/// The longest and the usual lamp test.
pub const LAMP_TEST_S: (u32, u32) = (60, 5);

/// How long a lamp test of so many seconds is; 0 stands for the usual time.
pub fn lamp_test(seconds: u32) -> Nanos {
    let (longest, usual) = LAMP_TEST_S;
    Nanos::from(if seconds == 0 { usual } else { seconds.min(longest) }) * S
}

#[cfg(test)]
mod tests;
