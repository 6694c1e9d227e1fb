//! Where the generated code finds pipex.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span};
use syn::{Path, parse_quote};

/// The path that the user gave, or that of the crate in the user's `Cargo.toml`, which may have renamed it.
pub fn find_crate_path(given: Option<Path>) -> Path {
    given.unwrap_or_else(|| match crate_name("pipex") {
        Ok(FoundCrate::Name(name)) => {
            let name = Ident::new(&name, Span::call_site());
            parse_quote!(::#name)
        }
        Ok(FoundCrate::Itself) | Err(_) => parse_quote!(::pipex),
    })
}
