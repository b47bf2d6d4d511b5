//! narrativeqa: one story, three questions.

use super::names::Names;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task = Task { max_new_tokens: 20, ..Task::english("narrativeqa") };

const HIDING_PLACES: [&str; 3] = ["a blue teapot", "a hollow walking stick", "the lining of a green hat"];
const CONTENTS: [&str; 3] =
    ["a map of the old wells", "forty letters from a sailor", "the plans for a flying kite"];
const GIFTS: [&str; 3] = ["a silver compass", "a carved whistle", "a jar of honey"];

pub(crate) fn documents(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (hero, friend, aunt) = (names.first(), names.first(), names.first());
    let (keeper, town) = (names.last(), names.town());
    let (hidden, contents, gift) = (rng.pick(&HIDING_PLACES), rng.pick(&CONTENTS), rng.pick(&GIFTS));
    let context = format!(
        "Below is a short story. A question about it follows. Reply with a short phrase and no explanation.\n\nStory:\n\
In the harbour of {town} the evening ferry was late all autumn, and nobody minded except {hero}, who mended clocks and \
could not bear a thing that did not keep its hour.\n\n\
One wet evening the ferry brought a letter. It came from a lawyer, and it said that old Aunt {aunt} had died and had left \
{hero} a locked iron box. The box stood in the boathouse. The key, the lawyer wrote, was not with the papers.\n\n\
{hero} searched the house for two days. There were drawers of buttons, a shelf of sea charts and a stuffed heron, but no \
key. On the third morning {hero} remembered what the aunt used to say: that a thief looks high and low, but never pours \
himself a cup or tries on a coat. Aunt {aunt} had hidden the key in {hidden}. There it was, wrapped in wool so that it \
would not rattle.\n\n\
{friend}, who drove the milk cart, offered a ride to the boathouse, for the road was under water. They went slowly, with \
the horse up to its knees, and {friend} sang the whole way because {friend} was afraid of the river.\n\n\
The lock turned at the first try. Inside the iron box {hero} found {contents}. There was no money, and {friend} laughed \
aloud, but {hero} sat down on an upturned boat and read until the light was gone.\n\n\
The keeper of the boathouse, Mr {keeper}, had waited at the door with a lantern. He had looked after the box for eleven \
years and had never asked what was in it. To thank him, {hero} gave Mr {keeper} {gift}. He turned it over in his hand, \
said that it was too much, and put it in his pocket before anybody could agree.\n\n\
They rode home in the dark. At the corner by the church {hero} asked {friend} to stop, and listened. The tower clock was \
striking seven, and for once the ferry was coming in at the same moment, with all its lamps lit.\n\n\
That winter {hero} kept the shop open late. People came to have their clocks mended, and stayed to hear the story of the \
flood, the horse and the long song.\n\nHere the story ends. Reply to the question about it with a short phrase.\n\n",
    );
    let queries = vec![
        Query::new(format!("Question: Where had Aunt {aunt} hidden the key?\n"), format!("In {hidden}"))
            .or(hidden),
        Query::new(format!("Question: What did {hero} find inside the iron box?\n"), contents),
        Query::new(format!("Question: What did {hero} give Mr {keeper} to thank him?\n"), gift),
    ];
    vec![Document { context, queries }]
}
