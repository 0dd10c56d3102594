//! One output of the annunciator: what it listens to, what it keeps, and what it shows.
use super::rule::Rule;
use crate::alarm::{Alarm, Transition};
use crate::codes::{Indication, LatchedBit, OutputKind, Sequence};

/// What an output keeps beyond the alarms that are active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latched {
    /// An alarm came and is not acknowledged.
    pub unacknowledged: bool,
    /// An alarm ended and that is not acknowledged.
    pub returned: bool,
    /// An operator has silenced it since the last alarm came.
    pub silenced: bool,
}

impl Latched {
    /// As a word of the saved state: [`LatchedBit`].
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

/// An output of the annunciator.
#[derive(Clone, Debug, Default)]
pub struct Point {
    rule: Rule,
    /// How many alarms that it listens to are active.
    active: u32,
    latched: Latched,
}

impl Point {
    /// An output with this rule, to which no alarm has come yet.
    pub fn new(rule: Rule) -> Point {
        Point { rule, ..Point::default() }
    }

    /// What it listens to.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What it keeps.
    pub fn latched(&self) -> Latched {
        self.latched
    }

    /// What it shows.
    pub fn shows(&self) -> Indication {
        let Latched { unacknowledged, returned, silenced } = self.latched;
        let up = self.active > 0;
        let shows = match self.rule.sequence {
            Sequence::A | Sequence::M if unacknowledged && up => Indication::Flash,
            Sequence::A if unacknowledged => Indication::Flash,
            Sequence::M if unacknowledged || returned => Indication::SlowFlash,
            _ if up => Indication::Alarm,
            _ => Indication::Nothing,
        };
        match self.rule.kind {
            OutputKind::Lamp => shows,
            // A relay that flashes wears out, and says no more than one that is held.
            OutputKind::Relay if shows != Indication::Nothing => Indication::Alarm,
            // It sounds until an operator has acknowledged or silenced it.
            OutputKind::Horn if shows != Indication::Nothing && unacknowledged && !silenced => Indication::Alarm,
            OutputKind::Relay | OutputKind::Horn => Indication::Nothing,
        }
    }

    pub(super) fn flashes(&self) -> bool {
        matches!(self.shows(), Indication::Flash | Indication::SlowFlash)
    }

    /// Continues with what it, or the same output of the previous daemon, has kept.
    pub fn restore_latch(&mut self, kept: Latched) {
        if self.active > 0 || self.rule.sequence != Sequence::Follow {
            self.latched.unacknowledged |= kept.unacknowledged;
            self.latched.returned = kept.returned;
            self.latched.silenced = kept.silenced;
        }
    }

    /// Takes in an alarm that is active already. One that is not acknowledged is new to it.
    pub fn add_active(&mut self, alarm: &Alarm) {
        if self.rule.listens(alarm) {
            self.active += 1;
            self.latched.unacknowledged |= !alarm.acknowledged;
        }
    }

    /// Takes in what happened. Each alarm must be raised once before it is changed or cleared. True if a flash begins.
    pub(super) fn apply(&mut self, transition: &Transition) -> bool {
        let (before, now) = match transition {
            Transition::Raised(alarm) => (None, Some(alarm)),
            Transition::Changed { from, to } => (Some(from), Some(to)),
            Transition::Cleared(alarm) => (Some(alarm), None),
            Transition::Acknowledged(_) => return false,
        };
        let flashed = self.flashes();
        let Point { rule, active, latched } = self;
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
        self.flashes() && (!flashed || is && transition.is_news())
    }

    /// An operator has acknowledged what it shows.
    pub fn acknowledge(&mut self) {
        self.latched = Latched::default();
    }

    /// An operator has silenced it.
    pub fn silence(&mut self) {
        self.latched.silenced = true;
    }
}

impl AsRef<Point> for Point {
    fn as_ref(&self) -> &Point {
        self
    }
}

impl AsMut<Point> for Point {
    fn as_mut(&mut self) -> &mut Point {
        self
    }
}
