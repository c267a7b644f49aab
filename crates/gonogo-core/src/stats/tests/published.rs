use crate::stats::{flawless_size, recommended_size};

#[test]
fn wilks_sizes_are_computed() {
    let sizes: Vec<u64> = (0..6)
        .map(|over| flawless_size(over, 0.05, 0.05).unwrap())
        .collect();
    assert_eq!(sizes, [59, 93, 124, 153, 181, 208]);
}

#[test]
fn recommended_sizes_are_those_of_the_published_table() {
    let table = [
        (0.5, Some((33, 11)), Some((13, 3))),
        (0.1, Some((239, 16)), Some((89, 4))),
        (0.05, Some((506, 17)), Some((181, 4))),
        (0.01, Some((2546, 17)), Some((913, 4))),
        (0.005, Some((5096, 17)), None),
        (0.001, Some((25_495, 17)), Some((9151, 4))),
    ];
    for (share, half, quarter) in table {
        for (fraction, expected) in [(0.5, half), (0.25, quarter)] {
            let size = recommended_size(share, 0.05, fraction).unwrap();
            if let Some(expected) = expected {
                assert_eq!((size.n, size.allowed), expected, "{share} {fraction}");
            }
        }
    }
}
