//! What is said in the parentheses of `#[task(...)]` and `#[flow(...)]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::{
    Error, Expr, ExprAssign, ExprCall, ExprLit, ExprPath, Lit, LitBool, LitStr, Path, Result, Token, parse_quote, token,
};

use crate::duration;
use crate::mistakes::Mistakes;

const TASK: &str = "`target`, `name`, `store`, `save`, `load`, `version`, `uses`, `stale`, `retries`, `retry_delay`, `retry_if`, `timeout`, `tags`, `remote`, `crate`";
const FLOW: &str = "`path`, `name`, `stale`, `fail_fast`, `crate`";
const HELPER: &str = "`version`, `uses`, `crate`";

#[derive(Default)]
pub struct TaskMeta {
    pub target: Option<LitStr>,
    pub name: Option<LitStr>,
    pub store: Option<Expr>,
    /// `save = false`: the function saves its own output.
    pub own_output: bool,
    pub load: Option<Path>,
    pub code: CodeMeta,
    pub stale: Option<Ident>,
    pub retries: Option<u32>,
    pub retry_delay: Option<RetryDelay>,
    pub retry_if: Option<Path>,
    pub tags: Vec<LitStr>,
    /// In milliseconds.
    pub timeout: Option<u64>,
    /// Whether it may run in another process.
    pub remote: Option<Ident>,
    pub krate: Option<Path>,
}

/// What is part of the code, beside the tokens.
#[derive(Default)]
pub struct CodeMeta {
    pub version: Option<LitStr>,
    /// The helpers that it names.
    pub uses: Vec<Path>,
}

impl CodeMeta {
    /// Takes the argument, if it is about the code.
    fn take(&mut self, argument: Argument, mistakes: &mut Mistakes) -> Option<Argument> {
        match argument.key.to_string().as_str() {
            "version" => self.version = mistakes.keep(text(argument.value, "a string: `version = \"2\"`")),
            "uses" => self.uses = mistakes.keep(uses(argument.value)).unwrap_or_default(),
            _ => return Some(argument),
        }
        None
    }
}

/// All in milliseconds.
pub enum RetryDelay {
    Same(u64),
    Each(Vec<u64>),
    Exponential { first: u64, factor: f32, longest: Option<u64>, jitter: bool },
}

impl TaskMeta {
    pub fn parse(arguments: TokenStream) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        let mut meta = TaskMeta::default();
        let (mut store_key, mut load_key, mut retry_keys) = (None, None, Vec::new());
        for argument in read(arguments, TASK, &mut mistakes)? {
            let Some(Argument { key, value }) = meta.code.take(argument, &mut mistakes) else { continue };
            match key.to_string().as_str() {
                "target" => meta.target = mistakes.keep(text(value, "a string: `target = \"{path}/{base}.json\"`")),
                "name" => meta.name = mistakes.keep(text(value, "a string: `name = \"clean {station}\"`")),
                "store" => (meta.store, store_key) = (Some(value), Some(key)),
                "save" => {
                    meta.own_output =
                        mistakes.keep(boolean(value, "`save = false` or `save = true`")).is_some_and(|save| !save.value)
                }
                "load" => {
                    (meta.load, load_key) =
                        (mistakes.keep(path(value, "the path of a function: `load = read_plot`")), Some(key));
                }
                "stale" => meta.stale = mistakes.keep(stale(&value)),
                "retries" => meta.retries = mistakes.keep(count(&value)),
                "retry_delay" => {
                    meta.retry_delay = mistakes.keep(retry_delay(&value));
                    retry_keys.push(key);
                }
                "retry_if" => {
                    meta.retry_if = mistakes.keep(path(value, "the path of a function: `retry_if = is_temporary`"));
                    retry_keys.push(key);
                }
                "tags" => meta.tags = mistakes.keep(tags(&value)).unwrap_or_default(),
                "timeout" => meta.timeout = mistakes.keep(millis(&value, "timeout = \"10m\"")),
                "remote" => {
                    let remote = mistakes.keep(boolean(value, "`remote`, or leave it out"));
                    meta.remote = remote.filter(|remote| remote.value).map(|_| key);
                }
                "crate" => meta.krate = mistakes.keep(path(value, "a path: `crate = other::pipex`")),
                _ => mistakes.refuse(&key, unknown(&key, TASK)),
            }
        }
        if let (Some(key), true) = (store_key, meta.own_output) {
            mistakes.refuse(key, "with `save = false` nothing is stored: leave out `store`, or `save = false`");
        }
        if let (Some(key), false) = (load_key, meta.own_output) {
            mistakes.refuse(key, "the store loads what it saves: leave out `load`, or add `save = false`");
        }
        if meta.retries.is_none() {
            for key in retry_keys {
                let message =
                    format!("without `retries` nothing is tried again: add `retries = 3`, or leave out `{key}`");
                mistakes.refuse(key, message);
            }
        }
        mistakes.into_result().map(|()| meta)
    }
}

