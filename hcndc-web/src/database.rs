//! The embedded database: a SQLite file in a folder.

use std::path::{Path, PathBuf};

use hcndc_store_mysql::{Durability, SqlOptions};

/// Name of the file.
const FILE: &str = "hcndc.db";

/// Options that open the database in this folder, and make it if there is none.
#[must_use]
pub fn in_folder(folder: &Path, durability: Durability) -> SqlOptions {
    let mut options = SqlOptions::file(&path_in(folder));
    options.durability = durability;
    options
}

/// Where the database is in this folder.
#[must_use]
pub fn path_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hcndc_store_mysql::SqlStore;

    #[tokio::test]
    async fn any_folder_name_will_do() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["plain", "with space", "50% a?b#c&d=e", "数据"] {
            let folder = dir.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let store = SqlStore::connect_with(&in_folder(&folder, Durability::Normal))
                .await
                .unwrap();
            store.close().await.unwrap();
            assert!(folder.join(FILE).is_file(), "{name}");
        }
    }
}
