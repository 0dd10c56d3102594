//! The writing end: raise, clear, beat.
//!
//! Hazards: another process may remove the segment while a producer has it attached. The producer would then write to memory
//! that alarmd does not read. So every store is followed by a check whether the segment was removed, and repeated in the new
//! segment if it was.
//!
//! ```
//! use alarmd_core::alarm::{AlarmId, ModuleId};
//! use alarmd_core::producer::{Options, Producer};
//! use alarmd_core::sysv::Key;
//!
//! let module = ModuleId::new(31).unwrap();
//! let key = Key::fixed(0x414C_7F02).unwrap(); // most use Key::of_module(module)
//! let mut producer = Producer::open(module, key, Options::default())?;
//! let fan = AlarmId { alarm_type: 1, code: 7, index: 2 };
//! producer.raise(fan, 2)?;
//! assert!(producer.clear(fan)?);
//! producer.remove()?;
//! # Ok::<(), alarmd_core::producer::Error>(())
//! ```
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::alarm::{AlarmId, ModuleId, Record};
use crate::clock;
use crate::errno::Errno;
use crate::limits::SLOTS;
use crate::process;
use crate::sysv::{self, Access, Id, Key, Segment, words};
use crate::wire::{Doorbell, MODULE_MAGIC, ModuleSegment, Slot, WriteGuard};

/// How a segment is created where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Permissions, 0 to 0o777.
    pub mode: u32,
    /// Group, if not the process's own.
    pub group: Option<u32>,
}

impl Default for Options {
    fn default() -> Options {
        Options { mode: 0o660, group: None }
    }
}

/// Why an alarm could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A System V call failed.
    Sysv(sysv::Error),
    /// The segment is smaller than a module segment: its size in bytes.
    TooSmall(usize),
    /// Another process removed the segment each time that it was created.
    RemovedRepeatedly,
    /// A living process holds the lock and does not release it: its id.
    Held(u32),
    /// All 32 slots hold active alarms.
    Full,
}

impl From<sysv::Error> for Error {
    fn from(error: sysv::Error) -> Error {
        Error::Sysv(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Sysv(error) => error.fmt(f),
            Error::TooSmall(size) => write!(
                f,
                "the segment has {size} bytes, and {} are needed; stop the program that uses it, remove the segment, and \
                 start the program after alarmd",
                size_of::<ModuleSegment>()
            ),
            Error::RemovedRepeatedly => {
                f.write_str("another process removes the segment as often as it is created; stop that process")
            }
            Error::Held(pid) => {
                write!(
                    f,
                    "process {pid} holds the segment's lock and does not release it; it may be stopped: continue or end it"
                )
            }
            Error::Full => write!(f, "all {SLOTS} slots hold active alarms; clear some"),
        }
    }
}

impl core::error::Error for Error {}

/// A module's writing end. One a process and module is enough; several processes may write the same module.
#[derive(Debug)]
pub struct Producer {
    module: ModuleId,
    key: Key,
    options: Options,
    segment: Segment,
    doorbell: Option<Segment>,
    beat_ms: u32,
}

impl Producer {
    /// Attaches the module's segment, or creates it.
    ///
    /// # Errors
    /// Those of [`Segment::open_or_create`]; [`Error::TooSmall`].
    pub fn open(module: ModuleId, key: Key, options: Options) -> Result<Producer, Error> {
        let segment = attach(key, options)?;
        Ok(Producer { module, key, options, segment, doorbell: None, beat_ms: 0 })
    }

    /// The module.
    pub fn module(&self) -> ModuleId {
        self.module
    }

    /// The segment that was written last. It changes when the segment was removed and the producer has attached another one,
    /// which does not hold the alarms that were raised before.
    pub fn segment_id(&self) -> Id {
        self.segment.id()
    }

    /// Raises an alarm, or raises it again: then its level and count change in place.
    ///
    /// # Errors
    /// [`Error`]. The alarm is not raised then.
    pub fn raise(&mut self, alarm: AlarmId, level: u32) -> Result<(), Error> {
        let now = clock::wall();
        self.write(|segment| raise(segment, alarm, level, now))
    }

    /// Clears an alarm; false if it was not raised. Slot 0 counts too if its words are this alarm.
    ///
    /// # Errors
    /// [`Error`]. The alarm is not cleared then.
    pub fn clear(&mut self, alarm: AlarmId) -> Result<bool, Error> {
        self.write(|segment| Ok(clear(segment, |id| id == alarm)))
    }

