//! Words for keys, lists and prose.

use super::random::Random;

/// Adjectives.
pub(super) const ADJECTIVES: &[&str] = words!(
    "able amber ample ancient arctic autumn awake azure basic bitter blank bold brave brief bright brisk broad bronze
     calm candid careful cheap chilly civil clean clear clever close cloudy cold common cool coral crisp curious curly
     daily damp dark dear deep dense distant double dry dull dusty eager early east easy elder empty equal even exact
     faint fair false famous fast fatal final fine firm flat foreign formal frail frank free fresh frosty full funny
     gentle giant glad golden good grand grave gray great green grim happy hard harsh hasty heavy hidden hollow honest
     huge humble hungry idle inner ivory jolly keen kind large last late lazy lean level light little lively local lone
     long loose loud loyal lucky mellow merry mild minor misty modern modest muddy narrow native neat new nimble noble
     noisy north odd old open orange outer pale patient plain polite poor prime proud pure quick quiet rapid rare raw
     ready red rich ripe rough round royal rural rusty sad safe salty scarce secret serious sharp short shy silent silver
     simple single slim slow small smart smooth sober soft solid sour south spare stale steady steep stern stiff still
     stout strange strict strong sturdy subtle sudden sunny sure sweet swift tall tame tender thick thin tidy tiny tough
     true upper urban usual vague vast vivid warm weak west wet white whole wide wild wise young"
);

/// Nouns.
pub(super) const NOUNS: &[&str] = words!(
    "acorn alley anchor ankle apple apron arch arrow attic badge baker ballad bamboo banner barley barn barrel basin
     basket beacon beam bean bell bench berry bird blade blanket blossom boat bolt bonnet book boot border bottle bowl
     branch brass bread brick bridge brook broom brush bucket buckle button cabin cable candle canoe canvas canyon cape
     carpet carrot castle cedar cellar chain chair chalk channel chapel cheese cherry chest chimney circle cliff cloak
     clock cloth cloud clover coach coal coast coat coin comet compass copper corner cotton court cradle crane creek crown
     crystal cup curtain cushion daisy dancer dawn desert desk diamond dinner dish dock door dragon drawer dream drum
     eagle echo elbow ember engine evening fabric falcon farm feather fence fern ferry fiddle field finger flag flame
     flower flute forest fork fountain fox frame garden garlic gate ghost glacier glass glove goat grain grape grass
     gravel guest guitar hall hammer harbour harp hat hazel helmet herb heron hill hinge honey hook horn horse hotel
     house island jacket jar jewel journal judge jungle kettle key kitchen kite knot ladder lake lamp lane lantern leaf
     leather ledger lemon letter library lily lion lock loom lute magnet maple marble market marsh meadow medal melon
     mill mirror monk moon moss mountain mouse museum napkin needle nest net night nut oak oar ocean olive onion orbit
     orchard organ otter oven owl oyster paddle page palace palm paper parcel path pearl pebble pencil pepper piano
     pigeon pillar pillow pine pipe pitcher plain planet plate plough plum pocket pond porch port potato powder prairie
     prism puddle pump quarry quilt rabbit raft rail rain ranch raven reed ribbon ridge ring river road robin rocket roof
     rope rose ruby saddle sail salmon salt sand satchel school seal seed shadow shed sheep shell shelf shield ship shirt
     shore shovel silk sister skate sky sleeve smoke snow soap sock song spade sparrow spice spider spoon spring spruce
     square stable stage stair star statue steam stone stool storm stove straw stream street string sugar summer swan
     table tailor teapot temple tent thistle thread throne thumb thunder ticket tiger timber tower trail train tray
     treasure trumpet tunnel turtle valley vase velvet village vine violet violin voice wagon walnut water wave wheat
     wheel whistle willow window wing winter wolf wool wren yard yarn"
);

