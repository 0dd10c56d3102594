//! The executables with real processes, shared memory and signals, through the interfaces that users have.
mod contributing;
mod ctl;
mod daemon;
mod dependencies;
mod docs;
mod doctor;
mod examples;
mod gpio;
mod guardian;
mod keys;
mod life;
mod main_job;
mod memory;
mod messages;
mod numbers;
mod operator;
mod refusals;
mod rights;
mod sequence;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod upgrade;
mod wire;
