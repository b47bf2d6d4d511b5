//! `cargo xtask submit slurm`: a job array with a task for each part of a run, and a job that merges the parts.
//!
//! A task is `bench --resume RUN --cell ATTENTION`: whatever ends it, the same task goes on where it stopped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use sah_bench_core::replace_file;
use serde::Deserialize;
use serde_json::Value;

use crate::args::{BenchOptions, SlurmArgs};
use crate::commands::benchmark::{ArrayPlan, ArrayTask};
use crate::exit;
use crate::plan_file::PlanFile;
use crate::terminal::show;
use crate::usage::UsageError;
use crate::{App, resume};

/// Options of sbatch that are ours to set.
const OURS: [&str; 6] = ["array", "dependency", "output", "open-mode", "requeue", "parsable"];
/// What a task cannot do without, where the environment has it.
const ENVIRONMENT: [&str; 3] = ["SAH_DEFAULT_MODEL", "OMP_WAIT_POLICY", "HF_HOME"];

/// The table `slurm` of a plan.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Slurm {
    /// Options of sbatch, by their long names: `partition = "gpu"`, `gres = "gpu:1"`, `exclusive = true`.
    options: BTreeMap<String, Value>,
    /// The same for the job that merges the parts; by default those of the tasks.
    collect_options: Option<BTreeMap<String, Value>>,
    /// At most so many tasks at the same time.
    at_once: Option<u32>,
    /// Lines of shell before each task.
    setup: Vec<String>,
}

/// Writes the scripts and submits them.
pub(crate) fn run(app: &App, args: &SlurmArgs) -> anyhow::Result<u8> {
    let file = PlanFile::read(&app.benchmarks, &args.plan, &[])?;
    let slurm = match &file.slurm {
        None => Slurm::default(),
        Some(table) => serde_json::from_value(table.clone())
            .map_err(|error| UsageError(format!("{}: slurm: {error}", file.slurm_place())))?,
    };
    let options = sbatch_lines(&slurm.options)?;
    let collect_options = sbatch_lines(slurm.collect_options.as_ref().unwrap_or(&slurm.options))?;
    let commands = resume::planned(app, file, &BenchOptions::default())?;
    let plan =
        if args.dry_run { ArrayPlan::new(app, &commands)? } else { ArrayPlan::make_folders(app, &commands)? };
    let words = app.program.words()?;
    let words: Vec<String> = words.iter().map(|word| quoted(&word.display().to_string())).collect();
    let scripts = Scripts { program: &words.join(" "), slurm: &slurm, plan: &plan };
    if args.dry_run {
        show(format_args!("{}\n{}\n", scripts.tasks(&options), scripts.collect(&collect_options)))?;
        return Ok(exit::DONE);
    }
    let folder = plan.path.join("slurm");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let (tasks, collect) = (folder.join("tasks.sh"), folder.join("collect.sh"));
    replace_file(&tasks, |path| anyhow::Ok(std::fs::write(path, scripts.tasks(&options))?))?;
    replace_file(&collect, |path| anyhow::Ok(std::fs::write(path, scripts.collect(&collect_options))?))?;
    let array = sbatch(&tasks, None)?;
    let last = sbatch(&collect, Some(&array)).with_context(|| {
        format!(
            "the tasks are submitted as job {array}; when they are done, run sbatch {}",
            collect.display()
        )
    })?;
    show(format_args!(
        "{} tasks in job array {array}, and job {last} after it; results in {}\n",
        plan.tasks.len(),
        plan.path.display()
    ))?;
    Ok(exit::DONE)
}

/// Submits a script and gives the number of its job.
fn sbatch(script: &Path, after: Option<&str>) -> anyhow::Result<String> {
    let mut command = Command::new("sbatch");
    command.arg("--parsable");
    // Whatever became of them: what is missing is told then.
    command.args(after.map(|job| format!("--dependency=afterany:{job}")));
    let output = command.arg(script).output().context("sbatch; is Slurm installed on this machine?")?;
    ensure!(
        output.status.success(),
        "sbatch {}: {}",
        script.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8(output.stdout)?;
    // The name of a cluster may follow.
    Ok(text.trim().split(';').next().unwrap_or_default().to_owned())
}

/// `#SBATCH --name=value` for each option.
fn sbatch_lines(options: &BTreeMap<String, Value>) -> anyhow::Result<String> {
    let mut lines = String::new();
    for (name, value) in options {
        let is_name = name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
        ensure!(
            is_name && !name.is_empty(),
            UsageError(format!("slurm: {name:?} is no long option of sbatch"))
        );
        ensure!(!OURS.contains(&name.as_str()), UsageError(format!("slurm: {name} is set by submit itself")));
        match value {
            Value::Bool(true) => writeln!(lines, "#SBATCH --{name}")?,
            Value::Bool(false) => {}
            Value::Number(number) => writeln!(lines, "#SBATCH --{name}={number}")?,
            Value::String(text) if !text.contains(['\n', '\r', '"']) => {
                writeln!(lines, "#SBATCH --{name}=\"{text}\"")?;
            }
            other => bail!(UsageError(format!("slurm: {name} is {other}; write a text, a number, or true"))),
        }
    }
    Ok(lines)
}

/// What is submitted.
struct Scripts<'a> {
    /// The words that start the program, quoted for a shell.
    program: &'a str,
    slurm: &'a Slurm,
    plan: &'a ArrayPlan,
}

