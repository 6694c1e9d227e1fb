//! From the text of a template to its parts, as tinytemplate reads it.

use std::ops::Range;

use syn::{Error, LitStr, Path};

use crate::field::{ParameterField, ParsedField};

pub enum ParsedTemplate {
    /// Text and fields alone.
    Plain(Vec<ParsedPart>),
    /// With blocks, comments or formatters: tinytemplate fills it. Each field once, with its name.
    Blocks { text: String, fields: Vec<(String, ParsedField)> },
    /// A constant, which the compiler reads: text and fields that are no parameters.
    Constant(Path),
}

#[derive(Debug, PartialEq, Eq)]
pub enum ParsedPart {
    Text(String),
    Field(ParsedField),
}

impl ParsedTemplate {
    pub fn parse(literal: &LitStr, parameters: &[String]) -> syn::Result<Self> {
        let text = literal.value();
        parse_template(&text, parameters).map_err(|mistake| {
            // A part of a literal can be pointed at only where each of its bytes is one of the text.
            let token = literal.token();
            let span = (token.to_string() == format!("\"{text}\""))
                .then(|| token.subspan(mistake.at.start + 1..mistake.at.end + 1))
                .flatten();
            Error::new(span.unwrap_or(literal.span()), mistake.message)
        })
    }

    /// That of a task whose arguments have no digest, and which says nothing of its target.
    pub fn by_base() -> Self {
        let field = ParsedPart::Field;
        let slash = || ParsedPart::Text("/".to_owned());
        ParsedTemplate::Plain(vec![
            field(ParsedField::Path),
            slash(),
            field(ParsedField::Funcname),
            slash(),
            field(ParsedField::Base),
        ])
    }

    /// What any filled target ends in.
    pub fn literal_end(&self) -> &str {
        match self {
            ParsedTemplate::Plain(parts) => match parts.last() {
                Some(ParsedPart::Text(text)) => text,
                _ => "",
            },
            ParsedTemplate::Blocks { text, .. } => text.rsplit('}').next().unwrap_or_default(),
            ParsedTemplate::Constant(_) => "",
        }
    }

    /// The fields that it names.
    fn fields(&self) -> Vec<&ParsedField> {
        match self {
            ParsedTemplate::Plain(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    ParsedPart::Field(field) => Some(field),
                    ParsedPart::Text(_) => None,
                })
                .collect(),
            ParsedTemplate::Blocks { fields, .. } => fields.iter().map(|(_, field)| field).collect(),
            ParsedTemplate::Constant(_) => Vec::new(),
        }
    }

    /// What it names of parameters.
    pub fn parameter_fields(&self) -> impl Iterator<Item = &ParameterField> {
        self.fields().into_iter().filter_map(|field| match field {
            ParsedField::Parameter(field) => Some(field),
            _ => None,
        })
    }

    /// Whether it names the arguments as a whole.
    pub fn names_args(&self) -> bool {
        self.fields().contains(&&ParsedField::Args)
    }
}

#[derive(Debug)]
struct Mistake {
    at: Range<usize>,
    message: String,
}

fn parse_template(text: &str, parameters: &[String]) -> Result<ParsedTemplate, Mistake> {
    if text.is_empty() {
        let message = "the template is empty: write text and fields, such as \"{path}/{funcname}/{base}\"".to_owned();
        return Err(Mistake { at: 0..0, message });
    }
    let mut parser = TemplateParser {
        text,
        at: 0,
        parameters,
        parts: Vec::new(),
        fields: Vec::new(),
        renamed: Vec::new(),
        blocks: false,
        open: Vec::new(),
        trim: false,
    };
    while parser.at < text.len() {
        parser.parse_next()?;
    }
    if let Some(block) = parser.open.pop() {
        let message = format!("`{}` has no end: write `{{{{ endif }}}}` there", &text[block.at.clone()]);
        return Err(Mistake { at: block.at, message });
    }
    Ok(if parser.blocks {
        ParsedTemplate::Blocks { text: parser.rename(), fields: parser.fields }
    } else {
        ParsedTemplate::Plain(join_texts(parser.parts))
    })
}

