//! The schemas that error bodies of several wires share.

use serde_json::{Value, json};

/// The rows of a validation error, which has this code: each names a field and says what is wrong.
pub(super) fn field_rows(code: &str) -> Value {
    let text = || json!({ "type": "string" });
    let row = json!({
        "type": "object",
        "required": ["field", "message"],
        "properties": { "field": text(), "message": text() },
    });
    json!({ "type": "array", "items": row, "description": format!("Only with `{code}`.") })
}

/// A message and a code, with the rows of a validation error beside them.
pub(super) fn flat(validation: &str) -> Value {
    json!({
        "type": "object",
        "required": ["success", "message", "code"],
        "properties": {
            "success": { "type": "boolean", "enum": [false] },
            "message": { "type": "string" },
            "code": { "type": "string" },
            "errors": field_rows(validation),
        },
    })
}
