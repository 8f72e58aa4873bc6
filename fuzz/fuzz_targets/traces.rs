//! See `psycache_fuzz::traces`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| psycache_fuzz::traces::run(input));
