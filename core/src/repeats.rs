//! Logs a state that lasts once, however often it is found again.
//!
//! Hazards: another process can undo what alarmd does as often as alarmd looks. A log line each time would fill the flash.
use crate::clock::{Nanos, S, Time};

/// After this long without the event it counts as new.
const QUIET: Nanos = 60 * S;
/// While the event repeats, it is logged again after this long.
const AGAIN: Nanos = 3600 * S;

/// One kind of event that may repeat.
#[derive(Debug, Default)]
pub struct Repeats {
    last: Option<Time>,
    logged: Time,
}

impl Repeats {
    /// Notes that the event happened. True if it is to be logged: it is new, or repeats since an hour.
    pub fn note(&mut self, now: Time) -> bool {
        let new = self.last.is_none_or(|last| now.since(last) >= QUIET) || now.since(self.logged) >= AGAIN;
        self.last = Some(now);
        if new {
            self.logged = now;
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_each_second_is_logged_once_an_hour_and_again_after_a_quiet_minute() {
        let mut repeats = Repeats::default();
        let start = Time::from_nanos(S);
        let logged = (0..7000).filter(|second| repeats.note(start + second * S)).count();
        assert_eq!(logged, 2);
        assert!(!repeats.note(start + 7058 * S));
        assert!(repeats.note(start + 7118 * S));
    }
}
