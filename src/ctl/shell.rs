//! `shell MODULE`: the original client. It reads numbers: 0 clear, 1 raise, 2 leave and remove, else wipe.
use std::io::{self, BufRead, IsTerminal, Write};

use alarmd::alarm::Record;

use super::call::{Call, Failure, once};
use super::modules;
use crate::console::{print, report_error};
use crate::number::number;

/// What the original clients wrote when told to raise.
fn original_record(module: &str) -> Record {
    match module {
        "sdhmgt" => Record { flag: 1, kind: 0x14, code: 0x11, level: 0x13, index: 0x12 },
        "alarm" => Record { flag: 1, kind: 0x24, code: 0x21, level: 0x23, index: 0x22 },
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
    let module = module.ok_or_else(|| Failure::usage("shell: which MODULE?"))?;
    let known = modules::known(call.file.as_deref())?;
    let module = known.find(&module)?;
    let raised = original_record(&module.name);
    let mut producer = known.producer(module, module.key)?;
    known.warn_without_daemon();
    let explain = |error| module.explain(module.key, error);

    let asks = io::stdin().is_terminal();
    let prompt = || {
        if asks {
            print!("{} (0 clear, 1 raise, 2 leave and remove, else wipe)> ", module.name);
            let _ = io::stdout().flush();
        }
    };
    prompt();
    for line in io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| Failure::failed(format!("standard input: {error}")))?;
        // What is no text is no number either.
        let line = String::from_utf8_lossy(&line);
        for word in line.split_whitespace() {
            let number = word.strip_prefix('-').map_or(number(word), |digits| number(digits).map(|_| 3));
            let done = match number {
                None => {
                    report_error!("alarmctl: '{word}' is no number; ignored");
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
                    print(&format!("module {}: left, segment removed\n", module.name));
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
