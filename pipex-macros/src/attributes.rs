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
use crate::resources::ResourcesMeta;

const TASK: &str = "`target`, `name`, `store`, `save`, `load`, `version`, `uses`, `stale`, `retries`, `retry_delay`, `retry_if`, `timeout`, `tags`, `memory`, `threads`, `gpu`, `remote`, `crate`";
const FLOW: &str = "`path`, `name`, `stale`, `fail_fast`, `crate`";
const ARG: &str = "`default`, `help`";
const HELPER: &str = "`version`, `uses`, `crate`";

#[derive(Default)]
pub struct TaskMeta {
    pub target: Option<TemplateMeta>,
    /// Those of several outputs, by their names.
    pub targets: Vec<(Ident, TemplateMeta)>,
    pub name: Option<TemplateMeta>,
    pub store: Option<Expr>,
    /// `save = false`: the function saves its own output.
    pub own_output: bool,
    pub load: Option<Path>,
    pub code: CodeMeta,
    pub stale: Option<Ident>,
    pub retries: Option<u32>,
    pub retry_delay: Option<RetryDelayMeta>,
    pub retry_if: Option<Path>,
    pub tags: Vec<LitStr>,
    pub resources: ResourcesMeta,
    /// In milliseconds.
    pub timeout: Option<u64>,
    /// Whether it may run in another process.
    pub remote: Option<Ident>,
    pub krate: Option<Path>,
}

/// What a template is given as.
pub enum TemplateMeta {
    Text(LitStr),
    /// Its text is the compiler's to see.
    Constant(Path),
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
    fn take_argument(&mut self, argument: AttributeArgument, mistakes: &mut Mistakes) -> Option<AttributeArgument> {
        match argument.key.to_string().as_str() {
            "version" => self.version = mistakes.ok_or_add(parse_text(argument.value, "a string: `version = \"2\"`")),
            "uses" => self.uses = mistakes.ok_or_add(parse_uses(argument.value)).unwrap_or_default(),
            _ => return Some(argument),
        }
        None
    }
}

/// All in milliseconds.
pub enum RetryDelayMeta {
    Same(u64),
    Each(Vec<u64>),
    Exponential { first: u64, factor: f32, longest: Option<u64>, jitter: bool },
}

impl TaskMeta {
    pub fn parse(arguments: TokenStream) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        let mut meta = TaskMeta::default();
        let (mut store_key, mut load_key, mut retry_keys) = (None, None, Vec::new());
        for argument in parse_arguments(arguments, TASK, &mut mistakes)? {
            let Some(AttributeArgument { key, value }) = meta.code.take_argument(argument, &mut mistakes) else {
                continue;
            };
            match key.to_string().as_str() {
                "target" if matches!(value, Expr::Tuple(_) | Expr::Paren(_)) => {
                    meta.targets = mistakes.ok_or_add(parse_targets(&key, value)).unwrap_or_default();
                }
                "target" => {
                    meta.target = mistakes.ok_or_add(parse_template(value, "`target = \"{path}/{base}.json\"`"))
                }
                "name" => meta.name = mistakes.ok_or_add(parse_template(value, "`name = \"clean {station}\"`")),
                "store" => (meta.store, store_key) = (Some(value), Some(key)),
                "save" => {
                    meta.own_output = mistakes
                        .ok_or_add(parse_boolean(value, "`save = false` or `save = true`"))
                        .is_some_and(|save| !save.value)
                }
                "load" => {
                    (meta.load, load_key) = (
                        mistakes.ok_or_add(parse_path(value, "the path of a function: `load = read_plot`")),
                        Some(key),
                    );
                }
                "stale" => meta.stale = mistakes.ok_or_add(parse_stale(&value)),
                "retries" => meta.retries = mistakes.ok_or_add(parse_count(&value)),
                "retry_delay" => {
                    meta.retry_delay = mistakes.ok_or_add(parse_retry_delay(&value));
                    retry_keys.push(key);
                }
                "retry_if" => {
                    meta.retry_if =
                        mistakes.ok_or_add(parse_path(value, "the path of a function: `retry_if = is_temporary`"));
                    retry_keys.push(key);
                }
                "tags" => meta.tags = mistakes.ok_or_add(parse_tags(&value)).unwrap_or_default(),
                "timeout" => meta.timeout = mistakes.ok_or_add(parse_millis(&value, "timeout = \"10m\"")),
                "memory" | "threads" | "gpu" => meta.resources.take_argument(&key, value, &mut mistakes),
                "remote" => {
                    let remote = mistakes.ok_or_add(parse_boolean(value, "`remote`, or leave it out"));
                    meta.remote = remote.filter(|remote| remote.value).map(|_| key);
                }
                "crate" => meta.krate = mistakes.ok_or_add(parse_path(value, "a path: `crate = other::pipex`")),
                _ => mistakes.refuse(&key, describe_unknown(&key, TASK)),
            }
        }
        if let (Some(key), true) = (store_key, meta.own_output) {
            mistakes.refuse(key, "with `save = false` nothing is stored: leave out `store`, or `save = false`");
        }
        if let (Some(key), false) = (load_key, meta.own_output) {
            mistakes.refuse(key, "the store loads what it saves: leave out `load`, or add `save = false`");
        }
        if let (Some(load), Some((name, _))) = (&meta.load, meta.targets.first()) {
            mistakes.refuse(load, format!("of several files each would be loaded otherwise: leave out `load`, and have whoever takes `{name}` read it at its path"));
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
        for AttributeArgument { key, value } in parse_arguments(arguments, FLOW, &mut mistakes)? {
            match key.to_string().as_str() {
                "path" => meta.path = Some(value),
                "name" => meta.name = mistakes.ok_or_add(parse_text(value, "a string: `name = \"year\"`")),
                "stale" => meta.stale = mistakes.ok_or_add(parse_stale(&value)),
                "fail_fast" => {
                    let fail_fast = parse_boolean(value, "`fail_fast = true` or `fail_fast = false`");
                    meta.fail_fast = mistakes.ok_or_add(fail_fast).is_some_and(|fail_fast| fail_fast.value);
                }
                "crate" => meta.krate = mistakes.ok_or_add(parse_path(value, "a path: `crate = other::pipex`")),
                _ => mistakes.refuse(&key, describe_unknown(&key, FLOW)),
            }
        }
        mistakes.into_result().map(|()| meta)
    }
}

