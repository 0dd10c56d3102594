//! alarmd on a whole board: a real ARM kernel with its GPIO, init, ssh and scp, and the pins watched from outside.
//! Run by scripts/test, after scripts/build: `cargo test --test board`.
mod deploy;
mod emulated;
mod guardian;
mod init;
mod lines;
mod old_kernel;
#[path = "../support/mod.rs"]
mod support;

use std::io::Write;

use emulated::{Board, Edge};

const V7: &str = "armv7-unknown-linux-musleabihf";

// The lines of board/qemu-virt/etc/alarmd.conf, and a spare one.
const CRITICAL: u32 = 2040;
const OFFICE: u32 = 2041;
/// Active low.
const ANY: u32 = 2042;
const BUZZER: u32 = 2044;
/// Not configured: a test raises it to mark a moment.
const SPARE: u32 = 2045;

/// The edges of a start on a board that has just booted, without an alarm: each line that must be high goes high, once.
const START: [(u32, u32); 2] = [(ANY, 1), (OFFICE, 1)];

// The edges when an alarm of this severity is raised, and when it is cleared.
const CRITICAL_RAISED: [(u32, u32); 4] = [(CRITICAL, 1), (ANY, 0), (OFFICE, 0), (BUZZER, 1)];
const CRITICAL_CLEARED: [(u32, u32); 4] = [(CRITICAL, 0), (ANY, 1), (OFFICE, 1), (BUZZER, 0)];
const MAJOR_RAISED: [(u32, u32); 3] = [(ANY, 0), (OFFICE, 0), (BUZZER, 1)];
const MAJOR_CLEARED: [(u32, u32); 3] = [(ANY, 1), (OFFICE, 1), (BUZZER, 0)];

fn ms_between(edges: &[Edge], first: u32, last: u32) -> f64 {
    let at = |gpio| edges.iter().find(|edge| edge.gpio == gpio).expect("the edge").at;
    (at(last) - at(first)) * 1000.0
}

/// Not through the test harness, which hides the output of tests that pass.
fn report(figures: &str) {
    let _ = std::io::stderr().write_all(format!("on the emulated board: {figures}\n").as_bytes());
}

/// Makes the spare line an output and gives the shell command that changes its level.
fn marker(board: &mut Board) -> impl Fn(u32) -> String + use<> {
    board.run(&format!("echo {SPARE} >/sys/class/gpio/export; echo low >/sys/class/gpio/gpio{SPARE}/direction"));
    board.expect_edges(&[]);
    |level| format!("echo {level} >/sys/class/gpio/gpio{SPARE}/value")
}

/// Guardian and worker, as status shows them.
fn processes(board: &Board) -> (u32, u32) {
    let status = board.run("alarmctl status --json");
    let number = |name: &str| {
        let rest = status.split_once(&format!("\"{name}\": ")).expect("in the status").1;
        rest.split(',').next().and_then(|number| number.trim().parse().ok()).expect("a number")
    };
    (number("pid"), number("worker"))
}

fn is_healthy(board: &Board) -> bool {
    board.shell("alarmctl status").out.starts_with("alarmd healthy")
}
