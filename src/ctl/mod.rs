//! alarmctl: raises and clears alarms, shows the status, checks the board. One file for each subcommand.
mod call;
mod clear;
mod doctor;
mod history;
mod key;
mod modules;
mod operator;
mod raise;
mod remove;
mod report;
mod shell;
mod status;
mod status_block;
mod table;

use std::env;
use std::process::ExitCode;

use lexopt::Parser;

use crate::console::{print, report_error};
use call::{Call, Failure};

const HELP: &str = "\
alarmctl, the command line tool of alarmd

usage: alarmctl [-c FILE] SUBCOMMAND

  raise MODULE [--type N] [--code N] [--level N|SEVERITY] [--index N]
                         raise an alarm, or raise it again with another level
  clear MODULE [--type N] [--code N] [--index N] | --all
                         clear one alarm, or all alarms of the module
  status [--json]        show the daemon, the outputs, the modules and the active alarms
  history [--json]       show the last 256 events, oldest first
  ack                    acknowledge all alarms: flashing lamps become steady, cleared alarms go off, horns stop
  silence                stop all horns until the next alarm
  lamp-test [SECONDS]    switch all lamps on for 1 to 60 seconds (default 5)
  shell MODULE           read numbers: 0 clear, 1 raise, 2 remove the segment and exit, any other wipe the segment
  key [MODULE | PATH ID] [--json]
                         show the keys of segments, how they are computed and what changes them
  remove MODULE | --all  remove the segments of a module, or of all modules
  doctor [--json]        find what prevents alarmd from working on this board, and show how to fix it

  -c FILE        configuration file (default /etc/alarmd.conf); a running daemon supplies the module names itself
  -h, --help     show this text
  -V, --version  show the version

MODULE is a name or an id. N is decimal, or hexadecimal with 0x, and 0 by default. SEVERITY is critical, major, minor,
warning or indeterminate. Exit codes: 0 success, 1 failure, 2 wrong command line, 3 alarmd is not running.
";

/// The main function of alarmctl.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report_error!("alarmctl: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

fn run() -> Result<(), Failure> {
    use lexopt::Arg::{Long, Short, Value};
    let mut arguments = Parser::from_env();
    let mut file = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('c') | Long("config") => file = Some(arguments.value()?.into()),
            Short('h') | Long("help") => {
                print(HELP);
                return Ok(());
            }
            Short('V') | Long("version") => {
                print(concat!("alarmctl ", env!("CARGO_PKG_VERSION"), "\n"));
                return Ok(());
            }
            Value(subcommand) => {
                if env::args_os().any(|argument| argument == "--help" || argument == "-h") {
                    print(HELP);
                    return Ok(());
                }
                let call = Call { arguments, file };
                return match subcommand.to_str() {
                    Some("raise") => raise::run(call),
                    Some("clear") => clear::run(call),
                    Some("status") => status::run(call),
                    Some("history") => history::run(call),
                    Some("ack") => operator::acknowledge(call),
                    Some("silence") => operator::silence(call),
                    Some("lamp-test") => operator::lamp_test(call),
                    Some("shell") => shell::run(call),
                    Some("key") => key::run(call),
                    Some("doctor") => doctor::run(call),
                    Some("remove") => remove::run(call),
                    _ => Err(Failure::usage(format!("unknown subcommand '{}'", subcommand.to_string_lossy()))),
                };
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Err(Failure::usage("no subcommand"))
}
