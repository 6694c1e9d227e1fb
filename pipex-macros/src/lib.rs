//! The attribute macros of [pipex](https://github.com/pipex-rs/pipex), which re-exports them. Use that crate, not this one.
#![forbid(unsafe_code)]

mod arg;
mod attributes;
mod code;
mod crate_path;
mod description;
mod duration;
mod field;
mod flags;
mod flow;
mod helper;
mod lifetimes;
mod mistakes;
mod outputs;
mod program;
mod remote;
mod resources;
mod returns;
mod shell;
mod shell_syntax;
mod signature;
mod source;
mod spans;
mod task;
mod template;

use proc_macro::TokenStream;

/// Gives each call of a function a target: a place with a human name. If the target exists, the function does not run.
///
/// A call of the function gives a `Call`, on which `.run()`, `.submit()`, `.lazy()` or `.await` is said.
///
/// ```ignore
/// #[task(target = "{path}/clean/{station}-{month}.json", retries = 2, retry_delay = "5s")]
/// fn clean(readings: Vec<Reading>, station: &str, month: u32) -> Vec<Reading> { .. }
/// ```
///
/// # Arguments
///
/// | argument | meaning | when it is not given |
/// | --- | --- | --- |
/// | `target = "template"` | where the output is | `"{path}/{funcname}/{base}"`; where the call has no base, `"{path}/{funcname}/{args}"`, and without parameters `"{path}/{funcname}"` |
/// | `target(a = "..", b = "..")` | where each of several outputs is: see Outputs | one output |
/// | `name = "template"` | the name of the task run | made by the executor |
/// | `store = EXPR` | how the output is saved and loaded; it may name `self`, and no other parameter | `FileStore` |
/// | `save = false` | the function saves its own output, or gives data that are held in memory: see Outputs | the store saves it |
/// | `load = path::to::fn` | with `save = false`: how the output is loaded | it can't be loaded |
/// | `version = "2"` | part of the code: change it when what the function does changes and its text does not | none |
/// | `uses(helper, LIMIT)` | functions and constants with `#[helper]` that count as part of the code | none |
/// | `stale = "rerun"` | what to do with an output that is there and is stale: `"ignore"`, `"warn"`, `"rerun"` | the flow's, then `PIPEX_STALE`, then `"warn"` |
/// | `retries = 2` | how often a failed run is tried again, by an executor | never |
/// | `retry_delay = ..` | how long to wait before that: `"5s"`, `["1s", "10s"]`, `exponential("1s")` | no wait |
/// | `retry_if = path::to::fn` | of the function's error: whether another attempt may go better | always |
/// | `timeout = "10m"` | how long a run may take, where an executor runs it | no limit |
/// | `remote` | workers in other processes may run it: arguments and output have serde's traits | it runs in this process |
/// | `tags = ["database"]` | what limits on runs at a time go by (`Local::limit`, `PIPEX_LIMITS`) | none |
/// | `memory = "4GB"` | how much memory a run needs: an executor starts it only if that is free beside what runs | it is not counted |
/// | `threads = 4` | how many workers it takes; at most all there are | 1 |
/// | `gpu = 1` | how many GPUs it needs | none |
/// | `crate = path` | where pipex is, if it was re-exported | found in `Cargo.toml` |
///
/// What a run needs may also be an expression, of constants and of the function's parameters: `memory = rows.len() * 64` gives
/// bytes. It is evaluated when all that the run takes is there, and before the run has room. A parameter that it names stands there
/// as in the function, but as a reference where it is a value that is not `Copy`; one that is given as an output is loaded for
/// that, and once more for the function. Amounts of memory have units of 1000 (`MB`, `GB`, `TB`) or of 1024 (`MiB`, `GiB`,
/// `TiB`).
///
/// A duration is a number and a unit (`ms`, `s`, `m`, `h`, `d`), or several: `"1m30s"`. An integer means seconds.
///
/// A list of delays gives one for each retry; the last also holds for all that follow. An exponential delay doubles each
/// time; `exponential("1s", factor = 3, max = "5m", jitter = true)` triples, but does not go above five minutes, and adds up
/// to as long again at random. A task with `retries` gives its arguments again: types taken by value must be `Clone`. A
/// panic is tried again like an error.
///
/// An async function that times out is cancelled; a synchronous one can't be: the run ends as timed out, and what the
/// function gives later is dropped and never saved. A command that it runs by `shell!` is stopped. Of a call that borrows from its caller (`.run()`), this is said when the
/// function returns.
///
/// # Parameters
///
/// A parameter `T` takes a `T` or an `Output<T>`; `&T` a borrowed one or an `Output`. A parameter that a template names
/// takes a value only. `impl Trait`, `&dyn Trait`, `Box<dyn Trait>` and function pointers stay as they are. A `&Path`
/// parameter that is marked `#[target]`, with `save = false`, is no parameter of the call: it is the path to write to.
///
/// Arguments are told apart, and compared with those that made an output, by `Serialize`, else `Hash`, else `Debug`. A path
/// (`&Path`, `PathBuf`, several of them) also counts by the content of the file that lies there. What comes in another order in each
/// process, such as a `HashSet` within a struct, looks like another value each time: take a `BTreeSet`.
///
/// # Outputs
///
/// What the function returns is saved at the target. With `save = false` the function does that itself. Given a `#[target]` parameter
/// it has to write there, to a temporary path that is renamed to the target when it returns. Without one it may write its target, or
/// give data instead, for steps that are not worth a file: these are held in memory until the last that takes them has run, and are
/// made again in each flow run; `.lazy()` makes them only for a reader that has to run. A target that is there is taken in any
/// case. What is neither written nor given (`()`) is an error.
///
/// A task with several outputs has a target for each: `target(train = "{path}/{base}/train.csv", test = "{path}/{base}/test.csv")`. It
/// returns a tuple in this order, or a struct that derives `Outputs` and has fields of these names; a call gives an `Output` for
/// each. They are saved together: all are there, or the function runs. What takes one of them depends on that one. With
/// `save = false` the function takes a `#[target]` parameter of each of these names, and returns `()`.
///
/// # What it returns
///
/// Of a `Result`, under whatever name (`std::io::Result`, an alias of your own), the task gives what is in `Ok`; on `Err` nothing
/// is saved, and the error is the source of the task run's. The type decides. Where the return type may name generic parameters
/// the compiler cannot be asked, and the name decides: in methods, in generic functions, and where the function says `Self` or
/// its return type a single capital letter, as the parameters of an `impl` are called, which the macro does not see. There a
/// `Result` under another name is refused.
///
/// # Templates
///
/// Text, and fields in braces: `path`, `base`, `funcname`, `module`, `flow`, `args` (a digest of the arguments), any parameter
/// that implements `Display`, `env.NAME`, and `now.date`, `now.time`, `now.datetime`, `now.year`, `now.month`, `now.day`,
/// `now.hour`, `now.minute`, `now.second`. Where a parameter has the name of one of these, the field is not the parameter.
/// Parameters may have a format (`{day:03}`, `{rate:.2}`, `{kind:?}`), and fields of them stand for themselves (`{params.lr}`,
/// `{pair.0}`, `{self.name}`). `{{ if field }}`, `{{ if not field }}`, `{{ else }}` and `{{ endif }}` choose; `\{` is a brace. A
/// template may be the name of a constant, which has neither parameters nor blocks. A mistake is a compile error.
#[proc_macro_attribute]
pub fn task(arguments: TokenStream, item: TokenStream) -> TokenStream {
    task::expand(arguments.into(), item.into()).into()
}