impl Scripts<'_> {
    /// A job array with a task for each part of the run.
    fn tasks(&self, options: &str) -> String {
        let ArrayPlan { path, tasks, retries } = self.plan;
        let at_once = self.slurm.at_once.map(|count| format!("%{count}")).unwrap_or_default();
        let list = |of: &dyn Fn(&ArrayTask) -> String| {
            let lines: Vec<String> = tasks.iter().map(|task| format!("  {}\n", quoted(&of(task)))).collect();
            lines.concat()
        };
        let runs = list(&|task| task.run.display().to_string());
        let parts = list(&|task| task.options.join(" "));
        format!(
            "#!/bin/bash\n\
             #SBATCH --array=0-{last}{at_once}\n\
             #SBATCH --output={log}\n\
             #SBATCH --open-mode=append\n\
             #SBATCH --requeue\n\
             {options}\
             # A task for each part of a run; written by cargo xtask submit slurm. A task that is stopped or requeued goes on where\n\
             # it stopped, and one that failed for a reason that may pass (75) is put into the queue again.\n\
             runs=(\n{runs})\n\
             parts=(\n{parts})\n\
             {setup}\
             trap : TERM\n\
             # shellcheck disable=SC2086\n\
             {program} bench --resume \"${{runs[$SLURM_ARRAY_TASK_ID]}}\" ${{parts[$SLURM_ARRAY_TASK_ID]}} \\\n\
             \x20   ${{SLURM_CPUS_PER_TASK:+--threads=$SLURM_CPUS_PER_TASK}}\n\
             code=$?\n\
             if [[ $code -eq 75 && ${{SLURM_RESTART_COUNT:-0}} -lt {retries} ]]; then\n\
             \x20   scontrol requeue \"${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID\"\n\
             fi\n\
             exit $code\n",
            last = tasks.len().saturating_sub(1),
            log = log(path, "task-%A_%a.log"),
            setup = self.setup(),
            program = self.program,
        )
    }

    /// The job after them.
    fn collect(&self, options: &str) -> String {
        let path = &self.plan.path;
        format!(
            "#!/bin/bash\n\
             #SBATCH --output={log}\n\
             {options}\
             # Puts shards together, compares, says what is missing, and reports; written by cargo xtask submit slurm.\n\
             {setup}\
             {program} bench --resume {run} --collect\n\
             code=$?\n\
             if [[ $code -eq 0 || $code -eq 3 ]]; then\n\
             \x20   {program} report {run} || code=$?\n\
             fi\n\
             exit $code\n",
            log = log(path, "collect-%j.log"),
            setup = self.setup(),
            program = self.program,
            run = quoted(&path.display().to_string()),
        )
    }

    fn setup(&self) -> String {
        let mut lines = self.slurm.setup.iter().fold(String::new(), |lines, line| lines + line + "\n");
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
                lines.extend(["export ", name, "=", &quoted(&value), "\n"]);
            }
        }
        lines
    }
}

/// Where a job writes; a percent sign in the folder's name is none of sbatch's.
fn log(run: &Path, name: &str) -> String {
    let folder: PathBuf = run.join("slurm");
    format!("\"{}/{name}\"", folder.display().to_string().replace('%', "%%"))
}

/// One word of shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{Slurm, quoted, sbatch_lines};

    fn options(value: Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn options_become_lines_of_sbatch() {
        let of =
            options(json!({"partition": "gpu", "cpus-per-task": 8, "exclusive": true, "overcommit": false}));
        let lines = "#SBATCH --cpus-per-task=8\n#SBATCH --exclusive\n#SBATCH --partition=\"gpu\"\n";
        assert_eq!(sbatch_lines(&of).unwrap(), lines);
        for (wrong, words) in [
            (json!({"array": "0-9"}), "set by submit"),
            (json!({"mem per cpu": "1G"}), "no long option"),
            (json!({"mem": ["1G"]}), "write a text"),
            (json!({"comment": "a\n#SBATCH --uid=0"}), "write a text"),
        ] {
            let error = sbatch_lines(&options(wrong)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_typing_mistake_in_the_table_is_named() {
        let error = serde_json::from_value::<Slurm>(json!({"setpu": []})).unwrap_err().to_string();
        assert!(error.contains("`setpu`") && error.contains("`setup`"), "{error}");
    }

    #[test]
    fn a_word_stays_one() {
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }
}
