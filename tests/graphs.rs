//! Random graphs against a model: what runs, how often, and what it gives, in every mode and on every schedule.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use pipex::{Config, Executor, Local, Mode, Output, Ready, Resources, Tried, flow, task};
use proptest::prelude::*;

use crate::support::Bench;

const RETRIES: u32 = 2;
/// What there is for all that runs at a time.
const MEMORY: u64 = 8;
const GPUS: u64 = 1;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Succeeds,
    /// So often, and then succeeds.
    FailsFirst(u32),
    Fails,
    Panics,
}

#[derive(Debug, Clone)]
struct Node {
    kind: Kind,
    lazy: bool,
    /// It has two outputs.
    pair: bool,
    /// It goes on with the inputs that worked.
    tolerant: bool,
    /// What it says that it needs, if it does.
    needs: Option<Resources>,
    inputs: Vec<Input>,
}

impl Node {
    fn needs(&self) -> Resources {
        self.needs.unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Input {
    node: usize,
    /// Of a pair, its second output.
    second: bool,
    /// Not the output, but a view of it.
    view: bool,
}

/// What the second output of a pair is, of the first.
fn second(value: u64) -> u64 {
    value.rotate_left(7)
}

/// What a view of an output is.
fn seen(value: u64) -> u64 {
    value ^ 0xFF
}

impl Input {
    fn value(self, value: u64) -> u64 {
        let value = if self.second { second(value) } else { value };
        if self.view { seen(value) } else { value }
    }
}

struct Graph {
    nodes: Vec<Node>,
    ran: Vec<AtomicU32>,
    memory: Gauge,
    gpus: Gauge,
}

/// How much is taken by what runs, and how much was at most.
#[derive(Default)]
struct Gauge {
    taken: AtomicU64,
    most: AtomicU64,
}

impl Gauge {
    fn take(&self, amount: u64) -> impl Drop {
        struct Taken<'g>(&'g Gauge, u64);
        impl Drop for Taken<'_> {
            fn drop(&mut self) {
                self.0.taken.fetch_sub(self.1, Ordering::SeqCst);
            }
        }
        let taken = self.taken.fetch_add(amount, Ordering::SeqCst) + amount;
        self.most.fetch_max(taken, Ordering::SeqCst);
        Taken(self, amount)
    }

    fn most(&self) -> u64 {
        self.most.load(Ordering::SeqCst)
    }
}

/// A graph as it is given to tasks: by its address, of which nothing is told.
type Shared = Output<Arc<Graph>>;

#[task(target = "{path}/{id}", retries = 2)]
fn node(id: usize, graph: &Arc<Graph>, inputs: Vec<u64>) -> Result<u64, String> {
    body(id, graph, inputs)
}

#[task(
    target = "{path}/{id}",
    retries = 2,
    memory = graph.nodes[id].needs().memory,
    threads = graph.nodes[id].needs().threads,
    gpu = graph.nodes[id].needs().gpus
)]
fn sized(id: usize, graph: &Arc<Graph>, inputs: Vec<u64>) -> Result<u64, String> {
    body(id, graph, inputs)
}

#[task(target = "{path}/{id}", retries = 2)]
fn tolerant(id: usize, graph: &Arc<Graph>, inputs: Vec<Tried<u64>>) -> Result<u64, String> {
    body(id, graph, inputs.into_iter().map(|input| input.unwrap_or(FAILED)).collect())
}

#[task(
    target(first = "{path}/{id}-first", second = "{path}/{id}-second"),
    retries = 2,
    memory = graph.nodes[id].needs().memory,
    gpu = graph.nodes[id].needs().gpus
)]
fn pair(id: usize, graph: &Arc<Graph>, inputs: Vec<u64>) -> Result<(u64, u64), String> {
    body(id, graph, inputs).map(|value| (value, second(value)))
}

/// What a tolerant node takes a failed input for.
const FAILED: u64 = 12_345;

fn body(id: usize, graph: &Graph, inputs: Vec<u64>) -> Result<u64, String> {
    let ran = graph.ran[id].fetch_add(1, Ordering::SeqCst);
    let needs = graph.nodes[id].needs();
    let _taken = [graph.memory.take(needs.memory), graph.gpus.take(needs.gpus)];
    match graph.nodes[id].kind {
        Kind::Succeeds => {}
        Kind::FailsFirst(times) if ran >= times => {}
        Kind::FailsFirst(_) | Kind::Fails => return Err(format!("{id} fails")),
        Kind::Panics => panic!("{id} panics"),
    }
    Ok(inputs.iter().fold(id as u64 + 1, |sum, input| sum.wrapping_mul(31).wrapping_add(*input)))
}

