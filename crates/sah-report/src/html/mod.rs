//! The page: one file without anything from elsewhere.

mod highlight;
mod markup;
mod page;
mod samples;
mod table;

pub(crate) use markup::escaped;
pub(crate) use page::{page, page_of_several};
