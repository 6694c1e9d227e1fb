//! `#[task(remote)]`: what other processes need to know of the function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;

use crate::signature::Kind;
use crate::task::{Emit, here, local, respanned};

impl Emit {
    /// How its output goes from process to process.
    pub fn travel(&self) -> TokenStream {
        let (pipex, output) = (&self.pipex, self.output());
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
    pub fn registered(&self) -> TokenStream {
        let (pipex, name, store, output) = (&self.pipex, &self.function.item.sig.ident, self.store(), self.output());
        let wire = local("wire");
        let values = self.function.arguments.iter().map(|argument| {
            let (ty, is_reference) = match &argument.kind {
                Kind::Reference(ty) => (ty, true),
                _ => (&argument.ty, false),
            };
            let owned = if is_reference { quote!(<#ty as #pipex::internal::Referent>::Owned) } else { quote!(#ty) };
            let parameter = argument.name.unraw().to_string();
            let parcel = match argument.named {
                false => quote!((&&&&#pipex::internal::Parcel::<#owned>::new()).open(#wire, #parameter)?),
                // Always a value: what serde does not know is told at its type.
                true => {
                    let span = here(&argument.ty);
                    let open = respanned(&quote!(#pipex::internal::open_value::<#owned>), span);
                    quote!(#open(#wire, #parameter)?)
                }
            };
            match (argument.named, is_reference) {
                (false, _) => parcel,
                (true, false) => quote!(#parcel.value(#parameter)?),
                (true, true) => quote!(#parcel.shared::<#ty>(#parameter)?),
            }
        });
        quote! {
            #[allow(unused_imports)]
            const _: () = {
                use #pipex::internal::{OpenMany as _, OpenOne as _, OpenOutput as _, OpenOutputs as _, OpenPlace as _};
                #pipex::internal::inventory::submit!(#pipex::internal::Registered::new(
                    &TASK,
                    |#wire| #pipex::internal::Ok(#pipex::internal::called(#name(#(#values),*))),
                    || #pipex::internal::any_store::<#output>((#store)()),
                ));
            };
        }
    }
}
