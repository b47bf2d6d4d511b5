//! A report: a page, figures and tables, as files.

use std::fs;
use std::path::{Path, PathBuf};

use sah_bench_core::write_file;

use crate::figures::{self, Figure};
use crate::html;
use crate::tables::{self, Table};
use crate::{Analysis, Error};

/// A report, ready to be written.
#[derive(Clone, Debug)]
pub struct Report {
    /// `report.html`.
    html: String,
    figures: Vec<Figure>,
    tables: Vec<Table>,
    /// `tables/samples.csv`.
    samples: String,
}

impl Report {
    /// Makes the report of `analysis`.
    ///
    /// # Errors
    ///
    /// [`Error::Figure`].
    pub fn new(analysis: &Analysis<'_>) -> Result<Self, Error> {
        let figures = figures::all(analysis)?;
        let mut tables = vec![tables::summary(analysis)];
        tables.extend(tables::warnings(analysis));
        tables.extend([tables::scores(analysis), tables::differences(analysis)]);
        tables.push(tables::costs(analysis));
        tables.extend(tables::buckets(analysis));
        tables.extend(tables::attention_steps(analysis));
        tables.extend(tables::attention_heads(analysis));
        tables.extend(tables::configuration_differences(analysis));
        tables.push(tables::configuration(analysis));
        tables.push(tables::paper(analysis));
        let samples = tables::samples_csv(analysis);
        Ok(Self { html: html::page(analysis, &figures), figures, tables, samples })
    }

    /// Writes `report.html`, `report.md`, `figures/*.{svg,png}` and `tables/*.{csv,tex}` into `folder`, which is made, over
    /// those of an earlier report. Gives the path of the page.
    ///
    /// # Errors
    ///
    /// Files that cannot be written, and [`Error::Figure`].
    pub fn write(&self, folder: &Path) -> Result<PathBuf, Error> {
        for folder in ["figures", "tables"].map(|name| folder.join(name)) {
            fs::create_dir_all(&folder)
                .map_err(|source| sah_bench_core::Error::Io { path: folder.clone(), source })?;
        }
        for figure in &self.figures {
            let path = folder.join("figures").join(&figure.name);
            write_file(&path.with_extension("svg"), figure.svg().as_bytes())?;
            write_file(&path.with_extension("png"), &figure.png()?)?;
        }
        for table in &self.tables {
            let path = folder.join("tables").join(format!("{}.csv", table.name));
            write_file(&path, table.csv().as_bytes())?;
            if table.name == tables::PAPER {
                write_file(&path.with_extension("tex"), table.latex().as_bytes())?;
            }
        }
        write_file(&folder.join("tables/samples.csv"), self.samples.as_bytes())?;
        let markdown = self.tables.iter().filter(|table| !table.is_long()).map(Table::markdown);
        write_file(&folder.join("report.md"), markdown.collect::<Vec<_>>().join("\n").as_bytes())?;
        let page = folder.join("report.html");
        write_file(&page, self.html.as_bytes())?;
        Ok(page)
    }
}
