//! `doctor`: finds what prevents alarmd from working on this board, and shows how to fix it. It undoes every change that it makes
//! for a test.
mod attached;
mod daemon;
mod files;
mod finding;
mod kernel;
mod lines;
mod namespace;
mod paths;
mod segments;
mod watchdog;

use std::path::Path;

use serde::Serialize;

use crate::config;
use crate::console::print;
use crate::ctl::call::{Call, Failure};
use crate::ctl::report::print_json;
use finding::{Checks, Finding, Level};

#[derive(Serialize)]
struct Findings {
    errors: usize,
    findings: Vec<Finding>,
}

pub fn run(mut call: Call) -> Result<(), Failure> {
    let json = call.only_json()?;
    let mut checks = Checks { settings: Box::default(), configured: false, report: None, findings: Vec::new() };
    configuration(&mut checks, call.file.as_deref());
    daemon::check(&mut checks);
    namespace::check(&mut checks);
    watchdog::check(&mut checks);
    kernel::check(&mut checks);
    segments::check(&mut checks);
    paths::check(&mut checks);
    lines::check(&mut checks);
    let errors = checks.findings.iter().filter(|finding| finding.level == Level::Error).count();
    let findings = Findings { errors, findings: checks.findings };
    if json {
        print_json(&findings)?;
    } else {
        findings.findings.iter().for_each(show);
    }
    match errors {
        0 => Ok(()),
        1 => Err(Failure::failed("1 error found")),
        many => Err(Failure::failed(format!("{many} errors found"))),
    }
}

fn configuration(checks: &mut Checks, file: Option<&Path>) {
    const SUBJECT: &str = "configuration";
    match config::load(file) {
        Ok(loaded) => {
            checks.settings = loaded.settings;
            checks.configured = true;
            let (modules, outputs) = (checks.settings.poll.modules.len(), checks.settings.poll.outputs.len());
            let file = file.unwrap_or(Path::new(config::DEFAULT_FILE)).display().to_string();
            let source = if files::exists(&file) { "" } else { " does not exist, so defaults apply" };
            checks.ok(SUBJECT, &format!("{file}{source}: {modules} modules, {outputs} outputs"));
        }
        Err(refused) => {
            let why = "alarmd can neither start with nor reload this file";
            for message in refused.messages() {
                checks.error(SUBJECT, &message, why, "correct the configuration, then run alarmd --check");
            }
        }
    }
}

fn show(finding: &Finding) {
    let Finding { subject, level, what, why, fix } = finding;
    let label = match level {
        Level::Ok => return print(&format!("ok       {subject}: {what}\n")),
        Level::Warning => "warning",
        Level::Error => "ERROR  ",
    };
    print(&format!("{label}  {subject}: {what}\n         why  {why}\n         fix  {fix}\n"));
}
