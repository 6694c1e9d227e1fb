//! Random graphs whose arguments change and whose files are deleted and edited: with `stale = "rerun"` every value is what it would be if
//! all were computed anew, and a run after which nothing changed runs nothing.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pipex::{Mode, Output, Stale, flow, task};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::Bench;

#[derive(Debug, Clone)]
struct Node {
    own: u64,
    lazy: bool,
    /// Its function gives data and saves nothing.
    in_memory: bool,
    inputs: Vec<usize>,
}

/// What happens between two runs.
#[derive(Debug, Clone)]
struct Step {
    changes: Vec<(Index, u64)>,
    deletions: Vec<Index>,
    /// Files that somebody edits.
    edits: Vec<(Index, u64)>,
}

/// Counts, and shows nothing of itself.
struct Counter(AtomicU32);

/// So few values that many come out as they were.
fn mixed(own: u64, inputs: &[u64]) -> u64 {
    (own + inputs.iter().sum::<u64>()) % 3
}

#[task(target = "{path}/{id}.json")]
fn mix(id: usize, own: u64, inputs: Vec<u64>, ran: &Arc<Counter>) -> u64 {
    let _ = id;
    ran.0.fetch_add(1, Ordering::SeqCst);
    mixed(own, &inputs)
}

#[task(target = "{path}/{id}.json", save = false)]
fn mix_in_memory(id: usize, own: u64, inputs: Vec<u64>) -> u64 {
    let _ = id;
    mixed(own, &inputs)
}

#[flow]
fn run(nodes: &[Node], ran: Output<Arc<Counter>>) -> pipex::Result<Vec<Option<u64>>> {
    let mut outputs: Vec<Output<u64>> = Vec::new();
    for (id, node) in nodes.iter().enumerate() {
        let inputs: Vec<_> = node.inputs.iter().map(|input| outputs[*input].clone()).collect();
        let call =
            if node.in_memory { mix_in_memory(id, node.own, inputs) } else { mix(id, node.own, inputs, ran.clone()) };
        outputs.push(if node.lazy { call.lazy() } else { call.submit() });
    }
    let value = |(output, node): (&Output<u64>, &Node)| if node.lazy { Ok(None) } else { output.load().map(Some) };
    outputs.iter().zip(nodes).map(value).collect()
}

fn model(nodes: &[Node]) -> Vec<Option<u64>> {
    let mut values: Vec<u64> = Vec::new();
    for node in nodes {
        let inputs: Vec<u64> = node.inputs.iter().map(|input| values[*input]).collect();
        values.push(mixed(node.own, &inputs));
    }
    values.into_iter().zip(nodes).map(|(value, node)| (!node.lazy).then_some(value)).collect()
}

fn check(mut nodes: Vec<Node>, steps: &[Step], mode: Mode) {
    let bench = Bench::new();
    let run = |nodes: &[Node]| {
        let ran = Arc::new(Counter(AtomicU32::new(0)));
        let config = bench.config(mode).stale(Stale::Rerun).workers(2).quiet(true);
        let values = config.scope(|| run(nodes, Output::from(Arc::clone(&ran)))).unwrap();
        (values, ran.0.load(Ordering::SeqCst))
    };
    assert_eq!(run(&nodes).0, model(&nodes), "made in {mode}");
    for step in steps {
        for (index, own) in &step.changes {
            let id = index.index(nodes.len());
            nodes[id].own = *own;
        }
        for index in &step.deletions {
            let _ = fs::remove_file(bench.file(&format!("{}.json", index.index(nodes.len()))));
        }
        for (index, value) in &step.edits {
            let file = bench.file(&format!("{}.json", index.index(nodes.len())));
            if file.exists() {
                fs::write(file, format!("{value}\n")).unwrap();
            }
        }
        assert_eq!(run(&nodes).0, model(&nodes), "made again in {mode}: {nodes:?}");
        assert_eq!(run(&nodes).1, 0, "nothing has changed, in {mode}: {nodes:?}");
    }
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let node =
        (0..3u64, prop::bool::weighted(0.4), prop::bool::weighted(0.2), prop::collection::vec(any::<Index>(), 0..4));
    prop::collection::vec(node, 1..12).prop_map(|nodes| {
        let node = |(id, (own, lazy, in_memory, inputs)): (usize, (u64, bool, bool, Vec<Index>))| {
            let inputs = inputs.iter().filter(|_| id > 0).map(|input| input.index(id)).collect();
            Node { own, lazy, in_memory, inputs }
        };
        nodes.into_iter().enumerate().map(node).collect()
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let changes = prop::collection::vec((any::<Index>(), 0..3u64), 0..3);
    let deletions = prop::collection::vec(any::<Index>(), 0..4);
    let edits = prop::collection::vec((any::<Index>(), 0..3u64), 0..3);
    let step = (changes, deletions, edits);
    prop::collection::vec(step.prop_map(|(changes, deletions, edits)| Step { changes, deletions, edits }), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_those_of_a_run_from_nothing(nodes in nodes(), steps in steps()) {
        for mode in [Mode::Cache, Mode::PrefectCache] {
            check(nodes.clone(), &steps, mode);
        }
    }
}
