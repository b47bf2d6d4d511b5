//! k-means on the host: Lloyd's iterations from points drawn at random (Lloyd 1982).
//!
//! One problem runs on one thread, in a fixed order and without fused multiplications, so that the result does not depend
//! on the number of threads or the processor.

use pulp::{Simd, WithSimd};
use sah_tensor::cpu::arch;

use crate::masker::toolkit::RandomStream;

/// Iterations stop where the centroids move by less than this, summed and squared.
const TOLERANCE: f64 = 1e-4;

/// Centroids of one group of vectors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Centroids {
    count: usize,
    /// `[dim, count]`: one element of all centroids side by side.
    columns: Vec<f32>,
    /// Half of each centroid's squared length, `[count]`.
    half_norms: Vec<f32>,
}

impl Centroids {
    /// Clusters `points`, `[n, dim]` one after the other with `n >= count`, in at most `iterations` steps.
    pub(super) fn train(
        points: &[f32],
        dim: usize,
        count: usize,
        iterations: usize,
        random: &mut RandomStream,
    ) -> Self {
        let point = |at: usize| &points[at * dim..(at + 1) * dim];
        let drawn = random.subset(points.len() / dim, count);
        let drawn: Vec<f32> = drawn.into_iter().flat_map(point).copied().collect();
        let mut centroids = Self::new(&drawn, dim);
        for _ in 0..iterations {
            let mut sums = vec![0.0_f64; count * dim];
            let mut sizes = vec![0_usize; count];
            for (at, code) in centroids.nearest(points).into_iter().enumerate() {
                sizes[code as usize] += 1;
                for (sum, element) in sums[code as usize * dim..].iter_mut().zip(point(at)) {
                    *sum += f64::from(*element);
                }
            }
            let before = centroids.rows();
            let mean = |(at, sum): (usize, &f64)| match sizes[at / dim] {
                // No point is nearest: it stays where it is.
                0 => before[at],
                size => (sum / size as f64) as f32,
            };
            let after: Vec<f32> = sums.iter().enumerate().map(mean).collect();
            let moved: f64 = before.iter().zip(&after).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            centroids = Self::new(&after, dim);
            if moved < TOLERANCE {
                break;
            }
        }
        centroids
    }

    /// From `rows`, `[count, dim]`.
    fn new(rows: &[f32], dim: usize) -> Self {
        let count = rows.len() / dim;
        let columns = (0..dim * count).map(|at| rows[at % count * dim + at / count]).collect();
        let half_norms =
            rows.chunks_exact(dim).map(|row| row.iter().map(|x| x * x).sum::<f32>() / 2.0).collect();
        Self { count, columns, half_norms }
    }

    /// `[count, dim]`.
    fn rows(&self) -> Vec<f32> {
        let dim = self.columns.len() / self.count;
        (0..self.count * dim).map(|at| self.columns[at % dim * self.count + at / dim]).collect()
    }

    /// The first `dim` elements of every centroid, `[dim, count]`.
    pub(super) fn columns(&self, dim: usize) -> &[f32] {
        &self.columns[..dim * self.count]
    }

    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.columns.len() + self.half_norms.len())
    }

    /// The nearest centroid of every point, `[n]`; the first of several.
    pub(super) fn nearest(&self, points: &[f32]) -> Vec<u8> {
        arch().dispatch(Nearest { centroids: self, points })
    }
}

/// Least `|c|^2 / 2 - x . c`, with the widest instructions that the processor has.
struct Nearest<'a> {
    centroids: &'a Centroids,
    points: &'a [f32],
}

impl WithSimd for Nearest<'_> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<u8> {
        let Centroids { count, columns, half_norms } = self.centroids;
        let mut distances = vec![0.0_f32; *count];
        let nearest = |point: &[f32]| {
            distances.copy_from_slice(half_norms);
            for (element, column) in point.iter().zip(columns.chunks_exact(*count)) {
                for (distance, centroid) in distances.iter_mut().zip(column) {
                    *distance -= element * centroid;
                }
            }
            let mut best = (0, f32::INFINITY);
            for (at, &distance) in distances.iter().enumerate() {
                if distance < best.1 {
                    best = (at, distance);
                }
            }
            best.0 as u8
        };
        self.points.chunks_exact(columns.len() / count).map(nearest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Vec<f32> {
        RandomStream::new(5, 0).normals(300 * 3)
    }

    #[test]
    fn the_nearest_centroid_is_the_nearest() {
        let points = points();
        let centroids = Centroids::train(&points, 3, 9, 4, &mut RandomStream::new(1, 0));
        let rows = centroids.rows();
        for (point, code) in points.chunks_exact(3).zip(centroids.nearest(&points)) {
            let distance = |row: &[f32]| row.iter().zip(point).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
            let best = rows.chunks_exact(3).map(distance).fold(f32::INFINITY, f32::min);
            let got = distance(&rows[code as usize * 3..code as usize * 3 + 3]);
            assert!(got <= best + 1e-5, "{got} {best}");
        }
        assert_eq!(centroids.columns(2).len(), 18);
    }

    #[test]
    fn iterations_bring_points_nearer_and_come_to_rest() {
        let points = points();
        let error = |iterations| {
            let centroids = Centroids::train(&points, 3, 9, iterations, &mut RandomStream::new(1, 0));
            let rows = centroids.rows();
            let distance = |(point, code): (&[f32], u8)| -> f32 {
                rows[code as usize * 3..].iter().zip(point).map(|(a, b)| (a - b).powi(2)).sum()
            };
            points.chunks_exact(3).zip(centroids.nearest(&points)).map(distance).sum::<f32>()
        };
        let errors: Vec<f32> = [0, 1, 2, 5, 100, 200].map(error).to_vec();
        assert!(errors.is_sorted_by(|a, b| a >= b), "{errors:?}");
        assert!(errors[0] > 1.1 * errors[3]);
        assert_eq!(errors[4].to_bits(), errors[5].to_bits());
    }

    #[test]
    fn separate_clusters_are_found_and_empty_ones_stay() {
        let points: Vec<f32> =
            (0..40).flat_map(|at| [f32::from(at % 2 == 0) * 10.0, at as f32 * 0.001]).collect();
        let mut found = 0;
        for seed in 0..10 {
            // Where it begins with a point of each cluster, it ends in their middles.
            let drawn = RandomStream::new(seed, 0).subset(40, 2);
            if drawn[0] % 2 != drawn[1] % 2 {
                let rows = Centroids::train(&points, 2, 2, 20, &mut RandomStream::new(seed, 0)).rows();
                let mut first = [rows[0], rows[2]];
                first.sort_by(f32::total_cmp);
                assert!(first[0].abs() < 1e-5 && (first[1] - 10.0).abs() < 1e-5, "{rows:?}");
                found += 1;
            }
        }
        assert!(found > 2);
        let same = vec![1.0; 20];
        let centroids = Centroids::train(&same, 2, 4, 5, &mut RandomStream::new(0, 0));
        assert_eq!(centroids.nearest(&same), [0; 10]);
        assert_eq!(centroids.rows(), [1.0; 8]);
    }
}
