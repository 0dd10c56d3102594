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
    board.wait_for("it is reloaded", |board| board.log().contains("configuration reloaded: "));
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

#[test]
fn the_relay_drops_when_the_worker_dies_or_hangs_and_init_brings_back_what_is_dead() {
    let mut board = Board::up("guardian");
    let mark = marker(&mut board);
    board.deploy_well();
    board.expect_edges(&START);
    let (guardian, worker) = processes(&board);
    board.run(&format!("{}; kill -9 {worker}", mark(1)));
    let dropped = board.expect_edges(&[(SPARE, 1), (OFFICE, 0), (OFFICE, 1)]);
    let killed = ms_between(&dropped, SPARE, OFFICE);
    board.wait_for("another one works", |board| processes(board).1 != worker);
    assert_eq!(processes(&board).0, guardian);
    assert!(board.run("alarmctl history").contains("worker restarted"));
    // One that hangs, within a second and a look.
    let (_, worker) = processes(&board);
    board.run(&format!("{}; kill -STOP {worker}", mark(0)));
    let dropped = board.expect_edges(&[(SPARE, 0), (OFFICE, 0), (OFFICE, 1)]);
    let hung = ms_between(&dropped, SPARE, OFFICE);
    report(&format!(
        "the worker killed to the relay dropped {killed:.1} ms; the worker stopped to the relay dropped {hung:.0} ms"
    ));
    // The bound is a second; this machine's clock, and ssh, are not that exact.
    assert!(killed < 500.0 && (500.0..3000.0).contains(&hung), "{killed} {hung}");

    // Kept by init itself.
    board.run("/etc/init.d/S60alarmd stop; mv /etc/init.d/S60alarmd /tmp");
    board.expect_edges(&[(OFFICE, 0)]);
    board.run("echo '::respawn:/usr/sbin/alarmd --syslog --pidfile /var/run/alarmd.pid' >>/etc/inittab; kill -HUP 1");
    board.expect_edges(&[(OFFICE, 1)]);
    let healthy = |board: &Board| board.shell("alarmctl status").out.starts_with("alarmd healthy");
    let (guardian, worker) = processes(&board);
    board.run(&format!("kill -9 {guardian}"));
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    board.wait_for("both are new", |board| healthy(board) && processes(board) != (guardian, worker));
    // Both at once: nobody is left to drop it, and init starts both.
    let (guardian, worker) = processes(&board);
    board.run("alarmctl raise alarm --level critical");
    board.expect_edges(&[(CRITICAL, 1), (ANY, 0), (OFFICE, 0), (BUZZER, 1)]);
    board.run(&format!("kill -STOP {guardian} {worker}; kill -9 {guardian} {worker}"));
    board.wait_for("both are new", |board| healthy_with_alarm(board) && processes(board).0 != guardian);
    board.run("alarmctl clear alarm --all");
    // Not one edge more: all stood as it must.
    board.expect_edges(&[(CRITICAL, 0), (ANY, 1), (OFFICE, 1), (BUZZER, 0)]);
}

fn healthy_with_alarm(board: &Board) -> bool {
    board.shell("alarmctl status").out.starts_with("alarmd healthy, 1 alarm active")
}

#[test]
fn a_real_watchdog_resets_a_board_whose_alarms_nobody_watches() {
    let mut board = Board::up("watchdog");
    board.run("insmod /lib/softdog.ko; ls /dev/watchdog");
    board.deploy_well();
    board.expect_edges(&START);
    board.run("sed -i '1i [daemon]\\noom_score_adj = -1000\\nlock_memory = yes\\npriority = 9\\nwatchdog = /dev/watchdog\\nwatchdog_s = 5' /etc/alarmd.conf; sync; /etc/init.d/S60alarmd restart");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    board.wait_for("it is armed", |board| board.log().contains("watchdog /dev/watchdog: resets the board after 5 s"));
    assert_eq!(
        board.run("cat /sys/class/watchdog/watchdog0/state /sys/class/watchdog/watchdog0/timeout"),
        "active\n5\n"
    );
    let (guardian, worker) = processes(&board);
    for process in [guardian, worker] {
        assert_eq!(board.run(&format!("cat /proc/{process}/oom_score_adj")), "-1000\n");
        assert!(!board.run(&format!("grep VmLck /proc/{process}/status")).contains(" 0 kB"));
    }
    // The clock, set back and forth, is of no account to it; a worker that dies is replaced in time.
    for date in ["2001-01-01", "2030-01-01", "2002-01-01"] {
        board.run(&format!("date -s {date}"));
    }
    board.wait_for("it is told", |board| board.run("alarmctl history").contains("clock went back"));
    let (_, worker) = processes(&board);
    board.run(&format!("kill -9 {worker}"));
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    board.run("alarmctl raise alarm --level minor");
    board.expect_edges(&[(ANY, 0), (OFFICE, 0)]);
    board.run("alarmctl clear alarm --all");
    board.expect_edges(&[(ANY, 1), (OFFICE, 1)]);
    // An orderly stop disarms it.
    board.run("/etc/init.d/S60alarmd stop");
    board.expect_edges(&[(OFFICE, 0)]);
    assert_eq!(board.run("cat /sys/class/watchdog/watchdog0/state"), "inactive\n");
    board.run("/etc/init.d/S60alarmd start");
    board.expect_edges(&[(OFFICE, 1)]);
    // Both die, and nothing starts them again: the board does not stay like that.
    let (guardian, worker) = processes(&board);
    board.run(&format!("kill -STOP {guardian} {worker}; kill -9 {guardian} {worker}"));
    board.expect_edges(&[(OFFICE, 0), (ANY, 0), (ANY, 1), (OFFICE, 1)]);
}

