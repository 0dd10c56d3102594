//! The status block with names and words instead of numbers, for JSON and for tables.
use std::borrow::Cow;

use alarmd_core::alarm::{EventKind, Origin, Severity};
use alarmd_core::clock;
use alarmd_core::codes::{Indication, LineStep, OutputKind, RefusalReason, SegmentRole, SegmentState, Sequence};
use alarmd_core::errno::Errno;
use alarmd_core::monitor::Refusal;
use alarmd_core::output::LineError;
use alarmd_core::process::ProcessIdentity;
use alarmd_core::wire::{AlarmEntry, NO_GPIO, OutputEntry, SegmentEntry, StatusBlock};
use serde::Serialize;

use super::call::Failure;
use super::status_block::text;
use crate::console::print;

/// After this time without a health check the loop counts as hung or stopped.
const HUNG_MS: u32 = 3000;

/// The whole status.
#[derive(Serialize)]
pub struct Report {
    pub daemon: Daemon,
    pub outputs: Vec<Output>,
    pub modules: Vec<Module>,
    pub alarms: Vec<Alarm>,
    pub events: Vec<Event>,
}

/// The daemon itself. Times are seconds since 1970.
#[derive(Serialize)]
pub struct Daemon {
    /// The worker is running and makes its health checks.
    pub healthy: bool,
    /// The guardian: the process to signal.
    pub pid: u32,
    /// The process that runs the loop.
    pub worker: u32,
    /// The worker is running. If not, the guardian is about to start another one, and fail-safe outputs show an alarm.
    pub worker_alive: bool,
    /// How many times the guardian started another worker.
    pub restarts: u32,
    pub started_at: u32,
    pub poll_ms: u32,
    pub rounds: u32,
    /// Milliseconds since the last health check.
    pub checked_ms_ago: u32,
}

/// An output.
#[derive(Serialize)]
pub struct Output {
    pub kind: Word,
    pub name: String,
    pub gpio: Option<u32>,
    pub path: Option<String>,
    pub active_low: bool,
    /// The sequence by which it shows alarms.
    pub sequence: Word,
    /// What it shows.
    pub shows: Word,
    /// The same as a value; `None` if a newer daemon shows something that is unknown here.
    #[serde(skip)]
    pub indication: Option<Indication>,
    /// What it shows is an alarm.
    pub alarm: bool,
    /// Its line is at the active level.
    pub energised: bool,
    /// The error, if it cannot be driven.
    pub failure: Option<String>,
    /// The errno of that error.
    #[serde(skip)]
    pub errno: i32,
    pub writes: u32,
}

/// A module and its segments.
#[derive(Serialize)]
pub struct Module {
    pub name: String,
    pub id: u32,
    /// How many alarms are active.
    pub active: u32,
    pub segments: Vec<Segment>,
}

/// A segment.
#[derive(Serialize)]
pub struct Segment {
    pub role: Word,
    pub key: u32,
    pub id: Option<i32>,
    pub state: Word,
    /// Why it is not used.
    pub failure: Option<String>,
    /// How many other processes are attached.
    pub producers: u32,
    pub owner: u32,
    pub uid: u32,
    pub size: u32,
}

/// An active alarm.
#[derive(Serialize)]
pub struct Alarm {
    pub module: String,
    pub severity: Word,
    /// The same as a value, for sorting.
    #[serde(skip)]
    pub rank: Option<Severity>,
    #[serde(rename = "type")]
    pub alarm_type: u32,
    pub code: u32,
    pub level: u32,
    pub index: u32,
    pub origin: String,
    /// The origin as a number, for sorting.
    #[serde(skip)]
    pub number: u32,
    /// The time that its producer stored, or else the time at which the daemon read it.
    pub raised_at: u32,
    pub count: u32,
    /// An operator has acknowledged it.
    pub acknowledged: bool,
}

/// A change of an alarm.
#[derive(Serialize)]
pub struct Event {
    pub at: u32,
    pub what: Word,
    #[serde(flatten)]
    pub alarm: Alarm,
}

