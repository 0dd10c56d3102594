//! Turns of the loop in which nothing has changed, for tools that count: `benches/budgets` runs it under callgrind and
//! strace. Its arguments: the number of modules, the number of turns, and `ftok` for modules with a second segment.

use alarmd::lines::BoardLines;
use alarmd_core::alarm::{ModuleId, Name};
use alarmd_core::clock::{MS, Time};
use alarmd_core::monitor::ModuleSettings;
use alarmd_core::path::FilePath;
use alarmd_core::poll::{Poll, Settings};
use alarmd_core::process::ProcessIdentity;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |at: usize, default| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (modules, turns): (u32, u32) = (number(0, 2), number(1, 0));
    let mut settings = Settings::default();
    for id in 1..=modules {
        let name = Name::new(&format!("m{id}")).expect("a name");
        let mut module = ModuleSettings::new(name, ModuleId::new(id).expect("an id"));
        if arguments.get(2).is_some_and(|word| word == "ftok") {
            module.ftok = FilePath::new("/");
        }
        settings.modules.push(module).expect("room");
    }
    let mut hardware = BoardLines::default();
    hardware.allow_wait();
    let mut poll = Box::<Poll>::default();
    poll.start(ProcessIdentity::me(), &settings, &mut hardware).expect("started");
    // A time long ago: every wait's deadline has passed, and no health check is due. Everything else is as in the daemon.
    let mut now = Time::default();
    for _ in 0..turns {
        now = poll.turn(now, &mut hardware).expect("alone");
    }
    assert_eq!(now, Time::default() + u64::from(turns) * 50 * MS, "each turn was timed out once");
}
