//! Templates that are constants: read when the code compiles, as those are that the macro sees.
//!
//! What is wrong with one is told where the constant is named: each function has the place of its caller.

use super::target::{Part, TemplateField};

/// The most parts of one.
const MOST: usize = 32;

const FIELDS: &str = "there is no such field in a template that is a constant: there are path, base, funcname, module, flow, args, \
                      env.NAME, now.date, now.time, now.datetime, now.year, now.month, now.day, now.hour, now.minute, now.second; \
                      parameters are named in a string, as in `target = \"{path}/{station}\"`";

/// A template that is a constant, read.
#[doc(hidden)]
pub struct ConstantTemplate {
    parts: [Part; MOST],
    count: usize,
}

impl ConstantTemplate {
    /// The parts of the template, of a task whose arguments have a digest or none.
    ///
    /// # Panics
    /// If it cannot be one: where the compiler asks for it, that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn parse(text: &'static str, has_digest: bool) -> Self {
        let mut template = ConstantTemplate { parts: [const { Part::Text("") }; MOST], count: 0 };
        assert!(
            !text.is_empty(),
            "the template is empty: write text and fields, such as \"{{path}}/{{funcname}}/{{base}}\""
        );
        let mut rest = text;
        while !rest.is_empty() {
            rest = template.parse_next(rest, has_digest);
        }
        template
    }

    /// What any target ends in that a template with this text fills to.
    #[must_use]
    pub const fn literal_end(text: &str) -> &str {
        let mut end = text;
        while let Some(at) = find(end, b'}') {
            end = end.split_at(at + 1).1;
        }
        end
    }

    /// Its parts.
    #[must_use]
    pub const fn parts(&self) -> &[Part] {
        self.parts.split_at(self.count).0
    }

    #[track_caller]
    const fn push(&mut self, part: Part) {
        assert!(self.count < MOST, "a template that is a constant has at most 32 parts: write it as a string");
        self.parts[self.count] = part;
        self.count += 1;
    }

    /// Reads one part; what follows it comes back.
    #[track_caller]
    const fn parse_next(&mut self, text: &'static str, has_digest: bool) -> &'static str {
        if text.as_bytes()[0] != b'{' {
            return self.parse_text(text);
        }
        let Some(end) = find(text, b'}') else {
            panic!("`{{` is not closed: write `}}`, or `\\\\{{` for a brace itself")
        };
        let (tag, rest) = text.split_at(end);
        let name = tag.split_at(1).1.trim_ascii();
        let is_block = name.is_empty() || matches!(name.as_bytes()[0], b'{' | b'#') || find(name, b'|').is_some();
        assert!(
            !is_block,
            "a template that is a constant has text and fields alone: write one with blocks as a string"
        );
        let field = parse_field(name);
        let has_args = has_digest || !matches!(field, TemplateField::Args);
        assert!(
            has_args,
            "`{{args}}` is a digest of the arguments, and there are none, or one is told by its address: leave it out"
        );
        self.push(Part::Field(field));
        rest.split_at(1).1
    }

    /// Text up to the next brace. A `\` before the brace escapes it.
    #[track_caller]
    const fn parse_text(&mut self, text: &'static str) -> &'static str {
        let Some(end) = find(text, b'{') else {
            let escapes = text.as_bytes()[text.len() - 1] == b'\\';
            assert!(!escapes, "a `\\` at the end escapes nothing: leave it out");
            self.push(Part::Text(text));
            return "";
        };
        if text.as_bytes()[end - 1] != b'\\' {
            let (text, rest) = text.split_at(end);
            self.push(Part::Text(text));
            return rest;
        }
        let (before, rest) = text.split_at(end);
        self.push(Part::Text(before.split_at(end - 1).0));
        // The brace itself, and the text behind it.
        let (brace, rest) = rest.split_at(1);
        self.push(Part::Text(brace));
        rest
    }
}

#[track_caller]
const fn parse_field(name: &'static str) -> TemplateField {
    match name.as_bytes() {
        b"path" => TemplateField::Path,
        b"base" => TemplateField::Base,
        b"funcname" => TemplateField::Funcname,
        b"module" => TemplateField::Module,
        b"flow" => TemplateField::Flow,
        b"args" => TemplateField::Args,
        b"now.date" | b"now.time" | b"now.datetime" | b"now.year" | b"now.month" | b"now.day" | b"now.hour"
        | b"now.minute" | b"now.second" => TemplateField::Now(name.split_at(4).1),
        [b'e', b'n', b'v', b'.', first, ..] if !first.is_ascii_digit() => {
            let variable = name.split_at(4).1;
            let mut at = 0;
            while at < variable.len() {
                let byte = variable.as_bytes()[at];
                assert!(byte.is_ascii_alphanumeric() || byte == b'_', "{}", FIELDS);
                at += 1;
            }
            TemplateField::Env(variable)
        }
        _ => panic!("{}", FIELDS),
    }
}

/// Where the byte, which is ASCII, stands first.
const fn find(text: &str, byte: u8) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        if text.as_bytes()[at] == byte {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> String {
        let template = ConstantTemplate::parse(text, true);
        let parts = template.parts().iter().map(|part| match part {
            Part::Text(text) => (*text).to_owned(),
            Part::Field(field) => format!("<{field}>"),
        });
        parts.collect()
    }

    #[test]
    fn text_and_fields() {
        assert_eq!(parse("{path}/{ base }.json"), "<path>/<base>.json");
        assert_eq!(parse("{funcname}{module}{flow}{args}"), "<funcname><module><flow><args>");
        assert_eq!(parse("{env.HOME}-{env._2}{now.date}{now.second}"), "<env.HOME>-<env._2><now.date><now.second>");
        assert_eq!(parse("a\\{b} {path} \\{\\{"), "a{b} <path> {{");
        assert_eq!(parse("Zürich} 東京"), "Zürich} 東京");
    }

    #[test]
    fn what_is_refused() {
        for (text, expected) in [
            ("", "empty"),
            ("{path", "not closed"),
            ("a\\", "escapes nothing"),
            ("{station}", "there is no such field"),
            ("{station:03}", "parameters are named in a string"),
            ("{path:>9}", "there is no such field"),
            ("{env.A.B}", "there is no such field"),
            ("{env.}", "there is no such field"),
            ("{env.1}", "there is no such field"),
            ("{now.week}", "there is no such field"),
            ("{}", "text and fields alone"),
            ("{{ if path }}a{{ endif }}", "text and fields alone"),
            ("{# a #}", "text and fields alone"),
            ("{path | unescaped}", "text and fields alone"),
        ] {
            let refused = std::panic::catch_unwind(|| parse(text)).expect_err(text);
            let message = refused.downcast_ref::<String>().cloned();
            let message = message.or_else(|| refused.downcast_ref::<&str>().map(ToString::to_string)).unwrap();
            assert!(message.contains(expected), "{text}: {message}");
        }
        std::panic::catch_unwind(|| ConstantTemplate::parse("{args}", false)).map(drop).unwrap_err();
    }

    #[test]
    fn what_it_ends_in() {
        assert_eq!(
            ["{path}/{base}.png", "{path}/{base}", "a.b"].map(ConstantTemplate::literal_end),
            [".png", "", "a.b"]
        );
    }
}
