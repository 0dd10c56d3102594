//! An old kernel: daemon and tool use no system call that is newer than it.
use crate::emulated::{Board, program};
use crate::{CRITICAL, CRITICAL_CLEARED, CRITICAL_RAISED, MAJOR_CLEARED, MAJOR_RAISED, OFFICE, START};

#[test]
fn daemon_and_tool_make_no_system_call_that_an_old_kernel_lacks() {
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
        board.expect_edges(&CRITICAL_RAISED);
        board.wait_for("it is shown", |board| tool(board, "status").contains("critical  sdhmgt"));
        assert!(tool(&board, "status --json").contains("\"healthy\": true"));
        tool(&board, "clear sdhmgt --code 7");
        board.expect_edges(&CRITICAL_CLEARED);
        board.run(&format!("echo 1 | {}", old("/usr/bin/alarmctl shell sdhmgt")));
        board.expect_edges(&MAJOR_RAISED);
        tool(&board, "clear sdhmgt --all");
        board.expect_edges(&MAJOR_CLEARED);
        for words in ["key", "key sdhmgt", "key /home/ 31", "history", "--help"] {
            tool(&board, words);
        }
        tool(&board, "raise 32");
        board.expect_edges(&CRITICAL_RAISED);
        tool(&board, "remove 32");
        board.expect_edges(&CRITICAL_CLEARED);
        assert!(tool(&board, "key /home/ 31").contains("0x1f00"));
        // Only the doctor makes two of these calls, on purpose.
        let asked = old("/usr/bin/alarmctl doctor").replace("/tmp/calls", "/tmp/asked");
        let found = board.shell(&asked).out;
        let kept = if mode == "enosys" { "ok       system call 397" } else { "warning  system call 397: not statx" };
        assert!(found.contains(kept) && found.contains("ok       futex"), "{found}");
        assert_eq!(board.run("cut -d' ' -f3 /tmp/asked; rm /tmp/asked"), "397\n403\n");
        // Health checks, a recreated path, an unexported line and a new configuration.
        board.run("mv /home /tmp/home; mkdir /home");
        board.wait_for("the path is followed", |board| logged(board, "key changed from"));
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
