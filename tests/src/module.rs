use std::path::{Path, PathBuf};
use std::sync::Mutex;

use spaces_module_wasm::compile::compile;

/// A module of `spaces-hub/tests/modules/`, compiled.
///
/// # Panics
/// If it does not compile.
pub fn module(name: &str) -> PathBuf {
    // Cargo would let one build wait for the other anyway, with a line for each.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map(PathBuf::from)
        .filter(|directory| directory.is_absolute())
        .unwrap_or_else(|| root.join("target"));
    compile(
        &root.join("spaces-hub/tests/modules").join(name),
        &target.join("test-modules"),
    )
    .unwrap_or_else(|error| panic!("{error}"))
}
