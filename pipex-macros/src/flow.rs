//! `#[flow]`: the function as it is, with a flow run around its body.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{FnArg, ItemFn, LitStr, Pat, PatIdent, PatType, Path, Receiver, Result, ReturnType, Type, parse_quote};

use crate::attributes::FlowMeta;
use crate::crate_path::find_crate_path;
use crate::lifetimes::has_impl_trait;
use crate::mistakes::Mistakes;
use crate::signature;
use crate::spans::{hygienic, respan, start_span};
use crate::task::{emit_inspections, emit_type_hint};

pub fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    process(arguments, item.clone()).unwrap_or_else(|error| signature::emit_unchanged(item, &error))
}

fn process(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut mistakes = Mistakes::default();
    let item = signature::parse_item_fn(item, "flow")?;
    signature::refuse_qualifiers(&item.sig, "flow", &mut mistakes);
    for input in &item.sig.inputs {
        let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(Receiver { attrs, .. })) = input;
        if let Some(mark) = attrs.iter().find(|attribute| attribute.path().is_ident("arg")) {
            let message =
                "`#[arg]` is a flag of the program whose `main` is this flow: write `#[pipex::main]` above `#[flow]`";
            mistakes.refuse(mark, message);
        }
    }
    let meta = mistakes.ok_or_add(FlowMeta::parse(arguments)).unwrap_or_default();
    mistakes.into_result().map(|()| emit(&meta, &item))
}

fn emit(meta: &FlowMeta, item: &ItemFn) -> TokenStream {
    let ItemFn { attrs: attributes, vis: visibility, sig: signature, block, .. } = item;
    let pipex = find_crate_path(meta.krate.clone());
    let name = meta.name.as_ref().map_or_else(|| signature.ident.unraw().to_string(), LitStr::value);
    let path = match &meta.path {
        Some(path) => {
            // What is no path is told at the expression.
            let borrow = respan(&quote!(&), start_span(path));
            quote!(#pipex::internal::Some(#pipex::internal::path(#borrow (#path))))
        }
        None => quote!(#pipex::internal::None),
    };
    let stale = meta.stale.as_ref().map(|stale| quote!(.stale(#pipex::Stale::#stale)));
    let fail_fast = meta.fail_fast.then(|| quote!(.fail_fast()));
    let output: Type = match &signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    let named = !has_impl_trait(&output);
    let [run, error, value] = ["run", "error", "value"].map(|name| Ident::new(name, Span::mixed_site()));
    // How a task's failure that nobody asked for becomes the flow's own.
    let carry = if named {
        quote! {
            |#error, #value| {
                #[allow(unused_imports)]
                use #pipex::internal::{CannotCarry as _, CarryError as _};
                (&#pipex::internal::FlowResult::<#output>::new()).carry(#error, #value)
            }
        }
    } else {
        quote!(#pipex::internal::cannot_carry)
    };
    let failure = emit_failure(&pipex, &output);
    let parameters: Vec<_> = signature.inputs.iter().filter_map(find_name).collect();
    let names = parameters.iter().map(|name| name.unraw().to_string());
    let visitor = hygienic("visitor");
    let inspected = parameters.iter().map(|name| (quote!(#pipex::internal::plain(&#name)), name.span()));
    let inspected = emit_inspections(&pipex, &visitor, false, inspected);
    let finish = if signature.asyncness.is_some() {
        let hint = named.then(|| emit_type_hint(&pipex, &output));
        let statements = &block.stmts;
        quote!(#run.finish_async(#carry, #failure, async move { #hint #(#statements)* }).await)
    } else {
        let output = named.then(|| quote!(-> #output));
        quote!(#run.finish(#carry, #failure, move || #output #block))
    };
    quote! {
        #(#attributes)*
        #visibility #signature {
            let #run = #pipex::internal::start(
                {
                    static FLOW: #pipex::internal::Flow =
                        #pipex::internal::Flow::new(#name, ::core::module_path!(), ::core::file!(), ::core::line!())
                            .package(::core::option_env!("CARGO_PKG_VERSION"))
                            #stale #fail_fast;
                    &FLOW
                },
                #path,
                &[#(#names),*],
                |#visitor| { #inspected },
            );
            #finish
        }
    }
}

/// What tells of a result of this type whether it is an error, and of what.
pub fn emit_failure(pipex: &Path, output: &Type) -> TokenStream {
    if has_impl_trait(output) {
        return quote!(|_| #pipex::internal::None);
    }
    let value = hygienic("value");
    quote! {
        |#value| {
            #[allow(unused_imports)]
            use #pipex::internal::{
                TellBoxed as _, TellCauses as _, TellError as _, TellNothing as _, TellShared as _,
            };
            (&&&&#pipex::internal::FlowResult::<#output>::new()).failure(#value)
        }
    }
}

/// The name of a parameter that has one.
fn find_name(input: &FnArg) -> Option<&Ident> {
    match input {
        FnArg::Typed(PatType { pat, .. }) => match &**pat {
            Pat::Ident(PatIdent { ident, subpat: None, .. }) => Some(ident),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}
