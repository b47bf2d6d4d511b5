//! `multifieldqa_en`: one text of everyday kinds (a guide, a set of rules) and questions about it.

use super::names::Names;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task = Task::english("multifieldqa_en");

const DAYS: [&str; 4] = ["Monday", "Tuesday", "Wednesday", "Thursday"];

fn context(text: &str) -> String {
    format!(
        "Read the text below. A question about it follows; keep the answer short.\n\n{text}\n\nThis is the end of the text. Answer \
the question from it with a few words, and write nothing besides the answer.\n\n"
    )
}

/// A visitor's guide to a museum of instruments.
pub(crate) fn museum(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (town, founder, guide) = (names.town(), names.person(), names.person());
    let (opened, fare) = (rng.between(1931, 1978), rng.between(4, 9));
    let (closed, instruments) = (rng.pick(&DAYS), rng.between(24, 61) * 10);
    let oldest = rng.pick(&["a bone flute", "a pair of bronze horns", "a clay drum"]);
    let text = format!(
        "The {town} Museum of Instruments: a guide for visitors\n\n\
The museum stands beside the old grain store, five minutes on foot from the railway station. It was founded by {founder} \
and opened in {opened}. The founder had collected instruments on journeys as a ship's doctor and wanted them to be played, \
not only looked at. That is still the rule of the house: one instrument in ten may be touched.\n\n\
Ground floor. Here you find strings and keyboards. The long room holds three harpsichords and a piano whose keys were worn \
hollow by a single player. A workshop at the end of the room shows how gut strings are twisted. On Saturdays a maker works \
there and answers questions.\n\n\
First floor. The collection of {instruments} wind and percussion instruments fills four rooms. The oldest instrument in the \
museum is {oldest}, which was found in a peat bog. Next to it hangs a row of bells that were once used on fishing boats in \
fog. Please do not ring them: they are louder than they look.\n\n\
Tower. A narrow stair of ninety steps leads to the organ. The organ is played every Sunday at noon by {guide}, who also \
leads the tours. Tours last forty minutes and take at most twelve people.\n\n\
Times and prices. The museum is closed on {closed}. A ticket costs {fare} crowns, and children under ten pay nothing. The \
ticket is valid for the whole day, so you may leave for lunch and come back.\n\n\
Getting about. There is a lift to the first floor, but not to the tower. Coats and bags can be left in lockers by the \
entrance; bring a coin, which you will get back. Dogs must stay outside, where there is a bowl of water and a shaded bench. \
The café by the entrance sells soup, bread and a good plum cake until four o'clock.",
    );
    let queries = vec![
        Query::new("Question: On which day is the museum closed?\n", closed).or(format!("On {closed}")),
        Query::new("Question: Who founded the museum?\n", founder),
        Query::new("Question: What is the oldest instrument in the museum?\n", oldest),
    ];
    vec![Document { context: context(&text), queries }]
}

/// The rules of a shared workshop.
pub(crate) fn workshop(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (town, warden, treasurer) = (names.town(), names.person(), names.person());
    let (fee, fine) = (rng.between(12, 28), rng.between(3, 9));
    let (evening, kilns) = (rng.pick(&DAYS), rng.between(2, 4));
    let colour = rng.pick(&["yellow", "red", "blue"]);
    let text = format!(
        "Rules of the {town} Common Workshop\n\n\
1. Members. Anyone who lives within walking distance may become a member. The fee is {fee} crowns a month and is paid to the \
treasurer, {treasurer}. New members are shown around once and sign these rules. A member may bring one guest, and the guest \
may watch but not use machines.\n\n\
2. Hours. The workshop is open from eight in the morning until nine at night. Machines that can be heard in the street are \
switched off at seven. On {evening} evenings the room belongs to the beginners' class, and other members keep to the yard.\n\n\
3. Machines. Nobody uses the lathe or the band saw before passing a short test with the warden, {warden}. Gloves are not worn \
at turning machines. If a machine makes a new noise, stop it, hang the {colour} tag on it and write what you heard on the \
slate. The warden repairs it; members do not.\n\n\
4. Wood and waste. Offcuts shorter than a hand go into the bin by the door and are free for all. Longer pieces carry the \
owner's name. Oily rags go into the metal can with the lid, because they may catch fire on their own. Whoever leaves oily \
rags on a bench pays a fine of {fine} crowns.\n\n\
5. Pottery. There are {kilns} kilns. They are fired at weekends only, since the cable cannot feed them together with the \
saws. Glazes that contain lead are not allowed in the building.\n\n\
6. Care. The last one to leave closes the skylight, sweeps the floor around the benches and turns off the compressor. Tools \
hang on the wall where their outline is painted. If an outline is empty and you do not know why, ask in the book by the \
telephone; most lost chisels have been found in somebody's apron.\n\n\
7. Changes. These rules can be changed at the spring meeting by two thirds of the members present.",
    );
    let queries = vec![
        Query::new("Question: Who is the warden?\n", warden),
        Query::new("Question: What colour is the tag for a machine that makes a new noise?\n", colour),
    ];
    vec![Document { context: context(&text), queries }]
}
