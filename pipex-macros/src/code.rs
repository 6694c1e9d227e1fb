//! The fingerprint of a function's code.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use xxhash_rust::xxh3::xxh3_128;

/// The fingerprint of these tokens. Comments, documentation and formatting do not change it.
pub fn fingerprint(tokens: TokenStream) -> u128 {
    let mut text = String::new();
    write(tokens, &mut text);
    xxh3_128(text.as_bytes())
}

/// Writes each token with a space behind it.
fn write(tokens: TokenStream, text: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
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
                write(group.stream(), text);
                // Where a list is broken into lines, rustfmt puts a comma behind the last item. `(a,)` is no list.
                if text[start..].ends_with(", ") && (open != "( " || text[start..].matches(", ").count() > 1) {
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

fn is_documentation(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    fn of(code: &str) -> u128 {
        fingerprint(code.parse().expect("the test's tokens"))
    }

    #[test]
    fn formatting_and_comments_do_not_count() {
        let code = of("fn f(a: u32, b: u32) { g(a, b); [a, b] }");
        assert_eq!(code, of("fn f(\n a: u32,\n b: u32,\n) {\n // why\n g(a,b,); [a,b,] }"));
        assert_eq!(code, of("fn f(a: u32, b: u32) { /// of g\n g(a, b); [a, b] }"));
    }

    #[test]
    fn code_counts() {
        assert_ne!(of("{ a + 1 }"), of("{ a + 2 }"));
        assert_ne!(of("(a,)"), of("(a)"));
        assert_ne!(of("{ a b }"), of("{ ab }"));
        assert_ne!(of("(a) b"), of("(a b)"));
        assert_ne!(of("#[cfg(a)] b"), of("#[cfg(c)] b"));
    }
}
