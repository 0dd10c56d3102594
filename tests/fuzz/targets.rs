//! The targets of the fuzzing. Each takes any bytes, and panics where a promise is broken.
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd_core::alarm::{AlarmId, ModuleId, Name};
use alarmd_core::annunciator::Rule;
use alarmd_core::clock::{self, MS, Time};
use alarmd_core::codes::{OnStop, OutputKind};
use alarmd_core::monitor::ModuleSettings;
use alarmd_core::output::{OutputSettings, Target};
use alarmd_core::path::FilePath;
use alarmd_core::poll::{Poll, Settings, StartError};
use alarmd_core::process::ProcessIdentity;
use alarmd_core::producer::{Options, Producer};
use alarmd_core::sysv::{Access, Key, Segment, Words, words};
use alarmd_core::wire::{Doorbell, ModuleSegment, StatusBlock, StatusSegment, unpack_text};

use alarmd::config;
use alarmd::lines::BoardLines;

/// Any bytes as a configuration: settings, or at least one problem that says where and what.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A carriage return alone ends a line too.
    let lines = text.replace("\r\n", "\n").replace('\r', "\n").lines().count() as u32;
    match config::parse::parse(text) {
        Ok((whole, _)) => {
            let settings = &whole.poll;
            let ids: HashSet<u32> = settings.modules.iter().map(|module| module.id.get()).collect();
            let keys: HashSet<u32> = settings.modules.iter().map(|module| module.key.number()).collect();
            let names: HashSet<&str> = settings.modules.iter().map(|module| module.name.as_str()).collect();
            let count = settings.modules.len();
            assert_eq!((ids.len(), keys.len(), names.len()), (count, count, count), "modules that are the same");
            for (at, output) in settings.outputs.iter().enumerate() {
                let others = &settings.outputs[at + 1..];
                assert!(others.iter().all(|other| other.target != output.target), "two outputs on one line");
                assert!(
                    output.rule.modules.iter().all(|id| *id == 0 || ids.contains(id)),
                    "a module that is not there"
                );
            }
            assert!((1..=60_000).contains(&settings.poll_ms) && (100..=60_000).contains(&whole.hang_ms));
            let again = config::parse::parse(text).expect("it was accepted");
            assert_eq!(again.0, whole);
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.text.is_empty() && problem.line <= lines.max(1), "{problem:?} of {lines} lines");
            }
        }
    }
}

/// A folder for output files, of this thread's own as its IPC namespace is.
fn board() -> PathBuf {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::TempDir::new().expect("a folder");
    }
    FOLDER.with(|folder| folder.path().to_path_buf())
}

const OURS: ModuleId = ModuleId::new(31).unwrap();
const OTHER: ModuleId = ModuleId::new(32).unwrap();

/// Two modules, with a lamp each.
fn settings() -> Settings {
    let mut settings = Settings { poll_ms: 2, ..Settings::default() };
    for (name, id) in [("ours", OURS), ("other", OTHER)] {
        let name = Name::new(name).expect("a name");
        let path = board().join(name.as_str());
        let _ = settings.outputs.push(OutputSettings {
            // A lamp test does not move it.
            rule: Rule { kind: OutputKind::Relay, modules: [id.get()].into_iter().collect(), ..Rule::default() },
            name: name.clone(),
            target: Target::Path(FilePath::new(path.to_str().expect("UTF-8")).expect("short")),
            active_low: false,
            fail_safe: false,
            on_stop: OnStop::Clear,
        });
        let _ = settings.modules.push(ModuleSettings::new(name, id));
    }
    settings
}

fn lit(name: &str) -> bool {
    std::fs::read_to_string(board().join(name)).expect("a lamp") == "1"
}

/// A daemon's loop in this process, turn by turn. Its segments are removed when it is dropped.
struct Daemon {
    poll: Box<Poll>,
    hardware: BoardLines,
    now: Time,
}

impl Daemon {
    fn start() -> Result<Daemon, StartError> {
        let mut daemon = Daemon { poll: Box::default(), hardware: BoardLines::default(), now: clock::now() };
        daemon.poll.start(ProcessIdentity::me(), &settings(), &mut daemon.hardware)?;
        Ok(daemon)
    }

    fn round(&mut self) {
        self.now = self.now + MS;
        self.poll.round(self.now, &mut self.hardware);
    }

    fn check(&mut self) {
        self.now = self.now + MS;
        self.poll.check_health(self.now, &mut self.hardware).expect("alone");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        remove_all();
    }
}

fn remove_all() {
    for key in [Key::of_module(OURS), Key::of_module(OTHER), Key::DOORBELL, Key::STATUS] {
        let _ = Segment::find(key).and_then(|id| id.remove());
    }
}

