// The beginning of each target of cargo fuzz.
#[allow(dead_code)]
#[path = "../../src/config/mod.rs"]
mod config;
#[allow(dead_code)]
#[path = "../../src/lines/mod.rs"]
mod hardware;
#[path = "../../src/number.rs"]
mod number;
#[allow(dead_code)]
#[path = "targets.rs"]
mod targets;

use number::number;

/// Gives this process an IPC namespace of its own.
fn alone(data: &[u8], run: fn(&[u8])) {
    static ALONE: std::sync::Once = std::sync::Once::new();
    ALONE.call_once(|| {
        // SAFETY: no pointers.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWIPC) }, 0, "run as root, or under unshare -r");
    });
    run(data);
}
