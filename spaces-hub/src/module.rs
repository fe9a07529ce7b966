//! A module as bytes: from the binary, a file, or a client that publishes one.

use std::path::Path;

use anyhow::{Context, bail};
use bytes::Bytes;
use spacetimedb_lib::{Hash, hash_bytes};

const WASM_MAGIC: &[u8] = b"\0asm";

#[derive(Clone)]
pub struct Module {
    bytes: Bytes,
    hash: Hash,
}

impl Module {
    /// The Spaces module that this binary was built with.
    pub fn built_in() -> Self {
        let bytes = Bytes::from_static(spaces_module_wasm::WASM);
        let hash = hash_bytes(&bytes);
        Self { bytes, hash }
    }

    /// # Errors
    /// When the file cannot be read or holds no WebAssembly.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(file)
            .with_context(|| format!("could not read the module {}", file.display()))?;
        Self::new(bytes.into()).with_context(|| format!("{} cannot be published", file.display()))
    }

    /// # Errors
    /// When these bytes are no WebAssembly: modules in JavaScript need an
    /// engine for it, which this hub does not contain.
    pub fn new(bytes: Bytes) -> anyhow::Result<Self> {
        if !bytes.starts_with(WASM_MAGIC) {
            bail!(
                "the module is not WebAssembly: spaces-hub runs no JavaScript modules; publish a module compiled to .wasm, or use the official SpacetimeDB server"
            );
        }
        let hash = hash_bytes(&bytes);
        Ok(Self { bytes, hash })
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// A copy, as the engine wants it.
    pub fn to_boxed(&self) -> Box<[u8]> {
        self.bytes.to_vec().into_boxed_slice()
    }

    pub fn hash(&self) -> Hash {
        self.hash
    }
}
