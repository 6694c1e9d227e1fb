//! `#[main]`: the program's `main`, which pipex may end.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemFn, Result, ReturnType};

use crate::crate_path::find_crate_path;
use crate::flags;
use crate::flow::emit_failure;
use crate::mistakes::Mistakes;
use crate::signature;

pub fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    process(arguments, item.clone()).unwrap_or_else(|error| signature::emit_unchanged(item, &error))
}

fn process(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut mistakes = Mistakes::default();
    let item = signature::parse_item_fn(item, "main")?;
    if arguments.is_empty() && flags::is_flow(&item) {
        return Ok(flags::process(&item));
    }
    if !arguments.is_empty() {
        mistakes.refuse(&arguments, "`#[main]` takes no arguments: leave them out, and set what holds with `Config`");
    }
    signature::refuse_qualifiers(&item.sig, "main", &mut mistakes);
    check_signature(&item, &mut mistakes);
    mistakes.into_result().map(|()| emit(&item))
}

fn check_signature(item: &ItemFn, mistakes: &mut Mistakes) {
    let signature = &item.sig;
    if signature.ident != "main" {
        mistakes
            .refuse(&signature.ident, "`#[main]` goes on the program's `main`, or on a flow: write `#[flow]` below");
    }
    if !signature.inputs.is_empty() {
        mistakes.refuse(&signature.inputs, "`main` is given nothing: read `std::env::args()` inside, or have a flow with flags: `#[pipex::main] #[flow] fn orders(#[arg] seed: u64)`");
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        mistakes.refuse(&generics.params, "`main` can't be generic: nobody says what this stands for");
    } else if let Some(clause) = &generics.where_clause {
        mistakes.refuse(clause, "`main` can't be generic: leave out the `where` clause");
    }
    if let Some(asyncness) = &signature.asyncness
        && item.attrs.iter().all(is_inert)
    {
        mistakes.refuse(asyncness, "an async `main` needs a runtime: write `#[tokio::main]` below `#[pipex::main]`");
    }
}

/// Whether an attribute is one of the language's, which makes nothing else of the function.
pub fn is_inert(attribute: &Attribute) -> bool {
    const INERT: [&str; 12] = [
        "allow",
        "cold",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "inline",
        "must_use",
        "no_mangle",
        "track_caller",
        "warn",
    ];
    let path = attribute.path();
    INERT.iter().any(|name| path.is_ident(name))
        || path.segments.first().is_some_and(|first| first.ident == "rustfmt" || first.ident == "clippy")
}

fn emit(item: &ItemFn) -> TokenStream {
    let ItemFn { attrs: attributes, vis: visibility, sig: signature, block, .. } = item;
    let pipex = find_crate_path(None);
    // What the documentation says is said of the program; all else makes of the function what it is.
    let (docs, attributes): (Vec<_>, Vec<_>) =
        attributes.iter().partition(|attribute| attribute.path().is_ident("doc"));
    let (name, output) = (&signature.ident, &signature.output);
    let failure = match output {
        ReturnType::Default => quote!(|_| #pipex::internal::None),
        ReturnType::Type(_, output) => emit_failure(&pipex, output),
    };
    quote! {
        #(#docs)*
        #visibility fn #name() #output {
            #(#attributes)*
            #signature #block
            #pipex::internal::main(#failure, #name)
        }
    }
}
