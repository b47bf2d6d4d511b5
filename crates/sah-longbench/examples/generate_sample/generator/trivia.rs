//! triviaqa: solved examples of passage, question and answer, then a passage whose question is open.

use super::names::Names;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task = Task::english("triviaqa");

/// Passage, question, answer.
const EXAMPLES: [(&str, &str, &str); 10] = [
    (
        "A dew pond is a shallow basin on a chalk hill. Its floor of clay and straw keeps the water in. Shepherds dug dew ponds where there was no stream, and some have held water for two hundred years.",
        "What is the floor of a dew pond made of?",
        "clay and straw",
    ),
    (
        "The game of nines is played with a bat of ash and a cork ball. Each side has five players. A round ends when the ball has touched all nine posts or has been lost in a hedge.",
        "How many players has each side in the game of nines?",
        "five",
    ),
    (
        "The Cobble Prize is given every second year for the best short story about a street. The winner gets no money but may name a bench. In its first year nobody entered.",
        "What may the winner of the Cobble Prize name?",
        "a bench",
    ),
    (
        "Before there were street lamps, link boys carried torches for people who walked at night. They were paid by the corner. Cones of iron on old house walls were used to put the torches out.",
        "What did link boys carry?",
        "torches",
    ),
    (
        "A stone boat is a flat sledge without runners. Farmers used it to drag rocks from a field behind an ox. It slides best on wet grass, so the work was done in April.",
        "Which animal pulled a stone boat?",
        "an ox",
    ),
    (
        "The smallest theatre of the coast has eleven seats and stands on a pier. A play may last as long as the tide is out. Its curtain is a sail from a wrecked cutter.",
        "What is the curtain of the smallest theatre made from?",
        "a sail",
    ),
    (
        "Ink for ledgers was brewed from oak galls and iron salt. It goes on grey and turns black within a day. Clerks added a clove to keep mould away.",
        "What did clerks add to keep mould away from ink?",
        "a clove",
    ),
    (
        "Weavers of the upper valley dye wool with walnut shells. The shells are soaked for a month. A second bath makes the brown darker, and a rusty nail in the pot makes it almost black.",
        "What do the weavers dye wool with?",
        "walnut shells",
    ),
    (
        "The hill railway climbs with a toothed wheel between the rails. In autumn, leaves make the track slippery, and a man with a broom rides on the front. The trip takes half an hour.",
        "Who rides on the front of the hill railway in autumn?",
        "a man with a broom",
    ),
    (
        "A sundial at the abbey has no numbers but twelve herbs, each of which opens its flowers at another hour. It is wrong by an hour in summer time and of no use in rain.",
        "How many herbs are on the sundial at the abbey?",
        "twelve",
    ),
];

fn document(rng: &mut Rng, passage: &str, question: &str, answer: &str) -> Vec<Document> {
    let mut context = String::from(
        "Each passage below comes with a question that it answers. Give only the answer, as the examples do.\n\n",
    );
    context.extend(rng.deck(&EXAMPLES).draw_many(5).into_iter().map(|(passage, question, answer)| {
        format!("Passage: {passage}\nQuestion: {question}\nAnswer: {answer}\n\n")
    }));
    let question = format!("Passage: {passage}\nQuestion: {question}\n");
    vec![Document { context, queries: vec![Query::new(question, answer)] }]
}

/// A town clock.
pub(crate) fn clock(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (maker, town, warden) = (names.person(), names.town(), names.person());
    let passage = format!(
        "The town clock of {town} was built by {maker}, who had made only cuckoo clocks before. It has one hand, because the \
town could not pay for two. The missing minutes never mattered until the railway came. Then the station master hung a watch \
from a string in his window, and people walked past it to learn the exact time. The clock is wound on Saturdays. The present \
warden, {warden}, says that it loses a minute a month in winter and wins it back in summer. In the year of the great frost it \
stopped for nine days, and the school was closed, since nobody could say when lessons began."
    );
    document(rng, &passage, &format!("Who built the town clock of {town}?"), &maker)
}

/// A walled garden.
pub(crate) fn garden(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (town, doctor, heir) = (names.town(), names.person(), names.person());
    let tree = rng.pick(&["a mulberry", "a quince", "a medlar"]);
    let passage = format!(
        "The walled garden of {town} was laid out by {doctor}, a doctor who believed that patients get well faster among plants. \
The oldest tree in the garden is {tree}. The walls are hollow, and on cold nights a fire was lit at one end so that the warm \
smoke ran through them and kept frost from the peaches. For fifty years the gate was locked. Then {heir}, who had inherited the \
garden without knowing it, opened the gate for a goat that had got its head stuck in the bars, and forgot to close it again. \
Visitors have come in ever since. They pay with an hour of weeding or with a jar of something that they made."
    );
    document(rng, &passage, "What is the oldest tree in the walled garden?", tree)
}
