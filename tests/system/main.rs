//! Real processes, real shared memory, real signals: alarmd through the doors its users use.
mod ctl;
mod keys;
mod life;
mod main_job;
mod support;
