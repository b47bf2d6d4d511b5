//! `multi_news`: three short articles about one event and a summary of all of them.

use super::names::Names;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task =
    Task { answer_prefix: "Summary:", max_new_tokens: 48, ..Task::english("multi_news") };

fn document(articles: &[String; 3], summary: String) -> Vec<Document> {
    let mut context = String::from(
        "Several newspapers wrote about the same event. Read their articles, then sum them up in one paragraph.\n\n",
    );
    context.extend(
        articles.iter().enumerate().map(|(index, article)| format!("Article {}:\n{article}\n\n", index + 1)),
    );
    vec![Document {
        context,
        queries: vec![Query::new("Sum up all the articles above in one paragraph.\n\n", summary)],
    }]
}

/// A ferry in the fog.
pub(crate) fn ferry(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (town, captain, baker) = (names.town(), names.person(), names.person());
    let (passengers, hours) = (rng.between(61, 93), rng.between(9, 13));
    let ship = rng.pick(&["Marigold", "Heather", "Primrose"]);
    let articles = [
        format!(
            "{town}. The ferry {ship} ran onto a sandbank in thick fog on Tuesday evening, a mile from the harbour. All \
{passengers} passengers are safe. The tide was falling, so the ship could not be pulled free at once and lay on the sand until \
morning. Nobody was hurt, the harbour office said, and no oil was lost. A tug stood by through the night."
        ),
        format!(
            "For {hours} hours the passengers of the {ship} had nothing to do but wait, and they seem to have enjoyed it. A \
school band on its way home from a contest unpacked its instruments and played until two. The baker {baker}, who was taking \
three hundred rolls to the island, gave them all away. \"They would have been stale by morning,\" the baker told this paper. \
Captain {captain} made tea in the engine room. A couple from the island missed their own engagement party; the guests ate \
without them."
        ),
        format!(
            "An inquiry will look into why the {ship} left the channel on Tuesday. According to the harbour office, the light \
on the northern buoy had been out since Sunday. A fisherman had reported it, but the report lay unread over the weekend. \
Captain {captain} had slowed down and posted a lookout, as the rules ask. The ship floated off with the flood tide at dawn \
and reached the quay on its own engine. It will be back in service on Friday, after divers have looked at the hull. The \
ferry company has offered every passenger a free crossing and has thanked the band."
        ),
    ];
    let summary = format!(
        "The ferry {ship} ran onto a sandbank near {town} in thick fog and lay there for {hours} hours. All {passengers} \
passengers are safe. A school band played through the night and the baker {baker} gave away three hundred rolls. The light on \
a buoy had been out since Sunday and an inquiry will look into it."
    );
    document(&articles, summary)
}

/// A bakery that its town bought.
pub(crate) fn bakery(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (town, owner, mayor) = (names.town(), names.person(), names.person());
    let (shares, price) = (rng.between(31, 58) * 10, rng.between(2, 6) * 10);
    let years = rng.between(31, 46);
    let articles = [
        format!(
            "{town}. The last bakery in town is saved. After {owner}, who had run it for {years} years, announced that the \
ovens would go cold at the end of the month, {shares} people bought shares of {price} crowns each. The money pays for the \
building and a new dough mixer. The bakery now belongs to a cooperative, and its members meet for the first time on Sunday in \
the fire station, since no other room is large enough."
        ),
        format!(
            "It began with a note on a door. \"Who will bake when I stop?\" {owner} had written, and under it somebody wrote: \
\"All of us.\" Two teachers counted the signatures and rented the town hall for an evening. {mayor}, the mayor, first called \
the plan a nice dream and then bought share number seven. The youngest owner is nine and paid with a jar of coins. {owner} will \
stay for one more year to teach two apprentices how to keep the sourdough alive."
        ),
        format!(
            "Can a bakery be run by {shares} owners? The savings bank in {town} had refused a loan twice, because it doubted \
that. The cooperative answers with a simple rule: members choose a board of five, and the board does not tell the bakers how \
to bake. Bread will cost a little more than in the supermarket by the main road. In return the shop opens at six, as the \
night shift of the paper mill had asked, and unsold bread goes to the school kitchen. Other towns have sent visitors. A \
dairy in the next valley, which must close in spring, wants to copy the plan."
        ),
    ];
    let summary = format!(
        "The last bakery in {town} is saved because {shares} people bought shares of {price} crowns each. {owner} had run it for \
{years} years and will teach two apprentices for one more year. The bakery now belongs to a cooperative with a board of five. \
Bread will cost a little more, and other towns want to copy the plan."
    );
    document(&articles, summary)
}
