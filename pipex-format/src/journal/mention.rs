//! Which lines may be about something, by how it would stand in them: to read a line takes much longer than to look for a text in it.

use memchr::memchr2_iter;
use memchr::memmem::Finder;

/// What lines are looked for.
pub(super) struct Mentions(Vec<Finder<'static>>);

impl Mentions {
    /// Lines with a text that has one of these in it, where a `/` follows or it ends.
    pub(super) fn new(texts: &[&str]) -> Self {
        let find = |text: &&str| {
            let quoted = serde_json::Value::from(*text).to_string();
            Finder::new(&quoted[1..quoted.len() - 1]).into_owned()
        };
        Mentions(texts.iter().map(find).collect())
    }

    /// Whether this line may be one: also if it is no line, or it cannot be told without reading it.
    pub(super) fn may_be_in(&self, line: &[u8]) -> bool {
        let ends = |at: usize| matches!(line.get(at), Some(b'"' | b'/'));
        let is_in = |text: &Finder<'_>| text.find_iter(line).any(|at| ends(at + text.needle().len()));
        !is_plain(line) || self.0.iter().any(is_in)
    }
}

/// Whether the line is whole, and texts stand in it in the one way in which pipex writes them. What else writes JSON may escape more.
fn is_plain(line: &[u8]) -> bool {
    let is_odd = |at: usize| line[at] == 0 || matches!(line.get(at + 1), Some(b'u' | b'/'));
    line.starts_with(b"{\"") && line.ends_with(b"}}\n") && !memchr2_iter(0, b'\\', line).any(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_passed_over_only_if_it_cannot_mention_it() {
        let may_be_in = |text: &str, line: &str| Mentions::new(&[text]).may_be_in(format!("{line}\n").as_bytes());
        let line = |target: &str| format!(r#"{{"cached":{{"task":0,"target":{target}}}}}"#);
        let target = |target: &str| line(&serde_json::to_string(target).unwrap());
        for name in ["out/1", "out/\u{e4} \u{1f327}", "out/a \"b\"\\c", "out/\n\u{1}\u{7f}", "\"", "\\", ""] {
            assert!(may_be_in(name, &target(name)), "{name}");
            assert!(may_be_in(name, &target(&format!("/project/{name}"))), "{name}");
            assert!(may_be_in(name, &target(&format!("{name}/"))), "{name}");
            for other in ["out/2", "out/a \"b", "out/\u{e4} "] {
                assert!(name.is_empty() || !may_be_in(name, &target(other)), "{name}");
            }
        }
        assert!(!may_be_in("out/1", &target("out/10")) && may_be_in("out/1", &line(r#""out/10","b":"out/1""#)));
        // Escaped by something else, or no line at all.
        for other in [r#""out\/2""#, r#""out/\u0032""#, "\"out/2\0\""] {
            assert!(may_be_in("out/1", &line(other)), "{other}");
        }
        for other in ["", "{}", "}}", "no line"] {
            assert!(may_be_in("out/1", other), "{other}");
        }
    }
}
