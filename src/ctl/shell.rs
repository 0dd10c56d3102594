//! `shell MODULE`: works as the original client did. It reads numbers: 0 clear, 1 raise, 2 remove the segment and exit, any
//! other wipe the segment.
use std::io::{self, BufRead, IsTerminal, Write};

use alarmd_core::alarm::Record;

use super::call::{Call, Failure, once};
use super::modules;
use crate::console::{print, report_error};
use crate::number::number;

/// The record that the original client of this module wrote to raise its alarm.
fn original_record(module: &str) -> Record {
    match module {
        "sdhmgt" => Record { flag: 1, alarm_type: 0x14, code: 0x11, level: 0x13, index: 0x12 },
        "alarm" => Record { flag: 1, alarm_type: 0x24, code: 0x21, level: 0x23, index: 0x22 },
        _ => Record { flag: 1, ..Record::default() },
    }
}

pub fn run(mut call: Call) -> Result<(), Failure> {
    let mut module = None;
    while let Some(argument) = call.arguments.next()? {
        match argument {
            lexopt::Arg::Value(value) => once(&mut module, value)?,
            other => return Err(other.unexpected().into()),
        }
    }
    let module = module.ok_or_else(|| Failure::usage("shell: MODULE is missing"))?;
    let table = modules::load(call.file.as_deref())?;
    let module = table.find(&module)?;
    let raised = original_record(&module.name);
    let mut producer = table.producer(module, module.key)?;
    table.warn_without_daemon();
    let explain = |error| module.explain(module.key, error);

    let interactive = io::stdin().is_terminal();
    let prompt = || {
        if interactive {
            print!("{} (0 clear, 1 raise, 2 remove segment and exit, other: wipe)> ", module.name);
            let _ = io::stdout().flush();
        }
    };
    prompt();
    for line in io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| Failure::failed(format!("standard input: {error}")))?;
        // Bytes that are not UTF-8 are not a number either.
        let line = String::from_utf8_lossy(&line);
        for word in line.split_whitespace() {
            let number = word.strip_prefix('-').map_or(number(word), |digits| number(digits).map(|_| 3));
            let done = match number {
                None => {
                    report_error!("alarmctl: '{word}' is not a number; ignored");
                    continue;
                }
                Some(0) => {
                    producer.store_record(Record { flag: 0, ..raised }).map_err(explain)?;
                    "cleared"
                }
                Some(1) => {
                    producer.store_record(raised).map_err(explain)?;
                    "raised"
                }
                Some(2) => {
                    producer.remove().map_err(explain)?;
                    print(&format!("module {}: segment removed\n", module.name));
                    return Ok(());
                }
                Some(_) => {
                    producer.wipe().map_err(explain)?;
                    "wiped"
                }
            };
            print(&format!("module {}: {done}\n", module.name));
        }
        prompt();
    }
    Ok(())
}
