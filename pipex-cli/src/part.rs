//! So many targets, as the summary has them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::target::InputEdge;
use crate::targets::{Extra, Row, Targets};

/// So many targets; the numbers of what their rows refer to are those in this part.
#[derive(Serialize, Deserialize)]
pub struct Part {
    names: String,
    /// Where each name ends.
    ends: Vec<u64>,
    pub(super) rows: Vec<Row>,
    extras: Vec<Extra>,
    pub(super) inputs: Vec<InputEdge>,
}

impl Targets {
    /// Those with these numbers.
    pub fn part(&self, numbers: Range<usize>) -> Part {
        let mut part = Part { names: String::new(), ends: vec![], rows: vec![], extras: vec![], inputs: vec![] };
        for number in numbers {
            part.names.push_str(self.names.get(number));
            part.ends.push(part.names.len() as u64);
            let mut row = self.rows[number];
            row.inputs = part.inputs.len() as u32;
            part.inputs.extend(self.get(number).inputs());
            if let Some(extra) = row.extra.checked_sub(1) {
                part.extras.push(self.extras[extra as usize].clone());
                row.extra = part.extras.len() as u32;
            }
            part.rows.push(row);
        }
        part
    }

    /// Adds these, of `count` that there will be; `None`, if they refer to what is not there: they may have come along from anywhere.
    pub fn append(&mut self, part: Part, count: usize) -> Option<()> {
        let Part { names, ends, rows, extras, inputs } = part;
        let (first_extra, first_input) = (self.extras.len() as u32, self.inputs.len() as u32);
        let takes = extras.iter().flat_map(|extra| extra.takes.iter().flatten());
        let are_all_there = inputs.iter().chain(takes).all(|input| (input.index as usize) < count);
        if !are_all_there || ends.len() != rows.len() || self.len() + rows.len() > count {
            return None;
        }
        let mut start = 0;
        for (mut row, end) in rows.into_iter().zip(ends) {
            let end = usize::try_from(end).ok()?;
            let name = names.get(start..end)?;
            start = end;
            inputs.get(row.inputs as usize..)?.get(..row.input_count as usize)?;
            self.commons.get(row.common as usize)?;
            row.inputs += first_input;
            if row.extra > 0 {
                extras.get(row.extra as usize - 1)?;
                row.extra += first_extra;
            }
            self.names.add(name);
            self.rows.push(row);
        }
        self.extras.extend(extras);
        self.inputs.extend(inputs);
        Some(())
    }
}
