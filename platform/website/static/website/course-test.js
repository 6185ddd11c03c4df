// Saves the answers of the test as they are given. Without this file the buttons save them.
(() => {
  "use strict";
  const form = document.getElementById("test");
  const state = document.getElementById("test-state");
  let wanted = false, busy = false;

  const save = async () => {
    if (busy) return;
    busy = true;
    wanted = false;
    const answers = new FormData(form);
    answers.set("act", "save");
    let saved = false;
    try {
      const reply = await fetch(location.pathname, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: answers,
        signal: AbortSignal.timeout(20000),
      });
      saved = reply.ok && !reply.redirected;
    } catch { /* told below */ }
    busy = false;
    state.textContent = saved ? form.dataset.saved : form.dataset.unsaved;
    if (!saved) setTimeout(save, 10000);
    else if (wanted) save();
  };

  form.addEventListener("change", () => {
    wanted = true;
    save();
  });
  addEventListener("online", () => { if (state.textContent === form.dataset.unsaved) save(); });
})();
