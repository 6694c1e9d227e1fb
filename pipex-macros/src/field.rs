//! The fields of a template.

use proc_macro2::{Ident, Span};
use syn::{Index, Member};

/// What a template may name, before the parameters are known by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsedField {
    Path,
    Base,
    Funcname,
    Module,
    Flow,
    Args,
    Parameter(ParameterField),
    Env(String),
    Now(String),
}

/// A parameter, or something in it, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterField {
    /// The parameter.
    pub name: String,
    /// The fields on the way to it: `params.lr` has `lr`.
    pub members: Vec<String>,
    /// The format, as `format!` knows it; empty if there is none.
    pub spec: String,
}

const NOW: [&str; 9] = ["date", "time", "datetime", "year", "month", "day", "hour", "minute", "second"];

impl ParsedField {
    /// The field of this name; else what is wrong with it.
    pub fn parse(name: &str, parameters: &[String]) -> Result<Self, String> {
        match name {
            "" => return Err(format!("a field needs a name; there are: {}", list_fields(parameters))),
            "path" => return Ok(ParsedField::Path),
            "base" => return Ok(ParsedField::Base),
            "funcname" => return Ok(ParsedField::Funcname),
            "module" => return Ok(ParsedField::Module),
            "flow" => return Ok(ParsedField::Flow),
            "args" => return Ok(ParsedField::Args),
            _ => {}
        }
        if let Some(variable) = name.strip_prefix("env.")
            && is_identifier(variable)
        {
            return Ok(ParsedField::Env(variable.to_owned()));
        }
        if let Some(part) = name.strip_prefix("now.")
            && NOW.contains(&part)
        {
            return Ok(ParsedField::Now(part.to_owned()));
        }
        let (path, spec) = match name.split_once(':') {
            Some((path, spec)) => (path.trim_end(), Some(spec)),
            None => (name, None),
        };
        let end = path.find(['.', '[', '(', ' ']).unwrap_or(path.len());
        if !parameters.iter().any(|parameter| *parameter == path[..end]) {
            return Err(match spec {
                Some(_) if ParsedField::parse(path, &[]).is_ok() => {
                    format!("only parameters have a format: write `{{{path}}}`")
                }
                _ => format!("there is no field `{path}`; there are: {}", list_fields(parameters)),
            });
        }
        ParameterField::parse(path, end, spec)
            .map(ParsedField::Parameter)
            .map_err(|problem| format!("`{{{name}}}` {problem}"))
    }
}

impl ParameterField {
    /// The parameter's name ends at `end`.
    pub fn parse(path: &str, end: usize, spec: Option<&str>) -> Result<Self, &'static str> {
        let (name, rest) = path.split_at(end);
        let members: Vec<_> = rest.split('.').skip(1).map(str::to_owned).collect();
        if !rest.is_empty() && (!rest.starts_with('.') || members.iter().any(|member| find_member(member).is_none())) {
            return Err(
                "is more than a parameter, its fields and a format: give what should stand there as a parameter of \
                        its own, and name that",
            );
        }
        if spec.is_some_and(|spec| !is_format(spec)) {
            return Err(
                "has no format that is known here: write one as `format!` has them, such as `{day:03}` or `{rate:.2}`",
            );
        }
        Ok(ParameterField { name: name.to_owned(), members, spec: spec.unwrap_or_default().to_owned() })
    }

    /// As it stands in the template.
    pub fn text(&self) -> String {
        let mut text = self.name.clone();
        for member in &self.members {
            text.push('.');
            text.push_str(member);
        }
        if !self.spec.is_empty() {
            text.push(':');
            text.push_str(&self.spec);
        }
        text
    }

    /// Whether it is the parameter itself, as it shows itself.
    pub fn is_bare(&self) -> bool {
        self.members.is_empty() && self.spec.is_empty()
    }

    /// The fields on the way to it, each where `span` says.
    pub fn members(&self, span: Span) -> impl Iterator<Item = Member> {
        self.members.iter().filter_map(find_member).map(move |mut member| {
            match &mut member {
                Member::Named(name) => name.set_span(span),
                Member::Unnamed(index) => index.span = span,
            }
            member
        })
    }
}

/// The field of a struct or a tuple with this name.
fn find_member(name: impl AsRef<str>) -> Option<Member> {
    let name = name.as_ref();
    let number = name.parse().ok().filter(|number: &u32| number.to_string() == name);
    let named = || syn::parse_str::<Ident>(name).or_else(|_| syn::parse_str(&format!("r#{name}"))).map(Member::Named);
    number.map_or_else(|| named().ok(), |number| Some(Member::Unnamed(Index::from(number as usize))))
}

/// Whether it is what `format!` takes behind a colon, with numbers that are written out: whether the type has it, rustc says.
fn is_format(spec: &str) -> bool {
    const ALIGN: [char; 3] = ['<', '^', '>'];
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut rest = spec;
    if let Some(filled) = spec.chars().next().and_then(|fill| spec.strip_prefix(fill)?.strip_prefix(ALIGN)) {
        rest = filled;
    } else {
        rest = rest.strip_prefix(ALIGN).unwrap_or(rest);
    }
    rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    rest = rest.strip_prefix('#').unwrap_or(rest);
    let numbers = rest.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '?');
    let (width, precision) = match numbers.split_once('.') {
        Some((width, precision)) => (width, Some(precision)),
        None => (numbers, None),
    };
    !spec.is_empty()
        && (width.is_empty() || is_number(width))
        && precision.is_none_or(is_number)
        && ["", "?", "x?", "X?", "o", "x", "X", "b", "e", "E"].contains(&&rest[numbers.len()..])
}

/// What may be the name of a variable of the environment, and is one step of a path to tinytemplate.
fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn list_fields(parameters: &[String]) -> String {
    let mut fields: Vec<_> = ["path", "base", "funcname", "module", "flow", "args"].map(str::to_owned).into();
    fields.extend_from_slice(parameters);
    fields.push("env.NAME".to_owned());
    fields.extend(NOW.map(|part| format!("now.{part}")));
    fields.join(", ")
}