/// Of a parameter that is a flag of the program.
#[derive(Default)]
pub struct ArgMeta {
    pub default: Option<Expr>,
    pub help: Option<LitStr>,
}

impl ArgMeta {
    pub fn parse(arguments: TokenStream) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        let mut meta = ArgMeta::default();
        for AttributeArgument { key, value } in parse_arguments(arguments, ARG, &mut mistakes)? {
            match key.to_string().as_str() {
                "default" => meta.default = Some(value),
                "help" => meta.help = mistakes.ok_or_add(parse_text(value, "a string: `help = \"seeds the noise\"`")),
                _ => mistakes.refuse(&key, describe_unknown(&key, ARG)),
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
        for argument in parse_arguments(arguments, HELPER, &mut mistakes)? {
            match meta.code.take_argument(argument, &mut mistakes) {
                None => {}
                Some(AttributeArgument { key, value }) if key == "crate" => {
                    meta.krate = mistakes.ok_or_add(parse_path(value, "a path: `crate = other::pipex`"));
                }
                Some(AttributeArgument { key, .. }) => mistakes.refuse(&key, describe_unknown(&key, HELPER)),
            }
        }
        mistakes.into_result().map(|()| meta)
    }
}

struct AttributeArgument {
    key: Ident,
    value: Expr,
}

/// The arguments, each at most once. Only what can't be read at all ends the reading.
fn parse_arguments(tokens: TokenStream, known: &str, mistakes: &mut Mistakes) -> Result<Vec<AttributeArgument>> {
    let mut arguments: Vec<AttributeArgument> = Vec::new();
    syn::meta::parser(|meta| {
        let Some(key) = meta.path.get_ident().cloned() else {
            return Err(Error::new_spanned(&meta.path, describe_unknown(&meta.path, known)));
        };
        let value = if (key == "uses" || key == "target") && meta.input.peek(token::Paren) {
            // `uses(a, b)`, `target(a = "..", b = "..")`.
            meta.input.parse()?
        } else if meta.input.peek(Token![=]) {
            meta.value()?.parse()?
        } else if key == "remote" && is_known(&key, known) {
            parse_quote!(true)
        } else {
            let message = if is_known(&key, known) {
                format!("`{key}` needs a value: `{key} = ..`")
            } else {
                describe_unknown(&key, known)
            };
            return Err(Error::new_spanned(&key, message));
        };
        if arguments.iter().any(|argument| argument.key == key) {
            mistakes.refuse(&key, format!("`{key}` is given twice: leave one out"));
        } else {
            arguments.push(AttributeArgument { key, value });
        }
        Ok(())
    })
    .parse2(tokens)?;
    Ok(arguments)
}

fn is_known(key: &Ident, known: &str) -> bool {
    known.contains(&format!("`{}`", key.unraw()))
}

fn describe_unknown(key: &impl ToTokens, known: &str) -> String {
    format!("there is no argument `{}`; there are: {known}", key.to_token_stream())
}

pub fn find_literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        // A literal that came through a `macro_rules!` macro.
        Expr::Group(group) => find_literal(&group.expr),
        _ => None,
    }
}

