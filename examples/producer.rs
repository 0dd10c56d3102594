//! A producer in Rust: raises an alarm while the number in a file is at or above a limit.
//!
//! ```text
//! build:   cargo build --example producer
//! usage:   producer FILE LIMIT [MODULE_ID [PERIOD_MS]]        the defaults are 31 and 1000
//! example: producer /sys/class/thermal/thermal_zone0/temp 85000
//! ```
//!
//! It does what `examples/producer.c` does. It reads FILE once in PERIOD_MS and has two alarms: type 1 code 1 (major) while
//! the number is at or above LIMIT, and type 1 code 2 (minor) while FILE cannot be read or does not hold a number. It also
//! sends a heartbeat, so that alarmd raises `silent` if this program hangs or is killed. SIGTERM and SIGINT clear both
//! alarms and end it.
//!
//! Exit status: 0 ended by a signal, 1 the segment cannot be used, 2 wrong usage.
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, ptr};

use alarmd_core::alarm::{AlarmId, ModuleId};
use alarmd_core::producer::{Error, Options, Producer};
use alarmd_core::sysv::{Id, Key};

/// The levels of alarmd's default table.
const MAJOR: u32 = 2;
const MINOR: u32 = 3;

/// One alarm of this program, and whether it is raised in the segment.
struct Condition {
    alarm: AlarmId,
    level: u32,
    name: &'static str,
    /// `None` at the start, as an earlier run may have been killed while the alarm was raised, and in a new segment.
    raised: Option<bool>,
}

impl Condition {
    fn new(code: u32, level: u32, name: &'static str) -> Condition {
        Condition { alarm: AlarmId { alarm_type: 1, code, index: 0 }, level, name, raised: None }
    }

    /// Brings the segment in line with `wanted`. After an error `raised` is as it was, so the next period tries again.
    /// Writing only changes matters: each call of `raise` counts as one more occurrence.
    fn set(&mut self, producer: &mut Producer, wanted: bool) -> Result<(), Error> {
        if self.raised == Some(wanted) {
            return Ok(());
        }
        if wanted {
            producer.raise(self.alarm, self.level)?;
        } else {
            producer.clear(self.alarm)?;
        }
        if wanted || self.raised.is_some() {
            eprintln!("producer: {}: {}", self.name, if wanted { "raised" } else { "cleared" });
        }
        self.raised = Some(wanted);
        Ok(())
    }
}

/// The command line.
struct Arguments {
    file: PathBuf,
    limit: i64,
    module: ModuleId,
    period: Duration,
}

impl Arguments {
    fn read() -> Option<Arguments> {
        let mut words = env::args_os().skip(1);
        let file = words.next()?.into();
        let limit = words.next()?.to_str()?.parse().ok()?;
        let mut number = |default: u32| match words.next() {
            Some(word) => word.to_str()?.parse().ok(),
            None => Some(default),
        };
        let module = number(31).and_then(ModuleId::new)?;
        let period = number(1000).filter(|ms| (1..=60_000).contains(ms))?;
        match words.next() {
            Some(_) => None,
            None => Some(Arguments { file, limit, module, period: Duration::from_millis(period.into()) }),
        }
    }
}

/// SIGTERM and SIGINT. Both are blocked and taken in [`EndSignals::came_within`], so none can come between a check and the
/// wait, and none interrupts a write to the segment.
struct EndSignals(libc::sigset_t);

impl EndSignals {
    fn block() -> EndSignals {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset initialises the set, which the other calls then only read or extend.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
            libc::sigaddset(set.as_mut_ptr(), libc::SIGINT);
            libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut());
            EndSignals(set.assume_init())
        }
    }

    /// Waits for the period to pass; true as soon as one of the signals has come.
    fn came_within(&self, period: Duration) -> bool {
        let period = libc::timespec { tv_sec: period.as_secs() as _, tv_nsec: period.subsec_nanos() as _ };
        // SAFETY: set and time are initialised and only read; a null siginfo asks for none.
        unsafe { libc::sigtimedwait(&self.0, ptr::null_mut(), &period) != -1 }
    }
}

/// The producer and its alarms.
struct Watch {
    producer: Producer,
    segment: Id,
    limit: Condition,
    sensor: Condition,
}

impl Watch {
    fn start(module: ModuleId, period: Duration) -> Result<Watch, Error> {
        // This works without a daemon too: the segment is created, and alarmd reads it when it starts.
        let mut producer = Producer::open(module, Key::of_module(module), Options::default())?;
        // Twice the period leaves room for a busy machine.
        producer.promise(2 * period.as_millis() as u32)?;
        let limit = Condition::new(1, MAJOR, "limit reached");
        let sensor = Condition::new(2, MINOR, "file without a number");
        Ok(Watch { segment: producer.segment_id(), producer, limit, sensor })
    }

    /// One period: a heartbeat, then both alarms as the number wants them. All three are tried, whichever fails.
    fn update(&mut self, number: Option<i64>, highest: i64) -> Result<(), Error> {
        let beat = self.producer.beat();
        // If the segment was removed, the library has created or found another one, which holds no alarms.
        if self.producer.segment_id() != self.segment {
            self.segment = self.producer.segment_id();
            (self.limit.raised, self.sensor.raised) = (None, None);
        }
        let sensor = self.sensor.set(&mut self.producer, number.is_none());
        // Without a number it is not known whether the limit is exceeded: that alarm stays as it is.
        let limit = number.map_or(Ok(()), |number| self.limit.set(&mut self.producer, number >= highest));
        beat.and(sensor).and(limit)
    }

    /// An orderly end: nothing watches the file from here on, so no alarm and no promise may stay behind.
    fn end(mut self) -> Result<(), Error> {
        let limit = self.limit.set(&mut self.producer, false);
        let sensor = self.sensor.set(&mut self.producer, false);
        let promise = self.producer.promise(0);
        limit.and(sensor).and(promise)
    }
}

fn main() -> ExitCode {
    let Some(arguments) = Arguments::read() else {
        eprintln!("usage: producer FILE LIMIT [MODULE_ID [PERIOD_MS]]");
        return ExitCode::from(2);
    };
    let signals = EndSignals::block();
    let mut watch = match Watch::start(arguments.module, arguments.period) {
        Ok(watch) => watch,
        Err(error) => {
            eprintln!("producer: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut last = Ok(());
    loop {
        let number = fs::read_to_string(&arguments.file).ok().and_then(|text| text.trim().parse().ok());
        let done = watch.update(number, arguments.limit);
        // A failure that lasts is reported once, not once in each period.
        if done != last {
            match done {
                Ok(()) => eprintln!("producer: alarms can be written again"),
                Err(error) => eprintln!("producer: {error}; trying again"),
            }
            last = done;
        }
        if signals.came_within(arguments.period) {
            break;
        }
    }
    if let Err(error) = watch.end() {
        eprintln!("producer: {error}");
    }
    ExitCode::SUCCESS
}
