//! Paragraphs on many things, each with an abstract of it.

/// Paragraph and abstract. The first half serves `passage_retrieval_en`, the second `passage_retrieval_en_e`.
pub(crate) const PARAGRAPHS: [(&str, &str); 18] = [
    (
        "The harbour crane was moved by two men walking inside a wooden wheel. It could lift a load of three tons. When the wheel broke in a storm, the town replaced it with a steam engine, and the men were given posts as lamplighters.",
        "A harbour crane was driven by men in a wooden wheel, until a steam engine replaced it.",
    ),
    (
        "Reed cutters start when the first hard frost has killed the leaves. They tie the stalks in bundles and stand them on the ice. A good roof of reed lasts forty years on the north side and thirty on the south.",
        "Reed is cut after the first hard frost, and a roof made of it lasts thirty years or more.",
    ),
    (
        "The school orchestra had no bassoon, so a pupil built one from a drainpipe and a brass kettle. It played only five notes. The teacher wrote a part for these five, and at the concert it earned the longest applause.",
        "A pupil builds a bassoon from a drainpipe and a kettle for the school orchestra.",
    ),
    (
        "Every apple tree in the commons has a number and an owner who may live far away. The owner gets a sack of fruit by post each autumn. Whoever waters the tree in a dry year may keep a third of the harvest.",
        "Apple trees have owners far away, who receive their fruit by post.",
    ),
    (
        "The border between the two parishes runs through the inn. Guests who drank on one side after ten paid a fine, while on the other side the bar stayed open till midnight. The innkeeper put his tables on wheels.",
        "An inn lies in two parishes, and each side of it has its own closing time.",
    ),
    (
        "A colony of bats lives in the bell tower. Since the bells are rung only on feast days, nobody disturbs them. The sexton sells their droppings as manure, and the roses of the vicarage are the largest in the county.",
        "The bats in a bell tower are left alone, and their manure feeds the roses.",
    ),
    (
        "The first telephone line of the valley was a fence wire. It worked in dry weather. When it rained, farmers heard each other's cows instead, and important calls were made on the second day after a storm.",
        "A fence wire served as a telephone line in dry weather.",
    ),
    (
        "The chess club meets in a railway carriage that has not moved for sixty years. Games must end when the express passes, because the pieces fall over. The record is a draw in eleven minutes.",
        "A chess club plays in a railway carriage and must finish before the express passes.",
    ),
    (
        "For the winter market, bakers form dough into small horses with raisins for eyes. Children hang them in the window. Horses that are still whole in March are said to bring luck, but mice find most of them before.",
        "Small horses of dough are hung in the window for luck.",
    ),
    (
        "The potter digs her clay under the river bank and lets it lie for a year. Frost breaks the lumps, and worms loosen the rest. She says that a bowl of hurried clay rings like a coin, and that one of slow clay rings like a bell.",
        "A potter lets her clay lie for a year before she makes bowls of it.",
    ),
    (
        "The island has one taxi and two drivers, who are brothers and do not speak to each other. One drives on even days. On the thirty-first and the first, which are both odd, the other brother is allowed to rest.",
        "Two brothers share the only taxi of an island by even and odd days.",
    ),
    (
        "Glaciers polish the rock below them with frozen gravel. From the direction of the scratches one can read which way the ice moved. In the quarry the scratches cross, because the ice came twice from different valleys.",
        "Scratches in the rock show which way the glaciers moved.",
    ),
    (
        "The lending library began in a pram. The doctor's wife pushed it from farm to farm with thirty novels under the blanket. Books came back with pressed flowers, bacon stains and once with a proposal of marriage.",
        "A lending library that was pushed from farm to farm in a pram.",
    ),
    (
        "The town's fire brigade practises on the first Monday of the month by pumping out the open-air pool. The water goes into the gardens along the hill. Fire alarms on that evening are answered by the next town.",
        "The fire brigade pumps out the open-air pool for practice.",
    ),
    (
        "A kite festival is held on the salt meadows when the hay is in. Kites must be made of newspaper and flour paste. The judges lie on their backs, and the kite that makes the most of them fall asleep wins.",
        "At a festival, newspaper kites are judged by how well the judges fall asleep.",
    ),
    (
        "The lime kilns were lit in spring and burned until the first snow. Three families took turns to sleep beside them. After the cement works opened, the kilns were used to smoke trout, which still taste of chalk.",
        "Old lime kilns were later used to smoke trout.",
    ),
    (
        "The cartographer drew the county from a balloon that was tied to a church. Where clouds hid the ground he drew clouds. For a generation, carters called the unmapped forest the White Parish.",
        "A county was drawn from a balloon, with clouds where the ground could not be seen.",
    ),
    (
        "The walnut in the market place is older than the town hall. Weddings are held beneath it, because rain needs a quarter of an hour to come through the leaves, and that is how long the ceremony takes.",
        "Weddings are held under a walnut tree that keeps off the rain for a while.",
    ),
];
