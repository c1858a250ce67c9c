// The page: timeline, table, filters, and what goes on while the picture plays.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const length = Math.max(data.end - data.start, 1e-3);
const frame = length / Math.max(data.frames, 1);
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const PAGE = 500; // rows shown at first

/** Make an element: properties, custom properties of its style, children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("--")) element.style.setProperty(name, value);
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

function clock(seconds, tenth = true) {
  const tenths = Math.floor(Math.max(seconds, 0) * 10 + 1e-6);
  const [hours, minutes, rest] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, tenths % 600];
  const text = String(Math.floor(rest / 10)).padStart(2, "0") + (tenth ? `.${rest % 10}` : "");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${text}` : `${minutes}:${text}`;
}

const percent = (score) => (score === null ? "" : `${Math.round(score * 100)} %`);

// ---- who did what: one object a span, with its button and its row --------------------------
const people = data.people.map(({ name, spans }, place) => ({
  name,
  place,
  spans: spans.map(([start, end, first, last, action, score]) => ({
    person: place, start, end, first, last, action, score,
    name: action < 0 ? "" : data.actions[action].name,
    colour: action < 0 ? data.noAction : data.actions[action].colour,
  })),
}));
const segments = people.flatMap((person) => person.spans).filter((span) => span.action >= 0)
  .sort((a, b) => a.start - b.start || a.person - b.person);
const describe = (span) =>
  `Person ${people[span.person].name}, ${span.name}, ${clock(span.start)} to ${clock(span.end)}` +
  (span.score === null ? "" : `, ${percent(span.score)}`);
const spanAt = (person, time) => person.spans.find((span) => span.start <= time && time < span.end);

function toggle() {
  if (player.paused) player.play(); else player.pause();
}

function seek(time) {
  player.time = Math.min(Math.max(time, data.start), data.end - frame / 2);
}

// ---- timeline ------------------------------------------------------------------------------
const tracks = byId("tracks");
const share = (time) => Math.min(Math.max((time - data.start) / length, 0), 1);

function drawTicks() {
  const axis = byId("ticks");
  const room = axis.parentElement.clientWidth / length;
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  const step = steps.find((seconds) => seconds * room >= 64) ?? 7200;
  const ticks = [];
  for (let number = 0; number * step < length - 0.3 * step; number += 1) {
    const tick = make("span", { textContent: clock(number * step, step < 1) });
    tick.style.left = `${100 * share(data.start + number * step)}%`;
    ticks.push(tick);
  }
  axis.replaceChildren(...ticks);
  for (const { button } of segments) button.classList.toggle("thin", button.clientWidth < 36);
}

function makeLane(person) {
  const track = make("div", { className: "track" });
  for (const span of person.spans) {
    const mark = make(span.action < 0 ? "hr" : "button", { "--colour": span.colour });
    mark.style.left = `${100 * share(span.start)}%`;
    mark.style.width = `${100 * (share(span.end) - share(span.start))}%`;
    if (span.action >= 0) {
      Object.assign(mark, { type: "button", tabIndex: -1, textContent: span.name, title: describe(span) });
      mark.setAttribute("aria-label", describe(span));
      mark.addEventListener("click", () => go(span));
      span.button = mark;
    }
    track.append(mark);
  }
  track.addEventListener("click", (event) => {
    if (event.target !== track) return;
    const { left, width } = track.getBoundingClientRect();
    seek(data.start + (length * (event.clientX - left)) / width);
  });
  const label = make("span", { title: `Person ${person.name}` }, make("span", { className: "wide", textContent: "Person " }), person.name);
  person.lane = make("div", { className: "lane", role: "group", "aria-label": `Person ${person.name}` }, label, track);
  person.lane.addEventListener("keydown", (event) => walk(event, person));
  return person.lane;
}

function go(span) {
  seek(span.start);
  choose(span);
}

/** Make the span the one of its lane that Tab reaches. */
function choose(span) {
  for (const other of people[span.person].spans) if (other.button) other.button.tabIndex = -1;
  span.button.tabIndex = 0;
}

