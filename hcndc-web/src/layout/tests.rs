use proptest::prelude::*;

use super::*;

const SIZE: Size = Size {
    width: 100.0,
    height: 40.0,
};

fn draw(nodes: usize, edges: &[(usize, usize)]) -> Layout {
    layout(&vec![SIZE; nodes], edges, &Spacing::default()).unwrap()
}

/// A graph whose edges lead from smaller to greater numbers, and sizes of its nodes.
fn graphs() -> impl Strategy<Value = (Vec<Size>, Vec<(usize, usize)>)> {
    (1_usize..40).prop_flat_map(|nodes| {
        let size = (20_u16..200, 20_u16..80).prop_map(|(width, height)| Size {
            width: f64::from(width),
            height: f64::from(height),
        });
        let edge = (0..nodes, 0..nodes).prop_filter_map("a loop", |(one, two)| {
            (one != two).then(|| (one.min(two), one.max(two)))
        });
        let edges = match nodes {
            1 => Just(Vec::new()).boxed(),
            _ => proptest::collection::vec(edge, 0..80).boxed(),
        };
        (proptest::collection::vec(size, nodes), edges)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_two_nodes_overlap_and_all_stand_within_the_whole((sizes, edges) in graphs()) {
        let drawn = layout(&sizes, &edges, &Spacing::default()).unwrap();
        for (at, (one, size)) in drawn.nodes.iter().zip(&sizes).enumerate() {
            prop_assert!(one.x >= 0.0 && one.x + size.width <= drawn.width, "{drawn:?}");
            prop_assert!(one.y >= 0.0 && one.y + size.height <= drawn.height, "{drawn:?}");
            for (two, other) in drawn.nodes.iter().zip(&sizes).skip(at + 1) {
                let beside = one.x + size.width < two.x || two.x + other.width < one.x;
                let below = one.y + size.height < two.y || two.y + other.height < one.y;
                prop_assert!(beside || below, "{one:?} {two:?}");
            }
        }
    }

    #[test]
    fn edges_lead_down_the_layers_from_node_to_node((sizes, edges) in graphs()) {
        let drawn = layout(&sizes, &edges, &Spacing::default()).unwrap();
        for (&(from, to), points) in edges.iter().zip(&drawn.edges) {
            let (upper, lower) = (drawn.nodes[from], drawn.nodes[to]);
            prop_assert!(upper.layer < lower.layer);
            prop_assert_eq!(points.len() as u32, lower.layer - upper.layer + 1);
            prop_assert!(points.is_sorted_by(|one, two| one[1] < two[1]), "{points:?}");
            let (first, last) = (points[0], points[points.len() - 1]);
            prop_assert!((first[0] - upper.x - sizes[from].width / 2.0).abs() < 0.2);
            prop_assert!((first[1] - upper.y - sizes[from].height).abs() < 0.2);
            prop_assert!((last[0] - lower.x - sizes[to].width / 2.0).abs() < 0.2);
            prop_assert!((last[1] - lower.y).abs() < 0.2);
        }
    }

    #[test]
    fn the_same_graph_is_always_drawn_the_same((sizes, edges) in graphs()) {
        let once = layout(&sizes, &edges, &Spacing::default());
        prop_assert_eq!(once, layout(&sizes, &edges, &Spacing::default()));
    }

    #[test]
    fn a_circle_is_refused_and_named((sizes, edges) in graphs(), at in 0_usize..80) {
        prop_assume!(!edges.is_empty());
        let (from, to) = edges[at % edges.len()];
        let mut edges = edges;
        edges.push((to, from));
        let LayoutError::Cycle { path } = layout(&sizes, &edges, &Spacing::default()).unwrap_err() else {
            return Err(TestCaseError::fail("no cycle"));
        };
        prop_assert!(path.len() > 2 && path.first() == path.last());
        for pair in path.windows(2) {
            prop_assert!(edges.contains(&(pair[0], pair[1])), "{path:?}");
        }
    }
}

#[test]
fn a_tree_is_drawn_without_crossings_and_parents_stand_over_their_children() {
    let edges: Vec<(usize, usize)> = (1..15).map(|node| ((node - 1) / 2, node)).collect();
    let drawn = draw(15, &edges);
    let middle = |node: usize| drawn.nodes[node].x + 50.0;
    for parent in 0..7 {
        let (left, right) = (middle(2 * parent + 1), middle(2 * parent + 2));
        assert!(
            (middle(parent) - f64::midpoint(left, right)).abs() < 1.0,
            "{drawn:?}"
        );
    }
}

#[test]
fn a_long_edge_is_straight_between_its_bends() {
    // A chain of six, and an edge from its first to its last.
    let edges = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)];
    let drawn = draw(6, &edges);
    let bends = &drawn.edges[5][1..5];
    let spread = bends.iter().map(|it| it[0]).fold(0.0, f64::max)
        - bends.iter().map(|it| it[0]).fold(f64::INFINITY, f64::min);
    assert!(spread < 2.0, "{bends:?}");
}

#[test]
fn single_nodes_fill_a_page_and_no_row() {
    let drawn = draw(400, &[]);
    assert!(drawn.width < 2.5 * drawn.height && drawn.height < 2.5 * drawn.width);
}

#[test]
fn an_edge_to_nowhere_and_a_loop_are_refused() {
    let one = [SIZE];
    let spacing = Spacing::default();
    assert_eq!(
        layout(&one, &[(0, 1)], &spacing),
        Err(LayoutError::NoNode { edge: 0 })
    );
    let path = vec![0, 0];
    assert_eq!(
        layout(&one, &[(0, 0)], &spacing),
        Err(LayoutError::Cycle { path })
    );
    assert_eq!(draw(0, &[]).nodes, []);
}

/// Whatever the shape, the work is bounded: these would take minutes or all memory if it were not.
#[test]
fn stars_chains_and_their_like_of_ten_thousand_nodes_are_drawn() {
    let star: Vec<_> = (1..10_000).map(|leaf| (0, leaf)).collect();
    assert_eq!(draw(10_000, &star).nodes[9_999].layer, 1);
    let chain: Vec<_> = (1..10_000).map(|node| (node - 1, node)).collect();
    assert_eq!(draw(10_000, &chain).nodes[9_999].layer, 9_999);
    let mut both = chain;
    both.extend(star);
    let drawn = draw(10_000, &both);
    assert!(drawn.edges.iter().all(|points| points.len() >= 2));
    let bends: usize = drawn.edges.iter().map(|points| points.len() - 2).sum();
    assert!(bends <= MOST_DUMMIES, "{bends}");
}
