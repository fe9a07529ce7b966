#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| spaces_fuzz::run("lines", input));
