//! repobench-p: several files of a repository, then the file of which the next line is asked.

use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task = Task::code("repobench-p");

fn document(files: &[(String, String)], next: String) -> Vec<Document> {
    let mut context = String::from(
        "These are files of one repository. The last one is unfinished; write the line that comes next in it.\n\n",
    );
    context.extend(files.iter().map(|(path, code)| format!("{path}\n{code}\n")));
    context.pop();
    vec![Document { context, queries: vec![Query::new("", next)] }]
}

/// The next line calls a function that the first file defines.
pub(crate) fn python(rng: &mut Rng) -> Vec<Document> {
    let (package, item, place) = rng.pick(&[
        ("tides", "tide", "harbour"),
        ("trains", "train", "station"),
        ("harvest", "crate", "orchard"),
    ]);
    let columns = rng.pick(&[("time", "level"), ("number", "delay"), ("day", "count")]);
    let (first, second) = columns;
    let loading = format!(
        r#""""Reads the {item} table of a {place}."""

import csv


def load_{item}_table(path, {place}, skip_header=True):
    """Return the rows of the given {place} as pairs of {first} and {second}."""
    with open(path, newline="") as handle:
        rows = csv.reader(handle)
        if skip_header:
            next(rows)
        return [(row[1], float(row[2])) for row in rows if row[0] == {place}]
"#
    );
    let formatting = format!(
        r#""""Turns {item} tables into text."""


def format_{item}_table(table):
    """Return a line for each row, aligned at the colon."""
    width = max(len({first}) for {first}, _ in table)
    return "\n".join(f"{{{first}:>{{width}}}}: {{{second}:.2f}}" for {first}, {second} in table)


def highest_{second}(table):
    """Return the row with the highest {second}."""
    return max(table, key=lambda row: row[1])
"#
    );
    let command = format!(
        r#""""Prints the {item} table of a {place}."""

import argparse

from {package}.loading import load_{item}_table
from {package}.formatting import format_{item}_table, highest_{second}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", help="a CSV file")
    parser.add_argument("{place}", help="the name of the {place}")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    # Read the rows of this {place} from the file.
"#
    );
    let files = [
        (format!("{package}/loading.py"), loading),
        (format!("{package}/formatting.py"), formatting),
        (format!("{package}/command.py"), command),
    ];
    document(&files, format!("    table = load_{item}_table(arguments.path, arguments.{place})"))
}

/// The next line calls a method that the first file defines.
pub(crate) fn java(rng: &mut Rng) -> Vec<Document> {
    let (package, class, item) =
        rng.pick(&[("library", "Book", "book"), ("stable", "Horse", "horse"), ("fleet", "Boat", "boat")]);
    let (check, days) = (rng.pick(&["isOverdue", "isReserved", "isAway"]), rng.between(2, 6) * 7);
    let model = format!(
        r"package org.example.{package};

import java.time.LocalDate;

/** A {item} that can be lent. */
public final class {class} {{
    private static final int DAYS = {days};
    private final String name;
    private LocalDate since;

    public {class}(String name) {{
        this.name = name;
    }}

    public String getName() {{
        return name;
    }}

    /** Lends the {item}. */
    public void lend(LocalDate day) {{
        since = day;
    }}

    /** Whether the {item} was lent longer ago than the limit. */
    public boolean {check}(LocalDate today) {{
        return since != null && since.plusDays(DAYS).isBefore(today);
    }}
}}
"
    );
    let store = format!(
        r"package org.example.{package};

import java.util.List;

/** Where every {item} is kept. */
public interface {class}Store {{
    /** Every {item}, by name. */
    List<{class}> findAll();

    /** Saves a {item}. */
    void save({class} {item});
}}
"
    );
    let report = format!(
        r"package org.example.{package};

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;

/** Lists what should have come back. */
public final class Report {{
    private final {class}Store store;

    public Report({class}Store store) {{
        this.store = store;
    }}

    /** The name of every late {item}. */
    public List<String> late(LocalDate today) {{
        List<String> names = new ArrayList<>();
        for ({class} {item} : store.findAll()) {{
"
    );
    let files = [
        (format!("src/{class}.java"), model),
        (format!("src/{class}Store.java"), store),
        ("src/Report.java".to_owned(), report),
    ];
    document(&files, format!("            if ({item}.{check}(today)) {{"))
}
