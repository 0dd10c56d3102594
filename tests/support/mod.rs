//! What the tests share: a private IPC and mount namespace for each test, a daemon with its tool, producers, and bounded
//! waits on a condition.
//!
//! tests/system, tests/campaign, tests/fuzz, tests/board and tests/allocations.rs compile this folder as a module of their
//! own.
#![allow(dead_code, unused_imports)] // each of them uses a part of it

mod board;
pub mod c;
pub mod example;
pub mod gpio_fs;
mod gpio_lines;
mod namespace;
mod observe;
mod process;
mod producer;
mod program;
mod ran;
mod random;
pub mod settings;
mod wait;

pub use board::Board;
pub use namespace::{give_away, private_dev, private_namespace, skip};
pub use observe::{status_block, status_words};
pub use process::Process;
pub use producer::{KEY, Producer, SDHMGT, alarm, open_producer};
pub use program::Program;
pub use ran::Ran;
pub use random::Random;
pub use wait::{BOUND, wait_for, wait_or_explain, wait_until};

/// One module, and a lamp that shows its alarms.
pub const LAMP: &str = "[daemon]\npoll_ms = 20\n[module sdhmgt]\nid = 31\n[lamp any]\npath = {dir}/any\n";
