//! Namespaces that keep a test apart from everything else on the machine, and tests that cannot run here.
use std::fs;
use std::io::Write;
use std::process::Command;

use alarmd_core::sysv::Segment;

use super::Board;

/// Reports that a test cannot run here. CI sets `ALARMD_SKIP_FAILS`, under which that is a failure.
#[track_caller]
pub fn skip(reason: &str) {
    assert!(std::env::var_os("ALARMD_SKIP_FAILS").is_none(), "skipped where skipping fails: {reason}");
    // Not through the test harness, which hides the output of tests that pass.
    let _ = std::io::stderr().write_all(format!("SKIPPED: {reason}\n").as_bytes());
}

/// Gives this test's thread, and all processes that it starts, an IPC namespace and a mount namespace of its own. Without
/// the right to do so the test is skipped: `scripts/test` runs the tests as root or under `unshare -r`.
#[track_caller]
pub fn private_namespace() -> bool {
    let flags = libc::CLONE_NEWIPC | libc::CLONE_NEWNS | libc::CLONE_FS;
    // SAFETY: no pointers. Only this thread is moved.
    if unsafe { libc::unshare(flags) } == -1 {
        skip(&format!("no private namespace: {}; run as root, or under unshare -r", std::io::Error::last_os_error()));
        return false;
    }
    // SAFETY: C strings and no data. Mounts made from now on stay in this namespace.
    let made_private = unsafe {
        libc::mount(
            c"none".as_ptr(),
            c"/".as_ptr(),
            std::ptr::null(),
            libc::MS_REC | libc::MS_PRIVATE,
            std::ptr::null(),
        )
    };
    assert_eq!(made_private, 0, "{}", std::io::Error::last_os_error());
    true
}

/// Gives the test's mount namespace a /dev of its own, with only the null device in it.
#[track_caller]
pub fn private_dev(board: &Board) {
    let mount = |arguments: &[&str]| assert!(Command::new("mount").args(arguments).status().expect("mount").success());
    let null = board.path("null");
    fs::write(&null, "").expect("made");
    let null = null.to_str().expect("UTF-8");
    mount(&["--bind", "/dev/null", null]);
    mount(&["-t", "tmpfs", "none", "/dev"]);
    fs::write("/dev/null", "").expect("made");
    mount(&["--bind", null, "/dev/null"]);
}

/// Makes `user` the owner of a segment; false, and the test skipped, where this is not possible.
#[track_caller]
pub fn give_away(segment: &Segment, user: u32) -> bool {
    // IPC_STAT (2), the owner is the second word, IPC_SET (1).
    let script =
        "$d = ''; shmctl($ARGV[0], 2, $d); substr($d, 4, 4) = pack('L', $ARGV[1]); exit !shmctl($ARGV[0], 1, $d)";
    let mut perl = Command::new("perl");
    let given = perl.args(["-e", script, &segment.id().raw().to_string(), &user.to_string()]).status();
    let done = given.is_ok_and(|status| status.success()) && segment.stat().is_ok_and(|stat| stat.uid == user);
    if !done {
        skip("a segment cannot be given to another user here");
    }
    done
}
