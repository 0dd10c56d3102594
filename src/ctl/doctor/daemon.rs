//! The daemon: whether it is running and makes its health checks.
use super::finding::Checks;
use crate::ctl::report::Report;
use crate::ctl::status_block;

const SUBJECT: &str = "daemon";
const RESTART: &str = "/etc/init.d/S60alarmd restart";

pub fn check(checks: &mut Checks) {
    let block = match status_block::read() {
        Ok(Some(block)) => block,
        Ok(None) => {
            let why = "alarms stay in shared memory; no output shows them";
            return checks.warning(SUBJECT, "not running", why, "/etc/init.d/S60alarmd start");
        }
        Err(failure) => {
            return checks.error(SUBJECT, &failure.message, "alarmctl cannot read the status", RESTART);
        }
    };
    let report = Report::from(&*block);
    let pid = report.daemon.pid;
    if report.daemon.healthy {
        checks.ok(SUBJECT, &format!("running (process {pid})"));
    } else if !report.daemon.worker_alive {
        let what = format!("the worker is not running; process {pid} restarts it");
        let fix = "find the cause in the system log and in alarmctl history";
        checks.error(SUBJECT, &what, "alarms are not detected; fail-safe outputs show an alarm", fix);
    } else {
        let what =
            format!("hung or stopped (process {pid}): no health check for {} s", report.daemon.checked_ms_ago / 1000);
        checks.error(SUBJECT, &what, "alarms are not detected", RESTART);
    }
    if report.daemon.restarts > 0 {
        let what = format!("worker restarts since alarmd was started: {}", report.daemon.restarts);
        let why = "fail-safe relays show an alarm at each restart";
        checks.warning(SUBJECT, &what, why, "find the cause in the system log and in alarmctl history");
    }
    checks.report = Some(report);
}
