//! The directory of the status block: where each section is, in this version and in earlier ones.
//!
//! A daemon that finds the block of an earlier version copies the sections that it knows, and rebuilds the others.
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, Ordering};

use super::saved_state::SavedState;
use super::section::{SECTIONS, Section};
use super::status::{STATUS_MAGIC, STATUS_VERSION, StatusBlock, StatusSegment};
use crate::codes::SectionType;
use crate::sysv::{Segment, words};

type Layout = StatusSegment<u32>;

const fn section(kind: SectionType, version: u32, offset: usize, size: usize) -> Section<u32> {
    Section { kind: kind.number(), version, offset: offset as u32, size: size as u32 }
}

const EVENTS: usize = offset_of!(Layout, status) + offset_of!(StatusBlock<u32>, events);
const SAVED: usize = offset_of!(Layout, saved);

/// The directory of this version.
pub const DIRECTORY: [Section<u32>; 6] = {
    type Block = StatusBlock<u32>;
    const MODULES: usize = offset_of!(Block, modules);
    const SEGMENTS: usize = offset_of!(Block, segments);
    const OUTPUTS: usize = offset_of!(Block, outputs);
    const ALARMS: usize = offset_of!(Block, alarms);
    [
        section(SectionType::Modules, 1, MODULES, SEGMENTS - MODULES),
        section(SectionType::Segments, 2, SEGMENTS, OUTPUTS - SEGMENTS),
        section(SectionType::Outputs, 2, OUTPUTS, ALARMS - OUTPUTS),
        section(SectionType::Alarms, 1, ALARMS, EVENTS - ALARMS),
        section(SectionType::Events, 1, EVENTS, SAVED - EVENTS),
        section(SectionType::SavedState, 1, SAVED, size_of::<SavedState<u32>>()),
    ]
};

/// What version 3, which had no directory, has of it.
const VERSION_3: [Section<u32>; 2] =
    [section(SectionType::Events, 1, 156_096, 24_576), section(SectionType::SavedState, 1, 180_672, 206_432)];

/// The sections that the next daemon needs, of a block of an earlier version; empty for a block of another kind.
fn sections(segment: &Segment) -> [Option<Section<u32>>; SECTIONS] {
    let word = |index: usize| segment.load(index).unwrap_or(0);
    let mut found = [None; SECTIONS];
    match (word(0), word(1)) {
        (STATUS_MAGIC, 3) => found.iter_mut().zip(VERSION_3).for_each(|(place, section)| *place = Some(section)),
        (STATUS_MAGIC, version) if (4..STATUS_VERSION).contains(&version) => {
            const FIRST: usize = offset_of!(StatusBlock<u32>, sections) / 4;
            const COUNT: usize = offset_of!(StatusBlock<u32>, section_count) / 4;
            for (number, place) in found.iter_mut().enumerate().take(word(COUNT) as usize) {
                let [kind, version, offset, size] = core::array::from_fn(|at| word(FIRST + 4 * number + at));
                *place = Some(Section { kind, version, offset, size });
            }
        }
        _ => {}
    }
    found
}

/// Copies what the next daemon needs from a block of an earlier version. False if that has nothing of the kind.
pub fn copy_from_earlier(earlier: &Segment, to: &StatusSegment) -> bool {
    let to = words::<AtomicU32, _>(to);
    let mut copied = 0;
    for from in sections(earlier).into_iter().flatten() {
        let needed = [SectionType::Events, SectionType::SavedState].map(SectionType::number);
        let same = |ours: &&Section<u32>| (ours.kind, ours.version, ours.size) == (from.kind, from.version, from.size);
        let Some(ours) = DIRECTORY.iter().find(same).filter(|ours| needed.contains(&ours.kind)) else { continue };
        for word in 0..(ours.size / 4) as usize {
            let value = earlier.load((from.offset / 4) as usize + word).unwrap_or(0);
            to[(ours.offset / 4) as usize + word].store(value, Ordering::Relaxed);
        }
        copied += 1;
    }
    copied == 2
}
