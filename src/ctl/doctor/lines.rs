//! The lines of outputs: absent, held by the kernel, unwritable, inputs; and what LEDs there are instead.
use std::fs::{self, OpenOptions};
use std::path::Path;

use alarmd::settings::Target;

use super::{Visit, is_there, text};

const GPIO: &str = "/sys/class/gpio";

pub fn look(visit: &mut Visit) {
    let outputs = std::mem::take(&mut visit.settings.outputs);
    for output in &outputs {
        let subject = format!("{} {}", output.kind.word(), output.name);
        match &output.target {
            Target::Gpio(number) => gpio(visit, &subject, *number),
            Target::Path(path) => file(visit, &subject, Path::new(path.as_str())),
        }
    }
    if outputs.is_empty() {
        visit.doubt(
            "outputs",
            "none is configured",
            "alarms go to the log and to alarmctl alone",
            "add a [lamp NAME], [relay NAME] or [horn NAME] with gpio = NUMBER to the configuration",
        );
    }
}

fn gpio(visit: &mut Visit, subject: &str, number: u32) {
    const WHY: &str = "this output shows nothing";
    if !is_there(GPIO) {
        let what = format!("gpio {number}: there is no {GPIO}");
        let mend = format!("build the kernel with CONFIG_GPIO_SYSFS and mount sysfs{}", leds());
        return visit.wrong(subject, &what, WHY, &mend);
    }
    let folder = format!("{GPIO}/gpio{number}");
    let mut ours = false;
    if !is_there(&folder) {
        if visit.status.is_some() {
            let what = format!("gpio {number} is not exported, though a daemon runs");
            return visit.wrong(subject, &what, WHY, &format!("alarmctl status tells why{}", leds()));
        }
        match fs::write(format!("{GPIO}/export"), number.to_string()) {
            Ok(()) => ours = true,
            Err(error) => {
                let (what, mend) = match error.raw_os_error() {
                    Some(libc::EBUSY) => (
                        "the kernel holds it",
                        format!("grep gpio-{number} /sys/kernel/debug/gpio tells who{}", leds()),
                    ),
                    Some(libc::EINVAL) => (
                        "there is no such line",
                        format!("grep . {GPIO}/gpiochip*/base {GPIO}/gpiochip*/ngpio tells which there are{}", leds()),
                    ),
                    _ => ("it cannot be exported", format!("run alarmd as root, or chgrp {GPIO}/export for its user")),
                };
                return visit.wrong(subject, &format!("gpio {number}: {what} ({error})"), WHY, &mend);
            }
        }
    }
    let unwritable: Vec<&str> = ["value", "direction"]
        .into_iter()
        .filter(|name| match OpenOptions::new().write(true).open(format!("{folder}/{name}")) {
            Ok(_) => false,
            // A line that is an output for good has no direction.
            Err(error) => *name == "value" || error.raw_os_error() != Some(libc::ENOENT),
        })
        .collect();
    let direction = text(&format!("{folder}/direction"));
    if !unwritable.is_empty() {
        let what = format!("gpio {number}: {} cannot be written", unwritable.join(" and "));
        visit.wrong(subject, &what, WHY, &format!("run alarmd as root, or chown these files of {folder} to its user"));
    } else if visit.status.is_some() && direction.as_deref() == Some("in") {
        let what = format!("gpio {number} is an input, though a daemon runs");
        visit.wrong(
            subject,
            &what,
            "somebody else has changed it",
            &format!("fuser -v {folder}/value; alarmctl status"),
        );
    } else {
        visit.good(subject, &format!("gpio {number}: can be driven"));
    }
    if ours {
        let _ = fs::write(format!("{GPIO}/unexport"), number.to_string());
    }
}

fn file(visit: &mut Visit, subject: &str, path: &Path) {
    let shown = path.display();
    let folder = path.parent().unwrap_or(Path::new("/"));
    match OpenOptions::new().write(true).open(path) {
        Ok(_) => visit.good(subject, &format!("{shown}: can be driven")),
        Err(error)
            if error.raw_os_error() == Some(libc::ENOENT)
                && folder.to_str().is_some_and(is_there)
                && !path.starts_with("/sys") =>
        {
            visit.good(subject, &format!("{shown}: will be made"));
        }
        Err(error) => visit.wrong(
            subject,
            &format!("{shown}: {error}"),
            "this output shows nothing",
            &format!("give the file to alarmd's user, or name another{}", leds()),
        ),
    }
}

/// The LEDs that may be meant.
fn leds() -> String {
    let names: Vec<String> = fs::read_dir("/sys/class/leds")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| format!("/sys/class/leds/{}/brightness", entry.file_name().to_string_lossy()))
        .collect();
    if names.is_empty() { String::new() } else { format!("; if it is an LED: path = {}", names.join(" or ")) }
}
