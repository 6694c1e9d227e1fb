//! Where generated code stands: the compiler shows a mistake there, and reads names as the user's or as its own.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// The span of the first of these tokens, with the names and the lints of generated code.
pub fn start_span(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    first.resolved_at(Span::mixed_site())
}

/// The span of the last.
pub fn end_span(tokens: &impl ToTokens) -> Span {
    let last = tokens.to_token_stream().into_iter().last();
    last.map_or_else(Span::call_site, |token| token.span()).resolved_at(Span::mixed_site())
}

/// The same tokens, shown elsewhere.
pub fn respan(tokens: &impl ToTokens, span: Span) -> TokenStream {
    let respan_token = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    tokens.to_token_stream().into_iter().map(respan_token).collect()
}

/// A name that the user's code does not see.
pub fn hygienic(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
