//! Rows that share a context are answered together.

use std::collections::HashMap;
use std::hash::Hash;

/// Groups rows by equal context: the positions of each group's rows, ascending, the groups in order of first appearance.
///
/// Contexts are compared, never copied or sorted. They may be texts, or texts with what else must be equal for rows to be
/// answered together. Tasks do not matter: rows of different tasks share a context too.
///
/// ```
/// let groups = sah_bench_core::group_by_context(["one", "two", "one"]);
/// assert_eq!(groups, [vec![0, 2], vec![1]]);
/// ```
pub fn group_by_context<T: Eq + Hash>(contexts: impl IntoIterator<Item = T>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut group_of: HashMap<T, usize> = HashMap::new();
    for (row, context) in contexts.into_iter().enumerate() {
        let group = *group_of.entry(context).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(row);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_in_order_of_first_appearance() {
        let groups = group_by_context(["z", "a", "z", "m", "a", "z", ""]);
        assert_eq!(groups, [vec![0, 2, 5], vec![1, 4], vec![3], vec![6]]);
    }

    #[test]
    fn no_rows_no_groups() {
        assert!(group_by_context::<&str>([]).is_empty());
    }
}
