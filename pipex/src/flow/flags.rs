//! A flow's parameters as flags of its program (feature `cli`).

use std::fmt::Display;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// A program whose `main` is a flow.
pub struct Program {
    /// The flow's.
    pub name: &'static str,
    /// What its documentation says.
    pub about: &'static str,
    /// In the order of its parameters.
    pub flags: &'static [Flag],
}

/// A parameter, as a flag.
pub struct Flag {
    /// Without `--`.
    pub name: &'static str,
    /// What help calls its value.
    pub value: &'static str,
    /// What it is.
    pub help: &'static str,
    /// How many values it takes.
    pub takes: Takes,
    /// What it is if it is not given.
    pub default: FlagDefault,
}

/// How many values a flag takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// One, and it has to be there.
    One,
    /// One, or none.
    Optional,
    /// One after the other.
    Many,
    /// It is there or not.
    Nothing,
}

/// What a flag is that is not given.
#[derive(Clone, Copy)]
pub enum FlagDefault {
    /// Nothing.
    None,
    /// This, as if it had been typed.
    Text(&'static str),
    /// A value that is written so.
    Shown(&'static str),
}

/// What can be read from an argument of the command line.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be read from the command line",
    label = "it has no `FromStr`, or one whose error can't be shown"
)]
pub trait FromFlag: Sized {
    #[doc(hidden)]
    fn from_flag(text: &str) -> Result<Self, String>;
}

impl<T: FromStr<Err: Display>> FromFlag for T {
    fn from_flag(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: T::Err| error.to_string())
    }
}

/// What was typed.
pub struct Flags<'p> {
    program: &'p Program,
    matches: ArgMatches,
}

impl Program {
    fn command(&self) -> Command {
        let flags = self.flags.iter().map(Flag::to_arg);
        let about = (!self.about.is_empty()).then_some(self.about);
        let command = Command::new(self.name).args(flags);
        let command = match about {
            Some(about) => command.about(about.lines().next().unwrap_or(about)).long_about(about),
            None => command,
        };
        if cfg!(feature = "remote") {
            command.after_help("`pipex help`, in place of all flags, says which commands pipex adds")
        } else {
            command
        }
    }

    /// Reads the command line; what is wrong with it, or asks for help, ends the process.
    pub(crate) fn parse(&self) -> Flags<'_> {
        Flags { program: self, matches: self.command().get_matches() }
    }
}

impl Flag {
    fn to_arg(&self) -> Arg {
        let default = match self.default {
            FlagDefault::Shown(default) => format!("[default: {default}]"),
            FlagDefault::None | FlagDefault::Text(_) => String::new(),
        };
        let help = format!("{} {default}", self.help);
        let help = Some(help.trim().to_owned()).filter(|help| !help.is_empty());
        let arg = Arg::new(self.name).long(self.name);
        let arg = match help {
            Some(help) => arg.help(help),
            None => arg,
        };
        let arg = match self.takes {
            Takes::Nothing => return arg.action(ArgAction::SetTrue),
            Takes::One => arg.required(true),
            Takes::Optional => arg,
            Takes::Many => arg.action(ArgAction::Append).num_args(1..),
        };
        let arg = arg.value_name(self.value).allow_negative_numbers(true);
        match self.default {
            FlagDefault::Text(default) => arg.default_value(default),
            FlagDefault::None | FlagDefault::Shown(_) => arg,
        }
    }
}

impl Flags<'_> {
    fn parse<T: FromFlag>(&self, flag: &Flag, text: &str) -> T {
        T::from_flag(text).unwrap_or_else(|error| {
            let Flag { name, value, .. } = flag;
            let message = format!("invalid value '{text}' for '--{name} <{value}>': {error}");
            self.program.command().error(ErrorKind::ValueValidation, message).exit()
        })
    }

    /// Of a flag with this number: whether it was given.
    pub fn is_set(&self, flag: usize) -> bool {
        self.matches.get_flag(self.program.flags[flag].name)
    }

    /// Its value, if it was given.
    pub fn optional<T: FromFlag>(&self, flag: usize) -> Option<T> {
        let flag = &self.program.flags[flag];
        self.matches.get_one::<String>(flag.name).map(|text| self.parse(flag, text))
    }

    /// Its value.
    pub fn one<T: FromFlag>(&self, flag: usize) -> T {
        self.optional(flag).unwrap_or_else(|| {
            let message = format!("'--{}' is missing", self.program.flags[flag].name);
            self.program.command().error(ErrorKind::MissingRequiredArgument, message).exit()
        })
    }

    /// Its value, or this one.
    pub fn one_or<T: FromFlag>(&self, flag: usize, default: impl FnOnce() -> T) -> T {
        self.optional(flag).unwrap_or_else(default)
    }

    /// Its values.
    pub fn many<T: FromFlag>(&self, flag: usize) -> Vec<T> {
        self.many_or(flag, Vec::new)
    }

    /// Its values, or these.
    pub fn many_or<T: FromFlag>(&self, flag: usize, default: impl FnOnce() -> Vec<T>) -> Vec<T> {
        let flag = &self.program.flags[flag];
        let texts = self.matches.get_many::<String>(flag.name);
        texts.map_or_else(default, |texts| texts.map(|text| self.parse(flag, text)).collect())
    }
}
