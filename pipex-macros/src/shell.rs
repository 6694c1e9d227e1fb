//! `shell!`: the text of a command and the values in it, and one call.

use proc_macro2::{Group, Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{Error, LitStr, Token};

use crate::field::ParameterField;
use crate::shell_syntax::{Lexer, Stands};

pub fn expand(tokens: TokenStream) -> TokenStream {
    ShellMeta::parse.parse2(tokens).and_then(|meta| meta.emit()).unwrap_or_else(|error| error.to_compile_error())
}

/// What stands between the parentheses, behind the path of pipex, which `shell!` itself has put there.
struct ShellMeta {
    pipex: TokenStream,
    literal: LitStr,
    /// Whether what the command writes to stdout is the value.
    stdout: bool,
}

impl Parse for ShellMeta {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let pipex = input.parse::<Group>()?.stream();
        let write = "write the command as a text: `shell!(\"sort {input} > {to}\")`; being part of the function's text, it is part \
                     of what its outputs are made by";
        if input.is_empty() {
            return Err(input.error(write));
        }
        let at = input.span();
        let literal = input.parse::<LitStr>().map_err(|_| Error::new(at, write))?;
        let mut stdout = false;
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let at = input.span();
            stdout = input.parse::<Ident>().is_ok_and(|name| name == "stdout");
            let _: Option<Token![,]> = input.parse()?;
            if !stdout || !input.is_empty() {
                let message = "behind the command may stand `stdout`, for what it writes there as the value; values of variables \
                               stand within: `{name}`";
                return Err(Error::new(at, message));
            }
        }
        if literal.value().trim().is_empty() {
            return Err(Error::new(literal.span(), "there is no command: write one, such as `sort {input} > {to}`"));
        }
        Ok(ShellMeta { pipex, literal, stdout })
    }
}

