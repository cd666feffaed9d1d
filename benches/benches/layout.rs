//! How long does it take to draw a graph of 3,000 nodes and 6,000 edges?
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hcndc_benches::SEED;
use hcndc_web::layout::{Size, Spacing, layout};

const NODES: usize = 3_000;
const EDGES: usize = 6_000;

/// Numbers that look drawn by lot (splitmix64).
fn lots(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % below as u64) as usize
    }
}

/// A night's mesh: each edge leads from one of the `reach` nodes before. The smaller the reach, the deeper the graph.
fn mesh(reach: usize) -> Vec<(usize, usize)> {
    let mut lot = lots(SEED);
    let edge = |_| {
        let to = 1 + lot(NODES - 1);
        (to - 1 - lot(to.min(reach)), to)
    };
    (0..EDGES).map(edge).collect()
}

fn layered(c: &mut Criterion) {
    let size = Size {
        width: 160.0,
        height: 40.0,
    };
    let sizes = vec![size; NODES];
    for (id, edges) in [
        ("layout/wide_3000", mesh(NODES)),
        ("layout/usual_3000", mesh(300)),
        ("layout/deep_3000", mesh(30)),
    ] {
        c.bench_function(id, |b| {
            b.iter(|| {
                let drawn = layout(black_box(&sizes), black_box(&edges), &Spacing::default());
                let drawn = drawn.expect("edges lead to greater numbers");
                assert_eq!(drawn.edges.len(), EDGES);
                drawn
            });
        });
    }
}

criterion_group!(benches, layered);
criterion_main!(benches);
