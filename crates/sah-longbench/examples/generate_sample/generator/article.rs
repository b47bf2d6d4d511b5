//! qasper: a scientific article and questions about it.

use super::names::Names;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task = Task::english("qasper");

const SYSTEMS: [&str; 4] = ["WrenNet", "TideFormer", "LatchNet", "MossBERT"];
const UNFREE: &str = "unanswerable";

fn context(article: &str) -> String {
    format!(
        "Here is a research article, then a question about it. Reply with a phrase or one sentence. Reply \"yes\" or \"no\" \
if that is what is asked, and \"unanswerable\" if the article does not say.\n\nArticle:\n{article}\n\nThe article ends here. \
Reply to the question from the article alone, with a phrase or one sentence.\n\n"
    )
}

/// Recognising birds by their calls.
pub(crate) fn bird_calls(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (system, town) = (rng.pick(&SYSTEMS), names.town());
    let (hours, species) = (rng.between(21, 48) * 10, rng.between(31, 58));
    let (recorders, layers) = (rng.between(6, 14), rng.between(4, 9));
    let (accuracy, baseline) = (rng.between(861, 929), rng.between(741, 799));
    let article = format!(
        "{system}: naming birds from short calls\n\n\
Abstract\nMany bird calls last less than a second, and recordings from the field are full of wind. We present {system}, a \
small model that names the species from a single call and runs on a recorder without a network connection.\n\n\
1 Introduction\nSurveys of birds depend on trained listeners, who are few. Automatic recorders can listen all night, but \
someone must then hear the tapes. Earlier systems need a clip of five seconds or more and mistake rain for wings. We ask \
how far one call alone can carry a decision.\n\n\
2 Data\nThe recordings were made in the reed beds near {town} with {recorders} recorders over two springs. The data set holds \
{hours} hours of sound and covers {species} species. Each call was labelled by two listeners, and calls on which they \
disagreed were left out.\n\n\
3 Model\n{system} turns a call into a picture of pitch over time and reads it with {layers} convolutional layers. We train \
it with label smoothing. Wind noise from empty recordings is mixed into every training example. The baseline is a random \
forest over the same pictures.\n\n\
4 Results\n{system} reaches an accuracy of {}.{} percent on the test calls. The random forest reaches {}.{} percent. Most \
errors confuse the two warblers, whose calls even our listeners find hard to tell apart. Without the mixed-in wind the \
accuracy drops by six points. A recorder needs a fifth of a second for one call.\n\n\
5 Limits\nThe reed beds are one kind of place. We do not know how the model behaves in a forest, where echoes are longer. \
We did not test it in winter, and we have not yet asked wardens whether the nightly lists are of use to them.",
        accuracy / 10,
        accuracy % 10,
        baseline / 10,
        baseline % 10,
    );
    let queries = vec![
        Query::new("Question: What is the baseline that the model is compared with?\n", "a random forest")
            .or("A random forest over the same pictures"),
        Query::new("Question: How many hours of sound does the data set hold?\n", format!("{hours} hours"))
            .or(hours.to_string()),
        Query::new("Question: What does the recorder cost?\n", UNFREE),
    ];
    vec![Document { context: context(&article), queries }]
}

/// Reading old account books.
pub(crate) fn ledgers(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (system, town) = (rng.pick(&SYSTEMS), names.town());
    let (pages, clerks) = (rng.between(12, 38) * 100, rng.between(5, 17));
    let (error, baseline) = (rng.between(31, 59), rng.between(81, 119));
    let article = format!(
        "Reading the harbour ledgers of {town} with {system}\n\n\
Abstract\nHarbour ledgers list ships, cargoes and dues in a hurried hand. We describe {system}, which transcribes such pages \
line by line and marks the words it is unsure of, so that a historian checks only those.\n\n\
1 Introduction\nArchives scan faster than anyone can read. Models trained on letters do badly on ledgers, because a ledger \
is half abbreviations and a third figures. The cost of a wrong figure is high: a single digit turns ten barrels into a \
hundred. We therefore care as much about knowing what was misread as about reading well.\n\n\
2 Data\nWe use {pages} pages from the years 1780 to 1840, written by {clerks} clerks. Volunteers transcribed every page \
twice. The pages of two clerks are kept for testing, so the model never sees their hands in training.\n\n\
3 Method\nA page is cut into lines by following the gaps of white. {system} then reads each line with a recurrent network. \
To set its confidence we use temperature scaling on a held-out set. The loss is the usual one for sequences without \
alignment. No dictionary is used, because half of the words are names of ships.\n\n\
4 Results\nThe character error rate is {}.{} percent for {system} and {}.{} percent for a model trained on letters. When \
the historian checks the least certain tenth of the words, two thirds of all errors are found. Figures are read better than \
words. Faded ink is the most common cause of error, ahead of blots and of torn corners.\n\n\
5 Limits\nAll clerks learned to write in the same school. Ledgers from another port may need new training pages, and ours \
hold no red ink, which the customs house used for debts. The volunteers worked from colour scans of good quality, which \
small archives may not have.",
        error / 10,
        error % 10,
        baseline / 10,
        baseline % 10,
    );
    let queries = vec![
        Query::new("Question: What is the most common cause of error?\n", "Faded ink"),
        Query::new("Question: Is a dictionary used?\n", "no"),
    ];
    vec![Document { context: context(&article), queries }]
}
