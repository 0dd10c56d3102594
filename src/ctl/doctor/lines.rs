//! The lines of outputs: whether they exist and can be driven, and which LEDs the board has.
use std::fs::{self, OpenOptions};
use std::path::Path;

use alarmd_core::output::Target;

use super::files::{exists, text};
use super::finding::Checks;

const GPIO: &str = "/sys/class/gpio";
const WHY: &str = "this output shows no alarm";

pub fn check(checks: &mut Checks) {
    let mut failed = Vec::new();
    for output in checks.report.iter().flat_map(|report| &report.outputs) {
        if let Some(failure) = &output.failure {
            let place = output.gpio.map_or(output.path.clone().unwrap_or_default(), |gpio| format!("gpio {gpio}"));
            let what = format!("{place}: alarmd cannot drive this output: {failure}");
            failed.push((format!("{} {}", output.kind, output.name), what, fix(output.gpio, &place, output.errno)));
        }
    }
    for (subject, what, fix) in &failed {
        checks.error(subject, what, WHY, fix);
    }
    let outputs = std::mem::take(&mut checks.settings.poll.outputs);
    for output in &outputs {
        let subject = output.to_string();
        match &output.target {
            // One finding for each output: the daemon's error is the more exact one.
            _ if failed.iter().any(|(other, ..)| *other == subject) => {}
            Target::Gpio(number) => gpio(checks, &subject, *number),
            Target::Path(path) => file(checks, &subject, path.as_str()),
        }
    }
    if outputs.is_empty() && checks.configured {
        checks.warning(
            "outputs",
            "none configured",
            "alarms appear only in the log and in alarmctl status",
            "add a [lamp NAME], [relay NAME] or [horn NAME] section with gpio = NUMBER to the configuration",
        );
    }
}

fn gpio(checks: &mut Checks, subject: &str, number: u32) {
    if !exists(GPIO) {
        let what = format!("gpio {number}: {GPIO} does not exist");
        return checks.error(subject, &what, WHY, &fix(Some(number), "", libc::ENOENT));
    }
    let folder = format!("{GPIO}/gpio{number}");
    let mut exported = false;
    if !exists(&folder) {
        if let Some(report) = &checks.report {
            let fix = format!(
                "stop the program that unexports it; if the configuration was changed, reload it: kill -HUP {}",
                report.daemon.pid
            );
            let what = format!("gpio {number} is not exported, although alarmd is running");
            return checks.error(subject, &what, WHY, &fix);
        }
        if let Err(error) = fs::write(format!("{GPIO}/export"), number.to_string()) {
            let errno = error.raw_os_error().unwrap_or_default();
            let what = match errno {
                libc::EBUSY => "the line is used by the kernel",
                libc::EINVAL => "the line does not exist",
                _ => "the line cannot be exported",
            };
            let fix = fix(Some(number), &format!("{GPIO}/export"), errno);
            return checks.error(subject, &format!("gpio {number}: {what} ({error})"), WHY, &fix);
        }
        exported = true;
    }
    let unwritable: Vec<&str> = ["value", "direction"]
        .into_iter()
        .filter(|name| match OpenOptions::new().write(true).open(format!("{folder}/{name}")) {
            Ok(_) => false,
            // A line whose direction cannot be changed has no such file.
            Err(error) => *name == "value" || error.raw_os_error() != Some(libc::ENOENT),
        })
        .collect();
    let direction = text(&format!("{folder}/direction"));
    if !unwritable.is_empty() {
        let what = format!("gpio {number}: {} not writable", unwritable.join(" and "));
        checks.error(subject, &what, WHY, &fix(Some(number), &format!("these files of {folder}"), libc::EACCES));
    } else if checks.report.is_some() && direction.as_deref() == Some("in") {
        let what =
            format!("gpio {number} is an input, although alarmd drives it: another process changed the direction");
        let fix = format!("stop the program that writes {folder}/direction; alarmd then restores the line");
        checks.error(subject, &what, WHY, &fix);
    } else {
        checks.ok(subject, &format!("gpio {number} can be driven"));
    }
    if exported {
        let _ = fs::write(format!("{GPIO}/unexport"), number.to_string());
    }
}

fn file(checks: &mut Checks, subject: &str, path: &str) {
    let folder = Path::new(path).parent().and_then(Path::to_str).unwrap_or("/");
    match OpenOptions::new().write(true).open(path) {
        Ok(_) => checks.ok(subject, &format!("{path} can be driven")),
        Err(error) => match error.raw_os_error().unwrap_or_default() {
            libc::ENOENT if exists(folder) && !path.starts_with("/sys/") => {
                checks.ok(subject, &format!("{path} does not exist; alarmd creates it"));
            }
            errno => checks.error(subject, &format!("{path}: {error}"), WHY, &fix(None, path, errno)),
        },
    }
}

/// What to do about an output that failed with this errno. `place` is the file that could not be used.
fn fix(gpio: Option<u32>, place: &str, errno: i32) -> String {
    match (gpio, errno) {
        (Some(number), libc::EBUSY) => {
            format!("find the driver that uses the line: grep gpio-{number} /sys/kernel/debug/gpio{}", leds())
        }
        (Some(_), libc::EINVAL) => {
            format!("use a number that exists: grep . {GPIO}/gpiochip*/base {GPIO}/gpiochip*/ngpio{}", leds())
        }
        (Some(_), libc::ENOENT) if !exists(GPIO) => {
            format!("build the kernel with CONFIG_GPIO_SYSFS and mount sysfs{}", leds())
        }
        (Some(_), libc::ENOENT | libc::ENODEV) => "stop the program that unexports the line".to_owned(),
        (_, libc::EACCES) => format!("run alarmd as root, or give {place} to its user (chown)"),
        (None, libc::ENOENT | libc::ENOTDIR) => {
            format!("create the folder of {place}, or set path to a file that exists{}", leds())
        }
        (None, libc::EROFS) => "set path to a file on a writable file system".to_owned(),
        _ => "find the step that failed in the system log".to_owned(),
    }
}

/// The LEDs of the board, as values for `path`.
fn leds() -> String {
    let names: Vec<String> = fs::read_dir("/sys/class/leds")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| format!("/sys/class/leds/{}/brightness", entry.file_name().to_string_lossy()))
        .collect();
    if names.is_empty() { String::new() } else { format!("; for an LED, set path to {}", names.join(" or ")) }
}
