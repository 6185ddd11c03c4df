// Lists: keys (j, k, Enter, x), the menu of a line, and filters that ask for their choices while one types.
(function () {
  "use strict";

  const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

  function keys(list) {
    const rows = () => Array.from(list.querySelectorAll(".list-row"));
    const here = () => rows().findIndex((row) => row.classList.contains("list-here"));
    const go = (index) => {
      const all = rows();
      if (!all.length) return;
      all.forEach((row) => row.classList.remove("list-here"));
      const row = all[Math.max(0, Math.min(all.length - 1, index))];
      row.classList.add("list-here");
      row.querySelector("th a")?.focus({ preventScroll: true });
      row.scrollIntoView({ block: "nearest" });
    };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      const index = here();
      if (event.key === "j") go(index + 1);
      else if (event.key === "k") go(index < 0 ? 0 : index - 1);
      else if (event.key === "x" && index >= 0) rows()[index].querySelector("input.action-select")?.click();
      else if (event.key === "Enter" && index >= 0 && event.target.closest("a, button") === null) {
        rows()[index].querySelector("th a")?.click();
      } else return;
      event.preventDefault();
    });
  }

  function menus(list, template) {
    let open = null;
    const close = () => {
      if (!open) return;
      open.menu.remove();
      open.button.setAttribute("aria-expanded", "false");
      open = null;
    };
    const show = (button) => {
      const menu = template.content.firstElementChild.cloneNode(true);
      const id = button.closest(".list-row").dataset.pk;
      menu.querySelectorAll("a").forEach((link) => {
        const address = link.dataset.address.replace("00000000-0000-0000-0000-000000000000", id);
        link.setAttribute("href", address);
        link.setAttribute("hx-get", address);
      });
      list.closest("form").append(menu);
      window.htmx?.process(menu);
      const box = button.getBoundingClientRect();
      menu.style.left = Math.max(8, box.right - menu.offsetWidth) + "px";
      const below = box.bottom + 4;
      menu.style.top = (below + menu.offsetHeight > innerHeight ? box.top - menu.offsetHeight - 4 : below) + "px";
      button.setAttribute("aria-expanded", "true");
      open = { menu, button };
      menu.querySelector("a")?.focus();
    };
    list.addEventListener("click", (event) => {
      const button = event.target.closest(".list-more button");
      if (!button) return;
      event.stopPropagation();
      const same = open && open.button === button;
      close();
      if (!same) show(button);
    });
    document.addEventListener("click", (event) => {
      if (open && !open.menu.contains(event.target)) close();
      else if (open) setTimeout(close, 0);
    });
    document.addEventListener("keydown", (event) => {
      if (!open) return;
      const links = Array.from(open.menu.querySelectorAll("a"));
      const at = links.indexOf(document.activeElement);
      if (event.key === "Escape") {
        const button = open.button;
        close();
        button.focus();
      } else if (event.key === "ArrowDown") links[(at + 1) % links.length].focus();
      else if (event.key === "ArrowUp") links[(at - 1 + links.length) % links.length].focus();
      else return;
      event.preventDefault();
    });
    document.addEventListener("scroll", close, true);
  }

  function related(box) {
    const field = box.querySelector("input[type=search]");
    const value = box.querySelector("input[type=hidden]");
    const choices = box.querySelector("ul");
    let waiting = 0;
    const hide = () => {
      choices.hidden = true;
      field.setAttribute("aria-expanded", "false");
    };
    const choose = (item) => {
      field.value = item.textContent;
      value.value = item.dataset.id;
      value.disabled = !item.dataset.id;
      hide();
    };
    const ask = async () => {
      const answer = await fetch(box.dataset.options + "?q=" + encodeURIComponent(field.value));
      if (!answer.ok) return;
      const { options } = await answer.json();
      choices.replaceChildren(
        ...options.map((option) => {
          const item = document.createElement("li");
          item.role = "option";
          item.dataset.id = option.id;
          item.textContent = option.text;
          return item;
        }),
      );
      if (!options.length) {
        const none = document.createElement("li");
        none.dataset.none = "";
        none.textContent = "–";
        choices.append(none);
      }
      choices.hidden = false;
      field.setAttribute("aria-expanded", "true");
    };
    field.addEventListener("input", () => {
      value.value = "";
      value.disabled = true;
      clearTimeout(waiting);
      waiting = setTimeout(ask, 200);
    });
    field.addEventListener("focus", ask);
    field.addEventListener("blur", () => setTimeout(hide, 200));
    field.addEventListener("keydown", (event) => {
      const items = Array.from(choices.querySelectorAll("li[data-id]"));
      const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
      if (event.key === "Escape") hide();
      else if (event.key === "Enter" && at >= 0 && !choices.hidden) choose(items[at]);
      else if (["ArrowDown", "ArrowUp"].includes(event.key) && items.length) {
        const next = (at + (event.key === "ArrowDown" ? 1 : items.length - 1) + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % items.length;
        items.forEach((item, index) => item.setAttribute("aria-selected", String(index === next)));
        items[next].scrollIntoView({ block: "nearest" });
      } else return;
      event.preventDefault();
    });
    choices.addEventListener("mousedown", (event) => {
      const item = event.target.closest("li[data-id]");
      if (item) choose(item);
      event.preventDefault();
    });
  }

  function start() {
    const list = document.querySelector("[data-list]");
    document.querySelectorAll(".list-related").forEach(related);
    if (!list) return;
    keys(list);
    const template = document.getElementById("list-menu");
    if (template) menus(list, template);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
