//! alarmd, an alarm annunciator for embedded Linux appliances: the library.
//!
//! Processes report alarms by writing a few words into System V shared memory. [`poll::Poll`] sees them, decides what
//! the operator must see, and drives lamps, relays and horns.
//!
//! ```text
//! alarm <- sysv, wire <- producer, monitor <- poll -> annunciator, output
//! ```
//!
//! | module | subject |
//! | --- | --- |
//! | [`alarm`] | the vocabulary: records, identities, severities |
//! | [`sysv`] | keys and segments: the only code that calls the System V functions |
//! | [`wire`] | what the bytes of each segment mean, and the sequence lock |
//! | [`producer`] | the writing end: raise, clear, beat |
//! | [`monitor`] | the reading end, one segment: attach, check, snapshot, re-attach |
//! | [`annunciator`] | from alarms to what each output shows |
//! | [`output`] | a line that can be driven |
//! | [`poll`] | the loop: read, decide, drive, publish, wait |
//! | [`settings`] | what the loop is told to do |
//! | [`clock`], [`file`](mod@file), [`futex`], [`process`] | the few system calls the loop lives on |
//! | [`pace`] | not more than so much a second |
//!
//! There is no allocator here: the library is `no_std` without `alloc`, so the loop cannot allocate. Everything that
//! needs std (configuration, GPIO set-up, logging) is in the executable.
//!
//! What it will not do: remote access, more than one daemon in an IPC namespace, alarms wider than a record.
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
