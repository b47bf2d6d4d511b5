//! Whether a response is complete, and its figures are possible.

use sah_request::{Answer, AnswerStats, ContextStats, RequestResponse};

/// One answer for each question, and figures that are figures.
pub(super) fn check(response: &RequestResponse, questions: usize) -> Result<(), String> {
    let answers = response.answers.len();
    if answers != questions {
        return Err(format!("the model gave {answers} answers to {questions} questions"));
    }
    check_seconds("prefill_seconds", response.context.prefill_seconds)?;
    check_kept_keys(&response.context)?;
    for Answer { stats, micro_metrics, .. } in &response.answers {
        let &AnswerStats { question_seconds, decode_seconds, density, .. } = stats;
        check_seconds("question_seconds", question_seconds)?;
        check_seconds("decode_seconds", decode_seconds)?;
        density.map_or(Ok(()), check_density)?;
        for call in micro_metrics.iter().flat_map(|metrics| &metrics.sampled) {
            let heads = call.heads.iter().map(|head| (head.density, head.output_error));
            for (density, error) in heads.chain([(call.density, call.output_error)]) {
                check_density(density)?;
                error.map_or(Ok(()), check_error)?;
            }
        }
    }
    Ok(())
}

fn check_kept_keys(ContextStats { tokens, kept_keys, .. }: &ContextStats) -> Result<(), String> {
    match kept_keys.iter().flatten().find(|kept| *kept > tokens) {
        None => Ok(()),
        Some(kept) => Err(format!("the model reported that {kept} keys of {tokens} stayed")),
    }
}

fn check_density(density: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&density) {
        Ok(())
    } else {
        Err(format!("the model reported a density of {density}, which is not between 0 and 1"))
    }
}

fn check_error(error: f64) -> Result<(), String> {
    if error.is_finite() && error >= 0.0 {
        Ok(())
    } else {
        Err(format!("the model reported an attention error of {error}, which is no relative error"))
    }
}

fn check_seconds(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(format!("the model reported {name} = {value}, which is no length of time"))
    }
}
