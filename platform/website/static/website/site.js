// Small comforts. Every page works without this file.
(() => {
  "use strict";
  const SEND_LOCK_MS = 8000;

  // One tap sends a form once. The lock opens again by itself in case the network fails.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sending) return event.preventDefault();
    form.dataset.sending = "1";
    const button = event.submitter;
    if (button) button.setAttribute("aria-busy", "true");
    setTimeout(() => release(form), SEND_LOCK_MS);
  });

  const release = (form) => {
    delete form.dataset.sending;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  };

  // A page that comes back from the browser's memory is not sending anything.
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sending]").forEach(release));

  // The menu closes with Escape and with a tap beside it.
  const menu = document.querySelector(".menu");
  if (menu) {
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    addEventListener("click", (event) => {
      if (menu.open && !menu.contains(event.target)) menu.open = false;
    });
  }
})();
