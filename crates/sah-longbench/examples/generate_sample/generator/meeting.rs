//! qmsum: the transcript of a meeting and questions that ask for a summary of one point.

use super::names::Names;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task = Task { max_new_tokens: 48, ..Task::english("qmsum") };

pub(crate) fn documents(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (chair, gardener, builder, clerk) = (names.first(), names.first(), names.first(), names.first());
    let (planned, offer) = (rng.between(21, 32) * 100, rng.between(36, 45) * 100);
    let weekday = rng.pick(&["Friday", "Saturday", "Sunday"]);
    let material = rng.pick(&["reclaimed brick", "larch wood", "flat fieldstones"]);
    let context = format!(
        "Below is what was said at a meeting. A query about one point of it follows. Reply in one or two sentences.\n\n\
Transcript:\n\
{chair}: Good evening. Three points today: the pond, the greenhouse and the summer fair. Let us start with the pond.\n\
{gardener}: It leaks again. We lost a hand's width of water in a week, and the newts are sitting in mud.\n\
{builder}: The liner is done for. I would not patch it a third time. I would put in clay, as it was before.\n\
{gardener}: Clay needs no glue and no plastic. We could dig it ourselves behind the compost.\n\
{chair}: Then clay it is. When?\n\
{builder}: In September, when the newts have left. Before that we only top up the water.\n\
{chair}: Agreed. Second point, the greenhouse. {clerk}, you have the figures.\n\
{clerk}: We planned {planned} crowns. The offer from the glazier is {offer}. He says that the price of glass has gone up.\n\
{gardener}: That is the whole budget for seeds and tools as well.\n\
{builder}: We could use the old windows from the school. They throw out eighty of them next month. The base I would build \
from {material}, which we have lying about.\n\
{clerk}: With the school's windows it would be well below the plan, I think. I need to ask whether the insurance covers them.\n\
{chair}: Then we turn the glazier down and take the school's windows, if the insurance agrees. {clerk} asks. Third, the fair.\n\
{clerk}: Last year it was on a Monday and hardly anyone came. I suggest {weekday}.\n\
{gardener}: Fine, if the plant stall is in the shade. The tomatoes wilted by noon.\n\
{builder}: I can bring the marquee from the choir. It needs six people to put up.\n\
{chair}: So the fair moves to {weekday}, with the plant stall under the marquee. Who makes the poster?\n\
{gardener}: My sister. She wants to know whether it should have newts on it.\n\
{chair}: It should. Anything else? No? Then thank you all, and please take the chairs back to the shed before you go.\n\n\
The meeting ends here. Reply to the query about it in one or two sentences.\n\n",
    );
    let queries = vec![
        Query::new(
            "Query: What was decided about the greenhouse?\n",
            format!(
                "They turn the glazier's offer of {offer} crowns down and take the school's old windows, if the insurance \
agrees. {clerk} asks the insurance."
            ),
        ),
        Query::new(
            "Query: Summarize the discussion about the pond.\n",
            "The pond leaks again. The group will replace the liner with clay in September, when the newts have left, and only \
top up the water before that.",
        ),
    ];
    vec![Document { context, queries }]
}
