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

#[test]
fn it_is_deployed_by_scp_and_drives_real_lines_without_a_glitch() {
    let mut board = Board::up("main");
    let mark = marker(&mut board);

    let ran = board.deploy(&["--board", "qemu-virt", "--dry-run"]);
    assert!(ran.code == 0 && ran.out.contains("nothing was changed") && ran.out.contains(V7), "{ran:?}");
    assert_eq!(
        board.run("ls /usr/sbin /etc/init.d"),
        "/etc/init.d:\nS01syslogd\nS40network\nS50dropbear\nrcK\nrcS\n\n/usr/sbin:\ndropbear\n"
    );
    board.expect_edges(&[]);

    // The door a user uses: it builds, copies, checks, starts.
    let ran = board.deploy(&["--board", "qemu-virt"]);
    assert!(ran.code == 0 && ran.out.contains("alarmd 0.1.0 works on this board"), "{ran:?}");
    board.expect_edges(&START);
    assert!(board.run("alarmctl status").starts_with("alarmd healthy, no alarm active"));
    assert_eq!(board.run("ls -a /usr/sbin"), ".\n..\nalarmd\ndropbear\n");

    // An original-style C program, by its ftok key, with plain stores and no bell.
    board.copy(&program("old_producer"), "/tmp/old_producer");
    board.run("mkfifo /tmp/orders; (/tmp/old_producer ftok /home/ 31 </tmp/orders >/tmp/answers 2>&1 &) 2>/dev/null; sleep 1000 >/tmp/orders & echo $! >/tmp/holder");
    board.wait_for("it is attached", |board| board.run("cat /tmp/answers").starts_with("attached"));
    board.run(&format!("{}; echo 1 >/tmp/orders", mark(1)));
    let raised = board.expect_edges(&[(SPARE, 1), (ANY, 0), (OFFICE, 0), (BUZZER, 1)]);
    let old = ms_between(&raised, SPARE, OFFICE);
    assert!(old < 1000.0, "the old server needed up to a second, this {old} ms");
    assert!(board.run("alarmctl status").contains("major"));
    board.run(&format!("{}; echo 0 >/tmp/orders", mark(0)));
    board.expect_edges(&[(SPARE, 0), (ANY, 1), (OFFICE, 1), (BUZZER, 0)]);
    // It leaves in order: one that died would be missed.
    board.run("echo 2 >/tmp/orders; kill $(cat /tmp/holder)");
    board.wait_for("it has left", |board| board.run("cat /tmp/answers").contains("left"));

    // alarmctl rings; no poll comes in between.
    board.run(
        "printf '[daemon]\\npoll_ms = 60000\\n' | cat - /etc/alarmd.conf >/tmp/conf && cp /tmp/conf /etc/alarmd.conf",
    );
    board.run("/etc/init.d/S60alarmd reload");
    board.wait_for("it is reloaded", |board| board.log().contains("configuration read again"));
    board.expect_edges(&[]);
    board.run(&format!("{}; alarmctl raise alarm --code 7 --level critical", mark(1)));
    let raised = board.expect_edges(&[(SPARE, 1), (CRITICAL, 1), (ANY, 0), (OFFICE, 0), (BUZZER, 1)]);
    let new = ms_between(&raised, SPARE, OFFICE);
    board.run(&format!("{}; alarmctl clear alarm --all", mark(0)));
    board.expect_edges(&[(SPARE, 0), (CRITICAL, 0), (ANY, 1), (OFFICE, 1), (BUZZER, 0)]);

    // Stop: the relay says that nobody watches. Start: it says that all is well. Nothing else moves.
    board.run("/etc/init.d/S60alarmd stop");
    board.expect_edges(&[(OFFICE, 0)]);
    board.run(&format!("{}; /etc/init.d/S60alarmd start", mark(1)));
    let started = board.expect_edges(&[(SPARE, 1), (OFFICE, 1)]);
    let start = ms_between(&started, SPARE, OFFICE);
    board.run("/etc/init.d/S60alarmd restart");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    // The executable alone, past the init script's own check.
    board.run("/etc/init.d/S60alarmd stop");
    board.expect_edges(&[(OFFICE, 0)]);
    board.run(&format!("({}; exec /usr/sbin/alarmd --pidfile /var/run/alarmd.pid 2>/dev/null) >/dev/null &", mark(0)));
    let started = board.expect_edges(&[(SPARE, 0), (OFFICE, 1)]);
    let bare = ms_between(&started, SPARE, OFFICE);

    // Not VmRSS of its status, which the kernel rounds as it likes. `Pss` halves what the two of them share.
    let resident = |process: u32, which: &str| {
        let line = board.run(&format!("grep '^{which}:' /proc/{process}/smaps_rollup"));
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u32>().ok()).expect("a number")
    };
    let (guardian, worker) = processes(&board);
    let shared = resident(guardian, "Pss") + resident(worker, "Pss");
    let (guardian, worker) = (resident(guardian, "Rss"), resident(worker, "Rss"));
    let size = std::fs::metadata(executable(V7)).expect("built").len();
    report(&format!(
        "{size} bytes; {worker} KiB resident in the worker and {guardian} in the guardian, {shared} in both together; start to outputs right {bare:.1} ms, by the init script and its check \
         {start:.1} ms; order to relay {old:.1} ms from the old producer, {new:.1} ms from alarmctl, its own start included"
    ));
    assert!(guardian + worker <= 1024, "{guardian} and {worker} KiB are resident, and 1024 allowed");
    board.expect_edges(&[]);
}

