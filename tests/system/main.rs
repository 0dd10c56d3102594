//! Real processes, real shared memory, real signals: alarmd through the doors its users use.
mod ctl;
mod daemon;
mod docs;
mod gpio;
#[path = "../../src/daemon/hardware.rs"]
mod hardware;
mod keys;
mod life;
mod main_job;
mod sequence;
mod support;
mod wire;