fn parse_text(value: Expr, write: &str) -> Result<LitStr> {
    match find_literal(&value) {
        Some(Lit::Str(text)) => Ok(text.clone()),
        _ => Err(Error::new_spanned(value, format!("write {write}"))),
    }
}

/// A string, or the path of a constant.
fn parse_template(value: Expr, write: &str) -> Result<TemplateMeta> {
    match find_literal(&value) {
        Some(Lit::Str(text)) => Ok(TemplateMeta::Text(text.clone())),
        _ => parse_path(value, &format!("a string: {write}, or the name of a constant that is one"))
            .map(TemplateMeta::Constant),
    }
}

/// `(train = "..", test = "..")`.
fn parse_targets(key: &Ident, value: Expr) -> Result<Vec<(Ident, TemplateMeta)>> {
    const WRITE: &str =
        "`target(train = \"{path}/train.csv\", test = \"{path}/test.csv\")`, a name and a template for each output";
    const MOST: usize = 8;
    let entries: Vec<Expr> = match value {
        Expr::Tuple(tuple) => tuple.elems.into_iter().collect(),
        Expr::Paren(paren) => vec![*paren.expr],
        value => return Err(Error::new_spanned(value, format!("write {WRITE}"))),
    };
    let mut targets: Vec<(Ident, TemplateMeta)> = Vec::new();
    for entry in entries {
        let Expr::Assign(ExprAssign { left, right, .. }) = entry else {
            return Err(Error::new_spanned(entry, format!("write {WRITE}")));
        };
        let name = match &*left {
            Expr::Path(ExprPath { path, qself: None, .. }) => path.get_ident().cloned(),
            _ => None,
        };
        let name = name.ok_or_else(|| Error::new_spanned(&left, format!("write {WRITE}")))?;
        let template = parse_template(*right, WRITE)?;
        if targets.iter().any(|(other, _)| *other == name) {
            let message = format!("there are two targets called `{name}`: each output has its own");
            return Err(Error::new_spanned(&name, message));
        }
        if let TemplateMeta::Text(text) = &template {
            let is_same =
                |other: &TemplateMeta| matches!(other, TemplateMeta::Text(other) if other.value() == text.value());
            if targets.iter().any(|(_, other)| is_same(other)) {
                return Err(Error::new_spanned(
                    text,
                    "this is another output's target, too: each has a place of its own",
                ));
            }
        }
        targets.push((name, template));
    }
    match &targets[..] {
        [] => Err(Error::new_spanned(key, format!("write {WRITE}"))),
        [(name, _)] => {
            Err(Error::new_spanned(name, "there is one output, and its target has no name: write `target = \"..\"`"))
        }
        [.., (name, _)] if targets.len() > MOST => Err(Error::new_spanned(
            name,
            format!("a task has at most {MOST} outputs: put more into one of them, or into more tasks"),
        )),
        _ => Ok(targets),
    }
}

fn parse_boolean(value: Expr, write: &str) -> Result<LitBool> {
    match find_literal(&value) {
        Some(Lit::Bool(boolean)) => Ok(boolean.clone()),
        _ => Err(Error::new_spanned(value, format!("write {write}"))),
    }
}

