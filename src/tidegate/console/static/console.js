// The little that a page does by itself; everything works without it, too.
"use strict";
(() => {
  const root = document.documentElement;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  const name = root.dataset.zoneCookie;
  if (name && zone) {
    const wanted = `${name}=${encodeURIComponent(zone)}`;
    if (!document.cookie.split("; ").includes(wanted)) {
      document.cookie = `${wanted}; path=/console; max-age=31536000; samesite=strict`;
    }
  }

  document.querySelectorAll("form[data-submit]").forEach((form) => form.submit());

  // Dialogs: a button names its dialog; the dialog gives the focus back to it when it closes.
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      document.getElementById(opener.dataset.opens)?.showModal();
    } else if (event.target.closest("[data-closes]")) {
      event.target.closest("dialog")?.close();
    }
  });

  // Pickers that show another form at once.
  document.addEventListener("change", (event) => {
    const picker = event.target.closest("[data-go]");
    if (picker) picker.form.requestSubmit();
  });

  // A form's answer arrives in place; while it is under way its buttons wait.
  document.addEventListener("htmx:beforeRequest", (event) => toggle(event.detail.elt, true));
  document.addEventListener("htmx:afterRequest", (event) => toggle(event.detail.elt, false));
  function toggle(element, busy) {
    if (element.matches("form[hx-post]")) {
      element.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = busy; });
    }
  }

  // Editors: numbered lines; those that are complained about are marked, and a complaint leads to its line.
  const editors = [...document.querySelectorAll("textarea[data-lines]")].map((area) => {
    const gutter = area.previousElementSibling;
    const number = () => {
      const count = Math.min(area.value.split("\n").length, 5000);
      while (gutter.childElementCount > count) gutter.lastElementChild.remove();
      while (gutter.childElementCount < count) {
        gutter.append(Object.assign(document.createElement("span"), { textContent: gutter.childElementCount + 1 }));
      }
      gutter.scrollTop = area.scrollTop;
    };
    area.addEventListener("input", number);
    area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; });
    number();
    return { area, gutter };
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "problems") return;
    editors.forEach(({ area, gutter }) => {
      [...gutter.children].forEach((line) => line.removeAttribute("class"));
      const found = document.querySelectorAll("#problems [data-line]");
      found.forEach((one) => gutter.children[one.dataset.line - 1]?.classList.add(one.dataset.severity));
      area.setAttribute("aria-invalid", Boolean(document.querySelector("#problems [data-severity=error]")));
    });
  });
  document.addEventListener("click", (event) => {
    const { line, column } = event.target.closest("[data-to-line]")?.parentElement.dataset || {};
    if (!line) return;
    const { area } = editors[0];
    const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1);
    const end = area.value.indexOf("\n", before);
    area.focus();
    area.setSelectionRange(before + Math.max(column - 1, 0), end < 0 ? area.value.length : end);
    area.scrollTop = (line - 6) * parseFloat(getComputedStyle(area).lineHeight);
  });

  // Live: the server says that something changed, the page asks for its live part again. A lost line comes back by itself.
  const live = () => document.getElementById("live");  // it is replaced by every look
  if (live() && window.EventSource) {
    let waiting = false;
    const look = () => {
      if (document.hidden) { waiting = true; return; }
      waiting = false;
      const open = document.querySelector("dialog[open]");
      const editing = live().contains(document.activeElement)
        && document.activeElement.matches("input, select, textarea");
      if (!open && !editing) htmx.trigger(live(), "changed");
    };
    const line = document.getElementById("line");
    const news = new EventSource("/console/live");
    news.addEventListener("changed", look);
    news.addEventListener("open", () => {
      if (line) line.dataset.state = "live";
      look();  // what changed before the line was there
    });
    news.addEventListener("error", () => {
      if (line) line.dataset.state = "lost";
    });
    // What no record tells of, such as connections, is looked at now and then.
    const every = Number(live().dataset.every);
    if (every) setInterval(() => { if (!document.hidden) look(); }, every * 1000);
    document.addEventListener("visibilitychange", () => { if (waiting) look(); });
    window.addEventListener("pagehide", () => news.close());
  }
})();
