//! The status block, the writing end. The process that writes it is the one daemon of this IPC namespace.
use core::sync::atomic::{AtomicU32, Ordering};

use log::{info, warn};

use super::entries::{alarm_entry, module_entry, output_entry, segment_entry, store};
use super::error::StartError;
use super::saving::save;
use super::view::View;
use crate::alarm::Alarm;
use crate::clock::{self, MS, Nanos, S};
use crate::errno::Errno;
use crate::limits::{ALARMS, EVENT_PLACES};
use crate::process::{self, ProcessIdentity};
use crate::sysv::{Access, Error, Key, Segment, words};
use crate::wire::{
    DIRECTORY, EventEntry, STATUS_MAGIC, STATUS_VERSION, SavedState, SeqLock, StatusBlock, StatusSegment,
    copy_from_earlier,
};

/// The attached status block, which is ours.
pub struct Publisher {
    segment: Segment,
}

/// How long an orphaned worker may take to end before it is killed: it may be stopped.
const ORPHAN_TIMEOUT: Nanos = 2 * S;

impl Publisher {
    /// Takes the status block for this process and its guardian, unless a living daemon has it. Its contents are kept if they
    /// have our layout and are whole, and converted if they are of an earlier version.
    ///
    /// # Errors
    /// [`StartError::Runs`], or why the block could not be created.
    pub fn claim(guardian: ProcessIdentity) -> Result<Publisher, StartError> {
        let earlier = take_earlier()?;
        let mut publisher = Publisher { segment: open()? };
        publisher.take_from_others(guardian)?;
        if !publisher.is_whole() {
            // Not repaired in place: readers may have it attached.
            warn!("status block: segment {} is corrupt; removed and rebuilt", publisher.segment.id().raw());
            publisher.segment.id().remove().map_err(StartError::Status)?;
            publisher = Publisher { segment: open()? };
            publisher.take_from_others(guardian)?;
        }
        publisher.segment.id().set_permissions(0o644, None).map_err(StartError::Status)?;
        publisher.write(|block| {
            if let Some(earlier) = &earlier {
                match copy_from_earlier(earlier, block) {
                    true => info!("status block: state restored from version {}", earlier.load(1).unwrap_or(0)),
                    false => warn!("status block: version not supported; rebuilt"),
                }
            }
            let StatusSegment { status, saved } = block;
            let put = |word: &AtomicU32, value: u32| word.store(value, Ordering::Relaxed);
            put(&status.worker, ProcessIdentity::me().word());
            put(&status.started_at, clock::wall());
            status.sections.iter().zip(&DIRECTORY).for_each(|(to, from)| store(to, from));
            put(&status.section_count, DIRECTORY.len() as u32);
            put(&status.version, STATUS_VERSION);
            put(&status.size, StatusBlock::SIZE as u32);
            put(&status.magic, STATUS_MAGIC);
            // A daemon killed before it published may have counted more events than the readers were shown.
            put(&status.event_count, saved.valid_copy().map_or(0, |copy| copy.event_count.load(Ordering::Relaxed)));
        });
        Ok(publisher)
    }

    /// Takes the block from a daemon that does not live.
    fn take_from_others(&self, guardian: ProcessIdentity) -> Result<(), StartError> {
        let status = &self.block().status;
        let mut holder = status.daemon.load(Ordering::Relaxed);
        loop {
            let daemon = ProcessIdentity::from_word(holder);
            if daemon != guardian && daemon.is_alive() {
                return Err(StartError::Runs(daemon.pid()));
            }
            match status.daemon.compare_exchange(holder, guardian.word(), Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(other) => holder = other,
            }
        }
        end_orphan(ProcessIdentity::from_word(status.worker.load(Ordering::Relaxed)));
        Ok(())
    }

