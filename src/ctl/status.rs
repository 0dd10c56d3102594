//! `status`: the daemon, the outputs, the modules and the active alarms, as tables or as JSON.
use super::call::{Call, Failure};
use super::report::{Alarm, Output, Report, print_json};
use super::status_block;
use super::table::table;
use crate::console::print;
use crate::utc::Utc;
use alarmd_core::codes::Indication;

pub fn run(mut call: Call) -> Result<(), Failure> {
    let json = call.only_json()?;
    let block = status_block::read()?.ok_or_else(Failure::no_daemon)?;
    let report = Report::from(&*block);
    if json {
        print_json(&report)?;
    } else {
        print(&panel(&report));
    }
    match report.daemon.healthy {
        true => Ok(()),
        false if !report.daemon.worker_alive => Err(Failure::failed(
            "the worker is not running; fail-safe outputs show an alarm regardless of this table; alarmd restarts the worker",
        )),
        false => Err(Failure::failed("alarmd is hung or stopped; restart it")),
    }
}

fn panel(report: &Report) -> String {
    let daemon = &report.daemon;
    let failed = report.outputs.iter().filter(|output| output.failure.is_some()).count();
    let health = match daemon.healthy {
        true if failed > 0 => format!("running, {failed} of {} outputs FAILED", report.outputs.len()),
        true => "healthy".to_owned(),
        false if !daemon.worker_alive => "NOT MONITORING: the worker is not running".to_owned(),
        false => format!("HUNG: no health check for {} s", daemon.checked_ms_ago / 1000),
    };
    let active = match report.alarms.len() {
        0 => "no alarm".to_owned(),
        1 => "1 alarm".to_owned(),
        many => format!("{many} alarms"),
    };
    let flashing = report
        .outputs
        .iter()
        .filter(|output| matches!(output.indication, Some(Indication::Flash | Indication::SlowFlash)))
        .count();
    let active =
        if flashing > 0 { format!("{active} active, acknowledgement pending") } else { format!("{active} active") };
    let mut text = format!("alarmd {health}, {active}; process {} since {}\n", daemon.pid, Utc(daemon.started_at));
    let mut section = |titles: &[&str], rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            let titles = titles.iter().map(|title| (*title).to_owned()).collect();
            text.push('\n');
            text.push_str(&table(&[vec![titles], rows].concat()));
        }
    };
    let outputs = report.outputs.iter().map(|output| {
        let shows = match output.indication {
            Some(Indication::Nothing) => "( ) -".to_owned(),
            Some(Indication::Alarm) => "(*) ALARM".to_owned(),
            Some(Indication::Flash | Indication::SlowFlash) => format!("(*) {}", output.shows),
            None => output.shows.to_string(),
        };
        vec![format!("{} {}", output.kind, output.name), shows, level(output), place(output)]
    });
    section(&["OUTPUT", "SHOWS", "LINE", "WHERE"], outputs.collect());
    let modules = report.modules.iter().flat_map(|module| {
        module.segments.iter().enumerate().map(move |(at, segment)| {
            let (name, id, active) = match at {
                0 => (module.name.clone(), module.id.to_string(), module.active.to_string()),
                _ => Default::default(),
            };
            let key = if segment.key == 0 { "-".to_owned() } else { format!("{:#010x}", segment.key) };
            let state = match &segment.failure {
                Some(failure) => format!("{}: {failure}", segment.state),
                None => segment.state.to_string(),
            };
            vec![name, id, active, key, segment.role.to_string(), segment.producers.to_string(), state]
        })
    });
    section(&["MODULE", " ID", " ALARMS", "KEY", "FROM", " PRODUCERS", "STATE"], modules.collect());
    let mut alarms: Vec<&Alarm> = report.alarms.iter().collect();
    alarms.sort_unstable_by_key(|alarm| (alarm.rank, alarm.module.as_str(), alarm.number));
    let alarms = alarms.into_iter().map(|alarm| {
        let since = if alarm.raised_at == 0 { "-".to_owned() } else { Utc(alarm.raised_at).to_string() };
        let count = if alarm.count == 0 { "-".to_owned() } else { alarm.count.to_string() };
        let [kind, code, index, level] =
            [alarm.alarm_type, alarm.code, alarm.index, alarm.level].map(|word| format!("{word:#x}"));
        let (severity, module) = (alarm.severity.to_string(), alarm.module.clone());
        let seen = if alarm.acknowledged { "yes" } else { "-" }.to_owned();
        vec![severity, module, kind, code, index, level, alarm.origin.clone(), seen, count, since]
    });
    let titles = ["SEVERITY", "MODULE", "TYPE", "CODE", "INDEX", "LEVEL", "FROM", "ACK", " COUNT", "RAISED"];
    section(&titles, alarms.collect());
    text
}

fn level(output: &Output) -> String {
    match (&output.failure, output.energised) {
        (Some(failure), _) => format!("FAILED: {failure}"),
        (None, true) => "energised".to_owned(),
        (None, false) => "released".to_owned(),
    }
}

fn place(output: &Output) -> String {
    let place = match (output.gpio, &output.path) {
        (Some(gpio), _) => format!("gpio {gpio}"),
        (None, path) => path.clone().unwrap_or_default(),
    };
    if output.active_low { format!("{place} (active low)") } else { place }
}
