//! What an output has, as the page shows it: a part of a table, a text, a picture.

use pipex_format::store::StoreResult;
use serde::Serialize;
use serde_json::Value;

use crate::project::{Project, Target};
use crate::show::DecodedOutput;

/// What an output has.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Preview {
    Nothing,
    Table {
        columns: Vec<String>,
        rows: Vec<Vec<Value>>,
        offset: usize,
        /// How many rows there are in all, if that is known.
        total: Option<usize>,
    },
    Text {
        text: String,
        /// How many bytes of it are not shown.
        more: usize,
    },
    Picture,
    Files {
        names: Vec<String>,
    },
    /// Only the program can read it.
    Bytes {
        bytes: u64,
    },
    /// A page is not to take all of the memory.
    Large {
        bytes: u64,
    },
}

/// What is larger is not shown.
const MAX_BYTES: u64 = 64 << 20;
/// So much of a text is shown.
const MAX_TEXT: usize = 256 << 10;

/// The type of a picture, by its name's extension.
pub fn picture_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

impl Preview {
    pub(super) fn read(project: &Project, target: &Target, offset: usize, rows: usize) -> StoreResult<Self> {
        let location = target.location();
        let Some(store) = project.store(target).listing.as_deref() else { return Ok(Preview::Nothing) };
        let Some(entry) = store.entry(&location)? else { return Ok(Preview::Nothing) };
        let bytes = entry.bytes.max(entry.expanded.unwrap_or(0));
        if bytes > MAX_BYTES {
            return Ok(Preview::Large { bytes });
        }
        if picture_type(&target.name).is_some() {
            return Ok(Preview::Picture);
        }
        let until = offset.saturating_add(rows);
        Ok(match DecodedOutput::read(project, target, Some(&entry), until)? {
            DecodedOutput::Nothing => Preview::Nothing,
            DecodedOutput::Bytes(bytes) => Preview::Bytes { bytes: bytes as u64 },
            DecodedOutput::Files(names) => Preview::Files { names },
            DecodedOutput::Value(value) => Preview::of_value(value, offset, rows)?,
            #[cfg(feature = "parquet")]
            DecodedOutput::Table(table) => {
                let cells = |row: &serde_json::Map<String, Value>| {
                    table.columns.iter().map(|column| row.get(column).cloned().unwrap_or_default()).collect()
                };
                let total = (!table.has_more).then_some(table.rows.len());
                let rows = table.rows.iter().skip(offset).map(cells).collect();
                Preview::Table { columns: table.columns, rows, offset, total }
            }
            DecodedOutput::Text(text) => {
                let name = target.name.strip_suffix(".zst").unwrap_or(&target.name);
                if name.ends_with(".csv")
                    && let Some(table) = Preview::of_csv(&text, offset, rows)
                {
                    return Ok(table);
                }
                match serde_json::from_str(&text) {
                    Ok(value) if name.ends_with(".json") => Preview::of_value(value, offset, rows)?,
                    _ => Preview::of_text(text),
                }
            }
        })
    }

    fn of_text(mut text: String) -> Self {
        let end = text.floor_char_boundary(MAX_TEXT);
        let more = text.len() - end;
        text.truncate(end);
        Preview::Text { text, more }
    }

    /// A list is a table, with a column for each name in these rows; what else there is, a text.
    fn of_value(value: Value, offset: usize, rows: usize) -> StoreResult<Self> {
        let all = match value {
            Value::Array(all) if !all.is_empty() => all,
            value => return Ok(Preview::of_text(serde_json::to_string_pretty(&value)?)),
        };
        let total = Some(all.len());
        let shown: Vec<Value> = all.into_iter().skip(offset).take(rows).collect();
        let mut columns: Vec<String> = Vec::new();
        for name in shown.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys) {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        if shown.iter().any(|row| !row.is_object()) {
            columns = vec!["value".to_owned()];
            return Ok(Preview::Table {
                columns,
                rows: shown.into_iter().map(|row| vec![row]).collect(),
                offset,
                total,
            });
        }
        let cells = |row: &Value| columns.iter().map(|column| row.get(column).cloned().unwrap_or_default()).collect();
        let rows = shown.iter().map(cells).collect();
        Ok(Preview::Table { columns, rows, offset, total })
    }

    fn of_csv(text: &str, offset: usize, rows: usize) -> Option<Self> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let columns = reader.headers().ok()?.iter().map(str::to_owned).collect();
        let mut shown = Vec::new();
        let mut total = 0;
        for record in reader.records() {
            let record = record.ok()?;
            if (offset..offset.saturating_add(rows)).contains(&total) {
                shown.push(record.iter().map(Value::from).collect());
            }
            total += 1;
        }
        Some(Preview::Table { columns, rows: shown, offset, total: Some(total) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(preview: Preview) -> (Vec<String>, Vec<Vec<Value>>, Option<usize>) {
        let Preview::Table { columns, rows, total, .. } = preview else { panic!("{preview:?}") };
        (columns, rows, total)
    }

    #[test]
    fn rows_of_a_list_and_of_lines_are_counted_and_shown_in_part() {
        let value = json!([{ "a": 1 }, { "a": 2, "b": "x" }, { "b": null }]);
        let (columns, rows, total) = table(Preview::of_value(value, 1, 1).unwrap());
        assert_eq!((columns, rows, total), (vec!["a".into(), "b".into()], vec![vec![json!(2), json!("x")]], Some(3)));
        let (columns, rows, total) = table(Preview::of_value(json!([1, "x"]), 0, 9).unwrap());
        assert_eq!((columns, rows, total), (vec!["value".into()], vec![vec![json!(1)], vec![json!("x")]], Some(2)));
        let (columns, rows, total) = table(Preview::of_csv("a,b\n1,\"x\ny\"\n2,z,3\n", 1, 5).unwrap());
        let row = vec![json!("2"), json!("z"), json!("3")];
        assert_eq!((columns, rows, total), (vec!["a".into(), "b".into()], vec![row], Some(2)));
    }
}
