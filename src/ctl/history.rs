//! `history`: the last 256 events, oldest first.
use super::call::{Call, Failure};
use super::report::{Event, Report, print_json};
use super::status_block;
use super::table::table;
use crate::console::print;
use crate::utc::Utc;

pub fn run(mut call: Call) -> Result<(), Failure> {
    let json = call.only_json()?;
    let block = status_block::read()?.ok_or_else(Failure::no_daemon)?;
    let events = Report::from(&*block).events;
    if json {
        return print_json(&events);
    }
    if events.is_empty() {
        print("no events\n");
        return Ok(());
    }
    let titles = ["WHEN", "WHAT", "SEVERITY", "MODULE", "TYPE", "CODE", "INDEX", "LEVEL", "FROM"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(events.into_iter().map(|Event { at, what, alarm }| {
        let [kind, code, index, level] =
            [alarm.alarm_type, alarm.code, alarm.index, alarm.level].map(|word| format!("{word:#x}"));
        let (severity, at, what) = (alarm.severity.to_string(), Utc(at).to_string(), what.to_string());
        vec![at, what, severity, alarm.module, kind, code, index, level, alarm.origin]
    }));
    print(&table(&rows));
    Ok(())
}
