//! The page for people on the HTTP port.

mod browser;
mod wire;
mod with_chromium;
