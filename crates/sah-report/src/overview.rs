//! Runs of several benchmarks: an analysis of each, and a table over all.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::run::name_of;
use crate::statistics::{Bootstrap, Estimate};
use crate::tables::{Cell, Column, Table};
use crate::{Analysis, Run, Side};

/// What makes a method of a model and an attention, beside these: where it differs, it is shown.
const SETTINGS: [&str; 8] =
    ["dtype", "weights", "kv_dtype", "prefill", "question_attention", "evict", "retention", "retention_sees"];

/// Runs of several benchmarks.
#[derive(Clone, Debug)]
pub struct Overview<'a> {
    /// One for each benchmark.
    pub parts: Vec<Part<'a>>,
    /// What has no results, and why.
    pub missing: Vec<Missing>,
}

/// The runs of one benchmark.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Its name.
    pub benchmark: String,
    /// Their analysis.
    pub analysis: Analysis<'a>,
}

/// A run without results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Which one.
    pub run: String,
    /// What is known of it.
    pub problem: String,
}

/// A model with an attention, and its figure in each benchmark.
struct Method<'a> {
    /// The first of its sides: what it is can be read from any.
    side: &'a Side,
    /// The run of several benchmarks that all its sides are part of, if they are of one.
    whole: Option<&'a Path>,
    /// The names of the runs that its figures are from.
    runs: Vec<String>,
    /// Its figure by the place of the benchmark among the parts, of those where it ran; some benchmarks have no single figure.
    figures: BTreeMap<usize, Option<Estimate>>,
}

impl<'a> Overview<'a> {
    /// Analyses the runs of each benchmark, one at least.
    ///
    /// # Panics
    ///
    /// Where a benchmark has no run.
    #[must_use]
    pub fn new(runs: &'a [(String, Vec<Run>)], missing: Vec<Missing>, bootstrap: &Bootstrap) -> Self {
        let part = |(benchmark, runs): &'a (String, Vec<Run>)| Part {
            benchmark: benchmark.clone(),
            analysis: Analysis::new(runs, bootstrap),
        };
        Self { parts: runs.iter().map(part).collect(), missing }
    }

    /// The single figure of each method in each benchmark, with its interval: a row for each method, a column for each benchmark.
    ///
    /// Sides are one method where model, attention and settings are the same. Those of one run of several benchmarks belong
    /// together; else a side joins the first method that has no figure of its benchmark.
    #[must_use]
    pub fn table(&self) -> Table {
        let methods = self.methods();
        let differs = |read: &dyn Fn(&Method<'_>) -> String| {
            methods.iter().any(|method| read(method) != read(&methods[0]))
        };
        let runs = |method: &Method<'_>| method.runs.join(", ");
        let has_runs = differs(&runs);
        let setting = |name: &'static str| move |method: &Method<'_>| shown(&method.side.config[name]);
        let settings: Vec<&'static str> =
            SETTINGS.into_iter().filter(|name| differs(&setting(name))).collect();
        let mut columns = vec![Column::text("model"), Column::text("attention")];
        columns.extend(settings.iter().map(|name| Column::text(*name)));
        columns.extend(has_runs.then(|| Column::text("run")));
        columns.extend(self.parts.iter().map(|part| {
            Column::estimate(format!("{} ({})", part.benchmark, part.analysis.units.score.text()))
        }));
        let row = |method: &Method<'_>| {
            let mut cells = vec![Cell::text(method.side.model()), Cell::text(&method.side.attention)];
            cells.extend(settings.iter().map(|name| Cell::Text(setting(name)(method))));
            cells.extend(has_runs.then(|| Cell::Text(runs(method))));
            cells.extend(self.parts.iter().enumerate().map(|(at, part)| {
                let figure = method.figures.get(&at).copied().flatten();
                Cell::estimate(figure, part.analysis.units.score.digits())
            }));
            cells
        };
        Table {
            name: "overview".to_owned(),
            caption: "Each method in each benchmark: the single figure of the benchmark and its scale, in brackets the 95 % \
                      confidence interval."
                .to_owned(),
            columns,
            rows: methods.iter().map(row).collect(),
        }
    }

    /// That table, and one of what is missing, if anything is.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        let row = |missing: &Missing| vec![Cell::text(&missing.run), Cell::text(&missing.problem)];
        let missing = (!self.missing.is_empty()).then(|| Table {
            name: "missing".to_owned(),
            caption: "Missing: runs without results, which stand in no table.".to_owned(),
            columns: vec![Column::text("run"), Column::text("what is known of it")],
            rows: self.missing.iter().map(row).collect(),
        });
        std::iter::once(self.table()).chain(missing).collect()
    }

    /// The names of all runs, each once.
    #[must_use]
    pub fn run_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for run in self.parts.iter().flat_map(|part| part.analysis.runs) {
            let name = whole_name(run);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn methods(&self) -> Vec<Method<'a>> {
        let mut methods: Vec<Method<'a>> = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let runs: &'a [Run] = part.analysis.runs;
            let sides = runs.iter().flat_map(|run| run.sides.iter().map(move |side| (run, side)));
            for ((run, side), scores) in sides.zip(&part.analysis.scores) {
                let whole = run.whole.as_deref();
                let fits = |method: &&mut Method<'a>| {
                    !method.figures.contains_key(&at) && method.whole == whole && is_same(method.side, side)
                };
                let name = whole_name(run);
                if let Some(method) = methods.iter_mut().find(fits) {
                    method.figures.insert(at, scores.overall);
                    if !method.runs.contains(&name) {
                        method.runs.push(name);
                    }
                    continue;
                }
                let figures = [(at, scores.overall)].into_iter().collect();
                methods.push(Method { side, whole, runs: vec![name], figures });
            }
        }
        methods
    }
}

/// The name of a run, or of the run of several benchmarks that it is part of.
fn whole_name(run: &Run) -> String {
    run.whole.as_deref().map_or_else(|| run.name.clone(), name_of)
}

/// Whether two sides are the same model with the same attention, in the same precision.
fn is_same(one: &Side, other: &Side) -> bool {
    let (of_one, of_other) = (&one.config, &other.config);
    one.model() == other.model()
        && one.attention == other.attention
        && of_one["attention"] == of_other["attention"]
        && SETTINGS.iter().all(|name| of_one[name] == of_other[name])
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // What files leave out is what was always done.
        Value::Null => "-".to_owned(),
        // A retention, whose rules the name of the attention has: how much it drops, or keeps.
        Value::Object(fields) => match (&fields.get("ratio"), &fields.get("keys")) {
            (Some(ratio), _) => format!("ratio {ratio}"),
            (None, Some(keys)) => format!("{keys} keys"),
            (None, None) => value.to_string(),
        },
        other => other.to_string(),
    }
}
