//! The contract suites, on each database.

mod support;

mod sqlite_file {
    mod store {
        hcndc_core::store_contract!(crate::support::sqlite::File);
    }
}

mod sqlite_memory {
    mod store {
        hcndc_core::store_contract!(crate::support::sqlite::Memory);
    }
}

mod mysql {
    mod store {
        hcndc_core::store_contract!(crate::support::mysql::Server);
    }
}
