//! `#[main]` on a flow: its parameters are flags of the program.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::{
    Attribute, Error, Expr, FnArg, GenericArgument, GenericParam, ItemFn, Meta, Pat, PatIdent, PatType, PathArguments,
    Result, ReturnType, Type, TypePath, TypeReference, parse_quote,
};

use crate::attributes::ArgMeta;
use crate::crate_path::find_crate_path;
use crate::flow::emit_failure;
use crate::lifetimes::has_impl_trait;
use crate::mistakes::Mistakes;
use crate::program::is_inert;
use crate::returns::strip_parentheses;
use crate::signature::refuse_qualifiers;
use crate::source::read_text;
use crate::spans::{hygienic, respan, start_span};

/// A parameter, as the program's flag.
struct Flag {
    parameter: Ident,
    /// Without `--`.
    name: String,
    help: String,
    takes: Takes,
    /// What each of its values is.
    value: Type,
    /// How the flow borrows it.
    borrows: Borrows,
    default: Option<Expr>,
}

enum Takes {
    One,
    /// `Option<T>`.
    Optional,
    /// `Vec<T>`.
    Many,
    /// `bool`.
    Nothing,
}

enum Borrows {
    No,
    /// `&T`.
    Whole,
    /// `Option<&T>`.
    Inside,
    /// `Option<&str>`, `Option<&Path>`.
    Target,
}

/// Whether `#[main]` is on a flow.
pub fn is_flow(item: &ItemFn) -> bool {
    item.attrs.iter().any(is_flow_attribute)
}

fn is_flow_attribute(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "flow")
}

