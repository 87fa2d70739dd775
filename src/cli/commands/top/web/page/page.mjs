// Shows the lines of /looks: a document each, as `tshuttle top --json` prints it. What comes of tunnels goes in as text, never as markup.

const TOKEN_KEY = 'token';
const RETRY_MS = 2_000;
/** A look takes longer where a process does not answer. */
const STALE_MS = 4_000;
/** How far charts go back. */
const WINDOW_MS = 120_000;
const MAX_SAMPLES = 300;
const CHART = { width: 240, height: 44, top: 3 };
/** Rows and destinations that are drawn; the filter finds the others. */
const MAX_ROWS = 200;
const MAX_NAMED = 3;
/** What was, and is over, is told for so long. */
const RECENT_MS = 60 * 60_000;

const HEALTH_WORDS = {
  up: 'all is well',
  connecting: 'connecting',
  'works-badly': 'works badly',
  'needs-you': 'needs you',
  down: 'not up',
};
const WORST_MARKS = { up: '●', connecting: '◐', 'works-badly': '!', 'needs-you': '○', down: '○' };

/** As `tshuttle status` writes them. */
function formatBytes(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function formatDuration(durationMs) {
  const seconds = Math.max(0, Math.round(durationMs / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min`;
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function formatRate(bytesPerSec) {
  return `${formatBytes(bytesPerSec)}/s`;
}

function formatRoundTrip(roundTripMs) {
  if (roundTripMs === null) return '';
  return `${roundTripMs < 10 ? roundTripMs.toFixed(1) : Math.round(roundTripMs)} ms`;
}

function countOf(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

/** The columns of the table: `wide` ones are left out where there is no room, others where they would say nothing. */
const COLUMNS = [
  { key: 'destination', head: 'Destination', kind: 'text name', show: nameOf },
  { key: 'program', head: 'Program', kind: 'text wide', show: programOf, isUsed: hasPrograms },
  { key: 'tunnel', head: 'Tunnel', kind: 'text wide', isUsed: ({ tunnels }) => tunnels.length > 1 },
  { key: 'originator', head: 'From', kind: 'text wide' },
  {
    key: 'stage',
    head: 'State',
    kind: 'text wide',
    show: ({ stage }) => (stage === 'held' ? 'waiting' : stage),
  },
  { key: 'ageMs', head: 'Age', show: ({ ageMs }) => formatDuration(ageMs) },
  ...[
    { key: 'bytesUp', head: 'Up', kind: 'wide' },
    { key: 'bytesDown', head: 'Down', kind: 'wide' },
    { key: 'upBytesPerSec', head: 'Up/s' },
    { key: 'downBytesPerSec', head: 'Down/s' },
  ].map((column) => ({ ...column, show: (flow) => formatBytes(flow[column.key]) })),
];

function programOf({ program }) {
  return program ? `${program.name} ${program.pid}` : '';
}

function hasPrograms({ flows }) {
  return flows.some(({ program }) => program !== undefined);
}

function nameOf({ destination, address }) {
  return address === null ? destination : `${destination} (${address})`;
}

/** The flows that the user wants to see, in the order that was chosen; without one as they come, those that move most first. */
function chosenFlows(flows, filter, order) {
  const wanted = filter.trim().toLowerCase();
  const found = flows.filter((flow) =>
    [nameOf(flow), programOf(flow), flow.originator, flow.tunnel, flow.stage].some((text) =>
      text.toLowerCase().includes(wanted),
    ),
  );
  if (order === undefined) return found;
  const { key, isDescending } = order;
  const sign = isDescending ? -1 : 1;
  const read = key === 'program' ? programOf : (flow) => flow[key];
  return found.sort((one, other) => {
    const [first, second] = [read(one), read(other)];
    if (first === second) return 0;
    return first < second ? -sign : sign;
  });
}

/** A line and the area below it, as paths; with a gap where nobody looked. */
function chartPaths(samples, nowMs, maximum) {
  const place = ({ atMs, value }) => {
    const x = CHART.width * (1 - (nowMs - atMs) / WINDOW_MS);
    const y = CHART.height - ((CHART.height - CHART.top) * value) / maximum;
    return { x: x.toFixed(1), y: y.toFixed(1) };
  };
  const runs = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const sample of samples) {
    if (sample.value !== null) {
      if (sample.atMs - lastMs > STALE_MS) runs.push([]);
      runs.at(-1).push(place(sample));
      lastMs = sample.atMs;
    }
  }
  const line = runs.map((run) => `M${run.map(({ x, y }) => `${x} ${y}`).join('L')}`);
  const area = runs.map(
    (run, index) => `M${run[0].x} ${CHART.height}L${line[index].slice(1)}L${run.at(-1).x} ${CHART.height}Z`,
  );
  return { line: line.join(''), area: area.join('') };
}

/** What is said below a tunnel's name, a line each. */
function factsOf({ status, captured, shares, name }) {
  const lines = [];
  if (status !== null) lines.push(status.bastion);
  if (captured !== null) lines.push(captured.replace(` through ${status?.bastion}`, ''));
  for (const { what, winner, loser } of shares) {
    const [other, which] = winner === name ? [loser, 'this one'] : [winner, 'that one'];
    lines.push(`shares ${what} with ${other}: ${which} gets the connections, since it was started last`);
  }
  const bastions = status?.bastions ?? [];
  const used = bastions.findIndex(({ isUsed }) => isUsed);
  if (used >= 0) {
    const others = bastions.filter(({ isUsed }) => !isUsed);
    const standing = others.map(({ bastion, lastError }) =>
      lastError === null ? `${bastion} stands by` : `${bastion} (${lastError})`,
    );
    lines.push(`bastion ${used + 1} of ${bastions.length}; ${standing.join('; ')}`);
  }
  return lines.join('\n');
}

function countersOf(status) {
  if (status === null) return '';
  const { flows, bytesUp, bytesDown, reconnects } = status;
  return [
    `${flows.now - flows.held} open`,
    ...(flows.held === 0 ? [] : [`${flows.held} waiting`]),
    `${countOf(flows.total, 'connection')} so far`,
    `${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down`,
    ...(reconnects === 0 ? [] : [`connected again ${countOf(reconnects, 'time')}`]),
  ].join(' · ');
}

function sinceOf({ status, word }, nowMs) {
  if (status === null) return word;
  const { state } = status;
  const isRetrying = state.kind === 'waiting' && state.for.kind === 'backoff';
  const retry = isRetrying ? `, next try in ${formatDuration(state.for.retryAtMs - nowMs)}` : '';
  return `${word} ${formatDuration(nowMs - state.sinceMs)}${retry}`;
}

/** What is wrong and worth knowing, as `tshuttle status` has it; failures that keep it from nothing have a place of their own. */
function toldOf(problems, nowMs) {
  const isRecent = ({ lastAtMs }) => lastAtMs === null || nowMs - lastAtMs < RECENT_MS;
  return problems.filter(
    (one) => one.level === 'problem' || (!['encryption', 'failures'].includes(one.kind) && isRecent(one)),
  );
}

/** Tunnels, names that are not up, and processes that do not answer: a card each. */
function cardsOf({ tunnels, down, silent, atMs }) {
  return [
    ...tunnels.map((tunnel) => ({
      key: `${tunnel.pid} ${tunnel.name}`,
      name: tunnel.name,
      mark: tunnel.mark,
      health: tunnel.health,
      word: sinceOf(tunnel, atMs),
      facts: factsOf(tunnel),
      counters: countersOf(tunnel.status),
      problems: toldOf(tunnel.problems, atMs),
      sample: {
        atMs,
        down: tunnel.downBytesPerSec,
        up: tunnel.upBytesPerSec,
        rtt: tunnel.status?.roundTripMs ?? null,
      },
    })),
    ...down.map((name) => ({
      ...{ key: `down ${name}`, name, mark: '○', health: 'down', word: 'not up', facts: '', counters: '' },
      problems: [{ level: 'note', what: 'It does not run.', remedy: `tshuttle up ${name}`, lastAtMs: null }],
    })),
    ...silent.map(({ path, pid, isOwn, reason }) => ({
      ...{
        key: `silent ${path}`,
        name: pid === undefined ? path : `process ${pid}`,
        facts: '',
        counters: '',
      },
      ...{ mark: isOwn ? '○' : '', health: isOwn ? 'needs-you' : '', word: 'does not answer' },
      problems: [
        { level: 'note', what: reason, remedy: isOwn ? 'tshuttle down --all' : null, lastAtMs: null },
      ],
    })),
  ];
}

function byId(id) {
  return document.getElementById(id);
}

function make(name, className, ...children) {
  const element = document.createElement(name);
  element.className = className;
  element.append(...children);
  return element;
}

function makeSvg(name, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setClass(element, className) {
  if (element.className !== className) element.className = className;
}

/** Has a parent show these parts, in this order, and no others; it moves only what stands elsewhere. */
function place(parent, roots) {
  roots.forEach((root, index) => {
    if (parent.children[index] !== root) parent.insertBefore(root, parent.children[index] ?? null);
  });
  while (parent.children.length > roots.length) parent.lastElementChild.remove();
}

/** Parts by their keys: made once, kept as long as their items are there. */
class Parts {
  #parts = new Map();
  #make;

  constructor(makePart) {
    this.#make = makePart;
  }

  /** @returns the part of each item, in the same order */
  of(items) {
    const kept = new Map(items.map(({ key }) => [key, this.#parts.get(key) ?? this.#make()]));
    this.#parts = kept;
    return items.map(({ key }) => kept.get(key));
  }
}

/** A chart of one value over the last two minutes. */
class Chart {
  #name;
  #format;
  #value = make('b', '');
  #peak = make('small', '');
  #line = makeSvg('path', {});
  #area = makeSvg('path', { class: 'area' });
  #svg = makeSvg(
    'svg',
    { viewBox: `0 0 ${CHART.width} ${CHART.height}`, preserveAspectRatio: 'none', role: 'img' },
    this.#area,
    this.#line,
  );
  root;

  constructor(id, name, format) {
    this.#name = name;
    this.#format = format;
    const caption = make('figcaption', '', make('span', '', name), this.#value);
    this.root = make('figure', `chart-${id}`, caption, this.#svg, this.#peak);
  }

  draw(samples, nowMs) {
    const values = samples.flatMap(({ value }) => (value === null ? [] : [value]));
    const peak = Math.max(0, ...values);
    const { line, area } = chartPaths(samples, nowMs, peak || 1);
    this.#line.setAttribute('d', line);
    this.#area.setAttribute('d', area);
    const latest = samples.at(-1)?.value ?? null;
    const value = latest === null ? '' : this.#format(latest);
    setText(this.#value, value);
    setText(this.#peak, values.length === 0 ? 'not measured' : `peak ${this.#format(peak)}`);
    this.#svg.setAttribute(
      'aria-label',
      `${this.#name} in the last 2 minutes: now ${value}, peak ${this.#format(peak)}`,
    );
  }
}

/** What shows a tunnel. */
class Card {
  #mark = make('span', 'mark');
  #name = make('span', '');
  #word = make('span', 'word');
  #facts = make('p', 'quiet facts');
  #problems = make('ul', 'problems');
  #counters = make('p', 'quiet counters');
  #charts = [
    { id: 'down', chart: new Chart('down', 'down', formatRate) },
    { id: 'up', chart: new Chart('up', 'up', formatRate) },
    { id: 'rtt', chart: new Chart('rtt', 'round trip', formatRoundTrip) },
  ];
  #chartBox = make('div', 'charts', ...this.#charts.map(({ chart }) => chart.root));
  #samples = [];
  root = make(
    'article',
    '',
    make('h2', '', this.#mark, this.#name, this.#word),
    this.#facts,
    this.#chartBox,
    this.#problems,
    this.#counters,
  );

  show({ name, mark, health, word, facts, counters, problems, sample }, nowMs) {
    setClass(this.root, health);
    setText(this.#mark, mark);
    setText(this.#name, name);
    setText(this.#word, word);
    setText(this.#facts, facts);
    setText(this.#counters, counters);
    showProblems(this.#problems, problems, nowMs);
    this.#chartBox.hidden = sample === undefined;
    if (sample === undefined) return;
    this.#samples.push(sample);
    while (nowMs - this.#samples[0].atMs > WINDOW_MS || this.#samples.length > MAX_SAMPLES)
      this.#samples.shift();
    for (const { id, chart } of this.#charts)
      chart.draw(
        this.#samples.map(({ atMs, [id]: value }) => ({ atMs, value })),
        nowMs,
      );
  }
}

function showProblems(list, problems, nowMs) {
  const items = problems.map(({ level, what, remedy, lastAtMs }) => {
    const age = lastAtMs === null ? '' : ` (${formatDuration(nowMs - lastAtMs)} ago)`;
    const item = make('li', level, `${what}${age}`);
    if (remedy !== null) item.append(make('span', 'remedy', remedy));
    return item;
  });
  const isSame =
    items.length === list.children.length && items.every((item, at) => item.isEqualNode(list.children[at]));
  if (!isSame) list.replaceChildren(...items);
}

function showFailures({ failures, totals, tunnels, atMs }) {
  byId('failed').hidden = failures.length === 0;
  setText(byId('failure-count'), totals.failures.toLocaleString('en'));
  const items = failures.map(({ tunnel, count, what, lastAtMs, lastDestination, destinations, remedy }) => {
    const item = make('li', '', make('b', '', `${countOf(count, 'connection')} ${what}`));
    const where = tunnels.length > 1 ? `${tunnel}, ` : '';
    item.append(' ', make('span', 'quiet age', `${where}${formatDuration(atMs - lastAtMs)} ago`));
    const named = destinations
      .slice(0, MAX_NAMED)
      .map((one) => `${one.destination}${one.count > 1 ? ` ×${one.count}` : ''}`);
    if (named.length === 0 && lastDestination !== null) named.push(lastDestination);
    const others = destinations.length - named.length;
    if (others > 0) named.push(`and ${others} more`);
    if (named.length > 0) item.append(make('div', '', named.join(', ')));
    if (destinations.length > 0) item.append(make('div', 'quiet', destinations[0].why));
    if (remedy !== null) item.append(make('span', 'remedy', remedy));
    return item;
  });
  byId('failures').replaceChildren(...items);
}

/** The table of flows: rows are used again. */
class FlowTable {
  #order;
  #shown;
  #rows = [];
  #heads = COLUMNS.map(({ key, head, kind = '' }) => {
    const button = make('button', '', head);
    button.type = 'button';
    button.addEventListener('click', () => this.#sortBy(key));
    const cell = make('th', kind.replace('name', ''), button);
    cell.scope = 'col';
    return cell;
  });

  constructor() {
    byId('heads').append(...this.#heads);
    byId('filter').addEventListener('input', () => this.#draw());
  }

  show(look) {
    this.#shown = look;
    byId('flowing').hidden = look.totals.flows === 0 && look.flows.length === 0;
    this.#draw();
  }

  #sortBy(key) {
    const isText = COLUMNS.find((column) => column.key === key).kind?.includes('text') ?? false;
    const isDescending = this.#order?.key === key ? !this.#order.isDescending : !isText;
    this.#order = { key, isDescending };
    COLUMNS.forEach((column, index) => {
      if (column.key === key)
        this.#heads[index].setAttribute('aria-sort', isDescending ? 'descending' : 'ascending');
      else this.#heads[index].removeAttribute('aria-sort');
    });
    this.#draw();
  }

  #draw() {
    if (this.#shown === undefined) return;
    const { flows, totals } = this.#shown;
    const filter = byId('filter').value;
    const chosen = chosenFlows(flows, filter, this.#order);
    const drawn = chosen.slice(0, MAX_ROWS);
    const isHidden = COLUMNS.map(({ isUsed }) => isUsed !== undefined && !isUsed(this.#shown));
    for (const [index, head] of this.#heads.entries()) head.hidden = isHidden[index];
    while (this.#rows.length < drawn.length) this.#rows.push(makeRow());
    for (const [index, flow] of drawn.entries()) showRow(this.#rows[index], flow, isHidden);
    place(
      byId('flows'),
      drawn.map((_, index) => this.#rows[index].root),
    );
    setText(byId('flow-count'), totals.flows.toLocaleString('en'));
    const untold =
      totals.flows > flows.length
        ? `; of ${totals.flows.toLocaleString('en')} the ${flows.length} that move most`
        : '';
    const left = chosen.length - drawn.length;
    const none = drawn.length === 0 && filter !== '' ? 'None of them.' : '';
    setText(byId('more'), left > 0 || untold !== '' ? `${left} more${untold}` : none);
  }
}

function makeRow() {
  const cells = COLUMNS.map(({ kind = '' }) => make('td', kind));
  return { root: make('tr', '', ...cells), cells };
}

function showRow({ cells }, flow, isHidden) {
  COLUMNS.forEach(({ key, kind = '', show }, index) => {
    const cell = cells[index];
    setText(cell, show === undefined ? flow[key] : show(flow));
    cell.hidden = isHidden[index];
    if (key === 'destination') cell.title = cell.textContent;
    if (key === 'stage') setClass(cell, flow.stage === 'open' ? kind : `${kind} waits`);
    if (key.endsWith('PerSec')) setClass(cell, flow[key] > 0 ? 'moves' : 'quiet');
  });
}

/** All of a look. */
class View {
  #cards = new Parts(() => new Card());
  #flows = new FlowTable();

  show(look) {
    const { totals, health, atMs } = look;
    const cards = cardsOf(look);
    const parts = this.#cards.of(cards);
    for (const [index, card] of cards.entries()) parts[index].show(card, atMs);
    place(
      byId('tunnels'),
      parts.map(({ root }) => root),
    );
    byId('nothing').hidden = cards.length > 0;
    byId('totals').hidden = totals.tunnels === 0;
    setText(byId('health'), cards.length === 0 ? '' : `${WORST_MARKS[health]} ${HEALTH_WORDS[health]}`);
    setClass(byId('health'), `tone ${health}`);
    document.title = `${WORST_MARKS[health]} tshuttle`;
    setText(byId('total-down'), formatRate(totals.downBytesPerSec));
    setText(byId('total-up'), formatRate(totals.upBytesPerSec));
    setText(byId('total-flows'), totals.flows.toLocaleString('en'));
    setText(byId('total-bytes'), `${formatBytes(totals.bytesDown)} down, ${formatBytes(totals.bytesUp)} up`);
    showFailures(look);
    this.#flows.show(look);
  }
}

function notice(text) {
  setText(byId('notice'), text);
  byId('notice').hidden = text === '';
}

/** Takes the token out of the address bar; a reload finds it again. */
function takeToken() {
  const given = location.hash.slice(1);
  if (given !== '') {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(TOKEN_KEY);
}

/** Has each look told until the server ends it. @returns why it cannot be, and another try would not help */
async function follow(token, signal, onLook) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch('/looks', { headers, cache: 'no-store', signal });
  if (response.status === 403)
    return 'This address is not valid any more: open the one that tshuttle top --web has printed last.';
  if (!response.ok) return await response.text();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return undefined;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) onLook(JSON.parse(line));
  }
}

/** Follows while the page is to be seen, and tries again when it was lost. */
class Follower {
  #view = new View();
  #current;
  #retry;
  #lastAtMs = 0;

  constructor() {
    document.addEventListener('visibilitychange', () => this.start());
    addEventListener('hashchange', () => this.start());
    setInterval(() => this.#checkAge(), 1_000);
    this.start();
  }

  start() {
    this.#current?.abort();
    this.#current = undefined;
    clearTimeout(this.#retry);
    const token = takeToken();
    if (token === null)
      notice('This page needs the whole address that tshuttle top --web has printed, with what is behind #.');
    else if (!document.hidden) void this.#follow(token);
  }

  async #follow(token) {
    const current = new AbortController();
    this.#current = current;
    this.#lastAtMs = performance.now();
    let why;
    try {
      why = await follow(token, current.signal, (look) => this.#show(look));
    } catch {
      // Told below, and tried again; or it is to end.
    }
    if (current.signal.aborted) return;
    this.#current = undefined;
    notice(
      why ??
        'tshuttle top --web does not answer. Where it has ended, start it again, and open the address that it prints.',
    );
    if (why === undefined) this.#retry = setTimeout(() => this.start(), RETRY_MS);
  }

  #show(look) {
    this.#lastAtMs = performance.now();
    if (look.error !== undefined) return notice(`Cannot look at the tunnels: ${look.error}`);
    notice('');
    this.#view.show(look);
  }

  #checkAge() {
    const ageMs = performance.now() - this.#lastAtMs;
    if (this.#current !== undefined && ageMs > STALE_MS)
      notice(
        `The last look was ${formatDuration(ageMs)} ago: a process does not answer, or this machine is busy.`,
      );
  }
}

if (typeof document !== 'undefined') new Follower();
