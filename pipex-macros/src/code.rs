//! The fingerprint of a function's code.

use proc_macro2::{Delimiter, Ident, Literal, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{LitStr, Path};
use xxhash_rust::xxh3::xxh3_128;

use crate::attributes::CodeMeta;
use crate::spans::end_span;

/// An expression for what is known of the code of a function or helper: its name, its fingerprint, which is that of `tokens`
/// with the version and the helpers that the attribute names, and its text.
pub fn emit_code(name: &Ident, tokens: TokenStream, text: String, meta: &CodeMeta, pipex: &Path) -> TokenStream {
    let version = meta.version.as_ref().map(LitStr::value);
    let own = Literal::u128_suffixed(fingerprint_tokens(tokens, version.as_deref()));
    let text = match version {
        Some(version) => format!("// version = {version:?}\n{text}"),
        None => text,
    };
    let (name, uses) = (name.unraw().to_string(), meta.uses.iter().map(|helper| emit_use(helper, pipex)));
    quote!(#pipex::internal::Code::new(#name, #own, #text, &[#(#uses),*]))
}

/// The code of a helper. What has none is told at its name: a function or a constant is imported as well, and where no type of
/// `#[helper]`'s comes with it, the glob import gives one that is no helper.
fn emit_use(helper: &Path, pipex: &Path) -> TokenStream {
    let span = end_span(helper);
    let (used, import) = (quote_spanned!(span=> PipexHelper), quote_spanned!(span=> use #helper as PipexHelper;));
    quote!(const {
        #[allow(unused_imports)]
        #import
        #[allow(unused_imports)]
        use #pipex::internal::not_a_helper::*;
        &<#used as #pipex::internal::Helper>::CODE
    })
}

/// The fingerprint of these tokens. Comments, documentation and formatting do not change it.
fn fingerprint_tokens(tokens: TokenStream, version: Option<&str>) -> u128 {
    let mut text = normalize(tokens);
    if let Some(version) = version {
        text.push('\0');
        text.push_str(version);
    }
    xxh3_128(text.as_bytes())
}

/// The tokens as text that is the same however they are formatted.
pub fn normalize(tokens: TokenStream) -> String {
    let mut text = String::new();
    write_tokens(tokens, &mut text);
    text
}

/// Writes each token with a space behind it.
fn write_tokens(tokens: TokenStream, text: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    // Whether a parenthesis that follows has arguments, and is no tuple.
    let mut is_called = false;
    while let Some(token) = tokens.next() {
        let was_called = is_called;
        is_called = match &token {
            TokenTree::Ident(name) => !KEYWORDS.contains(&name.to_string().as_str()),
            TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
            _ => false,
        };
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' && tokens.peek().is_some_and(is_documentation) => {
                tokens.next();
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("( ", ") "),
                    Delimiter::Brace => ("{ ", "} "),
                    Delimiter::Bracket => ("[ ", "] "),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                let start = text.len();
                write_tokens(group.stream(), text);
                // Where a list is broken into lines, rustfmt puts a comma behind the last item. `(a,)` is no list.
                let is_list = open != "( " || was_called || text[start..].matches(", ").count() > 1;
                if text[start..].ends_with(", ") && is_list {
                    text.truncate(text.len() - 2);
                }
                text.push_str(close);
            }
            token => {
                text.push_str(&token.to_string());
                text.push(' ');
            }
        }
    }
}

/// Those that a tuple may follow.
const KEYWORDS: [&str; 14] =
    ["as", "break", "else", "for", "if", "impl", "in", "let", "match", "move", "mut", "ref", "return", "while"];

fn is_documentation(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

#[cfg(test)]
mod tests {
    use super::fingerprint_tokens;

    fn fingerprint_text(code: &str) -> u128 {
        fingerprint_tokens(code.parse().expect("the test's tokens"), None)
    }

    #[test]
    fn formatting_and_comments_do_not_count() {
        let code = fingerprint_text("fn f(a: u32, b: u32) { g(a, b); [a, b] }");
        assert_eq!(code, fingerprint_text("fn f(\n a: u32,\n b: u32,\n) {\n // why\n g(a,b,); [a,b,] }"));
        assert_eq!(code, fingerprint_text("fn f(a: u32, b: u32) { /// of g\n g(a, b); [a, b] }"));
        assert_eq!(fingerprint_text("fn f(a: u32) { g(a) }"), fingerprint_text("fn f(\n a: u32,\n) { g(\n a,\n) }"));
    }

    #[test]
    fn code_counts() {
        assert_ne!(fingerprint_text("{ a + 1 }"), fingerprint_text("{ a + 2 }"));
        assert_ne!(fingerprint_text("(a,)"), fingerprint_text("(a)"));
        assert_ne!(fingerprint_text("return (a,)"), fingerprint_text("return (a)"));
        assert_ne!(fingerprint_text("{ a b }"), fingerprint_text("{ ab }"));
        assert_ne!(fingerprint_text("(a) b"), fingerprint_text("(a b)"));
        assert_ne!(fingerprint_text("#[cfg(a)] b"), fingerprint_text("#[cfg(c)] b"));
    }
}
