#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fairhold_fuzz::return_to(data));
