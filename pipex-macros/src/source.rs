//! The text of a function or helper as it stands in its file, for people who compare it with another version of it.

use proc_macro2::{Span, TokenStream, TokenTree};

use crate::code::normalize;

/// The text of these tokens, with comments and line breaks; where it is not to be had, as the tokens alone would be written.
pub fn read_text(tokens: TokenStream) -> String {
    match read_source(tokens.clone()) {
        // What a `macro_rules!` has put together stands nowhere as it is: its text would be that of the macro.
        Some(text) if is_same(&text, tokens.clone()) => text,
        _ => split_statements(tokens),
    }
}

/// The text from the first token to the last, without the indentation of the first line in all others.
fn read_source(tokens: TokenStream) -> Option<String> {
    let mut text = String::new();
    let mut end: Option<Position> = None;
    let mut indentation = 0;
    for token in tokens {
        let (start, until) = find_positions(token.span())?;
        match end {
            None => indentation = start.column - 1,
            Some(end) if end.line == start.line => text.extend(fill_gap(end.column, start.column)),
            Some(_) => {
                text.push('\n');
                text.extend(fill_gap(1, start.column));
            }
        }
        text.push_str(&source_text(&token)?);
        end = Some(until);
    }
    Some(remove_indentation(&text, indentation))
}

#[derive(Clone, Copy)]
struct Position {
    line: usize,
    /// Counted from 1.
    column: usize,
}

/// Where it begins and where it ends, as far as the compiler says it.
fn find_positions(span: Span) -> Option<(Position, Position)> {
    if !proc_macro::is_available() {
        return None;
    }
    let (start, end) = (span.unwrap().start(), span.unwrap().end());
    let position = |span: proc_macro::Span| Position { line: span.line(), column: span.column() };
    Some((position(start), position(end))).filter(|(start, _)| start.column > 0)
}

/// All of a group, from its first bracket to its last.
fn source_text(token: &TokenTree) -> Option<String> {
    let span = match token {
        TokenTree::Group(group) => group.span(),
        token => token.span(),
    };
    span.source_text()
}

fn fill_gap(from: usize, to: usize) -> impl Iterator<Item = char> {
    std::iter::repeat_n(' ', to.saturating_sub(from))
}

/// Takes so many spaces from the beginning of each line, as far as there are any.
fn remove_indentation(text: &str, indentation: usize) -> String {
    let line = |line: &str| {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        line[spaces.min(indentation)..].to_owned()
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn is_same(text: &str, tokens: TokenStream) -> bool {
    text.parse().is_ok_and(|parsed| normalize(parsed) == normalize(tokens))
}

/// A line for each statement, so that two versions can be compared.
fn split_statements(tokens: TokenStream) -> String {
    let text = tokens.to_string();
    ["; ", "{ ", "} "].into_iter().fold(text, |text, end| text.replace(end, &format!("{}\n", end.trim_end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_indentation_within_the_function() {
        let text = "fn f() {\n        a();\n            b();\n    }\n";
        assert_eq!(remove_indentation(text, 4), "fn f() {\n    a();\n        b();\n}\n");
    }

    #[test]
    fn what_stands_in_no_file_has_a_line_for_each_statement() {
        let tokens: TokenStream = "fn f() { a(); b() }".parse().unwrap();
        assert_eq!(read_text(tokens).lines().count(), 3);
    }
}
