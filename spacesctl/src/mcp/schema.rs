//! JSON Schemas of the tools' input, generated from the types that are parsed,
//! and without what says nothing to a model: every agent pays for each word in
//! every session.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of an object.
pub fn of<T: JsonSchema>() -> JsonObject {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = Value::from(schema);
    thin(&mut schema);
    match schema {
        Value::Object(mut schema) => {
            // The description of the type is the tool's.
            schema.remove("description");
            schema
        }
        _ => JsonObject::new(),
    }
}

/// Takes out titles, number formats, lower bounds of unsigned numbers, and
/// `null` as an alternative to leaving a field out.
fn thin(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            // A property may have one of these names: only its schema is thinned.
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                properties.values_mut().for_each(thin);
            }
            for name in ["title", "format", "$schema"] {
                fields.remove(name);
            }
            if fields.get("minimum").and_then(Value::as_u64) == Some(0) {
                fields.remove("minimum");
            }
            if fields.get("default").is_some_and(Value::is_null) {
                fields.remove("default");
            }
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_mut_slice() {
                    let only = only.take();
                    fields.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(values)) = fields.get_mut("enum") {
                values.retain(|value| !value.is_null());
                fields.remove("type");
            }
            for (name, value) in fields.iter_mut() {
                if name != "properties" {
                    thin(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(thin),
        _ => {}
    }
}
