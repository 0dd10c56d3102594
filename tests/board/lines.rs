//! A line that the kernel holds, a line that flashes, and a line that is missing.
use crate::emulated::Board;
use crate::{MAJOR_CLEARED, MAJOR_RAISED, SPARE, START, report};

#[test]
fn the_line_of_the_power_key_is_refused_with_the_reason() {
    let mut board = Board::up("key");
    board.deploy_well();
    board.expect_edges(&START);
    board.run("printf '[lamp power]\\ngpio = 2043\\n' >>/etc/alarmd.conf; /etc/init.d/S60alarmd reload");
    // Its failure is the daemon's own alarm, major.
    board.expect_edges(&MAJOR_RAISED);
    let words = "lamp power: gpio 2043: export: Resource busy (EBUSY): the kernel uses this line; if it is an LED, name its \
                brightness file under /sys/class/leds as path instead";
    board.wait_for("it is logged", |board| board.log().contains(words));
    board.wait_for("it is shown", |board| {
        let status = board.run("alarmctl status");
        status.contains("running, 1 of 5 outputs FAILED") && status.contains("output failed")
    });
    assert_eq!(board.pin(2043), None);
    // A lamp on a real line flashes until it is acknowledged.
    board.run(&format!(
        "sed -i 's/gpio = 2043/gpio = {SPARE}\\nsequence = A/' /etc/alarmd.conf; /etc/init.d/S60alarmd reload"
    ));
    board.expect_edges(&MAJOR_CLEARED);
    board.run("alarmctl raise alarm");
    let mut flashes = Vec::new();
    board.wait_for_edges("it flashes", |edges| {
        flashes.extend(edges.iter().filter(|edge| edge.gpio == SPARE).map(|edge| (edge.at, edge.level)));
        flashes.len() >= 6
    });
    let levels: Vec<u32> = flashes.iter().map(|(_, level)| *level).collect();
    assert_eq!(levels[..6], [1, 0, 1, 0, 1, 0]);
    let hertz = 2.0 / (flashes[4].0 - flashes[0].0);
    report(&format!("a lamp flashes at {hertz:.2} Hz"));
    board.run("alarmctl ack");
    board.take_edges();
    assert_eq!(board.pin(SPARE), Some(1));
    board.run("alarmctl status | grep 'lamp power .*ALARM'; alarmctl clear alarm --all");
    board.wait_for("it is off", |board| board.shell("alarmctl status | grep 'lamp power .* -'").code == 0);
    assert_eq!(board.pin(SPARE), Some(0));
    board.take_edges();
    // A number that the board does not have.
    board.run(&format!("sed -i 's/gpio = {SPARE}/gpio = 3000/' /etc/alarmd.conf; /etc/init.d/S60alarmd reload"));
    board.wait_for("it is logged", |board| {
        board.log().contains("gpio 3000: export: Invalid argument (EINVAL): there is no such line")
    });
}
