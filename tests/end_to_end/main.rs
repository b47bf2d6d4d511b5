//! End-to-end tests: the command line as a user runs it, the default model, projects outside the workspace.

mod bad_input;
mod command;
mod fences;
mod generate;
mod generation_config;
mod golden;
mod guides;
mod hub;
mod kv_formats;
mod longbench;
mod masker_files;
mod masker_pages;
mod matrix;
mod messages;
mod models;
mod outside_project;
mod own_benchmark;
mod repeats;
mod report;
mod resume;
mod ruler;
mod several;
mod speed;
mod terminal;
mod thinking;
mod tiny_model;
