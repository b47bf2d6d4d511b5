//! Invented Chinese names of people and places.

/// People.
pub(crate) const PEOPLE: [&str; 8] =
    ["沈青禾", "陆文舟", "顾小满", "韩松岭", "叶知秋", "方一鸣", "程望山", "苏锦云"];

/// Small towns.
pub(crate) const TOWNS: [&str; 6] = ["云溪镇", "白芦镇", "石桥镇", "柳湾镇", "青坪镇", "松岭镇"];

/// Days of the week.
pub(crate) const WEEKDAYS: [&str; 4] = ["星期一", "星期二", "星期三", "星期四"];
