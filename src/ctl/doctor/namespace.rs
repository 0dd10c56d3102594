//! The IPC namespace: whether this process, init and the daemon use the same segments.
use std::fs;

use alarmd_core::process::ProcessIdentity;

use super::files::text;
use super::finding::Checks;

/// The pidfile that the init script gives to alarmd.
const PIDFILE: &str = "/var/run/alarmd.pid";
const SUBJECT: &str = "IPC namespace";

pub fn check(checks: &mut Checks) {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/ipc")).ok();
    let (ours, first) = (namespace("self"), namespace("1"));
    let daemon = text(PIDFILE).filter(|pid| pid.parse().is_ok_and(|pid| ProcessIdentity::of(pid).is_alive()));
    let daemons = daemon.as_deref().and_then(namespace);
    let fix = |pid: &str| format!("run alarmctl in that namespace: nsenter -t {pid} -i alarmctl doctor");
    match daemon {
        Some(pid) if daemons.is_some() && daemons != ours => {
            let what = format!("alarmd (process {pid} of {PIDFILE}) is running in another namespace");
            checks.error(SUBJECT, &what, "alarms that are raised here do not reach it", &fix(&pid));
        }
        _ if first.is_none() => checks.ok(SUBJECT, "not readable by this user"),
        _ if ours != first => {
            let what = "not the namespace of init (process 1)";
            checks.warning(SUBJECT, what, "alarmctl sees only the segments of this namespace", &fix("1"));
        }
        _ => checks.ok(SUBJECT, "the namespace of init (process 1)"),
    }
}
