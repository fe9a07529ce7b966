//! Named parameters into their types, and a helpful word where they do not fit.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;
use serde_json::value::RawValue;
use spaces_api::{ErrorKind, Method, RpcError, openrpc_document};

use crate::nearest::nearest;

/// Names of the parameters of each method, from the document that describes them.
static PARAMETERS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let document = openrpc_document();
    let methods = document["methods"].as_array().cloned().unwrap_or_default();
    methods
        .iter()
        .filter_map(|method| {
            let mut schema = &method["params"][0]["schema"];
            if let Some(pointer) = schema["$ref"].as_str() {
                schema = document.pointer(pointer.trim_start_matches('#'))?;
            }
            let names = schema["properties"].as_object();
            let names = names
                .map(|names| names.keys().cloned().collect())
                .unwrap_or_default();
            Some((method["name"].as_str()?.to_owned(), names))
        })
        .collect()
});

/// The parameters of a call of `M`.
pub(super) fn parse<M: Method>(params: Option<&RawValue>) -> Result<M::Params, RpcError> {
    let text = params.map_or("{}", RawValue::get);
    serde_json::from_str(text).map_err(|error| explain(M::NAME, text, &error))
}

fn explain(method: &str, text: &str, error: &serde_json::Error) -> RpcError {
    let known = PARAMETERS
        .get(method)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let all = match known {
        [] => format!("{method} takes no parameters"),
        names => format!("{method} takes: {}", names.join(", ")),
    };
    let wrong = |message: String| RpcError::new(ErrorKind::InvalidParams, message);
    let given: HashMap<String, Value> = match serde_json::from_str(text) {
        Ok(given) => given,
        Err(_) => {
            let message = format!("{method} takes named parameters: give an object, not a list");
            return wrong(message).hint(all);
        }
    };
    let mut strangers: Vec<&String> = given.keys().filter(|name| !known.contains(name)).collect();
    strangers.sort();
    if let Some(stranger) = strangers.first() {
        let near = nearest(stranger, known.iter().map(String::as_str));
        let message = match near {
            Some(meant) => {
                format!("{method}: unknown parameter `{stranger}`; did you mean `{meant}`?")
            }
            None => format!("{method}: unknown parameter `{stranger}`"),
        };
        return wrong(message).hint(all).candidates(near);
    }
    let fault = error.to_string();
    // The place is within the parameters alone, which the caller never sees as such.
    let fault = fault.split(" at line ").next().unwrap_or(&fault);
    wrong(format!("{method}: {fault}")).hint(all)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use spaces_api::methods::{daemon, message};
    use spaces_api::{METHODS, Method, RpcError};

    use super::{PARAMETERS, parse};

    fn refuse<M: Method>(text: &str) -> RpcError {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        match parse::<M>(Some(&raw)) {
            Err(error) => error,
            Ok(_) => panic!("{text} was accepted"),
        }
    }

    #[test]
    fn a_misspelt_parameter_names_the_near_one_and_all() {
        let error = refuse::<message::Send>(r##"{"chanel":"#a","content":"x"}"##);
        assert_eq!(error.code, -32602);
        assert!(error.message.contains("did you mean `channel`"), "{error}");
        assert!(error.data.hint.unwrap().contains("reply_to"));
    }

    #[test]
    fn a_missing_one_a_wrong_type_and_a_list_are_told_apart() {
        assert!(
            refuse::<message::Send>(r##"{"channel":"#a"}"##)
                .message
                .contains("missing field `content`")
        );
        let error = refuse::<message::Send>(r##"{"channel":"#a","content":5}"##);
        assert!(error.message.contains("invalid type"), "{error}");
        let error = refuse::<message::Show>(r#"{"message":null}"#);
        assert!(error.message.contains("given by its id"), "{error}");
        assert!(
            refuse::<message::Send>("[1]")
                .message
                .contains("named parameters")
        );
        assert!(
            refuse::<daemon::Ping>(r#"{"x":1}"#)
                .data
                .hint
                .unwrap()
                .contains("no parameters")
        );
    }

    #[test]
    fn the_parameters_of_every_method_are_known() {
        for method in METHODS.iter() {
            assert!(PARAMETERS.contains_key(method.name), "{}", method.name);
        }
        assert!(PARAMETERS["message.send"].contains(&"client_key".to_owned()));
    }
}
