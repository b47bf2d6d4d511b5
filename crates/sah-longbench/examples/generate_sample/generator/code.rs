//! lcc: one file of code of which the next line is asked.

use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task = Task::code("lcc");

/// What a program keeps track of.
#[derive(Clone, Copy)]
struct Subject {
    /// `Reading`.
    class: &'static str,
    /// `reading`.
    item: &'static str,
    /// `readings`.
    items: &'static str,
    /// The text field.
    label: &'static str,
    /// The numeric field.
    amount: &'static str,
}

const SUBJECTS: [Subject; 4] = [
    Subject { class: "Reading", item: "reading", items: "readings", label: "station", amount: "level" },
    Subject { class: "Parcel", item: "parcel", items: "parcels", label: "receiver", amount: "weight" },
    Subject { class: "Plant", item: "plant", items: "plants", label: "species", amount: "height" },
    Subject { class: "Booking", item: "booking", items: "bookings", label: "guest", amount: "nights" },
];

fn document(code: &str, next: String) -> Document {
    let context = format!("Write the line that comes next in this file.\n\n{code}");
    Document { context, queries: vec![Query::new("", next)] }
}

/// The file ends in a loop that is like one far above it.
fn python_file(subject: Subject) -> Document {
    let Subject { class, item, items, label, amount } = subject;
    let code = format!(
        r#""""Keeps {items} and writes them to files."""

import json
from dataclasses import asdict, dataclass


@dataclass
class {class}:
    """One {item}."""

    {label}: str
    {amount}: float

    def as_csv(self):
        """Return the {item} as a line of a CSV file."""
        return f"{{self.{label}}},{{self.{amount}:.2f}}"

    def as_text(self):
        """Return the {item} for people."""
        return f"{{self.{label}}}: {{self.{amount}:.1f}}"


class {class}Log:
    """All {items}, in the order in which they came in."""

    def __init__(self):
        self.{items} = []

    def add(self, {item}):
        """Append a {item}, unless its {amount} is negative."""
        if {item}.{amount} < 0:
            raise ValueError(f"negative {amount} of {{{item}.{label}}}")
        self.{items}.append({item})

    def write_text(self, path):
        """Write a line for people for each {item}."""
        with open(path, "w") as handle:
            for {item} in self.{items}:
                handle.write({item}.as_text() + "\n")

    def write_json(self, path):
        """Write all {items} as one JSON list."""
        with open(path, "w") as handle:
            json.dump([asdict({item}) for {item} in self.{items}], handle)

    def mean_{amount}(self):
        """Return the mean {amount}, or None if there are no {items}."""
        if not self.{items}:
            return None
        return sum({item}.{amount} for {item} in self.{items}) / len(self.{items})

    def write_csv(self, path):
        """Write a line of CSV for each {item}."""
        with open(path, "w") as handle:
            for {item} in self.{items}:
"#
    );
    document(&code, format!("                handle.write({item}.as_csv() + \"\\n\")"))
}

pub(crate) fn python(rng: &mut Rng) -> Vec<Document> {
    let mut subjects = rng.deck(&SUBJECTS);
    vec![python_file(subjects.draw()), python_file(subjects.draw())]
}

/// The file ends in a method that returns one of the fields declared far above it.
pub(crate) fn java(rng: &mut Rng) -> Vec<Document> {
    let Subject { class, item, items, label, amount } = rng.pick(&SUBJECTS);
    let limit = rng.between(4, 9) * 100;
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let (big_label, big_amount) = (capital(label), capital(amount));
    let code = format!(
        r"package org.example.{items};

import java.util.ArrayList;
import java.util.List;

/** Keeps {items} up to a limit. */
public final class {class}Store {{
    private static final int LIMIT = {limit};

    /** One {item}. */
    public static final class {class} {{
        private final String {label};
        private final double {amount};

        public {class}(String {label}, double {amount}) {{
            this.{label} = {label};
            this.{amount} = {amount};
        }}

        public String get{big_label}() {{
            return {label};
        }}

        public double get{big_amount}() {{
            return {amount};
        }}
    }}

    private final List<{class}> {items} = new ArrayList<>();

    /** Adds a {item}; false if the store is full. */
    public boolean add({class} {item}) {{
        if ({items}.size() >= LIMIT) {{
            return false;
        }}
        return {items}.add({item});
    }}

    /** The sum over all {items}. */
    public double total{big_amount}() {{
        double total = 0;
        for ({class} {item} : {items}) {{
            total += {item}.get{big_amount}();
        }}
        return total;
    }}

    /** The largest {amount}, or zero if there are no {items}. */
    public double largest{big_amount}() {{
        double largest = 0;
        for ({class} {item} : {items}) {{
            largest = Math.max(largest, {item}.get{big_amount}());
        }}
        return largest;
    }}

    /** The {items} of one {label}. */
    public List<{class}> of{big_label}(String {label}) {{
        List<{class}> found = new ArrayList<>();
        for ({class} {item} : {items}) {{
"
    );
    vec![document(&code, format!("            if ({item}.get{big_label}().equals({label})) {{"))]
}
