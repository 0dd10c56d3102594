//! The hardware watchdog: whether alarmd can feed it. It is not opened here: that would start it.
use super::files::{exists, is_writable};
use super::finding::Checks;

const SUBJECT: &str = "watchdog";
const WHY: &str = "the board is not reset if alarmd fails";

pub fn check(checks: &mut Checks) {
    let configured = checks.settings.watchdog.take();
    match configured.as_ref().map(|path| path.as_str()) {
        Some(path) if is_writable(path) => checks.ok(SUBJECT, &format!("{path} exists and is writable")),
        Some(path) if exists(path) => {
            let fix =
                format!("run alarmd as root, or give {path} to its user (chown); then repeat this check as that user");
            checks.error(SUBJECT, &format!("{path} is not writable by this user"), WHY, &fix);
        }
        Some(path) => {
            let fix = "load the watchdog's driver (modprobe softdog on a board without one), or delete watchdog from the \
                       configuration";
            checks.error(SUBJECT, &format!("{path} does not exist"), WHY, fix);
        }
        None if is_writable("/dev/watchdog") => {
            checks.ok(SUBJECT, "not configured; with watchdog = /dev/watchdog the board is reset if alarmd fails");
        }
        None => checks.ok(SUBJECT, "not configured, and no writable /dev/watchdog"),
    }
}
