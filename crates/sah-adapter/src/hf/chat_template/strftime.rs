//! `strftime_now`, with which templates write today's date.

use time::OffsetDateTime;

/// The present in the form that `format` asks for, in UTC (transformers takes the local time).
pub(super) fn strftime_now(format: &str) -> String {
    strftime(OffsetDateTime::now_utc(), format)
}

/// `format` with every directive replaced.
fn strftime(at: OffsetDateTime, format: &str) -> String {
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('%', Some(letter)) => {
                text += &directive(at, letter);
                rest.next();
            }
            (c, _) => text.push(c),
        }
    }
    text
}

/// The directives of C's `strftime` that templates use, in English; others stay as they are written.
fn directive(at: OffsetDateTime, letter: char) -> String {
    let short = |name: String| name.chars().take(3).collect();
    match letter {
        'Y' => at.year().to_string(),
        'y' => format!("{:02}", at.year().rem_euclid(100)),
        'm' => format!("{:02}", u8::from(at.month())),
        'd' => format!("{:02}", at.day()),
        'e' => format!("{:2}", at.day()),
        'B' => at.month().to_string(),
        'b' => short(at.month().to_string()),
        'A' => at.weekday().to_string(),
        'a' => short(at.weekday().to_string()),
        'j' => format!("{:03}", at.ordinal()),
        'H' => format!("{:02}", at.hour()),
        'I' => format!("{:02}", (at.hour() + 11) % 12 + 1),
        'M' => format!("{:02}", at.minute()),
        'S' => format!("{:02}", at.second()),
        'p' => if at.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        '%' => '%'.to_string(),
        other => format!("%{other}"),
    }
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