/// The flow as it is, and a `main` that takes its arguments from the command line.
pub fn process(item: &ItemFn) -> TokenStream {
    let function = without_marks(item);
    match prepare(item) {
        Ok(flags) => {
            let main = emit(item, &flags);
            quote!(#function #main)
        }
        Err(error) => {
            let error = error.to_compile_error();
            // Two mains would be a mistake of their own.
            let function = (item.sig.ident != "main").then_some(function);
            quote!(#[allow(dead_code, unused_variables)] #function #error fn main() {})
        }
    }
}

/// The function without what is said for `#[main]` alone.
fn without_marks(item: &ItemFn) -> ItemFn {
    let mut item = item.clone();
    for input in &mut item.sig.inputs {
        if let FnArg::Typed(PatType { attrs, .. }) = input {
            attrs.retain(|attribute| !attribute.path().is_ident("arg") && !attribute.path().is_ident("doc"));
        }
    }
    item
}

fn prepare(item: &ItemFn) -> Result<Vec<Flag>> {
    let mut mistakes = Mistakes::default();
    let signature = &item.sig;
    refuse_qualifiers(signature, "flow", &mut mistakes);
    if signature.ident == "main" {
        let message = "the flow needs a name of its own beside the program's `main`: `fn orders(#[arg] seed: u64)`";
        mistakes.refuse(&signature.ident, message);
    }
    let is_generic = |parameter: &&GenericParam| !matches!(parameter, GenericParam::Lifetime(_));
    if let Some(parameter) = signature.generics.params.iter().find(is_generic) {
        mistakes.refuse(parameter, "the program's flow can't be generic: nobody says what this stands for");
    }
    let mut flags: Vec<Flag> = Vec::new();
    for input in &signature.inputs {
        let flag = match input {
            FnArg::Receiver(receiver) => {
                mistakes.refuse(receiver, "the program's flow is a free function: nobody has a `self` to call it on");
                continue;
            }
            FnArg::Typed(typed) => mistakes.ok_or_add(prepare_flag(typed)),
        };
        let Some(flag) = flag else { continue };
        if flag.name == "help" {
            mistakes.refuse(&flag.parameter, "`--help` shows the help of the program: give the parameter another name");
        } else if flags.iter().any(|other| other.name == flag.name) {
            let message = format!("`--{}` is another parameter's flag: give this one another name", flag.name);
            mistakes.refuse(&flag.parameter, message);
        }
        flags.push(flag);
    }
    mistakes.into_result().map(|()| flags)
}

fn prepare_flag(typed: &PatType) -> Result<Flag> {
    let parameter = match &*typed.pat {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => ident.clone(),
        pattern => return Err(Error::new_spanned(pattern, "a flag needs a name: write one, and take it apart inside")),
    };
    let mut marks = typed.attrs.iter().filter(|attribute| attribute.path().is_ident("arg"));
    let Some(mark) = marks.next() else {
        let message = format!("nobody says what `{parameter}` is: `#[arg] {parameter}` makes it a flag of the program");
        return Err(Error::new_spanned(typed, message));
    };
    if let Some(second) = marks.next() {
        return Err(Error::new_spanned(second, "`#[arg]` is there twice: put all that it says into one"));
    }
    let meta = match &mark.meta {
        Meta::Path(_) => ArgMeta::default(),
        Meta::List(list) => ArgMeta::parse(list.tokens.clone())?,
        Meta::NameValue(value) => {
            return Err(Error::new_spanned(value, "write `#[arg]`, or `#[arg(default = .., help = \"..\")]`"));
        }
    };
    let (takes, value, borrows) = classify(&typed.ty)?;
    if let Some(default) = &meta.default {
        match takes {
            Takes::Optional => {
                return Err(Error::new_spanned(default, "an `Option` is `None` by default: leave out one of the two"));
            }
            Takes::Nothing => {
                let message = "a `bool` is a flag that is there or not, `false` by default: leave out `default`";
                return Err(Error::new_spanned(default, message));
            }
            Takes::One | Takes::Many => {}
        }
    }
    let name = parameter.unraw().to_string().trim_matches('_').replace('_', "-");
    let help = meta.help.map_or_else(|| collect_docs(&typed.attrs), |help| help.value());
    Ok(Flag { parameter, name, help, takes, value, borrows, default: meta.default })
}

/// What a parameter's type takes, the type of one value, and how the flow has it.
fn classify(ty: &Type) -> Result<(Takes, Type, Borrows)> {
    if has_impl_trait(ty) {
        return Err(Error::new_spanned(ty, "a flag needs a type of its own: name one that has `FromStr`"));
    }
    match strip_parentheses(ty) {
        Type::Reference(reference) => {
            let value = own(reference)?;
            match &*reference.elem {
                Type::Slice(slice) => Ok((Takes::Many, (*slice.elem).clone(), Borrows::Whole)),
                _ => Ok((Takes::One, value, Borrows::Whole)),
            }
        }
        ty if is_named(ty, "bool") => Ok((Takes::Nothing, ty.clone(), Borrows::No)),
        ty => match (find_inner(ty, "Option"), find_inner(ty, "Vec")) {
            (Some(inner), _) => match strip_parentheses(inner) {
                Type::Reference(reference) => {
                    let is_text = is_named(&reference.elem, "str") || is_named(&reference.elem, "Path");
                    let borrows = if is_text { Borrows::Target } else { Borrows::Inside };
                    Ok((Takes::Optional, own(reference)?, borrows))
                }
                inner => Ok((Takes::Optional, inner.clone(), Borrows::No)),
            },
            (None, Some(inner)) => Ok((Takes::Many, inner.clone(), Borrows::No)),
            (None, None) => Ok((Takes::One, ty.clone(), Borrows::No)),
        },
    }
}

/// What `main` has, where the flow borrows it.
fn own(reference: &TypeReference) -> Result<Type> {
    if let Some(mutability) = &reference.mutability {
        return Err(Error::new_spanned(mutability, "nobody sees what a flow writes there: take it by value or by `&`"));
    }
    if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
        let message =
            "what is given on the command line does not live as long: leave out `'static`, or take it by value";
        return Err(Error::new_spanned(lifetime, message));
    }
    Ok(match &*reference.elem {
        elem if is_named(elem, "str") => parse_quote!(::std::string::String),
        elem if is_named(elem, "Path") => parse_quote!(::std::path::PathBuf),
        elem => elem.clone(),
    })
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(TypePath { qself: None, path, .. })
        if path.segments.last().is_some_and(|last| last.ident == name && last.arguments.is_none()))
}

/// `T`, of a type that is called `NAME<T>`.
fn find_inner<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return None };
    let last = path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) if arguments.args.len() == 1 => Some(inner),
        _ => None,
    }
}