#[derive(Default)]
pub struct FlowMeta {
    pub path: Option<Expr>,
    pub name: Option<LitStr>,
    pub stale: Option<Ident>,
    pub fail_fast: bool,
    pub krate: Option<Path>,
}

impl FlowMeta {
    pub fn parse(arguments: TokenStream) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        let mut meta = FlowMeta::default();
        for Argument { key, value } in read(arguments, FLOW, &mut mistakes)? {
            match key.to_string().as_str() {
                "path" => meta.path = Some(value),
                "name" => meta.name = mistakes.keep(text(value, "a string: `name = \"year\"`")),
                "stale" => meta.stale = mistakes.keep(stale(&value)),
                "fail_fast" => {
                    let fail_fast = boolean(value, "`fail_fast = true` or `fail_fast = false`");
                    meta.fail_fast = mistakes.keep(fail_fast).is_some_and(|fail_fast| fail_fast.value);
                }
                "crate" => meta.krate = mistakes.keep(path(value, "a path: `crate = other::pipex`")),
                _ => mistakes.refuse(&key, unknown(&key, FLOW)),
            }
        }
        mistakes.into_result().map(|()| meta)
    }
}

#[derive(Default)]
pub struct HelperMeta {
    pub code: CodeMeta,
    pub krate: Option<Path>,
}

impl HelperMeta {
    pub fn parse(arguments: TokenStream) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        let mut meta = HelperMeta::default();
        for argument in read(arguments, HELPER, &mut mistakes)? {
            match meta.code.take(argument, &mut mistakes) {
                None => {}
                Some(Argument { key, value }) if key == "crate" => {
                    meta.krate = mistakes.keep(path(value, "a path: `crate = other::pipex`"));
                }
                Some(Argument { key, .. }) => mistakes.refuse(&key, unknown(&key, HELPER)),
            }
        }
        mistakes.into_result().map(|()| meta)
    }
}

struct Argument {
    key: Ident,
    value: Expr,
}

/// The arguments, each at most once. Only what can't be read at all ends the reading.
fn read(tokens: TokenStream, known: &str, mistakes: &mut Mistakes) -> Result<Vec<Argument>> {
    let mut arguments: Vec<Argument> = Vec::new();
    syn::meta::parser(|meta| {
        let Some(key) = meta.path.get_ident().cloned() else {
            return Err(Error::new_spanned(&meta.path, unknown(&meta.path, known)));
        };
        let value = if key == "uses" && meta.input.peek(token::Paren) {
            // `uses(a, b)`.
            meta.input.parse()?
        } else if meta.input.peek(Token![=]) {
            meta.value()?.parse()?
        } else if key == "remote" && is_known(&key, known) {
            parse_quote!(true)
        } else {
            let message = if is_known(&key, known) {
                format!("`{key}` needs a value: `{key} = ..`")
            } else {
                unknown(&key, known)
            };
            return Err(Error::new_spanned(&key, message));
        };
        if arguments.iter().any(|argument| argument.key == key) {
            mistakes.refuse(&key, format!("`{key}` is given twice: leave one out"));
        } else {
            arguments.push(Argument { key, value });
        }
        Ok(())
    })
    .parse2(tokens)?;
    Ok(arguments)
}

fn is_known(key: &Ident, known: &str) -> bool {
    known.contains(&format!("`{}`", key.unraw()))
}