/// `"ignore"`, `"warn"` or `"rerun"`, as the variant is called.
fn parse_stale(value: &Expr) -> Result<Ident> {
    let policy = match find_literal(value) {
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
fn parse_uses(value: Expr) -> Result<Vec<Path>> {
    const WRITE: &str = "the names of functions and constants that have `#[pipex::helper]`: `uses(helper_a, helper_b)`";
    let names = match value {
        Expr::Tuple(tuple) => tuple.elems.into_iter().collect(),
        Expr::Paren(paren) => vec![*paren.expr],
        value => return Err(Error::new_spanned(value, format!("write {WRITE}"))),
    };
    names.into_iter().map(|name| parse_path(name, WRITE)).collect()
}

fn parse_count(value: &Expr) -> Result<u32> {
    let mistake = || Error::new_spanned(value, "write a number from 0 to 4294967295: `retries = 2`");
    match find_literal(value) {
        Some(Lit::Int(count)) => count.base10_parse().map_err(|_| mistake()),
        _ => Err(mistake()),
    }
}

fn parse_millis(value: &Expr, write: &str) -> Result<u64> {
    match find_literal(value) {
        Some(Lit::Str(text)) => {
            duration::parse_millis(&text.value()).map_err(|message| Error::new_spanned(text, message))
        }
        Some(Lit::Int(seconds)) => duration::parse_millis(&format!("{}s", seconds.base10_parse::<u64>()?))
            .map_err(|message| Error::new_spanned(seconds, message)),
        _ => Err(Error::new_spanned(value, format!("write a duration: `{write}`, or a whole number of seconds"))),
    }
}

/// `"5s"`, `["1s", "10s"]` or `exponential("1s", factor = 2, max = "1m", jitter = true)`.
fn parse_retry_delay(value: &Expr) -> Result<RetryDelayMeta> {
    match value {
        Expr::Group(group) => parse_retry_delay(&group.expr),
        Expr::Array(list) if list.elems.is_empty() => {
            Err(Error::new_spanned(list, "write at least one duration: `retry_delay = [\"1s\", \"10s\"]`"))
        }
        Expr::Array(list) => {
            let each: Result<_> =
                list.elems.iter().map(|value| parse_millis(value, "retry_delay = [\"1s\", \"10s\"]")).collect();
            each.map(RetryDelayMeta::Each)
        }
        Expr::Call(call) if matches!(&*call.func, Expr::Path(func) if func.path.is_ident("exponential")) => {
            parse_exponential(call)
        }
        Expr::Call(call) => Err(Error::new_spanned(
            &call.func,
            "write a duration, a list of them, or `exponential(\"1s\", factor = 2, max = \"1m\", jitter = true)`",
        )),
        _ => parse_millis(value, "retry_delay = \"5s\"").map(RetryDelayMeta::Same),
    }
}

fn parse_exponential(call: &ExprCall) -> Result<RetryDelayMeta> {
    const WRITE: &str = "retry_delay = exponential(\"1s\", factor = 2, max = \"1m\", jitter = true)";
    let mut arguments = call.args.iter();
    let Some(first) = arguments.next() else {
        return Err(Error::new_spanned(call, format!("write the first delay: `{WRITE}`")));
    };
    let first = parse_millis(first, WRITE)?;
    let (mut factor, mut longest, mut jitter) = (2.0, None, false);
    for argument in arguments {
        let mistake = || Error::new_spanned(argument, format!("write `{WRITE}`; all but the first can be left out"));
        let Expr::Assign(ExprAssign { left, right, .. }) = argument else { return Err(mistake()) };
        let Expr::Path(ExprPath { path: key, .. }) = &**left else { return Err(mistake()) };
        match key.get_ident().map(ToString::to_string).as_deref() {
            Some("factor") => {
                let number = match find_literal(right) {
                    Some(Lit::Int(number)) => number.base10_parse().ok(),
                    Some(Lit::Float(number)) => number.base10_parse().ok(),
                    _ => None,
                };
                factor = number.filter(|factor: &f32| *factor >= 1.0 && factor.is_finite()).ok_or_else(|| {
                    Error::new_spanned(right, "write a number of 1 or more: `factor = 2` or `factor = 1.5`")
                })?;
            }
            Some("max") => longest = Some(parse_millis(right, WRITE)?),
            Some("jitter") => jitter = parse_boolean((**right).clone(), "`jitter = true` or `jitter = false`")?.value,
            _ => return Err(mistake()),
        }
    }
    Ok(RetryDelayMeta::Exponential { first, factor, longest, jitter })
}

fn parse_tags(value: &Expr) -> Result<Vec<LitStr>> {
    const WRITE: &str = "write a list of strings: `tags = [\"database\"]`";
    let list = match value {
        Expr::Array(list) => list,
        Expr::Group(group) => return parse_tags(&group.expr),
        _ => return Err(Error::new_spanned(value, WRITE)),
    };
    let mut tags: Vec<LitStr> = Vec::new();
    for tag in &list.elems {
        match find_literal(tag) {
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

fn parse_path(value: Expr, write: &str) -> Result<Path> {
    match value {
        Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => Ok(path),
        Expr::Group(group) => parse_path(*group.expr, write),
        value => Err(Error::new_spanned(value, format!("write {write}"))),
    }
}
