//! vcsum: the record of a meeting and a summary of it.

use super::super::rng::Rng;
use super::super::row::{Document, Query, Task};
use super::names::{TOWNS, WEEKDAYS};

pub(crate) const TASK: Task =
    Task { answer_prefix: "总结：", max_new_tokens: 48, ..Task::chinese("vcsum") };

pub(crate) fn documents(rng: &mut Rng) -> Vec<Document> {
    let (town, weekday) = (rng.pick(&TOWNS), rng.pick(&WEEKDAYS));
    let (stalls, months) = (rng.between(4, 9) * 10, rng.between(2, 5));
    let place = rng.pick(&["旧车站的货场", "小学后面的空地", "河边的晒谷场"]);
    let context = format!(
        "以下是一次会议的记录，请读完后写一段话，概括会上谈了什么、定了什么。\n\n会议记录：\n\
发言人一：今天主要商量{town}菜市场改造的事。市场的屋顶去年漏了三次，雨季以前必须动工。先请工程队说说。\n\
发言人二：我们看过了，横梁没有问题，瓦片要全部换掉，排水沟也要加宽。工期大概是{months}个月，施工的时候里面不能做买卖。\n\
发言人三：那我们{stalls}个摊位怎么办？停{months}个月，老主顾就都跑到城里去买了。\n\
发言人一：所以要找一个临时的地方。镇里提了两个方案，一个是路边搭棚，一个是用{place}。\n\
发言人三：路边灰大，车也多，老人买菜不安全。我赞成用{place}，那里有水有电，只是要铺一条砖路。\n\
发言人二：砖路我们来铺，用拆下来的旧砖，三天就够，不另外收钱。\n\
发言人一：好，那就定在{place}。摊位怎么分？\n\
发言人三：抽签最公平。卖鱼的要靠近水龙头，单独抽。\n\
发言人一：可以。{weekday}上午在镇政府抽签。租金呢？\n\
发言人四：临时市场期间租金减一半，我和财务已经算过，账上承受得起。新市场开张以后租金不变。\n\
发言人三：这样大家就放心了。还有一件，新屋顶能不能留几扇天窗？现在白天也要开灯。\n\
发言人二：可以留六扇，费用差不多。\n\
发言人一：那就这样定了。散会以后请把通知贴到市场门口。\n\n",
    );
    let summary = format!(
        "会议商量了{town}菜市场的改造。屋顶瓦片全部更换，排水沟加宽，工期{months}个月。施工期间{stalls}个摊位搬到{place}，\
{weekday}抽签分摊位，租金减一半。新屋顶留六扇天窗。"
    );
    vec![Document { context, queries: vec![Query::new("请概括上面的会议记录。\n\n", summary)] }]
}
