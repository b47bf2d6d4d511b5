//! The Chinese tasks.

pub(crate) mod fields;
pub(crate) mod meeting;
pub(crate) mod names;
pub(crate) mod news;
pub(crate) mod retrieval;
pub(crate) mod web;
