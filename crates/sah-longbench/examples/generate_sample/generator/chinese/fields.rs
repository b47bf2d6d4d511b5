//! `multifieldqa_zh`: a text and questions about it.

use super::super::rng::Rng;
use super::super::row::{Document, Query, Task};
use super::names::{PEOPLE, TOWNS, WEEKDAYS};

pub(crate) const TASK: Task = Task::chinese("multifieldqa_zh");

pub(crate) fn documents(rng: &mut Rng) -> Vec<Document> {
    let mut people = rng.deck(&PEOPLE);
    let (founder, keeper) = (people.draw(), people.draw());
    let (town, closed) = (rng.pick(&TOWNS), rng.pick(&WEEKDAYS));
    let (year, books) = (rng.between(1952, 1978), rng.between(3, 8));
    let (deposit, days) = (rng.between(2, 9) * 10, rng.between(2, 4) * 10);
    let treasure = rng.pick(&["一本手抄的茶谱", "一幅手绘的河道图", "一套木刻的历书"]);
    let context = format!(
        "请先读下面这段文字，再用几个字回答后面的问题。\n\n{town}图书馆读者须知\n\n\
{town}图书馆在老码头旁边，原来是一座粮仓。图书馆由{founder}在{year}年创办。当时他把自家的书装在两只木箱里，\
挑到码头上借给等船的人看，后来镇上才把空着的粮仓交给他使用。如今馆里共有{books}万册图书，其中最珍贵的藏品是{treasure}，\
放在二楼的玻璃柜里，每年春天公开展出一次。\n\n\
开放时间：每天上午九点到下午六点，{closed}闭馆。一楼是儿童阅览室，小读者可以坐在地毯上看书，也可以大声朗读。\
二楼必须保持安静，手机要调成静音。\n\n\
借书办法：办理借书证要交押金{deposit}元，退证时全部退还。每人一次最多借五本，期限为{days}天。\
到期还想继续看的，可以打电话续借一次。书被雨水打湿了不要用火烤，请交给管理员{keeper}，她会用吸水纸慢慢压干。\n\n\
其他规定：馆内不许吸烟，不许带宠物。门口备有雨伞，用完请放回原处。逢年过节，图书馆会在院子里放露天电影，\
附近的居民自己带凳子来看，不收门票。\n\n文字到此结束。请根据上文回答问题，只写答案。\n\n"
    );
    let queries = vec![
        Query::new(format!("问：{town}图书馆是谁创办的？\n"), founder),
        Query::new("问：办理借书证要交多少押金？\n", format!("{deposit}元")),
    ];
    vec![Document { context, queries }]
}
