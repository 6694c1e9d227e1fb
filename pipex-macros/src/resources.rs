//! What a task needs: `memory = "4GB"`, `threads = 4`, `gpu = 1`, or expressions of its parameters.

use bytesize::ByteSize;
use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Error, Expr, Lit, Path, Result, UnOp};

use crate::attributes::find_literal;
use crate::mistakes::Mistakes;
use crate::signature::{Parameter, ParameterKind, TaskFn};
use crate::spans::{hygienic, respan, start_span};
use crate::task::TaskEmitter;

const MEMORY: &str = "memory = \"4GB\"";

#[derive(Default)]
pub struct ResourcesMeta {
    pub memory: Option<Amount>,
    pub threads: Option<Amount>,
    pub gpu: Option<Amount>,
}

pub enum Amount {
    Known(u64),
    Computed(Box<Expr>),
}

impl ResourcesMeta {
    /// Takes an argument that is about resources.
    pub fn take_argument(&mut self, key: &Ident, value: Expr, mistakes: &mut Mistakes) {
        match key.to_string().as_str() {
            "memory" => self.memory = mistakes.ok_or_add(parse_memory(value)),
            "threads" => self.threads = mistakes.ok_or_add(parse_count(value, "threads = 4")),
            _ => self.gpu = mistakes.ok_or_add(parse_count(value, "gpu = 1")),
        }
    }

    /// The amounts by the names of the methods that set them.
    fn amounts(&self) -> impl Iterator<Item = (&'static str, &Amount)> {
        let all = [("memory", &self.memory), ("threads", &self.threads), ("gpus", &self.gpu)];
        all.into_iter().filter_map(|(name, amount)| Some((name, amount.as_ref()?)))
    }

    fn computed(&self) -> impl Iterator<Item = (&'static str, &Expr)> {
        self.amounts().filter_map(|(name, amount)| match amount {
            Amount::Computed(value) => Some((name, &**value)),
            Amount::Known(_) => None,
        })
    }

    /// Whether an expression names this.
    pub fn names(&self, name: &Ident) -> bool {
        self.computed().any(|(_, value)| find_name(value.to_token_stream(), name).is_some())
    }

