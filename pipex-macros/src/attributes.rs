//! What is said in the parentheses of `#[task(...)]` and `#[flow(...)]`.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::{Error, Expr, ExprLit, ExprPath, Lit, LitBool, LitStr, Path, Result, Token};

use crate::duration;
use crate::mistakes::Mistakes;

const TASK: &str = "`target`, `name`, `store`, `save`, `load`, `retries`, `retry_delay`, `timeout`, `crate`";
const FLOW: &str = "`path`, `name`, `crate`";

#[derive(Default)]
pub struct TaskMeta {
    pub target: Option<LitStr>,
    pub name: Option<LitStr>,
    pub store: Option<Expr>,
    /// `save = false`: the function saves its own output.
    pub own_output: bool,
    pub load: Option<Path>,
    pub retries: Option<u32>,
    /// Both in milliseconds.
    pub retry_delay: Option<u64>,
    pub timeout: Option<u64>,
    pub krate: Option<Path>,
}

impl TaskMeta {
    pub fn parse(arguments: TokenStream) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        let mut meta = TaskMeta::default();
        let (mut store_key, mut load_key) = (None, None);
        for Argument { key, value } in read(arguments, TASK, &mut mistakes)? {
            match key.to_string().as_str() {
                "target" => meta.target = mistakes.keep(text(value, "a string: `target = \"{path}/{base}.json\"`")),
                "name" => meta.name = mistakes.keep(text(value, "a string: `name = \"clean {station}\"`")),
                "store" => (meta.store, store_key) = (Some(value), Some(key)),
                "save" => meta.own_output = mistakes.keep(boolean(value)).is_some_and(|save| !save.value),
                "load" => {
                    (meta.load, load_key) =
                        (mistakes.keep(path(value, "the path of a function: `load = read_plot`")), Some(key));
                }
                "retries" => meta.retries = mistakes.keep(count(&value)),
                "retry_delay" => meta.retry_delay = mistakes.keep(millis(&value, "retry_delay = \"5s\"")),
                "timeout" => meta.timeout = mistakes.keep(millis(&value, "timeout = \"10m\"")),
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
        mistakes.into_result().map(|()| meta)
    }
}

#[derive(Default)]
pub struct FlowMeta {
    pub path: Option<Expr>,
    pub name: Option<LitStr>,
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
                "crate" => meta.krate = mistakes.keep(path(value, "a path: `crate = other::pipex`")),
                _ => mistakes.refuse(&key, unknown(&key, FLOW)),
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
        if !meta.input.peek(Token![=]) {
            let message = if is_known(&key, known) {
                format!("`{key}` needs a value: `{key} = ..`")
            } else {
                unknown(&key, known)
            };
            return Err(Error::new_spanned(&key, message));
        }
        let value = meta.value()?.parse()?;
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

fn boolean(value: Expr) -> Result<LitBool> {
    match literal(&value) {
        Some(Lit::Bool(save)) => Ok(save.clone()),
        _ => Err(Error::new_spanned(value, "write `save = false` or `save = true`")),
    }
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

fn path(value: Expr, write: &str) -> Result<Path> {
    match value {
        Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => Ok(path),
        Expr::Group(group) => path(*group.expr, write),
        value => Err(Error::new_spanned(value, format!("write {write}"))),
    }
}
