"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const list = document.getElementById("list");
  const PAGE = 200;
  const make = (tag, css, text) => {
    const node = document.createElement(tag);
    if (css) node.className = css;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  };
  const clock = (seconds) => {
    const s = Math.floor(seconds), days = Math.floor(s / 86400), two = (n) => String(n).padStart(2, "0");
    const time = `${two(Math.floor(s % 86400 / 3600))}:${two(Math.floor(s % 3600 / 60))}:${two(s % 60)}`;
    return days ? `${days} d ${time}` : time;
  };
  const plain = (value) => typeof value === "string" ? value : JSON.stringify(value);
  const PADLOCK = '<svg viewBox="0 0 48 48" width="56" height="56" fill="none" stroke="currentColor" stroke-width="3"><path d="M14 22v-7a10 10 0 0 1 20 0v7"/><rect x="9" y="22" width="30" height="20" rx="3"/><path d="M24 30v5"/></svg>';
  const WARNING = '<svg viewBox="0 0 48 48" width="56" height="56" fill="none" stroke="currentColor" stroke-width="3"><path d="M24 7 44 41H4z"/><path d="M24 20v9M24 35v.5"/></svg>';
  const screen = ([at, number]) => {
    const shot = data.screens[number], figure = make("figure");
    const phone = make("div", shot.dark ? "handset dark" : "handset");
    phone.dir = shot.direction; phone.lang = shot.locale;
    if (shot.symbol) { const mark = make("div", "symbol"); mark.innerHTML = shot.symbol === "padlock" ? PADLOCK : WARNING; phone.append(mark); }
    phone.append(make("h4", "", shot.title));
    for (const text of shot.body) phone.append(make("p", "", text));
    if (shot.qr) { const code = make("div", "qr"); code.innerHTML = shot.qr; phone.append(code); }
    const buttons = make("div", "buttons");
    for (const action of shot.actions) buttons.append(make("span", "", action[1]));
    phone.append(buttons);
    figure.append(phone, make("figcaption", "soft", `${shot.id}, ${clock(at)}`));
    return figure;
  };
  const entry = (each) => {
    const row = make("li");
    row.append(make("span", "at", clock(each.at)), make("b", "", each.who), " ", each.what);
    for (const [name, value] of Object.entries(each.detail || {})) {
      if (name === "sent" || name === "received") {
        const more = make("details");
        more.append(make("summary", "", name === "sent" ? "evidence" : "verdict"), make("pre", "", JSON.stringify(value, null, 2)));
        row.append(more);
      } else row.append(make("span", "soft", ` ${name} ${plain(value)}`));
    }
    return row;
  };
  const lazy = (title, fill) => {
    const more = make("details");
    more.append(make("summary", "", title));
    more.addEventListener("toggle", () => { if (more.open && more.childElementCount === 1) fill(more); });
    return more;
  };
  const handset = (each) => lazy(`${each.name}: ${each.profile}, ${each.place}, ${each.outcome}`, (box) => {
    const shots = make("div", "shots"), line = make("ol", "timeline");
    shots.append(...each.screens.map(screen));
    line.append(...data.timelines[each.timeline].map(entry));
    box.append(shots, line);
  });
  const step = (each) => {
    const row = make("li", each.status);
    row.append(make("span", "at", clock(each.began)), each.text, make("span", "soft", ` line ${each.line}, ${each.status}${each.note ? ": " + each.note : ""}`));
    if (each.error) row.append(make("pre", "", each.error));
    for (const wrong of each.wrong)
      row.append(make("pre", "", `${wrong.handset || "server"}: ${wrong.member}\nexpected  ${plain(wrong.expected)}\nactual    ${plain(wrong.actual)}`));
    return row;
  };
  const scenario = (each) => {
    const box = lazy("", (inner) => {
      inner.append(make("p", "", `${each.name}. ${each.about}`));
      if (each.error) inner.append(make("pre", "", each.error));
      const steps = make("ol", "timeline");
      steps.append(...each.steps.map(step));
      inner.append(make("pre", "", each.again), steps, ...each.handsets.map(handset));
    });
    box.firstChild.append(make("b", each.status, each.status), ` ${each.id} `, make("span", "soft", `${each.file}, ${clock(each.elapsed)}`));
    return box;
  };
  const fill = (id, values) => { for (const value of [...new Set(values)].sort()) document.getElementById(id).append(new Option(value, value)); };
  fill("status", data.scenarios.map((each) => each.status));
  fill("profile", data.scenarios.flatMap((each) => each.handsets.map((one) => one.profile)));
  fill("place", data.scenarios.flatMap((each) => each.handsets.map((one) => one.place)));
  const chosen = (id) => document.getElementById(id).value;
  let shown = PAGE;
  const show = () => {
    const text = chosen("text").toLowerCase(), status = chosen("status"), profile = chosen("profile"), place = chosen("place");
    const found = data.scenarios.filter((each) =>
      (!status || each.status === status) && `${each.id} ${each.name} ${each.about} ${each.file}`.toLowerCase().includes(text)
      && (!profile && !place || each.handsets.some((one) => (!profile || one.profile === profile) && (!place || one.place === place))));
    list.replaceChildren(...found.slice(0, shown).map(scenario));
    document.getElementById("found").textContent = `${found.length} of ${data.scenarios.length}, ${Math.min(shown, found.length)} listed`;
    document.getElementById("more").hidden = found.length <= shown;
  };
  for (const id of ["text", "status", "profile", "place"]) document.getElementById(id).addEventListener("input", () => { shown = PAGE; show(); });
  document.getElementById("more").addEventListener("click", () => { shown += PAGE; show(); });
  document.getElementById("filters").hidden = false;
  show();
})();
