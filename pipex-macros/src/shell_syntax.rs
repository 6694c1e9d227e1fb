//! How a shell reads a command, as far as it decides what a value in it has to look like.

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// Where a word may begin and end: it is quoted.
    Alone,
    /// Within double quotes, or what is like it: it goes in as it is.
    WithinQuotes,
}

/// Reads a command from its first character to its last.
#[derive(Default)]
pub struct Lexer {
    /// What surrounds the next character, innermost last; nothing where commands stand.
    around: Vec<Around>,
    /// The last two characters.
    last: [Option<char>; 2],
    /// The next one means itself.
    escaped: bool,
    /// Here-documents that begin on the next line.
    announced: Vec<Delimiter>,
}

enum Around {
    /// `'..'`.
    Single,
    /// `$'..'`.
    Escapes,
    /// `".."`.
    Double,
    /// `(..)` or `$(..)`: commands stand within.
    Parentheses,
    /// The inner ones of `((..))`.
    Arithmetic,
    Backticks,
    Comment,
    /// What comes behind `<<`.
    Delimiter(Delimiter),
    /// A here-document, with what has been read of its line.
    Document(Delimiter, String),
}

#[derive(Default)]
struct Delimiter {
    word: String,
    /// Tabs before it do not count.
    indented: bool,
    quoted: bool,
}

impl Lexer {
    /// Reads a character that stands in the command.
    pub fn read(&mut self, c: char) {
        let last = self.last;
        self.last = [last[1], Some(c)];
        if std::mem::take(&mut self.escaped) {
            return;
        }
        match self.around.last_mut() {
            Some(Around::Single) => self.end_if(c == '\''),
            Some(Around::Escapes) => {
                self.escaped = c == '\\';
                self.end_if(c == '\'');
            }
            Some(Around::Comment) => {
                if c == '\n' {
                    self.around.pop();
                    self.begin_document();
                }
            }
            Some(Around::Double) => match c {
                '"' => _ = self.around.pop(),
                '\\' => self.escaped = true,
                '`' => self.around.push(Around::Backticks),
                '(' if last[1] == Some('$') => self.around.push(Around::Parentheses),
                _ => {}
            },
            Some(Around::Document(delimiter, line)) => match c {
                '\n' => {
                    let line = std::mem::take(line);
                    let line = if delimiter.indented { line.trim_start_matches('\t') } else { &line };
                    if line == delimiter.word {
                        self.around.pop();
                        self.begin_document();
                    }
                }
                '(' if last[1] == Some('$') && !delimiter.quoted => self.around.push(Around::Parentheses),
                _ => line.push(c),
            },
            Some(Around::Delimiter(delimiter)) => match c {
                '<' if delimiter.word.is_empty() && last[1] == Some('<') => _ = self.around.pop(),
                '-' if delimiter.word.is_empty() && last[1] == Some('<') => delimiter.indented = true,
                ' ' | '\t' if delimiter.word.is_empty() => {}
                '\'' | '"' | '\\' => delimiter.quoted = true,
                _ if c.is_whitespace() || ";|&()<>".contains(c) => {
                    self.end_delimiter();
                    self.read_command(c, last);
                }
                _ => delimiter.word.push(c),
            },
            None | Some(Around::Parentheses | Around::Arithmetic | Around::Backticks) => self.read_command(c, last),
        }
    }

    /// Where commands stand.
    fn read_command(&mut self, c: char, last: [Option<char>; 2]) {
        match c {
            '\\' => self.escaped = true,
            '\'' if last[1] == Some('$') => self.around.push(Around::Escapes),
            '\'' => self.around.push(Around::Single),
            '"' => self.around.push(Around::Double),
            '`' if matches!(self.around.last(), Some(Around::Backticks)) => _ = self.around.pop(),
            '`' => self.around.push(Around::Backticks),
            '(' if last[1] == Some('(') => self.around.push(Around::Arithmetic),
            '(' => self.around.push(Around::Parentheses),
            ')' => self.end_if(matches!(self.around.last(), Some(Around::Parentheses | Around::Arithmetic))),
            '#' if last[1].is_none_or(|last| last.is_whitespace() || ";|&(".contains(last)) => {
                self.around.push(Around::Comment);
            }
            '<' if last[1] == Some('<') && last[0] != Some('<') && !self.computes() => {
                self.around.push(Around::Delimiter(Delimiter::default()));
            }
            '\n' => self.begin_document(),
            _ => {}
        }
    }

    /// Where a value of this name that comes next stands; else why it cannot stand there.
    pub fn field(&mut self, name: &str) -> Result<Stands, String> {
        if self.escaped {
            return Err(format!(
                "a `\\` before `{{{name}}}` would be the value's: leave it out; a brace that is the shell's own is doubled, `{{{{`"
            ));
        }
        if self.last[1] == Some('$') {
            return Err(format!(
                "`${{{name}}}` would be a `$` and the value of the Rust variable: the shell's own is `${{{{{name}}}}}`"
            ));
        }
        if self.computes() {
            return Err(format!(
                "`{{{name}}}` stands where the shell computes and would read it as code: compute it in Rust, and write the \
                 result"
            ));
        }
        if matches!(self.around.last(), Some(Around::Delimiter(_))) {
            self.end_delimiter();
        }
        self.last = [None, Some('}')];
        match self.around.last_mut() {
            Some(Around::Single | Around::Escapes) => Err(format!(
                "`{{{name}}}` stands within single quotes, where a shell replaces nothing: leave these out, a value is quoted by \
                 itself; braces that are the shell's own are doubled: `{{{{{name}}}}}`"
            )),
            Some(Around::Document(delimiter, _)) if delimiter.quoted => Err(format!(
                "`{{{name}}}` stands in a here-document with a quoted delimiter, where a shell replaces nothing: write `<<{word}`, \
                 or double the braces: `{{{{{name}}}}}`",
                word = delimiter.word
            )),
            Some(Around::Document(_, line)) => {
                line.push('}');
                Ok(Stands::WithinQuotes)
            }
            Some(Around::Double | Around::Comment) => Ok(Stands::WithinQuotes),
            _ => Ok(Stands::Alone),
        }
    }

    fn computes(&self) -> bool {
        self.around.iter().any(|around| matches!(around, Around::Arithmetic))
    }

    fn end_if(&mut self, ends: bool) {
        if ends {
            self.around.pop();
        }
    }

    fn end_delimiter(&mut self) {
        if let Some(Around::Delimiter(delimiter)) = self.around.pop()
            && !delimiter.word.is_empty()
        {
            self.announced.push(delimiter);
        }
    }

    fn begin_document(&mut self) {
        if !self.announced.is_empty() {
            let delimiter = self.announced.remove(0);
            self.around.push(Around::Document(delimiter, String::new()));
        }
    }
}
