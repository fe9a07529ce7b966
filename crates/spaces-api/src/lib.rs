//! The JSON-RPC contract of the Spaces socket: methods, parameters, results, errors