#[test]
fn the_line_of_the_power_key_is_refused_with_the_right_words() {
    let mut board = Board::up("key");
    board.deploy_well();
    board.expect_edges(&START);
    board.run("printf '[lamp power]\\ngpio = 2043\\n' >>/etc/alarmd.conf; /etc/init.d/S60alarmd reload");
    // Its failure is the daemon's own alarm, major.
    board.expect_edges(&[(ANY, 0), (OFFICE, 0), (BUZZER, 1)]);
    let log = board.log();
    let told = "lamp power: gpio 2043: export: Resource busy (EBUSY): the kernel holds this line; if it is an LED, name its \
                brightness file under /sys/class/leds as path instead";
    assert!(log.contains(told), "{log}");
    let status = board.run("alarmctl status");
    assert!(status.contains("runs, 1 of 5 outputs FAILED") && status.contains("output failed"), "{status}");
    assert_eq!(board.pin(2043), None);
    // A lamp that flashes, on a real line; and that stands still once somebody has seen it.
    board.run(&format!(
        "sed -i 's/gpio = 2043/gpio = {SPARE}\\nsequence = A/' /etc/alarmd.conf; /etc/init.d/S60alarmd reload"
    ));
    board.expect_edges(&[(ANY, 1), (OFFICE, 1), (BUZZER, 0)]);
    board.run("alarmctl raise alarm");
    let mut flashes = Vec::new();
    board.wait_for_edges("it flashes", |edges| {
        flashes.extend(edges.iter().filter(|edge| edge.gpio == SPARE).map(|edge| (edge.at, edge.level)));
        flashes.len() >= 6
    });
    let levels: Vec<u32> = flashes.iter().map(|(_, level)| *level).collect();
    assert_eq!(levels[..6], [1, 0, 1, 0, 1, 0]);
    let hertz = 2.0 / (flashes[4].0 - flashes[0].0);
    report(&format!("a lamp flashes at {hertz:.2} Hz"));
    board.run("alarmctl ack");
    board.take_edges();
    assert_eq!(board.pin(SPARE), Some(1));
    board.run("alarmctl status | grep 'lamp power .*ALARM'; alarmctl clear alarm --all; alarmctl status | grep 'lamp power .* -'");
    assert_eq!(board.pin(SPARE), Some(0));
    board.take_edges();
    // A number that the board has not.
    board.run(&format!("sed -i 's/gpio = {SPARE}/gpio = 3000/' /etc/alarmd.conf; /etc/init.d/S60alarmd reload"));
    board.wait_for("it is told", |board| {
        board.log().contains("gpio 3000: export: Invalid argument (EINVAL): there is no such line")
    });
}

