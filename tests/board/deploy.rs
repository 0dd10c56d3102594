//! scripts/deploy to a board: what it installs, what it rolls back, and what a reboot leaves.
use crate::emulated::{Board, executable, program};
use crate::{
    ANY, BUZZER, CRITICAL, CRITICAL_CLEARED, CRITICAL_RAISED, OFFICE, SPARE, START, V7, marker, ms_between, processes,
    report,
};

#[test]
fn alarmd_is_deployed_by_scp_and_drives_real_lines_without_a_glitch() {
    let mut board = Board::up("main");
    let mark = marker(&mut board);

    let ran = board.deploy(&["--board", "qemu-virt", "--dry-run"]);
    assert!(ran.code == 0 && ran.out.contains("nothing was changed") && ran.out.contains(V7), "{ran:?}");
    assert_eq!(
        board.run("ls /usr/sbin /etc/init.d"),
        "/etc/init.d:\nS01syslogd\nS40network\nS50dropbear\nrcK\nrcS\n\n/usr/sbin:\ndropbear\n"
    );
    board.expect_edges(&[]);

    // As a user deploys: it builds, copies, checks and starts.
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
    board.wait_for("it is shown", |board| board.run("alarmctl status").contains("major"));
    board.run(&format!("{}; echo 0 >/tmp/orders", mark(0)));
    board.expect_edges(&[(SPARE, 0), (ANY, 1), (OFFICE, 1), (BUZZER, 0)]);
    // It leaves in order: a producer that died would raise an alarm.
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

    // After a stop the relay shows that alarmd does not run, after a start that there is no alarm. No other line changes.
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
fn a_failed_deployment_is_rolled_back_and_changed_files_are_kept() {
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

    // An executable that does not run is never installed: no line changes.
    let ran = deploy(&board, &file("\x7fELF and then nothing"));
    assert!(ran.code == 1 && ran.out.contains("does not run on this board; nothing was changed"), "{ran:?}");
    board.expect_edges(&[]);

    // One that reports its version, and then ends at its start.
    let dies = "#!/bin/sh\ncase \"$*\" in\n*--version*) echo alarmd 9.9.9 ;;\n*--check*) ;;\n*) exit 1 ;;\nesac\n";
    let ran = deploy(&board, &file(dies));
    assert!(ran.code == 1 && ran.out.contains("does not work; going back"), "{ran:?}");
    assert!(ran.out.contains("the previous one works again: alarmd 0.1.0"), "{ran:?}");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    assert_eq!(sum(&board), before);

    // One that reports its version, and then never becomes ready.
    board.run("echo PATIENCE=2 >>/etc/default/alarmd");
    let ran = deploy(&board, &file(&dies.replace("exit 1", "while :; do sleep 1; done")));
    assert!(ran.code == 1 && ran.out.contains("does not work after 2 s; ended"), "{ran:?}");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    assert_eq!(sum(&board), before);
    assert!(
        !board.run("ps").contains("/usr/sbin/alarmd --syslog --pidfile /var/run/alarmd.pid --never"),
        "left behind"
    );

    // A configuration that was changed on the board stays, and the new one is stored beside it. The new executable must accept
    // the one that stays.
    board.run("echo '; mine' >>/etc/alarmd.conf");
    let ran = board.deploy(&["--board", "example-3.0", "--executable", executable(V7).to_str().expect("UTF-8")]);
    assert!(ran.code == 0 && ran.out.contains("/etc/alarmd.conf was changed on the board and stays"), "{ran:?}");
    assert!(board.run("tail -n 1 /etc/alarmd.conf").contains("mine"));
    assert!(board.run("cat /var/lib/alarmd/new/_etc_alarmd.conf").contains("a board with a 3.0 kernel"));
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
        board.run("alarmctl raise alarm --level critical");
        board.expect_edges(&CRITICAL_RAISED);
        board.run("alarmctl clear alarm --all");
        board.expect_edges(&CRITICAL_CLEARED);
    }

    // Without enough space it fails before anything is copied.
    board.run("dd if=/dev/zero of=/full bs=64k 2>/dev/null; true");
    let ran = board.deploy(&["--executable", executable(V7).to_str().expect("UTF-8")]);
    assert!(ran.code == 1 && ran.err.contains("KiB free and") && ran.err.contains("nothing was changed"), "{ran:?}");
    board.expect_edges(&[]);
}

#[test]
fn after_a_reboot_init_starts_alarmd_and_the_lines_are_right() {
    let mut board = Board::up("reboot");
    board.deploy_well();
    board.expect_edges(&START);
    board.shell("reboot");
    // An orderly stop: the relay drops. The reset makes every line an input, which this chip shows as low. Then a start.
    board.expect_edges(&[(OFFICE, 0), (ANY, 0), (ANY, 1), (OFFICE, 1)]);
    board.wait_for("ssh answers again", |board| board.shell("true").code == 0);
    assert_eq!(board.shell("/etc/init.d/S60alarmd status").code, 0);
    board.expect_edges(&[]);
}