/// Starts a flow run around a function, which keeps its signature. Before it returns, every submitted task has ended.
///
/// ```ignore
/// #[flow(path = "out")]
/// fn year(csv: PathBuf) -> pipex::Result<Summary> { .. }
/// ```
///
/// # Arguments
///
/// | argument | meaning | when it is not given |
/// | --- | --- | --- |
/// | `path = EXPR` | the `path` of its tasks, by reference: it may name a parameter | set on the call, or by `PIPEX_PATH` |
/// | `name = "name"` | the name of the flow | the function's name |
/// | `stale = "rerun"` | what to do with stale outputs of its tasks | `PIPEX_STALE`, then `"warn"` |
/// | `fail_fast = true` | the first failure cancels what has not started | all else is run |
/// | `crate = path` | where pipex is, if it was re-exported | found in `Cargo.toml` |
#[proc_macro_attribute]
pub fn flow(arguments: TokenStream, item: TokenStream) -> TokenStream {
    flow::expand(arguments.into(), item.into()).into()
}

/// Makes the program's `main` one that pipex may end. Without it, a flow does nothing to the process that it runs in.
///
/// - `PROGRAM pipex ..` is a command of pipex's, which the program runs in place of `main`: `PROGRAM pipex help` says what there is.
/// - Ctrl-C and SIGTERM stop flow runs in order, and then the program (exit codes 130 and 143), unless `Config::signals(false)`
///   says otherwise.
/// - Where a dry run that the environment asks for (`PIPEX_DRY_RUN`) needs data that only a run would give, and `main` returns that
///   error, or one that it is a source of, the program has done what it was asked for: it ends with exit code 0.
///
/// ```ignore
/// #[pipex::main]
/// fn main() -> pipex::Result<()> {
///     println!("{:?}", year("flights.csv".into())?);
///     Ok(())
/// }
/// ```
///
/// An async `main` has its runtime's attribute below:
///
/// ```ignore
/// #[pipex::main]
/// #[tokio::main]
/// async fn main() -> pipex::Result<()> { .. }
/// ```
///
/// # On a flow
///
/// With the cargo feature `cli`, on top of `#[flow]`, it writes the program's `main`, which calls the flow with what is typed: each
/// parameter is marked `#[arg]`, and is a flag. The flow stays as it is, for tests and other flows to call.
///
/// ```ignore
/// /// Simulates orders.
/// #[pipex::main]
/// #[flow(path = "out")]
/// fn orders(
///     /// What the noise is made of
///     #[arg] seed: u64,                                       // --seed 7
///     #[arg(default = 0.5, help = "how fast it learns")] learning_rate: f64,
///     #[arg(default = "EWR")] station: &str,
///     #[arg] to: Option<&Path>,
///     #[arg] models: Vec<String>,                             // --models linear forest, or --models linear --models forest
///     #[arg] dry: bool,                                       // --dry
/// ) -> pipex::Result<Summary> { .. }
/// ```
///
/// | parameter | flag |
/// | --- | --- |
/// | `T` | has to be given; `T` has `FromStr` |
/// | `Option<T>` | may be given |
/// | `Vec<T>`, `&[T]` | may be given several times, with several values |
/// | `bool` | there or not |
/// | `&str`, `&Path`, `&T` | as `String`, `PathBuf`, `T` |
///
/// `#[arg(default = EXPR)]` is the value of what is not given; a string is read as if it had been typed. The help is what the
/// documentation says, or `help = ".."`. An error of the flow ends the program as one of `main` would: `Error: ..`, exit code 1;
/// what else it gives is dropped. An async flow runs on pipex's own runtime, unless another is named: `#[tokio::main]` between the two.
///
/// It takes no arguments.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    program::expand(arguments.into(), item.into()).into()
}