/// What documentation comments say, in a line.
fn collect_docs(attributes: &[Attribute]) -> String {
    let text = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(value) if value.path.is_ident("doc") => match &value.value {
            Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let lines: Vec<_> = attributes.iter().filter_map(text).collect();
    lines.join("\n").trim().to_owned()
}

fn emit(item: &ItemFn, flags: &[Flag]) -> TokenStream {
    let pipex = find_crate_path(None);
    let signature = &item.sig;
    let flow = &signature.ident;
    let about = collect_docs(&item.attrs);
    let name = flow.unraw().to_string();
    let failure = match &signature.output {
        ReturnType::Default => quote!(|_| #pipex::internal::None),
        ReturnType::Type(_, output) => emit_failure(&pipex, output),
    };
    let given = hygienic("flags");
    let described = flags.iter().map(|flag| flag.describe(&pipex));
    let locals: Vec<_> = flags.iter().map(|flag| hygienic(&format!("flag_{}", flag.parameter.unraw()))).collect();
    let values = flags.iter().enumerate().map(|(index, flag)| flag.emit_value(&given, index));
    let arguments = flags.iter().zip(&locals).map(|(flag, local)| match flag.borrows {
        Borrows::No => quote!(#local),
        Borrows::Whole => quote!(&#local),
        Borrows::Inside => quote!(#local.as_ref()),
        Borrows::Target => quote!(#local.as_deref()),
    });
    let call = quote!(#flow(#(#arguments),*));
    // Another attribute makes it one that can be called.
    let is_async = signature.asyncness.is_some()
        && item.attrs.iter().all(|attribute| is_inert(attribute) || is_flow_attribute(attribute));
    let call = if is_async { quote!(#pipex::internal::wait(#call)) } else { call };
    quote! {
        #pipex::__program! {
            fn main() -> ::std::process::ExitCode {
                #pipex::internal::program(
                    &#pipex::internal::Program { name: #name, about: #about, flags: &[#(#described),*] },
                    #failure,
                    |#given| {
                        #(let #locals = #values;)*
                        #call
                    },
                )
            }
        }
    }
}

impl Flag {
    /// What there is to know of it before it is given.
    fn describe(&self, pipex: &syn::Path) -> TokenStream {
        let Flag { name, help, .. } = self;
        let shown = name.to_uppercase().replace('-', "_");
        let takes = match (&self.takes, self.default.is_some()) {
            (Takes::One, false) => quote!(One),
            (Takes::One | Takes::Optional, _) => quote!(Optional),
            (Takes::Many, _) => quote!(Many),
            (Takes::Nothing, _) => quote!(Nothing),
        };
        let default = match &self.default {
            Some(default) if as_text(default).is_some() => quote!(#pipex::internal::FlagDefault::Text(#default)),
            Some(default) => {
                let shown = read_text(default.to_token_stream());
                quote!(#pipex::internal::FlagDefault::Shown(#shown))
            }
            None => quote!(#pipex::internal::FlagDefault::None),
        };
        quote! {
            #pipex::internal::Flag {
                name: #name,
                value: #shown,
                help: #help,
                takes: #pipex::internal::Takes::#takes,
                default: #default,
            }
        }
    }

    /// The flow's argument. What cannot be read from text is told at its type.
    fn emit_value(&self, flags: &Ident, index: usize) -> TokenStream {
        let value = &self.value;
        let call = |method: &str, arguments: TokenStream| {
            let method = Ident::new(method, Span::call_site());
            let method = respan(&quote!(#method::<#value>), start_span(value));
            quote!(#flags.#method(#arguments))
        };
        let default = self.default.as_ref().filter(|default| as_text(default).is_none());
        match (&self.takes, default) {
            (Takes::Nothing, _) => quote!(#flags.is_set(#index)),
            (Takes::Optional, _) => call("optional", quote!(#index)),
            (Takes::One, None) => call("one", quote!(#index)),
            (Takes::One, Some(default)) => call("one_or", quote!(#index, || #default)),
            (Takes::Many, None) => call("many", quote!(#index)),
            (Takes::Many, Some(default)) => call("many_or", quote!(#index, || #default)),
        }
    }
}

/// A default that is text is read as if it had been typed.
fn as_text(default: &Expr) -> Option<&syn::LitStr> {
    match default {
        Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Str(text) => Some(text),
            _ => None,
        },
        Expr::Group(group) => as_text(&group.expr),
        _ => None,
    }
}
