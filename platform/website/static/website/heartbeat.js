// Tells the server that someone is here. The server's own clock decides what counts.
(() => {
  "use strict";
  const box = document.getElementById("heartbeat");
  const to = box.dataset;
  const part = (name) => document.getElementById(`time-${name}`);
  const quiet = to.quiet * 1000;
  let idle = false, busy = false, fives = null, moved = 0, silence, retry, expiry;

  const show = (name, on) => {
    const notice = part(name);
    if (!on && notice.contains(document.activeElement)) document.getElementById("main").focus({ preventScroll: true });
    notice.hidden = !on;
  };
  const say = (name) => { part("say").textContent = name ? part(name).textContent : ""; };

  const off = (why) => {
    if (why) part("why").textContent = why;
    show("off", Boolean(why));
  };

  const stay = (seconds) => {
    clearTimeout(expiry);
    show("expiry", false);
    expiry = setTimeout(() => { show("expiry", true); say("expiry-text"); }, Math.max(0, seconds - 60) * 1000);
  };

  const draw = (answer) => {
    const bar = document.getElementById("time");
    bar.value = Math.min(answer.total_seconds, answer.required_seconds);
    part("value").textContent = bar.textContent = answer.shown;
    part("text").textContent = answer.text;
    const now = Math.floor(answer.total_seconds / 300);
    if (fives !== null && now > fives) part("live").textContent = `${answer.shown}. ${answer.text}`;
    fives = now;
    stay(answer.signed_in_seconds);
  };

  const ping = async () => {
    if (busy || idle || document.hidden) return;
    busy = true;
    clearTimeout(retry);
    let why = to.failed, failed = true;
    try {
      const reply = await fetch(to.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": to.token, "X-Course-Word": to.word },
        body: JSON.stringify({ enrollment: to.enrollment, lesson: to.lesson, language: document.documentElement.lang }),
        signal: AbortSignal.timeout(20000),
      });
      if (reply.ok) {
        const answer = await reply.json();
        draw(answer);
        why = answer.why;
        failed = false;
      } else if (reply.status === 401 || reply.status === 403) why = to.out;
    } catch { /* told below */ }
    busy = false;
    off(why);
    if (failed) retry = setTimeout(ping, 10000);
  };

  const rest = () => {
    idle = true;
    show("idle", true);
    say("idle-text");
  };

  const active = () => {
    const now = Date.now();
    if (!idle && now - moved < 1000) return;
    moved = now;
    clearTimeout(silence);
    silence = setTimeout(rest, quiet);
    if (!idle) return;
    idle = false;
    show("idle", false);
    say();
    ping();
  };

  for (const name of ["scroll", "wheel", "keydown", "pointerdown", "pointermove", "touchstart", "touchmove", "input"])
    addEventListener(name, active, { passive: true, capture: true });
  part("here").addEventListener("click", active);
  part("stay").addEventListener("click", ping);
  addEventListener("online", ping);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    active();
    ping();
  });

  box.classList.add("is-live");
  show("off", false);
  stay(Number(to.left));
  active();
  ping();
  setInterval(ping, to.every * 1000);
})();
