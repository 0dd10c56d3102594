//! The wait between two rounds.
use core::sync::atomic::Ordering;

use super::rounds::Poll;
use crate::clock::{self, MS, Time};
use crate::errno::Errno;
use crate::futex::{self, Woken};

/// How many time-outs in a row may give the time, where polls are so short that a health check comes later.
const TIME_OUTS: u32 = 100;

impl Poll {
    /// Waits for the doorbell or the deadline, at the limited rate. Gives the time.
    pub(super) fn wait(&mut self, seen: u32, deadline: Time) -> Time {
        let woken = match self.bell.view() {
            Some(doorbell) => {
                // Before the kernel compares the bell: a producer that rings after that sees it and wakes us.
                doorbell.waiting.store(1, Ordering::SeqCst);
                let woken = futex::wait(&doorbell.bell, seen, deadline);
                doorbell.waiting.store(0, Ordering::Relaxed);
                woken
            }
            None => Woken::Unsupported(Errno::ENOENT),
        };
        match woken {
            // After SIGSTOP or a suspend there are times to catch up with, but not with a thousand rounds at once.
            Woken::TimedOut if self.time_outs >= TIME_OUTS && self.poll < 10 * MS => {
                self.time_outs = 0;
                clock::now()
            }
            Woken::TimedOut => {
                self.time_outs += 1;
                deadline
            }
            Woken::Signaled => {
                let now = clock::now();
                match self.rate.delay(now) {
                    0 => now,
                    delay => {
                        clock::sleep(delay);
                        clock::now()
                    }
                }
            }
            Woken::Unsupported(_) => {
                clock::sleep(deadline.since(clock::now()));
                clock::now()
            }
        }
    }
}
