//! The page: what it is made of, and what it shows. `pipex report` writes it with all of its data; `pipex ui` serves it, and the
//! data as it asks for them.

mod facts;
mod feed;
mod output;
#[cfg(feature = "ui")]
mod target;

use std::fmt::Write as _;

use serde::Serialize;

pub use self::facts::{Earlier, Overview, Standing};
pub use self::feed::{Feed, Update};
#[cfg(feature = "ui")]
pub use self::output::picture_type;
pub use self::output::{Limits, Preview};
#[cfg(feature = "ui")]
pub use self::target::{TargetFacts, read_picture};
use crate::CommandError;
use crate::graph::escape_markup;
use crate::print::{escape_json, make_visible};

const HTML: &str = include_str!("../../assets/page.html");
pub const STYLE: &str = include_str!("../../assets/style.css");

/// The modules that the page's scripts import, by the names that they import them by.
pub const MODULES: [(&str, &str); 12] = [
    ("dagre", include_str!("../../assets/vendor/dagre.esm.js")),
    ("dom", include_str!("../../assets/dom.js")),
    ("source", include_str!("../../assets/source.js")),
    ("model", include_str!("../../assets/model.js")),
    ("runs", include_str!("../../assets/runs.js")),
    ("graph", include_str!("../../assets/graph.js")),
    ("tasks", include_str!("../../assets/tasks.js")),
    ("timeline", include_str!("../../assets/timeline.js")),
    ("task", include_str!("../../assets/task.js")),
    ("output", include_str!("../../assets/output.js")),
    ("status", include_str!("../../assets/status.js")),
    ("main", include_str!("../../assets/main.js")),
];

/// What stands in the page besides its markup.
pub struct Page<'p> {
    pub title: &'p str,
    /// What only this page knows, so that no other script runs in it.
    pub nonce: &'p str,
    /// The header `Content-Security-Policy`, where no server says it.
    pub policy: Option<&'p str>,
    /// Where the style sheet is; in the page, if this is `None`.
    pub style: Option<&'p str>,
    /// Where a module is.
    pub module: &'p dyn Fn(&str, &str) -> String,
    /// The page's data, as JSON.
    pub data: String,
}

impl Page<'_> {
    pub fn render(&self) -> Result<String, CommandError> {
        let nonce = escape_markup(self.nonce);
        let policy = self.policy.map_or_else(String::new, |policy| {
            format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", escape_markup(policy))
        });
        let style = match self.style {
            Some(address) => format!("<link rel=\"stylesheet\" href=\"{}\">", escape_markup(address)),
            None => format!("<style nonce=\"{nonce}\">\n{STYLE}</style>"),
        };
        let imports: serde_json::Map<String, serde_json::Value> =
            MODULES.iter().map(|(name, text)| ((*name).to_owned(), (self.module)(name, text).into())).collect();
        let imports = embed(&serde_json::json!({ "imports": imports }))?;
        let mut page = String::new();
        // What is filled in is not looked through for places to fill.
        let mut rest = HTML;
        while let Some((before, found)) = rest.split_once("{{") {
            let (name, after) = found.split_once("}}").unwrap_or((found, ""));
            let value: &str = match name {
                "title" => &escape_markup(&make_visible(self.title)),
                "nonce" => &nonce,
                "policy" => &policy,
                "style" => &style,
                "imports" => &imports,
                _ => &self.data,
            };
            let _ = write!(page, "{before}{value}");
            rest = after;
        }
        Ok(page + rest)
    }
}

/// JSON for a `script` element, which ends where `</script` stands.
pub fn embed(value: &impl Serialize) -> Result<String, CommandError> {
    Ok(escape_json(&serde_json::to_string(value)?).replace('<', "\\u003c"))
}

/// So many random digits.
pub fn draw_secret() -> Result<String, CommandError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|source| CommandError::Random { source })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