    /// Clears every alarm of the segment, slot 0 too; false if none was raised. It also takes back the promise of a producer
    /// that has died, so that `silent` ends.
    ///
    /// # Errors
    /// [`Error`]. Nothing is cleared then.
    pub fn clear_all(&mut self) -> Result<bool, Error> {
        self.write(|segment| {
            let promised = segment.beat_ms.load(Ordering::Relaxed) != 0;
            let broken = promised && process::is_gone(segment.owner.load(Ordering::Relaxed));
            if broken {
                segment.beat_ms.store(0, Ordering::Relaxed);
                segment.owner.store(0, Ordering::Relaxed);
            }
            Ok(clear(segment, |_| true) || broken)
        })
    }

    /// Promises to [`beat`](Producer::beat) at least this often and names this process the module's owner. 0 takes the
    /// promise back, which a producer does before it leaves.
    ///
    /// # Errors
    /// [`Error`]
    pub fn promise(&mut self, beat_ms: u32) -> Result<(), Error> {
        self.beat_ms = beat_ms;
        let owner = if beat_ms == 0 { 0 } else { process::me() };
        self.write(|segment| {
            segment.beat_ms.store(beat_ms, Ordering::Relaxed);
            segment.owner.store(owner, Ordering::Relaxed);
            segment.beat.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }

    /// Keeps the promise. It does not ring the doorbell, for no alarm has changed.
    ///
    /// # Errors
    /// [`Error`], where the segment was removed and could not be created again.
    pub fn beat(&mut self) -> Result<(), Error> {
        let segment = view(&self.segment)?;
        segment.beat.fetch_add(1, Ordering::Relaxed);
        // A new segment, and one that an old client has wiped, does not contain the promise.
        if is_removed(&self.segment) || segment.beat_ms.load(Ordering::Relaxed) != self.beat_ms {
            return self.promise(self.beat_ms);
        }
        Ok(())
    }

    /// Stores the original record as an old producer does: five plain stores, no lock.
    ///
    /// # Errors
    /// [`Error`], where the segment was removed and could not be created again.
    pub fn store_record(&mut self, record: Record) -> Result<(), Error> {
        let Record { flag, alarm_type, code, level, index } = record;
        self.store(|segment| {
            for (word, value) in segment.record.iter().zip([flag, alarm_type, code, level, index]) {
                word.store(value, Ordering::Release);
            }
            Ok(())
        })
    }

    /// Fills all 1024 bytes with zeros, as the original client did on unknown input. Every alarm of the segment ends.
    ///
    /// # Errors
    /// [`Error`], where the segment was removed and could not be created again.
    pub fn wipe(&mut self) -> Result<(), Error> {
        self.store(|segment| {
            for word in words::<AtomicU32, _>(segment) {
                word.store(0, Ordering::Release);
            }
            Ok(())
        })
    }

    /// Removes the segment, as the original clients did when they left.
    ///
    /// # Errors
    /// EPERM: neither owner nor creator nor root.
    pub fn remove(mut self) -> Result<(), Error> {
        self.segment.id().remove()?;
        self.ring();
        Ok(())
    }

    /// Stores under the lock, then as [`Producer::store`].
    fn write<T>(&mut self, act: impl Fn(&ModuleSegment) -> Result<T, Error>) -> Result<T, Error> {
        self.store(|segment| {
            let _guard = acquire(segment)?;
            segment.magic.store(MODULE_MAGIC, Ordering::Relaxed);
            act(segment)
        })
    }

    /// Stores, rings the doorbell, and makes sure that the segment was not removed. The check comes last, so that it does not
    /// delay the alarm.
    fn store<T>(&mut self, act: impl Fn(&ModuleSegment) -> Result<T, Error>) -> Result<T, Error> {
        // A process that removes the segment again and again must not keep us here for ever.
        for _ in 0..8 {
            let done = act(view(&self.segment)?);
            if done.is_ok() {
                self.ring();
            }
            // A full or held segment may be one that was removed: the new one is not.
            if !is_removed(&self.segment) {
                return done;
            }
            self.segment = attach(self.key, self.options)?;
        }
        Err(Error::RemovedRepeatedly)
    }

    /// Rings the doorbell. Without a daemon, or without permission, there is none: the daemon finds the alarm by polling.
    fn ring(&mut self) {
        // The check comes last, as in `store`. It rings a second time if the doorbell was a removed one.
        for _ in 0..2 {
            if self.doorbell.is_none() {
                self.doorbell = Segment::attach(Key::DOORBELL, Access::ReadWrite).ok();
            }
            let Some(segment) = &self.doorbell else { return };
            // Another program's segment under this key is not written.
            match segment.view::<Doorbell>() {
                Some(doorbell) if doorbell.is_ours() => doorbell.ring(),
                _ => {}
            }
            if !is_removed(segment) {
                return;
            }
            self.doorbell = None;
        }
    }
}

/// True if no key leads to the segment any more.
fn is_removed(segment: &Segment) -> bool {
    match segment.stat() {
        Ok(stat) => stat.destroyed,
        // A mode that forbids reading does not mean that it was removed.
        Err(error) => matches!(error.errno, Errno::EIDRM | Errno::EINVAL),
    }
}

fn attach(key: Key, options: Options) -> Result<Segment, Error> {
    let (segment, created) = Segment::open_or_create(key, size_of::<ModuleSegment>(), options.mode)?;
    if created {
        segment.id().set_permissions(options.mode, options.group)?;
    }
    view(&segment)?;
    Ok(segment)
}

fn view(segment: &Segment) -> Result<&ModuleSegment, Error> {
    segment.view().ok_or(Error::TooSmall(segment.size()))
}

/// Acquires the lock. Waits a second at most for a living holder.
fn acquire(segment: &ModuleSegment) -> Result<WriteGuard<'_>, Error> {
    let mut holder = 0;
    for turn in 0..1000 {
        match segment.lock().acquire(process::me(), process::is_gone) {
            Ok(guard) => return Ok(guard),
            Err(pid) => holder = pid,
        }
        if turn < 20 {
            core::hint::spin_loop();
        } else {
            clock::sleep(clock::MS);
        }
    }
    Err(Error::Held(holder))
}

/// The order of the stores matters if the producer is killed between two: the flag is never set over a partly written alarm,
/// and the count never over the words of another one.
fn raise(segment: &ModuleSegment, alarm: AlarmId, level: u32, now: u32) -> Result<(), Error> {
    let up = |slot: &Slot| slot.flag.load(Ordering::Relaxed) != 0;
    let count = |slot: &Slot| slot.count.load(Ordering::Relaxed);
    let find = |fits: &dyn Fn(&Slot) -> bool| segment.slots.iter().find(|slot| fits(slot));
    if let Some(slot) = find(&|slot| up(slot) && id(slot) == alarm) {
        slot.level.store(level, Ordering::Release);
        slot.count.store(next(count(slot)), Ordering::Release);
        return Ok(());
    }
    // The slot where this alarm was before, so that its count continues; else one never used; else any cleared one.
    let before = find(&|slot| !up(slot) && count(slot) != 0 && id(slot) == alarm);
    let slot = before
        .or_else(|| find(&|slot| !up(slot) && count(slot) == 0))
        .or_else(|| find(&|slot| !up(slot)))
        .ok_or(Error::Full)?;
    let raised = if before.is_some() { count(slot) } else { 0 };
    if before.is_none() {
        slot.count.store(0, Ordering::Release);
        slot.alarm_type.store(alarm.alarm_type, Ordering::Release);
        slot.code.store(alarm.code, Ordering::Release);
        slot.index.store(alarm.index, Ordering::Release);
    }
    slot.level.store(level, Ordering::Release);
    slot.raised_at.store(now, Ordering::Release);
    slot.count.store(next(raised), Ordering::Release);
    slot.flag.store(1, Ordering::Release);
    Ok(())
}

/// The next count; never 0, which means 'never used'.
fn next(count: u32) -> u32 {
    count.wrapping_add(1).max(1)
}

fn clear(segment: &ModuleSegment, which: impl Fn(AlarmId) -> bool) -> bool {
    let [flag, alarm_type, code, _, index] = &segment.record;
    let record = (
        flag,
        AlarmId {
            alarm_type: alarm_type.load(Ordering::Relaxed),
            code: code.load(Ordering::Relaxed),
            index: index.load(Ordering::Relaxed),
        },
    );
    let slots = segment.slots.iter().map(|slot| (&slot.flag, id(slot)));
    let mut any = false;
    for (flag, id) in slots.chain([record]) {
        if flag.load(Ordering::Relaxed) != 0 && which(id) {
            flag.store(0, Ordering::Release);
            any = true;
        }
    }
    any
}

fn id(slot: &Slot) -> AlarmId {
    AlarmId {
        alarm_type: slot.alarm_type.load(Ordering::Relaxed),
        code: slot.code.load(Ordering::Relaxed),
        index: slot.index.load(Ordering::Relaxed),
    }
}