#[test]
fn what_does_not_work_is_rolled_back_and_what_was_changed_stays() {
    let mut board = Board::up("rollback");
    board.deploy_well();
    board.expect_edges(&START);
    let sum = |board: &Board| board.run("sha256sum /usr/sbin/alarmd /etc/alarmd.conf /etc/init.d/S60alarmd");
    let before = sum(&board);
    let file = |text: &str| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        file
    };
    let deploy = |board: &Board, file: &tempfile::NamedTempFile| {
        board.deploy(&["--board", "qemu-virt", "--executable", file.path().to_str().expect("UTF-8")])
    };

    // One that does not run at all is never switched to: nothing moves.
    let ran = deploy(&board, &file("\x7fELF and then nothing"));
    assert!(ran.code == 1 && ran.out.contains("does not run on this board; nothing was changed"), "{ran:?}");
    board.expect_edges(&[]);

    // One that answers, and then ends at its start.
    let dies = "#!/bin/sh\ncase \"$*\" in\n*--version*) echo alarmd 9.9.9 ;;\n*--check*) ;;\n*) exit 1 ;;\nesac\n";
    let ran = deploy(&board, &file(dies));
    assert!(ran.code == 1 && ran.out.contains("does not work; going back"), "{ran:?}");
    assert!(ran.out.contains("the previous one works again: alarmd 0.1.0"), "{ran:?}");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    assert_eq!(sum(&board), before);

    // One that answers, and then never comes to work.
    board.run("echo PATIENCE=2 >>/etc/default/alarmd");
    let ran = deploy(&board, &file(&dies.replace("exit 1", "while :; do sleep 1; done")));
    assert!(ran.code == 1 && ran.out.contains("does not work after 2 s; ended"), "{ran:?}");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    assert_eq!(sum(&board), before);
    assert!(
        !board.run("ps").contains("/usr/sbin/alarmd --syslog --pidfile /var/run/alarmd.pid --never"),
        "left behind"
    );

    // A configuration that somebody changed on the board stays, and the new one is laid beside it. It is also what the new
    // executable must take.
    board.run("echo '; mine' >>/etc/alarmd.conf");
    let ran = board.deploy(&["--board", "example-3.0", "--executable", executable(V7).to_str().expect("UTF-8")]);
    assert!(ran.code == 0 && ran.out.contains("/etc/alarmd.conf was changed on the board and stays"), "{ran:?}");
    assert!(board.run("tail -n 1 /etc/alarmd.conf").contains("mine"));
    assert!(board.run("cat /var/lib/alarmd/new/_etc_alarmd.conf").contains("A real board with a 3.0 kernel"));
    assert!(board.run("cat /etc/default/alarmd").contains("PATIENCE=2"));
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    board.run("echo 'nonsense' >>/etc/alarmd.conf");
    let ran = board.deploy(&["--executable", executable(V7).to_str().expect("UTF-8")]);
    assert!(ran.code == 1 && ran.out.contains("refuses the board's configuration; nothing was changed"), "{ran:?}");
    board.run("sed -i '$d' /etc/alarmd.conf");
    board.expect_edges(&[]);

    // The soft-float executables run here too; and a board whose ssh has only dropbear's old scp is reached as well.
    board.run("rm /usr/lib/sftp-server");
    for target in ["armv5te-unknown-linux-musleabi", "arm-unknown-linux-musleabi"] {
        let ran = board.deploy(&["--target", target, "--executable", executable(target).to_str().expect("UTF-8")]);
        assert!(ran.code == 0 && ran.out.contains("alarmd 0.1.0 works on this board"), "{ran:?}");
        board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
        board.run("alarmctl raise alarm --level critical; alarmctl clear alarm --all");
        board.expect_edges(&[
            (CRITICAL, 1),
            (ANY, 0),
            (OFFICE, 0),
            (BUZZER, 1),
            (CRITICAL, 0),
            (ANY, 1),
            (OFFICE, 1),
            (BUZZER, 0),
        ]);
    }

    // No room: told before anything is copied.
    board.run("dd if=/dev/zero of=/full bs=64k 2>/dev/null; true");
    let ran = board.deploy(&["--executable", executable(V7).to_str().expect("UTF-8")]);
    assert!(ran.code == 1 && ran.err.contains("KiB free and") && ran.err.contains("nothing was changed"), "{ran:?}");
    board.expect_edges(&[]);
}

#[test]
fn after_a_reboot_init_starts_it_again_with_its_alarms_lines() {
    let mut board = Board::up("reboot");
    board.deploy_well();
    board.expect_edges(&START);
    board.shell("reboot");
    // Stopped in order: the relay drops. The reset makes every line an input, which this chip shows as low. Then anew.
    board.expect_edges(&[(OFFICE, 0), (ANY, 0), (ANY, 1), (OFFICE, 1)]);
    board.wait_for("ssh answers again", |board| board.shell("true").code == 0);
    assert_eq!(board.shell("/etc/init.d/S60alarmd status").code, 0);
    board.expect_edges(&[]);
}

