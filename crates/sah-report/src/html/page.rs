//! The page, from its head to its last table.

use super::markup::Markup;
use crate::figures::{Figure, palette};
use crate::overview::{Overview, Part};
use crate::tables::{self, Table};
use crate::{Analysis, Side};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// The page of an analysis with its figures.
pub(crate) fn page(analysis: &Analysis<'_>, figures: &[Figure]) -> String {
    let names = run_names(analysis);
    let mut page = Markup::default();
    page.head(&names, &title(analysis), &subtitle(analysis, &names));
    let sections = sections(analysis, figures);
    page.tags("<nav aria-label=\"Sections\">").links(&sections);
    page.tags("</nav>\n<main id=\"content\" tabindex=\"-1\">\n");
    for section in &sections {
        page.section(analysis, section);
    }
    page.foot().into_string()
}

/// The page of several analyses, each with its figures, after the table over all.
pub(crate) fn page_of_several(overview: &Overview<'_>, figures: &[&[Figure]]) -> String {
    let names = overview.run_names().join(", ");
    let benchmarks: Vec<&str> = overview.parts.iter().map(|part| part.benchmark.as_str()).collect();
    let mut page = Markup::of_parts(overview.parts.len());
    page.head(&names, &benchmarks.join(", "), &format!("Runs: {names}."));
    page.tags("<nav aria-label=\"Benchmarks\"><ul>\n<li><a href=\"#overview\">Overview</a></li>\n");
    for part in &overview.parts {
        page.part(Some(&part.benchmark)).tags("<li><a href=\"#").id("part").tags("\">");
        page.text(&part.benchmark).tags("</a></li>\n");
    }
    page.part(None).tags("</ul></nav>\n<main id=\"content\" tabindex=\"-1\">\n");
    page.tags("<section aria-labelledby=\"overview\">\n<h2 id=\"overview\">Overview</h2>\n<p>")
        .tags(OVERVIEW);
    page.tags("</p>\n");
    for table in overview.tables() {
        page.table(&table);
    }
    page.tags("</section>\n");
    for (part, figures) in overview.parts.iter().zip(figures) {
        let Part { benchmark, analysis } = part;
        page.part(Some(benchmark)).tags("<section class=\"part\" aria-labelledby=\"").id("part");
        page.tags("\">\n<h2 id=\"").id("part").tags("\">").text(benchmark).tags("</h2>\n<p>");
        page.text(&subtitle(analysis, &run_names(analysis))).tags("</p>\n");
        let sections = sections(analysis, figures);
        page.tags("<nav aria-label=\"").text(benchmark).tags("\">").links(&sections).tags("</nav>\n");
        for section in &sections {
            page.section(analysis, section);
        }
        page.tags("</section>\n");
    }
    page.foot().into_string()
}

fn title(analysis: &Analysis<'_>) -> String {
    let side = analysis.sides.first();
    let benchmark = side.and_then(|side| side.config["benchmark"].as_str()).unwrap_or("benchmark");
    let mut models: Vec<&str> = analysis.sides.iter().map(|side| side.model()).collect();
    models.dedup();
    format!("{benchmark}: {}", models.join(", "))
}

fn subtitle(analysis: &Analysis<'_>, names: &str) -> String {
    let rows: Vec<String> = analysis.runs.iter().map(|run| rows(&run.sides[0])).collect();
    let plural = if analysis.runs.len() == 1 { "Run" } else { "Runs" };
    let labels = analysis.labels.join(", ");
    format!("{plural} {names}. Attentions: {labels}. Rows: {}.", rows.join(", "))
}

/// How many there are, and how often each was answered.
fn rows(side: &Side) -> String {
    let (rows, samples) = (side.rows.len(), side.samples());
    if rows == samples { rows.to_string() } else { format!("{samples} with {} answers each", rows / samples) }
}

/// `Length buckets` for `length`.
fn title_of_buckets(analysis: &Analysis<'_>) -> String {
    let (word, _) = analysis.margin_names();
    if analysis.grid.is_some() {
        return format!("Means by {word}");
    }
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{} buckets", letters.as_str())
}

fn run_names(analysis: &Analysis<'_>) -> String {
    let names: Vec<&str> = analysis.runs.iter().map(|run| run.name.as_str()).collect();
    names.join(", ")
}

struct Section<'a> {
    id: &'static str,
    title: String,
    text: &'static str,
    figures: Vec<&'a Figure>,
    tables: Vec<Table>,
    /// Tables that few need.
    folded: Vec<Table>,
    has_samples: bool,
}

const OVERVIEW: &str = "The single figure of each benchmark, on the scale of that, in brackets its 95 % confidence interval. Benchmarks \
    have different scales and different tasks: there is no mean over them. A dash is a benchmark without a single figure, or one that \
    the method did not finish.";
const SCORES: &str = "A score is the mean over a task\u{2019}s rows. Its interval is from the 2.5th to the 97.5th percentile of the \
    means of 9,999 samples, each drawn from those rows with replacement (bootstrap).";
const DIFFERENCES: &str = "Where both sides answered the same rows, the interval is that of the mean of the rows\u{2019} own \
    differences (paired); else that of the difference of the means (unpaired). A difference is beyond noise where its \
    interval excludes 0; of 20 differences that are none, about one is so by chance. Fewer than 10 rows say nothing.";
const DENSITY: &str = "Density is the share of the visible keys that attention read. Dashed is the score of dense attention; points of \
    the same density stand side by side.";
