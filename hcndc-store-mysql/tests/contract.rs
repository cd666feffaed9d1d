//! The contract suites, on each database.

mod support;

mod sqlite_file {
    mod store {
        hcndc_core::store_contract!(crate::support::sqlite::File);
    }
    mod reports {
        hcndc_core::reports_contract!(crate::support::sqlite::File);
    }
    mod history {
        hcndc_core::history_contract!(crate::support::sqlite::File);
    }
}

mod sqlite_memory {
    mod store {
        hcndc_core::store_contract!(crate::support::sqlite::Memory);
    }
    mod reports {
        hcndc_core::reports_contract!(crate::support::sqlite::Memory);
    }
    mod history {
        hcndc_core::history_contract!(crate::support::sqlite::Memory);
    }
}

mod mysql {
    mod store {
        hcndc_core::store_contract!(crate::support::mysql::Server);
    }
    mod reports {
        hcndc_core::reports_contract!(crate::support::mysql::Server);
    }
    mod history {
        hcndc_core::history_contract!(crate::support::mysql::Server);
    }
}

// What is read there is read as from any other server.
mod galera {
    mod store {
        hcndc_core::store_contract!(crate::support::galera::Cluster);
    }
    mod reports {
        hcndc_core::reports_contract!(crate::support::galera::Cluster);
    }
}
