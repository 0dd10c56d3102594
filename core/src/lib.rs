//! The core of alarmd, an alarm annunciator for embedded Linux: the wire format, the producer and the loop.
//!
//! Processes report alarms by writing a few words into System V shared memory. [`poll::Poll`] reads them, decides what the
//! operator must see, and drives lamps, relays and horns. A producer in Rust needs [`producer`] alone.
//!
//! # The way of an alarm
//!
//! 1. [`producer::Producer::raise`] stores the alarm in its module's segment ([`wire::ModuleSegment`]) and rings the doorbell
//!    ([`wire::Doorbell`]).
//! 2. The ring wakes the loop, which makes a round: [`poll::Poll::turn`].
//! 3. The [`monitor::Monitor`] of the segment copies it and reports what changed, as an [`alarm::Transition`].
//! 4. Each [`annunciator::Point`] that listens to the alarm changes its [`codes::Indication`].
//! 5. Each [`output::Channel`] whose indication changed writes its [`output::Line`]: one `pwrite`. The alarm is shown.
//! 6. Then follow the log line and the status block ([`wire::StatusBlock`]).
//!
//! | module | subject |
//! | --- | --- |
//! | [`codes`], [`limits`] | every number that other processes read; the capacities of all tables |
//! | [`alarm`] | the vocabulary: records, identities, severities |
//! | [`sysv`], [`ftok`], [`policy`] | keys and segments, and who may write them |
//! | [`wire`] | what the bytes of each segment mean, and the sequence lock |
//! | [`producer`] | the writing end: raise, clear, beat |
//! | [`monitor`] | the reading end, one segment |
//! | [`annunciator`] | from alarms to what each output shows |
//! | [`output`] | a line that can be driven |
//! | [`poll`] | the loop: read, decide, drive, publish, wait |
//! | [`clock`], [`errno`], [`file`](mod@file), [`futex`], [`path`], [`process`] | the few system calls that the loop uses |
//! | [`rate_limiter`], [`repeats`] | how often something is done, or logged |
//!
//! The crate is `no_std` without `alloc`, so the loop cannot allocate. What needs std (configuration, GPIO set-up, logging) is
//! in the package alarmd.
//!
//! It does not provide: remote access, more than one daemon in an IPC namespace, alarms wider than a record.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod alarm;
pub mod annunciator;
pub mod clock;
pub mod codes;
pub mod errno;
pub mod file;
pub mod ftok;
pub mod futex;
pub mod limits;
pub mod monitor;
pub mod output;
pub mod path;
pub mod policy;
pub mod poll;
pub mod process;
pub mod producer;
pub mod rate_limiter;
pub mod repeats;
pub mod sysv;
pub mod wire;
