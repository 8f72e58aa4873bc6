//! See `psycache_fuzz::requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| psycache_fuzz::requests::run(input));
