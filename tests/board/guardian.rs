//! Guardian, worker and hardware watchdog on a whole board, with init.
use crate::emulated::Board;
use crate::{
    ANY, CRITICAL_CLEARED, CRITICAL_RAISED, OFFICE, SPARE, START, is_healthy, marker, ms_between, processes, report,
};

#[test]
fn the_relay_drops_if_the_worker_dies_or_hangs_and_init_restarts_the_guardian() {
    let mut board = Board::up("guardian");
    let mark = marker(&mut board);
    board.deploy_well();
    board.expect_edges(&START);
    let (guardian, worker) = processes(&board);
    board.run(&format!("{}; kill -9 {worker}", mark(1)));
    let dropped = board.expect_edges(&[(SPARE, 1), (OFFICE, 0), (OFFICE, 1)]);
    let killed = ms_between(&dropped, SPARE, OFFICE);
    board.wait_for("another one works", |board| is_healthy(board) && processes(board).1 != worker);
    assert_eq!(processes(&board).0, guardian);
    board.wait_for("it is in the history", |board| board.run("alarmctl history").contains("worker restarted"));
    // A worker that hangs is replaced within a second and one check.
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
    let (guardian, worker) = processes(&board);
    board.run(&format!("kill -9 {guardian}"));
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    board.wait_for("both are new", |board| is_healthy(board) && processes(board) != (guardian, worker));
    // Both at once: no process is left to drop the relay, and init starts both.
    let (guardian, worker) = processes(&board);
    board.run("alarmctl raise alarm --level critical");
    board.expect_edges(&CRITICAL_RAISED);
    board.run(&format!("kill -STOP {guardian} {worker}; kill -9 {guardian} {worker}"));
    board.wait_for("both are new", |board| healthy_with_alarm(board) && processes(board).0 != guardian);
    board.run("alarmctl clear alarm --all");
    // There is no other edge: each line had the right level.
    board.expect_edges(&CRITICAL_CLEARED);
}

fn healthy_with_alarm(board: &Board) -> bool {
    board.shell("alarmctl status").out.starts_with("alarmd healthy, 1 alarm active")
}

#[test]
fn a_real_watchdog_resets_a_board_whose_alarmd_has_died() {
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
    // Setting the clock does not disturb it; a worker that dies is replaced in time.
    for date in ["2001-01-01", "2030-01-01", "2002-01-01"] {
        board.run(&format!("date -s {date}"));
    }
    board.wait_for("it is in the history", |board| board.run("alarmctl history").contains("clock went back"));
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
    // Both die, and nothing starts them again: the watchdog resets the board.
    let (guardian, worker) = processes(&board);
    board.run(&format!("kill -STOP {guardian} {worker}; kill -9 {guardian} {worker}"));
    board.expect_edges(&[(OFFICE, 0), (ANY, 0), (ANY, 1), (OFFICE, 1)]);
}
