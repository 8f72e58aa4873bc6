//! See `psycache_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| psycache_fuzz::config::run(input));