#[test]
fn the_init_script_answers_as_lsb_has_it() {
    let mut board = Board::up("init");
    board.deploy_well();
    board.expect_edges(&START);
    let script = |board: &Board, word: &str| board.shell(&format!("/etc/init.d/S60alarmd {word}")).code;
    assert_eq!(script(&board, "status"), 0);
    // Started twice is started.
    let process = board.run("cat /var/run/alarmd.pid");
    assert_eq!((script(&board, "start"), script(&board, "reload")), (0, 0));
    assert_eq!(board.run("cat /var/run/alarmd.pid"), process);
    assert_eq!((script(&board, ""), script(&board, "dance")), (2, 2));
    // When start returns it works, and when stop returns it has gone.
    board.run("/etc/init.d/S60alarmd stop; ! kill -0 PROCESS 2>/dev/null".replace("PROCESS", process.trim()).as_str());
    board.run("/etc/init.d/S60alarmd start; alarmctl status");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    // A configuration that is wrong: told on the console, and the old one stays.
    board.run("cp /etc/alarmd.conf /tmp/good; printf '[lamp x]\\ngpio = many\\n' >>/etc/alarmd.conf");
    let ran = board.shell("/etc/init.d/S60alarmd reload");
    assert!(ran.code == 6 && ran.err.contains("/etc/alarmd.conf line ") && ran.err.contains("many"), "{ran:?}");
    board.expect_edges(&[]);
    assert_eq!((script(&board, "stop"), script(&board, "stop")), (0, 0));
    board.expect_edges(&[(OFFICE, 0)]);
    assert_eq!((script(&board, "status"), script(&board, "reload"), script(&board, "start")), (3, 7, 6));
    board.run("cp /tmp/good /etc/alarmd.conf");
    assert_eq!(script(&board, "start"), 0);
    board.expect_edges(&[(OFFICE, 1)]);
    // Killed: dead with its pidfile; a start takes over.
    board.run("kill -9 $(cat /var/run/alarmd.pid)");
    board.wait_for("it is gone", |board| script(board, "status") == 1);
    // Its worker does not stay without it.
    board.expect_edges(&[(OFFICE, 0)]);
    assert_eq!((script(&board, "start"), script(&board, "status")), (0, 0));
    board.expect_edges(&[(OFFICE, 1)]);
    // A power cut in the middle of a deploy leaves a journal and the files that were there: the next start goes back.
    board.run("/etc/init.d/S60alarmd stop; mkdir -p /var/lib/alarmd/previous");
    board.run("cp -p /usr/sbin/alarmd /var/lib/alarmd/previous/_usr_sbin_alarmd; sha256sum /usr/sbin/alarmd >/tmp/sum");
    board.run(
        "echo broken >/tmp/broken; mv /tmp/broken /usr/sbin/alarmd; echo /usr/sbin/alarmd >/var/lib/alarmd/switched",
    );
    assert_eq!(script(&board, "start"), 0);
    board.run("sha256sum -c /tmp/sum; ! ls /var/lib/alarmd/switched 2>/dev/null");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    // Options of the board's own; the pidfile's place is one.
    board.run("printf 'PIDFILE=/tmp/other.pid\\nOPTIONS=\"--syslog -c /tmp/good\"\\n' >/tmp/default");
    assert_eq!(script(&board, "stop"), 0);
    board.run("cp /tmp/default /etc/default/alarmd");
    assert_eq!(script(&board, "start"), 0);
    assert!(board.run("tr '\\0' ' ' </proc/$(cat /tmp/other.pid)/cmdline").contains("-c /tmp/good"));
    assert_eq!(script(&board, "stop"), 0);
    board.run("mv /usr/sbin/alarmd /tmp");
    assert_eq!(script(&board, "start"), 5);
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1), (OFFICE, 0)]);
}

/// Guardian and worker, as status tells them.
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
