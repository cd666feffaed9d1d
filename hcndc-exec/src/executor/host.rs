//! How the host is doing.

use std::path::Path;

use hcndc_core::engine::HostFigures;
use sysinfo::System;

use crate::platform;

/// Figures of the host now, with the space of the disk that holds `directory`. What cannot be known is zero or empty.
pub(crate) fn figures(directory: &Path, running: u32) -> HostFigures {
    let (memory_total_bytes, memory_available_bytes) =
        System::new().map_or((0, 0), |mut system| {
            system.refresh_memory();
            (system.total_memory(), system.available_memory())
        });
    let (disk_total_bytes, disk_available_bytes) = platform::disk(directory).unwrap_or_default();
    HostFigures {
        cores: std::thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        load_1m: System::load_average().map_or(0.0, |load| load.one),
        memory_total_bytes,
        memory_available_bytes,
        disk_total_bytes,
        disk_available_bytes,
        os: System::long_os_version().unwrap_or_default(),
        hostname: System::host_name().unwrap_or_default(),
        running,
    }
}
