//! hotpotqa, 2wikimqa, musique: passages of which two or three together hold the answer.

use super::names::Names;
use super::passage_text::{ASIDES, BRIDGE, FILM, HOMES, Kind, LIGHTHOUSE, NOVEL, OPERA, TOWN_FACTS, TRADES};
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const HOTPOT: Task = Task::english("hotpotqa");
pub(crate) const TWO_WIKI: Task = Task::english("2wikimqa");
pub(crate) const MUSIQUE: Task = Task::english("musique");

/// A work, with the facts about its maker that questions ask for.
struct Work {
    title: &'static str,
    year: u32,
    trade: &'static str,
    town: &'static str,
    river: &'static str,
    passages: Vec<String>,
}

/// `count` works of a kind, from different makers of different towns.
fn works(rng: &mut Rng, kind: &Kind, count: usize, with_towns: bool) -> Vec<Work> {
    let mut names = Names::new(rng);
    let (mut works, mut careers) = (rng.deck(&kind.works), rng.deck(&kind.careers));
    let (mut trades, mut homes, mut facts) = (rng.deck(&TRADES), rng.deck(&HOMES), rng.deck(&TOWN_FACTS));
    let first_year = rng.between(1884, 1906);
    let mut years = rng.deck(&[first_year, first_year + 7, first_year + 16, first_year + 22]);
    let Kind { noun, maker: role, made_by, shown, .. } = kind;
    let work = |_| {
        let ((title, about), year) = (works.draw(), years.draw());
        let (first, last) = (names.first(), names.last());
        let (town, river, trade) = (names.town(), names.river(), trades.draw());
        let (career, home, born) = (careers.draw(), homes.draw(), year - rng.between(28, 47));
        let mut passages = vec![
            format!(
                "{title}\n{title} is {} {noun} {made_by} {first} {last}. It was {shown} in {year}. {about}",
                indefinite(noun)
            ),
            format!(
                "{first} {last}\n{first} {last} was {} {role} born in {town} in {born}. {last}'s father was a {trade} \
who {home}. {last} {career}.",
                indefinite(role),
            ),
        ];
        if with_towns {
            let people = rng.between(11, 38) * 100;
            passages.push(format!(
                "{town}\n{town} is a town of {people} people on the River {river}. {}.",
                facts.draw()
            ));
        }
        Work { title, year, trade, town, river, passages }
    };
    (0..count).map(work).collect()
}

/// All passages in random order, numbered, with one that is of no use at the end.
fn context(rng: &mut Rng, works: &mut [Work]) -> String {
    let mut passages: Vec<String> = works.iter_mut().flat_map(|work| work.passages.drain(..)).collect();
    rng.shuffle(&mut passages);
    let (title, aside) = rng.pick(&ASIDES);
    passages.push(format!("{title}\n{aside}"));
    let mut text = String::from(
        "The question at the end is answered by the passages below, often by two of them together. Reply with the answer \
only, without a sentence around it.\n\n",
    );
    text.extend(
        passages.iter().enumerate().map(|(index, passage)| format!("Passage {}: {passage}\n\n", index + 1)),
    );
    text + "These were the passages. Use them to answer the question, and reply with nothing but the answer.\n\n"
}

/// hotpotqa: from a work to its maker to a fact about the maker.
fn bridge_questions(rng: &mut Rng, kind: &Kind, questions: usize) -> Vec<Document> {
    let mut works = works(rng, kind, 2, true);
    let role = kind.maker;
    let context = context(rng, &mut works);
    let (one, two) = (&works[0], &works[1]);
    let mut queries = vec![
        Query::new(format!("Question: In which town was the {role} of {} born?\n", one.title), one.town),
        Query::new(
            format!("Question: What was the trade of the father of the {role} of {}?\n", two.title),
            two.trade,
        ),
    ];
    queries.truncate(questions);
    vec![Document { context, queries }]
}

/// 2wikimqa: two works side by side.
fn comparison_questions(rng: &mut Rng, kind: &Kind, questions: usize) -> Vec<Document> {
    let mut works = works(rng, kind, 3, false);
    let context = context(rng, &mut works);
    let (one, two) = (&works[0], &works[1]);
    let Kind { noun, maker: role, shown, .. } = kind;
    let earlier = if one.year < two.year { one } else { two };
    let mut queries = vec![
        Query::new(
            format!("Question: Which {noun} was {shown} earlier, {} or {}?\n", one.title, two.title),
            earlier.title,
        ),
        Query::new(
            format!(
                "Question: Were the {role} of {} and the {role} of {} born in the same town?\n",
                one.title, two.title
            ),
            "no",
        ),
    ];
    queries.truncate(questions);
    vec![Document { context, queries }]
}

fn indefinite(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

pub(crate) fn two_hops(rng: &mut Rng) -> Vec<Document> {
    bridge_questions(rng, &NOVEL, 2)
}

pub(crate) fn two_hops_extended(rng: &mut Rng) -> Vec<Document> {
    bridge_questions(rng, &OPERA, 1)
}

pub(crate) fn comparison(rng: &mut Rng) -> Vec<Document> {
    comparison_questions(rng, &FILM, 2)
}

pub(crate) fn comparison_extended(rng: &mut Rng) -> Vec<Document> {
    comparison_questions(rng, &LIGHTHOUSE, 1)
}

/// musique: from a work to its maker to the maker's town to its river.
pub(crate) fn three_hops(rng: &mut Rng) -> Vec<Document> {
    let mut works = works(rng, &BRIDGE, 2, true);
    let context = context(rng, &mut works);
    let Work { title, river, .. } = &works[0];
    let question = format!(
        "Question: Which river flows through the town where the {} of {title} was born?\n",
        BRIDGE.maker
    );
    vec![Document { context, queries: vec![Query::new(question, *river).or(format!("River {river}"))] }]
}
