//! A limit for how often something is done in any second. It does not delay what is done seldom.
use crate::clock::{Nanos, S, Time};

/// The generic cell rate algorithm: one moment, moved on by a fixed step each time.
#[derive(Debug)]
pub struct RateLimiter {
    /// When what was done so far is used up at the even rate.
    used_up: Time,
    step: Nanos,
    burst: Nanos,
}

impl RateLimiter {
    /// `burst` at once, and `rate` a second after that: in any second, never more than both together.
    pub const fn new(burst: u64, rate: u64) -> RateLimiter {
        let step = S.div_ceil(rate);
        RateLimiter { used_up: Time::from_nanos(0), step, burst: (burst - 1) * step }
    }

    /// How long the one that wants to be done now must wait.
    pub fn delay(&self, now: Time) -> Nanos {
        (self.used_up - self.burst).since(now)
    }

    /// One is done now.
    pub fn record(&mut self, now: Time) {
        self.used_up = self.used_up.max(now) + self.step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn no_second_has_more_than_burst_plus_rate() {
        let mut limiter = RateLimiter::new(100, 900);
        let mut now = Time::from_nanos(S);
        let mut starts = Vec::new();
        for turn in 0..20_000u64 {
            // Sometimes the doorbell is quiet for a while, and the burst is available again.
            if turn % 3000 == 0 {
                now = now + 2 * S;
            }
            now = now + limiter.delay(now) + 1000;
            limiter.record(now);
            starts.push(now);
        }
        let most = (0..starts.len())
            .map(|first| starts[first..].iter().take_while(|start| start.since(starts[first]) < S).count())
            .max();
        assert!((990..=1000).contains(&most.unwrap()), "{most:?}");
    }

    #[test]
    fn a_caller_below_the_rate_is_not_delayed() {
        let mut limiter = RateLimiter::new(100, 900);
        for turn in 1..1000 {
            let now = Time::from_nanos(turn * 2 * S / 900);
            assert_eq!(limiter.delay(now), 0);
            limiter.record(now);
        }
    }
}
