//! See `psycache_fuzz::redis`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| psycache_fuzz::redis::run(input));
