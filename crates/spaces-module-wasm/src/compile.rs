//! Compiles a SpacetimeDB module crate to WebAssembly with whichever toolchain
//! of the machine can. The build script uses it for the Spaces module, and the
//! tests of `spaces-hub` for their small modules.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// Settings of the cargo that runs us which must not reach the nested one:
/// they are meant for other crates, or for another target.
const NOT_INHERITED: &[&str] = &[
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "HOST",
    "LLVM_PROFILE_FILE",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "TARGET",
    "__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS",
];
const NOT_INHERITED_PREFIXES: &[&str] = &[
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "DEP_",
];

/// Builds the crate in `crate_dir` in its `release` profile into `target_dir`
/// and returns the path of the `.wasm` file.
///
/// `target_dir` must not be the one of a cargo that waits for this call: cargo
/// locks it.
///
/// # Errors
/// When no toolchain for WebAssembly is installed, when cargo fails, or when
/// it builds something other than one `cdylib` named as the package.
pub fn compile(crate_dir: &Path, target_dir: &Path) -> Result<PathBuf, String> {
    let artifact = artifact_name(crate_dir)?;
    let mut cargo = toolchain()?.cargo();
    cargo
        .current_dir(crate_dir)
        .args(["build", "--release", "--target", TARGET, "--target-dir"])
        .arg(target_dir);
    let output = cargo
        .output()
        .map_err(|error| format!("could not start {:?}: {error}", cargo.get_program()))?;
    if !output.status.success() {
        return Err(format!(
            "compiling the module in {} failed ({}):\n{}",
            crate_dir.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let wasm = target_dir.join(TARGET).join("release").join(artifact);
    if !wasm.is_file() {
        return Err(format!(
            "cargo built {} but left no {}: is its crate-type cdylib?",
            crate_dir.display(),
            wasm.display()
        ));
    }
    Ok(wasm)
}

/// The two ways to get the WebAssembly target.
enum Toolchain {
    /// The Rust in use has the target's standard library (`rustup target add`).
    WithTarget { cargo: PathBuf },
    /// Debian's `rustc-web` has the compiler; its standard library is built
    /// from the sources of `rust-web-src` and linked by `lld`.
    DebianWeb,
}

impl Toolchain {
    fn cargo(&self) -> Command {
        let mut command = match self {
            Self::WithTarget { cargo } => Command::new(cargo),
            Self::DebianWeb => Command::new("/usr/bin/cargo"),
        };
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            let prefixed = NOT_INHERITED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix));
            if prefixed || NOT_INHERITED.contains(&&*name) {
                command.env_remove(&*name);
            }
        }
        if let Self::DebianWeb = self {
            command
                .env("RUSTC", "/usr/bin/rustc")
                // The flag below is an unstable one that this compiler may use.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld")
                .arg("-Zbuild-std=std,panic_abort");
        }
        command
    }
}

fn toolchain() -> Result<Toolchain, String> {
    let rustc = env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    if sysroot(&rustc)
        .is_some_and(|root| root.join("lib/rustlib").join(TARGET).join("lib").is_dir())
    {
        let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        return Ok(Toolchain::WithTarget { cargo });
    }
    let debian_has_sources = sysroot(Path::new("/usr/bin/rustc")).is_some_and(|root| {
        root.join("lib/rustlib/src/rust/library/std/Cargo.toml")
            .is_file()
    });
    if debian_has_sources
        && Path::new("/usr/bin/cargo").is_file()
        && Path::new("/usr/bin/wasm-ld").exists()
    {
        return Ok(Toolchain::DebianWeb);
    }
    Err(format!(
        "the Spaces module needs the Rust target {TARGET}, which is not installed: run scripts/setup, \
         or `rustup target add {TARGET}`, or on Debian `apt install rustc-web rust-web-src cargo-web lld`"
    ))
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(path.trim_end()))
}

/// The file name that cargo gives to the crate's `cdylib`.
fn artifact_name(crate_dir: &Path) -> Result<String, String> {
    let manifest = crate_dir.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest)
        .map_err(|error| format!("could not read {}: {error}", manifest.display()))?;
    text.lines()
        .skip_while(|line| line.trim() != "[package]")
        .skip(1)
        .take_while(|line| !line.trim_start().starts_with('['))
        .find_map(|line| line.split_once('=').filter(|(key, _)| key.trim() == "name"))
        .map(|(_, name)| format!("{}.wasm", name.trim().trim_matches('"').replace('-', "_")))
        .ok_or_else(|| format!("{} names no package", manifest.display()))
}
