//! From alarms and commands to what each output shows. Pure: no memory of others, no file, no clock.
//!
//! What can bite: an alarm that comes and goes before anybody looks. Sequences A and M ([ISA-18.1]) keep it until an operator
//! acknowledges; so what is kept must survive the daemon, and is given out and taken in as [`Latched`].
//!
//! ```
//! use alarmd_core::alarm::{Alarm, AlarmId, Origin, Severity, Transition};
//! use alarmd_core::annunciator::{Annunciator, Rule, Shows};
//! use alarmd_core::settings::Sequence;
//!
//! let mut annunciator = Annunciator::default();
//! annunciator.add(Rule { severity: Some(Severity::Major), sequence: Sequence::A, ..Rule::default() });
//! let alarm = Alarm::own(31, Origin::Slot(1), AlarmId::default(), Severity::Critical);
//! annunciator.apply(&Transition::Raised(alarm));
//! assert_eq!(annunciator.shows(0), Shows::Flash);
//! annunciator.acknowledge();
//! assert_eq!(annunciator.shows(0), Shows::Alarm);
//! annunciator.apply(&Transition::Cleared(alarm));
//! assert_eq!(annunciator.shows(0), Shows::Nothing);
//! ```
//!
//! [ISA-18.1]: https://www.isa.org/standards-and-publications/isa-standards/isa-18-series-of-standards
mod flash;
mod rule;

pub use rule::Rule;

pub use crate::codes::Shows;

use heapless::Vec;

use crate::alarm::{Alarm, Transition};
use crate::clock::{Nanos, Time};
use crate::codes::{Kind, LatchedBit, Sequence};
use crate::limits::OUTPUTS;

use flash::Flash;

/// What an output keeps beyond the alarms that are active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latched {
    /// An alarm came, and was not acknowledged yet.
    pub unacknowledged: bool,
    /// An alarm ended, and that was not acknowledged yet.
    pub returned: bool,
    /// An operator has silenced it since the last alarm came.
    pub silenced: bool,
}

impl Latched {
    /// As a word of the daemon's memory.
    pub fn word(self) -> u32 {
        let bits = LatchedBit::ALL.into_iter().zip([self.unacknowledged, self.returned, self.silenced]);
        bits.filter(|(_, set)| *set).fold(0, |word, (bit, _)| word | bit.number())
    }

    /// From that word.
    pub fn from_word(word: u32) -> Latched {
        let [unacknowledged, returned, silenced] = LatchedBit::ALL.map(|bit| word & bit.number() != 0);
        Latched { unacknowledged, returned, silenced }
    }
}

#[derive(Clone, Debug)]
struct Point {
    rule: Rule,
    /// How many alarms that it listens to are active.
    active: u32,
    latched: Latched,
}

impl Point {
    fn flashes(&self) -> bool {
        matches!(self.shows(), Shows::Flash | Shows::SlowFlash)
    }

    fn shows(&self) -> Shows {
        let Latched { unacknowledged, returned, silenced } = self.latched;
        let up = self.active > 0;
        let shows = match self.rule.sequence {
            Sequence::A | Sequence::M if unacknowledged && up => Shows::Flash,
            Sequence::A if unacknowledged => Shows::Flash,
            Sequence::M if unacknowledged || returned => Shows::SlowFlash,
            _ if up => Shows::Alarm,
            _ => Shows::Nothing,
        };
        match self.rule.kind {
            Kind::Lamp => shows,
            // A relay that clatters wears out, and says no more than one that is held.
            Kind::Relay if shows != Shows::Nothing => Shows::Alarm,
            // Heard until somebody has heard it.
            Kind::Horn if shows != Shows::Nothing && unacknowledged && !silenced => Shows::Alarm,
            Kind::Relay | Kind::Horn => Shows::Nothing,
        }
    }
}

/// The state machine. Outputs are numbered in the order in which their rules were added.
#[derive(Clone, Debug, Default)]
pub struct Annunciator {
    points: Vec<Point, OUTPUTS>,
    flash: Flash,
    /// Every lamp is on until then.
    test_until: Time,
}

impl Annunciator {
    /// Adds an output. False if there are too many.
    pub fn add(&mut self, rule: Rule) -> bool {
        self.points.push(Point { rule, active: 0, latched: Latched::default() }).is_ok()
    }

