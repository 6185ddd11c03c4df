// Tabs of saved views: their counts are fetched after the list is there, so that the list does not wait for them.
document.addEventListener("DOMContentLoaded", () => {
  const tabs = document.querySelector("[data-counts]");
  if (!tabs || !tabs.dataset.counts) return;
  fetch(tabs.dataset.counts, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : {}))
    .then((counts) => {
      for (const place of tabs.querySelectorAll("[data-view]")) place.textContent = counts[place.dataset.view] || "";
    })
    .catch(() => {});
});
