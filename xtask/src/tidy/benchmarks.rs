//! A benchmark is a crate and one entry in the table of `sah`: no other source names it.

use std::path::Path;

/// The benchmarks, as their crates are called behind `sah-`, or as these begin.
const BENCHMARKS: [&str; 6] = ["aime", "infinitebench", "longbench", "loogle", "ruler", "zeroscrolls"];

/// Where every benchmark may be named: the table of benchmarks, the table of goldens, and this check.
const TABLES: [&str; 3] = ["crates/sah/src/benchmarks", "xtask/src/bless/table.rs", "xtask/src/tidy/"];

/// The lines of `file` that name a benchmark in another place than its crate, the table, docs and tests.
pub(super) fn check(file: &Path, text: &str) -> Vec<String> {
    let path = file.to_string_lossy();
    let is_test = path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "examples"));
    if is_test || TABLES.iter().any(|table| path.starts_with(table)) {
        return Vec::new();
    }
    let source = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut breaches = Vec::new();
    for (number, line) in source.lines().enumerate() {
        for name in BENCHMARKS {
            let own = path.starts_with(&format!("crates/sah-{name}"));
            if !own && has_name(&line.to_lowercase(), name) {
                breaches.push(format!("{path}:{}: names the benchmark {name}", number + 1));
            }
        }
    }
    breaches
}

/// Whether `name` stands in `line`, and not as a part of a longer word: `claimed` has letters of a benchmark in it.
fn has_name(line: &str, name: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        !is_letter(before.chars().next_back()) && !is_letter(after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check;

    #[test]
    fn a_benchmark_is_named_by_its_crate_and_the_table_alone() {
        let check = |file: &str, text: &str| check(Path::new(file), text);
        let text = "//! A runner.\n\n/// As LongBench has it.\n";
        let breach = "crates/sah/src/run.rs:3: names the benchmark longbench";
        assert_eq!(check("crates/sah/src/run.rs", text), [breach]);
        for file in [
            "crates/sah-longbench/src/lib.rs",
            "crates/sah-longbench-v2/src/lib.rs",
            "crates/sah/src/benchmarks.rs",
            "crates/sah-report/tests/it/main.rs",
            "crates/sah/src/job/tests.rs",
            "examples/simple_comparison.rs",
        ] {
            assert!(check(file, text).is_empty(), "{file}");
        }
        assert!(check("crates/sah/src/run.rs", "//! What is claimed.\n").is_empty());
        let in_test =
            "//! A runner.\n\n#[cfg(test)]\nmod tests {\n    const NAME: &str = \"longbench\";\n}\n";
        assert!(check("crates/sah/src/run.rs", in_test).is_empty());
    }
}