/// Verbs.
pub(super) const VERBS: &[&str] = words!(
    "accept admire advise agree allow answer appear argue arrange arrive bake balance bathe begin belong blink borrow
     bounce breathe bring build bury carry carve catch change chase choose claim clap climb collect compare consider
     cook copy cough count cover crawl create cross dance decide deliver describe deserve divide drift drink drive earn
     eat enter escape explain explore fail fetch find finish fold follow forget gather give greet grind grow guess guide
     hang happen hear help hide hope hurry imagine invite join juggle jump knit know laugh lead learn leave lend lift
     listen live look lose marry measure meet melt mend mix move notice obey offer own paint pause pay polish pour
     prefer prepare pretend promise protect pull push read receive remember remind repair repeat reply rescue rest
     return ride rub save scatter seek sell send serve settle sew share shout sing sit sleep smile sneeze solve speak
     spend spread stand stay steal stretch study suggest swim teach tell thank throw tie trade travel trust try turn
     visit wait wake walk wander warn wash watch wave weave whisper win wonder work write yawn"
);

/// Splits a list of words when the program is compiled.
macro_rules! words {
    ($text:literal) => {{
        const COUNT: usize = count($text.as_bytes());
        const WORDS: [&str; COUNT] = split::<COUNT>($text);
        &WORDS
    }};
}
use words;

const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\n'
}

const fn count(text: &[u8]) -> usize {
    let (mut i, mut words) = (0, 0);
    while i < text.len() {
        if !is_blank(text[i]) && (i == 0 || is_blank(text[i - 1])) {
            words += 1;
        }
        i += 1;
    }
    words
}

const fn split<const N: usize>(text: &str) -> [&str; N] {
    let mut words = [""; N];
    let (mut rest, mut word) = (text, 0);
    while word < N {
        while is_blank(rest.as_bytes()[0]) {
            rest = rest.split_at(1).1;
        }
        let mut end = 0;
        while end < rest.len() && !is_blank(rest.as_bytes()[end]) {
            end += 1;
        }
        (words[word], rest) = rest.split_at(end);
        word += 1;
    }
    words
}

/// A key of two words.
pub(super) fn key(random: &mut Random) -> String {
    format!("{}-{}", random.pick(ADJECTIVES), random.pick(NOUNS))
}

/// Distinct words in random order: adjectives, nouns and verbs, and when these are used up pairs of two.
pub(super) struct WordList {
    single: Vec<&'static str>,
    /// Adjectives and nouns, which pairs begin with.
    firsts: Vec<&'static str>,
    /// Pair number `i` is `start + i * step`, in turns around all pairs.
    start: usize,
    step: usize,
}

impl WordList {
    pub(super) fn new(random: &mut Random) -> Self {
        let distinct = |mut words: Vec<&'static str>| {
            words.sort_unstable();
            words.dedup();
            words
        };
        let mut single = distinct([ADJECTIVES, NOUNS, VERBS].concat());
        random.shuffle(&mut single);
        let firsts = distinct([ADJECTIVES, NOUNS].concat());
        let pairs = firsts.len() * NOUNS.len();
        let step = loop {
            let step = 1 + random.below(pairs);
            if gcd(step, pairs) == 1 {
                break step;
            }
        };
        Self { single, firsts, start: random.below(pairs), step }
    }

    pub(super) fn len(&self) -> usize {
        self.single.len() + self.firsts.len() * NOUNS.len()
    }

    /// The word of this number, which is less than [`WordList::len`].
    pub(super) fn word(&self, number: usize) -> String {
        if let Some(word) = self.single.get(number) {
            return (*word).to_owned();
        }
        let pairs = self.firsts.len() * NOUNS.len();
        let pair = (self.start + (number - self.single.len()) * self.step) % pairs;
        // With the hyphen no two pairs read alike.
        format!("{}-{}", self.firsts[pair / NOUNS.len()], NOUNS[pair % NOUNS.len()])
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn words_are_distinct_and_plain() {
        let list = WordList::new(&mut Random::fixed(1));
        let words: HashSet<String> = (0..list.len()).map(|i| list.word(i)).collect();
        assert_eq!(words.len(), list.len());
        assert!(list.len() > 200_000, "{}", list.len());
        assert!(words.iter().all(|word| word.bytes().all(|c| c.is_ascii_lowercase() || c == b'-')));
        for of in [ADJECTIVES, NOUNS, VERBS] {
            assert_eq!(of.iter().collect::<HashSet<_>>().len(), of.len());
        }
    }
}
