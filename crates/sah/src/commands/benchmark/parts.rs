//! What a plan is made of: a cell is a model with an attention, and may be divided into shards.

use std::path::PathBuf;

use sah_bench_core::{Error, FinishedRun, RunFolder, Shard, ShardResults, merge_shards};

use super::plan::Plan;

/// A model with an attention: their places in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) model: usize,
    pub(super) attention: usize,
}

/// What a process does: a cell, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) cell: Cell,
    /// `None` in a run that is not divided.
    pub(super) shard: Option<Shard>,
}

impl Plan<'_> {
    /// All cells, model after model.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let of_model = |model| (0..self.attentions.len()).map(move |attention| Cell { model, attention });
        (0..self.models.len()).flat_map(of_model).collect()
    }

    /// The name of a cell, which is its folder inside that of the run.
    pub(super) fn name(&self, cell: Cell) -> String {
        self.name_of(cell.model, &self.attentions[cell.attention].name)
    }

    /// The name of the cell of this model and this attention.
    pub(super) fn name_of(&self, model: usize, attention: &str) -> String {
        match self.models.as_slice() {
            [_] => attention.to_owned(),
            models => format!("{}/{attention}", models[model].run_name),
        }
    }

    /// The folder of a cell.
    pub(super) fn folder(&self, cell: Cell) -> PathBuf {
        self.models[cell.model].path().join(&self.attentions[cell.attention].name)
    }

    /// Whether a cell is finished, with an answer to every row.
    pub(super) fn is_finished(&self, cell: Cell) -> bool {
        FinishedRun::read(&self.folder(cell)).is_ok_and(|run| run.detailed.rows_failed == 0)
    }

    /// The results of a cell, if it is finished. Its shards are merged once all of them are done.
    pub(super) fn settle(&self, cell: Cell) -> Result<Option<FinishedRun>, Error> {
        let (model, attention) = (&self.models[cell.model], &self.attentions[cell.attention].name);
        let Some(count) = self.args.output.shards else {
            return Ok(FinishedRun::read(&self.folder(cell)).ok());
        };
        match merge_shards(&model.result_dir, &model.run_name, attention, count, &*self.benchmark) {
            Ok(run) => Ok(Some(run)),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The parts of all cells, cell after cell, as many for each.
    pub(super) fn parts(&self) -> Vec<Part> {
        let of_cell = |cell| -> Vec<Part> {
            match self.args.output.shards {
                None => vec![Part { cell, shard: None }],
                Some(count) => Shard::all(count).map(|shard| Part { cell, shard: Some(shard) }).collect(),
            }
        };
        self.cells().into_iter().flat_map(of_cell).collect()
    }

    /// The place of a part among all.
    pub(super) fn number(&self, part: Part) -> usize {
        let cell = part.cell.model * self.attentions.len() + part.cell.attention;
        part.shard.map_or(cell, |shard| cell * shard.count().get() + shard.index())
    }

    /// What a part is called.
    pub(super) fn part_name(&self, part: Part) -> String {
        let cell = self.name(part.cell);
        part.shard.map_or(cell.clone(), |shard| format!("{cell} {shard}"))
    }

    /// What `bench NAME --resume RUN` does it by.
    pub(super) fn part_options(&self, part: Part) -> Vec<String> {
        let mut options = vec![format!("--cell={}", self.attentions[part.cell.attention].name)];
        options.extend(part.shard.map(|shard| format!("--shard={shard}")));
        options
    }

    /// Whether this process, or one that it starts, is to do a part.
    pub(super) fn is_to_do(&self, part: Part) -> bool {
        let execution = &self.args.execution;
        let name = &self.attentions[part.cell.attention].name;
        execution.cell.as_ref().is_none_or(|only| only == name)
            && execution.shard.is_none_or(|only| part.shard == Some(only))
    }

    /// Whether a part has results, with an answer to every row or not.
    pub(super) fn has_results(&self, part: Part) -> bool {
        let folder = self.folder(part.cell);
        let of_shard = |shard: Shard| ShardResults::read(&folder.join(shard.folder())).is_ok();
        FinishedRun::read(&folder).is_ok() || part.shard.is_some_and(of_shard)
    }

    /// Whether a part is done, with an answer to every row.
    pub(super) fn is_done(&self, part: Part) -> bool {
        let of_shard = |shard: Shard| {
            let results = ShardResults::read(&self.folder(part.cell).join(shard.folder()));
            results.is_ok_and(|results| results.rows_failed == 0)
        };
        self.is_finished(part.cell) || part.shard.is_some_and(of_shard)
    }

    /// Makes the folders of a new run, and keeps its options in them. From then on it can be resumed.
    pub(super) fn make_folders(&self) -> anyhow::Result<()> {
        for Part { cell, shard } in self.parts() {
            let (model, attention) = (&self.models[cell.model], &self.attentions[cell.attention].name);
            match shard {
                None => RunFolder::create(&model.result_dir, &model.run_name, attention)?,
                Some(shard) => RunFolder::create(&model.path(), attention, &shard.folder())?,
            };
        }
        self.keep_options()
    }
}
