//! `doctor`: what on this board would keep alarmd from working, or does, and how to mend it. It changes nothing that it does not
//! put back.
mod daemon;
mod kernel;
mod lines;
mod paths;
mod segments;

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use alarmd::settings::Settings;
use alarmd::wire::StatusBlock;
use serde::Serialize;

use crate::console::print;
use crate::ctl::call::{Call, Failure};
use crate::ctl::report;
use crate::daemon::config;

/// How a thing is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Good,
    /// It works, and may not always.
    Doubt,
    Wrong,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    subject: String,
    level: Level,
    what: String,
    /// Why it matters; empty where it is good.
    why: &'static str,
    /// The command, or the line of the configuration, that mends it.
    mend: String,
}

#[derive(Serialize)]
struct Findings {
    wrong: usize,
    findings: Vec<Finding>,
}

/// What all checks look at and add to.
struct Visit {
    settings: Box<Settings>,
    /// The running daemon's, if one runs and can be asked.
    status: Option<Box<StatusBlock<u32>>>,
    findings: Vec<Finding>,
}

impl Visit {
    // Plain words and not anything that turns into them: this is called from forty places, and flash is small.
    #[inline(never)]
    fn add(&mut self, level: Level, subject: &str, what: &str, why: &'static str, mend: &str) {
        let [subject, what, mend] = [subject, what, mend].map(str::to_owned);
        self.findings.push(Finding { subject, level, what, why, mend });
    }

    #[inline(never)]
    fn good(&mut self, subject: &str, what: &str) {
        self.add(Level::Good, subject, what, "", "");
    }

    #[inline(never)]
    fn doubt(&mut self, subject: &str, what: &str, why: &'static str, mend: &str) {
        self.add(Level::Doubt, subject, what, why, mend);
    }

    #[inline(never)]
    fn wrong(&mut self, subject: &str, what: &str, why: &'static str, mend: &str) {
        self.add(Level::Wrong, subject, what, why, mend);
    }
}

/// True if something is there.
fn is_there(path: &str) -> bool {
    may(path, libc::F_OK)
}

/// True if this user may write it. It is not opened: that would arm a watchdog.
fn is_writable(path: &str) -> bool {
    may(path, libc::W_OK)
}

fn may(path: &str, mode: libc::c_int) -> bool {
    let path = CString::new(path).unwrap_or_default();
    // SAFETY: the path ends with a zero byte.
    unsafe { libc::access(path.as_ptr(), mode) == 0 }
}

pub fn run(mut call: Call) -> Result<(), Failure> {
    let json = call.only_json()?;
    let mut visit = Visit { settings: Box::default(), status: None, findings: Vec::new() };
    match config::load(call.file.as_deref()) {
        Ok(loaded) => {
            visit.settings = loaded.settings;
            let (modules, outputs) = (visit.settings.modules.len(), visit.settings.outputs.len());
            let file = call.file.as_deref().unwrap_or(Path::new(config::DEFAULT_FILE)).display();
            let there = if is_there(&file.to_string()) { "" } else { " is not there: defaults," };
            visit.good("configuration", &format!("{file}:{there} {modules} modules, {outputs} outputs"));
        }
        Err(refused) => {
            for message in refused.messages() {
                visit.wrong(
                    "configuration",
                    &message,
                    "alarmd does not start with it, nor go over to it",
                    "correct this line",
                );
            }
        }
    }
    daemon::look(&mut visit);
    kernel::look(&mut visit);
    segments::look(&mut visit);
    paths::look(&mut visit);
    lines::look(&mut visit);
    let wrong = visit.findings.iter().filter(|finding| finding.level == Level::Wrong).count();
    let findings = Findings { wrong, findings: visit.findings };
    if json {
        report::print_json(&findings)?;
    } else {
        findings.findings.iter().for_each(show);
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::failed("1 thing is wrong")),
        many => Err(Failure::failed(format!("{many} things are wrong"))),
    }
}

fn show(finding: &Finding) {
    let Finding { subject, level, what, why, mend } = finding;
    let level = match level {
        Level::Good => return print(&format!("good   {subject}: {what}\n")),
        Level::Doubt => "doubt",
        Level::Wrong => "WRONG",
    };
    print(&format!("{level}  {subject}: {what}\n       why   {why}\n       mend  {mend}\n"));
}

/// What stands in a small file of the kernel.
fn text(path: &str) -> Option<String> {
    let mut text = String::new();
    // Through `take`, because a bare `File` asks for its size with a newer call first.
    File::open(path).ok()?.take(1 << 20).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}
