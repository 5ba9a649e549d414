//! A few seeds, so that plain `cargo test` notices what makes a run another than the one before. The thousand is the
//! step `sim`.

use onair_sim::run;

/// Seeds 80 and 300 had several callers wait for the end of one initialization; chance decided who was answered first.
#[test]
fn g7_a_seed_has_one_trace() {
    for seed in [1, 80, 300] {
        let (first, again) = (run(seed, false), run(seed, false));
        assert_eq!(first.wrong, Vec::<String>::new(), "seed {seed}");
        assert_eq!((first.trace, &first.counts), (again.trace, &again.counts), "seed {seed}");
    }
}

#[test]
fn g7_seeds_differ() {
    assert_ne!(run(2, false).trace, run(3, false).trace);
}
