"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const [task, comparison, text] = ["by-task", "by-comparison", "by-text"].map((id) => document.getElementById(id));
  const rows = [...document.querySelectorAll("#samples-body > tr")];
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
    document.getElementById("count").textContent = `${shown} of ${rows.length} samples`;
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  // Fields are empty only after the event.
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
})();