/// The values of all that was submitted; what failed has none.
#[flow]
fn run(graph: Arc<Graph>, gate: Option<Gate>) -> Vec<Option<u64>> {
    let shared: Shared = Output::from(Arc::clone(&graph));
    let mut outputs: Vec<[Output<u64>; 2]> = Vec::new();
    for (id, this) in graph.nodes.iter().enumerate() {
        let input = |input: &Input| {
            let output = outputs[input.node][usize::from(input.second)].clone();
            if input.view { output.map("seen", |value| seen(*value)) } else { output }
        };
        let inputs: Vec<_> = this.inputs.iter().map(input).collect();
        let one = |call: pipex::Call<'static, u64>| if this.lazy { call.lazy() } else { call.submit() };
        let both = |output: Output<u64>| [output.clone(), output];
        outputs.push(match (this.pair, this.tolerant) {
            (true, _) => {
                let call = pair(id, shared.clone(), inputs);
                (if this.lazy { call.lazy() } else { call.submit() }).into()
            }
            (false, true) => both(one(tolerant(id, shared.clone(), inputs))),
            (false, false) if this.needs.is_some() => both(one(sized(id, shared.clone(), inputs))),
            (false, false) => both(one(node(id, shared.clone(), inputs))),
        });
    }
    if let Some(gate) = gate {
        gate.open();
    }
    let submitted = |([output, _], node): (&[Output<u64>; 2], &Node)| if node.lazy { None } else { output.load().ok() };
    outputs.iter().zip(&graph.nodes).map(submitted).collect()
}

/// What should come of each node: whether it is asked for, and its value if it has one.
fn model(nodes: &[Node]) -> Vec<(bool, Option<u64>)> {
    let mut asked: Vec<bool> = nodes.iter().map(|node| !node.lazy).collect();
    for (id, node) in nodes.iter().enumerate().rev() {
        if asked[id] {
            node.inputs.iter().for_each(|input| asked[input.node] = true);
        }
    }
    let mut values: Vec<Option<u64>> = Vec::new();
    for (id, node) in nodes.iter().enumerate() {
        let inputs = node.inputs.iter().map(|input| match values[input.node] {
            Some(value) => Some(input.value(value)),
            None => node.tolerant.then_some(FAILED),
        });
        let inputs: Option<Vec<u64>> = inputs.collect();
        let succeeds = matches!(node.kind, Kind::Succeeds | Kind::FailsFirst(_));
        values.push(
            inputs.filter(|_| succeeds && asked[id]).map(|inputs| {
                inputs.iter().fold(id as u64 + 1, |sum, input| sum.wrapping_mul(31).wrapping_add(*input))
            }),
        );
    }
    asked.into_iter().zip(values).collect()
}

fn attempts(kind: Kind, mode: Mode) -> u32 {
    match kind {
        Kind::Succeeds => 1,
        Kind::FailsFirst(times) => times + 1,
        Kind::Fails | Kind::Panics => 1 + if mode.executes() { RETRIES } else { 0 },
    }
}

/// Without an executor nothing is tried again, and a panic is the caller's.
fn without_executor(nodes: &[Node]) -> Vec<Node> {
    let tame = |node: &Node| {
        let kind = match node.kind {
            Kind::FailsFirst(_) => Kind::Succeeds,
            Kind::Panics => Kind::Fails,
            kind => kind,
        };
        Node { kind, ..node.clone() }
    };
    nodes.iter().map(tame).collect()
}

fn check(nodes: &[Node], mode: Mode, config: &Config, gate: Option<&Gate>) {
    let expected = model(nodes);
    let ran = || nodes.iter().map(|_| AtomicU32::new(0)).collect();
    let (memory, gpus) = (Gauge::default, Gauge::default);
    let graph = || Arc::new(Graph { nodes: nodes.to_vec(), ran: ran(), memory: memory(), gpus: gpus() });
    let first = graph();
    let values = config.clone().scope(|| run(Arc::clone(&first), gate.cloned()));
    for (id, (asked, value)) in expected.iter().enumerate() {
        let node = &nodes[id];
        assert_eq!(values[id], value.filter(|_| !node.lazy), "the value of {id} in {mode}");
        let runs = *asked && (node.tolerant || node.inputs.iter().all(|input| expected[input.node].1.is_some()));
        let attempts = if runs { attempts(node.kind, mode) } else { 0 };
        assert_eq!(first.ran[id].load(Ordering::SeqCst), attempts, "how often {id} ran in {mode}");
    }
    assert!(first.memory.most() <= MEMORY && first.gpus.most() <= GPUS, "more ran than fits, in {mode}");
    if mode.caches() {
        let second = graph();
        let again = config.clone().scope(|| run(Arc::clone(&second), gate.cloned()));
        for (id, (_, value)) in expected.iter().enumerate() {
            assert_eq!(again[id], values[id], "the value of {id} in {mode}, the second time");
            let ran = second.ran[id].load(Ordering::SeqCst);
            assert!(value.is_none() || ran == 0, "{id} was there and ran again in {mode}");
        }
    }
}

