//! The samples to which two sides gave different answers.

use indexmap::IndexSet;

use super::highlight;
use super::markup::Markup;
use crate::comparison::AnswerPair;
use crate::{Analysis, Excerpt, Row};

/// Samples in the page, over all comparisons. More make it slow to open.
const MOST: usize = 400;
/// Characters of a question, an answer and a reference: beginning and end.
const QUESTION: (usize, usize) = (300, 150);
const ANSWER: (usize, usize) = (1_200, 300);
const REFERENCE: (usize, usize) = (400, 100);
/// References of a sample that are shown.
const REFERENCES: usize = 6;

impl Markup {
    /// The section's content: what is left out, the filters, and the table.
    pub(super) fn samples(&mut self, analysis: &Analysis<'_>) -> &mut Self {
        let most = self.share(MOST) / analysis.comparisons.len().max(1);
        let comparisons = analysis.comparisons.iter().enumerate();
        let pairs: Vec<(usize, Vec<AnswerPair<'_>>)> = comparisons
            .map(|(number, comparison)| (number, comparison.answers_that_differ(&analysis.sides)))
            .collect();
        let all: usize = pairs.iter().map(|(_, pairs)| pairs.len()).sum();
        if all == 0 {
            return self.tags("<p>No sample has different answers.</p>\n");
        }
        // Of single rows one decimal less than of means.
        let digits = analysis.units.score.digits() - 1;
        let shown: usize = pairs.iter().map(|(_, pairs)| pairs.len().min(most)).sum();
        self.tags("<p>Samples whose answers differ, those whose scores differ most first. Words of an answer that a reference \
                   has, too, are <mark>marked</mark>. ");
        if shown < all {
            self.text(&format!("Shown are {shown} of {all}, at most {most} of each comparison. "));
        }
        self.tags("Long texts are cut in the middle, where it says how much is missing; answers are whole in <code>\
                   tables/samples.csv</code>, contexts in the <code>raw_results.csv</code> of the runs.</p>\n");
        self.filters(analysis, &pairs, most);
        self.tags("<table class=\"samples\" role=\"table\"><caption>Answers that differ</caption>\n\
                   <thead role=\"rowgroup\"><tr role=\"row\"><th scope=\"col\" role=\"columnheader\">sample</th>\
                   <th scope=\"col\" role=\"columnheader\">references</th>\
                   <th scope=\"col\" role=\"columnheader\">answer it is held against</th>\
                   <th scope=\"col\" role=\"columnheader\">answer</th></tr></thead>\n<tbody id=\"");
        self.id("samples-body").tags("\" role=\"rowgroup\">\n");
        for (number, pairs) in &pairs {
            let comparison = &analysis.comparisons[*number];
            let labels = (&*analysis.labels[comparison.base], &*analysis.labels[comparison.other]);
            for pair in pairs.iter().take(most) {
                self.sample(*number, labels, pair, digits);
            }
        }
        self.tags("</tbody></table>\n")
    }

    fn filters(
        &mut self,
        analysis: &Analysis<'_>,
        pairs: &[(usize, Vec<AnswerPair<'_>>)],
        most: usize,
    ) -> &mut Self {
        self.tags("<form id=\"")
            .id("filters")
            .tags("\" class=\"filters\" role=\"search\" aria-labelledby=\"");
        self.id("samples").tags("\" hidden>\n<label>Task <select id=\"");
        self.id("by-task").tags("\"><option value=\"\">all</option>");
        let shown = || pairs.iter().flat_map(|(_, pairs)| pairs.iter().take(most));
        let has_rows = |task: &str| shown().any(|pair| pair.base.group.task == task);
        // Buckets of a task need not follow each other where runs have other ones.
        let tasks: IndexSet<&str> = analysis.groups.iter().map(|group| group.task.as_str()).collect();
        for task in tasks.into_iter().filter(|task| has_rows(task)) {
            self.tags("<option>").text(task).tags("</option>");
        }
        self.tags("</select></label>\n<label>Comparison <select id=\"").id("by-comparison");
        self.tags("\"><option value=\"\">all</option>");
        for (number, of_comparison) in pairs {
            if !of_comparison.is_empty() {
                let name = analysis.name_of(&analysis.comparisons[*number]);
                self.tags("<option value=\"")
                    .text(&number.to_string())
                    .tags("\">")
                    .text(&name)
                    .tags("</option>");
            }
        }
        self.tags("</select></label>\n<label>Text <input id=\"").id("by-text");
        self.tags(
            "\" type=\"search\" placeholder=\"in question, answers, context\"></label>\n\
                   <button type=\"reset\">Show all</button>\n<output id=\"",
        );
        self.id("count")
            .tags("\" for=\"")
            .id("by-task")
            .tags(" ")
            .id("by-comparison")
            .tags(" ")
            .id("by-text");
        self.tags("\"></output>\n</form>\n")
    }

    fn sample(
        &mut self,
        comparison: usize,
        labels: (&str, &str),
        pair: &AnswerPair<'_>,
        digits: usize,
    ) -> &mut Self {
        let row = pair.base;
        self.tags("<tr role=\"row\" data-task=\"").text(&row.group.task).tags("\" data-comparison=\"");
        self.text(&comparison.to_string());
        self.tags("\"><th scope=\"row\" role=\"rowheader\"><span class=\"task\">")
            .text(&row.group.to_string());
        self.tags("</span> <span class=\"where\">row ").text(&row.index.to_string());
        self.tags("</span><div class=\"question\">").excerpt(&cut(row.question.trim(), QUESTION));
        if !row.answer_prefix.trim().is_empty() {
            self.tags("<div class=\"where\">").text(row.answer_prefix.trim()).tags("</div>");
        }
        self.tags("</div><details><summary>context</summary><div class=\"context\">").excerpt(&row.context);
        self.tags("</div></details></th>\n<td role=\"cell\" data-label=\"references\">");
        self.references(&row.references)
            .tags("</td>\n<td role=\"cell\" data-label=\"answer it is held against\">");
        self.answer(labels.0, pair.base, digits).tags("</td>\n<td role=\"cell\" data-label=\"answer\">");
        self.answer(labels.1, pair.other, digits).tags("</td></tr>\n")
    }

    fn references(&mut self, references: &[String]) -> &mut Self {
        self.tags("<ul class=\"references\">");
        for reference in references.iter().take(REFERENCES) {
            self.tags("<li>").excerpt(&cut(reference, REFERENCE)).tags("</li>");
        }
        if references.len() > REFERENCES {
            let more = format!("and {} more", references.len() - REFERENCES);
            self.tags("<li class=\"where\">").text(&more).tags("</li>");
        }
        self.tags("</ul>")
    }

    fn answer(&mut self, label: &str, row: &Row, digits: usize) -> &mut Self {
        self.tags("<div class=\"who\"><span>").text(label).tags("</span> <span class=\"score\">");
        self.text(&format!("{:.digits$}", row.score)).tags("</span></div>");
        if let Some(error) = &row.error {
            return self.tags("<div class=\"failed\">no answer: ").text(error).tags("</div>");
        }
        self.folded("reasoning", row.reasoning.as_deref()).folded("thoughts", row.thoughts.as_deref());
        if row.answer.trim().is_empty() {
            return self.tags("<div class=\"where\">(empty)</div>");
        }
        let Excerpt { head, left_out, tail } = cut(row.answer.trim(), ANSWER);
        self.tags("<div class=\"answer\">").marked(&head, &row.references);
        if left_out > 0 {
            self.left_out(left_out).marked(&tail, &row.references);
        }
        self.tags("</div>")
    }

    /// What was written before an answer, if anything was.
    fn folded(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return self };
        self.tags("<details><summary>").text(name).tags("</summary><div class=\"context\">");
        self.excerpt(&cut(text, ANSWER)).tags("</div></details>")
    }

    fn marked(&mut self, text: &str, references: &[String]) -> &mut Self {
        for (part, is_marked) in highlight::parts(text, references) {
            if is_marked {
                self.tags("<mark>").text(part).tags("</mark>");
            } else {
                self.text(part);
            }
        }
        self
    }

    fn excerpt(&mut self, excerpt: &Excerpt) -> &mut Self {
        self.text(&excerpt.head);
        if excerpt.left_out > 0 {
            self.left_out(excerpt.left_out).text(&excerpt.tail);
        }
        self
    }

    fn left_out(&mut self, characters: usize) -> &mut Self {
        let text = format!("\u{2026} {characters} characters left out \u{2026}");
        self.tags(" <span class=\"left-out\">").text(&text).tags("</span> ")
    }
}

fn cut(text: &str, (head, tail): (usize, usize)) -> Excerpt {
    Excerpt::of(text, head, tail)
}