    /// True for a new block, and for one of our layout whose saved state is whole.
    fn is_whole(&self) -> bool {
        let StatusSegment { status, saved } = self.block();
        let is_new = words::<AtomicU32, _>(status)[..3].iter().all(|word| word.load(Ordering::Relaxed) == 0);
        is_new || status.is_ours() && saved.valid_copy().is_some()
    }

    /// What the previous daemon has left.
    pub fn saved(&self) -> &SavedState {
        &self.block().saved
    }

    /// If another process removed the block, creates it again with all that was in it.
    ///
    /// # Errors
    /// [`StartError::Runs`]: another daemon has taken its place. Else why it could not be created; the old one stays in use.
    pub fn check(&mut self) -> Result<(), StartError> {
        if Segment::find(Key::STATUS).is_ok_and(|id| id == self.segment.id()) {
            return Ok(());
        }
        let guardian = ProcessIdentity::from_word(self.block().status.daemon.load(Ordering::Relaxed));
        if let Some(other) = other_daemon(guardian) {
            return Err(StartError::Runs(other.pid()));
        }
        let fresh = Publisher::claim(guardian)?;
        let id = fresh.segment.id().raw();
        warn!("status block: removed by another process; segment {id} created (key {})", Key::STATUS);
        fresh.write(|block| {
            // The sequence is in use in the new block; all else is as it was.
            let sequence = block.status.sequence.load(Ordering::Relaxed);
            for (to, from) in words::<AtomicU32, _>(block).iter().zip(words::<AtomicU32, _>(self.block())) {
                to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            block.status.sequence.store(sequence, Ordering::Relaxed);
        });
        *self = fresh;
        Ok(())
    }

    /// Writes everything.
    pub fn publish(&self, view: &View<'_>) {
        self.write(|StatusSegment { status: block, saved }| {
            let put = |word: &AtomicU32, value: usize| word.store(value as u32, Ordering::Relaxed);
            let at = clock::wall();
            let mut event_count = block.event_count.load(Ordering::Relaxed);
            for transition in view.transitions {
                let event = EventEntry { at, what: transition.kind().number(), alarm: alarm_entry(transition.alarm()) };
                store(&block.events[event_count as usize % EVENT_PLACES], &event);
                event_count = event_count.wrapping_add(1);
            }
            save(saved, view, event_count);
            // From here on nothing is lost. The rest is for readers, and the next daemon rebuilds it.
            block.event_count.store(event_count, Ordering::Relaxed);
            put(&block.checked_ms, view.now.millis() as usize);
            put(&block.rounds, view.rounds as usize);
            put(&block.restarts, view.restarts as usize);
            put(&block.poll_ms, view.poll_ms as usize);
            let mut count = 0;
            let mut add = |alarm: Alarm| {
                if count < ALARMS {
                    store(&block.alarms[count], &alarm_entry(&alarm));
                    count += 1;
                }
            };
            for (module, entry) in view.modules.iter().zip(&block.modules) {
                let mut active = 0;
                for monitor in view.monitors.iter().filter(|monitor| monitor.module() == module.id) {
                    monitor.each_active(module, &mut |alarm| {
                        active += u32::from(alarm.module != 0);
                        add(alarm);
                    });
                }
                store(entry, &module_entry(module, active));
            }
            for (monitor, entry) in view.monitors.iter().zip(&block.segments) {
                store(entry, &segment_entry(monitor));
            }
            for (channel, entry) in view.channels.iter().zip(&block.outputs) {
                store(entry, &output_entry(channel));
                channel.alarm().into_iter().for_each(&mut add);
            }
            view.daemon_alarms.iter().for_each(&mut add);
            put(&block.alarm_count, count);
            put(&block.module_count, view.modules.len());
            put(&block.segment_count, view.monitors.len());
            put(&block.output_count, view.channels.len());
        });
    }

    /// Publishes that no daemon runs any more.
    pub fn leave(&self) {
        self.write(|block| {
            block.status.daemon.store(0, Ordering::Relaxed);
            block.status.worker.store(0, Ordering::Relaxed);
        });
    }

    fn block(&self) -> &StatusSegment {
        // It was attached read-write at its full size.
        self.segment.view().expect("the status block is attached whole")
    }

    fn write(&self, act: impl FnOnce(&StatusSegment)) {
        let block = self.block();
        // There is one writer, so its id need not be in shared memory. A daemon killed in here left the sequence odd;
        // releasing the lock makes it even.
        let writer = AtomicU32::new(0);
        if let Ok(_guard) = SeqLock::new(&block.status.sequence, &writer).acquire(1, |_| true) {
            act(block);
        }
    }
}

/// Waits for a worker whose guardian has died, and kills it if it does not end: it may be stopped.
fn end_orphan(orphan: ProcessIdentity) {
    let mut deadline = clock::now() + ORPHAN_TIMEOUT;
    // Of our program's name: a damaged block may name any process, and that would be killed.
    while orphan != ProcessIdentity::me() && orphan.runs_same_program() {
        if clock::now() >= deadline {
            warn!("worker {} of the previous daemon did not terminate; killed", orphan.pid());
            process::kill(orphan.pid());
            // The kernel may hold it for a while.
            deadline = clock::now() + ORPHAN_TIMEOUT;
        }
        clock::sleep(MS);
    }
}

/// The daemon that has taken the key of the status block since this one had it: root's, which may take it from any user, or one
/// of our own user.
fn other_daemon(ours: ProcessIdentity) -> Option<ProcessIdentity> {
    let segment = Segment::attach(Key::STATUS, Access::ReadOnly).ok()?;
    let believed = segment.stat().is_ok_and(|stat| [0, process::user()].contains(&stat.uid));
    let daemon = ProcessIdentity::from_word(StatusBlock::daemon_of(&segment));
    Some(daemon).filter(|daemon| believed && *daemon != ours && daemon.runs_same_program())
}

/// Removes a segment under our key that is another user's or has another version. Gives that of another version, which stays
/// attached.
fn take_earlier() -> Result<Option<Segment>, StartError> {
    let Ok((id, stat)) = Segment::find(Key::STATUS).and_then(|id| id.stat().map(|stat| (id, stat))) else {
        return Ok(None);
    };
    if [stat.uid, stat.creator] != [process::user(); 2] {
        // What it says of a daemon cannot be believed.
        id.remove().map_err(StartError::Status)?;
        warn!("status block: segment {} belongs to another user (owner {}); replaced", id.raw(), stat.uid);
        return Ok(None);
    }
    let segment = match Segment::attach_id(id, Access::ReadOnly) {
        Ok(segment) => segment,
        Err(Error { errno: Errno::EIDRM | Errno::EINVAL, .. }) => return Ok(None),
        Err(error) => return Err(StartError::Status(error)),
    };
    let version = segment.load(1).unwrap_or(0);
    if stat.size == StatusBlock::SIZE && [0, STATUS_VERSION].contains(&version) {
        return Ok(None);
    }
    let daemon = ProcessIdentity::from_word(StatusBlock::daemon_of(&segment));
    if daemon.is_alive() {
        return Err(StartError::Runs(daemon.pid()));
    }
    end_orphan(ProcessIdentity::from_word(StatusBlock::worker_of(&segment)));
    id.remove().map_err(StartError::Status)?;
    info!("status block: segment {} has version {version}, not {STATUS_VERSION}; replaced", id.raw());
    Ok(Some(segment))
}

/// The segment with the key of the status block, created if there is none.
fn open() -> Result<Segment, StartError> {
    let opened = Segment::open_or_create(Key::STATUS, StatusBlock::SIZE, 0o644).map(|(segment, _)| segment);
    match opened {
        Ok(segment) if segment.view::<StatusSegment>().is_some() => Ok(segment),
        // Another process created a smaller one since it was looked at.
        Ok(_) => Err(StartError::TooSmall),
        Err(error) => Err(StartError::Status(error)),
    }
}
