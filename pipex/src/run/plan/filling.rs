//! What a plan's templates are filled with.

use super::Plan;
use crate::run::context::Moment;
use pipex_format::model::error::Result;
use pipex_format::model::target::{TargetError, TemplateField as Field, TemplateFields as Fields, push};

/// What a plan's templates are filled with.
pub(super) struct Filling<'p, 'a, R>(pub(super) &'p Plan<'a, R>);

impl<R> Fields for Filling<'_, '_, R> {
    fn write(&self, field: Field, out: &mut String) -> Result<(), TargetError> {
        let Plan { job, run, .. } = self.0;
        let missing = |advice| TargetError::Missing { field: field.to_string(), advice };
        let text = match field {
            Field::Path => run.label.path.as_deref().ok_or_else(|| {
                missing("set it with `.path(..)` on the call, `#[flow(path = ..)]`, `Config::path` or PIPEX_PATH")
            })?,
            Field::Base => run.label.base.as_deref().ok_or_else(|| {
                missing("set it with `.base(..)` on the call, or on the call whose output this one takes first")
            })?,
            Field::Funcname => run.task.funcname,
            Field::Module => run.task.module,
            Field::Flow => run.flow().map(|run| run.flow.name).ok_or_else(|| missing("call the task within a flow"))?,
            Field::Parameter(index, _) => {
                let value = job.field(index).ok_or_else(|| missing("the macro does not know it"))?;
                return push(out, field, value);
            }
            Field::Env(name) => {
                let value = std::env::var(name).map_err(|_| missing("set the environment variable, to UTF-8 text"))?;
                return push(out, field, &value);
            }
            Field::Now(part) => {
                let own = Moment::default();
                let now = run.flow().map_or(&own, |run| &run.shared.now).get_or_init(jiff::ZonedDateTime::now);
                let format = match part {
                    "date" => "%Y-%m-%d",
                    "time" => "%H-%M-%S",
                    "datetime" => "%Y-%m-%dT%H-%M-%S",
                    "year" => "%Y",
                    "month" => "%m",
                    "day" => "%d",
                    "hour" => "%H",
                    "minute" => "%M",
                    "second" => "%S",
                    _ => return Err(missing("there are date, time, datetime, year, month, day, hour, minute, second")),
                };
                return push(out, field, &now.strftime(format));
            }
        };
        out.push_str(text);
        Ok(())
    }
}
