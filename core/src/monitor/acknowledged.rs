//! Which alarms of a segment an operator has acknowledged.
use crate::alarm::{Origin, Transition};

/// A bit for each origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acknowledged(u64);

impl Acknowledged {
    pub fn has(self, origin: Origin) -> bool {
        self.0 & bit(origin) != 0
    }

    /// Takes in a transition of the segment: an alarm that is new, more severe or cleared is not acknowledged any more.
    pub fn note(&mut self, transition: &Transition) {
        let origin = transition.alarm().origin;
        match transition {
            Transition::Acknowledged(_) => self.0 |= bit(origin),
            Transition::Cleared(_) => self.0 &= !bit(origin),
            news if news.is_news() => self.0 &= !bit(origin),
            _ => {}
        }
    }

    /// For the saved state.
    pub fn words(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }

    pub fn from_words([low, high]: [u32; 2]) -> Acknowledged {
        Acknowledged((u64::from(high) << 32) | u64::from(low))
    }
}

fn bit(origin: Origin) -> u64 {
    1 << origin.number()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::{Alarm, AlarmId, Severity};

    #[test]
    fn an_alarm_that_is_new_worse_or_cleared_is_not_acknowledged() {
        let alarm = |severity| Alarm::own(31, Origin::Slot(32), AlarmId::default(), severity);
        let minor = alarm(Severity::Minor);
        let news = [
            Transition::Raised(minor),
            Transition::Cleared(minor),
            Transition::Changed { from: minor, to: alarm(Severity::Critical) },
        ];
        for news in news {
            let mut acknowledged = Acknowledged::default();
            acknowledged.note(&Transition::Acknowledged(minor));
            acknowledged.note(&Transition::Changed { from: minor, to: alarm(Severity::Warning) });
            assert!(acknowledged.has(Origin::Slot(32)) && !acknowledged.has(Origin::Slot(31)));
            assert_eq!(Acknowledged::from_words(acknowledged.words()), acknowledged);
            acknowledged.note(&news);
            assert!(!acknowledged.has(Origin::Slot(32)));
        }
    }
}
