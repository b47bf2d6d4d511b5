//! What the passages of hotpotqa, 2wikimqa and musique are about.

/// A kind of work with what can be said about such works and their makers.
pub(crate) struct Kind {
    /// `novel`.
    pub(crate) noun: &'static str,
    /// `author`.
    pub(crate) maker: &'static str,
    /// `written by`.
    pub(crate) made_by: &'static str,
    /// `published`.
    pub(crate) shown: &'static str,
    /// Titles, each with a sentence or two about the work.
    pub(crate) works: [(&'static str, &'static str); 4],
    /// What a maker is known for.
    pub(crate) careers: [&'static str; 4],
}

pub(crate) const NOVEL: Kind = Kind {
    noun: "novel",
    maker: "author",
    made_by: "written by",
    shown: "published",
    works: [
        (
            "The Salt Ladder",
            "It follows a miner's daughter who climbs out of the pit each night to study the stars. Reviewers praised its quiet ending.",
        ),
        (
            "A Winter of Bells",
            "It tells of a village that must choose which of its four church bells to melt down. It was sold from a cart before any shop took it.",
        ),
        (
            "Grass on the Roof",
            "It is told by a goat that lives above a family of weavers. School editions leave out the chapter about the tax collector.",
        ),
        (
            "The Ninth Oar",
            "It describes a crew that rows home with one seat empty. The longest chapter takes place in a single hour of fog.",
        ),
    ],
    careers: [
        "wrote standing up, at a desk made from a door, and answered every letter from a reader",
        "worked as a postal clerk for thirty years and wrote only in the early morning",
        "taught in a night school and read each chapter aloud to the class before going on",
        "kept bees behind the house and named each hive after a character",
    ],
};

pub(crate) const FILM: Kind = Kind {
    noun: "film",
    maker: "director",
    made_by: "directed by",
    shown: "released",
    works: [
        (
            "Lanterns at Low Tide",
            "It shows a night on a sandbank from the view of five strangers. Most of it was filmed by the light of oil lamps.",
        ),
        (
            "The Beekeeper's Alibi",
            "A beekeeper is accused of a theft that took place during a swarm. The court scene was played by real jurors.",
        ),
        (
            "Two Trains North",
            "Two sisters board different trains and meet again in a snowed-up station. The station was built from painted cardboard.",
        ),
        (
            "Paper Harbour",
            "A boy folds a fleet of paper ships and one of them does not sink. The music is played on a single accordion.",
        ),
    ],
    careers: [
        "began as a projectionist and never used more than one camera",
        "trained as a surveyor and drew a map of each scene before filming it",
        "ran a travelling theatre until its tent was lost in a storm",
        "made advertisements for soap and saved the pay for a first feature",
    ],
};

pub(crate) const OPERA: Kind = Kind {
    noun: "opera",
    maker: "composer",
    made_by: "composed by",
    shown: "first performed",
    works: [
        (
            "The Glass Miller",
            "A miller grinds sand instead of grain and is laughed at until the windows of the town break. The role of the miller is sung by a bass.",
        ),
        (
            "Queen of the Marsh",
            "A queen hides among reed cutters and learns to like their soup. Its second act has a dance for twelve herons.",
        ),
        (
            "The Borrowed Moon",
            "Thieves rent the moon for a night and cannot give it back. It needs no chorus, which made it popular with small houses.",
        ),
        (
            "Seven Doors",
            "Seven brothers each guard a door and none knows what lies behind it. The overture is often played alone.",
        ),
    ],
    careers: [
        "played the viola in a spa orchestra and composed on the backs of menus",
        "lost the hearing of one ear as a child and wrote for low instruments ever after",
        "directed a choir of dock workers and wrote parts that could be learned by ear",
        "collected the songs of shepherds and noted them down in a shorthand of dots",
    ],
};

pub(crate) const BRIDGE: Kind = Kind {
    noun: "bridge",
    maker: "engineer",
    made_by: "designed by",
    shown: "opened",
    works: [
        (
            "The Heron Bridge",
            "It carries a road over a tidal creek on nine stone arches. The stone came by barge because the roads were too soft.",
        ),
        (
            "The Ropewalk Bridge",
            "It hangs from four cables spun on the site from steel wire. Crossing it on foot takes eleven minutes.",
        ),
        (
            "The Salmon Bridge",
            "It lifts in the middle to let fishing boats pass. The lifting gear is turned by water from the weir.",
        ),
        (
            "The Old Toll Bridge",
            "It joins two steep banks with a single iron span. The toll house is now a bakery.",
        ),
    ],
    careers: [
        "tested every beam with sacks of wet sand and kept a diary of the cracks",
        "built water towers before turning to bridges and disliked rivets",
        "was the first in the county to use concrete in frost",
        "drew with the left hand and lettered with the right",
    ],
};

pub(crate) const LIGHTHOUSE: Kind = Kind {
    noun: "lighthouse",
    maker: "architect",
    made_by: "designed by",
    shown: "first lit",
    works: [
        (
            "Gannet Point Light",
            "It stands on a reef that is dry for two hours a day. Its lamp burned colza oil for forty years.",
        ),
        (
            "Cobb Island Light",
            "It is built of granite blocks that lock into each other like a puzzle. Its keepers grew potatoes in a walled garden.",
        ),
        (
            "Sable Head Light",
            "It is a squat tower on a high cliff, since a tall one would be lost in cloud. A tunnel leads to the foghorn.",
        ),
        (
            "Merle Sands Light",
            "It rests on iron legs screwed into the sand. It has been moved twice as the channel shifted.",
        ),
    ],
    careers: [
        "made models in plaster and poured buckets of water over them",
        "had been a diver and inspected each foundation in person",
        "built three theatres and said that a tower was an easier audience",
        "measured waves from a rowing boat with a marked pole",
    ],
};

/// Trades of fathers and mothers.
pub(crate) const TRADES: [&str; 6] = ["clockmaker", "baker", "tailor", "glassblower", "saddler", "printer"];

/// How a tradesman lived.
pub(crate) const HOMES: [&str; 4] = [
    "lived above the shop with six children",
    "sang in the church choir",
    "moved house every second year",
    "sold a little of everything at the Saturday market",
];

/// What a town is known for.
pub(crate) const TOWN_FACTS: [&str; 6] = [
    "It has a covered market with a roof of green tiles, and a school of weaving that takes twenty pupils a year",
    "Its walls were taken down for a tramway that was never built, and the stones lie under the park",
    "It is known for pears, which are dried in lofts above the houses, and for a fair in the first week of October",
    "Half of its houses were moved uphill after a flood, beam by beam, and are numbered in chalk to this day",
    "A brickworks employed most of the town until the clay ran out, and the pit is now a lake with a swimming club",
    "Its station lies outside the town, because the railway company and the council could not agree on a price",
];

/// Passages that have nothing to do with any question.
pub(crate) const ASIDES: [(&str, &str); 4] = [
    (
        "Slow cheese",
        "Slow cheese is made from milk that has stood for two nights in a cellar. It is turned every third day and rubbed with salt. A wheel is ready after five months, when it sounds hollow. It is eaten with rye bread and pickled walnuts.",
    ),
    (
        "Marsh skating",
        "Marsh skating is a race on flooded meadows. The course is marked with willow twigs, and skaters start in pairs. A race is called off when the ice no longer sings. The winner receives a ham.",
    ),
    (
        "The barrel organ",
        "A barrel organ plays a tune from pins set in a wooden cylinder. Turning the handle moves the cylinder and works the bellows. A cylinder holds eight or nine tunes. Repairing one takes a winter.",
    ),
    (
        "Tally sticks",
        "A tally stick is a piece of hazel with notches that stand for a debt. It was split along its length, and each side kept a half. The halves had to match when the debt was paid.",
    ),
];