const CACHE: &str = "Bytes are those that the keys and values of a context take once it is read, over those that all of them take: an \
    attention that chooses keys for each query keeps all, a retention drops some for good. Dashed is the score of dense attention; \
    points of the same share stand side by side. A map has the share of their keys that contexts keep in each layer and KV head, the mean over contexts.";
const ERRORS: &str = "The error of an attention call is the norm of its difference to dense attention over the same queries, \
    keys and values, over the norm of that. A call is one layer in one forward pass. Measured were the calls that were drawn.";

fn sections<'a>(analysis: &Analysis<'_>, figures: &'a [Figure]) -> Vec<Section<'a>> {
    let named = |names: &[&str]| -> Vec<&'a Figure> {
        figures.iter().filter(|figure| names.iter().any(|name| figure.name.starts_with(name))).collect()
    };
    let section = |id, title: &str, text, names: &[&str], tables: Vec<Table>| Section {
        id,
        title: title.to_owned(),
        text,
        figures: named(names),
        tables,
        folded: Vec::new(),
        has_samples: false,
    };
    let differences =
        analysis.comparisons.iter().map(|comparison| tables::difference(analysis, comparison)).collect();
    let summary = std::iter::once(tables::summary(analysis)).chain(tables::warnings(analysis)).collect();
    let buckets = tables::buckets(analysis).into_iter().collect();
    let grids = tables::grids(analysis);
    let list = vec![tables::scores(analysis)];
    // The maps have all figures of a grid.
    let (shown, folded) =
        if grids.is_empty() { (list, Vec::new()) } else { (Vec::new(), [grids, list].concat()) };
    let further = tables::further(analysis);
    let steps = tables::attention_steps(analysis).into_iter().collect();
    let changed = tables::configuration_differences(analysis).into_iter().collect();
    let mut all = vec![
        section("summary", "Summary", "", &[], summary),
        Section { folded, ..section("scores", "Scores", SCORES, &["scores", "maps"], shown) },
        section("buckets", &title_of_buckets(analysis), "", &["buckets"], buckets),
        section("further", "Further figures", "", &[], further),
        section("differences", "Differences", DIFFERENCES, &["differences"], differences),
        section("density", "Score against density", DENSITY, &["density"], Vec::new()),
        section("cache", "KV cache", CACHE, &["cache_bytes", "kept_heads"], Vec::new()),
        section("costs", "Time and memory", "", &["costs"], vec![tables::costs(analysis)]),
        section("attention", "Attention error", ERRORS, &["attention_error"], steps),
        Section { has_samples: true, ..section("samples", "Samples", "", &[], Vec::new()) },
        Section {
            folded: vec![tables::configuration(analysis)],
            ..section("configuration", "Configuration", "", &[], changed)
        },
    ];
    all.retain(|section| {
        let is_empty = section.figures.is_empty() && section.tables.is_empty() && section.folded.is_empty();
        if section.has_samples { !analysis.comparisons.is_empty() } else { !is_empty }
    });
    all
}

impl Markup {
    /// Everything before the sections.
    fn head(&mut self, names: &str, title: &str, subtitle: &str) -> &mut Self {
        // The policy lets nothing in from elsewhere, whatever is in the page.
        self.tags(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
             style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>",
        );
        self.text(&format!("Report of {names}")).tags("</title>\n<style>\n").tags(STYLE);
        self.tags("@media (prefers-color-scheme: dark) {\n").style(&palette::dark_rules(".figure svg"));
        self.tags(
            "}\n</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to the content</a>\n",
        );
        self.tags("<header>\n<h1>").text(title).tags("</h1>\n<p>").text(subtitle).tags("</p>\n</header>\n")
    }

    /// Everything after them.
    fn foot(mut self) -> Self {
        self.tags("</main>\n<footer><p>Made by <code>cargo xtask report</code>, version ");
        self.text(env!("CARGO_PKG_VERSION"))
            .tags("; no part of this page comes from elsewhere.</p></footer>\n<script>\n");
        self.tags(SCRIPT).tags("</script>\n</body>\n</html>\n");
        self
    }

    /// Links to sections.
    fn links(&mut self, sections: &[Section<'_>]) -> &mut Self {
        self.tags("<ul>\n");
        for section in sections {
            self.tags("<li><a href=\"#").id(section.id).tags("\">").text(&section.title).tags("</a></li>\n");
        }
        self.tags("</ul>")
    }

    fn section(&mut self, analysis: &Analysis<'_>, section: &Section<'_>) -> &mut Self {
        let (open, close) = if self.is_part() { ("<h3 id=\"", "</h3>\n") } else { ("<h2 id=\"", "</h2>\n") };
        self.tags("<section aria-labelledby=\"").id(section.id).tags("\">\n");
        self.tags(open).id(section.id).tags("\">").text(&section.title).tags(close);
        if !section.text.is_empty() {
            self.tags("<p>").tags(section.text).tags("</p>\n");
        }
        for figure in &section.figures {
            self.tags(
                "<figure class=\"figure\"><div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"",
            );
            self.text(&figure.title).tags("\">").figure(figure).tags("</div></figure>\n");
        }
        for table in &section.tables {
            self.table(table);
        }
        for table in &section.folded {
            self.tags("<details><summary>")
                .text(&table.caption)
                .tags("</summary>")
                .table(table)
                .tags("</details>\n");
        }
        if section.has_samples {
            self.samples(analysis);
        }
        self.tags("</section>\n")
    }
}