#[test]
fn on_an_old_kernel_daemon_and_tool_work_without_one_newer_call() {
    let mut board = Board::up("old");
    board.deploy_well();
    board.expect_edges(&START);
    board.run("/etc/init.d/S60alarmd stop");
    board.expect_edges(&[(OFFICE, 0)]);
    board.copy(&program("old_kernel"), "/tmp/old_kernel");
    board.copy(&program("old_producer"), "/tmp/old_producer");
    for mode in ["enosys", "einval"] {
        // A program of this system's own C library: the stand-in answers, and writes down.
        let ran = board.shell(&format!("/tmp/old_kernel {mode} /tmp/proof /bin/busybox ls -l /tmp"));
        assert_eq!(ran.code == 0, mode == "enosys", "{ran:?}");
        let proof = board.run("cut -d' ' -f3 /tmp/proof; rm /tmp/proof");
        assert!(proof.contains("397\n") && proof.contains("403\n"), "{mode}: {proof}");

        let old = |command: &str| format!("/tmp/old_kernel {mode} /tmp/calls {command}");
        // Once with its log on stderr, once in the system log.
        let syslog = if mode == "einval" { "--syslog" } else { "" };
        let daemon = old(&format!("/usr/sbin/alarmd --pidfile /tmp/pid {syslog}"));
        board.run(&format!(": >/var/log/messages; ({daemon} >/tmp/log 2>&1 &)"));
        let logged = |board: &Board, words: &str| board.run("cat /tmp/log /var/log/messages").contains(words);
        board.expect_edges(&[(OFFICE, 1)]);
        board.wait_for("it works", |board| !board.shell("cat /tmp/pid").out.is_empty());
        let tool = |board: &Board, words: &str| board.run(&old(&format!("/usr/bin/alarmctl {words}")));
        tool(&board, "raise sdhmgt --code 7 --level critical");
        board.expect_edges(&[(CRITICAL, 1), (ANY, 0), (OFFICE, 0), (BUZZER, 1)]);
        assert!(tool(&board, "status").contains("critical  sdhmgt"));
        assert!(tool(&board, "status --json").contains("\"healthy\": true"));
        tool(&board, "clear sdhmgt --code 7");
        board.expect_edges(&[(CRITICAL, 0), (ANY, 1), (OFFICE, 1), (BUZZER, 0)]);
        board.run(&format!("echo 1 | {}", old("/usr/bin/alarmctl shell sdhmgt")));
        board.expect_edges(&[(ANY, 0), (OFFICE, 0), (BUZZER, 1)]);
        tool(&board, "clear sdhmgt --all");
        board.expect_edges(&[(ANY, 1), (OFFICE, 1), (BUZZER, 0)]);
        for words in ["key", "key sdhmgt", "key /home/ 31", "raise 32", "remove 32", "history", "--help"] {
            tool(&board, words);
        }
        board.expect_edges(&[
            (CRITICAL, 1),
            (ANY, 0),
            (OFFICE, 0),
            (BUZZER, 1),
            (CRITICAL, 0),
            (ANY, 1),
            (OFFICE, 1),
            (BUZZER, 0),
        ]);
        assert!(tool(&board, "key /home/ 31").contains("0x1f00"));
        // The doctor alone asks for two of them, on purpose.
        let asked = old("/usr/bin/alarmctl doctor").replace("/tmp/calls", "/tmp/asked");
        let told = board.shell(&asked).out;
        let kept = if mode == "enosys" {
            "good   system call 397"
        } else {
            "doubt  system call 397: something else than statx"
        };
        assert!(told.contains(kept) && told.contains("good   futex"), "{told}");
        assert_eq!(board.run("cut -d' ' -f3 /tmp/asked; rm /tmp/asked"), "397\n403\n");
        // Health checks, a path made anew, a line taken away, a new configuration: all in the loop.
        board.run("mv /home /tmp/home; mkdir /home");
        board.wait_for("the path is followed", |board| logged(board, "moved"));
        board.run(&format!("echo {CRITICAL} >/sys/class/gpio/unexport; kill -HUP $(cat /tmp/pid)"));
        board.wait_for("the line works again", |board| {
            board.run("alarmctl status").contains("alarmd healthy, no alarm")
        });
        board.wait_for("read again", |board| logged(board, "configuration reloaded: "));
        board.run("kill $(cat /tmp/pid); rmdir /home; mv /tmp/home /home");
        board.wait_for("it is gone", |board| logged(board, "stopping: SIGTERM"));
        // Not one newer call, from the first instruction to the last.
        assert_eq!(board.run("cat /tmp/calls; rm -f /tmp/calls /tmp/log /tmp/pid"), "", "{mode}: TIME PID CALL");
        board.wait_for("the relay drops", |board| board.pin(OFFICE) == Some(0));
        let moved = board.take_edges();
        assert_eq!(moved.last().map(|edge| (edge.gpio, edge.level)), Some((OFFICE, 0)), "{mode}: {moved:?}");
    }
}
