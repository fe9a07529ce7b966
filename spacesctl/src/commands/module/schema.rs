use clap::Args;
use serde_json::{Value, json};
use spaces_client::spaces_api::ErrorKind;
use spaces_client::spaces_api::methods::{None as NoParams, daemon};

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::http::Server;
use crate::output::{BOLD, DIM, Out, clean_line};

/// Show the tables, views and reducers that a hub has
///
/// Of the hub that the daemon is connected to, or of the one at --server.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl module schema
  spacesctl module schema --json | jq -r '.reducers[].name'
  spacesctl module schema --server http://127.0.0.1:3300 --database spaces")]
pub struct Schema {
    /// Address of the server; that of the daemon's hub if absent
    #[arg(long, value_name = "URI")]
    server: Option<String>,
    /// Name of the database; that of the daemon's hub, or `spaces`, if absent
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
}

impl Schema {
    /// Shows the schema.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let (uri, database) = match self.server {
            Some(uri) => (uri, self.database.unwrap_or_else(|| "spaces".to_owned())),
            None => of_daemon(ctl, self.database)?,
        };
        let server = Server::new(&uri)?;
        let raw = server
            .get(&format!("/v1/database/{database}/schema?version=9"))?
            .accepted(&format!(
                "cannot read the schema of {database} at {}",
                server.uri
            ))?
            .json()?;
        let schema = readable(&raw);
        if ctl.out.is_json() {
            ctl.out.json(&schema)?;
        } else {
            show(&mut ctl.out, &schema);
        }
        ctl.out.flush()
    }
}

fn of_daemon(ctl: &mut Ctl, database: Option<String>) -> Result<(String, String), Failure> {
    let hub = ctl.client.call::<daemon::Status>(&NoParams {})?.hub;
    let uri = hub.uri.ok_or_else(|| {
        Failure::new(
            ErrorKind::HubUnreachable,
            "the daemon does not know yet where its hub is",
        )
        .hint("wait until `spacesctl status` shows it, or give --server")
    })?;
    Ok((uri, database.unwrap_or(hub.database)))
}

/// The server's description with the types written out, by name:
/// `{"tables", "views", "reducers", "procedures"}`.
fn readable(raw: &Value) -> Value {
    let types = Types(&raw["typespace"]["types"]);
    let exports = items(&raw["misc_exports"]);
    let exported = |kind: &str| -> Vec<Value> {
        exports
            .iter()
            .filter_map(|export| export.get(kind))
            .map(|function| {
                json!({
                    "name": function["name"],
                    "params": types.elements(&function["params"]),
                    "returns": types.word(&function["return_type"]),
                })
            })
            .collect()
    };
    let mut views = exported("View");
    for view in &mut views {
        // A view gives rows: their columns say more than the word for their type.
        let returned = exports
            .iter()
            .filter_map(|export| export.get("View"))
            .find(|function| function["name"] == view["name"])
            .map(|function| types.row(&function["return_type"]));
        view["columns"] = json!(returned);
    }
    let tables: Vec<_> = items(&raw["tables"])
        .iter()
        .map(|table| types.table(table))
        .collect();
    let scheduled: Vec<_> = items(&raw["tables"])
        .iter()
        .filter_map(|table| Some(&some(&table["schedule"])?["reducer_name"]))
        .collect();
    let reducers: Vec<_> = items(&raw["reducers"])
        .iter()
        .map(|reducer| {
            // Clients call those without; the others the hub calls by itself.
            let lifecycle = match scheduled.contains(&&reducer["name"]) {
                true => Some("Scheduled"),
                false => some(&reducer["lifecycle"]).and_then(tag),
            };
            json!({
                "name": reducer["name"],
                "params": types.elements(&reducer["params"]),
                "lifecycle": lifecycle,
            })
        })
        .collect();
    json!({
        "tables": tables,
        "views": views,
        "reducers": reducers,
        "procedures": exported("Procedure"),
    })
}

/// The types that the description refers to by number.
struct Types<'a>(&'a Value);

