//! `#[helper]`: the item as it is, and its fingerprint under the same name.

use std::mem::{replace, take};

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, Error, ImplItemFn, Item, Result, Visibility};

use crate::attributes::HelperMeta;
use crate::code;
use crate::crate_path::find_crate_path;
use crate::mistakes::Mistakes;
use crate::source;

pub fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    process(arguments, item.clone()).unwrap_or_else(|error| {
        let error = error.to_compile_error();
        quote!(#item #error)
    })
}

fn process(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut mistakes = Mistakes::default();
    let meta = mistakes.ok_or_add(HelperMeta::parse(arguments)).unwrap_or_default();
    let helper = mistakes.ok_or_add(Helper::parse(&item));
    mistakes.into_result()?;
    let helper = helper.expect("a helper that could not be read is a mistake");
    let Helper { attributes, visibility, name, code, text } = helper;
    let pipex = find_crate_path(meta.krate.clone());
    let code = code::emit_code(&name, code, source::read_text(text), &meta.code, &pipex);
    // A type of the same name: types and values have names of their own, and `use` takes both.
    Ok(quote! {
        #item
        #(#attributes)*
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #visibility enum #name {}
        #(#attributes)*
        impl #pipex::internal::Helper for #name {
            const CODE: #pipex::internal::Code = #code;
        }
    })
}

struct Helper {
    /// Those that say when the item is there.
    attributes: Vec<Attribute>,
    visibility: Visibility,
    name: Ident,
    /// What makes it what it is.
    code: TokenStream,
    /// All of it that people are shown.
    text: TokenStream,
}

impl Helper {
    fn parse(item: &TokenStream) -> Result<Self> {
        let mistake = "`#[helper]` goes on a function, a constant or a static that is not in an `impl`";
        let parsed = syn::parse2::<Item>(item.clone()).map_err(|error| {
            // A method's `self` is none of a function's.
            let method = syn::parse2::<ImplItemFn>(item.clone());
            method.map_or(error, |method| Error::new_spanned(method.sig, mistake))
        })?;
        let (attributes, visibility, name, code, text) = match parsed {
            Item::Fn(item) if item.sig.receiver().is_some() => return Err(Error::new_spanned(item.sig, mistake)),
            Item::Fn(item) => {
                let (signature, block) = (&item.sig, &item.block);
                let code = quote!(#signature #block);
                (item.attrs, item.vis, item.sig.ident, code.clone(), code)
            }
            Item::Const(mut item) => {
                let (attributes, visibility) = (take(&mut item.attrs), replace(&mut item.vis, Visibility::Inherited));
                let (ty, value) = (&item.ty, &item.expr);
                (attributes, visibility, item.ident.clone(), quote!(#ty #value), quote!(#item))
            }
            Item::Static(mut item) => {
                let (attributes, visibility) = (take(&mut item.attrs), replace(&mut item.vis, Visibility::Inherited));
                let (ty, value) = (&item.ty, &item.expr);
                (attributes, visibility, item.ident.clone(), quote!(#ty #value), quote!(#item))
            }
            item => return Err(Error::new_spanned(item, mistake)),
        };
        let is_condition = |attribute: &Attribute| attribute.path().is_ident("cfg");
        let attributes = attributes.into_iter().filter(is_condition).collect();
        Ok(Helper { attributes, visibility, name, code, text })
    }
}