/// Neighbouring texts as one, and none that is empty.
fn join_texts(parts: Vec<ParsedPart>) -> Vec<ParsedPart> {
    let mut joined = Vec::with_capacity(parts.len());
    for part in parts {
        match (joined.last_mut(), part) {
            (_, ParsedPart::Text(text)) if text.is_empty() => {}
            (Some(ParsedPart::Text(before)), ParsedPart::Text(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    joined
}

/// Reads what tinytemplate's compiler reads, tag by tag.
struct TemplateParser<'a> {
    text: &'a str,
    at: usize,
    parameters: &'a [String],
    parts: Vec<ParsedPart>,
    fields: Vec<(String, ParsedField)>,
    /// Where fields stand that tinytemplate cannot look up, and what it looks up instead.
    renamed: Vec<(Range<usize>, String)>,
    /// Whether there is more than text and fields.
    blocks: bool,
    /// The blocks that have not ended, the innermost last.
    open: Vec<OpenIf>,
    /// Whether the next text loses its leading whitespace.
    trim: bool,
}

/// An `{{ if }}`, up to its end.
struct OpenIf {
    at: Range<usize>,
    has_else: bool,
}

impl<'a> TemplateParser<'a> {
    fn parse_next(&mut self) -> Result<(), Mistake> {
        let start = self.at;
        let rest = &self.text[start..];
        if rest.starts_with("{#") {
            self.blocks = true;
            self.trim = false;
            let comment = self.take_tag("{#", "#}")?.trim();
            self.trim = comment.ends_with('-');
            Ok(())
        } else if rest.starts_with("{{") {
            self.blocks = true;
            let block = self.take_tag("{{", "}}")?;
            let block = self.trim_tag(block);
            let at = start..self.at;
            self.parse_block(block, at.clone()).map_err(|message| Mistake { at, message })
        } else if rest.starts_with('{') {
            let tag = self.take_tag("{", "}")?;
            let value = self.trim_tag(tag);
            self.parse_value(value).map_err(|message| Mistake { at: start..self.at, message })
        } else {
            self.parse_text()
        }
    }

    /// What stands between the delimiters, which must be on one line.
    fn take_tag(&mut self, open: &str, close: &str) -> Result<&'a str, Mistake> {
        let inside = &self.text[self.at + open.len()..];
        let line = inside.split('\n').next().unwrap_or(inside);
        let Some(length) = line.find(close) else {
            let message =
                format!("`{open}` is not closed: write `{close}` on the same line, or `\\{{` for a brace itself");
            return Err(Mistake { at: self.at..self.at + open.len(), message });
        };
        self.at += open.len() + length + close.len();
        Ok(&inside[..length])
    }

    /// A tag without its whitespace. A `-` at its ends takes away the whitespace around it as well.
    fn trim_tag(&mut self, tag: &'a str) -> &'a str {
        let mut tag = tag.trim();
        if let Some(after) = tag.strip_prefix('-') {
            tag = after.trim();
            if let Some(ParsedPart::Text(text)) = self.parts.last_mut() {
                text.truncate(text.trim_end().len());
            }
        }
        let before = tag.strip_suffix('-');
        self.trim = before.is_some();
        before.map_or(tag, str::trim)
    }

    fn parse_value(&mut self, value: &'a str) -> Result<(), String> {
        let (name, formatter) = match value.split_once('|') {
            Some((name, formatter)) => (name.trim(), Some(formatter.trim())),
            None => (value, None),
        };
        match formatter {
            Some("unescaped") => self.blocks = true,
            Some(formatter) => return Err(format!("there is no formatter `{formatter}`; there is: unescaped")),
            None => {}
        }
        let field = self.parse_field(name)?;
        self.parts.push(ParsedPart::Field(field));
        Ok(())
    }

    fn parse_block(&mut self, block: &'a str, at: Range<usize>) -> Result<(), String> {
        let word = block.split_whitespace().next().unwrap_or(block);
        let rest = block[word.len()..].trim();
        match word {
            "if" => {
                // tinytemplate takes any condition that starts with `not` for a negation, and the letter behind it for a space.
                let condition = match rest.strip_prefix("not") {
                    Some(negated) => match negated.strip_prefix(' ') {
                        Some(condition) if !condition.starts_with(char::is_whitespace) => condition,
                        _ => {
                            return Err(format!(
                                "`if {rest}` would be read as a negation: write `if not field`, with one space; a parameter \
                             whose name starts with `not` needs another name here"
                            ));
                        }
                    },
                    None => rest,
                };
                self.parse_field(condition)?;
                self.open.push(OpenIf { at, has_else: false });
                Ok(())
            }
            "else" | "endif" if !rest.is_empty() => {
                Err(format!("`{rest}` stands behind `{word}`: write `{{{{ {word} }}}}`"))
            }
            "else" => match self.open.last_mut() {
                Some(block) if !block.has_else => {
                    block.has_else = true;
                    Ok(())
                }
                Some(_) => Err("this is the second `{{ else }}` of one `{{ if }}`: leave one out".to_owned()),
                None => Err("there is no `{{ if }}` before this `{{ else }}`".to_owned()),
            },
            "endif" => match self.open.pop() {
                Some(_) => Ok(()),
                None => Err("there is no `{{ if }}` before this `{{ endif }}`".to_owned()),
            },
            _ if rest.is_empty() && ParsedField::parse(word, self.parameters).is_ok() => {
                Err(format!("a field has one brace: write `{{{word}}}`"))
            }
            _ => Err(format!(
                "there is no block `{{{{ {word} }}}}`: a template has values, and {{{{ if }}}} .. {{{{ else }}}} .. {{{{ endif }}}}"
            )),
        }
    }

    fn parse_field(&mut self, name: &'a str) -> Result<ParsedField, String> {
        let field = ParsedField::parse(name, self.parameters)?;
        let known = self.fields.iter().position(|(_, known)| *known == field);
        let number = known.unwrap_or(self.fields.len());
        if known.is_none() {
            let is_path = !matches!(&field, ParsedField::Parameter(field) if !field.is_bare());
            // No parameter is called that.
            self.fields.push((if is_path { name.to_owned() } else { format!("${number}") }, field.clone()));
        }
        if self.fields[number].0 != name {
            let start = name.as_ptr() as usize - self.text.as_ptr() as usize;
            self.renamed.push((start..start + name.len(), self.fields[number].0.clone()));
        }
        Ok(field)
    }

    /// The text with names that tinytemplate can look up.
    fn rename(&self) -> String {
        let mut text = self.text.to_owned();
        for (at, name) in self.renamed.iter().rev() {
            text.replace_range(at.clone(), name);
        }
        text
    }

    /// Text up to the next brace. A `\` before the brace escapes it.
    fn parse_text(&mut self) -> Result<(), Mistake> {
        let rest = &self.text[self.at..];
        let mut length = rest.find('{').unwrap_or(rest.len());
        let mut text = rest[..length].to_owned();
        if self.trim {
            text = text.trim_start().to_owned();
            self.trim = false;
        }
        while text.ends_with('\\') {
            text.pop();
            if length == rest.len() {
                let at = self.text.len() - 1..self.text.len();
                let message = "a `\\` at the end escapes nothing: leave it out".to_owned();
                return Err(Mistake { at, message });
            }
            // Kept apart: trimming goes back to the escaped brace and no further.
            self.parts.push(ParsedPart::Text(text));
            let end = rest[length + 1..].find('{').map_or(rest.len(), |next| length + 1 + next);
            text = rest[length..end].to_owned();
            length = end;
        }
        self.parts.push(ParsedPart::Text(text));
        self.at += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tinytemplate::TinyTemplate;

    use super::*;

    /// One that was read, to compare: constants are not.
    #[derive(Debug, PartialEq)]
    enum Read {
        Plain(Vec<ParsedPart>),
        Blocks { text: String, fields: Vec<(String, ParsedField)> },
    }

    fn parse(text: &str) -> Result<Read, String> {
        match parse_template(text, &["station".to_owned(), "month".to_owned(), "note".to_owned()]) {
            Ok(ParsedTemplate::Plain(parts)) => Ok(Read::Plain(parts)),
            Ok(ParsedTemplate::Blocks { text, fields }) => Ok(Read::Blocks { text, fields }),
            Ok(ParsedTemplate::Constant(_)) => unreachable!("its text is not seen"),
            Err(mistake) => Err(mistake.message),
        }
    }

    fn text(text: &str) -> ParsedPart {
        ParsedPart::Text(text.to_owned())
    }

    fn parameter(name: &str) -> ParsedField {
        field(name, &[], "")
    }

    fn field(name: &str, members: &[&str], spec: &str) -> ParsedField {
        let members = members.iter().map(|&member| member.to_owned()).collect();
        ParsedField::Parameter(ParameterField { name: name.to_owned(), members, spec: spec.to_owned() })
    }

    #[test]
    fn text_and_fields() {
        let parts = vec![
            ParsedPart::Field(ParsedField::Path),
            text("/"),
            ParsedPart::Field(ParsedField::Funcname),
            text("/"),
            ParsedPart::Field(ParsedField::Base),
        ];
        assert_eq!(parse("{path}/{funcname}/{base}"), Ok(Read::Plain(parts)));
        assert_eq!(parse("a"), Ok(Read::Plain(vec![text("a")])));
        let parts = vec![
            ParsedPart::Field(parameter("station")),
            ParsedPart::Field(ParsedField::Env("HOME".into())),
            ParsedPart::Field(ParsedField::Now("year".into())),
        ];
        assert_eq!(parse("{ station }{env.HOME}{now.year}"), Ok(Read::Plain(parts)));
    }

    #[test]
    fn parameters_have_fields_and_formats() {
        for (template, expected) in [
            ("{month:02}", field("month", &[], "02")),
            ("{ month : >4 }", field("month", &[], " >4")),
            ("{station.name}", field("station", &["name"], "")),
            ("{station.place.0.type:.2}", field("station", &["place", "0", "type"], ".2")),
            ("{note:?}", field("note", &[], "?")),
            ("{month:_>+#08.3e}", field("month", &[], "_>+#08.3e")),
            ("{month:^4}", field("month", &[], "^4")),
            ("{month:X?}", field("month", &[], "X?")),
        ] {
            assert_eq!(parse(template), Ok(Read::Plain(vec![ParsedPart::Field(expected)])), "{template}");
        }
    }

    /// tinytemplate looks up other names, each for one field.
    #[test]
    fn blocks_have_them_too() {
        let template =
            "{{ if station.wet }}{month:02}{{ else }}{ month:02 }{month}{{ endif }}{station.wet | unescaped}";
        let text = "{{ if $0 }}{$1}{{ else }}{ $1 }{month}{{ endif }}{$0 | unescaped}".to_owned();
        let fields =
            [("$0", field("station", &["wet"], "")), ("$1", field("month", &[], "02")), ("month", parameter("month"))];
        let fields = fields.map(|(name, field)| (name.to_owned(), field)).to_vec();
        assert_eq!(parse(template), Ok(Read::Blocks { text, fields }));
    }

    /// What the parts give is what tinytemplate gives.
    #[test]
    fn reads_as_tinytemplate_does() {
        for template in [
            "a {- station -} b",
            "a { station } b",
            "a \\{ b",
            "a  \\{- station} b {station}",
            "\\{{station}",
            "a\\\\{station}",
            "{station -}  \\{  {- station}",
            "a  {-station-}  {station-}  b",
            "a } b",
            "{station}}",
            "  a  ",
            "{station -}\n b",
        ] {
            let mut tinytemplate = TinyTemplate::new();
            tinytemplate.add_template("", template).expect("a template of this test");
            let values = std::collections::HashMap::from([("station", "EWR")]);
            let expected = tinytemplate.render("", &values).expect("a template of this test");
            let Ok(Read::Plain(parts)) = parse(template) else { panic!("{template} is plain") };
            let filled: String = parts
                .into_iter()
                .map(|part| if let ParsedPart::Text(text) = part { text } else { "EWR".to_owned() })
                .collect();
            assert_eq!(filled, expected, "{template}");
        }
    }

    /// Who fills them reads all that is let through here.
    #[test]
    fn tinytemplate_reads_any_blocks() {
        let tags = ["{{ if month }}", "{{ if not station }}", "{{- else -}}", "{{ endif }}"];
        let mut read = 0;
        for number in 0..tags.len().pow(6) {
            let tag = |place: u32| tags[number / tags.len().pow(place) % tags.len()];
            let template: String = (0..6).flat_map(|place| [tag(place), " \\{ {note}"]).collect();
            if parse(&template).is_ok() {
                read += 1;
                let compiled = TinyTemplate::new().add_template("", &template).map_err(|error| error.to_string());
                assert_eq!(compiled, Ok(()), "{template}");
            }
        }
        assert_eq!(read, 52);
    }

    #[test]
    fn blocks_name_each_field_once() {
        let template = "{path}/{{ if not month }}{station}{{ else }}{station}-{month | unescaped}{{ endif }}{# why #}";
        let fields = [("path", ParsedField::Path), ("month", parameter("month")), ("station", parameter("station"))];
        let fields = fields.map(|(name, field)| (name.to_owned(), field)).to_vec();
        assert_eq!(parse(template), Ok(Read::Blocks { text: template.to_owned(), fields }));
    }

    #[test]
    fn what_is_refused() {
        for (template, expected) in [
            ("", "empty"),
            ("{path}/{", "not closed"),
            ("{path", "not closed"),
            ("{path\n}", "not closed"),
            ("{{ if path }", "not closed"),
            ("{# a", "not closed"),
            ("{#}", "not closed"),
            ("{}", "needs a name"),
            ("{ - }", "needs a name"),
            ("{statoin}", "no field `statoin`"),
            ("{month:}", "no format that is known"),
            ("{month:width$}", "no format that is known"),
            ("{month:.*}", "no format that is known"),
            ("{month:.}", "no format that is known"),
            ("{month:02q}", "no format that is known"),
            ("{month:p}", "no format that is known"),
            ("{month:<<<4}", "no format that is known"),
            ("{path:>4}", "only parameters"),
            ("{now.day:>4}", "only parameters"),
            ("{moth:04}", "no field `moth`"),
            ("{station.}", "more than a parameter"),
            ("{station..name}", "more than a parameter"),
            ("{station.len()}", "more than a parameter"),
            ("{station[0]}", "more than a parameter"),
            ("{station.self}", "more than a parameter"),
            ("{station.00}", "more than a parameter"),
            ("{station name}", "more than a parameter"),
            ("{env.}", "no field"),
            ("{env.A.B}", "no field"),
            ("{now.week}", "no field"),
            ("{@root}", "no field"),
            ("{station | upper}", "no formatter `upper`"),
            ("{{station}}", "one brace"),
            ("{{ for s in station }}{{ endfor }}", "no block"),
            ("{{ call other with station }}", "no block"),
            ("{{ with station as s }}{{ endwith }}", "no block"),
            ("{{}}", "no block"),
            ("{{ if month }}a", "`{{ if month }}` has no end"),
            ("{{ if month }}{{ if station }}a{{ endif }}", "`{{ if month }}` has no end"),
            ("{{ if month }}{{ if station }}a{{ else }}", "`{{ if station }}` has no end"),
            ("a{{ endif }}", "no `{{ if }}` before this `{{ endif }}`"),
            ("{{ if month }}{{ endif }}{{ else }}", "no `{{ if }}` before this `{{ else }}`"),
            ("{{ if month }}{{ else }}{{ else }}{{ endif }}", "second `{{ else }}`"),
            ("{{ if month }}a{{ endif month }}", "`month` stands behind `endif`"),
            ("{{ if note }}a{{ endif }}", "negation"),
            ("{{ if not }}a{{ endif }}", "negation"),
            ("{{ if not  note }}a{{ endif }}", "negation"),
            ("{{ if }}a{{ endif }}", "needs a name"),
            ("a\\", "escapes nothing"),
        ] {
            let message = parse(template).expect_err(template);
            assert!(message.contains(expected), "{template}: {message}");
        }
    }
}
