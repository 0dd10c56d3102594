//! The numbers that other processes and the next daemon read: core/src/codes.rs, docs/wire-format.md and include/alarm.h agree.
use std::collections::BTreeMap;

use alarmd_core::codes::{
    Command, DaemonAlarm, DaemonAlarmType, EventKind, ExitStatus, Indication, LEVELS, LatchedBit, LineStep, Origin,
    OutputKind, RefusalReason, SavedFlag, SectionType, SegmentRole, SegmentState, Sequence, Severity, SysvOp,
    WorkerState,
};
use alarmd_core::limits::SLOTS;
use alarmd_core::wire::{DOORBELL_MAGIC, DOORBELL_VERSION, MODULE_MAGIC, STATUS_MAGIC, STATUS_VERSION};

use super::docs::page;

/// The rows `| number | word |` below the heading.
fn table(heading: &str) -> BTreeMap<u32, String> {
    let page = page("docs/wire-format.md");
    let (_, section) = page.split_once(&format!("\n### {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = section.split("\n#").next().expect("a part");
    let row = |line: &str| {
        let mut fields = line.trim_matches('|').split('|').map(str::trim);
        Some((fields.next()?.parse().ok()?, fields.next()?.to_owned()))
    };
    section.lines().filter(|line| line.starts_with('|')).filter_map(row).collect()
}

macro_rules! all {
    ($type:ty) => {
        <$type>::ALL.map(|code| (code.number(), code.word().to_owned())).into_iter().collect::<BTreeMap<_, _>>()
    };
}

#[test]
fn the_wire_format_page_lists_every_number_with_its_word() {
    let origins = Origin::OTHERS.map(|origin| (origin.number(), origin.to_string())).into_iter().collect();
    let levels = LEVELS.map(|(level, severity)| (level, severity.word().to_owned())).into_iter().collect();
    let tables: [(&str, BTreeMap<u32, String>); 20] = [
        ("Level", levels),
        ("Severity", all!(Severity)),
        ("Origin", origins),
        ("Daemon alarm type", all!(DaemonAlarmType)),
        ("Daemon alarm bit", all!(DaemonAlarm)),
        ("Output kind", all!(OutputKind)),
        ("Sequence", all!(Sequence)),
        ("Indication", all!(Indication)),
        ("Segment role", all!(SegmentRole)),
        ("Segment state", all!(SegmentState)),
        ("Refusal reason", all!(RefusalReason)),
        ("System call", all!(SysvOp)),
        ("Section type", all!(SectionType)),
        ("Event", all!(EventKind)),
        ("Doorbell command", all!(Command)),
        ("Line step", all!(LineStep)),
        ("Latched bit", all!(LatchedBit)),
        ("Saved segment flag", all!(SavedFlag)),
        ("Worker state", all!(WorkerState)),
        ("Exit code of alarmd", {
            let mut of_alarmd = all!(ExitStatus);
            of_alarmd.remove(&ExitStatus::NoDaemon.number());
            of_alarmd
        }),
    ];
    for (heading, codes) in tables {
        assert_eq!(table(heading), codes, "{heading}");
    }
    let mut of_alarmctl = all!(ExitStatus);
    of_alarmctl.remove(&ExitStatus::Replaced.number());
    assert_eq!(table("Exit code of alarmctl"), of_alarmctl);
}

#[test]
fn the_wire_format_page_has_magic_numbers_and_versions() {
    let page = page("docs/wire-format.md");
    for magic in [MODULE_MAGIC, DOORBELL_MAGIC, STATUS_MAGIC] {
        let text = String::from_utf8(magic.to_le_bytes().to_vec()).expect("ASCII");
        assert!(page.contains(&format!("`{magic:#010X}` (\"{text}\")").replace("0X", "0x")), "{text}");
    }
    assert!(page.contains(&format!("| 4 | 1 | version, {STATUS_VERSION} |")));
    assert!(page.contains(&format!("| 4 | 1 | version | {DOORBELL_VERSION} |")));
}

#[test]
fn the_header_has_the_levels_the_slots_and_the_version() {
    let header = page("include/alarm.h");
    for (level, severity) in LEVELS {
        let word = severity.word().to_uppercase();
        assert!(header.contains(&format!("ALARM_{word} = {level}")), "{word}");
    }
    let has = |name: &str, value: u32| {
        let define = header.lines().find(|line| line.starts_with(&format!("#define {name} "))).expect(name);
        let found = define.rsplit(' ').next().expect("a value").trim_end_matches('u');
        assert_eq!(found.parse(), Ok(value), "{name}");
    };
    has("ALARM_SLOTS", SLOTS as u32);
    has("ALARM_DOORBELL_VERSION", DOORBELL_VERSION);
}
