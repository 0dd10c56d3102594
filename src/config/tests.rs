use alarmd_core::alarm::Severity;
use alarmd_core::codes::{OnLost, OutputKind};
use alarmd_core::output::Target;

use super::parse::parse;
use super::settings::Settings;

fn settings_of(text: &str) -> Box<Settings> {
    parse(text).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

/// The problems as `line: text`.
fn errors(text: &str) -> Vec<String> {
    let problems = parse(text).expect_err("it has an error");
    problems.iter().map(|problem| format!("{}: {}", problem.line, problem.text)).collect()
}

#[track_caller]
fn assert_error(text: &str, line: u32, words: &[&str]) {
    let problems = errors(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with(&format!("{line}: ")), "{problems:?}");
    for word in words {
        assert!(problems[0].contains(word), "{word:?} is not in {problems:?}");
    }
}

#[test]
fn every_key_is_read() {
    let settings = settings_of(
        "[daemon]\npoll_ms = 20\nmode = 0640            ; of the segments that producers write\ngroup = 0\n\
         [module sdhmgt]\nid = 31\nftok = /home/              ; optional\nbeat = minor\n[module alarm]\nid = 0x20\n\
         on_lost = hold\nlevels = 0x23 major, 2 warning\n\
         [lamp critical]\ngpio = 17\nactive_low = yes\nseverity = major       ; this and above\nsequence = follow\n\
         [relay office]\ngpio = 18\nmodules = alarm, alarmd\n[horn buzzer]\npath = /dev/null",
    );
    assert_eq!((settings.poll.poll_ms, settings.poll.policy.mode, settings.poll.policy.group), (20, 0o640, Some(0)));
    let [sdhmgt, alarm] = &settings.poll.modules[..] else { panic!("{:?}", settings.poll.modules) };
    assert_eq!(sdhmgt.ftok.as_ref().map(|path| path.as_str()), Some("/home/"));
    assert_eq!((sdhmgt.beat, sdhmgt.on_lost), (Severity::Minor, OnLost::Clear));
    assert_eq!((alarm.id.get(), alarm.key.number(), alarm.on_lost), (32, 0x414C_0020, OnLost::Hold));
    assert_eq!(alarm.levels.severity(0x23), Severity::Major);
    assert_eq!(alarm.levels.severity(2), Severity::Warning);
    let [lamp, relay, horn] = &settings.poll.outputs[..] else { panic!("{:?}", settings.poll.outputs) };
    assert_eq!((lamp.rule.kind, &lamp.target, lamp.active_low), (OutputKind::Lamp, &Target::Gpio(17), true));
    assert_eq!(lamp.rule.severity, Some(Severity::Major));
    assert!(relay.fail_safe && !lamp.fail_safe && !horn.fail_safe);
    assert_eq!(&relay.rule.modules[..], [32, 0]);
}

#[test]
fn without_a_configuration_the_two_original_modules_are_watched() {
    for text in ["", "; nothing\n\n# at all\n", "[daemon]\npoll_ms = 10\n"] {
        let names: Vec<_> =
            settings_of(text).poll.modules.iter().map(|module| module.name.as_str().to_owned()).collect();
        assert_eq!(names, ["sdhmgt", "alarm"]);
    }
}

#[test]
fn unknown_sections_and_keys_name_the_known_ones() {
    assert_error("[lmap x]\n", 1, &["[lmap]", "[lamp NAME]"]);
    assert_error("\n[daemon]\npol_ms = 1\n", 3, &["pol_ms", "poll_ms"]);
    assert_error("[module a]\nid = 1\ngpio = 3\n", 3, &["gpio", "on_lost"]);
    assert_error("[lamp a]\npath = /x\nid = 3\n", 3, &["'id'", "severity"]);
}

#[test]
fn lines_that_are_neither_section_nor_entry_are_errors() {
    assert_error("[daemon\n", 1, &["[daemon"]);
    assert_error("[daemon\npoll_ms = 5\n", 1, &["[daemon"]);
    assert_error("[daemon]\nhello\n", 2, &["hello", "KEY = VALUE"]);
    assert_error("poll_ms = 1\n[daemon]\n", 1, &["before the first section"]);
    assert_error("[daemon]\npoll_ms =\n", 2, &["no value"]);
    assert_error("[daemon]\npoll_ms = ; none\n", 2, &["no value"]);
}

#[test]
fn a_comment_may_follow_a_header() {
    for header in ["[module a] ; was b", "[module a]; was [module b]", " [ module  a ]  # [b]"] {
        assert_eq!(settings_of(&format!("{header}\nid = 7\n")).poll.modules[0].name.as_str(), "a", "{header}");
    }
}

#[test]
fn duplicate_names_are_errors_that_name_the_first_line() {
    assert_error("[daemon]\n[daemon]\n", 2, &["duplicate section [daemon]", "line 1"]);
    assert_error("[module a]\nid = 1\n[module a]\nid = 2\n", 3, &["duplicate section [module a]"]);
    assert_error("[module a]\nid = 1\nid = 2\n", 3, &["duplicate key 'id'", "line 2"]);
    assert_error("[module a]\nid = 1\n[module b]\nid = 1\n", 3, &["id 1", "[module a]"]);
    assert_error("[module a]\nid = 1\n[module b]\nid = 2\nkey = 0x414C0001\n", 3, &["key 0x414c0001", "[module a]"]);
    assert_error("[module alarmd]\nid = 1\n", 1, &["alarmd"]);
}

#[test]
fn two_outputs_on_one_line_are_an_error() {
    assert_error("[lamp a]\ngpio = 7\n[relay b]\ngpio = 0x7\n", 3, &["gpio 7", "[lamp a]"]);
    assert_error("[lamp a]\npath = /x\n[lamp b]\npath = /x\n", 3, &["/x", "[lamp a]"]);
    assert_error("[lamp a]\npath = /x/y\n[lamp b]\npath = /x//./y\n", 3, &["/x/y", "[lamp a]"]);
    assert_error("[lamp a]\npath = /x/../y\n", 2, &["without '..'"]);
    assert_error("[lamp a]\npath = /sys/class/gpio/gpio1/value\n", 2, &["gpio = NUMBER"]);
    assert_error("[lamp a]\npath = /x\ngpio = 1\n", 1, &["both"]);
    assert_error("[lamp a]\n", 1, &["no line"]);
}

#[test]
fn wrong_values_say_what_would_be_right() {
    assert_error("[daemon]\npoll_ms = 0\n", 2, &["poll_ms = 0", "1 to 60000"]);
    assert_error("[daemon]\npoll_ms = fast\n", 2, &["fast", "1 to 60000"]);
    assert_error("[daemon]\nmode = 0888\n", 2, &["octal"]);
    assert_error("[daemon]\nmode = 1777\n", 2, &["octal"]);
    assert_error("[daemon]\nmode = +660\n", 2, &["octal"]);
    assert_error("[daemon]\ngroup = +5\n", 2, &["/etc/group"]);
    assert_error("[module 32]\nid = 31\n", 1, &["is a number"]);
    assert_error("[daemon]\ngroup = no-such-group\n", 2, &["/etc/group"]);
    assert_error("[daemon]\ntrust = root, no-such-user\n", 2, &["no-such-user", "/etc/passwd"]);
    assert_error("[daemon x]\n", 1, &["no name"]);
    assert_error("[module a]\nid = 256\n", 2, &["1 to 255"]);
    assert_error("[module a]\n", 1, &["no id"]);
    assert_error("[module a b]\nid = 1\n", 1, &["a b", "letters"]);
    assert_error("[module a]\nid = 1\nkey = 0\n", 3, &["other than 0"]);
    assert_error("[module a]\nid = 1\nkey = 0x414C0101\n", 3, &["own segment"]);
    assert_error("[module a]\nid = 1\nbeat = cleared\n", 3, &["critical, major"]);
    assert_error("[module a]\nid = 1\non_lost = forget\n", 3, &["clear, hold or raise"]);
    assert_error("[module a]\nid = 1\nlevels = 3\n", 3, &["pairs"]);
    assert_error("[lamp a]\ngpio = -1\n", 2, &["gpio = -1"]);
    assert_error("[lamp a]\npath = lamp\n", 2, &["absolute"]);
    assert_error("[lamp a]\npath = /x\nactive_low = maybe\n", 3, &["yes or no"]);
    assert_error("[lamp a]\npath = /x\nfail_safe = yes\n", 3, &["relays"]);
    assert_error("[lamp a]\npath = /x\nsequence = B\n", 3, &["follow, A or M"]);
    assert_error("[lamp a]\npath = /x\nmodules = absent\n", 3, &["absent", "modules of this file"]);
}

#[test]
fn all_errors_are_reported_in_the_order_of_lines() {
    let problems = errors("[lamp a]\ngpio = x\n[daemon]\npoll_ms = y\n[horn b]\ngpio = 1\nmodules = z\n");
    let lines: Vec<_> = problems.iter().map(|problem| problem.split(':').next().unwrap_or("")).collect();
    assert_eq!(lines, ["2", "4", "7"]);
}

#[test]
fn more_than_the_tables_hold_is_an_error() {
    let modules = (1..=33).map(|id| format!("[module m{id}]\nid = {id}\n")).collect::<Vec<_>>().concat();
    assert_error(&modules, 65, &["more than 32 modules"]);
    let outputs = (1..=33).map(|gpio| format!("[lamp l{gpio}]\ngpio = {gpio}\n")).collect::<Vec<_>>().concat();
    assert_error(&outputs, 65, &["more than 32 outputs"]);
}

#[test]
fn an_ftok_path_that_gives_no_key_is_a_warning() {
    let (settings, warnings) = parse("[module a]\nid = 1\nftok = .\n").expect("allowed");
    assert!(settings.poll.modules[0].ftok.is_some());
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].line == 3 && warnings[0].text.contains("relative") && warnings[0].text.contains("fixed key"));
}