/// Writes words where the data says, and calls `look` after each.
fn scribble<T: Words<AtomicU32>>(segment: &Segment, data: &[u8], mut look: impl FnMut(usize)) {
    let words = words::<AtomicU32, _>(segment.view::<T>().expect("whole"));
    for (at, chunk) in data.chunks_exact(5).take(2000).enumerate() {
        let value = u32::from_le_bytes([chunk[1], chunk[2], chunk[3], chunk[4]]);
        words[usize::from(chunk[0]) % words.len()].store(value, Ordering::Relaxed);
        look(at);
    }
}

fn attach(key: Key) -> Segment {
    Segment::attach(key, Access::ReadWrite).expect("attached")
}

fn raise_other() {
    let mut other = Producer::open(OTHER, Key::of_module(OTHER), Options::default()).expect("opened");
    other.raise(AlarmId::default(), 1).expect("raised");
}

fn status() -> Box<StatusBlock<u32>> {
    let mut block = Box::new(StatusBlock::EMPTY);
    assert!(block.copy(&attach(Key::STATUS)), "it is published whole");
    block
}

/// Any words in a module's segment: they cause only wrong alarms of that module, which the original client's wipe clears.
pub fn module_segment(data: &[u8]) {
    let mut daemon = Daemon::start().expect("started");
    raise_other();
    let segment = attach(Key::of_module(OURS));
    scribble::<ModuleSegment>(&segment, data, |at| {
        if at % 3 == 0 {
            daemon.round();
        }
        if at % 50 == 0 {
            daemon.check();
        }
    });
    daemon.check();
    let block = status();
    assert!(block.alarms().iter().any(|alarm| alarm.module == OTHER.get()), "the other module's alarm is up");
    let ours_up = block.alarms().iter().any(|alarm| alarm.module == OURS.get());
    assert_eq!((lit("ours"), lit("other")), (ours_up, true));
    let mut up = HashSet::new();
    if block.event_count < 256 {
        for event in block.events() {
            let place = (event.alarm.module, event.alarm.origin, event.alarm.index);
            let slot = (event.alarm.module, event.alarm.origin);
            let fits = match event.what {
                0 => up.insert(slot),
                1 | 3 => up.contains(&slot),
                _ => up.remove(&slot),
            };
            assert!(fits, "{place:?} ended before it was raised, or was raised twice");
        }
    }
    words::<AtomicU32, _>(segment.view::<ModuleSegment>().expect("whole"))
        .iter()
        .for_each(|w| w.store(0, Ordering::Relaxed));
    daemon.check();
    assert!(status().alarms().iter().all(|alarm| alarm.module != OURS.get()), "the wipe ends all of it");
    assert_eq!((lit("ours"), lit("other")), (false, true));
}

/// Any words in the doorbell: the next alarm is seen after one wait, and a health check repairs the doorbell.
pub fn doorbell(data: &[u8]) {
    let mut daemon = Daemon::start().expect("started");
    scribble::<Doorbell>(&attach(Key::DOORBELL), data, |at| {
        if at % 20 == 0 {
            daemon.round();
        }
    });
    raise_other();
    daemon.now = clock::now();
    let woken = daemon.poll.turn(daemon.now, &mut daemon.hardware).expect("alone");
    daemon.now = woken;
    daemon.round();
    assert!(lit("other"), "seen after one wait");
    daemon.check();
    assert!(attach(Key::DOORBELL).view::<Doorbell>().expect("whole").is_ours());
}

/// Any words in the status block: readers stay within it, and a daemon starts over it.
pub fn status_block(data: &[u8]) {
    remove_all();
    raise_other();
    {
        let segment = Segment::create(Key::STATUS, StatusBlock::SIZE, 0o644).expect("made");
        let all = words::<AtomicU32, _>(segment.view::<StatusSegment>().expect("whole"));
        // The data over the head; then pairs of it as place and value.
        let given: Vec<u32> =
            data.chunks_exact(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect();
        for (word, value) in all.iter().zip(&given) {
            word.store(*value, Ordering::Relaxed);
        }
        for pair in given.chunks_exact(2) {
            all[pair[0] as usize % all.len()].store(pair[1], Ordering::Relaxed);
        }
        let mut block = Box::new(StatusBlock::EMPTY);
        if block.copy(&segment) {
            let mut bytes = [0; 128];
            block.modules().iter().for_each(|module| drop(unpack_text(&module.name, &mut bytes).to_owned()));
            block.outputs().iter().for_each(|output| drop(unpack_text(&output.path, &mut bytes).to_owned()));
            assert!(block.events().count() <= 256 && block.alarms().len() <= block.alarms.len());
            assert!(block.segments().len() <= block.segments.len());
        }
    }
    match Daemon::start() {
        Ok(mut daemon) => {
            daemon.check();
            assert!(lit("other"), "rebuilt from the modules");
            assert_eq!(status().alarms().iter().filter(|alarm| alarm.module == OTHER.get()).count(), 1);
        }
        // It names a living process, as the block of a running daemon does.
        Err(StartError::Runs(_)) => remove_all(),
        Err(error) => panic!("{error}"),
    }
}
