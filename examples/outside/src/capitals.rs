//! A benchmark: capitals that stand in a text, `bench capitals`.

use sah::SimpleEntry;
use sah_bench_core::{Benchmark, Column, ColumnKind, Error, RowScore, Sample, TokenCount, Value};

const CAPITALS: [(&str, &str); 3] = [("Norway", "Oslo"), ("Peru", "Lima"), ("Kenya", "Nairobi")];

pub fn entry() -> SimpleEntry {
    SimpleEntry::new("capitals", "Capitals that stand in a text", || Box::new(Capitals))
}

struct Capitals;

impl Benchmark for Capitals {
    fn name(&self) -> &str {
        "capitals"
    }

    fn subsets(&self) -> Vec<&str> {
        vec!["capitals"]
    }

    fn extra_columns(&self) -> &'static [Column] {
        &[Column { name: "answers", kind: ColumnKind::TextList }]
    }

    fn load(&self, _: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let text = CAPITALS.map(|(country, city)| format!("The capital of {country} is {city}. ")).concat();
        let sample = |(country, city): (&str, &str)| Sample {
            task: "capitals".to_owned(),
            context: text.clone(),
            question: format!("What is the capital of {country}?"),
            answer_prefix: "Answer: ".to_owned(),
            max_new_tokens: 8,
            extra: vec![Value::TextList(vec![city.to_owned()])],
        };
        Ok(CAPITALS.map(sample).to_vec())
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let is_right = self.references(sample).iter().any(|city| answer.contains(city));
        Ok(RowScore { value: if is_right { 100.0 } else { 0.0 }, bucket: None })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra[0].texts()
    }
}
