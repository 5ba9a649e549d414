//! The slope of figures over time: least squares, with how sure it is.

/// A straight line through points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    /// Per unit of `x`.
    pub(super) per: f64,
    /// Its standard error, as if the points knew nothing of each other.
    pub(super) error: f64,
}

/// The line that fits best; nothing with fewer than three points, or all at one `x`.
pub(super) fn of(points: &[(f64, f64)]) -> Option<Slope> {
    let count = f64::from(u32::try_from(points.len()).ok().filter(|count| *count > 2)?);
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let width: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if width == 0.0 {
        return None;
    }
    let per = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / width;
    let off: f64 = points.iter().map(|point| (point.1 - y - per * (point.0 - x)).powi(2)).sum();
    Some(Slope { per, error: (off / (count - 2.0) / width).sqrt() })
}

/// The lowest point of each span of so many: what is there when what comes and goes is gone.
pub(super) fn lowest(points: &[(f64, f64)], span: usize) -> Vec<(f64, f64)> {
    let low = |points: &[(f64, f64)]| points.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    points.chunks(span).filter_map(low).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_noise_is_said() {
        let line: Vec<(f64, f64)> = (0..10).map(|x| (f64::from(x), 3.0 + 2.0 * f64::from(x))).collect();
        assert_eq!(of(&line), Some(Slope { per: 2.0, error: 0.0 }));
        let noisy: Vec<(f64, f64)> = line.iter().map(|(x, y)| (*x, y + (x % 2.0) * 4.0)).collect();
        let slope = of(&noisy).unwrap();
        assert!((slope.per - 2.0).abs() < 3.0 * slope.error && slope.error > 0.1, "{slope:?}");
    }

    #[test]
    fn too_little_has_no_slope() {
        assert_eq!(of(&[(0.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(of(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
    }

    #[test]
    fn the_lowest_of_each_span_is_kept() {
        let points = [(0.0, 5.0), (1.0, 3.0), (2.0, 9.0), (3.0, 8.0), (4.0, 1.0)];
        assert_eq!(lowest(&points, 2), [(1.0, 3.0), (3.0, 8.0), (4.0, 1.0)]);
    }
}
