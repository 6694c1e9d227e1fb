//! What an output has, as the page shows it: a part of a table, a text, a picture.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pipex_format::store::StoreResult;
use serde::Serialize;
use serde_json::Value;

use crate::project::Project;
use crate::show::DecodedOutput;
use crate::targets::Target;

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
    Picture {
        /// Its address, if it is not asked for by itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<String>,
    },
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

/// How much of an output is shown.
#[derive(Clone, Copy)]
pub struct Limits {
    /// What takes more bytes is not.
    pub bytes: u64,
    pub rows: usize,
    /// The bytes of a text.
    pub text: usize,
    /// The bytes of a picture that is part of the page, and not asked for by itself.
    pub picture: Option<u64>,
}

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
    /// Of a table, the rows from this one.
    pub fn read(project: &Project, target: Target<'_>, offset: usize, limits: Limits) -> StoreResult<Self> {
        let rows = limits.rows;
        let location = target.location();
        let Some(store) = project.store(target).listing.as_deref() else { return Ok(Preview::Nothing) };
        let Some(entry) = store.entry(&location)? else { return Ok(Preview::Nothing) };
        let bytes = entry.bytes.max(entry.expanded.unwrap_or(0));
        let picture = picture_type(target.name());
        if bytes > picture.and(limits.picture).unwrap_or(limits.bytes) {
            return Ok(Preview::Large { bytes });
        }
        if let Some(picture) = picture {
            let address = |payload: Vec<u8>| format!("data:{picture};base64,{}", BASE64_STANDARD.encode(payload));
            let payload = limits.picture.map(|_| store.payload(&location)).transpose()?;
            return Ok(Preview::Picture { data: payload.map(address) });
        }
        let until = offset.saturating_add(rows);
        Ok(match DecodedOutput::read(project, target, Some(&entry), until)? {
            DecodedOutput::Nothing => Preview::Nothing,
            DecodedOutput::Bytes(bytes) => Preview::Bytes { bytes: bytes as u64 },
            DecodedOutput::Files(names) => Preview::Files { names },
            DecodedOutput::Value(value) => Preview::of_value(value, offset, limits)?,
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
                let name = target.name().strip_suffix(".zst").unwrap_or(target.name());
                if name.ends_with(".csv")
                    && let Some(table) = Preview::of_csv(&text, offset, rows)
                {
                    return Ok(table);
                }
                match serde_json::from_str(&text) {
                    Ok(value) if name.ends_with(".json") => Preview::of_value(value, offset, limits)?,
                    _ => Preview::of_text(text, limits),
                }
            }
        })
    }

    fn of_text(mut text: String, limits: Limits) -> Self {
        let end = text.floor_char_boundary(limits.text);
        let more = text.len() - end;
        text.truncate(end);
        Preview::Text { text, more }
    }

    /// A list is a table, with a column for each name in these rows; what else there is, a text.
    fn of_value(value: Value, offset: usize, limits: Limits) -> StoreResult<Self> {
        let all = match value {
            Value::Array(all) if !all.is_empty() => all,
            value => return Ok(Preview::of_text(serde_json::to_string_pretty(&value)?, limits)),
        };
        let total = Some(all.len());
        let shown: Vec<Value> = all.into_iter().skip(offset).take(limits.rows).collect();
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
        let limits = |rows| Limits { bytes: 9, rows, text: 9, picture: None };
        let value = json!([{ "a": 1 }, { "a": 2, "b": "x" }, { "b": null }]);
        let (columns, rows, total) = table(Preview::of_value(value, 1, limits(1)).unwrap());
        assert_eq!((columns, rows, total), (vec!["a".into(), "b".into()], vec![vec![json!(2), json!("x")]], Some(3)));
        let (columns, rows, total) = table(Preview::of_value(json!([1, "x"]), 0, limits(9)).unwrap());
        assert_eq!((columns, rows, total), (vec!["value".into()], vec![vec![json!(1)], vec![json!("x")]], Some(2)));
        let (columns, rows, total) = table(Preview::of_csv("a,b\n1,\"x\ny\"\n2,z,3\n", 1, 5).unwrap());
        let row = vec![json!("2"), json!("z"), json!("3")];
        assert_eq!((columns, rows, total), (vec!["a".into(), "b".into()], vec![row], Some(2)));
    }
}
