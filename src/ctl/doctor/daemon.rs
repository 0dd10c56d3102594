//! The daemon: does it run, in this IPC namespace, and make rounds; and its watchdog.
use std::fs;

use alarmd::process::Mark;

use super::{Visit, is_writable, text};
use crate::ctl::report::Report;
use crate::ctl::status_block;

/// Where the init script has alarmd write its process id.
const PIDFILE: &str = "/var/run/alarmd.pid";

pub fn look(visit: &mut Visit) {
    match status_block::read() {
        Ok(status) => visit.status = status,
        Err(failure) => {
            visit.wrong("daemon", &failure.message, "nobody can see what it shows", "/etc/init.d/S60alarmd restart");
        }
    }
    if let Some(report) = visit.status.as_deref().map(Report::from) {
        let (pid, restarts) = (report.daemon.pid, report.daemon.restarts);
        if report.daemon.healthy {
            visit.good("daemon", &format!("runs as process {pid} and makes rounds"));
        } else if !report.daemon.worker_alive {
            let what = format!("process {pid} has no worker at the moment");
            let mend = "alarmctl history and the system log tell why the last one died";
            visit.wrong("daemon", &what, "alarms are not seen; fail-safe outputs show one", mend);
        } else {
            let what = format!("process {pid} has made no round for {} s", report.daemon.checked_ms_ago / 1000);
            visit.wrong("daemon", &what, "alarms are not seen", "/etc/init.d/S60alarmd restart");
        }
        if restarts > 0 {
            let what = format!("its worker had to be started again {restarts} times");
            visit.doubt(
                "daemon",
                &what,
                "each time fail-safe relays have dropped",
                "alarmctl history; see the system log",
            );
        }
        for output in report.outputs {
            if let Some(failure) = output.failure {
                let subject = format!("{} {}", output.kind, output.name);
                visit.wrong(
                    &subject,
                    &format!("cannot be driven: {failure}"),
                    "it shows nothing",
                    "see the findings below",
                );
            }
        }
    } else if visit.findings.iter().all(|finding| finding.subject != "daemon") {
        visit.doubt("daemon", "does not run", "alarms are kept, and shown by nobody", "/etc/init.d/S60alarmd start");
    }
    namespace(visit);
    watchdog(visit);
}

fn namespace(visit: &mut Visit) {
    const SUBJECT: &str = "IPC namespace";
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/ipc")).ok();
    let (ours, first) = (namespace("self"), namespace("1"));
    let daemon = text(PIDFILE).filter(|pid| pid.parse().is_ok_and(|pid| Mark::of(pid).is_alive()));
    let daemons = daemon.as_deref().and_then(namespace);
    let mend = |pid: &str| format!("nsenter -t {pid} -i alarmctl doctor");
    if let (Some(pid), Some(_)) = (daemon, daemons.as_ref().filter(|daemons| Some(*daemons) != ours.as_ref())) {
        let what = format!("process {pid} of {PIDFILE} is in another one");
        visit.wrong(SUBJECT, &what, "what is raised here is not seen there", &mend(&pid));
    } else if first.is_some() && ours != first {
        visit.doubt(SUBJECT, "not that of init", "only what was started in it is seen", &mend("1"));
    } else {
        visit.good(SUBJECT, if first.is_some() { "that of init" } else { "the kernel does not tell it to this user" });
    }
}

fn watchdog(visit: &mut Visit) {
    const SUBJECT: &str = "watchdog";
    match visit.settings.watchdog.take() {
        Some(path) if is_writable(path.as_str()) => visit.good(SUBJECT, &format!("{} is there", path.as_str())),
        Some(path) => {
            let what = format!("{} is not there, or not for this user to write", path.as_str());
            let mend = "load its driver (modprobe softdog, where the board has none), or take watchdog out";
            visit.wrong(SUBJECT, &what, "a board whose alarms nobody watches is not reset", mend);
        }
        None if is_writable("/dev/watchdog") => {
            visit.good(SUBJECT, "none configured; watchdog = /dev/watchdog would reset a board that watches nothing");
        }
        None => visit.good(SUBJECT, "none configured, and none there"),
    }
}
