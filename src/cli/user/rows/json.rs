//! JSON Lines: one object per line.

use std::io;

use serde_json::{Map, Value};

use super::lines::LineReader;
use super::{Headings, ImportRow, Input, Rows, Unused};
use crate::identity::admin::import::{Fields, ImportColumn};

/// A file in JSON Lines format.
pub struct Json {
    lines: LineReader,
    headings: Headings,
}

impl Json {
    /// Reads from `input`.
    pub fn new(input: Input, headings: Headings) -> Self {
        Self { lines: LineReader::new(input), headings }
    }

    fn fields(&mut self, bytes: &[u8]) -> Result<Fields, String> {
        let object: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| {
            let hint = if bytes.starts_with(b"[") {
                ": convert an array to lines with `jq -c '.[]'`"
            } else {
                ""
            };
            format!("it is not a JSON object (column {}){hint}", error.column())
        })?;
        let mut fields = Fields::default();
        // Columns whose name gives way to another one of the same meaning.
        let mut weak: Vec<ImportColumn> = Vec::new();
        for (name, value) in object {
            let Some(column) = self.headings.column(&name) else { continue };
            let gives_way = self.headings.gives_way(&name);
            if gives_way && fields.get(column).is_some() {
                continue;
            }
            // The reader of identities takes them apart.
            let value = match value {
                Value::Array(list) if column == ImportColumn::Identities => {
                    Value::String(Value::Array(list).to_string())
                }
                other => other,
            };
            if let Some(text) =
                text(value).map_err(|NoText| format!("its {} is an object", column.as_str()))?
            {
                if fields.get(column).is_some() && !weak.contains(&column) {
                    return Err(format!(
                        "two of its names mean {}: choose one with --column",
                        column.as_str()
                    ));
                }
                fields.put(column, text);
                weak.retain(|known| *known != column);
                if gives_way {
                    weak.push(column);
                }
            }
        }
        Ok(fields)
    }
}

/// The value cannot be stored in a column.
struct NoText;

fn text(value: Value) -> Result<Option<String>, NoText> {
    Ok(match value {
        Value::Null => None,
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text),
        Value::Array(parts) => {
            let parts = parts.into_iter().map(|part| text(part).map(Option::unwrap_or_default));
            Some(parts.collect::<Result<Vec<String>, NoText>>()?.join(","))
        }
        // MongoDB's extended JSON: {"$oid": "5f7c…"}, {"$date": {"$numberLong": "1700000000000"}}.
        Value::Object(wrapped) if wrapped.len() == 1 => match wrapped.into_iter().next() {
            Some((kind, inner)) if MONGO_TYPES.contains(&&*kind) => text(inner)?,
            _ => return Err(NoText),
        },
        Value::Object(_) => return Err(NoText),
    })
}

const MONGO_TYPES: [&str; 4] = ["$oid", "$date", "$numberLong", "$numberInt"];

impl Rows for Json {
    fn next(&mut self) -> io::Result<Option<ImportRow>> {
        while let Some(line) = self.lines.next()? {
            let bytes = line.bytes.trim_ascii();
            if line.is_cut {
                return Ok(Some(ImportRow {
                    line: line.number,
                    read: Err("it is longer than a megabyte".to_owned()),
                }));
            }
            if !bytes.is_empty() {
                return Ok(Some(ImportRow { line: line.number, read: self.fields(bytes) }));
            }
        }
        Ok(None)
    }

    fn position(&self) -> u64 {
        self.lines.position()
    }

    fn unused(&self) -> Unused {
        self.headings.unused.clone()
    }
}
