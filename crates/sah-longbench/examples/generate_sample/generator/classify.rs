//! trec: which kind of answer does a question ask for?

use super::rng::Rng;
use super::row::{Document, Query, Task};

const CLASSES: [&str; 8] = ["Person", "Place", "Date", "Number", "Animal", "Food", "Reason", "Definition"];

pub(crate) const TASK: Task =
    Task { answer_prefix: "Kind:", all_classes: Some(&CLASSES), ..Task::english("trec") };

/// For each of [`CLASSES`], questions of it.
const QUESTIONS: [[&str; 6]; 8] = [
    [
        "Who built the first greenhouse in the valley?",
        "Who taught the mayor to play chess?",
        "Who carried the torch across the bridge?",
        "Who wrote the letter that stopped the strike?",
        "Who was the first to sail around the island alone?",
        "Who keeps the keys of the town hall?",
    ],
    [
        "Where do the swallows of the old mill spend the winter?",
        "In which village is the blue pottery made?",
        "Where was the stolen bell found?",
        "What town has the longest covered market?",
        "Where does the night train stop for water?",
        "Which valley did the first settlers come from?",
    ],
    [
        "When did the harbour freeze for the last time?",
        "In what year was the tram line closed?",
        "On what day does the apple fair begin?",
        "When was the lighthouse switched to electric light?",
        "What month do the herons return?",
        "When did the school get its first computer?",
    ],
    [
        "How many steps lead to the top of the tower?",
        "How many strings does a lute have?",
        "How many villages share the fire engine?",
        "How many pages are in the parish register?",
        "How many rowers sit in a racing eight?",
        "How many bridges cross the canal?",
    ],
    [
        "What bird builds its nest from mud?",
        "Which animal sleeps through the whole winter?",
        "What creature did the sailors take for a mermaid?",
        "Which insect can carry fifty times its weight?",
        "What kind of dog guards the sheep on the hill?",
        "What fish swims up the weir in autumn?",
    ],
    [
        "What do people in the hills eat on the first day of snow?",
        "What cheese is wrapped in nettle leaves?",
        "What soup is served at a harvest supper?",
        "Which cake is baked for the ringing of the bells?",
        "What fruit is used for the red jam of the abbey?",
        "What bread keeps fresh for a week?",
    ],
    [
        "Why do owls fly without a sound?",
        "Why was the theatre painted green?",
        "Why does dough rise faster in summer?",
        "Why did the council move the statue?",
        "Why do bells crack in hard frost?",
        "Why is the old road so crooked?",
    ],
    [
        "What is a sextant?",
        "What does the word gable mean?",
        "What is a tally stick?",
        "What does it mean to moor a ship?",
        "What is a leap second?",
        "What is meant by a fallow field?",
    ],
];

/// Examples in random order, none of the asked class among the last ones, and one question of each of `asked`.
fn document(rng: &mut Rng, asked: &[usize]) -> Document {
    let (mut early, mut queries) = (Vec::new(), Vec::new());
    let mut late = Vec::new();
    for (class, questions) in QUESTIONS.iter().enumerate() {
        let mut deck = rng.deck(questions);
        if asked.contains(&class) {
            queries.push(Query::new(format!("Question: {}\n", deck.draw()), CLASSES[class]));
            early.extend(deck.draw_many(4).into_iter().map(|question| (question, CLASSES[class])));
        } else {
            early.extend(deck.draw_many(2).into_iter().map(|question| (question, CLASSES[class])));
            late.push((deck.draw(), CLASSES[class]));
        }
    }
    rng.shuffle(&mut early);
    rng.shuffle(&mut late);
    let mut context = format!(
        "Say what kind of answer a question asks for. The kinds are: {}. Here are questions with their kinds.\n\n",
        CLASSES.join(", "),
    );
    context.extend(
        early
            .into_iter()
            .chain(late)
            .map(|(question, class)| format!("Question: {question}\nKind: {class}\n")),
    );
    Document { context, queries }
}

pub(crate) fn documents(rng: &mut Rng) -> Vec<Document> {
    vec![document(rng, &[2, 6]), document(rng, &[3])]
}

pub(crate) fn documents_extended(rng: &mut Rng) -> Vec<Document> {
    vec![document(rng, &[0])]
}
