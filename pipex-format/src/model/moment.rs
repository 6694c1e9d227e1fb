//! The moment that `{now}` stands for in templates.

use std::sync::{Arc, OnceLock};

use jiff::ZonedDateTime;

/// One moment for all that share it: the first at which one of them asks.
#[derive(Debug, Clone, Default)]
pub struct Moment(Arc<OnceLock<ZonedDateTime>>);

impl Moment {
    /// A part of it, as templates name it, such as `date`; `None` if there is no such part.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<impl std::fmt::Display> {
        let format = match name {
            "date" => "%Y-%m-%d",
            "time" => "%H-%M-%S",
            "datetime" => "%Y-%m-%dT%H-%M-%S",
            "year" => "%Y",
            "month" => "%m",
            "day" => "%d",
            "hour" => "%H",
            "minute" => "%M",
            "second" => "%S",
            _ => return None,
        };
        Some(self.0.get_or_init(ZonedDateTime::now).strftime(format).to_string())
    }
}