impl ShellMeta {
    fn emit(&self) -> syn::Result<TokenStream> {
        let ShellMeta { pipex, literal, stdout } = self;
        let ParsedScript { pieces, fields } = parse_script(&literal.value()).map_err(|mistake| {
            let token = literal.token();
            // As it stands only where nothing in it is escaped.
            let span = (token.to_string() == format!("\"{}\"", literal.value()))
                .then(|| token.subspan(mistake.at.start + 1..mistake.at.end + 1))
                .flatten();
            Error::new(span.unwrap_or(literal.span()), mistake.message)
        })?;
        let span = literal.span();
        let fields = fields.into_iter().map(|(field, stands)| {
            // The user's, wherever pipex's own names are.
            let variable = find_variable(&field.name, span);
            let members = field.members(span);
            let own = span.resolved_at(Span::mixed_site());
            // What cannot stand in a command is told at its text.
            let words = if field.spec.is_empty() {
                let value = quote_spanned!(own=> &#variable #(.#members)*);
                quote_spanned!(own=> (&&&#pipex::internal::ShellValue(#value)).words())
            } else {
                let mut format = Literal::string(&format!("{{:{}}}", field.spec));
                format.set_span(span);
                quote_spanned!(own=> ::std::vec![::std::format!(#format, #variable #(.#members)*).into()])
            };
            let stands = match stands {
                Stands::Alone => quote!(Alone),
                Stands::WithinQuotes => quote!(WithinQuotes),
            };
            quote_spanned!(own=> #pipex::internal::ShellField::#stands(#words))
        });
        let function = if *stdout { quote!(read_shell) } else { quote!(run_shell) };
        Ok(quote! {{
            #[allow(unused_imports)]
            use #pipex::internal::{WordsAsTyped as _, WordsByDisplay as _, NoWords as _};
            #pipex::internal::#function(&[#(#pieces),*], ::std::vec![#(#fields),*])
        }})
    }
}

/// A command with gaps: before each field stands a piece of text, and one behind all.
#[derive(Debug, Default, PartialEq)]
struct ParsedScript {
    pieces: Vec<String>,
    fields: Vec<(ParameterField, Stands)>,
}

#[derive(Debug)]
struct Mistake {
    /// The bytes that it is about.
    at: std::ops::Range<usize>,
    message: String,
}

fn parse_script(text: &str) -> Result<ParsedScript, Mistake> {
    let (mut script, mut piece, mut lexer) = (ParsedScript::default(), String::new(), Lexer::default());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            '{' | '}' if rest.starts_with(c) => at += 1,
            '{' => {
                let length = rest.find(['}', '\n']).filter(|end| rest[*end..].starts_with('}'));
                let end = length.unwrap_or(0);
                let mistake = |message| Mistake { at: at..at + end + 2, message };
                let Some(length) = length else {
                    let message = "this `{` is not closed: a brace that is the shell's own is doubled, `{{` and `}}`";
                    return Err(Mistake { at: at..at + 1, message: message.to_owned() });
                };
                let name = rest[..length].trim();
                let field = parse_field(name).map_err(mistake)?;
                script.fields.push((field, lexer.field(name).map_err(mistake)?));
                script.pieces.push(std::mem::take(&mut piece));
                at += length + 2;
                continue;
            }
            '}' => {
                let message = "this `}` closes nothing: a brace that is the shell's own is doubled, `{{` and `}}`";
                return Err(Mistake { at: at..at + 1, message: message.to_owned() });
            }
            _ => {}
        }
        lexer.read(c);
        piece.push(c);
        at += c.len_utf8();
    }
    script.pieces.push(piece);
    Ok(script)
}

/// `name`, `name.field`, `name:format`.
fn parse_field(text: &str) -> Result<ParameterField, String> {
    let (path, spec) = match text.split_once(':') {
        Some((path, spec)) => (path.trim_end(), Some(spec)),
        None => (text, None),
    };
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    match find_variable(&path[..end], Span::call_site()) {
        None if text.is_empty() => {
            Err("`{}` names no variable: write `{name}`; braces that are the shell's own are doubled: `{{}}`".into())
        }
        None => Err(not_a_field(text, "names no variable")),
        Some(_) => ParameterField::parse(path, end, spec)
            .map_err(|_| not_a_field(text, "is neither a variable nor one with fields and a format")),
    }
}

fn not_a_field(text: &str, problem: &str) -> String {
    format!(
        "`{{{text}}}` {problem}: braces that are the shell's own are doubled, `{{{{{text}}}}}`; a value has a name, such as \
         `{{input}}` or `{{params.rate}}`"
    )
}

/// The variable of this name.
fn find_variable(name: &str, span: Span) -> Option<Ident> {
    if name == "self" {
        return Some(Ident::new(name, span));
    }
    let mut variable: Ident = syn::parse_str(name).or_else(|_| syn::parse_str(&format!("r#{name}"))).ok()?;
    variable.set_span(span);
    Some(variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With each field as it goes into the command.
    fn parse(text: &str) -> Result<String, String> {
        let ParsedScript { pieces, fields } = parse_script(text).map_err(|mistake| mistake.message)?;
        let (first, pieces) = pieces.split_first().unwrap();
        let fields = fields.iter().zip(pieces).map(|((field, stands), piece)| {
            let name = field.text();
            let name = if *stands == Stands::Alone { format!("<{name}>") } else { format!("[{name}]") };
            name + piece
        });
        Ok(first.to_owned() + &fields.collect::<String>())
    }

    #[test]
    fn a_field_is_a_word_or_stands_in_what_is_quoted() {
        for (text, expected) in [
            ("sort -@ {threads} {input} > {to}", "sort -@ <threads> <input> > <to>"),
            ("{ a }/{b.c.0}.txt", "<a>/<b.c.0>.txt"),
            ("{self.x} {type} {day:03}", "<self.x> <type> <day:03>"),
            (r#"a "{b}/c" {d}"#, r#"a "[b]/c" <d>"#),
            (r#"a "\"{b}" '"' {c}"#, r#"a "\"[b]" '"' <c>"#),
            (r#""$(basename {a} "{b}") {c}""#, r#""$(basename <a> "[b]") [c]""#),
            (r#""`basename {a}` {b}" {c}"#, r#""`basename <a>` [b]" <c>"#),
            ("awk '{{print $1}}' {a}", "awk '{print $1}' <a>"),
            ("echo ${{HOME}} {a}", "echo ${HOME} <a>"),
            ("echo it\\'s {a}", "echo it\\'s <a>"),
            ("# it's {a}\nb {c}", "# it's [a]\nb <c>"),
            ("a#'{{'", "a#'{'"),
            ("echo $'it\\'s' {a}", "echo $'it\\'s' <a>"),
            ("cat <<EOF\nit's {a}\nEOF\nb {c}", "cat <<EOF\nit's [a]\nEOF\nb <c>"),
            ("cat <<-E <<'F'\n{a} $(b {c})\n\tE\n'\nF\n{d}", "cat <<-E <<'F'\n[a] $(b <c>)\n\tE\n'\nF\n<d>"),
            ("cat <<<{a} {b}", "cat <<<<a> <b>"),
            ("x=$((1<<2)); a {b}", "x=$((1<<2)); a <b>"),
            ("(a {b}); c", "(a <b>); c"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, expected) in [
            ("a {", "not closed"),
            ("a {b\n}", "not closed"),
            ("a }", "closes nothing"),
            ("find . -exec a {} +", "`{{}}`"),
            ("awk '{print $1}' {a}", "`{{print $1}}`"),
            ("cp a.{bam,bai} b", "`{{bam,bai}}`"),
            ("a {n:three}", "is neither"),
            ("a {n+1}", "is neither"),
            ("f() {  b; }", "`{{b;}}`"),
            ("a ${HOME}/b", "`${{HOME}}`"),
            ("a '{b}'", "single quotes"),
            ("a $'{b}'", "single quotes"),
            ("cat <<'EOF'\n{a}\nEOF", "here-document"),
            ("head -n $(( {n} * 4 ))", "computes"),
            ("echo \\{a}", "`\\`"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