/// Makes a function or a constant one that tasks can name: with `uses(name)`, a change of it makes their outputs stale.
///
/// The item stays as it is. Helpers may use helpers.
///
/// ```ignore
/// #[helper]
/// const LIMIT: f64 = 35.0;
///
/// #[helper(uses(LIMIT))]
/// fn is_hot(celsius: f64) -> bool {
///     celsius > LIMIT
/// }
///
/// #[task(uses(is_hot))]
/// fn hot_days(celsius: &[f64]) -> usize {
///     celsius.iter().filter(|celsius| is_hot(**celsius)).count()
/// }
/// ```
///
/// # Arguments
///
/// | argument | meaning | when it is not given |
/// | --- | --- | --- |
/// | `version = "2"` | part of the code | none |
/// | `uses(helper, LIMIT)` | other helpers that count as part of the code | none |
/// | `crate = path` | where pipex is, if it was re-exported | found in `Cargo.toml` |
#[proc_macro_attribute]
pub fn helper(arguments: TokenStream, item: TokenStream) -> TokenStream {
    helper::expand(arguments.into(), item.into()).into()
}

/// Makes a struct that holds outputs an argument: a parameter that is declared as it takes it as it is, and yet depends on them.
///
/// Its fields are outputs, collections of them, other structs that derive `Arg`, and values beside them. The function loads what
/// it needs.
///
/// ```ignore
/// #[derive(Clone, Arg)]
/// struct Inputs {
///     rate: f64,
///     train: Output<Vec<Row>>,
///     more: Vec<Output<Vec<Row>>>,
/// }
///
/// #[task]
/// fn fit(inputs: Inputs) -> pipex::Result<Model> { .. inputs.train.load()? .. }
/// ```
#[proc_macro_derive(Arg)]
pub fn arg(item: TokenStream) -> TokenStream {
    arg::expand(item.into()).into()
}

/// Makes a struct several outputs of one task, each with a target of its own.
///
/// A call of such a task gives the outputs under the names of the fields: of a `Split`, a `SplitOutputs` with a public
/// `Output<T>` for each field of type `T`. It goes as it is to a task that takes a `Split`.
///
/// ```ignore
/// #[derive(Clone, Serialize, Deserialize, Outputs)]
/// struct Split {
///     train: Vec<Row>,
///     test: Vec<Row>,
/// }
///
/// #[task(target(train = "{path}/{base}/train.csv", test = "{path}/{base}/test.csv"))]
/// fn split(rows: Vec<Row>, seed: u64) -> Split { .. }
///
/// let parts = split(rows, 7).base("retail").submit();
/// let model = fit(parts.train).submit();
/// let score = score(model, parts.test).submit();
/// ```
#[proc_macro_derive(Outputs)]
pub fn outputs(item: TokenStream) -> TokenStream {
    outputs::expand(item.into()).into()
}

#[doc(hidden)]
#[proc_macro]
pub fn expand_shell(tokens: TokenStream) -> TokenStream {
    shell::expand(tokens.into()).into()
}