impl From<&StatusBlock<u32>> for Report {
    fn from(block: &StatusBlock<u32>) -> Report {
        let worker = ProcessIdentity::from_word(block.worker);
        let worker_alive = worker.is_alive();
        let checked_ms_ago = clock::now().millis().wrapping_sub(block.checked_ms);
        let modules = block.modules().iter().map(|entry| Module {
            name: text(&entry.name),
            id: entry.id,
            active: entry.active,
            segments: block.segments().iter().filter(|segment| segment.module == entry.id).map(segment).collect(),
        });
        Report {
            daemon: Daemon {
                healthy: checked_ms_ago < HUNG_MS && worker_alive,
                pid: ProcessIdentity::from_word(block.daemon).pid(),
                worker: worker.pid(),
                worker_alive,
                restarts: block.restarts,
                started_at: block.started_at,
                poll_ms: block.poll_ms,
                rounds: block.rounds,
                checked_ms_ago,
            },
            outputs: block.outputs().iter().map(output).collect(),
            modules: modules.collect(),
            alarms: block.alarms().iter().map(|entry| alarm(block, entry)).collect(),
            events: block
                .events()
                .map(|event| Event {
                    at: event.at,
                    what: word(EventKind::from_number(event.what).map(EventKind::word), event.what),
                    alarm: alarm(block, &event.alarm),
                })
                .collect(),
        }
    }
}

fn output(entry: &OutputEntry<u32>) -> Output {
    let indication = Indication::from_number(entry.shows);
    let gpio = Some(entry.gpio).filter(|gpio| *gpio != NO_GPIO);
    let errno = Errno::from_raw(entry.errno as i32);
    Output {
        kind: word(OutputKind::from_number(entry.kind).map(OutputKind::word), entry.kind),
        name: text(&entry.name),
        gpio,
        path: gpio.is_none().then(|| text(&entry.path)),
        active_low: entry.active_low != 0,
        sequence: word(Sequence::from_number(entry.sequence).map(Sequence::word), entry.sequence),
        shows: word(indication.map(Indication::word), entry.shows),
        indication,
        alarm: entry.alarm != 0,
        energised: entry.energised != 0,
        failure: (entry.failed != 0).then(|| match LineStep::from_number(entry.failed) {
            Some(step) => LineError { step, errno }.explained(gpio.is_some()).to_string(),
            None => format!("step {}: {errno}", entry.failed),
        }),
        errno: entry.errno as i32,
        writes: entry.writes,
    }
}

fn segment(entry: &SegmentEntry<u32>) -> Segment {
    let state = SegmentState::from_number(entry.state);
    let errno = Errno::from_raw(entry.errno as i32);
    let failure = (entry.reason != 0).then(|| match RefusalReason::from_number(entry.reason) {
        Some(reason) => Refusal { reason, errno, detail: entry.detail }.to_string(),
        None => format!("reason {}", entry.reason),
    });
    Segment {
        role: word(SegmentRole::from_number(entry.role).map(SegmentRole::word), entry.role),
        key: entry.key,
        id: Some(entry.shmid as i32).filter(|id| *id != -1),
        state: word(state.map(SegmentState::word), entry.state),
        failure,
        producers: entry.producers,
        owner: entry.owner,
        uid: entry.uid,
        size: entry.size,
    }
}

fn alarm(block: &StatusBlock<u32>, entry: &AlarmEntry<u32>) -> Alarm {
    let module = block.modules().iter().find(|module| module.id == entry.module);
    let severity = Severity::from_number(entry.severity);
    Alarm {
        module: module.map_or("alarmd".to_owned(), |module| text(&module.name)),
        severity: word(severity.map(Severity::word), entry.severity),
        rank: severity,
        alarm_type: entry.alarm_type,
        code: entry.code,
        level: entry.level,
        index: entry.index,
        origin: Origin::from_number(entry.origin)
            .map_or(format!("origin {}", entry.origin), |origin| origin.to_string()),
        number: entry.origin,
        raised_at: if entry.raised_at != 0 { entry.raised_at } else { read_at(block, entry) },
        count: entry.count,
        acknowledged: entry.acknowledged != 0,
    }
}

/// A word of the wire format. A number that this version does not know is shown as the number.
type Word = Cow<'static, str>;

fn word(known: Option<&'static str>, number: u32) -> Word {
    known.map_or_else(|| number.to_string().into(), Cow::from)
}

/// When the daemon first read an alarm whose producer stores no time; 0 if the event is no longer in the history.
fn read_at(block: &StatusBlock<u32>, entry: &AlarmEntry<u32>) -> u32 {
    let same = |alarm: &AlarmEntry<u32>| (alarm.module, alarm.origin) == (entry.module, entry.origin);
    let raised = block.events().filter(|event| event.what == EventKind::Raised.number() && same(&event.alarm));
    raised.last().map_or(0, |event| event.at)
}

/// Prints a value as JSON.
///
/// # Errors
/// The value cannot be serialized; this does not happen with the structures of this file.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
    print(&format!("{text}\n"));
    Ok(())
}