const shown = (person) => person.spans.filter((span) => span.button && !span.button.hidden);

function walk(event, person) {
  const here = person.spans.find((span) => span.button === document.activeElement);
  if (!here) return;
  const row = shown(person);
  const place = row.indexOf(here);
  const lanes = people.filter((other) => !other.lane.hidden && shown(other).length);
  const beside = lanes[lanes.indexOf(person) + (event.key === "ArrowDown" ? 1 : -1)];
  const nearest = (spans) => spans?.reduce((a, b) => (Math.abs(b.start - here.start) < Math.abs(a.start - here.start) ? b : a));
  const target = {
    ArrowRight: () => row[place + 1],
    ArrowLeft: () => row[place - 1],
    Home: () => row[0],
    End: () => row.at(-1),
    ArrowUp: () => nearest(beside && shown(beside)),
    ArrowDown: () => nearest(beside && shown(beside)),
  }[event.key];
  if (!target) return;
  event.preventDefault();
  event.stopPropagation();
  const span = target();
  if (!span) return;
  choose(span);
  span.button.focus();
}

// ---- table, filters, CSV -------------------------------------------------------------------
let everything = false;
const pressed = new Set();

function kept() {
  const who = byId("who").value;
  return segments.filter((span) => (who === "" || span.person === Number(who)) && (!pressed.size || pressed.has(span.action)));
}

function makeRow(span) {
  const start = make("button", { type: "button", textContent: clock(span.start), "aria-label": `Go to ${describe(span)}` });
  const cells = [people[span.person].name, span.name, start, clock(span.end), percent(span.score)];
  const row = make("tr", {}, ...cells.map((content) => make("td", {}, content)));
  row.children[0].title = people[span.person].name;
  row.children[1].title = span.name;
  row.children[1].prepend(make("i", { "--colour": span.colour }));
  row.addEventListener("click", () => go(span));
  return row;
}

function filter() {
  const left = new Set(kept());
  const who = byId("who").value;
  for (const person of people) {
    person.lane.hidden = who !== "" && person.place !== Number(who);
    for (const span of person.spans) if (span.button) span.button.hidden = !left.has(span);
    const row = shown(person);
    if (row.length && !row.some((span) => span.button.tabIndex === 0)) choose(row[0]);
  }
  for (const span of segments) span.row = null;
  const rows = [...left].slice(0, everything ? Infinity : PAGE).map((span) => (span.row = makeRow(span)));
  byId("rows").replaceChildren(...rows);
  byId("more").hidden = rows.length === left.size;
  byId("more").textContent = `Show all ${left.size}`;
  byId("count").textContent = left.size === segments.length ? `${segments.length}` : `${left.size} of ${segments.length}`;
  byId("actions").classList.toggle("choosing", pressed.size > 0);
  update();
}

