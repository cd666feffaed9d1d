//! When schedules fire by themselves: cron expressions, intervals and calendars, in any zone.
//!
//! All of it is pure: the next and the previous time are functions of the definition, the zone and a moment. Zones are
//! compiled in ([`chrono_tz`]), so that every host fires alike. This room knows no engine and no store.

pub mod calendar;
pub mod cron;
mod day;
pub mod interval;
mod timing;
mod zone;

pub use self::{
    day::{TimeOfDay, TimeOfDayError, Weekdays},
    timing::{Timing, TimingContext, TimingError},
};
