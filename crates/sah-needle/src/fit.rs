//! How much of a text a length has room for.

/// The most units that take at most `length` tokens, of `most` that there are.
///
/// `size` says how many tokens a number of units takes: that of no unit is at most `length`. `None` where all of them fit.
pub(crate) fn most_units<E>(
    length: usize,
    most: usize,
    mut size: impl FnMut(usize) -> Result<usize, E>,
) -> Result<Option<usize>, E> {
    // `fits` units fit, `over` do not.
    let (mut fits, mut over) = (0, 1);
    while over <= most && size(over)? <= length {
        (fits, over) = (over, 2 * over);
    }
    if over > most {
        over = most;
        if size(over)? <= length {
            return Ok(None);
        }
    }
    while over - fits > 1 {
        let middle = fits.midpoint(over);
        if size(middle)? <= length { fits = middle } else { over = middle }
    }
    Ok(Some(fits))
}

#[cfg(test)]
mod tests {
    use super::most_units;

    #[test]
    fn one_more_would_not_fit() {
        let of = |length, most| most_units(length, most, |units| Ok::<_, ()>(10 + 3 * units)).unwrap();
        for (length, most, expected) in [
            (10, 1, Some(0)),
            (12, 99, Some(0)),
            (13, 99, Some(1)),
            (100, 99, Some(30)),
            (100, 31, Some(30)),
            (100, 30, None),
            (100, 0, None),
            (100, usize::MAX, Some(30)),
        ] {
            assert_eq!(of(length, most), expected, "{length} {most}");
        }
    }
}