    /// What the description says of them.
    pub fn emit_description(&self, pipex: &Path) -> TokenStream {
        let known: Vec<_> = self
            .amounts()
            .filter_map(|(name, amount)| match amount {
                Amount::Known(amount) => Some((hygienic(name), *amount)),
                Amount::Computed(_) => None,
            })
            .map(|(name, amount)| quote!(.#name(#amount)))
            .collect();
        let known = (!known.is_empty()).then(|| quote!(.resources(#pipex::Resources::new() #(#known)*)));
        let measures = self.computed().next().map(|_| quote!(.measures()));
        quote!(#known #measures)
    }

    /// Refuses expressions that name what is not known before the function runs.
    pub fn refuse_target(&self, function: &TaskFn, mistakes: &mut Mistakes) {
        for (target, (_, value)) in
            function.targets.iter().flat_map(|target| self.computed().map(move |it| (target, it)))
        {
            if let Some(name) = find_name(value.to_token_stream(), &target.name) {
                let message = format!(
                    "`{name}` is where the function is to write, which says nothing of what it needs: name another parameter"
                );
                mistakes.refuse(name, message);
            }
        }
    }
}

/// `"4GB"`, or an expression.
fn parse_memory(value: Expr) -> Result<Amount> {
    if let Some(literal) = find_number(&value) {
        let message = format!("write how many of what: `{MEMORY}`; an expression of the parameters gives bytes");
        return Err(Error::new_spanned(literal, message));
    }
    match find_literal(&value) {
        Some(Lit::Str(text)) => {
            parse_bytes(&text.value()).map(Amount::Known).map_err(|message| Error::new_spanned(text, message))
        }
        Some(_) => Err(Error::new_spanned(&value, format!("write an amount: `{MEMORY}`"))),
        None => Ok(Amount::Computed(Box::new(value))),
    }
}

fn parse_bytes(text: &str) -> std::result::Result<u64, String> {
    let example = "such as \"512MB\", \"4GB\" or \"1.5GiB\"";
    if text.trim().parse::<f64>().is_ok() {
        return Err(format!("`{text}` has no unit: write one, {example}"));
    }
    match text.trim().parse::<ByteSize>().map(|size| size.as_u64()) {
        Ok(0) => Err("a task that needs no memory says nothing of it: leave it out".to_owned()),
        Ok(bytes) if bytes < u64::MAX => Ok(bytes),
        _ => Err(format!("`{text}` is no amount of memory: write a number and a unit, {example}")),
    }
}

/// `4`, or an expression.
fn parse_count(value: Expr, write: &str) -> Result<Amount> {
    let mistake = |value: &Expr| {
        Err(Error::new_spanned(
            value,
            format!("write a number of 1 or more, or an expression of the parameters: `{write}`"),
        ))
    };
    match (find_literal(&value), find_number(&value)) {
        (Some(Lit::Int(count)), _) => match count.base10_parse() {
            Ok(count) if count > 0 => Ok(Amount::Known(count)),
            _ => mistake(&value),
        },
        (Some(_), _) | (_, Some(_)) => mistake(&value),
        (None, None) => Ok(Amount::Computed(Box::new(value))),
    }
}

/// The value, if it is a number as it stands there, whatever its sign.
fn find_number(value: &Expr) -> Option<&Expr> {
    let inner = match value {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => &*unary.expr,
        other => other,
    };
    matches!(find_literal(inner), Some(Lit::Int(_) | Lit::Float(_))).then_some(value)
}

/// Where a name stands in these tokens.
fn find_name(tokens: TokenStream, name: &Ident) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => (ident.unraw() == name.unraw()).then_some(ident),
        TokenTree::Group(group) => find_name(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

impl TaskEmitter {
    /// Computes what a call needs, if the visitor asks for that, and ends there.
    pub fn emit_measure(&self, args: &Ident, visitor: &Ident) -> Option<TokenStream> {
        let (pipex, needs) = (&self.pipex, hygienic("needs"));
        let resources = &self.meta.resources;
        resources.computed().next()?;
        let amounts = resources.computed().map(|(name, value)| {
            // What is no number is told at the expression.
            let amount = respan(&quote!(#pipex::internal::amount), start_span(value));
            let method = hygienic(name);
            quote!(.#method(#amount(#name, #value)?))
        });
        let mut compute = quote!(#pipex::internal::Ok(#needs #(#amounts)*));
        // Only the parameters that are named are looked at: an output's data are loaded for that.
        for (index, parameter) in self.function.parameters.iter().enumerate().rev() {
            if resources.names(&parameter.name) {
                compute = emit_look(pipex, parameter, &Literal::usize_unsuffixed(index), args, &compute);
            }
        }
        Some(quote!(if #visitor.measure(|#needs| #compute) { return; }))
    }
}

/// Has the parameter be what its argument is: as in the body, but for a value that is not `Copy`, which is a reference to it.
fn emit_look(pipex: &Path, parameter: &Parameter, index: &Literal, args: &Ident, compute: &TokenStream) -> TokenStream {
    let name = &parameter.name;
    let span = start_span(&parameter.ty);
    let value = match parameter.kind {
        ParameterKind::Receiver(_) => return compute.clone(),
        ParameterKind::Reference(_) => None,
        ParameterKind::Value | ParameterKind::Plain => Some(quote_spanned!(span=> let #name = {
            #[allow(unused_imports)]
            use #pipex::internal::{SeeCopy as _, SeeReference as _};
            (&#pipex::internal::Seen(#name)).seen()
        };)),
    };
    quote!(#pipex::internal::see(&#args.#index, |#name| { #value #compute }))
}

#[cfg(test)]
mod tests {
    use super::parse_bytes;

    #[test]
    fn amounts_of_memory() {
        for (text, bytes) in [("512MB", 512_000_000), ("4 GB", 4_000_000_000), ("1.5GiB", 3 << 29), ("10b", 10)] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "4", "1.5", "0GB", "-4GB", "4GX", "4 G B", "99999999999TB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
