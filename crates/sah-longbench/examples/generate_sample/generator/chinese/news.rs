//! lsht: short news items with their classes, then one without.

use super::super::rng::Rng;
use super::super::row::{Document, Query, Task};
use super::names::TOWNS;

const CLASSES: [&str; 6] = ["农业", "体育", "教育", "交通", "气象", "医药卫生"];

pub(crate) const TASK: Task = Task {
    answer_prefix: "类别：",
    all_classes: Some(&CLASSES),
    max_new_tokens: 16,
    ..Task::chinese("lsht")
};

/// For each of [`CLASSES`], news of it; `{t}` is a town.
const NEWS: [[&str; 3]; 6] = [
    [
        "{t}今年种植的早稻开始收割，农技站的人员到田头指导农户晾晒稻谷，预计亩产比去年略有增加。",
        "为防止果树冻伤，{t}的果农给三千棵梨树的树干刷上石灰水，并在园里堆草熏烟。",
        "{t}办起育秧大棚，农户可以按盘购买秧苗，不用再自己浸种。",
    ],
    [
        "{t}举行环湖长跑比赛，两百多名选手参加，最年长的一位七十一岁，跑完全程后还帮忙收拾水杯。",
        "{t}女子排球队在决赛中先输两局，再连赢三局，第一次拿到县里的冠军。",
        "{t}乒乓球馆重新开放，每周六为少年队安排免费训练。",
    ],
    [
        "{t}小学开设木工课，学生自己动手修理课桌，期末成绩由一件作品来决定。",
        "{t}中学的教师利用暑假走访学生家庭，并为住得远的学生安排宿舍。",
        "{t}把旧书店改成课后自习室，由退休教师轮流辅导功课。",
    ],
    [
        "连接{t}与县城的公路桥通车，客车的行驶时间从一小时缩短到二十五分钟。",
        "{t}火车站增开两趟早班列车，方便乘客到省城办事后当天返回。",
        "{t}在学校门口的路口装上信号灯，货车早晚不得通行。",
    ],
    [
        "受冷空气影响，{t}未来三天气温下降八度，夜间有小到中雨，山区可能出现冰冻。",
        "{t}气象站记录到今年第一场大雾，能见度不足五十米，预计中午前后消散。",
        "台风外围云系将影响{t}，明天阵风可达七级，局部有暴雨。",
    ],
    [
        "{t}卫生院为六十岁以上的老人免费检查视力，医生提醒患者按时滴用药水。",
        "流感进入高发期，{t}卫生院增设发热门诊，护士上门为行动不便的病人接种疫苗。",
        "{t}卫生院请来中医坐诊，教居民辨认常用的草药，提醒病人不要自行用药。",
    ],
];

pub(crate) fn documents(rng: &mut Rng) -> Vec<Document> {
    let asked = rng.pick(&[1, 2, 3, 4]);
    let (mut early, mut late, mut queries) = (Vec::new(), Vec::new(), Vec::new());
    for (class, news) in NEWS.iter().enumerate() {
        let mut deck = rng.deck(news);
        let mut item = |town| (deck.draw().replace("{t}", town), CLASSES[class]);
        if class == asked {
            let (text, class) = item(rng.pick(&TOWNS));
            queries.push(Query::new(format!("新闻：{text}\n"), class));
            early.extend([item(rng.pick(&TOWNS)), item(rng.pick(&TOWNS))]);
        } else {
            late.push(item(rng.pick(&TOWNS)));
        }
    }
    // The examples of the asked class come first, far from the question.
    rng.shuffle(&mut late);
    let mut context =
        format!("请判断一条新闻属于哪一类。类别有：{}。下面是已经分好类的新闻。\n\n", CLASSES.join("、"));
    context.extend(
        early.into_iter().chain(late).map(|(text, class)| format!("新闻：{text}\n类别：{class}\n\n")),
    );
    vec![Document { context, queries }]
}
