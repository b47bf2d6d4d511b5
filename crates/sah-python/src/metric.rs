//! The metrics of this project.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sah_custom::Metric;
use sah_message::meant;
use sah_metrics::WordNet;

use crate::errors::UsageError;

/// One of the metrics of `bench custom`.
#[pyclass(frozen, module = "sah")]
#[derive(Debug)]
pub(crate) struct OwnMetric {
    metric: Metric,
    wordnet: Option<WordNet>,
}

#[pymethods]
impl OwnMetric {
    /// `wordnet` is a folder with the files of WordNet 3.0, for the metric that needs them.
    #[new]
    fn new(name: &str, wordnet: Option<PathBuf>) -> PyResult<Self> {
        let names = Metric::ALL.map(Metric::name);
        let unknown = || UsageError::new_err(format!("there is no metric {name:?}; {}", meant(name, names)));
        let metric = Metric::find(name).ok_or_else(unknown)?;
        let wordnet = match (metric.needs_wordnet(), wordnet) {
            (true, None) => {
                return Err(UsageError::new_err(format!(
                    "{name} takes synonyms from a WordNet; name the folder of its files: metric({name:?}, wordnet=...)"
                )));
            }
            (false, Some(_)) => {
                return Err(UsageError::new_err(format!(
                    "wordnet has no effect: {name} looks no words up; leave it out"
                )));
            }
            (_, folder) => folder.map(opened).transpose()?,
        };
        Ok(Self { metric, wordnet })
    }

    /// The score of `answer`, from 0 to 100: what it is worth beside the right `answers`.
    fn score(&self, answer: &str, answers: Vec<String>) -> PyResult<f64> {
        for right in &answers {
            if let Some(expected) = self.metric.misfit(right) {
                let name = self.metric.name();
                return Err(PyValueError::new_err(format!("{name} compares with {expected}, got {right:?}")));
            }
        }
        let score = self.metric.score(answer, &answers, self.wordnet.as_ref());
        Ok(score.expect("a metric that needs a WordNet has one"))
    }

    /// The files that it reads.
    #[getter]
    fn files(&self) -> Vec<PathBuf> {
        self.wordnet.as_ref().map(WordNet::files).unwrap_or_default()
    }
}

/// The WordNet in `folder`, by its full path, so that a run is resumed from another folder, too.
fn opened(folder: PathBuf) -> PyResult<WordNet> {
    let wrong = |error: &dyn std::fmt::Display| {
        let place = folder.display();
        UsageError::new_err(format!("wordnet={place}: {error}; expected the files of WordNet 3.0"))
    };
    let absolute = std::path::absolute(&folder).map_err(|error| wrong(&error))?;
    WordNet::open(&absolute).map_err(|error| wrong(&error))
}
