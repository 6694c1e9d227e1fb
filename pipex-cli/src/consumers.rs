//! What was made from what.

use crate::target::InputEdge;
use crate::targets::{Target, Targets};

/// For each target, what was made from it.
pub struct Consumers {
    /// Where those of each target end.
    ends: Vec<u32>,
    all: Vec<u32>,
}

impl Consumers {
    /// Those among these targets, in their order; `edges` are what one was made from.
    pub fn new<'t, E: IntoIterator<Item = &'t InputEdge>>(
        targets: &'t Targets,
        among: impl Iterator<Item = usize> + Clone,
        edges: impl Fn(Target<'t>) -> E,
    ) -> Self {
        let inputs = |index: usize| edges(targets.get(index)).into_iter().map(|input| input.index as usize);
        // Where those of each begin, and while they are entered the next of them is to be: at last, where they end.
        let mut ends = vec![0; targets.len() + 1];
        among.clone().flat_map(inputs).for_each(|input| ends[input + 1] += 1);
        for input in 1..ends.len() {
            ends[input] += ends[input - 1];
        }
        let mut all = vec![0; ends[targets.len()] as usize];
        for consumer in among {
            for input in inputs(consumer) {
                all[ends[input] as usize] = consumer as u32;
                ends[input] += 1;
            }
        }
        Consumers { ends, all }
    }

    /// What was made from the target with this number.
    pub fn of(&self, index: usize) -> &[u32] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start as usize..self.ends[index] as usize]
    }
}
