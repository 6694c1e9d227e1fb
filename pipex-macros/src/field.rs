//! The fields of a template.

/// What a template may name, before the parameters are known by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsedField {
    Path,
    Base,
    Funcname,
    Module,
    Flow,
    Parameter(String),
    Env(String),
    Now(String),
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
            _ => {}
        }
        if parameters.iter().any(|parameter| parameter == name) {
            return Ok(ParsedField::Parameter(name.to_owned()));
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
        if let Some((field, _)) = name.split_once([':', '.', '[', '('])
            && parameters.iter().any(|parameter| parameter == field)
        {
            return Err(format!(
                "`{{{name}}}` is more than a name: give what should stand there as a parameter of its own, and name that"
            ));
        }
        Err(format!("there is no field `{name}`; there are: {}", list_fields(parameters)))
    }
}

/// What may be the name of a variable of the environment, and is one step of a path to tinytemplate.
fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn list_fields(parameters: &[String]) -> String {
    let mut fields: Vec<_> = ["path", "base", "funcname", "module", "flow"].map(str::to_owned).into();
    fields.extend_from_slice(parameters);
    fields.push("env.NAME".to_owned());
    fields.extend(NOW.map(|part| format!("now.{part}")));
    fields.join(", ")
}
