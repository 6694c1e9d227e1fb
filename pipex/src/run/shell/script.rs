//! A command with the values in it: as a shell reads it, and as people do.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use super::ShellError;

/// A value in a command.
pub enum ShellField {
    /// Words of their own.
    Alone(Vec<OsString>),
    /// Part of what is quoted.
    WithinQuotes(Vec<OsString>),
}

/// The text for the shell has variables where values are, so that none of them is ever code. They are its first parameters, which
/// it puts into variables that its functions and programs do not see.
pub(super) struct Script {
    pub(super) text: String,
    pub(super) values: Vec<OsString>,
    /// The command with its values, as one would write it.
    pub(super) shown: String,
}

impl Script {
    pub(super) fn new(pieces: &[&str], fields: Vec<ShellField>) -> Result<Self, ShellError> {
        let (mut text, mut values, mut shown) = (String::new(), Vec::new(), String::new());
        let mut fields = fields.into_iter();
        for piece in pieces {
            text.push_str(piece);
            shown.push_str(piece);
            match fields.next() {
                Some(ShellField::Alone(words)) => {
                    for (number, word) in words.into_iter().enumerate() {
                        let space = if number == 0 { "" } else { " " };
                        let _ = write!(text, "{space}\"$pipex_{}\"", values.len() + 1);
                        let _ = write!(shown, "{space}{}", quote(&word.to_string_lossy()));
                        values.push(word);
                    }
                }
                Some(ShellField::WithinQuotes(words)) => {
                    let _ = write!(text, "${{pipex_{}}}", values.len() + 1);
                    let joined = words.join(OsStr::new(" "));
                    shown.push_str(&joined.to_string_lossy());
                    values.push(joined);
                }
                None => {}
            }
        }
        if values.iter().any(|value| value.as_bytes().contains(&0)) {
            return Err(ShellError::Nul { command: shown });
        }
        // It begins when it is told to, and not if nobody is left who would.
        let mut beginning = "read -r _; exec < /dev/null; ".to_owned();
        (1..=values.len()).for_each(|number| _ = write!(beginning, "pipex_{number}=${{{number}}}; "));
        let text = format!("{beginning}shift {}; {text}", values.len());
        Ok(Script { text, values, shown })
    }
}

/// A word as it is written in a command.
fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "%+,-./:=@_".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Text for people: nothing in it is a command to a terminal.
pub(super) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control() || "\n\t".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_variables_for_the_shell_and_quoted_for_people() {
        let fields = vec![
            ShellField::Alone(vec!["a".into(), "it's".into()]),
            ShellField::WithinQuotes(vec!["b c".into()]),
            ShellField::Alone(Vec::new()),
        ];
        let script = Script::new(&["cat ", " \"", ".txt\" ", ""], fields).unwrap();
        assert_eq!(
            script.text,
            "read -r _; exec < /dev/null; pipex_1=${1}; pipex_2=${2}; pipex_3=${3}; shift 3; cat \"$pipex_1\" \"$pipex_2\" \"${pipex_3}.txt\" "
        );
        assert_eq!(script.values, ["a", "it's", "b c"]);
        assert_eq!(script.shown, r#"cat a 'it'\''s' "b c.txt" "#);
    }
}
