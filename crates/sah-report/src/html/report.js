"use strict";
// The ids of each form begin with the name of its part of the page.
for (const form of document.querySelectorAll("form.filters")) {
  const of = (id) => document.getElementById(form.id.slice(0, -"filters".length) + id);
  const [task, comparison, text] = ["by-task", "by-comparison", "by-text"].map(of);
  const rows = [...of("samples-body").children];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, at) => {
      const fits = (!task.value || row.dataset.task === task.value)
        && (!comparison.value || row.dataset.comparison === comparison.value)
        && texts[at].includes(wanted);
      row.hidden = !fits;
      shown += fits;
    });
    of("count").textContent = `${shown} of ${rows.length} samples`;
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  // Fields are empty only after the event.
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
}
