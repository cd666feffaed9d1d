//! The contract suites, on the store in memory.

use std::future::Future;

use hcndc_core::contract::{Opened, StoreFixture};
use hcndc_store_mem::MemStore;

struct MemFixture;

impl StoreFixture for MemFixture {
    type Store = MemStore;
    type Guard = ();

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        futures_util::future::FutureExt::now_or_never(case).expect("nothing in memory waits")
    }

    async fn fresh(&self) -> Opened<MemStore, ()> {
        Opened {
            store: MemStore::new(),
            guard: (),
        }
    }

    async fn reopen(&self, opened: &Opened<MemStore, ()>) -> MemStore {
        opened.store.clone()
    }
}

mod store {
    hcndc_core::store_contract!(super::MemFixture);
}

mod reports {
    hcndc_core::reports_contract!(super::MemFixture);
}

mod history {
    hcndc_core::history_contract!(super::MemFixture);
}
