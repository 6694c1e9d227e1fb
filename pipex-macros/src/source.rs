//! The text of a function or helper as it stands in its file, for people who compare it with another version of it.

use proc_macro2::{Span, TokenStream, TokenTree};

use crate::code::without_formatting;

/// The text of these tokens, with comments and line breaks; where it is not to be had, as the tokens alone would be written.
pub fn text(tokens: TokenStream) -> String {
    match written(tokens.clone()) {
        // What a `macro_rules!` has put together stands nowhere as it is: its text would be that of the macro.
        Some(text) if is_same(&text, tokens.clone()) => text,
        _ => put_together(tokens),
    }
}

/// The text from the first token to the last, without the indentation of the first line in all others.
fn written(tokens: TokenStream) -> Option<String> {
    let mut text = String::new();
    let mut end: Option<Place> = None;
    let mut indentation = 0;
    for token in tokens {
        let (start, until) = places(token.span())?;
        match end {
            None => indentation = start.column - 1,
            Some(end) if end.line == start.line => text.extend(gap(end.column, start.column)),
            Some(_) => {
                text.push('\n');
                text.extend(gap(1, start.column));
            }
        }
        text.push_str(&source_text(&token)?);
        end = Some(until);
    }
    Some(without_indentation(&text, indentation))
}

#[derive(Clone, Copy)]
struct Place {
    line: usize,
    /// Counted from 1.
    column: usize,
}

/// Where it begins and where it ends, as far as the compiler says it.
fn places(span: Span) -> Option<(Place, Place)> {
    if !proc_macro::is_available() {
        return None;
    }
    let (start, end) = (span.unwrap().start(), span.unwrap().end());
    let place = |span: proc_macro::Span| Place { line: span.line(), column: span.column() };
    Some((place(start), place(end))).filter(|(start, _)| start.column > 0)
}

/// All of a group, from its first bracket to its last.
fn source_text(token: &TokenTree) -> Option<String> {
    let span = match token {
        TokenTree::Group(group) => group.span(),
        token => token.span(),
    };
    span.source_text()
}

fn gap(from: usize, to: usize) -> impl Iterator<Item = char> {
    std::iter::repeat_n(' ', to.saturating_sub(from))
}

/// Takes so many spaces from the beginning of each line, as far as there are any.
fn without_indentation(text: &str, indentation: usize) -> String {
    let line = |line: &str| {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        line[spaces.min(indentation)..].to_owned()
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn is_same(text: &str, tokens: TokenStream) -> bool {
    text.parse().is_ok_and(|parsed| without_formatting(parsed) == without_formatting(tokens))
}

/// A line for each statement, so that two versions can be compared.
fn put_together(tokens: TokenStream) -> String {
    let text = tokens.to_string();
    ["; ", "{ ", "} "].into_iter().fold(text, |text, end| text.replace(end, &format!("{}\n", end.trim_end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_indentation_within_the_function() {
        let text = "fn f() {\n        a();\n            b();\n    }\n";
        assert_eq!(without_indentation(text, 4), "fn f() {\n    a();\n        b();\n}\n");
    }

    #[test]
    fn what_stands_in_no_file_has_a_line_for_each_statement() {
        let tokens: TokenStream = "fn f() { a(); b() }".parse().unwrap();
        assert_eq!(text(tokens).lines().count(), 3);
    }
}
