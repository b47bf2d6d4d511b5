//! `strftime_now`, with which templates write today's date.

use time::OffsetDateTime;

/// The present in the form that `format` asks for, in UTC (transformers takes the local time).
pub(super) fn strftime_now(format: &str) -> String {
    strftime(OffsetDateTime::now_utc(), format)
}

/// The directives of C's `strftime` that templates use, in English; others stay as they are written.
fn strftime(at: OffsetDateTime, format: &str) -> String {
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let hour12 = (at.hour() + 11) % 12 + 1;
        match rest.next() {
            Some('Y') => text += &at.year().to_string(),
            Some('y') => text += &format!("{:02}", at.year().rem_euclid(100)),
            Some('m') => text += &format!("{:02}", u8::from(at.month())),
            Some('d') => text += &format!("{:02}", at.day()),
            Some('e') => text += &format!("{:2}", at.day()),
            Some('B') => text += &at.month().to_string(),
            Some('b') => text += &at.month().to_string()[..3],
            Some('A') => text += &at.weekday().to_string(),
            Some('a') => text += &at.weekday().to_string()[..3],
            Some('j') => text += &format!("{:03}", at.ordinal()),
            Some('H') => text += &format!("{:02}", at.hour()),
            Some('I') => text += &format!("{hour12:02}"),
            Some('M') => text += &format!("{:02}", at.minute()),
            Some('S') => text += &format!("{:02}", at.second()),
            Some('p') => text += if at.hour() < 12 { "AM" } else { "PM" },
            Some('%') => text.push('%'),
            Some(other) => text.extend(['%', other]),
            None => text.push('%'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directives_that_templates_use() {
        // 2024-07-26 09:05:03 UTC, a Friday.
        let at = OffsetDateTime::from_unix_timestamp(1_721_984_703).unwrap();
        for (format, expected) in [
            ("%d %b %Y", "26 Jul 2024"),
            ("%B %d, %Y", "July 26, 2024"),
            ("%Y-%m-%d", "2024-07-26"),
            ("%A %a %j %y", "Friday Fri 208 24"),
            ("%H:%M:%S %I %p", "09:05:03 09 AM"),
            ("100%% %q %", "100% %q %"),
        ] {
            assert_eq!(strftime(at, format), expected, "{format}");
        }
    }
}
