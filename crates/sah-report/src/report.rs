//! A report: a page, figures and tables, as files.

use std::fs;
use std::path::{Path, PathBuf};

use sah_bench_core::write_file;

use crate::figures::{self, Figure};
use crate::html;
use crate::overview::{Overview, Part};
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
        tables.extend(tables::grids(analysis));
        tables.extend(tables::further(analysis));
        tables.extend([tables::scores(analysis), tables::differences(analysis)]);
        tables.push(tables::costs(analysis));
        tables.extend(tables::buckets(analysis));
        tables.extend(tables::attention_steps(analysis));
        tables.extend(tables::attention_heads(analysis));
        tables.extend(tables::kept_heads(analysis));
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
        self.write_files(folder)?;
        let page = folder.join("report.html");
        write_file(&page, self.html.as_bytes())?;
        Ok(page)
    }

    /// Everything but the page.
    fn write_files(&self, folder: &Path) -> Result<(), Error> {
        for name in ["figures", "tables"] {
            make(&folder.join(name))?;
        }
        for figure in &self.figures {
            let path = folder.join("figures").join(&figure.name);
            write_file(&path.with_extension("svg"), figure.svg().as_bytes())?;
            write_file(&path.with_extension("png"), &figure.png()?)?;
        }
        for table in &self.tables {
            let path = folder.join("tables").join(format!("{}.csv", table.name));
            write_file(&path, table.csv().as_bytes())?;
            if table.is_for_papers() {
                write_file(&path.with_extension("tex"), table.latex().as_bytes())?;
            }
        }
        write_file(&folder.join("tables/samples.csv"), self.samples.as_bytes())?;
        write_file(&folder.join("report.md"), self.markdown().as_bytes())?;
        Ok(())
    }

    fn markdown(&self) -> String {
        let markdown = self.tables.iter().filter(|table| !table.is_long()).map(Table::markdown);
        markdown.collect::<Vec<_>>().join("\n")
    }
}

/// A report of several benchmarks, ready to be written.
#[derive(Clone, Debug)]
pub struct OverviewReport {
    /// `report.html`.
    html: String,
    tables: Vec<Table>,
    /// Of each benchmark.
    parts: Vec<(String, Report)>,
}

impl OverviewReport {
    /// Makes the report of `overview`.
    ///
    /// # Errors
    ///
    /// [`Error::Figure`].
    pub fn new(overview: &Overview<'_>) -> Result<Self, Error> {
        let part = |part: &Part<'_>| Ok((part.benchmark.clone(), Report::new(&part.analysis)?));
        let parts = overview.parts.iter().map(part).collect::<Result<Vec<_>, Error>>()?;
        let figures: Vec<&[Figure]> = parts.iter().map(|(_, report)| &*report.figures).collect();
        Ok(Self { html: html::page_of_several(overview, &figures), tables: overview.tables(), parts })
    }

    /// Writes `report.html`, `report.md` and `tables/*.csv` over all, and for each benchmark a folder of its name with the other
    /// files of its report, into `folder`, which is made, over those of an earlier report. Gives the path of the page.
    ///
    /// # Errors
    ///
    /// Files that cannot be written, and [`Error::Figure`].
    pub fn write(&self, folder: &Path) -> Result<PathBuf, Error> {
        make(&folder.join("tables"))?;
        for table in &self.tables {
            write_file(&folder.join("tables").join(format!("{}.csv", table.name)), table.csv().as_bytes())?;
        }
        let mut markdown: Vec<String> = self.tables.iter().map(Table::markdown).collect();
        for (benchmark, report) in &self.parts {
            report.write_files(&folder.join(benchmark))?;
            markdown.push(format!("## {benchmark}\n\n{}", report.markdown()));
        }
        write_file(&folder.join("report.md"), markdown.join("\n").as_bytes())?;
        let page = folder.join("report.html");
        write_file(&page, self.html.as_bytes())?;
        Ok(page)
    }
}

fn make(folder: &Path) -> Result<(), Error> {
    let at = |source| sah_bench_core::Error::Io { path: folder.to_path_buf(), source };
    Ok(fs::create_dir_all(folder).map_err(at)?)
}
