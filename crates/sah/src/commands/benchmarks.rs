//! `cargo xtask benchmarks`: what can be measured.

use crate::benchmarks::{BenchmarkEntry, Benchmarks};
use crate::exit;
use crate::terminal::{Facts, show};

/// Prints each benchmark with its subsets, data, metric and source to standard output.
pub(crate) fn run(benchmarks: &Benchmarks) -> anyhow::Result<u8> {
    for entry in benchmarks.all() {
        show(format_args!("{}\n", facts(entry)))?;
    }
    let note = "cargo xtask bench NAME runs one, with --data for its rows; bench NAME --help has its flags. What each is and what its \
         scores mean: docs/benchmarks.md";
    show(Facts::titled(note))?;
    Ok(exit::DONE)
}

fn facts(entry: &dyn BenchmarkEntry) -> Facts {
    let benchmark = entry.scorer();
    let subsets = benchmark.subsets();
    let subsets = match subsets.len() {
        0 => "those of the data".to_owned(),
        1 => subsets.concat(),
        count => format!("{count}: {}", subsets.join(", ")),
    };
    let facts = entry.facts();
    let lines = [
        ("also called", entry.aliases().join(", ")),
        ("subsets", subsets),
        ("data", facts.data),
        ("metric", facts.metric.to_owned()),
        ("scores", benchmark.units().score.text().to_owned()),
        ("source", facts.source.to_owned()),
    ];
    let titled = Facts::titled(&format!("{}: {}", entry.name(), entry.about()));
    let known = lines.into_iter().filter(|(_, fact)| !fact.is_empty());
    known.fold(titled, |facts, (name, fact)| facts.with(name, &fact))
}

#[cfg(test)]
mod tests {
    use super::facts;
    use crate::benchmarks::Benchmarks;

    #[test]
    fn every_benchmark_says_what_it_is() {
        for entry in Benchmarks::standard().all() {
            let text = facts(entry).to_string();
            let own_rows = entry.name() == "mock";
            for word in ["subsets", "data", "metric", "scores", "source"] {
                assert!(own_rows || text.contains(&format!("\n  {word} ")), "{word}: {text}");
            }
        }
        let ruler = facts(Benchmarks::standard().find("ruler").unwrap()).to_string();
        for words in ["13: niah_single_1, ", "generated, hub (simonjegou/ruler), DIR", "0 to 100"] {
            assert!(ruler.contains(words), "{ruler}");
        }
        let added = facts(Benchmarks::for_tests().find("counting").unwrap()).to_string();
        assert!(added.contains("subsets") && !added.contains("source"), "{added}");
    }
}