fn unknown(key: &impl ToTokens, known: &str) -> String {
    format!("there is no argument `{}`; there are: {known}", key.to_token_stream())
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        // A literal that came through a `macro_rules!` macro.
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

fn text(value: Expr, write: &str) -> Result<LitStr> {
    match literal(&value) {
        Some(Lit::Str(text)) => Ok(text.clone()),
        _ => Err(Error::new_spanned(value, format!("write {write}"))),
    }
}

fn boolean(value: Expr, write: &str) -> Result<LitBool> {
    match literal(&value) {
        Some(Lit::Bool(boolean)) => Ok(boolean.clone()),
        _ => Err(Error::new_spanned(value, format!("write {write}"))),
    }
}

/// `"ignore"`, `"warn"` or `"rerun"`, as the variant is called.
fn stale(value: &Expr) -> Result<Ident> {
    let policy = match literal(value) {
        Some(Lit::Str(text)) => match text.value().as_str() {
            "ignore" => Some("Ignore"),
            "warn" => Some("Warn"),
            "rerun" => Some("Rerun"),
            _ => None,
        },
        _ => None,
    };
    match policy {
        Some(policy) => Ok(Ident::new(policy, Span::call_site())),
        None => {
            let write = "write what is to be done with stale outputs: `stale = \"ignore\"`, `\"warn\"` or `\"rerun\"`";
            Err(Error::new_spanned(value, write))
        }
    }
}

/// `(a, b::c)`.
fn uses(value: Expr) -> Result<Vec<Path>> {
    const WRITE: &str = "the names of functions and constants that have `#[pipex::helper]`: `uses(helper_a, helper_b)`";
    let names = match value {
        Expr::Tuple(tuple) => tuple.elems.into_iter().collect(),
        Expr::Paren(paren) => vec![*paren.expr],
        value => return Err(Error::new_spanned(value, format!("write {WRITE}"))),
    };
    names.into_iter().map(|name| path(name, WRITE)).collect()
}

fn count(value: &Expr) -> Result<u32> {
    let mistake = || Error::new_spanned(value, "write a number from 0 to 4294967295: `retries = 2`");
    match literal(value) {
        Some(Lit::Int(count)) => count.base10_parse().map_err(|_| mistake()),
        _ => Err(mistake()),
    }
}

fn millis(value: &Expr, write: &str) -> Result<u64> {
    match literal(value) {
        Some(Lit::Str(text)) => duration::millis(&text.value()).map_err(|message| Error::new_spanned(text, message)),
        Some(Lit::Int(seconds)) => duration::millis(&format!("{}s", seconds.base10_parse::<u64>()?))
            .map_err(|message| Error::new_spanned(seconds, message)),
        _ => Err(Error::new_spanned(value, format!("write a duration: `{write}`, or a whole number of seconds"))),
    }
}

/// `"5s"`, `["1s", "10s"]` or `exponential("1s", factor = 2, max = "1m", jitter = true)`.
fn retry_delay(value: &Expr) -> Result<RetryDelay> {
    match value {
        Expr::Group(group) => retry_delay(&group.expr),
        Expr::Array(list) if list.elems.is_empty() => {
            Err(Error::new_spanned(list, "write at least one duration: `retry_delay = [\"1s\", \"10s\"]`"))
        }
        Expr::Array(list) => {
            let each: Result<_> =
                list.elems.iter().map(|value| millis(value, "retry_delay = [\"1s\", \"10s\"]")).collect();
            each.map(RetryDelay::Each)
        }
        Expr::Call(call) if matches!(&*call.func, Expr::Path(func) if func.path.is_ident("exponential")) => {
            exponential(call)
        }
        Expr::Call(call) => Err(Error::new_spanned(
            &call.func,
            "write a duration, a list of them, or `exponential(\"1s\", factor = 2, max = \"1m\", jitter = true)`",
        )),
        _ => millis(value, "retry_delay = \"5s\"").map(RetryDelay::Same),
    }
}

fn exponential(call: &ExprCall) -> Result<RetryDelay> {
    const WRITE: &str = "retry_delay = exponential(\"1s\", factor = 2, max = \"1m\", jitter = true)";
    let mut arguments = call.args.iter();
    let Some(first) = arguments.next() else {
        return Err(Error::new_spanned(call, format!("write the first delay: `{WRITE}`")));
    };
    let first = millis(first, WRITE)?;
    let (mut factor, mut longest, mut jitter) = (2.0, None, false);
    for argument in arguments {
        let mistake = || Error::new_spanned(argument, format!("write `{WRITE}`; all but the first can be left out"));
        let Expr::Assign(ExprAssign { left, right, .. }) = argument else { return Err(mistake()) };
        let Expr::Path(ExprPath { path: key, .. }) = &**left else { return Err(mistake()) };
        match key.get_ident().map(ToString::to_string).as_deref() {
            Some("factor") => {
                let number = match literal(right) {
                    Some(Lit::Int(number)) => number.base10_parse().ok(),
                    Some(Lit::Float(number)) => number.base10_parse().ok(),
                    _ => None,
                };
                factor = number.filter(|factor: &f32| *factor >= 1.0 && factor.is_finite()).ok_or_else(|| {
                    Error::new_spanned(right, "write a number of 1 or more: `factor = 2` or `factor = 1.5`")
                })?;
            }
            Some("max") => longest = Some(millis(right, WRITE)?),
            Some("jitter") => jitter = boolean((**right).clone(), "`jitter = true` or `jitter = false`")?.value,
            _ => return Err(mistake()),
        }
    }
    Ok(RetryDelay::Exponential { first, factor, longest, jitter })
}

fn tags(value: &Expr) -> Result<Vec<LitStr>> {
    const WRITE: &str = "write a list of strings: `tags = [\"database\"]`";
    let list = match value {
        Expr::Array(list) => list,
        Expr::Group(group) => return tags(&group.expr),
        _ => return Err(Error::new_spanned(value, WRITE)),
    };
    let mut tags: Vec<LitStr> = Vec::new();
    for tag in &list.elems {
        match literal(tag) {
            Some(Lit::Str(text)) if text.value().trim().is_empty() => {
                return Err(Error::new_spanned(text, "a tag needs a name: `tags = [\"database\"]`"));
            }
            Some(Lit::Str(text)) if tags.iter().any(|other| other.value() == text.value()) => {
                return Err(Error::new_spanned(text, format!("`{}` is there twice: leave one out", text.value())));
            }
            Some(Lit::Str(text)) => tags.push(text.clone()),
            _ => return Err(Error::new_spanned(tag, WRITE)),
        }
    }
    Ok(tags)
}

fn path(value: Expr, write: &str) -> Result<Path> {
    match value {
        Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => Ok(path),
        Expr::Group(group) => path(*group.expr, write),
        value => Err(Error::new_spanned(value, format!("write {write}"))),
    }
}
