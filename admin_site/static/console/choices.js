// Searchable choices of forms: the box that select2 puts in place of a field, and the text in it, get the name of the
// field's label.
const nameBox = (box) => {
  const field = box.closest(".select2-container")?.previousElementSibling;
  const label = field?.labels?.[0];
  if (!label) return;
  label.id ||= `label-of-${field.id}`;
  box.querySelector(".select2-selection__rendered")?.setAttribute("aria-labelledby", label.id);
  const shown = box.getAttribute("aria-labelledby") || "";
  if (!shown.includes(label.id)) box.setAttribute("aria-labelledby", `${label.id} ${shown}`.trim());
};
const nameBoxes = () => document.querySelectorAll(".select2-selection").forEach(nameBox);
document.addEventListener("DOMContentLoaded", () => {
  nameBoxes();
  new MutationObserver(nameBoxes).observe(document.body, { childList: true, subtree: true });
});
