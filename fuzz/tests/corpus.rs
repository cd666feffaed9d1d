//! Replays every input that was ever worth keeping, and a few thousand that a small generator makes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        run(&fs::read(entry.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "{target} has no corpus");
}

/// Replays each input of a corpus some hundred times with a few bytes changed, and with its end cut off.
fn replay_changed(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let whole = fs::read(&path).unwrap();
        if whole.is_empty() {
            continue;
        }
        let mut state = whole.len() as u64;
        for _ in 0..300 {
            let mut changed = whole.clone();
            changed.truncate(changed.len() - random(&mut state) as usize % (changed.len() / 4 + 1));
            for _ in 0..random(&mut state) % 4 {
                let at = random(&mut state) as usize % changed.len();
                changed[at] = random(&mut state) as u8;
            }
            let held = std::panic::catch_unwind(|| run(&changed));
            if let Err(panic) = held {
                eprintln!(
                    "{}, changed to {:?}",
                    path.display(),
                    changed.escape_ascii().to_string()
                );
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut it = *seed;
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

#[test]
fn mesh_files_hold() {
    replay("mesh_file", hcndc_fuzz::mesh_file);
}

#[test]
fn traces_hold() {
    replay("wfcommons", hcndc_fuzz::wfcommons);
}

#[test]
fn templates_hold() {
    replay("template", hcndc_fuzz::template);
}

#[test]
fn expressions_hold() {
    replay("cron", hcndc_fuzz::cron);
    replay_changed("cron", hcndc_fuzz::cron);
}

#[test]
fn messages_hold() {
    replay("wire", hcndc_fuzz::wire);
    replay_changed("wire", hcndc_fuzz::wire);
}

#[test]
fn journals_hold() {
    replay("spool", hcndc_fuzz::spool);
    replay_changed("spool", hcndc_fuzz::spool);
}

#[test]
fn the_engine_holds() {
    replay("engine", hcndc_fuzz::engine);
}

#[test]
fn the_engine_holds_for_inputs_made_from_seeds() {
    let from_env = std::env::var("HCNDC_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seeds = from_env.map_or(0..300, |seed| seed..seed + 1);
    for seed in seeds {
        let mut state = seed;
        let length = 200 + random(&mut state) % 1_500;
        let data: Vec<u8> = (0..length)
            .map(|_| (random(&mut state) >> 32) as u8)
            .collect();
        let held = std::panic::catch_unwind(|| hcndc_fuzz::engine(&data));
        if let Err(panic) = held {
            eprintln!("HCNDC_TEST_SEED={seed} cargo test -p hcndc-fuzz");
            std::panic::resume_unwind(panic);
        }
    }
}