impl Types<'_> {
    fn table(&self, table: &Value) -> Value {
        let columns = table["product_type_ref"]
            .as_u64()
            .and_then(|index| self.0.get(usize::try_from(index).ok()?))
            .map(|row| self.elements(&row["Product"]))
            .unwrap_or_default();
        let primary_key: Vec<_> = items(&table["primary_key"])
            .iter()
            .filter_map(|index| columns.get(usize::try_from(index.as_u64()?).ok()?))
            .map(|column| column["name"].clone())
            .collect();
        json!({
            "name": table["name"],
            "public": tag(&table["table_access"]) == Some("Public"),
            "columns": columns,
            "primary_key": primary_key,
        })
    }

    fn elements(&self, product: &Value) -> Vec<Value> {
        items(&product["elements"])
            .iter()
            .map(|element| {
                json!({
                    "name": some(&element["name"]),
                    "type": self.word(&element["algebraic_type"]),
                })
            })
            .collect()
    }

    /// The columns of `Vec<Row>`, `Option<Row>` or `Row`.
    fn row(&self, returned: &Value) -> Vec<Value> {
        let inner = returned.get("Array").unwrap_or(returned);
        let inner = option_of(inner).unwrap_or(inner);
        self.elements(&self.resolve(inner)["Product"])
    }

    fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value {
        value["Ref"]
            .as_u64()
            .and_then(|index| self.0.get(usize::try_from(index).ok()?))
            .unwrap_or(value)
    }

    /// `U64`, `Vec<String>`, `Option<Identity>`, `{muted: Bool}`.
    fn word(&self, value: &Value) -> String {
        if let Some(inner) = value.get("Array") {
            return format!("Vec<{}>", self.word(inner));
        }
        if let Some(inner) = option_of(value) {
            return format!("Option<{}>", self.word(inner));
        }
        if let Some(product) = value.get("Product") {
            return self.product_word(product);
        }
        if let Some(sum) = value.get("Sum") {
            let variants: Vec<_> = items(&sum["variants"])
                .iter()
                .filter_map(|variant| some(&variant["name"])?.as_str())
                .collect();
            return variants.join(" | ");
        }
        match self.resolve(value) {
            resolved if resolved == value => tag(value).unwrap_or("?").to_owned(),
            resolved => self.word(resolved),
        }
    }

    fn product_word(&self, product: &Value) -> String {
        let parts: Vec<_> = self
            .elements(product)
            .iter()
            .map(|element| {
                let name = element["name"].as_str().unwrap_or("?").to_owned();
                (name, element["type"].as_str().unwrap_or("?").to_owned())
            })
            .collect();
        // Types of the database itself are marked by such a name.
        match parts.as_slice() {
            [(name, _)] if name == "__identity__" => "Identity".to_owned(),
            [(name, _)] if name == "__connection_id__" => "ConnectionId".to_owned(),
            [(name, _)] if name == "__timestamp_micros_since_unix_epoch__" => {
                "Timestamp".to_owned()
            }
            [(name, _)] if name == "__time_duration_micros__" => "TimeDuration".to_owned(),
            parts => {
                let inner: Vec<_> = parts
                    .iter()
                    .map(|(name, word)| format!("{name}: {word}"))
                    .collect();
                format!("{{{}}}", inner.join(", "))
            }
        }
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The inside of `{"some": ..}`.
fn some(value: &Value) -> Option<&Value> {
    value.get("some")
}

/// The one key of `{"Tag": ..}`.
fn tag(value: &Value) -> Option<&str> {
    value.as_object()?.keys().next().map(String::as_str)
}

/// An option is a sum of `some` and `none`.
fn option_of(value: &Value) -> Option<&Value> {
    match items(&value.get("Sum")?["variants"]) {
        [first, second] if some(&first["name"])? == "some" && some(&second["name"])? == "none" => {
            Some(&first["algebraic_type"])
        }
        _ => None,
    }
}

fn show(out: &mut Out, schema: &Value) {
    for (heading, list, inner) in [
        ("tables", &schema["tables"], "columns"),
        ("views", &schema["views"], "columns"),
        ("reducers", &schema["reducers"], "params"),
        ("procedures", &schema["procedures"], "params"),
    ] {
        out.line(format_args!(
            "{BOLD}{heading}{BOLD:#} ({})",
            items(list).len()
        ));
        for item in items(list) {
            let parts: Vec<_> = items(&item[inner])
                .iter()
                .map(|part| {
                    let name = part["name"].as_str().unwrap_or("?");
                    format!("{name}: {}", part["type"].as_str().unwrap_or("?"))
                })
                .collect();
            let private = match item["public"] == json!(false) {
                true => " private",
                false => "",
            };
            out.line(format_args!(
                "  {}{DIM}{private} ({}){DIM:#}",
                clean_line(item["name"].as_str().unwrap_or("?")),
                clean_line(&parts.join(", "))
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::readable;

    #[test]
    fn types_are_written_out_by_name() {
        let identity = json!({ "Product": { "elements": [
            { "name": { "some": "__identity__" }, "algebraic_type": { "U256": [] } }
        ]}});
        let option = json!({ "Sum": { "variants": [
            { "name": { "some": "some" }, "algebraic_type": { "String": [] } },
            { "name": { "some": "none" }, "algebraic_type": { "Product": { "elements": [] } } }
        ]}});
        let raw = json!({
            "typespace": { "types": [{ "Product": { "elements": [
                { "name": { "some": "id" }, "algebraic_type": { "U64": [] } },
                { "name": { "some": "owner" }, "algebraic_type": identity },
                { "name": { "some": "topic" }, "algebraic_type": option },
                { "name": { "some": "tags" }, "algebraic_type": { "Array": { "String": [] } } },
            ]}}]},
            "tables": [{
                "name": "channel", "product_type_ref": 0, "primary_key": [0],
                "table_access": { "Public": [] }
            }],
            "reducers": [{
                "name": "init", "params": { "elements": [] },
                "lifecycle": { "some": { "Init": [] } }
            }],
            "misc_exports": [{ "View": {
                "name": "my_channels", "params": { "elements": [] },
                "return_type": { "Array": { "Ref": 0 } }
            }}],
        });
        let schema = readable(&raw);
        let columns = json!([
            { "name": "id", "type": "U64" },
            { "name": "owner", "type": "Identity" },
            { "name": "topic", "type": "Option<String>" },
            { "name": "tags", "type": "Vec<String>" },
        ]);
        assert_eq!(
            schema["tables"],
            json!([{ "name": "channel", "public": true, "columns": columns, "primary_key": ["id"] }])
        );
        assert_eq!(schema["views"][0]["name"], "my_channels");
        assert_eq!(schema["views"][0]["columns"], columns);
        assert_eq!(schema["reducers"][0]["lifecycle"], "Init");
    }
}
