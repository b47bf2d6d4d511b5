//! Fenced blocks of Markdown pages.

/// The blocks of `language`, without the indentation of a list that they stand in.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}");
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.trim_start() != begin {
            continue;
        }
        let indentation = line.len() - line.trim_start().len();
        let mut block = Vec::new();
        loop {
            let line = lines.next().expect("a block has an end");
            if line.trim_start() == "```" {
                break;
            }
            block.push(line.get(indentation..).unwrap_or(""));
        }
        blocks.push(block.join("\n"));
    }
    blocks
}
