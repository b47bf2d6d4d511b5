//! samsum: chats with summaries as examples, then a chat without one.

use super::names::FIRST;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task =
    Task { answer_prefix: "Summary:", max_new_tokens: 32, ..Task::english("samsum") };

/// Chats of `{a}` and `{b}`, each with its summary. The first half serves samsum, the second `samsum_e`.
const CHATS: [(&str, &str); 16] = [
    (
        "{a}: Did you feed the cat?\n{b}: Twice. She says I did not.\n{a}: Do not believe her. I am back on Thursday.\n{b}: I will meet you at the station then.",
        "{b} feeds {a}'s cat and will meet {a} at the station on Thursday.",
    ),
    (
        "{a}: The oven broke. No cake tonight.\n{b}: Bring the dough over. Mine works.\n{a}: In ten minutes?\n{b}: Sure, I will heat it up.",
        "{a}'s oven broke. {a} will bring the dough to {b}'s in ten minutes.",
    ),
    (
        "{a}: Are you coming to choir?\n{b}: I lost my voice.\n{a}: Come and turn the pages then.\n{b}: Good idea. I will be there at seven.",
        "{b} lost their voice and will turn the pages at choir at seven.",
    ),
    (
        "{a}: I found a wallet on the tram.\n{b}: Is there a name in it?\n{a}: Only a library card.\n{b}: Take it to the library. They know the number.\n{a}: I will go at noon.",
        "{a} found a wallet on the tram and will take it to the library at noon.",
    ),
    (
        "{a}: Can I borrow your ladder?\n{b}: What for?\n{a}: The gutter is full of leaves.\n{b}: Take it, but bring it back before Sunday. I am painting.",
        "{a} borrows {b}'s ladder to clean the gutter and must bring it back before Sunday.",
    ),
    (
        "{a}: Did you get the tickets?\n{b}: Only for the second night.\n{a}: Fine with me. Where do we sit?\n{b}: Last row, but in the middle.",
        "{b} got tickets in the last row for the second night, and {a} is fine with it.",
    ),
    (
        "{a}: The bakery sold out of rye.\n{b}: At nine in the morning?\n{a}: A wedding bought it all. Shall I get white?\n{b}: No, I will bake one myself tonight.",
        "The bakery is out of rye bread, so {b} will bake one tonight.",
    ),
    (
        "{a}: Is the meeting still at four?\n{b}: It moved to five, in the small room.\n{a}: Good, I am stuck at the dentist.\n{b}: I will save you a chair.",
        "The meeting moved to five and {b} will save a chair for {a}, who is at the dentist.",
    ),
    (
        "{a}: My bike has a flat tyre.\n{b}: Again?\n{a}: Glass on the canal path. Can you pick me up?\n{b}: I am leaving work now. Wait by the lock.",
        "{a} has a flat tyre. {b} will pick {a} up by the lock.",
    ),
    (
        "{a}: How was the exam?\n{b}: Easier than the practice ones.\n{a}: So we celebrate?\n{b}: When I have the results. Next Friday.",
        "{b} found the exam easier than expected and wants to celebrate when the results come next Friday.",
    ),
    (
        "{a}: The landlord raised the rent.\n{b}: By how much?\n{a}: A tenth. I am looking for a room.\n{b}: Ours will be free in May. Come and see it.",
        "{a}'s rent was raised. {b} offers {a} a room that will be free in May.",
    ),
    (
        "{a}: What do we give grandmother?\n{b}: She wants a radio with big buttons.\n{a}: I will look in the shop by the bridge.\n{b}: I pay half.",
        "{a} and {b} will give their grandmother a radio with big buttons and share the cost.",
    ),
    (
        "{a}: The radio says snow tonight.\n{b}: My winter tyres are still in the cellar.\n{a}: Leave the car. We can take the first tram.\n{b}: Then wake me at six.",
        "It will snow, so {a} and {b} will take the first tram, and {a} wakes {b} at six.",
    ),
    (
        "{a}: I cannot read the recipe. How much salt?\n{b}: A spoon, not a cup!\n{a}: Too late.\n{b}: Add potatoes and more water. I am coming over.",
        "{a} put too much salt in the food. {b} advises potatoes and water and is coming over.",
    ),
    (
        "{a}: Our hen is in your garden.\n{b}: I know. She laid an egg in my boot.\n{a}: Keep the egg. I will come for the hen.\n{b}: Bring a box. She bites.",
        "{a}'s hen is in {b}'s garden and {a} will come for her with a box.",
    ),
    (
        "{a}: Do you still have my tent?\n{b}: Yes, but it is wet. I was in the hills until today.\n{a}: I need it on Saturday.\n{b}: It will be dry by Friday. I will bring it round.",
        "{b} will dry {a}'s tent and bring it round before Saturday.",
    ),
];

/// A document of `asked` open chats, with the rest of `chats` as examples.
fn documents(rng: &mut Rng, chats: &[(&str, &str)], asked: usize) -> Vec<Document> {
    let mut names = FIRST.to_vec();
    let mut chats: Vec<(String, String)> = chats
        .iter()
        .map(|(chat, summary)| {
            rng.shuffle(&mut names);
            let name = |text: &str| text.replace("{a}", names[0]).replace("{b}", names[1]);
            (name(chat), name(summary))
        })
        .collect();
    rng.shuffle(&mut chats);
    let examples = chats.split_off(asked);
    let mut context = String::from(
        "Sum up a chat in one or two short sentences. These are chats with their summaries.\n\n",
    );
    context.extend(examples.iter().map(|(chat, summary)| format!("Chat:\n{chat}\nSummary: {summary}\n\n")));
    let queries = chats
        .into_iter()
        .map(|(chat, summary)| {
            Query::new(format!("Now sum up this chat in the same way.\n\nChat:\n{chat}\n"), summary)
        })
        .collect();
    vec![Document { context, queries }]
}

pub(crate) fn standard(rng: &mut Rng) -> Vec<Document> {
    documents(rng, &CHATS[..8], 2)
}

pub(crate) fn extended(rng: &mut Rng) -> Vec<Document> {
    documents(rng, &CHATS[8..], 1)
}
