use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::{Access, METHODS, PROTOCOL, VERSION};

/// The OpenRPC document of the socket, generated from the types that the
/// daemon parses with. Answer of `rpc.discover`.
pub fn openrpc_document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let methods: Vec<Value> = METHODS
        .iter()
        .map(|method| {
            let params = (method.params)(&mut generator);
            let result = (method.result)(&mut generator);
            json!({
                "name": method.name,
                "summary": method.summary,
                "paramStructure": "by-name",
                "params": [{ "name": "params", "required": false, "schema": params }],
                "result": { "name": "result", "schema": result },
                "x-access": match method.access {
                    Access::Read => "read",
                    Access::Write => "write",
                    Access::Admin => "admin",
                    Access::Local => "local",
                },
            })
        })
        .collect();
    let errors: Vec<Value> = crate::ErrorKind::ALL
        .iter()
        .map(|kind| json!({ "kind": kind, "code": kind.code(), "meaning": kind.meaning() }))
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Spaces",
            "version": VERSION,
            "description": "The socket of spacesd. Every method takes one object of named parameters.",
        },
        "methods": methods,
        "components": { "schemas": generator.take_definitions(true) },
        "x-protocol": PROTOCOL,
        "x-errors": errors,
    })
}

#[cfg(test)]
mod tests {
    use super::openrpc_document;

    #[test]
    fn every_reference_in_the_document_resolves() {
        let document = openrpc_document();
        let text = document.to_string();
        let mut references = 0;
        for part in text.split("\"$ref\":\"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(
                document.pointer(pointer).is_some(),
                "{pointer} is not there"
            );
            references += 1;
        }
        assert!(
            references > 50,
            "only {references} references: the types are missing"
        );
    }
}
