//! GPIO lines as a kernel keeps them: what each file of a line answers, and every edge of the hardware side.
use std::collections::BTreeMap;

use libc::{EBUSY, EINVAL, EIO, ENODEV, EPERM};

/// A GPIO line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The kernel holds it: exporting it is EBUSY.
    pub held: bool,
    /// Writing its files is EACCES, as before udev has given them away.
    pub locked: bool,
    /// How often writing them was refused for that.
    pub refused: u32,
    pub exported: bool,
    /// Counts exports: a descriptor of an earlier one is dead for ever.
    pub export: u64,
    pub output: bool,
    /// The physical level.
    pub high: bool,
    active_low: bool,
    edge: Edge,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Edge {
    #[default]
    None,
    Rising,
    Falling,
    Both,
}

const EDGES: [(&str, Edge); 4] =
    [("none", Edge::None), ("rising", Edge::Rising), ("falling", Edge::Falling), ("both", Edge::Both)];

/// All lines and what happened to them.
#[derive(Default)]
pub struct Hardware {
    pub lines: BTreeMap<u32, Line>,
    /// Every change of a physical level: the line and its new level.
    pub edges: Vec<(u32, bool)>,
    /// The user who may write the files, besides root.
    pub owner: u32,
}

impl Hardware {
    /// Is the export that this descriptor was opened under still the one?
    pub fn alive(&self, number: u32, export: u64) -> Result<(), i32> {
        let line = &self.lines[&number];
        if line.exported && line.export == export { Ok(()) } else { Err(ENODEV) }
    }

    fn set(&mut self, number: u32, high: bool) {
        let line = self.lines.get_mut(&number).expect("a line");
        if line.high != high {
            line.high = high;
            self.edges.push((number, high));
        }
    }

    pub fn export(&mut self, text: &str) -> Result<(), i32> {
        let line = text.trim().parse().ok().and_then(|number: u32| self.lines.get_mut(&number)).ok_or(EINVAL)?;
        if line.exported || line.held {
            return Err(EBUSY);
        }
        line.exported = true;
        line.export += 1;
        Ok(())
    }

    pub fn unexport(&mut self, text: &str) -> Result<(), i32> {
        let line = text.trim().parse().ok().and_then(|number: u32| self.lines.get_mut(&number)).ok_or(EINVAL)?;
        if !line.exported {
            return Err(EINVAL);
        }
        line.exported = false;
        line.edge = Edge::None;
        line.active_low = false;
        Ok(())
    }

    pub fn read(&self, number: u32, file: File) -> String {
        let line = &self.lines[&number];
        match file {
            File::Direction => if line.output { "out" } else { "in" }.to_owned(),
            File::Value => u8::from(line.high != line.active_low).to_string(),
            File::Edge => EDGES.iter().find(|(_, edge)| *edge == line.edge).expect("all four").0.to_owned(),
            File::ActiveLow => u8::from(line.active_low).to_string(),
        }
    }

    pub fn write(&mut self, number: u32, file: File, text: &str) -> Result<(), i32> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let line = self.lines.get_mut(&number).expect("a line");
        let truth = || text.parse::<i64>().map(|number| number != 0).map_err(|_| EINVAL);
        match file {
            File::Direction => {
                let high = match text {
                    "in" => {
                        line.output = false;
                        return Ok(());
                    }
                    "high" => true,
                    "out" | "low" => false,
                    _ => return Err(EINVAL),
                };
                line.output = true;
                self.set(number, high);
            }
            File::Value => {
                if !line.output {
                    return Err(EPERM);
                }
                let high = truth()? != line.active_low;
                self.set(number, high);
            }
            File::ActiveLow => line.active_low = truth()?,
            File::Edge => {
                let edge = EDGES.iter().find(|(word, _)| *word == text).ok_or(EINVAL)?.1;
                // No interrupt from an output.
                if line.output && edge != Edge::None {
                    return Err(EIO);
                }
                line.edge = edge;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum File {
    Direction,
    Value,
    Edge,
    ActiveLow,
}

pub const FILES: [(&str, File); 4] =
    [("direction", File::Direction), ("value", File::Value), ("edge", File::Edge), ("active_low", File::ActiveLow)];
