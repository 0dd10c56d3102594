// What each target of cargo fuzz begins with.
#[allow(dead_code)]
#[path = "targets.rs"]
mod targets;

/// Segments of this process's own.
fn alone(data: &[u8], run: fn(&[u8])) {
    static ALONE: std::sync::Once = std::sync::Once::new();
    ALONE.call_once(|| {
        // SAFETY: no pointers.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWIPC) }, 0, "run as root, or under unshare -r");
    });
    run(data);
}
