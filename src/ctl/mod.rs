//! alarmctl: raises, clears, shows, explains. One file a subcommand.
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
alarmctl, the tool of alarmd

usage: alarmctl [-c FILE] SUBCOMMAND

  raise MODULE [--type N] [--code N] [--level N|SEVERITY] [--index N]
                         raise an alarm, or raise it again with another level
  clear MODULE [--type N] [--code N] [--index N] | --all
                         clear one alarm, or all of the module
  status [--json]        what the daemon sees and shows
  history [--json]       the last 256 events
  ack                    all that is shown was seen: what flashes is steady, what has ended goes off, horns are silent
  silence                horns are silent until the next alarm
  lamp-test [SECONDS]    every lamp is on: 1 to 60 seconds, 5 where left out
  shell MODULE           read numbers: 0 clear, 1 raise, 2 leave and remove, else wipe
  key [MODULE | PATH ID] [--json]
                         which key, from what, and what would change it
  remove MODULE | --all  remove segments
  doctor [--json]        what on this board would keep alarmd from working, and how to mend it

  -c FILE        configuration, for names where no daemon runs (default /etc/alarmd.conf)
  -h, --help     this text
  -V, --version  the version

MODULE is a name or an id. N is decimal or 0x, 0 where left out. SEVERITY is critical, major, minor, warning or
indeterminate. Exit: 0 done, 1 failed, 2 usage, 3 no daemon runs.
";

/// The whole program.
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