    /// An output goes on with what it, or its like in another annunciator, has kept.
    pub fn resume(&mut self, output: usize, kept: Latched) {
        if let Some(Point { rule, active, latched }) = self.points.get_mut(output) {
            if *active > 0 || rule.sequence != Sequence::Follow {
                latched.unacknowledged |= kept.unacknowledged;
                latched.returned = kept.returned;
                latched.silenced = kept.silenced;
            }
        }
    }

    /// Takes in an alarm that is active already. One that is not acknowledged is new to the outputs that listen.
    pub fn prime(&mut self, alarm: &Alarm) {
        for point in self.points.iter_mut().filter(|point| point.rule.listens(alarm)) {
            point.active += 1;
            point.latched.unacknowledged |= !alarm.acknowledged;
        }
    }

    /// Goes on in time with another annunciator: what flashes, and a lamp test.
    pub fn keep_time(&mut self, other: &Annunciator) {
        self.flash = other.flash.clone();
        self.test_until = other.test_until;
    }

    /// Takes in what happened. Each alarm must be raised once before it is changed or cleared.
    pub fn apply(&mut self, transition: &Transition) {
        let (before, now) = match transition {
            Transition::Raised(alarm) => (None, Some(alarm)),
            Transition::Changed { from, to } => (Some(from), Some(to)),
            Transition::Cleared(alarm) => (Some(alarm), None),
            Transition::Acknowledged(_) => return,
        };
        let mut begins = false;
        let alone = !self.points.iter().any(Point::flashes);
        for point in &mut self.points {
            let flashed = point.flashes();
            let Point { rule, active, latched } = point;
            let was = before.is_some_and(|alarm| rule.listens(alarm));
            let is = now.is_some_and(|alarm| rule.listens(alarm));
            *active += u32::from(is);
            *active -= u32::from(was);
            if is && (!was || transition.is_news()) {
                latched.unacknowledged = true;
                latched.silenced = false;
            }
            if was && !is {
                latched.returned = true;
                if *active == 0 && rule.sequence == Sequence::Follow {
                    *latched = Latched::default();
                }
            }
            begins |= point.flashes() && (!flashed || is && transition.is_news());
        }
        if begins {
            self.flash.begin(alone);
        }
    }

    /// An operator has seen all that is shown.
    pub fn acknowledge(&mut self) {
        self.points.iter_mut().for_each(|point| point.latched = Latched::default());
    }

    /// An operator has heard all that is heard.
    pub fn silence(&mut self) {
        self.points.iter_mut().for_each(|point| point.latched.silenced = true);
    }

    /// Every lamp is on until this moment.
    pub fn test(&mut self, until: Time) {
        self.test_until = until;
    }

    /// What this output shows.
    pub fn shows(&self, output: usize) -> Shows {
        self.points.get(output).map_or(Shows::Nothing, Point::shows)
    }

    /// What this output keeps.
    pub fn latched(&self, output: usize) -> Latched {
        self.points.get(output).map_or(Latched::default(), |point| point.latched)
    }

    /// The outputs are about to be driven: a flash that has begun since starts with its light.
    pub fn look(&mut self, now: Time) {
        self.flash.look(now);
    }

    /// True if this output is on at this moment.
    pub fn is_on(&self, output: usize, now: Time) -> bool {
        let tested =
            now < self.test_until && self.points.get(output).is_some_and(|point| point.rule.kind == Kind::Lamp);
        tested || self.flash.is_on(self.shows(output), now)
    }

    /// When an output changes by itself.
    pub fn due(&self, now: Time) -> Time {
        let test = if now < self.test_until { self.test_until } else { Time::NEVER };
        self.points.iter().map(|point| self.flash.due(point.shows(), now)).fold(test, Time::min)
    }

    /// The numbers of the outputs that listen to this alarm.
    pub fn listeners<'a>(&'a self, alarm: &'a Alarm) -> impl Iterator<Item = usize> + 'a {
        self.points.iter().enumerate().filter(|(_, point)| point.rule.listens(alarm)).map(|(output, _)| output)
    }
}

/// The longest and the usual lamp test.
pub const LAMP_TEST_S: (u32, u32) = (60, 5);

/// How long a lamp test of so many seconds is; 0 stands for the usual time.
pub fn lamp_test(seconds: u32) -> Nanos {
    let (longest, usual) = LAMP_TEST_S;
    Nanos::from(if seconds == 0 { usual } else { seconds.min(longest) }) * crate::clock::S
}

#[cfg(test)]
mod tests;
