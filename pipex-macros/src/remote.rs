//! `#[task(remote)]`: what other processes need to know of the function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;

use crate::signature::ParameterKind;
use crate::spans::{hygienic, respan, start_span};
use crate::task::TaskEmitter;

impl TaskEmitter {
    /// How its output goes from process to process.
    pub fn emit_encoding(&self) -> TokenStream {
        let (pipex, output) = (&self.pipex, self.emit_run_type());
        if self.meta.remote.is_none() {
            return quote!(#pipex::internal::None);
        }
        quote!({
            #[allow(unused_imports)]
            use #pipex::internal::{Stays as _, Travels as _};
            (&#pipex::internal::Parcel::<#output>::new()).travel()
        })
    }

    /// How it is called in another process.
    pub fn emit_registration(&self) -> TokenStream {
        let (pipex, function, store, stores) =
            (&self.pipex, &self.function.item.sig.ident, self.emit_store(), self.emit_stores_type());
        let wire = hygienic("wire");
        let values = self.function.parameters.iter().map(|parameter| {
            let (ty, is_reference) = match &parameter.kind {
                ParameterKind::Reference(ty) => (ty, true),
                _ => (&parameter.ty, false),
            };
            let owned = if is_reference { quote!(<#ty as #pipex::internal::Referent>::Owned) } else { quote!(#ty) };
            let name = parameter.name.unraw().to_string();
            let parcel = match parameter.named {
                false => quote!((&&&&#pipex::internal::Parcel::<#owned>::new()).open(#wire, #name)?),
                // Always a value: what serde does not know is told at its type.
                true => {
                    let span = start_span(&parameter.ty);
                    let open = respan(&quote!(#pipex::internal::open_value::<#owned>), span);
                    quote!(#open(#wire, #name)?)
                }
            };
            match (parameter.named, is_reference) {
                (false, _) => parcel,
                (true, false) => quote!(#parcel.value(#name)?),
                (true, true) => quote!(#parcel.shared::<#ty>(#name)?),
            }
        });
        quote! {
            #pipex::__expect_remote!();
            #[allow(unused_imports)]
            const _: () = {
                use #pipex::internal::{OpenMany as _, OpenOne as _, OpenOutput as _, OpenOutputs as _, OpenPlace as _};
                #pipex::internal::inventory::submit!(#pipex::internal::Registered::new(
                    &TASK,
                    |#wire| #pipex::internal::Ok(#pipex::internal::called(#function(#(#values),*))),
                    || #pipex::internal::any_store::<#stores>((#store)()),
                ));
            };
        }
    }
}
