"use strict";
(async () => {
  const get = (id) => document.getElementById(id);
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
  const showError = (error) => { const text = get("error"); text.textContent = `This cannot be shown: ${error.message}.`; text.hidden = false; };

  // The index is in deflated columns; the details of scenarios are in deflated pieces, each unpacked when one of its
  // scenarios is opened first.
  const inflate = async (element) => {
    if (typeof DecompressionStream === "undefined") throw new Error("this browser cannot unpack the results; use a browser released after May 2023");
    const letters = atob(element.textContent), bytes = new Uint8Array(letters.length);
    for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  };
  const packed = document.querySelectorAll("script.piece"), opened = new Map();
  const details = async (at) => {
    const [piece, place] = columns.piece[at];
    if (!opened.has(piece)) opened.set(piece, inflate(packed[piece]));
    return (await opened.get(piece))[place];
  };
  const index = JSON.parse(get("index").textContent), columns = {};
  try {
    const elements = [...document.querySelectorAll("script.column")];
    (await Promise.all(elements.map(inflate))).forEach((column, at) => { columns[elements[at].dataset.name] = column; });
  } catch (error) { showError(error); return; }
  const status = (at) => index.statuses[columns.status[at]][0];
  const badge = (name) => make("span", `badge ${name}`, `${index.statuses.find(([each]) => each === name)[1]} ${name}`);
  // A row is its number. Failures come first; otherwise the order is that of the run.
  const BAD = new Set(["failed", "error", "internal-error"]), bad = index.statuses.map(([name]) => BAD.has(name));
  const all = columns.id.map((_, at) => at), rows = [...all.filter((at) => bad[columns.status[at]]), ...all.filter((at) => !bad[columns.status[at]])];

  // Real times are in a file next to the page. They belong to it if they have the time of each scenario.
  const times = window.activationTimings && window.activationTimings.seconds.length === rows.length ? window.activationTimings : null;
  if (times) {
    get("times").textContent = times.runs.map((run) =>
      `${run.interrupted ? "Interrupted run" : "Run"} on ${run.host}, ${run.began} to ${run.ended}, ${run.workers} ${run.workers === 1 ? "process" : "processes"}, ${run.python}.`).join(" ");
    get("times").hidden = false;
  }

  const PADLOCK = '<svg viewBox="0 0 48 48" width="56" height="56" fill="none" stroke="currentColor" stroke-width="3"><path d="M14 22v-7a10 10 0 0 1 20 0v7"/><rect x="9" y="22" width="30" height="20" rx="3"/><path d="M24 30v5"/></svg>';
  const WARNING = '<svg viewBox="0 0 48 48" width="56" height="56" fill="none" stroke="currentColor" stroke-width="3"><path d="M24 7 44 41H4z"/><path d="M24 20v9M24 35v.5"/></svg>';
  // The data shows a first strong isolate and its end (UAX #9) as escapes; here they are elements.
  const isolated = (tag, text) => {
    const node = make(tag);
    node.append(...text.split(/(\\u2068.*?\\u2069)/).map((part, at) => at % 2 ? make("bdi", "", part.slice(6, -6)) : part));
    return node;
  };
  const screen = (shot, at) => {
    const figure = make("figure"), phone = make("div", shot.dark ? "handset dark" : "handset");
    phone.dir = shot.direction; phone.lang = shot.locale;
    if (shot.symbol) { const mark = make("div", "symbol"); mark.innerHTML = shot.symbol === "padlock" ? PADLOCK : WARNING; phone.append(mark); }
    phone.append(isolated("h4", shot.title));
    for (const text of shot.body) phone.append(isolated("p", text));
    if (shot.qr) { const code = make("div", "qr"); code.innerHTML = shot.qr; phone.append(code); }
    const buttons = make("div", "buttons");
    for (const action of shot.actions) buttons.append(make("span", "", action[1]));
    phone.append(buttons);
    figure.append(phone, make("figcaption", "soft", `${shot.id}, ${clock(at)}`));
    return figure;
  };
  const message = (name, value, open) => {
    const more = make("details");
    more.open = Boolean(open);
    more.append(make("summary", "", name === "sent" ? "evidence" : "verdict"), make("pre", "", JSON.stringify(value, null, 2)));
    return more;
  };
  const entry = (each, open) => {
    const row = make("li");
    row.append(make("span", "at", clock(each.at)), make("b", "", each.who), " ", each.what);
    for (const [name, value] of Object.entries(each.detail || {})) {
      const decoded = (name === "sent" || name === "received") && typeof value === "object";
      row.append(decoded ? message(name, value, open === true) : make("span", "soft", ` ${index.names[name] ?? name} ${plain(value)}`));
    }
    return row;
  };
  // Long lists are shown in parts: a device can have thousands of entries and hundreds of screens.
  const inParts = (box, things, size, draw) => {
    const next = make("button");
    let done = 0;
    const go = () => {
      next.before(...things.slice(done, done + size).map((each) => draw(each)));
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
  // A group in one row, with its members: first those that are kept completely.
  const group = (each, inside) => lazy(`${each.name}: ${each.sum}`, (box) => {
    box.append(...inside.handsets.filter((member) => member.group === each.name).map((member) => handset(member, inside.screens)));
    if (each.brief.length) box.append(inParts(make("ul"), each.brief, ENTRIES, ([name, outcome]) => make("li", "", `${name}: ${outcome}`)));
  });
  // The context of a failed expectation: the entries before it, the newest messages, and the screen.
  const context = (failure, inside) => {
    const device = inside.handsets.find((each) => each.name === failure.handset);
    if (!device) return [];
    const before = device.timeline.slice(0, failure.entries), line = make("ol", "timeline"), parts = [line];
    const near = before.slice(-ENTRIES_BEFORE);
    line.append(...near.map((each) => entry(each)));
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
    row.append(make("span", "at", clock(each.ended ?? each.began)), badge(each.status), ` ${each.text}`, make("span", "soft", ` ${each.file ? `${each.file} ` : ""}line ${each.line}${each.note ? ": " + each.note : ""}`));
    if (each.error) row.append(make("pre", "", each.error));
    for (const failure of each.failures) {
      for (const one of failure.mismatches)
        row.append(make("pre", "", `${failure.handset || "server"}: ${one.member}\nexpected  ${plain(one.expected)}\nactual    ${plain(one.actual)}`));
      row.append(...context(failure, inside));
    }
    return row;
  };

  // The states of the agent after each entry of a timeline. An event that was undone has no effect.
  const STATES = ["setup", "exchange", "lock", "attention", "modem"], DARK = new Set(["booted", "not booted", "switched off"]);
  const statesOf = (timeline) => {
    let now = {}, before = now;
    return timeline.map(({ who, what, detail = {} }) => {
      if (who === "phone" && DARK.has(what)) { now = {}; before = now; }
      if (who !== "agent") return now;
      if ("undone" in detail) { now = before; return now; }
      before = now;
      for (const name of STATES) if (name in detail) now = { ...now, [name]: String(detail[name]).split(" ").pop() };
      return now;
    });
  };
  const newest = (list, count, entries) => { for (let at = list.length - 1; at >= 0; at--) if (entries(list[at]) <= count) return at; return -1; };
  const screenAt = (device, count, screens) => {
    const shot = device.screens[newest(device.screens, count, (each) => each[2] + 1)];
    const dark = device.timeline.slice(0, count).findLastIndex(({ who, what }) => who === "phone" && DARK.has(what));
    return !shot || dark > shot[2] ? make("p", "soft", "The screen is dark.") : screen(screens[shot[1]], shot[0]);
  };
  const recordAt = (device, count) => {
    const at = newest(device.records, count, (each) => each.entries);
    if (at < 0 || device.records[at].size === null) return [make("p", "soft", at < 0 ? "None yet." : "Erased.")];
    const { size, content, entries } = device.records[at], earlier = at ? device.records[at - 1].content : null;
    const when = device.timeline[Math.max(0, entries - 1)];
    const head = make("p", "soft", `${size} bytes${when ? `, written at ${clock(when.at)}` : ""}${content ? "; marked: changed" : ""}`);
    if (!content) return [head, make("p", "", "Not sealed by this device and image.")];
    const lines = (value) => JSON.stringify(value, null, 1).split("\n").slice(1, -1), old = new Set(earlier ? lines(earlier) : []), text = make("pre");
    for (const line of lines(content)) text.append(earlier && !old.has(line) ? make("mark", "", line) : line, "\n");
    return [head, text];
  };
  const messagesAt = (device, count) => {
    const found = [];
    for (const name of ["sent", "received"]) {
      const last = device.timeline.slice(0, count).findLast((each) => typeof (each.detail || {})[name] === "object");
      if (last) found.push(make("span", "at", clock(last.at)), message(name, last.detail[name]));
    }
    return found.length ? found : [make("p", "soft", "None yet.")];
  };
  const section = (title, ...parts) => { const box = make("div"); box.append(make("h3", "", title), ...parts); return box; };
  // A point is an entry of a timeline. The slider has all points in the order of time, or those of one device.
  const player = (inside, steps) => {
    const box = make("section", "player"), controls = make("div", "controls"), panel = make("div"), devices = inside.handsets;
    box.setAttribute("aria-label", "point by point");
    const points = devices.flatMap((device, of) => device.timeline.map((each, at) => ({ of, at, time: each.at })));
    if (!points.length) return [];
    points.sort((one, other) => one.time - other.time || one.of - other.of || one.at - other.at);
    const states = devices.map((device) => statesOf(device.timeline));
    const slider = make("input"), back = make("button", "", "◀"), next = make("button", "", "▶"), where = make("output"), choice = make("select");
    Object.assign(slider, { type: "range", min: "0", step: "1", value: "0" });
    slider.setAttribute("aria-label", "point of the scenario");
    back.setAttribute("aria-label", "previous point"); next.setAttribute("aria-label", "next point"); choice.setAttribute("aria-label", "device");
    choice.append(new Option("all devices", ""), ...devices.map((device, of) => new Option(device.name, of)));
    choice.hidden = devices.length < 2;
    let shown = points;
    const stepAt = ({ of, at }) => inside.steps.findIndex((each) => at < (each.entries[of] ?? -1));
    const draw = () => {
      const number = Number(slider.value), point = shown[number], device = devices[point.of], count = point.at + 1, now = device.timeline[point.at];
      const during = stepAt(point), state = states[point.of][point.at], table = make("table"), line = make("ol", "timeline");
      where.textContent = `${number + 1} of ${shown.length}, ${clock(now.at)}`;
      slider.setAttribute("aria-valuetext", `${where.textContent}, ${device.name}: ${now.who} ${now.what}`);
      back.disabled = number === 0; next.disabled = number === shown.length - 1;
      steps.forEach((each, at) => each.classList.toggle("now", at === during));
      line.append(entry(now, true));
      for (const name of STATES) { const row = make("tr"); row.append(make("th", "", name), make("td", "", state[name] ?? "–")); table.append(row); }
      const left = make("div"), both = make("div", "point");
      left.append(section("State", table), section("Messages", ...messagesAt(device, count)), section("Sealed record", ...recordAt(device, count)));
      both.append(left, section("Screen", screenAt(device, count, inside.screens)));
      const step = inside.steps[during];
      panel.replaceChildren(make("p", "soft", `${device.name}${step ? `, line ${step.line}: ${step.text}` : ""}`), line, both);
    };
    const go = (number) => { slider.value = String(number); draw(); };
    const choose = () => {
      shown = choice.value === "" ? points : points.filter(({ of }) => of === Number(choice.value));
      slider.max = String(Math.max(0, shown.length - 1));
      slider.disabled = !shown.length;
      if (shown.length) go(0); else panel.replaceChildren(make("p", "soft", "This device did nothing."));
    };
    slider.addEventListener("input", draw);
    back.addEventListener("click", () => go(Number(slider.value) - 1));
    next.addEventListener("click", () => go(Number(slider.value) + 1));
    choice.addEventListener("change", choose);
    steps.forEach((each, at) => {
      const to = make("button", "", "▸");
      to.setAttribute("aria-label", `show the end of line ${inside.steps[at].line}`);
      to.addEventListener("click", () => {
        const last = shown.findLastIndex((point) => point.at < (inside.steps[at].entries[point.of] ?? 0));
        if (last >= 0) { go(last); box.scrollIntoView({ block: "nearest" }); }
      });
      if (inside.steps[at].entries.length) each.prepend(to, " ");
    });
    controls.append(choice, back, slider, next, where);
    box.append(make("h3", "", "Point by point"), controls, panel);
    choose();
    return [box];
  };

  const tagsOf = (at) => columns.tags[columns.labels[at]], storyOf = (at) => columns.stories[columns.story[at]];
  const show = (at, inside, box) => {
    const [, name, about] = storyOf(at), tags = make("ul", "tags");
    for (const tag of tagsOf(at)) {
      const item = make("li"), link = make("a", "tag", tag);
      link.href = `#${new URLSearchParams({ tag })}`;
      item.append(link);
      tags.append(item);
    }
    box.append(make("p", "", `${name}. ${about}`), tags);
    if (times) box.append(make("p", "soft", `${times.seconds[at]} s, of which ${times.processor_seconds[at]} s of processor time.`));
    if (!inside) { box.append(make("p", "soft", "Steps, timelines and screens of scenarios that passed are in reports that were made with --details.")); return; }
    if (inside.because) box.append(make("p", "", `Because: ${inside.because}`));
    if (inside.error) box.append(make("pre", "", inside.error));
    const steps = make("ol", "timeline"), items = inside.steps.map((each) => step(each, inside));
    steps.append(...items);
    box.append(make("pre", "", inside.reproduce), steps, ...player(inside, items), ...inside.groups.map((each) => group(each, inside)),
      ...inside.handsets.filter((each) => !each.group).map((each) => handset(each, inside.screens)));
  };
  const scenario = (at) => {
    const box = lazy("", (inner) => (columns.piece[at] ? details(at) : Promise.resolve(null)).then((inside) => show(at, inside, inner)).catch(showError));
    const time = times ? `, ${times.seconds[at]} s` : "";
    box.firstChild.append(badge(status(at)), make("b", "", ` ${columns.id[at]} `), make("span", "soft", `${storyOf(at)[0]}, ${clock(columns.elapsed[at])}${time}`));
    return box;
  };

  // The search is in the fragment of the address, so a link to it can be shared.
  const CHOICES = ["status", "tag", "profile", "place", "file"], FIELDS = ["text", ...CHOICES];
  const fill = (id, values) => { for (const value of [...new Set(values)].sort()) get(id).append(new Option(value, value)); };
  const used = new Set(columns.status);
  fill("status", index.statuses.filter((_, number) => used.has(number)).map(([name]) => name));
  fill("tag", columns.tags.flat());
  fill("profile", index.profiles);
  fill("place", index.places);
  fill("file", columns.stories.map(([file]) => file));
  let listed = LISTED, only = "";
  // What rows share is compared once, not in each row.
  const matching = () => {
    if (only) return rows.filter((at) => columns.id[at] === only);
    const [text, name, tag, profile, place, file] = FIELDS.map((id) => get(id).value), words = text.toLowerCase();
    const number = name ? index.statuses.findIndex(([each]) => each === name) : -1;
    const one = index.profiles.indexOf(profile), where = index.places.indexOf(place);
    const was = ([profiles, places]) => (!profile || profiles.includes(one)) && (!place || places.includes(where));
    const shapes = columns.shapes.map((shape) => (!profile && !place) || shape.some(was));
    const tagged = columns.tags.map((tags) => !tag || tags.includes(tag));
    const stories = columns.stories.map((story) => !file || story[0] === file);
    const worded = columns.stories.map((story) => story.join("\n").toLowerCase().includes(words));
    return rows.filter((at) => (!name || columns.status[at] === number) && tagged[columns.labels[at]] && shapes[columns.shape[at]]
      && stories[columns.story[at]] && (worded[columns.story[at]] || columns.id[at].toLowerCase().includes(words)));
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
})().catch((error) => { const text = document.getElementById("error"); text.textContent = `This cannot be shown: ${error.message}.`; text.hidden = false; });