/// Runs what can run in an order that follows from a seed, once all has been submitted.
#[derive(Clone)]
struct Gate(Arc<(Mutex<Scheduled>, Condvar)>);

struct Scheduled {
    ready: Vec<Ready>,
    open: bool,
    random: u64,
    over: bool,
}

impl Gate {
    fn new(seed: u64) -> Self {
        let scheduled = Scheduled { ready: Vec::new(), open: false, random: seed | 1, over: false };
        Gate(Arc::new((Mutex::new(scheduled), Condvar::new())))
    }

    fn change(&self, change: impl FnOnce(&mut Scheduled)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn open(&self) {
        self.change(|scheduled| scheduled.open = true);
    }

    fn work(&self) {
        loop {
            let scheduled = self.0.0.lock().unwrap();
            let waits = |scheduled: &mut Scheduled| !scheduled.over && (!scheduled.open || scheduled.ready.is_empty());
            let mut scheduled = self.0.1.wait_while(scheduled, waits).unwrap();
            if scheduled.over {
                return;
            }
            // xorshift64
            scheduled.random ^= scheduled.random << 13;
            scheduled.random ^= scheduled.random >> 7;
            scheduled.random ^= scheduled.random << 17;
            let place = scheduled.random as usize % scheduled.ready.len();
            let ready = scheduled.ready.swap_remove(place);
            drop(scheduled);
            ready.run_here();
        }
    }
}

impl Executor for Gate {
    fn submit(&self, ready: Ready) {
        self.change(|scheduled| scheduled.ready.push(ready));
    }
}

fn nodes(most: usize) -> impl Strategy<Value = Vec<Node>> {
    let kind = prop_oneof![
        12 => Just(Kind::Succeeds),
        2 => (1..=RETRIES).prop_map(Kind::FailsFirst),
        1 => Just(Kind::Fails),
        1 => Just(Kind::Panics),
    ];
    let [lazy, pair, tolerant, view] = [0.3, 0.2, 0.2, 0.2].map(prop::bool::weighted);
    let input = (any::<prop::sample::Index>(), any::<bool>(), view);
    let needs = prop::option::weighted(0.3, (0..=MEMORY, 0..4_u64, 0..=GPUS));
    let node = (kind, lazy, pair, tolerant, needs, prop::collection::vec(input, 0..4));
    prop::collection::vec(node, 1..most).prop_map(|drawn| {
        let mut nodes: Vec<Node> = Vec::new();
        for (id, (kind, lazy, pair, tolerant, needs, inputs)) in drawn.into_iter().enumerate() {
            let input = |(node, second, view): &(prop::sample::Index, bool, bool)| {
                let node = node.index(id);
                Input { node, second: *second && nodes[node].pair, view: *view }
            };
            let mut inputs: Vec<Input> = inputs.iter().filter(|_| id > 0).map(input).collect();
            inputs.dedup();
            let tolerant = tolerant && !pair;
            let needs = needs.filter(|_| !tolerant);
            let needs =
                needs.map(|(memory, threads, gpus)| Resources::new().memory(memory).threads(threads).gpus(gpus));
            nodes.push(Node { kind, lazy, pair, tolerant, needs, inputs });
        }
        nodes
    })
}

fn without_panic_messages<T>(body: impl FnOnce() -> T) -> T {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panic.payload().downcast_ref::<String>().is_some_and(|message| message.ends_with(" panics")) {
                print(panic);
            }
        }));
    });
    body()
}

fn every_way(nodes: &[Node], workers: usize, seed: u64) {
    for mode in [Mode::DoNothing, Mode::Cache] {
        check(&without_executor(nodes), mode, &Bench::new().config(mode), None);
    }
    for mode in [Mode::Prefect, Mode::PrefectCache] {
        let bench = Bench::new();
        let local = Local::new().workers(workers).memory(MEMORY).gpus(GPUS);
        check(nodes, mode, &bench.config(mode).quiet(true).executor(local), None);
        let (bench, gate) = (Bench::new(), Gate::new(seed));
        std::thread::scope(|scope| {
            /// Also when the check fails.
            struct Over<'g>(&'g Gate);
            impl Drop for Over<'_> {
                fn drop(&mut self) {
                    self.0.change(|scheduled| scheduled.over = true);
                }
            }

            scope.spawn(|| gate.work());
            let _over = Over(&gate);
            check(nodes, mode, &bench.config(mode).quiet(true).executor(gate.clone()), Some(&gate));
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_body_runs_as_often_as_the_model_says(nodes in nodes(60), workers in 1..5_usize, seed in any::<u64>()) {
        without_panic_messages(|| every_way(&nodes, workers, seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_graphs_of_thousands_too(nodes in nodes(3_000), workers in 1..5_usize, seed in any::<u64>()) {
        without_panic_messages(|| every_way(&nodes, workers, seed));
    }
}
