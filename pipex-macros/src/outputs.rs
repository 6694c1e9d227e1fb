//! `#[derive(Outputs)]`: a struct whose fields are outputs of one task.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{DeriveInput, Error, Fields, Result};

use crate::arg::find_fields;
use crate::crate_path::find_crate_path;
use crate::spans::hygienic;

/// As many as a task can have.
const MOST: usize = 8;

pub fn expand(item: TokenStream) -> TokenStream {
    syn::parse2(item).and_then(|item: DeriveInput| process(&item)).unwrap_or_else(|error| error.to_compile_error())
}

fn process(item: &DeriveInput) -> Result<TokenStream> {
    let fields = match find_fields(item, "Outputs")? {
        Fields::Named(fields) => &fields.named,
        _ => {
            return Err(Error::new_spanned(
                &item.ident,
                "the outputs are called like the fields: name them, or return a tuple",
            ));
        }
    };
    if let Some(parameter) = item.generics.params.first() {
        let message = "the struct of several outputs has no parameters: write the types that its task gives";
        return Err(Error::new_spanned(parameter, message));
    }
    if fields.len() < 2 {
        let message = "one output is the task's own: have it return what is in the field";
        return Err(Error::new_spanned(&item.ident, message));
    }
    if let Some(field) = fields.iter().nth(MOST) {
        let message = format!("a task has at most {MOST} outputs: put more into one of them, or into more tasks");
        return Err(Error::new_spanned(&field.ident, message));
    }
    let pipex = find_crate_path(None);
    let (visibility, name) = (&item.vis, &item.ident);
    let outputs = format_ident!("{name}Outputs");
    let names: Vec<&Ident> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
    let texts = names.iter().map(|name| name.unraw().to_string());
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let docs = names.iter().map(|field| format!("The `{}` of a [`{name}`].", field.unraw()));
    let doc = format!("What a task that returns a [`{name}`] gives: an output for each field.");
    let [parts, visitor] = ["parts", "visitor"].map(hygienic);
    let taken: Vec<Ident> = (0..names.len()).map(|place| hygienic(&format!("part{place}"))).collect();
    Ok(quote! {
        #[doc = #doc]
        #[derive(Clone, Debug)]
        #visibility struct #outputs {
            #(#[doc = #docs] pub #names: #pipex::Output<#types>,)*
        }

        #[automatically_derived]
        impl #pipex::Outputs for #name {
            type Parts = (#(#types,)*);
            type Handles = #outputs;
            const NAMES: &'static [&'static str] = &[#(#texts),*];

            fn into_parts(self) -> Self::Parts {
                (#(self.#names,)*)
            }
        }

        #[automatically_derived]
        impl #pipex::internal::FromOutputs for #outputs {
            type Value = #name;
            type Parts = (#(#types,)*);
            type Tuple = (#(#pipex::Output<#types>,)*);

            fn from_outputs((#(#taken,)*): Self::Tuple) -> Self {
                #outputs { #(#names: #taken,)* }
            }

            fn value(#parts: Self::Parts) -> #name {
                let (#(#taken,)*) = #parts;
                #name { #(#names: #taken,)* }
            }
        }

        #[automatically_derived]
        impl #pipex::internal::HasOutputs for #outputs {
            fn visit(&self, #visitor: &mut #pipex::internal::Visitor<'_>) {
                #(#pipex::internal::HasOutputs::visit(&self.#names, #visitor);)*
            }
        }

        #[automatically_derived]
        impl #pipex::internal::PartOf<#name> for #outputs
        where
            #(#types: #pipex::internal::Clone,)*
        {
            fn into_whole(self) -> #pipex::Result<#name> {
                #pipex::internal::Ok(#name { #(#names: #pipex::internal::PartOf::into_whole(self.#names)?,)* })
            }
        }

        #[automatically_derived]
        impl #pipex::internal::IntoArg<#name> for #outputs
        where
            #(#types: #pipex::internal::Clone,)*
        {
            fn into_arg(self) -> #pipex::internal::Arg<#name> {
                #pipex::internal::gathered(self)
            }
        }

        #[automatically_derived]
        impl<'a> #pipex::internal::IntoRefArg<'a, #name> for #outputs
        where
            #(#types: #pipex::internal::Clone,)*
        {
            fn into_ref_arg(self) -> #pipex::internal::RefArg<'a, #name> {
                #pipex::internal::gathered_ref(self)
            }
        }
    })
}
