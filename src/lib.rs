//! alarmd, an alarm annunciator for embedded Linux: the daemon and its tool, without the loop.
//!
//! # The way of an alarm
//!
//! 1. A producer stores an alarm in its module's segment and rings the doorbell: [`alarmd_core::producer`].
//! 2. The ring wakes the loop, [`alarmd_core::poll::Poll::turn`].
//! 3. The [`Monitor`](alarmd_core::monitor::Monitor) of the segment copies it and reports what changed, as a
//!    [`Transition`](alarmd_core::alarm::Transition).
//! 4. The [annunciator](alarmd_core::annunciator) decides what each output shows: its
//!    [`Point`](alarmd_core::annunciator::Point) holds the state.
//! 5. The [`Channel`](alarmd_core::output::Channel) of each output that changes writes its line: one `pwrite`. The alarm is shown.
//! 6. Only then come the log line and the status block, [`alarmd_core::wire::StatusBlock`], which [`ctl`] reads.
//!
//! The loop is in the package `alarmd-core`, which is `no_std` and has no allocator. This package needs std:
//!
//! | module | subject |
//! | --- | --- |
//! | [`config`] | the configuration file, from text to settings |
//! | [`lines`] | sets up GPIO lines, LEDs and files |
//! | [`logging`] | standard error and the system log |
//! | [`guardian`] | starts and watches the worker, releases fail-safe outputs |
//! | [`daemon`] | the program `alarmd` |
//! | [`ctl`] | the program `alarmctl`, one file a subcommand |
//! | [`console`], [`number`], [`utc`] | what both programs share |
#![allow(missing_docs)] // a library for the executable and its tests; alarmd-core is the one for producers

pub mod config;
pub mod console;
pub mod ctl;
pub mod daemon;
pub mod guardian;
pub mod lines;
pub mod logging;
pub mod number;
pub mod utc;
