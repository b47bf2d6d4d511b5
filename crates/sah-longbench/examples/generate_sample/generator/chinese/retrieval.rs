//! `passage_retrieval_zh`: numbered paragraphs and the abstract of one of them.

use super::super::rng::Rng;
use super::super::row::{Document, Query, Task};

pub(crate) const TASK: Task =
    Task {
        answer_prefix: "摘要出自：段落", max_new_tokens: 16, ..Task::chinese("passage_retrieval_zh")
    };

/// Paragraph and abstract.
const PARAGRAPHS: [(&str, &str); 9] = [
    (
        "渡口的老船工每天天不亮就把缆绳检查一遍。桥修好以后，没有人再坐渡船，他把船翻过来盖上油布，做成了一间卖豆浆的小铺。",
        "渡船停用之后变成了卖豆浆的铺子。",
    ),
    (
        "制伞的师傅选用三年以上的竹子，劈成细条，在水里泡半个月。伞面刷三遍桐油，每刷一遍都要晒足一天，这样的伞能用二十年。",
        "怎样用竹子和桐油做一把耐用的伞。",
    ),
    (
        "山里的小学只有两个班，上课的钟是一截铁轨。铁轨是修路队留下的，敲起来声音能传过两座山，放羊的孩子听见就往学校跑。",
        "学校用一截铁轨代替钟来叫学生上课。",
    ),
    (
        "养蜂人随着花期搬家，三月在油菜田，五月在槐树林，七月到山上采荆条。他的蜂箱上写着号码，少一箱都睡不着觉。",
        "养蜂人跟着不同的花一路搬迁。",
    ),
    (
        "镇上的钟表店只修不卖。店主把修不好的表挂在墙上，让它们停在坏掉的那一刻，客人说一进门就不知道是几点。",
        "一家店的墙上挂满了停走的表。",
    ),
    (
        "冬天湖面结冰，村民凿开冰洞下网捕鱼。第一网的鱼不卖，要分给村里的老人。网要用麻绳织，因为塑料绳在冰上会变硬。",
        "村民在冰上捕鱼，并把头一网送给老人。",
    ),
    (
        "面馆的招牌是一根两米长的擀面杖。老板说面要揉够一千下，少一下都没有嚼劲，他的儿子在旁边数数，数错了就从头再来。",
        "做面的人坚持揉够次数，儿子负责计数。",
    ),
    (
        "广播站每天傍晚播放一段评书，讲到要紧的地方就停。有人等不及，跑到站里去问下文，播音员只好在门上贴了“不许剧透”四个字。",
        "听众因为想知道评书的下文而找到广播站。",
    ),
    (
        "河边的水车已经转了六十年，木板换了三次。现在不再用它灌田，而是带动一台小磨，磨出来的米粉卖给来写生的学生。",
        "老水车不灌溉农田以后改作磨粉之用。",
    ),
];

pub(crate) fn documents(rng: &mut Rng) -> Vec<Document> {
    let paragraphs = rng.deck(&PARAGRAPHS).draw_many(7);
    // Not the last two, which the local window might still reach.
    let mut places = rng.deck(&[0, 1, 2, 3, 4]);
    let mut context = String::from("下面有七段文字，另有其中一段的摘要。请找出摘要说的是哪一段。\n\n");
    context.extend(
        paragraphs.iter().enumerate().map(|(index, (text, _))| format!("段落{}：{text}\n\n", index + 1)),
    );
    context += "文字到此结束，下面是其中一段的摘要。\n\n";
    let query = |place: usize| {
        let question =
            format!("摘要：{}\n\n摘要说的是第几段？请回答“段落”二字加编号。\n\n", paragraphs[place].1);
        Query::new(question, format!("段落{}", place + 1))
    };
    let queries = places.draw_many(2).into_iter().map(query).collect();
    vec![Document { context, queries }]
}
