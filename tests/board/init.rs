//! The init script.
use crate::emulated::Board;
use crate::{OFFICE, START};

#[test]
fn the_init_script_exits_with_the_codes_of_lsb() {
    let mut board = Board::up("init");
    board.deploy_well();
    board.expect_edges(&START);
    let script = |board: &Board, word: &str| board.shell(&format!("/etc/init.d/S60alarmd {word}")).code;
    assert_eq!(script(&board, "status"), 0);
    // A second start changes nothing.
    let process = board.run("cat /var/run/alarmd.pid");
    assert_eq!((script(&board, "start"), script(&board, "reload")), (0, 0));
    assert_eq!(board.run("cat /var/run/alarmd.pid"), process);
    assert_eq!((script(&board, ""), script(&board, "dance")), (2, 2));
    // When start returns it works, and when stop returns it has gone.
    board.run("/etc/init.d/S60alarmd stop; ! kill -0 PROCESS 2>/dev/null".replace("PROCESS", process.trim()).as_str());
    board.run("/etc/init.d/S60alarmd start; alarmctl status");
    board.expect_edges(&[(OFFICE, 0), (OFFICE, 1)]);
    // A configuration with an error is reported on the console, and the old one stays.
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
    // A daemon that is killed leaves its pidfile; a start takes it over.
    board.run("kill -9 $(cat /var/run/alarmd.pid)");
    board.wait_for("it is gone", |board| script(board, "status") == 1);
    // Its worker ends too.
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
