"use strict";
(() => {
  const get = (id) => document.getElementById(id);
  const index = JSON.parse(get("index").textContent);
  const rows = index.rows.map(([id, status, elapsed, story, devices, piece, place]) => {
    const [file, name, about] = index.stories[story];
    const seen = devices.map(([profiles, places]) => ({ profiles: profiles.map((n) => index.profiles[n]), places: places.map((n) => index.places[n]) }));
    return { id, status, elapsed, file, name, about, seen, piece, place, text: `${id} ${name} ${about} ${file}`.toLowerCase() };
  });
  const RANK = { "internal-error": 0, error: 0, failed: 0, "expected-failure": 1, passed: 1, skipped: 1 };
  rows.sort((one, other) => RANK[one.status] - RANK[other.status]);
  const LISTED = 200, ENTRIES = 200, ENTRIES_BEFORE = 8;

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

  // The details of scenarios are in deflated pieces; each is unpacked when one of its scenarios is opened first.
  const packed = document.querySelectorAll("script.piece"), opened = new Map();
  const inflate = async (number) => {
    if (typeof DecompressionStream === "undefined") throw new Error("this browser cannot unpack the details; use a browser released after May 2023");
    const bytes = Uint8Array.from(atob(packed[number].textContent), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  };
  const details = async (row) => {
    if (!opened.has(row.piece)) opened.set(row.piece, inflate(row.piece));
    return (await opened.get(row.piece))[row.place];
  };
  const showError = (error) => { const text = get("error"); text.textContent = `Details cannot be shown: ${error.message}.`; text.hidden = false; };

  const PADLOCK = '<svg viewBox="0 0 48 48" width="56" height="56" fill="none" stroke="currentColor" stroke-width="3"><path d="M14 22v-7a10 10 0 0 1 20 0v7"/><rect x="9" y="22" width="30" height="20" rx="3"/><path d="M24 30v5"/></svg>';
  const WARNING = '<svg viewBox="0 0 48 48" width="56" height="56" fill="none" stroke="currentColor" stroke-width="3"><path d="M24 7 44 41H4z"/><path d="M24 20v9M24 35v.5"/></svg>';
  const screen = (shot, at) => {
    const figure = make("figure"), phone = make("div", shot.dark ? "handset dark" : "handset");
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
  const message = (name, value) => {
    const more = make("details");
    more.append(make("summary", "", name === "sent" ? "evidence" : "verdict"), make("pre", "", JSON.stringify(value, null, 2)));
    return more;
  };
  const entry = (each) => {
    const row = make("li");
    row.append(make("span", "at", clock(each.at)), make("b", "", each.who), " ", each.what);
    for (const [name, value] of Object.entries(each.detail || {})) {
      const decoded = (name === "sent" || name === "received") && typeof value === "object";
      row.append(decoded ? message(name, value) : make("span", "soft", ` ${name} ${plain(value)}`));
    }
    return row;
  };
  // Long lists are shown in parts: a device can have thousands of entries and hundreds of screens.
  const inParts = (box, things, size, draw) => {
    const next = make("button");
    let done = 0;
    const go = () => {
      next.before(...things.slice(done, done + size).map(draw));
      done = Math.min(done + size, things.length);
      next.textContent = `${things.length - done} more`;
      next.hidden = done === things.length;
    };
    box.append(next);
    next.addEventListener("click", go);
    go();
    return box;
  };
  const lazy = (title, fill) => {
    const more = make("details");
    more.append(make("summary", "", title));
    more.addEventListener("toggle", () => { if (more.open && !more.dataset.filled) { more.dataset.filled = "yes"; fill(more); } });
    return more;
  };
  const handset = (each, screens) => lazy(`${each.name}: ${each.profile}, ${each.place}, ${each.outcome}`, (box) => {
    box.append(
      inParts(make("div", "shots"), each.screens, 40, ([at, number]) => screen(screens[number], at)),
      inParts(make("ol", "timeline"), each.timeline, ENTRIES, entry));
  });
  // The context of a failed expectation: the entries before it, the newest messages, and the screen.
  const context = (failure, inside) => {
    const device = inside.handsets.find((each) => each.name === failure.handset);
    if (!device) return [];
    const before = device.timeline.slice(0, failure.entries), line = make("ol", "timeline"), parts = [line];
    const near = before.slice(-ENTRIES_BEFORE);
    line.append(...near.map(entry));
    for (const name of ["sent", "received"]) {
      const newest = before.findLast((each) => typeof (each.detail || {})[name] === "object");
      if (newest && !near.includes(newest)) parts.push(message(name, newest.detail[name]));
    }
    const shot = failure.screen === null ? null : device.screens[failure.screen];
    if (shot) parts.push(screen(inside.screens[shot[1]], shot[0]));
    return parts;
  };
  const step = (each, inside) => {
    const row = make("li", each.status);
    row.append(make("span", "at", clock(each.began)), each.text, make("span", "soft", ` line ${each.line}, ${each.status}${each.note ? ": " + each.note : ""}`));
    if (each.error) row.append(make("pre", "", each.error));
    for (const failure of each.failures) {
      for (const one of failure.mismatches)
        row.append(make("pre", "", `${failure.handset || "server"}: ${one.member}\nexpected  ${plain(one.expected)}\nactual    ${plain(one.actual)}`));
      row.append(...context(failure, inside));
    }
    return row;
  };
  const show = (row, inside, box) => {
    box.append(make("p", "", `${row.name}. ${row.about}`));
    if (inside.error) box.append(make("pre", "", inside.error));
    const steps = make("ol", "timeline");
    steps.append(...inside.steps.map((each) => step(each, inside)));
    box.append(make("pre", "", inside.reproduce), steps, ...inside.handsets.map((each) => handset(each, inside.screens)));
  };
  const scenario = (row) => {
    const box = lazy("", (inner) => details(row).then((inside) => show(row, inside, inner)).catch(showError));
    box.firstChild.append(make("b", row.status, row.status), ` ${row.id} `, make("span", "soft", `${row.file}, ${clock(row.elapsed)}`));
    return box;
  };

  // The search is in the fragment of the address, so a link to it can be shared.
  const CHOICES = ["status", "profile", "place", "file"], FIELDS = ["text", ...CHOICES];
  const fill = (id, values) => { for (const value of [...new Set(values)].sort()) get(id).append(new Option(value, value)); };
  fill("status", rows.map((row) => row.status));
  fill("profile", index.profiles);
  fill("place", index.places);
  fill("file", rows.map((row) => row.file));
  let listed = LISTED, only = "";
  const matching = () => {
    const [text, status, profile, place, file] = FIELDS.map((id) => get(id).value), words = text.toLowerCase();
    const was = (one) => (!profile || one.profiles.includes(profile)) && (!place || one.places.includes(place));
    return rows.filter((row) => only ? row.id === only
      : (!status || row.status === status) && (!file || row.file === file) && row.text.includes(words)
        && ((!profile && !place) || row.seen.some(was)));
  };
  const list = () => {
    const found = matching();
    get("list").replaceChildren(...found.slice(0, listed).map(scenario));
    get("found").textContent = `${found.length} of ${rows.length}` + (found.length > listed ? `, ${listed} listed` : "");
    get("more").hidden = found.length <= listed;
    if (only && found.length) get("list").firstChild.open = true;
  };
  const address = () => {
    const query = new URLSearchParams(FIELDS.map((id) => [id, get(id).value]).filter(([, value]) => value));
    history.replaceState(null, "", `#${query}`);
  };
  const follow = () => {
    const query = new URLSearchParams(location.hash.slice(1));
    for (const id of FIELDS) get(id).value = query.get(id) || "";
    only = query.get("id") || "";
    listed = LISTED;
    list();
    if (query.size) get("each").scrollIntoView();
  };
  for (const id of FIELDS) get(id).addEventListener("input", () => { listed = LISTED; only = ""; address(); list(); });
  get("clear").addEventListener("click", () => { for (const id of FIELDS) get(id).value = ""; listed = LISTED; only = ""; address(); list(); });
  get("more").addEventListener("click", () => { listed += LISTED; list(); });
  window.addEventListener("hashchange", follow);
  get("filters").hidden = false;
  follow();
})();
