//! Never more than 1000 rounds in any second, however hard somebody rings; and no delay for those who ring seldom.
use crate::clock::{Nanos, S, Time};

/// How many rounds may follow each other at once.
const BURST: u64 = 100;
/// Rounds a second after that. Burst and rate together are the 1000.
const RATE: u64 = 900;

/// The generic cell rate algorithm: one moment, moved on by a fixed step each round.
#[derive(Debug, Default)]
pub struct Pace {
    /// When the rounds made so far are used up at the even rate.
    used_up: Time,
}

const STEP: Nanos = S.div_ceil(RATE);

impl Pace {
    /// How long the round that wants to start now must wait.
    pub fn wait(&self, now: Time) -> Nanos {
        (self.used_up - (BURST - 1) * STEP).since(now)
    }

    /// A round starts now.
    pub fn count(&mut self, now: Time) {
        self.used_up = self.used_up.max(now) + STEP;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn never_more_than_1000_rounds_in_any_second() {
        let mut pace = Pace::default();
        let mut now = Time::from_nanos(S);
        let mut starts = Vec::new();
        for turn in 0..20_000u64 {
            // Sometimes nobody rings for a while, and the burst is saved up again.
            if turn % 3000 == 0 {
                now = now + 2 * S;
            }
            now = now + pace.wait(now) + 1000;
            pace.count(now);
            starts.push(now);
        }
        let most = (0..starts.len())
            .map(|first| starts[first..].iter().take_while(|start| start.since(starts[first]) < S).count())
            .max();
        assert!((990..=1000).contains(&most.unwrap()), "{most:?}");
    }

    #[test]
    fn a_seldom_ring_is_not_delayed() {
        let mut pace = Pace::default();
        for turn in 1..1000 {
            let now = Time::from_nanos(turn * 2 * STEP);
            assert_eq!(pace.wait(now), 0);
            pace.count(now);
        }
    }
}
