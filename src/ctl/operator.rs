//! `ack`, `silence`, `lamp-test`: an operator's commands to the daemon, through the doorbell segment.
use alarmd_core::annunciator::LAMP_TEST_S;
use alarmd_core::clock;
use alarmd_core::codes::Command;
use alarmd_core::sysv::{Access, Error, Key, Segment};
use alarmd_core::wire::Doorbell;

use super::call::{Call, Failure, numeric};
use super::status_block;
use crate::console::print;

pub fn acknowledge(call: Call) -> Result<(), Failure> {
    no_arguments(call)?;
    send(Command::Acknowledge, 0)?;
    print("acknowledged\n");
    Ok(())
}

pub fn silence(call: Call) -> Result<(), Failure> {
    no_arguments(call)?;
    send(Command::Silence, 0)?;
    print("silenced\n");
    Ok(())
}

pub fn lamp_test(mut call: Call) -> Result<(), Failure> {
    let (longest, default) = LAMP_TEST_S;
    let mut seconds = None;
    while let Some(argument) = call.arguments.next()? {
        match argument {
            lexopt::Arg::Value(value) if seconds.is_none() => seconds = Some(numeric("lamp-test", value)?),
            other => return Err(other.unexpected().into()),
        }
    }
    let seconds = seconds.unwrap_or(default);
    if !(1..=longest).contains(&seconds) {
        return Err(Failure::usage(format!("lamp-test: {seconds} is outside 1 to {longest} seconds")));
    }
    send(Command::LampTest, seconds)?;
    print(&format!("all lamps are on for {seconds} s\n"));
    Ok(())
}

fn no_arguments(mut call: Call) -> Result<(), Failure> {
    match call.arguments.next()? {
        Some(argument) => Err(argument.unexpected().into()),
        None => Ok(()),
    }
}

/// Sends a command to the daemon and waits until it is carried out.
fn send(command: Command, lamp_test_s: u32) -> Result<(), Failure> {
    let status = status_block::read()?.ok_or_else(Failure::no_daemon)?;
    let explain = |error: Error| Failure::failed(error.of("doorbell", Key::DOORBELL));
    let segment = Segment::attach(Key::DOORBELL, Access::ReadWrite).map_err(explain)?;
    let doorbell = segment.view::<Doorbell>().filter(|doorbell| doorbell.is_ours());
    let Some(doorbell) = doorbell else {
        return Err(Failure::failed("doorbell: the segment is corrupt; alarmd repairs it within 1 second; try again"));
    };
    if command == Command::LampTest {
        doorbell.lamp_test_s.store(lamp_test_s, core::sync::atomic::Ordering::Relaxed);
    }
    let completed = doorbell.completed.load(core::sync::atomic::Ordering::Acquire);
    doorbell.order(command);
    // On a kernel without futex the daemon sees the command at its next poll.
    let deadline = clock::now() + (u64::from(status.poll_ms) + 1000) * clock::MS;
    while doorbell.is_pending(command) || doorbell.completed.load(core::sync::atomic::Ordering::Acquire) == completed {
        if clock::now() >= deadline {
            let why =
                "no response from alarmd: it is hung, stopped or restarting; check alarmctl status, then try again";
            return Err(Failure::failed(why));
        }
        clock::sleep(clock::MS);
    }
    Ok(())
}
