//! `#[derive(Arg)]`: a struct that holds outputs.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataStruct, DeriveInput, Error, Fields, Member, Result};

use crate::crate_path::find_crate_path;
use crate::spans::{hygienic, start_span};
use crate::task::emit_visits;

pub fn expand(item: TokenStream) -> TokenStream {
    syn::parse2(item).and_then(|item: DeriveInput| process(&item)).unwrap_or_else(|error| error.to_compile_error())
}

fn process(item: &DeriveInput) -> Result<TokenStream> {
    let fields = find_fields(item, "Arg")?;
    let pipex = find_crate_path(None);
    let (name, visitor) = (&item.ident, hygienic("visitor"));
    let (generics, arguments, conditions) = item.generics.split_for_impl();
    let fields = fields.iter().enumerate().map(|(place, field)| {
        let member = field.ident.clone().map_or_else(|| Member::from(place), Member::from);
        (quote!(#pipex::internal::plain(&self.#member)), start_span(&field.ty))
    });
    let visits = emit_visits(&pipex, &visitor, fields);
    Ok(quote! {
        #[automatically_derived]
        impl #generics #pipex::internal::HasOutputs for #name #arguments #conditions {
            fn visit(&self, #visitor: &mut #pipex::internal::Visitor<'_>) {
                #visits
            }
        }
    })
}

/// The fields of a struct; there is at least one.
pub fn find_fields<'i>(item: &'i DeriveInput, derive: &str) -> Result<&'i Fields> {
    let refuse = |what: &str| {
        Err(Error::new_spanned(&item.ident, format!("`{derive}` is derived for a struct with fields: {what}")))
    };
    match &item.data {
        Data::Struct(DataStruct { fields, .. }) if fields.is_empty() => refuse("this one has none"),
        Data::Struct(DataStruct { fields, .. }) => Ok(fields),
        Data::Enum(_) => refuse("put the enum into a field of one, or take what it holds as parameters of their own"),
        Data::Union(_) => refuse("a union does not say what it holds"),
    }
}
