//! dureader: several web pages on one question.

use super::super::rng::Rng;
use super::super::row::{Document, Query, Task};

pub(crate) const TASK: Task = Task { max_new_tokens: 32, ..Task::chinese("dureader") };

pub(crate) fn documents(rng: &mut Rng) -> Vec<Document> {
    let (minutes, spoons) = (rng.between(2, 5) * 10, rng.pick(&["一勺", "两勺", "三勺"]));
    let days = rng.pick(&["半个月", "一个月", "两个月"]);
    let mut pages = vec![
        (
            "铁锅生锈了怎么办",
            "刚生锈的铁锅不用扔。先用丝瓜络把浮锈擦掉，再抹一层油，小火烧到冒烟，放凉以后擦干净就能用了。\
平时炒完菜要趁热洗，洗完擦干，不要泡在水里过夜。"
                .to_owned(),
        ),
        (
            "杯子里的茶垢怎么去除",
            format!(
                "去除茶垢可以用小苏打。在杯子里放{spoons}小苏打，倒满热水，泡{minutes}分钟，茶垢就会变软，用海绵一擦就掉。\
不要用钢丝球，会把杯子划花，以后更容易积垢。"
            ),
        ),
        (
            "新买的砂锅要不要先煮粥",
            "要的。砂锅上有许多细孔，第一次用先煮一锅稠粥，米汤会把细孔填满，这样以后就不容易漏水。\
煮粥时火要小，锅底不能沾水，否则一冷一热容易裂开。"
                .to_owned(),
        ),
        (
            "木头砧板怎样保养",
            format!(
                "木砧板怕干又怕湿。每隔{days}抹一次食用油，竖着放在通风的地方。切过鱼以后用盐搓一遍，再用冷水冲，就没有腥味。"
            ),
        ),
    ];
    rng.shuffle(&mut pages);
    pages.push((
        "保温瓶的塞子有味道",
        "软木塞容易吸味。把塞子放在淘米水里泡一晚，再放到太阳下晒干。要是还有味道，说明木头已经发霉，换一个新的更放心。".to_owned(),
    ));
    let mut context = String::from("下面是几篇网上的文章，请从中找出问题的答案。\n\n");
    context.extend(
        pages
            .iter()
            .enumerate()
            .map(|(index, (title, text))| format!("文章{}\n标题：{title}\n内容：{text}\n\n", index + 1)),
    );
    context += "文章到此结束，请用一句话回答下面的问题。\n\n";
    let answer = format!("在杯子里放{spoons}小苏打，倒满热水，泡{minutes}分钟");
    let query = Query::new("问：杯子里的茶垢怎么去除？\n", answer).or("可以用小苏打");
    vec![Document { context, queries: vec![query] }]
}
