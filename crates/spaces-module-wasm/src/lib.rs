//! The Spaces module, compiled to WebAssembly by this crate's build script.
//!
//! `spaces-hub` publishes these bytes on its first start, and `spacesctl`
//! publishes them to any other SpacetimeDB 2.x server.

pub mod compile;

/// The module in the WebAssembly binary format, built with the `release`
/// profile of `spacetime-module/`.
pub const WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/module.wasm"));

#[cfg(test)]
mod tests {
    use super::WASM;

    #[test]
    fn the_bytes_are_a_wasm_module_with_a_description() {
        assert_eq!(&WASM[..8], b"\0asm\x01\0\0\0");
        let export = b"__describe_module";
        assert!(
            WASM.windows(export.len()).any(|bytes| bytes == export),
            "no SpacetimeDB module exports: was an empty crate compiled?"
        );
    }
}