function csv() {
  // Text that a spreadsheet would take for a formula gets an apostrophe in front.
  const cell = (value) => {
    const text = typeof value === "string" && /^[=+\-@＝＋－＠\t\r\n]/.test(value) && !/^-?\d+$/.test(value) ? `'${value}` : String(value ?? "");
    return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = kept().map((span) =>
    [people[span.person].name, span.name, span.start, span.end, span.first, span.last, span.score].map(cell).join(","));
  return ["person,action,start_s,end_s,first_frame,last_frame,score", ...lines, ""].join("\r\n");
}

function download() {
  const link = make("a", { download: data.title.replace(/(\.json|\.ndjson)?(\.gz)?$/, "") + ".csv" });
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- what changes with time ----------------------------------------------------------------
const PLAY = "M7 4.5v15l12.5-7.5z";
const PAUSE = "M6 4.5h4.2v15H6zM13.8 4.5H18v15h-4.2z";
let current = new Set();
let animating = false;
let player = null;

function update() {
  const time = player.time;
  tracks.style.setProperty("--at", share(time));
  const scrub = byId("scrub");
  scrub.value = time;
  scrub.setAttribute("aria-valuetext", clock(time - data.start));
  byId("clock").textContent = `${clock(time - data.start)} / ${clock(length)}`;
  byId("play").setAttribute("aria-label", player.paused ? "Play" : "Pause");
  byId("play-icon").setAttribute("d", player.paused ? PLAY : PAUSE);
  mark(people.map((person) => spanAt(person, time)).filter(Boolean));
  follow();
}

function mark(spans) {
  if (spans.length === current.size && spans.every((span) => current.has(span)) && spans.every((span) => !span.row || span.row.className)) return;
  for (const span of current) if (span.row) span.row.className = "";
  current = new Set(spans);
  for (const span of spans) if (span.row) span.row.className = "current";
  byId("now").replaceChildren(...spans.map((span) =>
    make("li", { "--colour": span.colour }, make("b", { textContent: people[span.person].name }), [span.name, percent(span.score)].filter(Boolean).join(" "))));
}

/** Keep the playhead in sight when the timeline is wider than the page. */
function follow() {
  const reel = tracks.parentElement;
  if (reel.scrollWidth <= reel.clientWidth) return;
  const at = byId("playhead").offsetLeft - reel.scrollLeft;
  const room = player.paused ? 0 : 0.1 * reel.clientWidth;
  if (at < room || at > reel.clientWidth - room) {
    reel.scrollTo({ left: byId("playhead").offsetLeft - 0.3 * reel.clientWidth, behavior: still ? "auto" : "smooth" });
  }
}

function changed() {
  if (!player) return;
  update();
  if (player.paused || animating) return;
  animating = true;
  requestAnimationFrame(function tick() {
    update();
    animating = !player.paused;
    if (animating) requestAnimationFrame(tick);
  });
}

// ---- put it together -----------------------------------------------------------------------
byId("about").textContent = [
  data.title, clock(length), `${data.frames} frames`,
  people.length === 1 ? "1 person" : `${people.length} persons`, data.producer && `poses: ${data.producer}`,
].filter(Boolean).join(" · ");
player = data.video ? videoPlayer(data.video) : skeletonPlayer(data.skeletons);
tracks.style.setProperty("--width", `max(100%, calc(var(--label) + ${Math.ceil(length * 4)}px))`);
byId("lanes").append(...people.map(makeLane));
byId("who").append(...people.map((person) => make("option", { value: person.place, textContent: person.name })));
byId("who-label").hidden = people.length < 2;
byId("actions").append(...data.actions.map(({ name, colour }, action) => {
  const chip = make("button", { className: "chip", type: "button", textContent: name, "aria-pressed": "false", "--colour": colour });
  chip.addEventListener("click", () => {
    if (!pressed.delete(action)) pressed.add(action);
    chip.setAttribute("aria-pressed", pressed.has(action));
    filter();
  });
  return chip;
}));
Object.assign(byId("scrub"), { min: data.start, max: data.end, step: "any" });
byId("scrub").addEventListener("input", (event) => seek(Number(event.target.value)));
byId("play").addEventListener("click", toggle);
byId("speed").addEventListener("change", (event) => { player.speed = Number(event.target.value); });
byId("who").addEventListener("change", filter);
byId("more").addEventListener("click", () => { everything = true; filter(); });
byId("download").addEventListener("click", download);
new ResizeObserver(drawTicks).observe(byId("ticks").parentElement);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("select, input");
  if (event.key === " " && !event.target.closest("button, select")) { event.preventDefault(); toggle(); }
  if (event.key === "," && !typing) { player.pause(); seek(player.time - frame); }
  if (event.key === "." && !typing) { player.pause(); seek(player.time + frame); }
});
filter();
