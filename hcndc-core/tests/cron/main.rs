//! Cron expressions against others: recorded answers, a slow twin, another crate.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod second_opinion;
mod twin;
mod vectors;
mod walk;
mod zones;
